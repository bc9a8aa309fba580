"""HTTP to hosts that a person or a hook named: guarded addresses, small answers, wary redirects.

Hooks' and forges' addresses come from outside; so does whatever they answer.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from forges.addresses import Guard
from forges.hops import checked, headers_there, joined, refuse_hop
from forges.reading import Node, parse
from forges.transport import GuardedTransport, trusted, unreachable
from stacks.errors import PortwrightError

TIMEOUT = 10.0
LONGEST = 30.0
MOST_BYTES = 2 * 1024 * 1024
MOST_REDIRECTS = 3
DEFAULT_HEADERS = {
    "Accept": "application/json",
    # What is packed could grow beyond the cap at once.
    "Accept-Encoding": "identity",
    "User-Agent": "Portwright",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Node:
        """Raises PortwrightError where the body is no JSON."""
        return parse(self.body or b"null")


class Fetcher:
    """One request, one answer.

    verify: which certificates are trusted (default: this system's and Mozilla's). timeout:
    seconds for the connection and for each part; longest: for the whole body.
    """

    def __init__(
        self,
        guard: Guard,
        verify: ssl.SSLContext | None = None,
        *,
        timeout: float = TIMEOUT,
        longest: float = LONGEST,
    ) -> None:
        self.guard = guard
        self.verify = verify or trusted()
        self.timeout, self.longest = timeout, longest

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> Answer:
        """Follows up to three redirects of one host, of a GET also to others, then without credentials.

        Raises PortwrightError for an address that is refused or an answer over 2 MiB,
        Unreachable where there is no answer.
        """
        sent = {**DEFAULT_HEADERS, **(headers or {})}
        where = checked(url)
        for _ in range(MOST_REDIRECTS + 1):
            answer = self.once(method, where, sent, json)
            target = answer.headers.get("location") if 300 < answer.status < 400 else None
            if target is None:
                return answer
            following = checked(str(joined(where, target)))
            sent = headers_there(where, following, sent)
            refuse_hop(method, answer.status, where, following)
            where = following
        raise PortwrightError(
            f"it redirects more than {MOST_REDIRECTS} times",
            remedy="use the address that it leads to",
            path="address",
        )

    def once(self, method: str, url: httpx.URL, headers: Mapping[str, str], json: object) -> Answer:
        try:
            with (
                httpx.Client(
                    transport=GuardedTransport(self.guard, self.verify),
                    trust_env=False,
                    timeout=self.timeout,
                ) as client,
                client.stream(method, url, headers=dict(headers), json=json) as response,
            ):
                return Answer(response.status_code, response.headers, read(response, self.longest))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise unreachable(url.host, error) from None


def read(response: httpx.Response, longest: float) -> bytes:
    until, body = time.monotonic() + longest, b""
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > until:
            raise PortwrightError(
                f"the answer is over {MOST_BYTES} bytes or takes over {longest:g} s",
                remedy="check that this is the address of a forge's API",
                path="address",
            )
    if response.headers.get("content-encoding", "identity") != "identity":
        raise PortwrightError(
            "the answer is packed though it was not to be",
            remedy="check what stands between this server and the forge",
            path="address",
        )
    return body
