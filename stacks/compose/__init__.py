"""A Compose file becomes a project file, with a report of what was kept, changed and refused.

Source: the Compose Specification (https://compose-spec.io). Its own library is Go's; no kept
Python one reads today's format, so this reads it, strictly, and says what it does not know.
"""
