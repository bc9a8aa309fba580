"""From one URL to the next: what may be asked, which redirects are followed, who gets credentials."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from stacks.errors import PortwrightError

SAFE_HEADERS = frozenset({"accept", "accept-encoding", "user-agent"})


def checked(url: str) -> httpx.URL:
    """http or https with a host and no credentials."""
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        found = httpx.URL("")
    port_is_good = found.port is None or 0 < found.port < 65536
    usable = found.host and not found.userinfo and port_is_good
    if found.scheme not in ("http", "https") or not usable:
        raise PortwrightError(
            "that is no address that can be asked",
            remedy="give https://host/path, without name or password in it",
            path="address",
        )
    return found


def joined(base: httpx.URL, target: str) -> httpx.URL:
    try:
        return base.join(target)
    except (httpx.InvalidURL, ValueError):
        return httpx.URL("")


def same_host(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port)


def refuse_hop(method: str, status: int, here: httpx.URL, there: httpx.URL) -> None:
    """Never from https to http; what changes something only on the same host, and repeated as it was (RFC 9110)."""
    insecure = here.scheme == "https" and there.scheme != "https"
    changes = method != "GET" and not (same_host(here, there) and status in (307, 308))
    if insecure or changes:
        raise PortwrightError(
            f"it redirects to {there.scheme}://{there.host[:100]}, which is not followed",
            remedy="use the address that it leads to",
            path="address",
        )


def headers_there(here: httpx.URL, there: httpx.URL, sent: Mapping[str, str]) -> dict[str, str]:
    """Another host gets no credentials, whatever header they are in."""
    same = same_host(here, there)
    return {name: value for name, value in sent.items() if same or name.lower() in SAFE_HEADERS}
