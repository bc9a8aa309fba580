"""Any sender: GitHub's push, cut to what is needed, signed as GitHub does.

{"ref": "refs/heads/main", "after": SHA} is enough; `before`, `head_commit.message`, `commits`
and `repository` are read where they are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forges import shapes
from forges.events import Event, Other, Ping, Repository
from forges.headers import delivery_of, event_of, header
from forges.reading import Node, parse_object
from forges.signatures import hex_signed

NAME = "X-Portwright-Event"


def signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    given = header(headers, "X-Portwright-Signature") or header(headers, "X-Hub-Signature-256")
    return hex_signed(secrets, body, given)


def delivery(headers: Mapping[str, str]) -> str | None:
    return delivery_of(headers, ["X-Portwright-Delivery"])


def events(headers: Mapping[str, str], body: bytes) -> tuple[Event, ...]:
    """Without a header that says otherwise it is a push."""
    root = parse_object(body)
    kind = event_of(headers, NAME) if header(headers, NAME) else "push"
    if kind == "push":
        return (push(root),)
    return (Ping() if kind == "ping" else Other(kind),)


def push(root: Node) -> Event:
    whose = root.at("repository")
    known = whose.value is not None
    return shapes.push(
        root,
        shapes.repository(whose) if known else Repository("", "", ""),
        message=root.at("head_commit.message"),
        commits_told=not root.at("forced").flag(),
        tagged=root.at("head_commit.id"),
    )
