"""A stand-in for Cloudflare with one zone and one token, and a small name server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cloudflare_standin import StandIn, Token
from nameserver import NameServer

from zones.cloudflare.api import Api
from zones.cloudflare.provider import Cloudflare

SECRET = "tok-3nLx_pVt9QwZr7YbKc2MhGd5"


@pytest.fixture
def standin() -> Iterator[StandIn]:
    server = StandIn()
    server.add_zone("example.com")
    server.tokens[SECRET] = Token()
    yield server
    server.close()


@pytest.fixture
def waits() -> list[float]:
    """The pauses that were made, in seconds, in no time."""
    return []


@pytest.fixture
def provider(standin: StandIn, waits: list[float]) -> Iterator[Cloudflare]:
    with Api(SECRET, url=standin.url, sleep=waits.append) as api:
        yield Cloudflare(api, "pw", ["example.com"])


@pytest.fixture
def nameserver() -> Iterator[Callable[..., NameServer]]:
    """Call it with the zone's rows."""
    started: list[NameServer] = []

    def start(*rows: str, **habits: str) -> NameServer:
        started.append(NameServer(rows, **habits))
        return started[-1]

    yield start
    for server in started:
        server.close()
