"""DNS records of previews and projects: which are wanted, who makes them, whether they answer.

Knows neither the web, the queue, the database nor Docker. It is not called `dns`, which is
dnspython's name.
"""
