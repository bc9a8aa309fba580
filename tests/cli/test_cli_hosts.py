"""`portwright hosts`, and placing projects: what is asked for, and what is printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.database import session_factory
from jobs.hosts import trust
from jobs.models import User
from jobs.settings import Settings
from jobs.source import HostKey

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIEtbq7Mv1TfwEko2T88bNvJ3RYA5QORYwg+trMSAXzTJ"
SHOWN = HostKey("ssh-ed25519", KEY, "SHA256:nkDMvOTAJC6YTaROwNxegQObyEFVqmPIwy+sO1TmOeI")
ADDRESS = "ssh://root@203.0.113.5"


@pytest.fixture
def owner(alice: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Alice owns the portal's host; every machine shows the same key."""
    with session_factory(settings.database_url)() as session:
        session.query(User).one().host_owner = True
        session.commit()
    monkeypatch.setattr(trust, "scan_host_key", lambda *_: [SHOWN])
    return alice


def test_adding_shows_our_key_and_asks_about_theirs(owner: Any) -> None:
    done = owner("hosts", "add", "node", ADDRESS, typed="n\n")
    assert done.exit_code == 1
    assert 'restrict,port-forwarding,command="df -kP /var/lib/docker /" ssh-ed25519' in done.output
    assert SHOWN.fingerprint in done.output and "nothing was pinned" in done.output
    assert "unconfirmed" in owner("hosts", "list").output
    done = owner("hosts", "confirm", "node", typed="y\n")
    assert (done.exit_code, "portwright hosts test node" in done.output) == (0, True)
    assert json.loads(owner("hosts", "show", "node", "--json").output)["status"] == "active"


def test_labels_drain_placing_and_removal(owner: Any) -> None:
    add = ("hosts", "add", "node", ADDRESS, "--fingerprint", SHOWN.fingerprint)
    assert owner(*add).exit_code == 0
    assert owner("hosts", "label", "node", "region=eu", "a=b").output == "node: a=b region=eu\n"
    assert owner("hosts", "label", "node", "a-").output == "node: region=eu\n"
    assert "no label" in owner("hosts", "label", "node", "word").output
    done = owner("projects", "place", "sample", "--host-label", "region=eu")
    assert done.output.startswith("sample is placed on node.")
    drained = owner("hosts", "drain", "node").output
    assert "Placed there: sample." in drained
    assert "portwright projects place NAME --host HOST" in drained
    add_late = ("projects", "add", "late", "https://x.example/late.git", "--host", "node")
    assert "host node is drained" in owner(*add_late).output
    assert "1 projects are placed on node" in owner("hosts", "remove", "node", "--yes").output
    assert owner("projects", "place", "sample", "--host", "local").exit_code == 0
    assert "takes new projects again" in owner("hosts", "undrain", "node").output
    assert owner("hosts", "remove", "node", "--yes").exit_code == 0
    assert [each["name"] for each in json.loads(owner("hosts", "list", "--json").output)] == [
        "local"
    ]


def test_who_does_not_own_the_host_is_told_so(alice: Any) -> None:
    done = alice("hosts", "list")
    assert done.exit_code == 1 and "host's owner only" in done.output
