"""JSON of others, read field by field: a value of the right type and size, or an error with its path."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from stacks.errors import PortwrightError
from stacks.names import HTTP_REPOSITORY, check_ref

REMEDY = "let the forge send it as its documentation says, or choose the kind of forge that it is"
SHA = re.compile(r"[0-9a-f]{40}")
# Bitbucket tells the commits of pull requests by their first 12 digits.
SHORT_SHA = re.compile(r"[0-9a-f]{7,40}")
FULL_NAME = re.compile(r"(?!-)(?!\.{1,2}/)[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)+")
WEB_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*)?")
IDENTITY = re.compile(r"[0-9]{1,19}|\{[0-9a-f-]{1,40}\}")
LONGEST_NUMBER = 2**53
MOST_ITEMS = 20_000
# Control characters but tab and line ends; lone surrogates can't be stored as UTF-8.
UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Node:
    """A value and where it is, such as `pull_request.head.sha`. What is absent is None."""

    value: object
    path: str = ""

    def at(self, path: str) -> Node:
        """The value below, by names with dots between; absent where any on the way is."""
        node = self
        for name in path.split("."):
            inner = node.value
            if inner is not None and not isinstance(inner, dict):
                raise node.wrong("is no object")
            below = f"{node.path}.{name}" if node.path else name
            node = Node(inner.get(name) if inner else None, below)
        return node

    def wrong(self, problem: str) -> PortwrightError:
        told = "is missing" if self.value is None else problem
        return PortwrightError(told, remedy=REMEDY, path=self.path or "body")

    def items(self) -> list[Node]:
        """Of a list; none where it is absent."""
        if self.value is None:
            return []
        if not isinstance(self.value, list) or len(self.value) > MOST_ITEMS:
            raise self.wrong(f"is no list of at most {MOST_ITEMS}")
        return [Node(each, f"{self.path}[{n}]") for n, each in enumerate(self.value)]

    def text(self, most: int = 500, default: str | None = None) -> str:
        """For people's eyes: cut to `most` characters, without what can't be stored or shown."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self.wrong("is no text")
        return UNUSABLE.sub("", self.value[: most * 2])[:most]

    def matching(self, rule: re.Pattern[str], what: str, most: int = 500) -> str:
        if not isinstance(self.value, str) or len(self.value) > most:
            raise self.wrong(f"is no {what}")
        if not rule.fullmatch(self.value):
            raise self.wrong(f"{self.value[:80]!r} is no {what}")
        return self.value

    def sha(self) -> str:
        return self.matching(SHA, "commit of 40 hex digits")

    def short_sha(self) -> str:
        return self.matching(SHORT_SHA, "commit of 7 to 40 hex digits")

    def full_name(self) -> str:
        return self.matching(FULL_NAME, "repository's name such as owner/name", 255)

    def web_url(self) -> str:
        return self.matching(WEB_URL, "http or https URL", 2000)

    def clone_url(self) -> str:
        return self.matching(HTTP_REPOSITORY, "http or https repository", 1000)

    def ref(self) -> str:
        """A branch or tag without `refs/…/`."""
        if not isinstance(self.value, str) or len(self.value) > 500:
            raise self.wrong("is no branch or tag")
        return check_ref(self.path, self.value)

    def number(self) -> int:
        """1 to 2^53."""
        value = self.value
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < LONGEST_NUMBER:
            raise self.wrong("is no number from 1 on")
        return value

    def identity(self) -> str:
        """An id of a comment or a hook: digits, or Bitbucket's UUID in braces."""
        if isinstance(self.value, int):
            return str(self.number())
        return self.matching(IDENTITY, "id")

    def flag(self) -> bool:
        """False where it is absent."""
        if self.value is not None and not isinstance(self.value, bool):
            raise self.wrong("is neither true nor false")
        return bool(self.value)


def parse(body: bytes) -> Node:
    """Any JSON value; raises PortwrightError for what is none, or is nested too deeply."""
    try:
        return Node(json.loads(body))
    except (ValueError, RecursionError):
        raise PortwrightError(
            "the body is no JSON", remedy="let the forge send JSON", path="body"
        ) from None


def parse_object(body: bytes) -> Node:
    root = parse(body)
    if not isinstance(root.value, dict):
        raise PortwrightError(
            "the body is no JSON object", remedy="let the forge send JSON", path="body"
        )
    return root
