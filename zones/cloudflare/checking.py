"""Whether a token does what it is needed for: it works, it sees the zone, it may write there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zones.cloudflare.answers import RIGHTS, Refused
from zones.cloudflare.api import Api
from zones.cloudflare.lookup import Lookup
from zones.provider import Checked


def checked(
    api: Api, lookup: Lookup, domains: Sequence[str], try_writing: Callable[[str], None]
) -> Checked:
    """try_writing: writes something under a domain and takes it away again. A zone's own
    `permissions` would not do: they tell of the user, not of the token (the API's reference
    calls them legacy). Raises PortwrightError where Cloudflare can't be asked."""
    status = token_status(api)
    if status in ("disabled", "expired"):
        return Checked(False, f"the API token is {status}", RIGHTS)
    for domain in domains:
        try:
            zone = lookup.zone(domain)
        except Refused as error:
            if error.unauthorized and not status:
                return Checked(False, "Cloudflare does not know this API token", RIGHTS)
            raise
        if zone.get("status") != "active":
            servers = ", ".join(str(each) for each in zone.get("name_servers") or [])
            return Checked(
                False,
                f"Cloudflare does not answer for {zone.get('name')} yet ({zone.get('status')})",
                f"set its name servers at your registrar: {servers}",
            )
        try:
            try_writing(domain)
        except Refused as error:
            if error.unauthorized:
                return Checked(False, f"the token may not edit DNS of {domain}", RIGHTS)
            raise
    return Checked(True, f"records of {', '.join(domains)} can be written")


def token_status(api: Api) -> str:
    """active, disabled or expired; empty for a token that belongs to an account and not to a
    user, which this address refuses though the token works."""
    try:
        answer = api.call("GET", "/user/tokens/verify")
    except Refused:
        return ""
    return str((answer.get("result") or {}).get("status"))
