"""The host's next version, by the same command from another checkout, while the first app serves."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from next_version import load, next_version, worse_version
from vps import Vps

from provision import code_archive

READ_VERSION = (
    "cd /; runuser -u postgres -- psql -h /var/lib/portwright/run/postgres -At portwright -c"
    " 'select version_num from alembic_version'"
)
EVENTS = (
    "cd /; runuser -u postgres -- psql -h /var/lib/portwright/run/postgres -At portwright -c"
    " \"select action from events where action like 'platform.upgrade%' order by id\""
)


def served(vps: Vps) -> list[str]:
    """What an upgrade must leave as it is: containers, and what runs beside portal and worker."""
    units = " ".join(f"portwright-{name}" for name in ("traefik", "redis", "postgres"))
    return [
        vps.ssh("docker ps --quiet --no-trunc | sort"),
        vps.ssh(f"systemctl show --property MainPID --value {units}"),
    ]


def of_version(vps: Vps) -> list[str]:
    """What tells which version this is: code, database, units, the administrator's command."""
    return [
        vps.ssh("readlink /opt/portwright/current"),
        vps.ssh(READ_VERSION),
        vps.ssh("grep -h ^WorkingDirectory /etc/systemd/system/portwright-{portal,worker}.service"),
        vps.ssh("cat /usr/local/sbin/portwright-admin"),
    ]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Folders of a version that does not get well and of one that does, and its database's."""
    root = tmp_path_factory.mktemp("versions")
    worse_version(root / "worse")
    number = next_version(root / "next")
    subprocess.run(["git", "init", "--quiet", root / "next"], check=True)
    return root / "worse", root / "next", number


def test_a_version_that_does_not_get_well_goes_back_by_itself(
    vps: Vps, versions: tuple[Path, Path, str]
) -> None:
    before, beside = of_version(vps), served(vps)
    with load(f"http://{vps.address}") as failed:
        done = replace(vps, checkout=versions[0]).portwright("apply", "--yes")
    assert done.code == 1
    assert "the old one serves again: /sign-in answers 500" in done.output
    assert failed == []
    assert (of_version(vps), served(vps)) == (before, beside)
    assert vps.ssh("ls /etc/systemd/system | grep portwright-new; true") == ""
    assert vps.ssh(EVENTS).splitlines() == ["platform.upgrade_failed"]


def test_a_new_version_takes_over_though_its_operator_is_gone(
    vps: Vps, versions: tuple[Path, Path, str]
) -> None:
    """Killed while the new version is watched: the host goes on; the same command then ends it."""
    _, folder, number = versions
    beside, new = served(vps), replace(vps, checkout=folder)
    before = of_version(vps)[0]
    version = code_archive.describe(folder).version
    with load(f"http://{vps.address}") as failed:
        process = new.start_portwright("apply", "--yes")
        while vps.ssh("systemctl is-active portwright-upgrade", check=False) != "active":
            assert process.poll() is None, process.communicate()
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = new.portwright("apply", "--yes")
    assert done.code == 0, done.output
    assert failed == []
    assert served(vps) == beside
    code = f"/opt/portwright/{version}"
    assert of_version(vps)[:3] == [code, number, "\n".join([f"WorkingDirectory={code}"] * 2)]
    assert vps.ssh(EVENTS).splitlines() == ["platform.upgrade_failed", "platform.upgraded"]
    # The one before it stays, the one that did not get well is gone.
    kept = vps.ssh("cd /opt/portwright; ls -d [0-9]*; readlink previous")
    assert sorted(kept.split()) == sorted([version, Path(before).name, before])
    assert "succeeded" in vps.ssh("portwright-admin deploy sample --wait")
    assert new.portwright("apply", "--yes").output.count("Nothing changed") == 1
