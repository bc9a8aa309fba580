"""Machines that projects are placed on: reached over SSH with pinned keys (docs/decisions/0020)."""
