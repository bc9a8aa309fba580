"""Previews: one environment for each pull request, from its opening to its end."""
