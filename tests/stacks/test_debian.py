"""Test root file systems of Debian up to debootstrap, which only the system tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.docker.images import debian
from stacks.errors import PortwrightError


def test_the_key_depends_on_what_is_inside_and_not_on_its_order() -> None:
    assert debian.key("trixie", ["a1", "b1"]) == debian.key("trixie", ["b1", "a1"])
    assert debian.key("trixie", ["a1"]) != debian.key("trixie", ["b1"])
    assert debian.key("trixie", ["a1"]) != debian.key("bookworm", ["a1"])


def test_an_archive_in_the_cache_is_used(tmp_path: Path) -> None:
    existing = debian.archive_path(tmp_path, "trixie", ["ca-certificates"])
    existing.parent.mkdir()
    existing.write_bytes(b"tar")
    said: list[str] = []
    assert debian.archive(tmp_path, "trixie", ["ca-certificates"], said.append) == existing
    assert said == []


@pytest.mark.parametrize(
    ("suite", "include"),
    [("--foreign", []), ("../trixie", []), ("trixie", ["a b"]), ("trixie", ["-x", "git"])],
)
def test_names_that_debootstrap_would_misread_are_refused(
    suite: str, include: list[str], tmp_path: Path
) -> None:
    with pytest.raises(PortwrightError) as caught:
        debian.archive(tmp_path, suite, include, print)
    assert caught.value.path == "images.debian"
    assert list(tmp_path.iterdir()) == []


def test_signatures_are_always_checked(tmp_path: Path) -> None:
    argv = debian.command("trixie", ["git", "curl"], tmp_path)
    assert argv[-3:] == ["--include=curl,git", "trixie", str(tmp_path)]
    assert {"--force-check-gpg", f"--keyring={debian.KEYRING}"} < set(argv)


def test_a_missing_keyring_is_reported_with_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debian, "KEYRING", tmp_path / "missing.gpg")
    with pytest.raises(PortwrightError) as caught:
        debian.archive(tmp_path / "cache", "trixie", [], print)
    assert "debian-archive-keyring" in caught.value.remedy


def test_the_security_archive_is_added_once(tmp_path: Path) -> None:
    sources = tmp_path / "sources.list"
    sources.write_text("deb http://deb.debian.org/debian trixie main\n")
    debian.add_security_updates(sources, "trixie")
    assert sources.read_text().splitlines() == [
        "deb http://deb.debian.org/debian trixie main",
        "deb http://deb.debian.org/debian-security trixie-security main",
    ]
