"""https for large files: to the address that the guard gave, without redirects or a proxy."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

from jobs.source.access import Access, Resolve
from jobs.source.address import WEB
from jobs.source.lfs_server import failure

MOST_ANSWER = 4 << 20
SECONDS = 60.0


class Web:
    """Open it around its use. Every address is resolved by the guard, and connected to as such."""

    def __init__(self, access: Access, resolve: Resolve) -> None:
        trusted = ssl.create_default_context(cadata=access.certificates or None)
        self.resolve = resolve
        self.client = httpx.Client(
            verify=trusted, trust_env=False, follow_redirects=False, timeout=SECONDS
        )

    def __enter__(self) -> Web:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

    @contextlib.contextmanager
    def open(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None = None
    ) -> Iterator[httpx.Response]:
        """Raises PortwrightError; it names the host and not the address, which may hold a token."""
        try:
            url = httpx.URL(address)
            if not WEB.fullmatch(f"{url.scheme}://{url.netloc.decode()}/x") or url.userinfo:
                raise failure("the server names an address that is not used")
            ip = self.resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
            request = self.client.build_request(
                method, url.copy_with(host=ip), content=body,
                headers={**headers, "Host": url.netloc.decode()}, extensions={"sni_hostname": url.host},
            )  # fmt: skip
            response = self.client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise failure(f"the server can't be reached ({type(error).__name__})") from None
        try:
            if response.status_code != 200:
                raise failure(f"{url.host} answers {response.status_code}")
            yield response
        except httpx.HTTPError as error:
            raise failure(f"{url.host} stopped sending ({type(error).__name__})") from None
        finally:
            response.close()

    def ask(self, address: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """Send JSON, return JSON."""
        with self.open("POST", address, headers, json.dumps(body).encode()) as response:
            said = b""
            for piece in response.iter_bytes():
                said += piece
                if len(said) > MOST_ANSWER:
                    raise failure("the server's answer has no end")
        try:
            found = json.loads(said)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise failure("what answers there is no LFS server")
        return found

    def stream(self, address: str, headers: dict[str, str]) -> Iterator[bytes]:
        with self.open("GET", address, headers) as response:
            yield from response.iter_raw()
