"""This machine's Docker volumes as tar files, with all that tar can keep. Their containers are paused
meanwhile (pausing.py). Those of other hosts: elsewhere.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import docker
from docker.models.volumes import Volume

from jobs.backup.pausing import paused
from jobs.settings import Settings
from stacks.errors import PortwrightError

TAR = ["tar", "--numeric-owner", "--xattrs", "--acls", "--sparse"]


def volumes_of(client: docker.DockerClient, settings: Settings) -> list[Volume]:
    """All of this instance, by name."""
    label = {"label": f"portwright.instance={settings.instance}"}
    return sorted(client.volumes.list(filters=label), key=lambda each: str(each.name))


def save_volume(
    client: docker.DockerClient, settings: Settings, volume: Volume, target: Path
) -> dict[str, Any]:
    """One volume into a tar file; {"name", "labels", "bytes", "paused", "paused_s"}."""
    folder = place_of(volume)
    need = size(folder) + settings.min_disk_mb * 1024**2
    if shutil.disk_usage(target.parent).free < need:
        raise PortwrightError(
            f"the volume {volume.name} needs {need // 1024**2} MB in {target.parent}",
            remedy="make room on the host, or back up without volumes",
            path="volumes",
        )
    target.unlink(missing_ok=True)
    with paused(client, settings, str(volume.name)) as names:
        began = time.monotonic()
        command(["--create", "--warning=no-file-ignored", "--file", str(target)], folder)
        seconds = round(time.monotonic() - began, 2)
    return {
        "name": volume.name,
        "labels": volume.attrs.get("Labels") or {},
        "bytes": target.stat().st_size,
        "paused": names,
        "paused_s": seconds if names else 0.0,
    }


def load_volume(client: docker.DockerClient, saved: dict[str, Any], source: Path) -> None:
    """Make a volume and fill it; raises PortwrightError where one of that name holds something."""
    volume = client.volumes.create(saved["name"], labels=saved["labels"])
    folder = place_of(volume)
    if any(folder.iterdir()):
        raise PortwrightError(
            f"the volume {saved['name']} is there already and not empty",
            remedy=f"look at what it holds; docker volume rm {saved['name']} takes it away",
            path="volumes",
        )
    command(["--extract", "--same-permissions", "--file", str(source)], folder)


def place_of(volume: Volume) -> Path:
    folder = Path(volume.attrs["Mountpoint"])
    if not folder.is_dir():
        raise PortwrightError(
            f"the volume {volume.name} is not on this machine",
            remedy="back it up where it is",
            path="volumes",
        )
    return folder


def command(argv: list[str], folder: Path) -> None:
    done = subprocess.run(
        [*TAR, "--directory", str(folder), *argv, *(["."] if "--create" in argv else [])],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise PortwrightError(
            f"tar: {done.stderr.strip()[-300:]}", remedy="correct what it says", path="volumes"
        )


def size(folder: Path) -> int:
    return sum(
        (Path(root) / name).lstat().st_blocks * 512
        for root, _, names in os.walk(folder)
        for name in names
    )
