"""Hosts: what is taken as an address, a name or a label; where projects are placed; what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import DockerException
from hypothesis import given
from hypothesis import strategies as st
from rows import add_release, add_run
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from forges.events import PullRequest, Repository
from jobs.claims import line_up
from jobs.execute import lost
from jobs.hosts import labels, placing, reach, registry, ssh, trust, turns
from jobs.hosts.address import Address, parse
from jobs.hosts.check import FREE, version
from jobs.hosts.words import why
from jobs.models import Environment, Event, Host, Project, Schedule, now
from jobs.previews import lifecycle
from jobs.previews.policy import set_policy
from jobs.requests import create_project, request_run
from jobs.settings import Settings
from jobs.ticks import serving
from stacks.docker.builds.buildkit import ConnectionLost
from stacks.engine import EngineFailure
from stacks.errors import PortwrightError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtbq7Mv1TfwEko2T88bNvJ3RYA5QORYwg+trMSAXzTJ"
REPOSITORY = "https://example.com/shop.git"
HOSTILE = (
    "", "root@203.0.113.5", "ssh://203.0.113.5", "ssh://-oProxyCommand=x@host", "ssh://root@-oX",
    "ssh://root@host:0", "ssh://root@host:99999", "ssh://root@host/var/run/docker.sock",
    "ssh://root@host -v", "ssh://root@host\n", "ssh://root:secret@host", "ssh://ro%ot@host",
    "ssh://root@2130706433", "ssh://root@0x7f.1", "tcp://host:2375", "ssh://$(id)@host",
    "ssh://root@" + "a" * 500,
)  # fmt: skip


def add(session: Session, settings: Settings, name: str, *, confirmed: bool = True) -> Host:
    host = registry.add(session, settings, name, f"ssh://root@{name}.example", by="alice")
    if confirmed:
        host.known_hosts = f"{name}.example {KEY}\n"
        session.commit()
    return host


def told(session: Session) -> list[tuple[str, str]]:
    events = session.scalars(select(Event).order_by(Event.id))
    return [(each.actor, each.action) for each in events]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://root@203.0.113.5", Address("root", "203.0.113.5", 22)),
        ("ssh://deploy@node-1.example.com:2222", Address("deploy", "node-1.example.com", 2222)),
        ("ssh://root@[2001:db8::7]:22/", Address("root", "2001:db8::7", 22)),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, address: Address) -> None:
    assert parse(text) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        parse(text)
    assert caught.value.path == "address"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=8))
def test_no_part_of_an_address_becomes_an_option_or_a_second_word(
    user: str, host: str, port: str
) -> None:
    try:
        found = parse(f"ssh://{user}@{host}:{port}")
    except PortwrightError:
        return
    for part in (found.user, found.host):
        assert part and not part.startswith("-") and len(part.split()) == 1 and "%" not in part


def test_ssh_is_told_of_nothing_but_the_pinned_key_and_ours(tmp_path: Path) -> None:
    argv = ssh.command(Address("root", "node.example", 2222), tmp_path)
    assert argv[:3] == ["ssh", "-F", "/dev/null"]
    options = dict(each.removeprefix("-o").split("=", 1) for each in argv[3:])
    wanted = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{tmp_path}/known_hosts"',
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentityFile": f'"{tmp_path}/key"',
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "HostKeyAlias": "[node.example]:2222",
    }
    assert {key: options[key] for key in wanted} == wanted
    assert all(each.startswith("-o") for each in argv[3:])


@pytest.mark.parametrize(
    ("said", "message", "remedy"),
    [
        ("Host key for x has changed and you have requested strict checking.", "another host key", "hosts confirm node"),
        ("root@x: Permission denied (publickey,password).", "refuses our key for the user root", "hosts show node"),
        ("ssh: connect to host x port 22: Connection refused", "nothing answers at x:22", "SSH server"),
        ("ssh: connect to host x port 22: Connection timed out", "x:22 does not answer", "firewall"),
        ("Connection timed out during banner exchange", "x:22 does not answer", "firewall"),
        ("ssh: Could not resolve hostname x: Name or service not known", "the name x is not known", "hosts address node"),
        ("kex_exchange_identification: read: Connection reset by peer", "closed the connection", "fail2ban"),
        ("something new", "something new", "correct"),
        ("", "it said nothing", "correct"),
    ],
)  # fmt: skip
def test_what_ssh_says_becomes_a_cause_and_a_remedy(said: str, message: str, remedy: str) -> None:
    error = why(said, "node", Address("root", "x", 22))
    assert error.message.startswith("host node: ") and message in error.message
    assert remedy in error.remedy


def test_a_host_has_a_key_of_its_own_whose_private_half_is_sealed(
    session: Session, settings: Settings
) -> None:
    host = add(session, settings, "node", confirmed=False)
    assert host.address == "ssh://root@node.example"
    line = trust.authorized(host)
    assert line.startswith(
        'restrict,port-forwarding,command="df -kP /var/lib/docker /" ssh-ed25519 '
    )
    assert line.endswith(" portwright-node")
    assert b"PRIVATE" not in (host.sealed or b"")
    with pytest.raises(PortwrightError, match="nobody has confirmed the key"):
        reach.way_of(settings, host)
    other = add(session, settings, "other")
    assert other.public_key != host.public_key
    way = reach.way_of(settings, other)
    assert way.private_key.startswith("-----BEGIN OPENSSH PRIVATE KEY")
    assert "PRIVATE" not in repr(way)
    assert told(session) == [("alice", "host.added"), ("alice", "host.added")]


@pytest.mark.parametrize(
    "name", ["local", "", "-v", "a" * 25, "A", "a/b", "../x", "a.b", "1a", "a-"]
)
def test_a_name_that_can_not_be_used(session: Session, settings: Settings, name: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        add(session, settings, name)
    assert caught.value.path == "name"


def test_a_name_is_given_once(session: Session, settings: Settings) -> None:
    add(session, settings, "node")
    with pytest.raises(PortwrightError, match="is there already"):
        add(session, settings, "node")


def test_labels_are_set_kept_and_taken_away(session: Session, settings: Settings) -> None:
    host = add(session, settings, "node")
    labels.label(session, host, labels.read(["region=eu", "disk=ssd"]), by="alice")
    labels.label(session, host, labels.read(["disk-", "tier=Gold.1"]), by="alice")
    assert host.labels == {"region": "eu", "tier": "Gold.1"}
    full = {f"k{number}": "v" for number in range(40)}
    with pytest.raises(PortwrightError, match="more than 32"):
        labels.label(session, host, full, by="alice")


@pytest.mark.parametrize("word", ["x", "=v", "-", "a=b=c", "a= b", "A=b", "a=<b>", "a=" + "x" * 70])
def test_what_is_no_label(word: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        labels.read([word])
    assert caught.value.path == "labels"


@given(st.text(max_size=80))
def test_a_label_is_taken_in_plain_letters_or_not_at_all(word: str) -> None:
    try:
        found = labels.read([word])
    except PortwrightError:
        return
    assert all(text.isascii() and text.isprintable() for text in found)


def test_a_project_is_placed_by_name_or_on_the_least_used_with_a_label(
    session: Session, settings: Settings
) -> None:
    for name in ("one", "two", "three"):
        labels.label(session, add(session, settings, name), {"region": "eu"}, by="alice")

    def placed(name: str, **where: str) -> str:
        made = create_project(session, name, REPOSITORY, "main", by="alice", **where)
        return made.host.name if made.host else "local"

    assert placed("a") == "local"
    assert placed("b", host="local") == "local"
    assert placed("c", host="three") == "three"
    assert placed("d", host_label="region=eu") == "one"  # by name, where they are equal
    assert placed("e", host_label="region=eu") == "two"
    registry.drain(session, registry.named(session, "one"), by="alice")
    registry.drain(session, registry.named(session, "two"), by="alice")
    assert placed("f", host_label="region=eu") == "three"
    labels.label(session, registry.local(session), {"region": "us"}, by="alice")
    assert placed("g", host_label="region=us") == "local"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"host": "nowhere"}, "there is no host 'nowhere'"),
        ({"host": "new"}, "nobody has confirmed the key that new shows"),
        ({"host": "full"}, "host full is drained"),
        ({"host_label": "region=mars"}, "no host that takes new projects has the label"),
        ({"host_label": "region"}, "no host that takes new projects has the label"),
        ({"host": "full", "host_label": "a=b"}, "both a host and a label are given"),
    ],
)
def test_where_no_project_can_be_placed(
    session: Session, settings: Settings, where: dict[str, str], message: str
) -> None:
    add(session, settings, "new", confirmed=False)
    registry.drain(session, add(session, settings, "full"), by="alice")
    with pytest.raises(PortwrightError) as caught:
        create_project(session, "late", REPOSITORY, "main", by="alice", **where)
    assert message in caught.value.message and caught.value.remedy
    assert session.scalar(select(Project).where(Project.name == "late")) is None


def test_a_project_moves_only_while_nothing_of_it_is_deployed(
    session: Session, settings: Settings, project: Project, environment: Environment
) -> None:
    node = add(session, settings, "node")
    placing.place(session, project, node, by="alice")
    assert project.host is node and told(session)[-1] == ("alice", "project.placed")
    run = add_run(session, environment, "building")
    with pytest.raises(PortwrightError, match=f"run {run.id} is building"):
        placing.place(session, project, None, by="alice")
    run.state = "succeeded"
    add_release(session, environment, 1)
    with pytest.raises(PortwrightError, match="release 1 serves in production") as caught:
        placing.place(session, project, None, by="alice")
    assert "portwright destroy shop" in caught.value.remedy
    assert project.host is node
    environment.release = None
    session.commit()
    placing.place(session, project, None, by="alice")
    assert project.host is None


def test_a_drained_host_takes_no_first_deploy_but_later_ones(
    session: Session, settings: Settings, project: Project, environment: Environment
) -> None:
    registry.drain(session, registry.local(session), by="alice")

    def asked(kind: str, **more: Any) -> str:
        return request_run(session, lambda _: None, environment, kind, by="alice", **more).kind

    for kind in ("plan", "deploy"):
        with pytest.raises(PortwrightError, match="host local is drained") as caught:
            asked(kind)
        assert "portwright projects place shop --host" in caught.value.remedy
    session.rollback()
    add_release(session, environment, 1)
    assert [asked("deploy"), asked("rollback", release=1)] == ["deploy", "rollback"]
    environment.release = None
    registry.undrain(session, registry.local(session), by="alice")
    assert asked("deploy") == "deploy"


def test_a_pull_request_waits_while_its_host_is_drained(
    session: Session, settings: Settings, project: Project
) -> None:
    set_policy(session, project, {"enabled": True}, by="alice")
    registry.drain(session, registry.local(session), by="alice")
    where = Repository("acme/shop", REPOSITORY, "")
    pull = PullRequest(
        "opened", 7, "T", "teal", "c" * 40, "main", False, "bob", "https://x/7", None, where
    )
    runs, words = lifecycle.told(session, settings, project, pull, by="forge")
    assert runs == [] and "waits: host local is drained" in words


def test_a_host_is_removed_only_when_nothing_is_placed_there(
    session: Session, settings: Settings, project: Project
) -> None:
    node = add(session, settings, "node")
    placing.place(session, project, node, by="alice")
    with pytest.raises(PortwrightError, match="1 projects are placed on node: shop"):
        registry.remove(session, settings, node, by="alice")
    project.name = f"shop~{project.id}"  # it was deleted
    session.commit()
    registry.remove(session, settings, node, by="alice")
    assert session.scalar(select(Host).where(Host.name == "node")) is None
    assert project.host is None and told(session)[-1] == ("alice", "host.removed")
    with pytest.raises(PortwrightError, match="needs no way to it"):
        registry.remove(session, settings, registry.local(session), by="alice")


def test_each_machine_is_looked_at_for_its_own_projects(
    session: Session, settings: Settings, project: Project, environment: Environment
) -> None:
    node = add(session, settings, "node")
    spec = {
        "project": "shop",
        "environment": "production",
        "commit": "a" * 40,
        "subject": "",
        "services": {},
    }
    add_release(session, environment, 1).spec = spec
    session.commit()
    assert [each.id for each, _, _ in serving(session)] == [environment.id]
    assert list(serving(session, node.id)) == []
    project.host = node
    session.commit()
    assert list(serving(session)) == []
    assert [each.id for each, _, _ in serving(session, node.id)] == [environment.id]


def test_what_the_test_reads_of_an_engine_and_a_disk() -> None:
    assert [version(text) for text in ("20.10.24+dfsg1", "29.0.1", "")] == [(20, 10), (29, 0), ()]
    text = (
        "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
        "/dev/vda         264212084 36749052  58752212      39% /var/lib/docker\n"
    )
    found = FREE.search(text)
    assert found is not None and found[1] == "58752212"


def test_a_build_waits_while_the_disk_of_its_host_is_full(
    session: Session, settings: Settings, project: Project, environment: Environment
) -> None:
    project.host = add(session, settings, "node")
    add_run(session, environment)
    assert [each.reason for each in line_up(session, settings)] == [""]
    project.host.facts = {"disk_free_mb": 10}
    session.commit()
    (waiting,) = line_up(session, settings)
    assert waiting.reason.startswith("the disk of host node has 10 MB free and a deploy needs 512")


def test_each_host_has_its_turn_once_in_a_while(session: Session, settings: Settings) -> None:
    add(session, settings, "one")
    add(session, settings, "new", confirmed=False)
    assert turns.due(session) == []  # it has only just been added
    session.execute(update(Schedule).values(last_at=now() - turns.EVERY))
    session.commit()
    assert (turns.due(session), turns.due(session)) == (["one"], [])


def test_a_host_that_goes_away_is_told_of_once_and_keeps_the_reason(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTWRIGHT_HOME", str(settings.home))
    host = registry.add(session, settings, "node", "ssh://root@127.0.0.1:1", by="alice")
    host.known_hosts = f"[127.0.0.1]:1 {KEY}\n"
    session.commit()
    turns.turn("node")
    turns.turn("node")
    session.expire_all()
    assert host.problem == {
        "message": "host node: nothing answers at 127.0.0.1:1",
        "remedy": "see that its SSH server runs, and that the port is right",
    }
    assert told(session)[1:] == [("portwright", "host.away")]
    turns.turn("nowhere")


def test_a_run_that_broke_on_its_host_is_told_why_the_host_is_away(
    session: Session, settings: Settings, project: Project
) -> None:
    context: Any = SimpleNamespace(settings=settings, project=project)
    dead = DockerException("Connection aborted")
    assert lost(context, dead) is None  # this machine's own engine
    host = registry.add(session, settings, "node", "ssh://root@127.0.0.1:1", by="alice")
    host.known_hosts = f"[127.0.0.1]:1 {KEY}\n"
    project.host = host
    session.commit()
    cut = ConnectionLost("the connection was lost", remedy="deploy again")
    for error in (dead, cut, OSError("broken pipe"), EngineFailure("no", [], "read the log")):
        assert str(lost(context, error)) == "host: host node: nothing answers at 127.0.0.1:1"
    assert lost(context, PortwrightError("a bad file", remedy="correct it")) is None
