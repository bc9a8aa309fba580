"""Drift of a host: what neither its baseline nor its code says."""

from __future__ import annotations

from apart import call

from provision.inventory import FOLDER, names_of

DATA = {
    **names_of(FOLDER / "group_data/all.py"),
    **names_of(FOLDER / "group_data/host.py"),
}


def unsaid(now: list[tuple[str, str]], baseline: list[tuple[str, str]]) -> list[list[str]]:
    before = [list(row) for row in baseline]
    return list(call("provision.baseline", "unsaid", now, before, DATA, [22, 80, 443]))


def test_what_the_code_brings_and_what_was_there_is_no_drift() -> None:
    from_code = [
        ("package", "docker.io"),
        ("unit", "/etc/systemd/system/portwright-portal.service"),
        ("unit", "/etc/systemd/system/portwright-worker.service.portwright-new"),
        ("file", "/etc/ssh/sshd_config.d/00-portwright.conf"),
        ("port", "80 traefik"),
        ("table", "inet portwright"),
        ("user", "postgres (105)"),
    ]
    handed_over = [("package", "vim"), ("user", "root (0)"), ("cron", "/etc/cron.d/theirs")]
    assert unsaid([*from_code, *handed_over], handed_over) == []


def test_everything_else_is() -> None:
    strange = [
        ["package", "nmap"],
        ["unit", "/etc/systemd/system/miner.service"],
        ["unit", "/etc/systemd/system/portwright-miner.service"],
        ["file", "/etc/ssh/sshd_config.d/00-portwright-too.conf"],
        ["user", "mallory (0)"],
        ["key", "root SHA256:abc"],
        ["port", "4444 nc"],
        ["table", "inet other"],
        ["container", "stray (portwright/python:3.13)"],
    ]
    assert unsaid([(k, v) for k, v in strange], [("user", "root (0)")]) == strange
