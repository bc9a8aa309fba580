"""A host that takes nothing new, is emptied, added again, lost with its volumes, and taken off. Each
test goes on from the one before."""

from __future__ import annotations

import pytest
from nodes import NAME, Field, bootstrap
from vps import Vps


def test_a_drained_host_says_what_is_there_and_takes_nothing_new(field: Field) -> None:
    code, told = field.cli("hosts", "drain", NAME)
    assert code == 0 and "Placed there: shop." in told and "portwright projects place" in told
    code, told = field.cli("projects", "add", "late", str(field.shop.folder), "--host", NAME)
    assert code == 1 and f"host {NAME} is drained" in told
    assert field.deploy(8).state == "succeeded"  # what is there is deployed on
    assert field.served() == "8"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("hosts", "remove", NAME, "--yes"), "1 projects are placed on node: shop"),
        (("projects", "place", "shop", "--host", "local"), "serves in production"),
    ],
)
def test_what_is_refused_while_it_is_deployed(
    field: Field, argv: tuple[str, ...], told: str
) -> None:
    code, said = field.cli(*argv)
    assert code == 1 and told in said


def test_once_it_is_destroyed_the_project_moves_and_the_host_goes(field: Field) -> None:
    assert field.shop.run("destroy").state == "succeeded"
    assert field.there() == []
    assert field.cli("projects", "place", "shop", "--host", "local")[0] == 0
    assert field.cli("hosts", "remove", NAME, "--yes")[0] == 0
    assert not (field.platform.home / "run/hosts" / NAME).exists()
    run = field.shop.run("deploy")
    assert run.state == "succeeded", field.shop.log(run.id)
    assert (field.there(), field.here()[0]) == ([], 1)


WRITE = "cd /data; echo precious >note; chown 999:998 note; chmod 640 note; ln -s note link"
READ = "cd /data; cat link; stat -c '%u:%g %a' note; readlink link"
KEPT = "precious\n999:998 640\nnote"
VOLUME = "pwnodes_notes_production_keeper_data"


def test_a_volume_there_is_in_the_backup_and_what_is_not_is_told(field: Field) -> None:
    address = f"ssh://root@{field.node.address}"
    code, told = field.cli("hosts", "add", NAME, address, "--fingerprint", field.fingerprint())
    assert code == 0, told
    field.install()
    run = field.notes.run("deploy")
    assert run.state == "succeeded", field.notes.log(run.id)
    field.inside(WRITE)
    code, told = field.cli("backups", "create", "--volumes")
    assert code == 0 and f"{NAME}/{VOLUME}" in told, told
    assert field.inside(READ) == KEPT, "its container goes on"
    assert field.backup("verify")[0] == 0
    field.freeze()
    try:
        code, told = field.backup("create", "--volumes")
        assert code == 1 and f"the volumes of host {NAME}: not in the backup" in told, told
    finally:
        field.thaw()
    assert [each["host"] for each in field.platform.api("/backups")["backups"]["lacking"]] == [NAME]


def test_a_lost_host_gets_its_volumes_back_before_it_is_deployed_to(field: Field) -> None:
    for kind, remove in (("ps --all", "rm --force"), ("network ls", "network rm")):
        label = "--filter label=portwright.project=notes"
        field.node.ssh(f"docker {remove} $(docker {kind} --quiet {label})")
    field.node.ssh(f"docker volume rm {VOLUME}")
    code, told = field.backup("fill-host", NAME)
    assert code == 0, told
    assert f"{NAME}/{VOLUME}: filled" in told and "now: portwright deploy notes" in told
    run = field.notes.run("deploy")
    assert run.state == "succeeded", field.notes.log(run.id)
    assert field.inside(READ) == KEPT
    field.inside("echo newer >/data/note")
    code, told = field.backup("fill-host", NAME)
    assert code == 1 and "holds something already" in told
    assert field.inside("cat /data/note") == "newer"
    left = "docker ps --all --quiet --filter label=portwright.door; "
    left += "docker images --all --quiet --filter label=portwright.door"
    assert field.node.ssh(left) == ""


def test_a_node_is_taken_off_as_a_host_is(node: Vps) -> None:
    done = bootstrap(node, "uninstall", "--yes")
    assert done.code == 0, done.output
    gone = "/opt/portwright /etc/portwright /etc/systemd/system/portwright-*"
    assert node.ssh(f"ls -d {gone} 2>/dev/null; systemctl is-active docker") == "active"
