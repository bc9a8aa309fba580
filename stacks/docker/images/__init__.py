"""Images: where they come from (registry, mirror, local recipe), and what ID a name stands for."""
