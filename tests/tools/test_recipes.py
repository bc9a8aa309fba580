"""Test the library's recipes and the registry's configuration without an engine."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools.library import build, registry
from tools.library.recipes import FILES, POSTGRES, RECIPES, VERSION, Recipe

SMALL = Recipe("small", "1", packages=["busybox-static"])


def test_no_recipe_has_an_official_name() -> None:
    assert {each.reference.partition("/")[0] for each in RECIPES.values()} == {"portwright"}
    assert all(name == each.name for name, each in RECIPES.items())


@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, tag="2"),
        replace(SMALL, packages=["busybox"]),
        replace(SMALL, commands=["true"]),
        replace(SMALL, files={"/etc/x": "x"}),
        replace(SMALL, changes=["USER nobody"]),
        replace(SMALL, root="/image"),
        replace(SMALL, stop_signal="SIGINT"),
        replace(SMALL, suite="bookworm"),
    ],
)
def test_every_part_of_a_recipe_is_in_its_key(changed: Recipe) -> None:
    assert changed.key != SMALL.key == replace(SMALL).key


def test_a_new_version_of_the_recipes_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SMALL.key
    monkeypatch.setattr("tools.library.recipes.VERSION", VERSION + 1)
    assert SMALL.key != before


def test_scripts_are_executable_and_other_files_are_not() -> None:
    packed = build.archive(replace(SMALL, files={"/bin/run": "#!/bin/sh\n", "/etc/x": "x"}))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert {each.name: each.mode for each in tar} == {"bin/run": 0o755, "etc/x": 0o644}


def test_services_are_held_while_packages_are_installed() -> None:
    lines = build.script(POSTGRES).splitlines()
    held = next(n for n, line in enumerate(lines) if "exit 101" in line)
    installed = next(n for n, line in enumerate(lines) if line.endswith("postgresql-17"))
    released = lines.index(f"rm -f {build.POLICY}")
    assert held < installed < released


def test_the_entrypoint_is_the_recipes_file() -> None:
    assert POSTGRES.files == {
        "/usr/local/bin/entrypoint": (FILES / "postgres-entrypoint").read_text()
    }


def test_a_reader_is_read_only_and_a_writer_has_a_password(tmp_path: Path) -> None:
    reader = json.loads(registry.config(tmp_path, "127.0.0.1:1"))
    assert reader["storage"]["maintenance"]["readonly"] == {"enabled": True}
    assert reader["http"] == {"addr": "127.0.0.1:1"} and "auth" not in reader
    text = registry.config(tmp_path, "127.0.0.1:1", readonly=False, htpasswd=tmp_path / "users")
    assert json.loads(text)["auth"]["htpasswd"]["path"] == str(tmp_path / "users")


def test_only_loopback_and_the_bridge_are_listened_on(tmp_path: Path) -> None:
    both = registry.readers(tmp_path, 8703, "172.17.0.1")
    assert [each.ready for each in both] == ["127.0.0.1:8703", "172.17.0.1:8703"]
    assert [each.ready for each in registry.readers(tmp_path, 8703, "")] == ["127.0.0.1:8703"]


def test_another_configuration_restarts_the_registry(tmp_path: Path) -> None:
    (one,), (other,) = (registry.readers(tmp_path, port, "") for port in (8703, 8704))
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == registry.readers(tmp_path, 8703, "")[0].fingerprint
