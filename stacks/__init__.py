"""The core: a project file becomes a frozen Spec, resources, a Plan, a running stack.

Knows neither the web, the queue nor the database.
"""
