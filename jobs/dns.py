"""DNS of this host: whether its names need records, what they point to, and who can write them."""

from __future__ import annotations

import socket

from forges.addresses import parsed, public
from jobs.settings import Settings
from stacks.errors import PortwrightError
from stacks.routes import is_local
from zones.cloudflare.api import Api
from zones.cloudflare.provider import Cloudflare

TOKEN = "cloudflare-token"
SECONDS = 10.0


def needs_records(settings: Settings) -> bool:
    """Whether others look the host's domain up; names of this machine's own need none."""
    return "." in settings.domain and not is_local(settings.domain)


def own_addresses(settings: Settings) -> list[str]:
    """As they are set, else the public one that is seen here; none where there is no such."""
    given = list(filter(None, settings.addresses.split(",")))
    return given or list(filter(None, [seen_address()]))


def seen_address() -> str:
    """The public address that this host sends from; '' where it has none. Sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("192.0.2.1", 53))  # RFC 5737: nobody's
            found = parsed(out.getsockname()[0])
    except OSError:
        return ""
    return str(found) if found and public(found) else ""


def has_token(settings: Settings) -> bool:
    return (settings.home / "keys" / TOKEN).is_file()


def cloudflare(settings: Settings) -> Cloudflare:
    """Raises PortwrightError where no token is kept, or it is none."""
    if not has_token(settings):
        raise PortwrightError(
            "no token of Cloudflare is kept",
            remedy=f"write one to {settings.home / 'keys' / TOKEN}, readable by root only",
            path="token",
        )
    api = Api(settings.key(TOKEN), url=settings.dns_api)
    api.client.timeout = SECONDS
    return Cloudflare(api, settings.instance, [settings.domain])
