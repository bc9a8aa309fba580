"""A host that is lost: its volumes are in a backup beside this machine's, and come back from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import docker
import pytest
from docker.models.volumes import Volume
from sqlalchemy.orm import Session
from test_repository import ALICE, session, settings

from jobs.backup import elsewhere, make, progress, refill, restore, verify
from jobs.backup.restic import repository
from jobs.backup.volumes import place_of
from jobs.hosts import registry
from jobs.hosts.words import Away
from jobs.models import Event
from jobs.settings import Settings
from stacks.errors import PortwrightError

__all__ = ["session", "settings"]
HOST, NAME = "eu-1", "pwbackup_data"
LABELS = {"portwright.instance": "pwbackup"}


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    for volume in client.volumes.list(filters={"label": "portwright.instance=pwbackup"}):
        volume.remove(force=True)
    client.close()


@pytest.fixture
def volume(client: docker.DockerClient) -> Volume:
    """One with a note in it."""
    made = client.volumes.create(NAME, labels=LABELS)
    (place_of(made) / "note").write_text("precious")
    return made


@pytest.fixture
def away(session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A host whose engine is this machine's, so that it has volumes of the same names. While there
    is something in the list, it is away."""
    host = registry.add(session, settings, HOST, "ssh://root@eu-1.example", by=ALICE)
    host.known_hosts = "confirmed"
    session.commit()
    reasons: list[str] = []

    def connect_to(*_: Any) -> docker.DockerClient:
        if reasons:
            raise Away(reasons[0], remedy="see that it runs", path="host")
        return docker.from_env()

    monkeypatch.setattr(elsewhere, "connect_to", connect_to)
    return reasons


def test_it_comes_back_from_the_newest_that_holds_it(
    session: Session,
    settings: Settings,
    client: docker.DockerClient,
    volume: Volume,
    away: list[str],
) -> None:
    whole = make.create(session, settings, by=ALICE, volumes=True)
    assert (whole["volumes"], whole["missing"]) == ([NAME, f"{HOST}/{NAME}"], [])
    assert verify.verify(session, settings, by=ALICE)["volumes"] == 2
    (place_of(volume) / "note").write_text("of this machine only")
    away.append("it does not answer")
    part = make.create(session, settings, by=ALICE, volumes=True)
    assert part["volumes"] == [NAME] and [each["host"] for each in part["missing"]] == [HOST]
    assert verify.verify(session, settings, by=ALICE)["snapshot"] == part["snapshot"]
    with pytest.raises(PortwrightError, match="it does not answer"):
        refill.refill(session, settings, HOST, by=ALICE)
    away.clear()
    volume.remove()
    told = refill.refill(session, settings, HOST, by=ALICE)
    assert (told["snapshot"], told["volumes"]) == (whole["snapshot"], {NAME: ""})
    assert (place_of(volume) / "note").read_text() == "precious"
    assert client.volumes.get(NAME).attrs["Labels"] == LABELS
    last = session.query(Event).order_by(Event.id.desc()).first()
    assert last is not None and (last.action, last.detail["host"]) == (refill.FILLED, HOST)
    again = refill.refill(session, settings, HOST, by=ALICE)
    assert "holds something already" in again["volumes"][NAME]
    with pytest.raises(PortwrightError, match=f"no backup {part['snapshot']} holds volumes of"):
        refill.refill(session, settings, HOST, by=ALICE, snapshot=part["snapshot"])


def test_a_restore_of_this_machine_fills_its_own_and_leaves_the_others_alone(
    session: Session, settings: Settings, volume: Volume, away: list[str]
) -> None:
    make.create(session, settings, by=ALICE, volumes=True)
    (snapshot,) = repository(settings).snapshots()
    volume.remove()
    repository(settings).restore(snapshot, restore.empty(settings, progress.PLATFORM))
    here, there = restore.load_volumes(session, settings)
    assert here == f"{NAME}: filled" and (place_of(volume) / "note").read_text() == "precious"
    assert there.startswith(f"{HOST}/{NAME}: it holds something already, and was left as it is")
    away.append("it does not answer")
    here, there = restore.load_volumes(session, settings)
    assert there.startswith(f"{HOST}: it does not answer") and f"fill-host {HOST}" in there
