"""Images from a checkout, by BuildKit in a container of the project's own. Knows no database and no queue."""
