"""Volumes of other hosts in backups: what can't be had is told, and spoils nothing else."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, DockerException, NotFound
from rows import add_release, add_run
from sqlalchemy.orm import Session
from test_hosts import add

from jobs.backup import archive, asked, elsewhere, lacking, make, pausing, refill
from jobs.backup.calm import while_nothing_applies
from jobs.backup.manifest import Manifest, called, digest, parse, tar_of
from jobs.backup.restic import Snapshot
from jobs.backup.status import status
from jobs.backup.verify import KEYS, check_files
from jobs.hosts import turns
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


def test_one_that_trickles_for_hours_is_given_up_and_the_next_one_is_saved(
    session: Session, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what cleans up after it waits for it again."""
    add(session, settings, "hangs")
    add(session, settings, "here")
    engine(monkeypatch, "one", "two")
    tried = []

    def save_volume(client: Any, settings: Settings, host: str, volume: Any, to: Path) -> Any:
        tried.append((host, volume.name))
        try:
            time.sleep(3600 if host == "hangs" else 0)
        finally:
            time.sleep(3600 if host == "hangs" else 0)
        return [{"name": volume.name}]

    monkeypatch.setattr(elsewhere, "save_volume", save_volume)
    monkeypatch.setattr(elsewhere, "LONGEST_S", 0.2)
    monkeypatch.setattr(lacking, "AGAIN_S", 0.1)
    saved, (lack,) = elsewhere.save(session, settings, folder)
    assert tried == [("hangs", "one"), ("here", "one"), ("here", "two")] and len(saved) == 2
    assert lack["host"] == "hangs" and "it took longer than" in lack["message"]


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
    environment.release = None
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


def test_a_folder_that_a_killed_fill_left_goes_with_the_next_backup(settings: Settings) -> None:
    left = settings.home / "backups/filling"
    left.mkdir(parents=True)
    with make.scratch(settings, "staging") as folder:
        assert folder.is_dir() and not left.exists()


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
