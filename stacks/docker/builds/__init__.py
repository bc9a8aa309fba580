"""Build images from a checkout, by BuildKit."""
