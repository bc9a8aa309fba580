"""Images by name: what a registry gave to a project, and never what merely lies on the host. Knows no database."""
