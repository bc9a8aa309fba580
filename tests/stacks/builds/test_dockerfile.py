"""Which `# syntax=` lines need a download."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.builds.dockerfile import needs_download, syntax_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM a", None),
        ("# syntax=docker/dockerfile:1\nFROM a", "docker/dockerfile:1"),
        ("#syntax = docker/dockerfile:1.7 \r\nFROM a", "docker/dockerfile:1.7"),
        ("\ufeff# Syntax=x/y", "x/y"),
        ("#!/usr/bin/env docker\n# syntax=x/y", "x/y"),
        ("# escape=`\n# syntax=x/y opt=1\nFROM a", "x/y"),
        ("# a comment\n# syntax=x/y\nFROM a", None),
        ("\n# syntax=x/y\nFROM a", None),
        ("# other=1\n# syntax=x/y", None),
        ("// syntax=x/y\n", "x/y"),
        ('{"syntax": "x/y"}', "x/y"),
        ("FROM a\n# syntax=x/y", None),
    ],
)
def test_the_first_comments_name_the_frontend(text: str, wanted: str | None) -> None:
    assert syntax_of(text.encode()) == wanted


@pytest.mark.parametrize(
    ("image", "download"),
    [
        ("docker/dockerfile", False),
        ("docker/dockerfile:latest", False),
        ("docker/dockerfile:1", False),
        ("docker.io/docker/dockerfile:1.4", False),
        ("docker/dockerfile:1.20.3", False),
        ("docker/dockerfile:1.99", True),
        ("docker/dockerfile:2", True),
        ("docker/dockerfile:1-labs", True),
        ("docker/dockerfile-upstream:master", True),
        ("docker/dockerfile:1@sha256:" + "a" * 64, True),
        ("example.com/docker/dockerfile:1", True),
        ("acme/frontend", True),
    ],
)
def test_the_built_in_frontend_stands_for_stable_versions_only(image: str, download: bool) -> None:
    assert needs_download(f"# syntax={image}\nFROM a".encode()) == download


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    needs_download(data)
