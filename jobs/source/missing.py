"""What was asked for and is not in the repository, in words."""

from __future__ import annotations

from stacks.errors import PortwrightError


def moved(branch: str, commit: str, begins: str) -> PortwrightError:
    problem = (
        f"more than one commit begins with {begins}"
        if commit.startswith(begins)
        else f"branch {branch!r} is at {commit[:12]}, and {begins} was asked for"
    )
    return PortwrightError(
        problem, remedy="push to it again: its newest commit is deployed then", path="ref"
    )


def unknown(ref: str) -> PortwrightError:
    return PortwrightError(
        f"the repository has no branch, tag or commit {ref!r}",
        remedy="push it, or name another",
        path="ref",
    )
