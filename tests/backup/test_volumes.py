"""Volumes of a real engine: saved while their containers stand still, and filled again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from base_images import on_engine
from docker.models.containers import Container
from harness import until

from jobs.backup import asked
from jobs.backup.pausing import left_standing, paused
from jobs.backup.volumes import load_volume, place_of, save_volume, volumes_of
from jobs.settings import Settings
from stacks.errors import PortwrightError

INSTANCE = "pwvolumes"
LABELS = {"portwright.instance": INSTANCE}
WRITE = """
import itertools, os
for n in itertools.count():
    for name in "ab":
        with open(f"/data/{name}", "w") as file:
            file.write(str(n)); file.flush(); os.fsync(file.fileno())
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "run").mkdir()
    return Settings(home=tmp_path, instance=INSTANCE)


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    for container in client.containers.list(
        all=True, filters={"label": f"portwright.instance={INSTANCE}"}
    ):
        container.remove(force=True)
    for volume in client.volumes.list(filters={"label": f"portwright.instance={INSTANCE}"}):
        volume.remove(force=True)
    client.close()


@pytest.fixture
def writer(client: docker.DockerClient) -> Container:
    """A container that writes two files of its volume, one after the other, all the time."""
    image = on_engine("python")
    client.volumes.create("pwvolumes_data", labels=LABELS)
    made = client.containers.run(
        image, ["python3", "-c", WRITE], detach=True, labels=LABELS,
        volumes={"pwvolumes_data": {"bind": "/data", "mode": "rw"}},
    )  # fmt: skip
    data = place_of(client.volumes.get("pwvolumes_data"))
    until(lambda: (data / "b").exists())
    return made


def stands(settings: Settings, host: str = "") -> bool:
    """Whether a note says that something is paused, by nobody who is at work."""
    with left_standing(settings, host) as note:
        return note is not None


def test_a_copy_is_of_one_moment_and_the_container_goes_on(
    client: docker.DockerClient, settings: Settings, writer: Container
) -> None:
    (volume,) = volumes_of(client, settings)
    for number in range(3):
        target = settings.home / f"{number}.tar"
        saved = save_volume(client, settings, volume, target)
        assert saved["paused"] == [writer.name] and saved["bytes"] == target.stat().st_size
        copied = settings.home / f"copy-{number}"
        copied.mkdir()
        subprocess.run(["tar", "--extract", "--file", target, "--directory", copied], check=True)
        a, b = ((copied / name).read_text() for name in "ab")
        # b is written after a: of one moment, b is at most one step behind, or being written.
        assert b == "" or a == "" or int(a) - int(b) in (0, 1)
    writer.reload()
    assert writer.status == "running" and not stands(settings)
    data = place_of(volume)
    before = (data / "a").read_text()
    until(lambda: (data / "a").read_text() not in ("", before))


def test_owners_modes_links_and_holes_come_back(
    client: docker.DockerClient, settings: Settings
) -> None:
    volume = client.volumes.create("pwvolumes_data", labels=LABELS)
    data = place_of(volume)
    (data / "inner").mkdir(mode=0o700)
    (data / "inner/ünï code").write_text("text")
    os.chown(data / "inner", 999, 998)
    (data / "inner/link").symlink_to("../elsewhere")
    with (data / "sparse").open("wb") as file:
        file.truncate(50_000_000)
    (data / "run").write_text("#!")
    (data / "run").chmod(0o4755)
    os.chown(data, 70, 71)
    saved = save_volume(client, settings, volume, settings.home / "data.tar")
    before = listing(data)
    assert saved["bytes"] < 1_000_000 and saved["paused"] == []
    volume.remove()
    load_volume(client, saved, settings.home / "data.tar")
    made = client.volumes.get("pwvolumes_data")
    assert listing(place_of(made)) == before and made.attrs["Labels"] == LABELS


def listing(folder: Path) -> list[tuple[object, ...]]:
    found = []
    for path in [folder, *sorted(folder.rglob("*"))]:
        stat = path.lstat()
        content = os.readlink(path) if path.is_symlink() else ""
        content = path.read_bytes()[:100] if path.is_file() and not path.is_symlink() else content
        name = str(path.relative_to(folder))
        size = stat.st_size if path.is_file() else 0
        found.append((name, stat.st_mode, stat.st_uid, stat.st_gid, size, content))
    return found


def test_a_volume_that_holds_something_is_not_overwritten(
    client: docker.DockerClient, settings: Settings
) -> None:
    volume = client.volumes.create("pwvolumes_data", labels=LABELS)
    (place_of(volume) / "precious").write_text("data")
    saved = save_volume(client, settings, volume, settings.home / "data.tar")
    with pytest.raises(PortwrightError, match="is there already and not empty") as caught:
        load_volume(client, saved, settings.home / "data.tar")
    assert "docker volume rm pwvolumes_data" in caught.value.remedy
    assert (place_of(volume) / "precious").read_text() == "data"


def test_a_container_that_a_killed_backup_left_standing_goes_on(
    client: docker.DockerClient, settings: Settings, writer: Container
) -> None:
    code = (
        "import docker, time; from pathlib import Path; from jobs.settings import Settings;"
        "from jobs.backup.pausing import paused; from jobs.backup.make import alone\n"
        f"settings = Settings(home=Path({str(settings.home)!r}), instance={INSTANCE!r})\n"
        "with alone(settings, 'a backup'), paused(docker.from_env(), settings, 'pwvolumes_data'):\n"
        "    time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])

    def status() -> str:
        writer.reload()
        return str(writer.status)

    until(lambda: status() == "paused")
    asked.release_paused(settings)
    assert status() == "paused", "a backup that is at work is let be"
    process.kill()
    process.wait()
    asked.release_paused(settings)
    assert status() == "running" and not stands(settings)


def test_a_container_that_went_away_meanwhile_holds_nothing_up(
    client: docker.DockerClient, settings: Settings, writer: Container
) -> None:
    with paused(client, settings, "pwvolumes_data") as names:
        assert names == [writer.name]
        writer.unpause()
        writer.remove(force=True)
        time.sleep(0.1)
    assert not stands(settings)
