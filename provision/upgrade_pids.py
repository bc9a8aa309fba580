"""Portal and worker by pid files, as `./quickstart` keeps them: how an upgrade stops and starts them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from jobs.settings import PREFIX, Settings
from provision import daemons, quickstart
from provision.environment import listen
from provision.quickstart import CHECKOUT
from provision.upgrade_note import NAMES, put, read
from stacks.errors import PortwrightError


class PidFiles:
    """Of a home. The settings are those that the old portal runs with."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.old = self.as_they_ran()
        given = {k: v for k, v in self.old["portal"].env.items() if k.startswith(PREFIX)}
        self.settings = Settings.from_environ({**given, f"{PREFIX}HOME": str(home)})
        bind = self.settings.bind if self.settings.bind != "0.0.0.0" else "127.0.0.1"
        self.address = listen(bind, self.settings.portal_port)
        self.folder = self.old["portal"].cwd
        self.remedy = f"look at the end of {home}/log/portal.log and worker.log, and report it"

    def as_they_ran(self) -> dict[str, daemons.Daemon]:
        """Before; of an upgrade that was cut off, as it wrote them down. Raises PortwrightError."""
        told = read(self.home)
        try:
            each_told: Mapping[str, Any] = told["daemons"] if told else self.records()
        except FileNotFoundError:
            raise PortwrightError(
                f"no Portwright runs from {self.home}", remedy="run ./quickstart", path="home"
            ) from None
        known = {field.name for field in fields(daemons.Daemon)}
        return {
            name: daemons.Daemon(**{key: each[key] for key in known & each.keys()})
            for name, each in each_told.items()
        }

    def records(self) -> dict[str, Any]:
        return {name: json.loads(self.record(name).read_text()) for name in NAMES}

    def record(self, name: str) -> Path:
        return self.home / f"run/{name}.daemon.json"

    def described(self) -> dict[str, Any]:
        return {name: vars(each) for name, each in self.old.items()}

    def process(self, name: str) -> object | None:
        return daemons.running(self.home, name)

    def stop(self, name: str) -> None:
        daemons.stop(self.home, name)

    def start(self) -> None:
        """From this folder, by the same step as ./quickstart's."""
        env = {**os.environ, **self.old["portal"].env, f"{PREFIX}HOME": str(self.home)}
        done = subprocess.run(
            quickstart.module("provision.converge", "portal"),
            cwd=CHECKOUT,
            env={**env, "PYTHONUNBUFFERED": "1"},
            capture_output=True,
            text=True,
        )
        (self.home / "log/upgrade.log").write_text(done.stdout + done.stderr)
        if done.returncode:
            told = json.loads(done.stdout.strip().splitlines()[-1])["error"]
            raise PortwrightError(str(told)[-500:], remedy="", path="portal")

    def start_old(self, name: str) -> None:
        put(self.record(name), json.dumps(self.described()[name]))
        try:
            daemons.start(self.home, self.old[name])
        except (daemons.DaemonError, OSError) as error:
            raise PortwrightError(str(error), remedy=self.remedy, path=name) from None
