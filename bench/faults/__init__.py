"""Runs under fault: a scratch platform whose workers die at named points."""
