"""The settings as variables, for processes that must see the same ones."""

from __future__ import annotations

from jobs.settings import Settings


def environment(settings: Settings) -> dict[str, str]:
    """Every PORTWRIGHT_* variable with its value."""
    return {
        "PORTWRIGHT_HOME": str(settings.home),
        "PORTWRIGHT_CACHE": str(settings.cache),
        "PORTWRIGHT_INSTANCE": settings.instance,
        "PORTWRIGHT_BIND": settings.bind,
        "PORTWRIGHT_PORTAL_PORT": str(settings.portal_port),
        "PORTWRIGHT_HTTP_PORT": str(settings.http_port),
        "PORTWRIGHT_TRAEFIK_PORT": str(settings.traefik_port),
        "PORTWRIGHT_DATABASE": settings.database,
        "PORTWRIGHT_INSTALL": settings.install,
        "PORTWRIGHT_IMAGES": settings.images,
    }


def listen(address: str, port: int) -> str:
    """ADDRESS:PORT as a server takes it; an IPv6 address stands in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
