"""Test which registry an image name is pulled from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.images.sources import docker_hub_path, source_of

LIBRARY = "127.0.0.1:8703"
MIRROR = "mirror:mirror.example.com:5000/hub"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize("images", ["auto", "registry", MIRROR])
@pytest.mark.parametrize(
    "name",
    [
        "quay.io/team/app:2",
        "registry:5000/app:2",
        "localhost/app:2",
        "localhost:5000/portwright/python:3.13",
        "registry.example.com/portwright/python:3.13",
        f"ghcr.io/team/app@{DIGEST}",
    ],
)
def test_a_name_with_a_registry_is_never_rewritten(name: str, images: str) -> None:
    assert source_of(name, images, LIBRARY) == name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("postgres:17", "library/postgres:17"),
        ("docker.io/postgres:17", "library/postgres:17"),
        ("docker.io/library/postgres:17", "library/postgres:17"),
        ("index.docker.io/team/app:2", "team/app:2"),
        ("team/app:2", "team/app:2"),
        (f"postgres@{DIGEST}", f"library/postgres@{DIGEST}"),
    ],
)
def test_a_mirror_has_the_names_of_docker_hub(name: str, path: str) -> None:
    assert source_of(name, MIRROR, LIBRARY) == f"mirror.example.com:5000/hub/{path}"
    assert source_of(name, f"{MIRROR}/", LIBRARY) == source_of(name, MIRROR, LIBRARY)
    assert source_of(name, "registry", LIBRARY) == source_of(name, "auto", LIBRARY) == name


@pytest.mark.parametrize("images", ["auto", "registry", MIRROR])
@pytest.mark.parametrize("name", ["portwright/python:3.13", "docker.io/portwright/python:3.13"])
def test_the_library_has_the_names_of_its_owner(name: str, images: str) -> None:
    assert source_of(name, images, LIBRARY) == f"{LIBRARY}/portwright/python:3.13"


@pytest.mark.parametrize("name", ["portwright:1", "portwrights/python:1", "library/portwright:1"])
def test_a_similar_name_is_not_the_librarys(name: str) -> None:
    assert source_of(name, "registry", LIBRARY) == name


def test_without_a_library_its_names_are_docker_hubs() -> None:
    assert source_of("portwright/python:3.13", "auto", "") == "portwright/python:3.13"
    assert source_of("portwright/python:3.13", MIRROR, "").startswith("mirror.example.com:5000/")


@given(st.from_regex(r"[a-z]{1,8}(:[0-9]{2,4}/[a-z]{1,8})?(/[a-z]{1,8}){0,2}", fullmatch=True))
def test_a_name_is_only_rewritten_once(name: str) -> None:
    once = source_of(name, MIRROR, LIBRARY)
    assert source_of(once, MIRROR, LIBRARY) == once
    assert docker_hub_path(once) is None or once == name
