"""What builds leave on the engine beside their images, removed when old. Only what carries our
mark: docs/decisions/0014 tells what of BuildKit's cache can't be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from datetime import datetime
from typing import Any

import docker
from docker.errors import DockerException

from stacks.build_marks import MARK

# The last of a finished image's labels, each of which is a step; what others derive inherits it.
FINISHED = "portwright.service"


def prune(
    client: docker.DockerClient, instance: str, before: datetime, say: Callable[[str], None]
) -> list[str]:
    """Remove steps of this instance's builds that were made earlier, have no name, and on which
    no image is built; returns their ids. An image that a release has keeps all its steps.

    No build may be at work meanwhile, for it would not hold on to a step that it has just found.
    A step that can't be removed (a container has it) stays.
    """
    steps = Steps(client, instance)
    old = [number for number, step in steps.ours.items() if step["Created"] < before.timestamp()]
    return steps.remove(old, say, set(old))


def prune_under(
    client: docker.DockerClient, instance: str, parents: Sequence[str], say: Callable[[str], None]
) -> list[str]:
    """The same for the steps that images, now removed, were built on, of whatever age.

    parents: ids. Docker would do so itself, but up to and with a base that has lost its name,
    whosever that is.
    """
    steps = Steps(client, instance)
    return steps.remove(parents, say, set(steps.ours))


class Steps:
    """The steps that there are. ours: id -> what the engine's list says of it."""

    def __init__(self, client: docker.DockerClient, instance: str) -> None:
        there = client.api.images(all=True)
        self.client = client
        self.children = Counter(image["ParentId"] for image in there)
        self.ours = {image["Id"]: image for image in there if step_of(image, instance)}

    def remove(
        self, wanted: Sequence[str], say: Callable[[str], None], may: Container[str]
    ) -> list[str]:
        """Those wanted on which nothing is built, then what they alone were built on. may: ids
        that may go."""
        removed: list[str] = []
        leaves = list(wanted)
        while leaves:
            number = leaves.pop()
            if number not in self.ours or number not in may or self.children[number]:
                continue
            try:
                self.client.images.remove(number, noprune=True)
            except DockerException as error:
                say(f"build step {number} stays: {error}")
                continue
            removed.append(number)
            parent = self.ours.pop(number)["ParentId"]
            self.children[parent] -= 1
            leaves.append(parent)
        return removed


def step_of(image: dict[str, Any], instance: str) -> bool:
    labels = image["Labels"] or {}
    names = [*(image["RepoTags"] or []), *(image["RepoDigests"] or [])]
    nameless = all(name.startswith("<none>") for name in names)
    return labels.get(MARK) == instance and FINISHED not in labels and nameless
