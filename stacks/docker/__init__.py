"""The Docker engine of a host: images, builds, live state. Knows Specs, but no database and no web."""
