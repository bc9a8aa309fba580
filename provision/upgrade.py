"""A new version of portal and worker takes a home over from the old one, or gives it back.

The database is copied once nothing of the old version writes any more; where the new version does
not get well, database and old version come back by themselves. Deployed services, Traefik, Redis
and Docker are not touched. Cut off by a kill, the next call goes back first. How the two are
stopped and started is a keeper's: by pid files (`./quickstart upgrade` in the folder of the new
version, which is this module) or by systemd (provision.upgrade_units).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
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
from provision import quickstart, upgrade_note
from provision.environment import environment
from provision.quickstart import CHECKOUT
from provision.upgrade_health import answers, watch
from provision.upgrade_keeper import Keeper
from provision.upgrade_note import NAMES
from provision.upgrade_pids import PidFiles
from stacks.docker.builds.builder_image import BINARIES
from stacks.errors import PortwrightError, explained

BY = "the host's administrator"
# Seconds that the new version is watched for.
WATCHED = 10.0


class Upgrade:
    def __init__(self, keeper: Keeper) -> None:
        self.keeper, self.home = keeper, keeper.home
        self.engine = open_engine(keeper.settings.database_url)

    def run(self) -> None:
        """Raises PortwrightError; the old version runs then."""
        self.go_back_first()
        if self.keeper.settings.backup and self.is_another:
            say("backup", self.back_up)
        say("BuildKit and the builders' image", self.prepare_builds)
        self.note(copy=None)
        try:
            for name in NAMES:
                say(f"{name} of the old version stops", partial(self.keeper.stop, name))
            if self.version is not None or versions.shape(self.engine):
                url = make_url(self.keeper.settings.database_url)
                self.note(copy=keep_copy(url, self.version or "before"))
            say("database", lambda: migrate.upgrade(self.engine))
            say("portal and worker of the new version start", self.start)
            say(
                f"health, watched for {WATCHED:.0f} s",
                partial(watch, self.keeper.process, self.keeper.address, WATCHED),
            )
        except (Exception, KeyboardInterrupt) as error:
            cause = error.message if isinstance(error, PortwrightError) else str(error) or "stopped"
            say(f"it did not get well: {cause}")
            self.go_back()
            self.tell("platform.upgrade_failed", cause=cause[:500])
            raise PortwrightError(
                f"the new version did not get well, and the old one serves again: {cause}",
                remedy=self.keeper.remedy,
                path="upgrade",
            ) from None
        upgrade_note.drop(self.home)
        if self.is_another:
            self.tell("platform.upgraded", folder=str(CHECKOUT), version=self.version)

    def go_back_first(self) -> None:
        if upgrade_note.read(self.home):
            say("an upgrade was cut off here: going back first")
            self.go_back()

    @property
    def is_another(self) -> bool:
        return self.keeper.folder != str(CHECKOUT)

    @property
    def version(self) -> str | None:
        return migrate.current(self.engine)

    def back_up(self) -> None:
        with Session(self.engine) as session:
            make.create(session, self.keeper.settings, by=BY, volumes=False)

    def prepare_builds(self) -> None:
        """Install what the new version builds with, while the old one is still live.

        The rest of the binaries keep their versions until ./quickstart. Raises PortwrightError.
        """
        settings = self.keeper.settings
        env = {**os.environ, **environment(settings)}
        install = ("install", "--source", settings.install, "--into", f"{self.home}/bin")
        for argv in (
            quickstart.module("toolchain", *install, *BINARIES),
            quickstart.module("stacks.docker.builds", "ensure"),
        ):
            done = subprocess.run(argv, env=env, cwd=CHECKOUT, capture_output=True, text=True)
            if done.returncode:
                last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
                raise PortwrightError(
                    f"BuildKit could not be installed: {last[-1] if last else 'no output'}",
                    remedy="correct that, then run the upgrade again; the old version is live",
                    path="upgrade",
                )

    def note(self, copy: Path | None) -> None:
        upgrade_note.write(self.home, self.keeper.described(), self.version, copy)

    def start(self) -> None:
        self.keeper.start()
        answers(self.keeper.process, self.keeper.address)

    def go_back(self) -> None:
        """The old database, where it was changed, and the old portal and worker."""
        told = upgrade_note.read(self.home)
        assert told is not None
        for name in NAMES:
            self.keeper.stop(name)
        if told["copy"] and self.version != told["version"]:
            self.engine.dispose()
            say("database as it was", lambda: put_back(self.engine.url, Path(told["copy"])))
        for name in NAMES:
            say(f"{name} of the old version", partial(self.keeper.start_old, name))
        answers(self.keeper.process, self.keeper.address)
        watch(self.keeper.process, self.keeper.address, 2.0)
        upgrade_note.drop(self.home)

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


def enough_room(settings: Settings) -> None:
    """Raises PortwrightError."""
    free = shutil.disk_usage(settings.home).free
    if free < settings.min_disk_mb * 1024**2:
        raise PortwrightError(
            f"only {free // 1024**2} MB are free", remedy="make room first", path="home"
        )


def take_over(home: Path) -> None:
    """From another folder's portal and worker. Raises PortwrightError; the old ones run then."""
    upgrade = Upgrade(PidFiles(home))
    # Whoever has no room for a new version has the old one again first.
    upgrade.go_back_first()
    enough_room(upgrade.keeper.settings)
    if not upgrade.is_another:
        raise PortwrightError(
            "it is this folder's version that runs",
            remedy="run ./quickstart upgrade in the folder of the new version",
            path="upgrade",
        )
    upgrade.run()
    current = home / "versions/current"
    current.unlink(missing_ok=True)
    current.symlink_to(CHECKOUT)


def main() -> int:
    home = Path(os.environ.get(f"{PREFIX}HOME") or Settings.home).expanduser().absolute()
    with explained(), quickstart.lock(home):
        take_over(home)
    print(f"Upgraded: {CHECKOUT} serves. ./quickstart there brings the rest up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
