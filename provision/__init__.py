"""Converging a host with pyinfra. Knows nothing of projects.

pyinfra is imported in the process of `provision.converge` only.
"""
