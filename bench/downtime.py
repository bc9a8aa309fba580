"""Deploys under load: what Portwright loses, and what two common ways lose under the same load.

Four services roll at each deploy: one and two replicas, each of an app that finishes what
it answers when asked to end, and of one that dies at once. Clients ask for quick answers
and for such that take 2 s. The controls: stop the old container, then start the new one;
and start a new one beside the old one in the same Traefik service, then stop the old one.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from docker.models.containers import Container

from bench.load import Load
from bench.project import DOCKERFILE, ScratchProject
from bench.scratch import CHECKOUT, Scratch, platform, say

APP = CHECKOUT / "bench/app/app.py"
CONTROL_SWITCHES = 5
SERVICES = {"one": (1, ""), "two": (2, ""), "one-dies": (1, "1"), "two-die": (2, "1")}


def content(number: int) -> dict[str, Any]:
    return {
        "rollback_window": "0s",
        "services": {
            name: {
                "build": "web",
                "port": 8000,
                "replicas": replicas,
                "healthcheck": {"http": "/health", "interval": "1s"},
                "env": {"NUMBER": str(number), "DIE": dies},
            }
            for name, (replicas, dies) in SERVICES.items()
        },
    }


def measure(deploys: int) -> dict[str, Any]:
    with platform() as scratch:
        project = ScratchProject(scratch, scratch.home.parent / "load", "load")
        project.write("web/app.py", APP.read_text())
        project.write("web/Dockerfile", DOCKERFILE)
        project.deploy(content(0))
        warm(scratch)
        loads = [Load(scratch.ports[1], f"{name}.load.localhost") for name in SERVICES]
        started = time.monotonic()
        with ExitStack() as stack:
            for load in loads:
                stack.enter_context(load)
            for number in range(1, deploys + 1):
                project.deploy(content(number))
                failed = sum(len(load.failures) for load in loads)
                say(f"deploy {number} of {deploys}: {failed} failed requests so far")
        seconds = time.monotonic() - started
        failures = [failure for load in loads for failure in load.failures]
        for failure in failures[:20]:
            say(failure)
        controls = {
            "stop_first": control(scratch, project, stop_first),
            "shared_service": control(scratch, project, shared_service),
        }
        project.run("destroy")
    return {
        "deploys": deploys,
        "requests": sum(load.requests for load in loads),
        "failed": len(failures),
        "control_failed": sum(each["failed"] for each in controls.values()),
        "controls": controls,
        "services": {
            load.host.partition(".")[0]: {"requests": load.requests, "failed": len(load.failures)}
            for load in loads
        },
        "seconds_per_deploy": round(seconds / max(deploys, 1), 2),
    }


def warm(scratch: Scratch) -> None:
    """Until each service answers."""
    for name in SERVICES:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with Load(scratch.ports[1], f"{name}.load.localhost", fast=1, slow=0) as probe:
                time.sleep(0.3)
            if not probe.failures:
                break


def control(scratch: Scratch, project: ScratchProject, switch: Any) -> dict[str, int]:
    """The same app and load; `switch` replaces the old container by a new one."""
    (image,) = {container.attrs["Image"] for container in project.containers("one")}
    network = scratch.client.networks.list(filters=scratch.labelled)[0].name
    old = start(scratch, str(image), str(network))
    time.sleep(3)
    with Load(scratch.ports[1], "control.localhost") as load:
        for _ in range(CONTROL_SWITCHES):
            time.sleep(2)
            old = switch(scratch, old, str(image), str(network))
        time.sleep(2)
    old.remove(force=True)
    say(f"control {switch.__name__}: {len(load.failures)} of {load.requests} failed")
    return {"switches": CONTROL_SWITCHES, "requests": load.requests, "failed": len(load.failures)}


def stop_first(scratch: Scratch, old: Container, image: str, network: str) -> Container:
    old.stop(timeout=10)
    old.remove()
    return start(scratch, image, network)


def shared_service(scratch: Scratch, old: Container, image: str, network: str) -> Container:
    new = start(scratch, image, network)
    old.stop(timeout=10)
    old.remove()
    return new


def start(scratch: Scratch, image: str, network: str) -> Container:
    """A container with the labels that most people give it; returns once it is healthy."""
    container = scratch.client.containers.run(
        image,
        detach=True,
        network=network,
        environment={"DIE": "1", "PORT": "8000"},
        labels={
            "portwright.instance": scratch.instance,
            "traefik.enable": "true",
            "traefik.http.routers.control.rule": "Host(`control.localhost`)",
            "traefik.http.routers.control.entrypoints": "web",
            "traefik.http.services.control.loadbalancer.server.port": "8000",
        },
        healthcheck={
            "test": [
                "CMD",
                "python3",
                "-c",
                "import socket; socket.create_connection(('127.0.0.1', 8000))",
            ],
            "interval": 1_000_000_000,
        },
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        container.reload()
        if container.attrs["State"].get("Health", {}).get("Status") == "healthy":
            break
        time.sleep(0.1)
    return container
