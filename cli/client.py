"""The portal's JSON API over HTTP. Every failure comes out as a cause and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cli import config
from cli.errors import Failure

TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True)
class LogPiece:
    """Lines of a log, where to go on, and the run's state before they were read."""

    text: str
    next: int
    state: str


class Client:
    """A server and a token (empty before login)."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT)
        except (httpx.InvalidURL, ValueError):
            raise bad_url(url) from None

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **more)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise bad_url(self.url) from None
        except httpx.TimeoutException:
            raise Failure(
                f"{self.url} did not answer in time", "look whether the server is well"
            ) from None
        except httpx.HTTPError as error:
            raise Failure(
                f"{self.url} can't be reached: {error}",
                "check the address, and whether the portal runs there",
            ) from None
        if response.is_success:
            return response
        raise refusal(self.url, response)

    def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        response = self.send(method, path, **more)
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise no_portwright(self.url)
        return content

    def text(self, path: str, params: dict[str, str] | None = None) -> str:
        return self.send("GET", path, params=params).text

    def log(self, run: int, offset: int) -> LogPiece:
        response = self.send("GET", f"/api/runs/{run}/log", params={"offset": offset})
        head = response.headers
        if not head.get("X-Next-Offset", "").isdecimal():
            raise no_portwright(self.url)
        return LogPiece(response.text, int(head["X-Next-Offset"]), head.get("X-Run-State", ""))


def project_path(name: str, *rest: str) -> str:
    """An address below a project, whatever characters were typed as its name."""
    return "/".join(["/api/projects", *(quote(part, safe="") for part in (name, *rest))])


def connect() -> Client:
    """The client of the server that login remembered."""
    known = config.load()
    return Client(known.url, known.token)


def refusal(url: str, response: httpx.Response) -> Failure:
    try:
        error = response.json()["error"]
        message, remedy = str(error["message"]), str(error["remedy"])
        path = str(error.get("path") or "")
    except (ValueError, KeyError, TypeError):
        return no_portwright(url, response.status_code)
    if response.status_code == 401 and not response.request.url.path.endswith("/api/login"):
        return Failure(f"{url} does not know your token", f"run portwright login {url}")
    return Failure(message, remedy, path)


def bad_url(url: str) -> Failure:
    return Failure(f"{url!r} is no address of a server", "give it as http://host:port")


def no_portwright(url: str, status: int = 200) -> Failure:
    return Failure(
        f"{url} answered with HTTP {status}, but not as Portwright does",
        "check the address; a proxy in between may be in the way",
    )
