"""The drill: the server is lost wholly, and another one comes back from the backup in a bucket."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from harness import copy_checkout
from minio import Bucket, minio
from vps import Vps, run

BUCKET = "pwvpsbucket"  # a network
HOST = {"Host": "web.sample.localhost"}
NOTES = ["first", "ünïcödé", "x" * 500]


def secrets(vps: Vps, folder: Path, **given: str) -> None:
    """As an operator gives them: files beside the inventory, for root only."""
    place = folder / "inventory/secrets" / vps.address
    place.mkdir(parents=True, exist_ok=True)
    for name, text in given.items():
        (place / name.replace("_", "-")).write_text(text)
        (place / name.replace("_", "-")).chmod(0o600)


def operator(vps: Vps, folder: Path, bucket: Bucket, place: str) -> tuple[Vps, list[str]]:
    """With the bucket's keys and its address for this server; the options that say so."""
    secrets(vps, folder, backup_s3_id=bucket.user, backup_s3_secret=bucket.password)
    settings = {"BACKUP": place, "BACKUP_HOURS": 0}
    inventory = vps.inventory(settings=settings)
    return replace(vps, checkout=folder), ["--yes", "--inventory", str(inventory)]


def notes(vps: Vps) -> list[str]:
    found: list[str] = httpx.get(f"http://{vps.address}/notes", headers=HOST, timeout=20).json()
    return found


@contextmanager
def address() -> Iterator[str]:
    """One of this machine's that a server reaches: its own network's goes with it."""
    run("docker", "network", "create", BUCKET)
    try:
        found = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
        yield run("docker", "network", "inspect", BUCKET, "--format", found)
    finally:
        run("docker", "network", "rm", BUCKET)


def test_a_lost_server_comes_back_from_a_bucket(vps: Vps, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    copy_checkout(folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    with address() as here, minio(tmp_path / "minio", "0.0.0.0") as made:
        bucket = made.at(here)
        place = bucket.folder()
        for note in NOTES:
            httpx.post(f"http://{vps.address}/notes", headers=HOST, content=note, timeout=20)
        first, options = operator(vps, folder, bucket, place)
        done = first.portwright("apply", *options)
        assert done.code == 0, done.output
        vps.ssh("portwright-admin backup create --volumes")
        password = vps.ssh("cat /var/lib/portwright/keys/backup-password")
        assert notes(vps) == NOTES

        vps.destroy(keep_folder=True)
        vps.known_hosts.unlink()
        vps.start()
        second, options = operator(vps, folder, bucket, place)
        secrets(vps, folder, backup_password=password)
        done = second.portwright("restore", *options)
        assert done.code == 0, done.output
        assert notes(vps) == NOTES
        answer = httpx.get(f"http://{vps.address}/health", headers=HOST, timeout=20).json()
        assert answer == {"status": "ok", "version": "1.0", "release": "2", "database": True}
        again = second.portwright("apply", *options)
        assert "Nothing changed" in again.output, again.output
        again = second.portwright("restore", *options)
        assert again.code == 1 and "is in use already" in again.output
    # The bucket is gone: without a place for backups again, as the tests after this one expect.
    assert vps.portwright("apply", "--yes").code == 0
