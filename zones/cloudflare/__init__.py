"""Cloudflare as a provider: provider over zones and api; answers and wire say what crosses the wire."""
