"""Traefik's API: which router is live, so that an old container goes only after a new one serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pulumi

from stacks.compile import Resource
from stacks.errors import PortwrightError
from stacks.program import Hook, in_a_thread

PATIENCE = 15.0
STEP = 0.1


class Traefik:
    """where: the API's port on this machine's loopback, or a socket that leads to another's."""

    def __init__(self, where: int | Path) -> None:
        socket = str(where) if isinstance(where, Path) else None
        # It speaks plain HTTP on a loopback: certificates would be read from disk for nothing.
        self.client = httpx.Client(
            base_url="http://traefik" if socket else f"http://127.0.0.1:{where}",
            transport=httpx.HTTPTransport(uds=socket, verify=False),
            trust_env=False,
            timeout=5,
        )

    def ask(self, path: str) -> httpx.Response:
        """Raises OSError where Traefik does not answer, or with an error but 404."""
        try:
            answer = self.client.get(path)
            return answer if answer.status_code == 404 else answer.raise_for_status()
        except httpx.HTTPError as error:
            raise OSError(str(error) or type(error).__name__) from None

    def get(self, path: str) -> Any:
        """JSON of an API path; None where Traefik has no such thing. Raises OSError."""
        answer = self.ask(f"/api/{path}")
        return None if answer.status_code == 404 else answer.json()

    def metrics(self) -> str:
        """Prometheus' text. Raises OSError."""
        answer = self.ask("/metrics")
        if answer.status_code == 404:
            raise OSError("Traefik has no metrics")
        return answer.text

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
