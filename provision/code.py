"""Portwright's own code on the host: a folder per version, and the Python packages that it needs."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from io import BytesIO
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import deploy, operation
from pyinfra.operations import files

from jobs.settings import Settings
from provision import code_archive
from provision.inventory import CHECKOUT, NODE_PYTHON, PLACE
from provision.old_versions import PACKAGES
from provision.operations import Succeeds, unless
from provision.where import is_node

PYTHON = "$(command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)"


@deploy("code")
def deploy_component(settings: Settings) -> None:
    described = code_archive.describe(CHECKOUT)
    unpacked(name=f"code {described.version}", folder=str(host.data.code))
    requirements = described.requirements
    if is_node():  # a host's is shown once portal and worker are well
        unless(
            f"{NODE_PYTHON} -c 'import sys; sys.exit(sys.version_info < (3, 11))'",
            f"ln -sfn {PYTHON} {NODE_PYTHON}",
            name="its Python",
        )
        unless(
            f'[ "$(readlink {PLACE}/current)" = {host.data.code} ]',
            f"ln -sfn {host.data.code} {PLACE}/current",
            name="current version",
        )
        requirements = code_archive.of_node(requirements)
        if not settings.https_port:  # nothing runs from it
            return
    packages = Path(host.data.python).parent.parent
    environment(name="Python packages", folder=str(packages), requirements=requirements)
    unless(
        f'[ "$(readlink {host.data.code}/{PACKAGES})" = ../{packages.name} ]',
        f"ln -sfn ../{packages.name} {host.data.code}/{PACKAGES}",
        name="whose packages these are",
    )


@operation()
def unpacked(folder: str) -> Generator[Any, None, None]:
    """The folder is whole or not there."""
    if host.get_fact(Succeeds, check=f"test -d {folder}"):
        host.noop(f"{folder} is there")
        return
    yield f"mkdir -p -m 755 {PLACE}"
    yield from files.put._inner(
        src=BytesIO(code_archive.pack(CHECKOUT)), dest=f"{folder}.tar.gz", mode="600"
    )
    yield (
        f"rm -rf {folder}.new && mkdir {folder}.new && tar -xzf {folder}.tar.gz -C {folder}.new"
        f" && mv {folder}.new {folder} && rm -f {folder}.tar.gz"
    )


@operation()
def environment(folder: str, requirements: str) -> Generator[Any, None, None]:
    """A virtual environment with just these; one that was cut off is begun anew."""
    if host.get_fact(Succeeds, check=f"test -e {folder}/whole"):
        host.noop(f"{folder} is there")
        return
    listed = f"{folder}.txt"
    yield from files.put._inner(src=BytesIO(requirements.encode()), dest=listed, mode="644")
    made = (
        f"test -e {folder}/whole || {{ rm -rf {folder} && {PYTHON} -m venv {folder}"
        f" && {folder}/bin/python -m pip install --quiet --disable-pip-version-check --requirement {listed}"
        f" && touch {folder}/whole; }}"
    )
    # The same command may still run from a connection that was cut: it is waited for.
    yield f"flock {PLACE} /bin/sh -c {shlex.quote(made)}"
