"""Cloudflare's API, version 4: one request at a time, its errors in words.

Built from Cloudflare's published pages, for the real one is not within reach of the tests:
developers.cloudflare.com/api (user/tokens/verify, zones, dns/records) and
developers.cloudflare.com/fundamentals/api/reference/limits (429 and Retry-After).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from stacks.errors import PortwrightError
from zones.cloudflare.answers import envelope, retry_after
from zones.provider import Away

URL = "https://api.cloudflare.com/client/v4"
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
# /zones gives at most 50 at once.
PAGE = 50
TRIES = 4
PATIENCE = 60.0


class Api:
    """token: a bearer token; it is in no message, repr or log. sleep: seconds."""

    def __init__(
        self, token: str, *, url: str = URL, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if not TOKEN.fullmatch(token):
            raise PortwrightError(
                "is no API token of Cloudflare",
                remedy="copy the token again: letters, digits, - and _ only, without quotes",
                path="token",
            )
        self.token = token
        self.sleep = sleep
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=url, headers=headers, timeout=20.0)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *failure: object) -> None:
        self.client.close()

    def all(self, path: str, **params: str) -> Iterator[dict[str, Any]]:
        """Every result of a list, page after page."""
        page = 1
        while True:
            paging = {**params, "page": str(page), "per_page": str(PAGE)}
            answer = self.call("GET", path, params=paging)
            found = answer.get("result") or []
            yield from found
            pages = (answer.get("result_info") or {}).get("total_pages")
            if not found or (page >= pages if isinstance(pages, int) else len(found) < PAGE):
                return
            page += 1

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The answer's envelope. Waits where it is asked to (429), tries again where Cloudflare
        or the network fails; raises Away then, Refused where the answer is no."""
        waited = 0.0
        trouble = ""
        for attempt in range(TRIES):
            response = self.send(method, path, params, body)
            if isinstance(response, httpx.Response) and response.status_code < 500:
                if response.status_code != 429:
                    return envelope(response, self.token)
                pause = retry_after(response)
                trouble = f"it allows no more requests for {pause:.0f} s"
            else:
                pause = 0.5 * 2**attempt
                trouble = response if isinstance(response, str) else f"HTTP {response.status_code}"
            waited += pause
            if waited > PATIENCE or attempt == TRIES - 1:
                break
            self.sleep(pause)
        raise Away(
            f"Cloudflare does not answer: {trouble}",
            remedy="try again later; what was not done yet is done then",
            path="dns",
        )

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> httpx.Response | str:
        """The response, or what went wrong. httpx's own error holds the request with the token
        and must not travel on."""
        try:
            return self.client.request(method, path, params=params, json=body)
        except httpx.RequestError as error:
            return f"the network: {type(error).__name__}"
