"""A node's part in certificates: which names are there, what it answers, and on what little it runs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import node
from jobs.node import Node, containers, hosts_of, read_again
from jobs.settings import Settings
from provision.code_archive import ON_NODES
from stacks.routes import route_labels
from stacks.spec import Route, ServiceSpec

CHECKOUT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def labels_of(*hosts: str, **more: Any) -> dict[str, str]:
    routes = [Route(host=host, **more) for host in hosts]
    web = ServiceSpec(image="a", image_ref="a", port=80, routes=routes, generation=7, tls=True)
    return {each["label"]: each["value"] for each in route_labels("pw_shop_web_g7", "net", web)}


def test_names_are_read_from_the_labels_that_a_deploy_writes() -> None:
    web = labels_of("web.shop.localhost", "shop.example.com", "www.example.com")
    api = labels_of("shop.example.com", path="/api")
    old = labels_of("old.example.com", redirect="shop.example.com")
    assert hosts_of([web, api, old, {}, {"portwright.instance": "pw"}]) == {
        "shop.example.com", "www.example.com", "old.example.com",
    }  # fmt: skip
    assert hosts_of([labels_of("web.shop.localhost")]) == set()


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=4), st.text())
def test_no_label_is_too_strange(labels: dict[str, str], rule: str) -> None:
    odd = {"traefik.http.routers.x_tls.rule": f"Host(`{rule}`) || Host(`good.example.com`)"}
    for host in hosts_of([labels, odd]):
        assert "`" not in host and "\n" not in host and "/" not in host and len(host) <= 253
    assert "`" in rule or "good.example.com" in hosts_of([odd])


def test_an_engine_that_is_away_or_talks_nonsense_ends_nothing_and_keeps_what_was_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looker = Node(settings)
    told = settings.home / "traefik/domains.json"
    told.parent.mkdir(exist_ok=True)
    told.write_text("{}")
    for found in ([{"Labels": 7}], [3], {"message": "x"}):
        monkeypatch.setattr(node, "containers", lambda instance, found=found: found)
        looker.turn()
    monkeypatch.setattr(node, "containers", lambda instance: containers(instance, "/nowhere"))
    looker.turn()
    looker.turn()  # the same again is not worth a word
    assert caplog.text.count("it is tried again") == 4 and told.read_text() == "{}"


def test_names_that_serve_are_written_down_with_their_state(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.home / "keys/secret-key").write_text("k" * 40)
    labels = {"Labels": labels_of("shop.example.com")}
    monkeypatch.setattr(node, "containers", lambda instance: [labels, {"Labels": None}])
    looker = Node(Settings(home=settings.home, https_port=443, acme_staging="none"))
    looker.turn()
    told = json.loads((settings.home / "traefik/domains.json").read_text())
    assert {host: each["stage"] for host, each in told.items()} == {"shop.example.com": "asked"}
    assert (
        "certificate-shop-example-com"
        in (settings.home / "traefik/dynamic/domains.yaml").read_text()
    )


def answered(looker: Node, line: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(line)
        ours.shutdown(socket.SHUT_WR)
        looker.answer(theirs)
        said = b""
        while part := ours.recv(1000):
            said += part
    return said


def test_the_portal_is_told_what_is_known_and_tells_what_is_wanted_again(
    settings: Settings,
) -> None:
    looker = Node(settings)
    line = json.dumps({"again": {"shop.example.com": AT.isoformat()}}).encode() + b"\n"
    assert answered(looker, line) == b""  # nothing was looked at yet
    assert looker.again == {"shop.example.com": AT}
    (settings.home / "traefik").mkdir(exist_ok=True)
    (settings.home / "traefik/domains.json").write_text('{"a": 1}')
    assert answered(looker, b'{"again": {}}\n') == b'{"a": 1}'
    assert looker.again == {}


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"GET / HTTP/1.1\r\n", b"[]\n", b"7", b'{"again": 7}', b'{"again": {"a": 7}}', b"\xff",
     b'{"again": {"a": "2026-01-01T00:00:00"}}', b"[" * 60_000],
)  # fmt: skip
def test_a_caller_who_says_something_else_gets_nothing(settings: Settings, line: bytes) -> None:
    looker = Node(settings)
    looker.again = {"a": AT}
    assert answered(looker, line) == b"" and looker.again == {"a": AT}
    with pytest.raises(ValueError):
        read_again(line)


def test_only_its_owner_may_knock(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    for _ in range(2):  # what a crash left is in nobody's way
        with node.listen(str(path)):
            assert path.stat().st_mode & 0o777 == 0o600


def test_it_runs_with_the_few_packages_that_a_node_gets() -> None:
    code = (
        "import sys, jobs.node\n"
        "print(*sorted({name.partition('.')[0] for name, each in list(sys.modules.items())"
        " if 'site-packages' in (getattr(each, '__file__', None) or '')}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    found = {
        each for each in done.stdout.split() if not each.startswith(("__editable", "_distutils"))
    }
    brought = {"cryptography": {"cryptography", "_cffi_backend"}, "pyyaml": {"yaml", "_yaml"}}
    assert found <= set().union(*(brought[name] for name in ON_NODES))
