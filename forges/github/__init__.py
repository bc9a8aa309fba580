"""GitHub, github.com and Enterprise Server."""
