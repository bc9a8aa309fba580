"""Which machine is meant: what is typed is held to a pattern before anything else sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.target import Target, from_environ, parse
from stacks.errors import PortwrightError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("root@203.0.113.5", Target("203.0.113.5")),
        ("example.com", Target("example.com")),
        ("root@example.com:2222", Target("example.com", port=2222)),
        ("root@[2001:db8::1]:22", Target("2001:db8::1")),
        ("@local", Target()),
    ],
)
def test_what_is_meant(typed: str, meant: Target) -> None:
    assert parse(typed) == meant
    assert from_environ(meant.environment()) == meant


@pytest.mark.parametrize(
    "typed",
    ["", "root@", "-oProxyCommand=x", "root@-h", "a b", "root@h:0", "root@h:99999", "h\nx", "h;id"],
)
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        parse(typed)
    assert (caught.value.path, "root@host" in caught.value.remedy) == ("host", True)


@given(st.text(max_size=40))
def test_no_text_gets_past_the_pattern(typed: str) -> None:
    try:
        found = parse(typed)
    except PortwrightError:
        return
    assert found.local or set(found.host) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"
    )
    assert not found.host.startswith("-") and 0 < found.port < 65536


def test_only_root_can_change_a_machine() -> None:
    with pytest.raises(PortwrightError, match="'admin' can't change the machine"):
        parse("admin@example.com")


def test_a_key_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match="there is no file"):
        parse("root@example.com", key=str(tmp_path / "none"))


def test_an_unknown_host_key_is_taken_once_and_a_changed_one_never() -> None:
    assert Target("h", key="/k", known_hosts="/known").connection == {
        "ssh_hostname": "h",
        "ssh_user": "root",
        "ssh_port": 22,
        "ssh_known_hosts_file": "/known",
        "ssh_strict_host_key_checking": "accept-new",
        "ssh_connect_retries": 2,
        "ssh_key": "/k",
    }
