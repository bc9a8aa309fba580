"""Who needs whom: the order of a deploy, and cycles told by their path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stacks.fields import Rule


def deploy_order(depends_on: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after what it depends on; raises Rule that shows a cycle's path."""
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in path:
            cycle = " → ".join([*path[path.index(name) :], name])
            raise Rule(f"depends_on goes in a circle: {cycle}", "remove one of these")
        path.append(name)
        for other in sorted(depends_on[name]):
            visit(other)
        path.pop()
        order.append(name)

    for name in sorted(depends_on):
        visit(name)
    return order


def layers(depends_on: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Name → 0 where it needs nothing, else one more than the highest that it needs.

    What is in one layer can start side by side.
    """
    found: dict[str, int] = {}
    for name in deploy_order(depends_on):
        found[name] = 1 + max((found[other] for other in depends_on[name]), default=-1)
    return found
