"""Containers that stand still for a copy go on, whatever becomes of who paused them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound
from sqlalchemy.orm import Session
from test_hosts import add

from jobs.backup import asked, pausing
from jobs.hosts import turns
from jobs.settings import Settings


def stands(settings: Settings, host: str = "") -> bool:
    with pausing.left_standing(settings, host) as note:
        return note is not None


def test_what_another_process_paused_is_let_be_while_it_lives(settings: Settings) -> None:
    (settings.home / "run").mkdir(exist_ok=True)
    shop = SimpleNamespace(id="abc", name="shop", status="running", pause=lambda: None)
    containers = SimpleNamespace(list=lambda **_: [shop], get=lambda _: shop)
    client: Any = SimpleNamespace(containers=containers)
    assert not stands(settings, "eu-1")
    with pausing.paused(client, settings, "shop_data", "eu-1") as names:
        assert names == ["shop"]
        assert json.loads(pausing.note_of(settings, "eu-1").read_text()) == ["abc"]
        assert not stands(settings, "eu-1"), "its writer lives"
    assert not stands(settings, "eu-1"), "nothing stands any more"
    pausing.note_of(settings, "eu-1").write_text('["abc"]')
    assert stands(settings, "eu-1") and not stands(settings)


class Containers:
    """An engine's, by id: how each is, or what the engine says of it."""

    def __init__(self, **known: Any) -> None:
        self.known = known

    def list(self, **_: Any) -> list[Any]:
        return [self.get(each) for each in self.known]

    def get(self, name: str) -> Any:
        if isinstance(known := self.known.get(name, NotFound("gone")), Exception):
            raise known
        return SimpleNamespace(
            id=name, name=name, status=known, reload=lambda: None,
            pause=lambda: self.pause(name), unpause=lambda: self.known.update({name: "running"}),
        )  # fmt: skip

    def pause(self, name: str) -> None:
        self.known[name] = "paused"


def test_one_that_can_not_go_on_holds_up_none_of_the_others(settings: Settings) -> None:
    (settings.home / "run").mkdir(exist_ok=True)
    broken = APIError("runc did not resume")
    there = Containers(a="paused", broken=broken, b="paused", c="exited")
    client: Any = SimpleNamespace(containers=there)
    pausing.note_of(settings).write_text('["a", "gone", "broken", "b", "c"]')
    with pausing.left_standing(settings) as note:
        assert note is not None
        with pytest.raises(APIError, match="did not resume"):
            pausing.wake(client, note)
    assert there.known == {"a": "running", "broken": broken, "b": "running", "c": "exited"}
    assert stands(settings), "it is tried again"
    there.known["broken"] = "paused"
    with pausing.left_standing(settings) as note:
        assert note is not None
        pausing.wake(client, note)
    assert there.known["broken"] == "running" and not stands(settings)


@pytest.mark.parametrize("text", ['["a', "\x00\x00"])
def test_a_note_that_did_not_fit_on_the_disk_stops_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Nothing was paused then; and the looking process must go on."""
    (settings.home / "run").mkdir(exist_ok=True)
    pausing.note_of(settings).write_text(text)
    monkeypatch.setattr(asked, "connect", lambda: SimpleNamespace(close=lambda: None))
    asked.release_paused(settings)
    assert not stands(settings)


def test_a_cron_job_that_ends_just_then_is_no_reason_to_give_up() -> None:
    job: Any = SimpleNamespace(status="running")

    def pause() -> None:
        raise APIError("Container is not running")

    job.pause, job.reload = pause, lambda: setattr(job, "status", "exited")
    pausing.pause(job)
    job.reload = lambda: setattr(job, "status", "running")
    with pytest.raises(APIError, match="not running"):
        pausing.pause(job)


def test_no_cron_job_begins_to_write_a_volume_that_is_copied(settings: Settings) -> None:
    """And what a person has paused stays paused."""
    (settings.home / "run").mkdir(exist_ok=True)
    there = Containers(shop="running", cron="exited", theirs="paused")
    client: Any = SimpleNamespace(containers=there)
    assert pausing.standing(settings, "eu-1") == set()
    with pausing.paused(client, settings, "shop_data", "eu-1") as names:
        assert names == ["shop"] and there.known["shop"] == "paused"
        assert pausing.standing(settings, "eu-1") == {"shop", "cron"}
        assert pausing.standing(settings) == set()
    assert there.known == {"shop": "running", "cron": "exited", "theirs": "paused"}
    assert pausing.standing(settings, "eu-1") == set()


def test_what_a_lost_machine_paused_goes_on_after_its_restore(settings: Settings) -> None:
    shop = SimpleNamespace(unpause=lambda: woken.append("shop"))
    woken: list[str] = []
    asked: list[Any] = []

    def found(**filters: Any) -> list[Any]:
        asked.append(filters["filters"])
        return [SimpleNamespace(unpause=broken), shop]

    def broken() -> None:
        raise APIError("runc did not resume")

    client: Any = SimpleNamespace(containers=SimpleNamespace(list=found))
    pausing.wake_all(client, settings)
    assert woken == ["shop"]
    assert asked == [{"status": "paused", "label": f"portwright.instance={settings.instance}"}]


def test_what_is_due_on_a_host_is_done_though_one_there_can_not_go_on(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, looked = add(session, settings, "node"), []

    def release(*_: Any) -> None:
        raise APIError("runc did not resume")

    client = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(turns.reach, "connect_to", lambda *_: client)
    monkeypatch.setattr(turns, "release", release)
    monkeypatch.setattr(turns.ticks, "look_at", lambda *given: looked.append(given[-1]))
    turns.work(session, settings, host)
    assert looked == [host] and host.problem is None
