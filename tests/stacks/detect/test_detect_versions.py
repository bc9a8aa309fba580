"""Which version a range means: the preferred one that it allows, or the one that it names."""

from __future__ import annotations

import pytest
from detect_samples import detect_files, package

from stacks.docker.builds.detect.node import VERSIONS as NODE
from stacks.docker.builds.detect.php import VERSIONS as PHP
from stacks.docker.builds.detect.python import VERSIONS as PYTHON
from stacks.docker.builds.detect.versions import choose, choose_python


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("20", "20"),
        ("v20.11.1", "20.11.1"),
        ("20.x", "20"),
        ("20.11.x", "20.11"),
        ("*", "24"),
        ("x", "24"),
        (">=18", "24"),
        (">= 18.17.0", "24"),
        (">=25", "26"),
        (">24", "26"),
        ("<20", "19"),
        ("<=20", "20"),
        (">=18 <23", "22"),
        (">=18.0.0, <21", "20"),
        ("^20.9.0", "20"),
        ("^18 || ^20", "20"),
        ("^18.0.0 || >=22", "24"),
        ("~20.11.1", "20.11"),
        ("~22", "22"),
        ("18 - 22", "22"),
        ("18.x || 20.x", "20"),
        (">=20 nonsense", None),
        ("latest", None),
        ("", None),
        ("^99", None),
    ],
)
def test_npm_range(wanted: str, version: str | None) -> None:
    assert choose(wanted, NODE) == version


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("^8.1", "8.4"), ("~8.1", "8.4"), ("~8.1.3", "8.1"), (">=8.1 <8.3", "8.2"),
     ("^7.4|^8.0", "8.4"), ("^7.4", "7.4"), ("8.2.*", "8.2")],
)  # fmt: skip
def test_composer_range(wanted: str, version: str) -> None:
    assert choose(wanted, PHP, loose_tilde=True) == version


@pytest.mark.parametrize(
    ("wanted", "version"),
    [(">=3.11", "3.13"), (">=3.12.4", "3.13"), ("<3.13", "3.12"), ("==3.11.*", "3.11"),
     ("~=3.10", "3.13"), (">=3.14", "3.14"), (">=4", None), ("nonsense", None)],
)  # fmt: skip
def test_python_specifier(wanted: str, version: str | None) -> None:
    assert choose_python(wanted, PYTHON) == version


@pytest.mark.parametrize(
    ("files", "image"),
    [
        (
            {"requirements.txt": "", ".python-version": "3.12", "runtime.txt": "python-3.11"},
            "python:3.12",
        ),
        ({"requirements.txt": "", "runtime.txt": "python-3.11.9"}, "python:3.11.9"),
        ({"Pipfile": "[requires]\npython_version = '3.10'\n"}, "python:3.10"),
        ({"package.json": package(engines={"node": "20"}), ".nvmrc": "v22.1.0"}, "node:22.1.0"),
        ({"package.json": "{}", ".tool-versions": "nodejs 21.2.0\n"}, "node:21.2.0"),
        ({"go.mod": "module x\ngo 1.99.1\n", "main.go": "package main"}, "golang:1.99"),
        (
            {"pom.xml": "", "system.properties": "java.runtime.version=1.8"},
            "maven:3-eclipse-temurin-8",
        ),
        ({"mix.exs": "app: :x", ".tool-versions": "elixir 1.17.3-otp-27\n"}, "elixir:1.17.3"),
        (
            {
                "Cargo.toml": "[[bin]]\nname = 'x'",
                "rust-toolchain.toml": "toolchain.channel = '1.80'",
            },
            "rust:1.80",
        ),
    ],
)
def test_version_of_the_repository_wins(files: dict[str, str], image: str) -> None:
    assert detect_files(files).dockerfile.startswith(f"FROM {image} ")


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "", ".python-version": "pypy3.10"},
        {"pyproject.toml": "[project]\nrequires-python = '>=99'\n"},
        {"package.json": package(engines={"node": "newest"})},
        {"package.json": "{}", ".nvmrc": "node"},
        {"Gemfile": "ruby 'jruby-9'\n"},
        {"composer.json": '{"require": {"php": "dev-main"}}'},
        {"mix.exs": 'app: :x, elixir: "main"'},
        {"pom.xml": "<java.version>99</java.version>"},
        {"Cargo.toml": "[[bin]]\nname = 'x'", "rust-toolchain": "nightly-2026-01-01"},
    ],
)
def test_version_that_is_not_understood_is_a_notice(files: dict[str, str]) -> None:
    expected = ("not understood", "not known", "rustup installs")
    notices = detect_files(files).notices
    assert any(text in notice for notice in notices for text in expected), notices
