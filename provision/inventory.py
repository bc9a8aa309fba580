"""What `inventory/` says of a host: pyinfra's data and the settings. Knows no pyinfra.

A *managed* host is one that `portwright bootstrap` looks after: it has systemd units, and the
code under /opt/portwright. One whose role is `node` has neither portal, worker nor databases:
another host's portal deploys to it. Without PORTWRIGHT_TARGET it is `./quickstart`'s: this checkout.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jobs.settings import PREFIX, Settings
from provision import code_archive, target
from provision.target import Target
from stacks.errors import PortwrightError

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "inventory"
PLACE = "/opt/portwright"
# A link: Ubuntu 22.04's own python3 is too old, and there is another beside it.
NODE_PYTHON = f"{PLACE}/python3"
ROLES = ("host", "node")


@dataclass(frozen=True)
class Found:
    """named: whether the inventory has an entry of its own for it."""

    target: Target
    managed: bool
    data: dict[str, Any]
    settings: Settings
    fingerprint: str = ""
    named: bool = True


def find(environ: Mapping[str, str] | None = None) -> Found:
    """The host that the environment names. Raises PortwrightError."""
    given = os.environ if environ is None else environ
    where = target.from_environ(given)
    everybody = names_of(FOLDER / "group_data/all.py")
    if "PORTWRIGHT_TARGET" not in given:
        data = {**everybody, "code": str(CHECKOUT), "python": sys.executable, "units": False}
        return Found(where, False, data, Settings.from_environ(given))
    own = host_data(where.host, given.get("PORTWRIGHT_INVENTORY", ""))
    hosts = names_of(FOLDER / "group_data/host.py")
    known(own, {*everybody, *hosts}, where.host)
    known(own.get("settings", {}), {f.name.upper() for f in fields(Settings)}, "settings")
    data = {**everybody, **hosts, **own}
    role = str(given.get("PORTWRIGHT_ROLE") or own.get("role", "host"))
    if role not in ROLES:
        raise PortwrightError(
            f"{role!r} is no role of a host", remedy=f"use {' or '.join(ROLES)}", path="role"
        )
    told = {**hosts["settings"], **own.get("settings", {})}
    settings = Settings.from_environ({PREFIX + key: str(value) for key, value in told.items()})
    archive = code_archive.describe(CHECKOUT)
    data |= {
        "code": f"{PLACE}/{archive.version}",
        "python": python_of(role, settings, archive),
        "role": role,
        "units": True,
        "ssh_port": where.port,
        "snapshot": given.get("PORTWRIGHT_SNAPSHOT", ""),
        "remove_data": given.get("PORTWRIGHT_REMOVE_DATA") == "yes",
    }
    fingerprint = given.get("PORTWRIGHT_FINGERPRINT", "")
    return Found(where, True, data, settings, fingerprint, named=bool(own))


def python_of(role: str, settings: Settings, archive: code_archive.Described) -> str:
    """What runs the code there."""
    packages = archive.packages
    if role == "node":
        # It needs no more than what installs Traefik, which is plain Python, and with HTTPS two packages.
        packages = code_archive.short_hash(code_archive.of_node(archive.requirements))
    plain = role == "node" and not settings.https_port
    return NODE_PYTHON if plain else f"{PLACE}/venv-{packages}/bin/python"


def host_data(name: str, file: str) -> dict[str, Any]:
    """The host's own entry in inventory/hosts.py (or the file given); empty where it has none."""
    path = Path(file) if file else FOLDER / "hosts.py"
    if file and not path.is_file():
        raise PortwrightError(
            f"there is no inventory {file!r}", remedy="give a file with `hosts`", path="inventory"
        )
    hosts = names_of(path).get("hosts", {}) if path.is_file() else {}
    return dict(hosts.get(name, {}))


def known(given: Mapping[str, Any], names: Collection[str], where: str) -> None:
    """Raises PortwrightError for a name that nothing reads: it would silently be as if it were not said."""
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise PortwrightError(
                f"{name!r} is nothing that can be said of a host",
                remedy=f"write {near[0]!r}" if near else f"use one of {', '.join(sorted(names))}",
                path=f"inventory.{where}",
            )


def names_of(path: Path) -> dict[str, Any]:
    """What the file says. Raises PortwrightError."""
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise PortwrightError(
            f"{path} can't be read: {type(error).__name__}: {error}",
            remedy="correct it; it is Python",
            path="inventory",
        ) from None
    return {key: value for key, value in names.items() if not key.startswith("_")}
