"""`./quickstart upgrade`, in the folder of the new version: it takes over a home from the old one.

The old folder stays as it is. The database is copied once nothing of the old version writes any
more; where the new version does not get well, database and old version come back by themselves.
Deployed services, Traefik, Redis and Docker are not touched. Cut off by a kill, the next call
goes back first.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import migrate, versions
from jobs.backup import make
from jobs.backup.database import keep_copy, put_back
from jobs.database import open_engine
from jobs.records import record
from jobs.settings import PREFIX, Settings
from provision import daemons, quickstart
from provision.environment import listen
from provision.operations import CHECKOUT
from provision.upgrade_health import NAMES, watch
from stacks.errors import PortwrightError

BY = "the host's administrator"
# Seconds that the new version is watched for.
WATCHED = 10.0


class Upgrade:
    """settings: those that the old portal runs with. note: what is needed to go back."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.note = home / "versions/upgrade.json"
        self.old = self.old_daemons()
        given = {k: v for k, v in self.old["portal"].env.items() if k.startswith(PREFIX)}
        self.settings = Settings.from_environ({**given, f"{PREFIX}HOME": str(home)})
        self.engine = open_engine(self.settings.database_url)
        bind = self.settings.bind if self.settings.bind != "0.0.0.0" else "127.0.0.1"
        self.address = listen(bind, self.settings.portal_port)

    def old_daemons(self) -> dict[str, daemons.Daemon]:
        """As they ran before; of an upgrade that was cut off, as it wrote them down."""
        try:
            if self.note.exists():
                told = json.loads(self.note.read_text())["daemons"]
            else:
                paths = {name: self.home / f"run/{name}.daemon.json" for name in NAMES}
                told = {name: json.loads(path.read_text()) for name, path in paths.items()}
        except FileNotFoundError:
            raise PortwrightError(
                f"no Portwright runs from {self.home}", remedy="run ./quickstart", path="home"
            ) from None
        known = {field.name for field in fields(daemons.Daemon)}
        return {
            name: daemons.Daemon(**{key: each[key] for key in known & each.keys()})
            for name, each in told.items()
        }

    def run(self) -> None:
        """Raises PortwrightError; the old version runs then."""
        if self.note.exists():
            say("an upgrade was cut off here: going back first")
            self.go_back()
        if self.old["portal"].cwd == str(CHECKOUT):
            raise PortwrightError(
                "it is this folder's version that runs",
                remedy="run ./quickstart upgrade in the folder of the new version",
                path="upgrade",
            )
        if self.settings.backup:
            say("backup", self.back_up)
        self.write_note(copy=None)
        try:
            for name in NAMES:
                say(f"{name} of the old version stops", partial(daemons.stop, self.home, name))
            if self.version is not None or versions.shape(self.engine):
                copy = keep_copy(make_url(self.settings.database_url), self.version or "before")
                self.write_note(copy=copy)
            say("database", lambda: migrate.upgrade(self.engine))
            say("portal and worker of the new version start", self.start)
            say(
                f"health, watched for {WATCHED:.0f} s",
                partial(watch, self.home, self.address, WATCHED),
            )
        except (Exception, KeyboardInterrupt) as error:
            cause = error.message if isinstance(error, PortwrightError) else str(error) or "stopped"
            say(f"it did not get well: {cause}")
            self.go_back()
            self.tell("platform.upgrade_failed", cause=cause[:500])
            raise PortwrightError(
                f"the new version did not get well, and the old one serves again: {cause}",
                remedy=f"look at the end of {self.home}/log/portal.log and worker.log, and report it",
                path="upgrade",
            ) from None
        self.note.unlink()
        current = self.note.with_name("current")
        current.unlink(missing_ok=True)
        current.symlink_to(CHECKOUT)
        self.tell("platform.upgraded", folder=str(CHECKOUT), version=self.version)

    @property
    def version(self) -> str | None:
        return migrate.current(self.engine)

    def back_up(self) -> None:
        with Session(self.engine) as session:
            make.create(session, self.settings, by=BY, volumes=False)

    def write_note(self, copy: Path | None) -> None:
        self.note.parent.mkdir(exist_ok=True, mode=0o700)
        told = {
            "daemons": {name: vars(each) for name, each in self.old.items()},
            "version": self.version,
            "copy": str(copy) if copy else None,
        }
        partial = self.note.with_suffix(".new")
        partial.write_text(json.dumps(told))
        partial.chmod(0o600)
        partial.replace(self.note)

    def start(self) -> None:
        """Portal and worker from this folder, by the same step as ./quickstart's."""
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

    def go_back(self) -> None:
        """The old database, where it was changed, and the old portal and worker."""
        told = json.loads(self.note.read_text())
        for name in NAMES:
            daemons.stop(self.home, name)
        if told["copy"] and self.version != told["version"]:
            self.engine.dispose()
            say("database as it was", lambda: put_back(self.engine.url, Path(told["copy"])))
        for name in NAMES:
            record_path = self.home / f"run/{name}.daemon.json"
            record_path.write_text(json.dumps(told["daemons"][name]))
            say(f"{name} of the old version", partial(daemons.start, self.home, self.old[name]))
        watch(self.home, self.address, 2.0)
        self.note.unlink()

    def tell(self, action: str, **detail: object) -> None:
        with suppress(SQLAlchemyError), Session(self.engine) as session:
            record(session, BY, action, None, **detail)
            session.commit()


def say(text: str, work: Callable[[], object] | None = None) -> None:
    began = time.monotonic()
    if work is not None:
        work()
        text += f" ({time.monotonic() - began:.1f} s)"
    print(text, flush=True)


def main() -> int:
    home = Path(os.environ.get(f"{PREFIX}HOME") or Settings.home).expanduser().absolute()
    try:
        with quickstart.lock(home):
            upgrade = Upgrade(home)
            free = shutil.disk_usage(home).free
            if free < upgrade.settings.min_disk_mb * 1024**2:
                raise PortwrightError(
                    f"only {free // 1024**2} MB are free", remedy="make room first", path="home"
                )
            upgrade.run()
    except PortwrightError as error:
        print(f"{error}\n  what to do: {error.remedy}", file=sys.stderr)
        return 1
    print(f"Upgraded: {CHECKOUT} serves. ./quickstart there brings the rest up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
