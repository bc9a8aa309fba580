"""What the forge is told: a state at each commit, and one comment at each pull request.

Nothing is sent from where it happens. What should stand there follows from the database, and
what differs from what was told last is told: a forge that was away misses nothing.
"""
