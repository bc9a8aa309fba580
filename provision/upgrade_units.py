"""Portal and worker as systemd units: `python -m provision.upgrade_units`, on a managed host.

The new units lie beside the old ones as drafts; they come to their places once the old ones have
stopped and the database is the new version's. It runs as a unit of its own, so that a connection
that is cut ends nothing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from jobs.settings import PREFIX, Settings
from provision import quickstart, upgrade_note
from provision.environment import listen
from provision.systemd import DRAFT, FOLDER, environment_of
from provision.upgrade import Upgrade, enough_room, say
from provision.upgrade_health import answers
from provision.upgrade_note import NAMES
from stacks.errors import PortwrightError


class Units:
    """new: the settings that the new ones are to run with."""

    def __init__(self, new: Settings) -> None:
        self.home = new.home
        told = upgrade_note.read(self.home)
        self.old: dict[str, str] = told["daemons"] if told else as_they_are()
        portal = environment_of(self.old.get("portal", ""))
        given = {key: value for key, value in portal.items() if key.startswith(PREFIX)}
        self.settings = Settings.from_environ(given) if given else new
        self.folder = directory_of(self.old.get("portal", ""))
        self.address = listen("127.0.0.1", new.portal_port)
        self.remedy = (
            "look at `journalctl -u portwright-portal -u portwright-worker`, and report it"
        )

    def described(self) -> dict[str, Any]:
        return self.old

    def process(self, name: str) -> object | None:
        shown = systemctl("show", "--property=ActiveState,InvocationID,MainPID", unit(name))
        return shown if "ActiveState=active" in shown.splitlines() else None

    def stop(self, name: str) -> None:
        systemctl("stop", unit(name))

    def start(self) -> None:
        for name in NAMES:
            path(name).with_name(path(name).name + DRAFT).replace(path(name))
        self.begin(*NAMES)

    def start_old(self, name: str) -> None:
        upgrade_note.put(path(name), self.old[name])
        self.begin(name)

    def begin(self, *names: str) -> None:
        systemctl("daemon-reload")
        for name in names:
            systemctl("enable", "--quiet", unit(name))
            systemctl("restart", unit(name))


def as_they_are() -> dict[str, str]:
    return {name: path(name).read_text() for name in NAMES if path(name).exists()}


def path(name: str) -> Path:
    return Path(FOLDER) / unit(name)


def unit(name: str) -> str:
    return f"portwright-{name}.service"


def directory_of(text: str) -> str:
    key = "WorkingDirectory="
    return next((line[len(key) :] for line in text.splitlines() if line.startswith(key)), "")


def systemctl(*argv: str) -> str:
    """Raises PortwrightError with what it said."""
    done = subprocess.run(["systemctl", *argv], capture_output=True, text=True)
    if done.returncode:
        raise PortwrightError(
            f"systemctl {argv[0]}: {done.stderr.strip()[-300:]}",
            remedy=f"look at `journalctl -u {argv[-1]}`",
            path="systemd",
        )
    return done.stdout


def bring(new: Settings) -> None:
    """New units in the place of the old, or back. Raises PortwrightError; the old ones run then."""
    keeper = Units(new)
    if set(keeper.old) == set(NAMES):
        upgrade = Upgrade(keeper)
        upgrade.go_back_first()
        enough_room(keeper.settings)
        upgrade.run()
        return
    say("portal and worker start", keeper.start)
    answers(keeper.process, keeper.address)


def main() -> int:
    settings = Settings.from_environ()
    try:
        with quickstart.lock(settings.home):
            bring(settings)
    except PortwrightError as error:
        print(f"{error}\nwhat to do: {error.remedy}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
