"""What runs: the database's tables, Runs, Releases and the worker. Knows nothing of pages."""
