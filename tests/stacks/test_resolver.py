"""Which image a name means, and where it is looked for. The Docker here only keeps a list:
what it pulls and builds for real is seen in tests/system/test_5_images.py."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound, NotFound
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.images import local
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
    return Resolver(images, source, Path("unused"))  # type: ignore[arg-type]


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


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("postgres:15", "mirror.example.com/hub/postgres:15"),
        ("team/app:2", "mirror.example.com/hub/team/app:2"),
        ("quay.io/team/app:2", "mirror.example.com/hub/team/app:2"),
        ("registry:5000/app:2", "mirror.example.com/hub/app:2"),
    ],
)
def test_a_mirror_takes_the_place_of_the_registry(name: str, where: str) -> None:
    assert resolver(Images(), "mirror:mirror.example.com/hub").source_name(name) == where
    assert resolver(Images(), "registry").source_name(name) == name


def test_what_is_on_the_host_is_taken_and_only_a_refresh_fetches() -> None:
    images = Images(here=("app:2",), there=("app:2",))
    first = resolver(images, "registry").resolve("app:2", print)
    assert (first.id, images.pulled) == ("sha256:app:2", [])
    assert resolver(images, "registry").resolve("app:2", print, refresh=True).id.endswith("-pulled")


@pytest.mark.parametrize("source", ["registry", "mirror:mirror.example.com"])
def test_only_auto_and_local_use_recipes(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(local, "make", lambda *found: made.append(found[2]) or "sha256:made")
    with pytest.raises(PortwrightError, match="can't be pulled: manifest unknown"):
        resolver(Images(), source).resolve("postgres:15", print)
    assert made == []
    said: list[str] = []
    assert resolver(Images(), "auto").resolve("postgres:15", said.append).id == "sha256:made"
    assert said[-1].endswith("using the local recipe")
    images = Images(there=("postgres:15",))
    assert resolver(images, "local").resolve("postgres:15", print).id == "sha256:made"
    assert images.pulled == []


def test_a_name_that_nothing_has_is_told_with_what_there_is() -> None:
    with pytest.raises(PortwrightError, match="no local recipe for mysql:8") as caught:
        resolver(Images(), "local").resolve("mysql:8", print)
    assert "postgres:15" in caught.value.remedy
    with pytest.raises(PortwrightError, match="can't be pulled"):
        resolver(Images(), "auto").resolve("mysql:8", print)


def test_a_recipe_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = local.recipe_key("redis")
    copy = tmp_path / "recipes"
    shutil.copytree(local.RECIPES, copy)
    monkeypatch.setattr(local, "RECIPES", copy)
    assert local.recipe_key("redis") == before
    (copy / "redis/Dockerfile").write_text("FROM scratch\n")
    assert local.recipe_key("redis") != before != local.recipe_key("python")
