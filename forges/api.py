"""One forge's API at one address: calls with credentials, refusals in words, lists page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from forges.errors import Answered, Later
from forges.fetch import Answer, Fetcher
from forges.limits import wait
from forges.reading import Node
from stacks.errors import PortwrightError

URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~-]+)*/?")
MOST_PAGES = 25
HIDDEN = "***"


class Api:
    """credentials: headers of a call, made anew for each. rights: what a token needs, as a remedy."""

    def __init__(
        self,
        url: str,
        fetcher: Fetcher,
        credentials: Callable[[], Mapping[str, str]],
        rights: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not URL.fullmatch(url) or "/../" in f"{url}/" or "/./" in f"{url}/":
            raise PortwrightError(
                f"{url[:100]!r} is no address of an API",
                remedy="give https://host/path, without name or password in it",
                path="api_url",
            )
        self.url = url.rstrip("/")
        self.fetcher = fetcher
        self.credentials = credentials
        self.rights = rights
        self.headers = dict(headers or {})

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """A 2xx answer. Raises Answered for another one, Later where it is to be asked again."""
        credentials = self.credentials()
        headers = {**self.headers, **credentials}
        answer = self.fetcher.request(method, f"{self.url}{path}", headers=headers, json=body)
        patience = wait(answer.status, answer.headers)
        if patience is not None:
            raise Later(patience, answer.status)
        if not 200 <= answer.status < 300:
            raise refusal(answer, hide(said(answer), credentials.values()), self.rights)
        return answer

    def read(self, method: str, path: str, body: object = None) -> Node:
        return self.call(method, path, body).json()

    def gone(self, path: str) -> None:
        """Delete what may be deleted already."""
        try:
            self.call("DELETE", path)
        except Answered as answered:
            if answered.status not in (404, 410):
                raise

    def pages(self, path: str, below: str = "", **query: str | int) -> Iterator[Node]:
        """The items of a list, of up to 25 pages; the first empty one ends it. below: where in the answer it is."""
        for page in range(1, MOST_PAGES + 1):
            given = "&".join(f"{name}={value}" for name, value in {**query, "page": page}.items())
            told = self.read("GET", f"{path}?{given}")
            items = (told.at(below) if below else told).items()
            yield from items
            if not items:
                return


def said(answer: Answer) -> str:
    """The forge's own words, short; '' where there are none."""
    try:
        body = answer.json()
        told = [body.at(name).value for name in ("message", "error_description", "error")]
        inner = body.at("error.message").value if isinstance(told[2], dict) else None
    except PortwrightError:
        return ""
    words = next((each for each in (*told, inner) if isinstance(each, str) and each), "")
    return Node(words).text(200)


def hide(words: str, credentials: Iterable[str]) -> str:
    """Without credentials, should the forge repeat them."""
    for value in credentials:
        for part in value.split(" "):
            if len(part) > 7:
                words = words.replace(part, HIDDEN)
    return words


def refusal(answer: Answer, words: str, rights: str) -> Answered:
    status = answer.status
    if status == 401:
        problem, remedy = "the forge does not take the token", f"make a new one; {rights}"
    elif status == 403:
        problem, remedy = "the token may not do this", rights
    elif status in (404, 410):
        problem = "it is not there, or not visible to the token"
        remedy = f"check the repository's name and the API's address; {rights}"
    else:
        problem, remedy = f"the forge answers {status}", "see what it says, then try again"
    return Answered(
        status, f"{problem}: {words}" if words else problem, remedy=remedy, path="forge"
    )
