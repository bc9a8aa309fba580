"""Watching new containers come up, so that a hopeless one ends the wait at once.

The provider only waits for `healthy` until its time is up; a crash loop would take all of it.
"""

from __future__ import annotations

import contextlib
import re
import threading
from types import TracebackType

import docker
from docker.errors import DockerException, NotFound
from docker.models.containers import Container
from requests.exceptions import RequestException

from stacks.errors import PortwrightError
from stacks.world import Casualty, Place, casualties

RESTARTS = 3
UNSTEADY = re.compile("restarting|exited|dead|unhealthy", re.I)
STEP = 0.5


class Watch:
    """While open, removes a generation's containers that can't get well; keeps their story.

    Hopeless is: restarted RESTARTS times, or called unhealthy by Docker. The provider
    then fails on the missing container, and the engine goes on to report it.
    """

    def __init__(self, client: docker.DockerClient, place: Place, generation: int) -> None:
        self.client = client
        self.place = place
        self.generation = generation
        self.buried: list[Casualty] = []
        self.suspected: set[str] = set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self.thread.join()

    def check(self) -> None:
        """Raises PortwrightError where a container of the generation is not well."""
        bad = self.buried or casualties(self.client, self.place, self.generation)
        if bad:
            raise PortwrightError(
                bad[0].cause,
                remedy="read its last lines in the log",
                path=f"services.{bad[0].service}",
            )

    def suspects(self) -> list[Container]:
        """Containers of the generation that are, or once were, not plainly up.

        Only these are inspected: fifty inspections twice a second would slow the apply down.
        """
        filters = self.place.filters
        filters["label"].append(f"portwright.generation={self.generation}")
        listed = self.client.containers.list(
            all=True, filters=filters, sparse=True, ignore_removed=True
        )
        found = []
        for each in listed:
            text = f"{each.attrs.get('State')} {each.attrs.get('Status')}"
            if each.id in self.suspected or UNSTEADY.search(text):
                self.suspected.add(str(each.id))
                with contextlib.suppress(NotFound):
                    found.append(self.client.containers.get(str(each.id)))
        return found

    def watch(self) -> None:
        while not self.over.wait(STEP):
            try:
                self.look()
            except (DockerException, RequestException):
                continue

    def look(self) -> None:
        hopeless = {
            container.name: container
            for container in self.suspects()
            if beyond_hope(container.attrs)
        }
        if not hopeless:
            return
        for casualty in casualties(self.client, self.place, self.generation):
            if casualty.name in hopeless:
                self.buried.append(casualty)
                try:
                    hopeless[casualty.name].remove(force=True)
                except NotFound:
                    continue


def beyond_hope(attrs: dict[str, object]) -> bool:
    """For an inspected container; `attrs` is Docker's answer."""
    state = attrs.get("State") or {}
    assert isinstance(state, dict)
    health = (state.get("Health") or {}).get("Status")
    return health == "unhealthy" or int(str(attrs.get("RestartCount") or 0)) >= RESTARTS
