"""Keeping all that a host can't make again: copies of the database, backups, restoring them."""
