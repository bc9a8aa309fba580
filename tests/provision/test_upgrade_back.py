"""What must not keep an upgrade that was cut off from going back, and an old version that does not start."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from provision import upgrade, upgrade_units
from provision.daemons import Daemon
from provision.upgrade_note import NAMES
from provision.upgrade_pids import PidFiles
from stacks.errors import PortwrightError


@pytest.mark.parametrize("keeper", ["pids", "units"])
def test_where_there_is_no_room_the_old_version_serves_again_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeper: str
) -> None:
    told: list[str] = []
    module = upgrade if keeper == "pids" else upgrade_units

    def no_room(settings: object) -> None:
        told.append("room")
        raise PortwrightError("no room", remedy="make some")

    kept = SimpleNamespace(settings=None, old=dict.fromkeys(NAMES, ""))
    made = SimpleNamespace(keeper=kept, go_back_first=lambda: told.append("back"))
    monkeypatch.setattr(module, "enough_room", no_room)
    monkeypatch.setattr(module, "Upgrade", lambda keeper: made)
    monkeypatch.setattr(upgrade, "PidFiles", lambda home: kept)
    monkeypatch.setattr(upgrade_units, "Units", lambda new: kept)
    with pytest.raises(PortwrightError, match="no room"):
        upgrade.take_over(tmp_path) if keeper == "pids" else upgrade_units.bring(kept.settings)
    assert told == ["back", "room"]


def test_an_old_version_that_does_not_start_is_a_cause_and_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in NAMES:
        record = asdict(Daemon(name, ["/bin/false"], ready=str(tmp_path / "socket")))
        (tmp_path / f"run/{name}.daemon.json").write_text(json.dumps(record))
    with pytest.raises(PortwrightError, match="portal ended at once") as caught:
        PidFiles(tmp_path).start_old("portal")
    assert caught.value.path == "portal" and "portal.log" in caught.value.remedy
