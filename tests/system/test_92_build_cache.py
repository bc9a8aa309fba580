"""What builds leave goes when it is old; what others left, and what a release needs, never."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound
from sqlalchemy import update

from jobs.building import building
from jobs.database import create_tables, session_factory
from jobs.image_removal import remove_but
from jobs.models import Schedule, now
from jobs.settings import Settings
from jobs.ticks import Ticks
from stacks.build_cache import prune
from stacks.build_marks import MARK
from stacks.docker.builds.image import Source, build_image, buildkit_docker
from stacks.docker.images.resolve import Resolver
from stacks.errors import PortwrightError
from stacks.service_file import Build

TWO_STAGES = (
    "FROM scratch AS one\nCOPY a /a\nCOPY b /b\nFROM scratch\nCOPY --from=one /a /a\nCOPY b /b\n"
)


class Host:
    """Two instances' names on one engine, and a folder with two files of their own."""

    def __init__(self, home: Path) -> None:
        unique = uuid.uuid4().hex[:8]
        self.client = docker.from_env()
        self.instance, self.stranger = f"pwa{unique}", f"pwb{unique}"
        self.settings = Settings(home=home / "home", instance=self.instance)
        self.folder = home / "checkout"
        self.folder.mkdir(parents=True)
        self.settings.home.mkdir()
        for name in ("a", "b"):
            (self.folder / name).write_text(f"{name} of {unique}")

    def build(self, text: str = TWO_STAGES, instance: str = "", secret: str = "") -> str:
        """As a Run does; returns the image's id."""
        (self.folder / "Dockerfile").write_text(text)
        of = instance or self.instance
        labels = {"instance": of, "project": "shop", "service": "web"}
        return build_image(
            self.client,
            Resolver(self.client, "registry"),
            Source(self.folder, uuid.uuid4().hex, {"tok": (1, secret)} if secret else {}),
            Build(),
            name=f"{of}/shop-web",
            labels={f"portwright.{key}": value for key, value in labels.items()},
            say=lambda line: None,
        ).id

    def foreign(self, text: str, tag: str = "") -> str:
        """As somebody does by hand; returns the image's id."""
        (self.folder / "Dockerfile").write_text(text)
        built, _ = self.client.images.build(path=str(self.folder), tag=tag or None, rm=True)
        return str(built.id)

    def steps(self, instance: str = "") -> set[str]:
        """Ids of nameless images that carry an instance's mark."""
        label = f"{MARK}={instance or self.instance}"
        there = self.client.api.images(all=True, filters={"label": label})
        return {each["Id"] for each in there if not any(of_name(each))}

    def prune(self, days: float = -1) -> list[str]:
        """days: what is older goes; -1 is everything."""
        before = datetime.now(UTC) - timedelta(days=days)
        return prune(self.client, self.instance, before, print)

    def there(self, *images: str) -> list[bool]:
        return [self.has(image) for image in images]

    def has(self, image: str) -> bool:
        try:
            self.client.images.get(image)
        except ImageNotFound:
            return False
        return True


def of_name(image: dict[str, list[str] | None]) -> list[str]:
    return [name for name in image["RepoTags"] or [] if not name.startswith("<none>")]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    for instance in (made.instance, made.stranger):
        for image in made.client.images.list(filters={"label": f"{MARK}={instance}"}):
            made.client.images.remove(str(image.id), force=True)


def test_an_image_keeps_its_steps_and_the_other_stages_go_when_they_are_old(host: Host) -> None:
    image = host.build()
    before = host.steps()
    assert host.prune(days=1) == []
    assert host.steps() == before
    removed = host.prune()
    assert len(removed) == 2 and set(removed) < before
    assert host.prune() == []
    assert host.has(image)
    assert host.steps() == before - set(removed)
    again = host.build()
    assert again == image


def test_a_failed_build_leaves_nothing_for_good(host: Host) -> None:
    with pytest.raises(PortwrightError):
        host.build(TWO_STAGES + "COPY missing /c\n")
    assert len(host.steps()) == 5
    assert len(host.prune()) == 5
    assert host.steps() == set()


def test_what_is_not_ours_survives(host: Host) -> None:
    ours = host.build()
    theirs = host.build(instance=host.stranger)
    steps = host.steps(host.stranger)
    nameless = host.foreign(f"FROM scratch\nLABEL {MARK}=x\nCOPY a /theirs\n")
    derived = host.foreign(f"FROM {ours}\nCOPY b /more\n")
    on_a_step = host.foreign(f"FROM {sorted(host.steps())[0]}\nCOPY b /more\n", tag="pw-on-a-step")
    try:
        host.prune()
        assert host.there(ours, theirs, nameless, derived, on_a_step) == [True] * 5
        assert host.steps(host.stranger) == steps
    finally:
        for image in (on_a_step, derived, nameless):
            host.client.images.remove(image, force=True)


def test_an_image_that_no_release_needs_takes_its_steps_along_and_no_base_of_others(
    host: Host,
) -> None:
    base = host.foreign("FROM scratch\nCOPY a /base\n")
    kept = host.build()
    old = host.build(f"FROM {base}\nCOPY a /a\nCOPY b /b\n")
    derived = host.foreign(f"FROM {kept}\nCOPY b /more\n", tag=f"mine:{host.instance}")
    nameless = host.foreign(f"FROM {kept}\nCOPY a /more\n")
    try:
        steps = host.steps()
        remove_but(host.client, host.settings, "shop", {kept}, print)
        assert host.there(old, base, kept, derived, nameless) == [False, True, True, True, True]
        assert len(steps - host.steps()) == 5
        host.prune()
        remove_but(host.client, host.settings, "shop", set(), print)
        assert host.there(base, derived, nameless) == [True, True, True]
    finally:
        for image in (nameless, derived, base):
            host.client.images.remove(image, force=True)
    remove_but(host.client, host.settings, "shop", set(), print)
    assert host.steps() == set()


def test_the_worker_does_it_by_the_hour_and_not_while_somebody_builds(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PortwrightError):
        host.build(TWO_STAGES + "COPY missing /c\n")
    steps = host.steps()
    sessions = session_factory(host.settings.database_url)
    create_tables(sessions.kw["bind"])
    work = Ticks(host.settings).work

    def tick_after_an_hour() -> None:
        session.execute(update(Schedule).values(last_at=now() - timedelta(hours=2)))
        session.commit()
        work(session)

    with sessions() as session:
        work(session)
        tick_after_an_hour()
        assert host.steps() == steps
        monkeypatch.setattr("jobs.building.now", lambda: now() + timedelta(days=8))
        with building(host.settings):
            tick_after_an_hour()
        assert host.steps() == steps
        tick_after_an_hour()
    assert host.steps() == set()
    sessions.kw["bind"].dispose()


def test_nothing_of_buildkits_is_touched(host: Host) -> None:
    (host.folder / "Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
    argv = [
        buildkit_docker(),
        "build",
        "--quiet",
        "--tag",
        f"mine:{host.instance}",
        str(host.folder),
    ]
    subprocess.run(
        argv, env={**os.environ, "DOCKER_BUILDKIT": "1"}, check=True, stdout=subprocess.DEVNULL
    )
    image = host.build("FROM scratch\nCOPY b /b\n", secret="canary")
    before = {entry["ID"] for entry in host.client.df()["BuildCache"]}
    assert before
    host.prune()
    assert before <= {entry["ID"] for entry in host.client.df()["BuildCache"]}
    assert host.there(image, f"mine:{host.instance}") == [True, True]
    host.client.images.remove(f"mine:{host.instance}", force=True)
