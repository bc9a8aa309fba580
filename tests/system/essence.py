"""All of an environment's containers that does not say when they were made, or by which Run."""

from __future__ import annotations

import json
from typing import Any

from bench.project import ScratchProject

# What a container is, and not what it was called by chance.
LEFT_OUT = ("Hostname", "Labels")


def essence(project: ScratchProject, *, without_release: bool = False) -> list[str]:
    """One text for each container, sorted. Names of the project are made alike.

    without_release: also leave out which release brought a service in, for projects with
    another history.
    """
    found = []
    for container in project.containers():
        config, host = container.attrs["Config"], container.attrs["HostConfig"]
        mark = f"_g{container.labels['portwright.generation']}"
        labels = {
            key.replace(mark, "_g"): value.replace(mark, "_g")
            for key, value in container.labels.items()
            if key != "portwright.generation" and not key.endswith(".priority")
        }
        kept = {key: value for key, value in config.items() if key not in LEFT_OUT}
        kept["Env"] = sorted(
            item
            for item in config["Env"]
            if not (without_release and item.startswith("PORTWRIGHT_RELEASE="))
        )
        mounts = [(m["Type"], m.get("Name"), m["Destination"]) for m in container.attrs["Mounts"]]
        networks = sorted(container.attrs["NetworkSettings"]["Networks"])
        whole: list[Any] = [container.attrs["Image"], kept, host, labels, mounts, networks]
        text = json.dumps(whole, sort_keys=True)
        found.append(text.replace(project.name, "PROJECT"))
    return sorted(found)
