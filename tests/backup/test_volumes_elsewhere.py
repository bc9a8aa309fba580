"""Volumes through the API of a real engine, as those of another host: saved, lost, and filled again.
The engine is this machine's; tests/hosts_many has one that is another's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from broken_way import BrokenWay
from docker.models.volumes import Volume
from harness import until
from requests.exceptions import RequestException
from test_volumes import INSTANCE, LABELS, client, listing, settings, stands, writer

from jobs.backup import archive, elsewhere
from jobs.backup.elsewhere import save_volume
from jobs.backup.refill import fill_volume
from jobs.backup.volumes import place_of
from jobs.settings import Settings
from stacks.errors import PortwrightError

__all__ = ["client", "settings", "writer"]
HOST = "eu-1"
NAME = "pwvolumes_data"


@pytest.fixture
def volume(client: docker.DockerClient) -> Volume:
    return client.volumes.create(NAME, labels=LABELS)


@pytest.fixture(autouse=True)
def nothing_is_left(client: docker.DockerClient) -> Iterator[None]:
    yield
    mine = {"label": f"{archive.DOOR}={INSTANCE}"}
    assert client.api.containers(all=True, filters=mine) == []
    assert client.api.images(all=True, filters=mine) == []


def save(
    client: docker.DockerClient, settings: Settings, volume: Volume, folder: Path | None = None
) -> dict[str, Any]:
    (saved,) = save_volume(client, settings, HOST, volume, folder or settings.home)
    return saved


def odd_files(data: Path) -> None:
    """What a volume may hold that is not a plain file of root's."""
    (data / "inner").mkdir(mode=0o700)
    (data / "inner/ünï code").write_text("text")
    os.chown(data / "inner", 999, 998)
    (data / "inner/link").symlink_to("../elsewhere")
    (data / "inner/outside").symlink_to("/etc/passwd")
    os.lchown(data / "inner/link", 70, 71)
    os.link(data / "inner/ünï code", data / "hard")
    (data / os.fsdecode(b"not \xff utf-8\n")).write_bytes(b"\x00\xff")
    (data / ("long " * 40)).mkdir()
    (data / ("long " * 40) / ("name " * 40)).write_text("deep")
    (data / "run").write_text("#!")
    os.chown(data / "run", 5_000_000, 3_000_000_000)
    (data / "run").chmod(0o6755)
    os.setxattr(data / "run", "security.capability", bytes.fromhex("0100000200040000") + bytes(12))
    (data / "sticky").mkdir()
    (data / "sticky").chmod(0o1777)
    (data / "empty").touch()
    (data / ".wh.hidden").write_text("no whiteout")
    os.mkfifo(data / "pipe", 0o620)
    os.mknod(data / "device", 0o20600, os.makedev(1, 3))
    with (data / "sparse").open("wb") as file:
        file.truncate(50_000_000)
        file.seek(20_000_000)
        file.write(b"in the middle")
    os.utime(data / "run", (1_000_000_000, 1_000_000_000))
    os.utime(data / "inner", (1_000_000_001, 1_000_000_001))
    os.chown(data, 70, 71)
    data.chmod(0o2750)


def found(folder: Path) -> list[tuple[object, ...]]:
    """What must come back: beside owners, modes and beginnings, all of what files hold."""
    more = []
    for path in [folder, *sorted(folder.rglob("*"))]:
        stat = path.lstat()
        content = digest(path) if path.is_file() and not path.is_symlink() else ""
        attributes = [(name, os.getxattr(path, name, follow_symlinks=False))
                      for name in os.listxattr(path, follow_symlinks=False)]  # fmt: skip
        links = stat.st_nlink if not path.is_dir() else 0
        more.append((links, stat.st_rdev, int(stat.st_mtime), content, attributes))
    return [*listing(folder), *more]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_all_that_a_volume_holds_comes_back(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    odd_files(place_of(volume))
    before = found(place_of(volume))
    saved = save(client, settings, volume)
    assert (saved["host"], saved["labels"], saved["paused"]) == (HOST, LABELS, [])
    assert found(place_of(volume)) == before, "it is only read"
    volume.remove()
    assert fill_volume(client, settings, saved, settings.home / f"{NAME}.tar") == ""
    made = client.volumes.get(NAME)
    assert found(place_of(made)) == before and made.attrs["Labels"] == LABELS
    assert os.path.samefile(place_of(made) / "hard", place_of(made) / "inner/ünï code")
    assert list((settings.home / "run/filling").rglob("*.tar")) == []


def test_an_empty_one_comes_back_with_its_owner(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    os.chown(place_of(volume), 999, 999)
    before = listing(place_of(volume))
    saved = save(client, settings, volume)
    volume.remove()
    assert fill_volume(client, settings, saved, settings.home / f"{NAME}.tar") == ""
    assert listing(place_of(client.volumes.get(NAME))) == before


def test_a_large_one_goes_through_and_never_through_memory(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    big = place_of(volume) / "big"
    subprocess.run(["sh", "-c", f"head -c 200000000 /dev/urandom >{big}"], check=True)
    before = digest(big)
    tracemalloc.start()
    try:
        saved = save(client, settings, volume)
        volume.remove()
        assert fill_volume(client, settings, saved, settings.home / f"{NAME}.tar") == ""
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert saved["bytes"] > 200_000_000 and peak < 20_000_000
    assert digest(place_of(client.volumes.get(NAME)) / "big") == before


def test_containers_stand_still_meanwhile_and_go_on(
    client: docker.DockerClient, settings: Settings, writer: Any
) -> None:
    volume = client.volumes.get(NAME)
    saved = save(client, settings, volume)
    assert saved["paused"] == [writer.name]
    copy = settings.home / "copy"
    copy.mkdir()
    tar = ["tar", "--extract", "--file", settings.home / f"{NAME}.tar", "--directory", copy]
    subprocess.run(tar, check=True)
    a, b = ((copy / "data" / name).read_text() for name in "ab")
    assert b == "" or a == "" or int(a) - int(b) in (0, 1)
    before = (place_of(volume) / "a").read_text()
    until(lambda: (place_of(volume) / "a").read_text() not in ("", before))
    assert not stands(settings, HOST)


def test_one_that_holds_something_is_left_as_it_is(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    (place_of(volume) / "precious").write_text("data")
    saved = save(client, settings, volume)
    source = settings.home / f"{NAME}.tar"
    (place_of(volume) / "precious").write_text("newer")
    told = fill_volume(client, settings, saved, source)
    assert "holds something already" in told and f"docker volume rm {NAME}" in told
    assert (place_of(volume) / "precious").read_text() == "newer"
    volume.remove()
    client.volumes.create(NAME, labels=LABELS)  # as a deploy before the fill makes it
    assert fill_volume(client, settings, saved, source) == ""
    assert (place_of(volume) / "precious").read_text() == "data"


def test_one_that_a_cut_off_fill_left_half_filled_is_told(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    subprocess.run(["sh", "-c", f"head -c 5000000 /dev/zero >{place_of(volume)}/big"], check=True)
    saved = save(client, settings, volume)
    volume.remove()
    half = settings.home / "half.tar"
    half.write_bytes((settings.home / f"{NAME}.tar").read_bytes()[:2_000_000])
    with pytest.raises(docker.errors.DockerException):
        fill_volume(client, settings, saved, half)
    told = fill_volume(client, settings, saved, settings.home / f"{NAME}.tar")
    assert "an earlier try was cut off" in told
    client.volumes.get(NAME).remove()
    assert fill_volume(client, settings, saved, settings.home / f"{NAME}.tar") == ""
    assert (place_of(volume) / "big").stat().st_size == 5_000_000


def test_a_way_that_breaks_under_it_is_no_short_backup_and_nobody_stands_still_for_long(
    client: docker.DockerClient, settings: Settings, writer: Any
) -> None:
    volume = client.volumes.get(NAME)
    subprocess.run(["sh", "-c", f"head -c 9000000 /dev/zero >{place_of(volume)}/big"], check=True)
    broken = BrokenWay(settings.home / "cut.sock", 3_000_000)
    through = docker.DockerClient(base_url=f"unix://{settings.home}/cut.sock", timeout=20)
    with pytest.raises((RequestException, docker.errors.DockerException)):
        save(through, settings, volume)
    through.close()
    assert broken.left < 0 and not (settings.home / f"{NAME}.tar").exists()
    writer.reload()
    assert writer.status == "paused" and stands(settings, HOST)
    elsewhere.release(client, settings, HOST)  # as the host's next turn does
    writer.reload()
    assert writer.status == "running" and not stands(settings, HOST)


def test_what_does_not_fit_here_is_not_begun_to_fill_the_disk(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    (place_of(volume) / "a").write_text("data")
    with (
        pytest.raises(PortwrightError, match="has no room for it"),
        archive.door(client, settings, NAME) as door,
    ):
        archive.read(door, settings.home / "tar", 2**60)


def test_one_that_a_deploy_removed_meanwhile_is_not_made_anew(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    volume.remove()
    assert save_volume(client, settings, HOST, volume, settings.home) == []
    with pytest.raises(docker.errors.NotFound):
        client.volumes.get(NAME)


def test_what_a_killed_backup_left_goes_with_the_next(
    client: docker.DockerClient, settings: Settings, volume: Volume
) -> None:
    killed = archive.door(client, settings, NAME)
    left = killed.__enter__()
    save(client, settings, volume)
    with pytest.raises(docker.errors.NotFound):
        left.reload()
