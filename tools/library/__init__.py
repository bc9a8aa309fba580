"""Development and sample images: made from Debian packages and served by a local registry. They are not part of the platform."""
