"""Which image a name means, and where it is looked for. The Docker here only keeps a list:
what it pulls and builds for real is seen in tests/system/test_5_images.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound, NotFound
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.images.resolve import Resolver, with_tag
from stacks.errors import PortwrightError


class Images:
    """here: names that are on this host; there: those that a pull finds."""

    def __init__(self, here: tuple[str, ...] = (), there: tuple[str, ...] = ()) -> None:
        self.images = self
        self.here = {name: f"sha256:{name}" for name in here}
        self.there = there
        self.pulled: list[str] = []

    def get(self, name: str) -> Any:
        for known, image_id in self.here.items():
            if name in (known, image_id):
                return SimpleNamespace(id=image_id, attrs={"Config": {}}, labels={}, tags=[known])
        raise ImageNotFound(f"No such image: {name}")

    def pull(self, repository: str, tag: str) -> Any:
        name = f"{repository}:{tag}"
        self.pulled.append(name)
        if name not in self.there:
            raise NotFound("manifest unknown", explanation="manifest unknown")
        self.here[name] = f"sha256:{name}-pulled"
        return self.get(name)


def resolver(images: Images, source: str) -> Resolver:
    return Resolver(images, source, "127.0.0.1:8703")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_name", "means"),
    [
        ("postgres", "postgres:latest"),
        ("postgres:15", "postgres:15"),
        ("registry.example.com:5000/team/app", "registry.example.com:5000/team/app:latest"),
        ("registry.example.com:5000/team/app:2", "registry.example.com:5000/team/app:2"),
        ("app@sha256:" + "0" * 64, "app@sha256:" + "0" * 64),
    ],
)
def test_a_name_without_a_tag_is_latest(given_name: str, means: str) -> None:
    assert with_tag(given_name) == means


@given(st.from_regex(r"[a-z]{1,8}(:[0-9]{2,4}/[a-z]{1,8})?(/[a-z]{1,8}){0,2}", fullmatch=True))
def test_a_tag_is_added_once(name: str) -> None:
    assert with_tag(with_tag(name)) == with_tag(name)


def test_what_is_on_the_host_is_taken_and_only_a_refresh_fetches() -> None:
    images = Images(here=("app:2",), there=("app:2",))
    first = resolver(images, "registry").resolve("app:2", print)
    assert (first.id, images.pulled) == ("sha256:app:2", [])
    assert resolver(images, "registry").resolve("app:2", print, refresh=True).id.endswith("-pulled")


@pytest.mark.parametrize("source", ["auto", "registry", "mirror:mirror.example.com"])
def test_a_failed_pull_of_an_official_name_is_an_error_with_every_setting(source: str) -> None:
    images = Images()
    with pytest.raises(PortwrightError, match="can't be pulled: manifest unknown") as caught:
        resolver(images, source).resolve("postgres:15", print)
    assert images.pulled == [resolver(images, source).source_name("postgres:15")]
    assert "mirror" in caught.value.remedy


def test_a_missing_image_of_the_library_is_reported_with_its_command() -> None:
    with pytest.raises(PortwrightError) as caught:
        resolver(Images(), "auto").resolve("portwright/python:3.13", print)
    assert "tools.library ensure" in caught.value.remedy
