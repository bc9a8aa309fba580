"""Volumes of other hosts in backups: what can't be had is told, and spoils nothing else."""

from __future__ import annotations

import json
import signal
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import DockerException
from rows import add_release, add_run
from sqlalchemy.orm import Session
from test_hosts import add

from jobs.backup import archive, elsewhere, lacking, make, refill
from jobs.backup.calm import while_nothing_applies
from jobs.backup.manifest import Manifest, called, digest, parse, tar_of
from jobs.backup.restic import Snapshot
from jobs.backup.status import status
from jobs.backup.verify import KEYS, check_files
from jobs.hosts.words import Away
from jobs.models import Environment, Event, now
from jobs.records import record
from jobs.settings import Settings
from stacks.errors import PortwrightError

HERE = {"name": "shop_data", "labels": {}}
THERE = {**HERE, "host": "eu-1"}
MANIFEST = Manifest(2, "2026-01-01", "/home", "1", {}, {}, [], [HERE, THERE], {}, [])
AWAY = Away("host eu-1: it does not answer", remedy="see that it runs", path="host")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "volumes"
    made.mkdir()
    return made


def engine(monkeypatch: pytest.MonkeyPatch, *names: str, **more: Any) -> None:
    """Every host's engine has volumes of these names; each call to it beyond that fails."""

    def connect_to(settings: Settings, host: Any) -> Any:
        if host.name == "away":
            raise AWAY
        return SimpleNamespace(close=lambda: None, info=lambda: more)

    there = [SimpleNamespace(name=name, attrs={}) for name in names]
    monkeypatch.setattr(elsewhere, "connect_to", connect_to)
    monkeypatch.setattr(elsewhere, "volumes_of", lambda *_: there)


def test_a_host_that_is_away_is_told_and_the_next_one_is_saved(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "away")
    add(session, settings, "here")
    engine(monkeypatch, "shop_data")
    monkeypatch.setattr(elsewhere, "save_volume", lambda *given: [{"name": given[3].name}])
    saved, missing = elsewhere.save(session, settings, folder)
    assert saved == [{"name": "shop_data"}]
    assert missing == [
        {
            "host": "away",
            "volume": "",
            "message": "the volumes of host away: not in the backup: host eu-1: it does not answer",
            "remedy": "see that it runs",
        }
    ]


def test_a_host_whose_new_key_nobody_confirmed_is_not_forgotten(
    session: Session, settings: Settings, folder: Path, environment: Environment
) -> None:
    add(session, settings, "new", confirmed=False)
    assert elsewhere.hosts(session) == []
    environment.project.host = add(session, settings, "moved", confirmed=False)
    session.commit()
    saved, (lack,) = elsewhere.save(session, settings, folder)
    assert saved == [] and "nobody has confirmed the key that moved shows" in lack["message"]
    assert lack["remedy"] == "portwright hosts confirm moved"


@pytest.mark.parametrize("name", ["../../keys/vault-key", "/etc/passwd", "", ".", "a/b", "a\n"])
def test_no_name_that_a_host_tells_leads_out_of_the_backup(
    session: Session,
    settings: Settings,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    add(session, settings, "here")
    engine(monkeypatch, name)
    saved, (lack,) = elsewhere.save(session, settings, folder)
    assert saved == [] and "that is no name of a volume" in lack["message"]
    assert [path.name for path in folder.rglob("*")] == ["here"]


def test_one_volume_that_fails_leaves_nothing_of_it_and_the_others_are_saved(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "here")
    engine(monkeypatch, "broken", "good")

    def door(client: Any, settings: Settings, volume: str) -> Any:
        (folder / f"here/{volume}.tar").write_text("half")
        raise DockerException("the engine stopped")

    monkeypatch.setattr(elsewhere, "paused", lambda *_: nullcontext([]))
    monkeypatch.setattr(archive, "door", door)
    saved, missing = elsewhere.save(session, settings, folder)
    assert saved == [] and [each["volume"] for each in missing] == ["broken", "good"]
    assert "DockerException: the engine stopped" in missing[0]["message"]
    assert missing[0]["remedy"].startswith("portwright hosts test here")
    assert list((folder / "here").iterdir()) == []


def test_an_engine_whose_archives_can_not_be_put_back_is_told(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "here")
    engine(monkeypatch, "shop_data", SecurityOptions=["name=seccomp", "name=userns"])
    saved, (lack,) = elsewhere.save(session, settings, folder)
    assert saved == [] and "maps user ids" in lack["message"]


def test_what_takes_too_long_is_interrupted_and_so_is_what_cleans_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lacking, "AGAIN_S", 0.01)
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(PortwrightError, match="it took longer than"), lacking.within(0.01):
        try:
            time.sleep(3600)
        finally:
            time.sleep(3600)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_one_that_trickles_for_hours_is_given_up_and_the_next_one_is_saved(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "hangs")
    add(session, settings, "here")
    engine(monkeypatch, "one", "two")
    tried = []

    def save_volume(client: Any, settings: Settings, host: str, volume: Any, to: Path) -> Any:
        tried.append((host, volume.name))
        if host == "hangs":
            signal.raise_signal(signal.SIGALRM)  # its hours are over
        return [{"name": volume.name}]

    monkeypatch.setattr(elsewhere, "save_volume", save_volume)
    saved, (lack,) = elsewhere.save(session, settings, folder)
    assert tried == [("hangs", "one"), ("here", "one"), ("here", "two")] and len(saved) == 2
    assert lack["host"] == "hangs" and "it took longer than 6 hours" in lack["message"]


def test_a_host_of_which_nothing_comes_is_not_tried_for_each_of_thousands(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "here")
    engine(monkeypatch, *(f"bad/{number}" for number in range(1000)))
    _, missing = elsewhere.save(session, settings, folder)
    assert len(missing) == elsewhere.MOST + 2 and "no more were tried" in missing[-1]["message"]


def test_what_a_host_says_is_told_as_plain_words(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "here")
    engine(monkeypatch, "a\x1b]0;b\x07\ud800\x00")

    def save_volume(*_: Any) -> Any:
        raise DockerException("\x1b[2J\ud800\x00 no\nspace")

    monkeypatch.setattr(elsewhere, "save_volume", save_volume)
    _, (lack,) = elsewhere.save(session, settings, folder)
    assert "".join(lack.values()).isprintable()
    assert "DockerException: ? no space" in lack["message"] and lack["volume"] == "a?"


def test_an_engine_that_lost_what_serves_there_gives_no_whole_backup(
    session: Session,
    settings: Settings,
    folder: Path,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment.project.host = add(session, settings, "here")
    release = add_release(session, environment, 1)
    release.spec = {"services": {"db": {"volumes": {"data": "/d", "logs": "/l"}}, "web": {}}}
    session.commit()
    data, logs = (f"pw_{environment.project.name}_production_db_{key}" for key in ("data", "logs"))
    engine(monkeypatch, logs)
    monkeypatch.setattr(elsewhere, "save_volume", lambda *given: [{"name": given[3].name}])
    saved, (lack,) = elsewhere.save(session, settings, folder)
    assert saved == [{"name": logs}] and (lack["host"], lack["volume"]) == ("here", data)
    assert "is not there any more" in lack["message"] and "fill-host here" in lack["remedy"]
    environment.project.deleted_at = now()  # it is being destroyed
    session.commit()
    (folder / "here").rmdir()
    assert elsewhere.save(session, settings, folder)[1] == []


def test_deploys_elsewhere_hold_up_no_hosts_volume(
    session: Session, settings: Settings, environment: Environment
) -> None:
    node = add(session, settings, "node")
    add_run(session, environment, "applying")
    assert while_nothing_applies(session, lambda: "copied", 0, node.id) == "copied"
    environment.project.host = node
    session.commit()
    with pytest.raises(PortwrightError, match="no moment without a deploy"):
        while_nothing_applies(session, lambda: "copied", 0, node.id)


@pytest.mark.parametrize("others", [[], [{"Id": "shop"}]])
def test_an_empty_volume_that_a_container_has_is_left_empty(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, others: list[dict[str, str]]
) -> None:
    written: list[Path] = []
    api = SimpleNamespace(containers=lambda **_: [{"Id": "door"}, *others])
    client: Any = SimpleNamespace(api=api, volumes=SimpleNamespace(create=lambda *_, **__: None))
    door = nullcontext(SimpleNamespace(id="door"))
    monkeypatch.setattr(archive, "door", lambda *_, **__: door)
    monkeypatch.setattr(archive, "is_empty", lambda _: True)
    monkeypatch.setattr(archive, "write", lambda _, source: written.append(source))
    why = refill.fill_volume(client, settings, THERE, Path("tar"))
    assert ("a container has it" in why) == bool(others) and bool(written) != bool(others)


def test_the_same_name_on_two_hosts_is_two_files() -> None:
    assert [called(each) for each in (HERE, THERE)] == ["shop_data", "eu-1/shop_data"]
    assert tar_of(HERE) == "volumes/shop_data.tar" and tar_of(THERE) == "volumes/eu-1/shop_data.tar"


def test_a_backup_without_a_hosts_file_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    for name in KEYS:
        (tmp_path / "keys" / name).write_text("key")
    digests = {f"keys/{name}": digest(tmp_path / "keys" / name) for name in KEYS}
    with pytest.raises(PortwrightError, match=r"volumes/eu-1/shop_data\.tar is missing"):
        check_files(replace(MANIFEST, volumes=[THERE], files=digests), tmp_path)


def test_a_backup_from_before_hosts_had_any_is_read() -> None:
    old = {**asdict(MANIFEST), "format": 1}
    del old["missing"]
    assert parse(json.dumps(old)).missing == []
    with pytest.raises(PortwrightError, match="has format 3"):
        parse(json.dumps({**old, "format": 3}))


def snapshot(name: str, *tags: str) -> Snapshot:
    return Snapshot(name, now(), tags)


def test_a_lost_host_gets_the_newest_that_holds_all_of_its_volumes() -> None:
    found = [
        snapshot("old", "volumes"), snapshot("whole", "volumes"),
        snapshot("part", "volumes", "lacks-eu-1"), snapshot("other", "volumes", "lacks-us-1"),
        snapshot("none", "volumes"), snapshot("plain", "platform"),
    ]  # fmt: skip
    holding = {"whole", "part", "other"}

    def read(each: Snapshot, name: str) -> str:
        volumes = [HERE, THERE] if each.id in holding else [HERE]
        return json.dumps(asdict(replace(MANIFEST, volumes=volumes)))

    of: Any = SimpleNamespace(snapshots=lambda: found, read=read)
    assert refill.holding(of, "eu-1", None)[0].id == "other"
    assert refill.holding(of, "eu-1", "part")[0].id == "part"
    holding -= {"other"}
    assert refill.holding(of, "eu-1", None)[0].id == "whole"
    for host, wanted in (("eu-1", "old"), ("eu-1", "plain"), ("us-1", None)):
        with pytest.raises(PortwrightError, match=f"holds volumes of {host}"):
            refill.holding(of, host, wanted)


def test_nothing_is_filled_while_a_deploy_is_at_work_also_one_that_began_meanwhile(
    session: Session, settings: Settings, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.project.host = add(session, settings, "eu-1")
    session.commit()
    (settings.home / "run").mkdir(exist_ok=True)
    kept = SimpleNamespace(unlock=lambda: None, restore=lambda *_: add_run(session, environment))
    monkeypatch.setattr(refill, "repository", lambda _: kept)
    monkeypatch.setattr(refill, "check_file", lambda *_: None)
    monkeypatch.setattr(refill, "holding", lambda *_: (snapshot("a", "volumes"), MANIFEST))
    monkeypatch.setattr(refill, "fill", lambda *_: pytest.fail("it was filled"))
    for _ in ("meanwhile", "before"):
        with pytest.raises(PortwrightError, match="projects of eu-1 are at work"):
            refill.refill(session, settings, "eu-1", by="alice")


def test_a_host_that_is_away_does_not_end_the_restore_of_this_machine(
    session: Session, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, settings, "away")
    engine(monkeypatch)
    lack = {"host": "us-1", "volume": "", "message": "the volumes of host us-1: not in the backup"}
    volumes = [{**THERE, "host": "away"}, {**THERE, "host": "removed"}]
    manifest = replace(MANIFEST, volumes=volumes, missing=[lack])
    told = refill.fill_hosts(session, settings, manifest, tmp_path)
    assert "away: host eu-1: it does not answer; its 1 volumes were not looked at" in told[0]
    assert told[0].endswith("then portwright-admin backup fill-host away")
    assert "there is no host 'removed'" in told[1]
    assert told[2] == lack["message"]
    (event,) = session.query(Event).filter_by(action=refill.FILLED)
    assert event.detail == {"told": told}


def test_what_the_newest_with_volumes_lacks_stands_until_one_lacks_nothing(
    session: Session, settings: Settings
) -> None:
    lack = {"host": "eu-1", "volume": "", "message": "not in the backup", "remedy": "see to it"}
    detail: dict[str, Any] = {"bytes": 1, "added": 1, "seconds": 1.0, "paused_s": 0.0}
    for number, (volumes, missing) in enumerate([([], [lack]), (None, []), ([], [])]):
        kept = [str(each) for each in range(number + 1)]
        more = {"snapshot": kept[-1], "kept": kept, "volumes": volumes, "missing": missing}
        record(session, "alice", make.MADE, None, **detail, **more)
        session.commit()
        found = status(session, settings)
        assert found.lacking == ([lack] if number < 2 else [])
        assert found.made[-1].missing == [lack]


def test_a_folder_that_a_killed_fill_left_goes_with_the_next_backup(settings: Settings) -> None:
    left = settings.home / "backups/filling"
    left.mkdir(parents=True)
    with make.scratch(settings, "staging") as folder:
        assert folder.is_dir() and not left.exists()
