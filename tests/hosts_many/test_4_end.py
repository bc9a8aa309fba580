"""A host that takes nothing new, is emptied, and taken off. Each test goes on from the one before."""

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


def test_a_node_is_taken_off_as_a_host_is(node: Vps) -> None:
    done = bootstrap(node, "uninstall", "--yes")
    assert done.code == 0, done.output
    gone = "/opt/portwright /etc/portwright /etc/systemd/system/portwright-*"
    assert node.ssh(f"ls -d {gone} 2>/dev/null; systemctl is-active docker") == "active"
