"""What Portwright knows of git forges: what their hooks say, who signed it, and their API.

Pure code and HTTP: knows neither the web, the queue, the database nor a project.
"""
