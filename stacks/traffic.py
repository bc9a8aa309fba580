"""Traefik's API: which router is live, so that an old container goes only after a new one serves."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from stacks.compile import Resource
from stacks.errors import PortwrightError
from stacks.program import Hook, in_a_thread

PATIENCE = 15.0
STEP = 0.1
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Traefik:
    """port: of the API, on this host's loopback."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api"

    def get(self, path: str) -> Any:
        """JSON of an API path; None where Traefik has no such thing.

        Raises OSError where Traefik does not answer.
        """
        try:
            with DIRECT.open(f"{self.url}/{path}", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def serves(self, router: str) -> bool:
        """True where the router is enabled and its service has a server."""
        found = self.get(f"http/routers/{router}@docker")
        if not found or found.get("status") != "enabled":
            return False
        service = self.get(f"http/services/{router}@docker") or {}
        return bool(service.get("loadBalancer", {}).get("servers"))

    def wait(self, router: str, patience: float = PATIENCE) -> None:
        """Until the router serves; raises PortwrightError when it does not come."""
        deadline = time.monotonic() + patience
        reason = "Traefik has not taken up its route"
        while time.monotonic() < deadline:
            try:
                if self.serves(router):
                    return
            except OSError as error:
                reason = f"Traefik does not answer ({error})"
            time.sleep(STEP)
        raise PortwrightError(
            f"after {patience:.0f} s {reason}",
            remedy="see that Traefik runs (./quickstart starts it) and that its container is healthy",
            path=f"router {router}",
        )


def drain_hook(
    traefik: Traefik,
    resources: tuple[Resource, ...],
    check: Callable[[], None],
    say: Callable[[str], None],
) -> Hook:
    """Before an old container goes, its successor is live and well, and what is in flight may end.

    check: raises PortwrightError where a new container is not well; the old one then stays.
    """
    successors = {resource.name: resource for resource in resources if not resource.delete_first}

    async def drain(args: pulumi.ResourceHookArgs) -> None:
        # One after the other would make a service of many replicas wait for each.
        await in_a_thread(drain_one, args)

    def drain_one(args: pulumi.ResourceHookArgs) -> None:
        successor = successors.get(args.name)
        if successor is None or generation(successor.args) == generation(args.old_inputs or {}):
            return
        if successor.router:
            traefik.wait(successor.router)
            say(f"traffic of {successor.service} is on the new container; draining the old one")
        time.sleep(max(successor.drain, successor.settle))
        check()

    return drain


def generation(container: Mapping[str, Any]) -> str:
    """The generation label among a container's arguments; empty where there is none."""
    for item in container.get("labels") or ():
        if item["label"] == "portwright.generation":
            return str(item["value"])
    return ""
