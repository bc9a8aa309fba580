"""Taking it off again: last, because nothing is left to test afterwards."""

from __future__ import annotations

from vps import Vps


def test_uninstall_leaves_the_data_and_takes_the_rest(vps: Vps) -> None:
    planned = vps.portwright("uninstall")
    # Without a yes nothing happens: there is nobody to ask here.
    assert planned.code == 1 and "Do this to root@" in planned.output
    assert vps.ssh("systemctl is-active portwright-portal") == "active"
    done = vps.portwright("uninstall", "--yes")
    assert done.code == 0, done.output
    left = vps.ssh(
        "ls -d /opt/portwright /etc/portwright /etc/systemd/system/portwright-* /var/lib/portwright-guard"
        " /etc/ssh/sshd_config.d/00-portwright.conf /usr/local/sbin/portwright-admin 2>/dev/null;"
        " docker ps --all --quiet; nft list table inet portwright 2>/dev/null; true"
    )
    assert left == ""
    assert vps.ssh(
        "ls /var/lib/portwright/keys/vault-key; docker volume ls --quiet | wc -l"
    ).endswith("1")
    assert vps.ssh("systemctl is-active docker") == "active"
    again = vps.portwright("uninstall", "--yes")
    assert "Nothing changed" in again.output


def test_uninstall_with_data_leaves_no_data(vps: Vps) -> None:
    done = vps.portwright("uninstall", "--data", "--yes")
    assert done.code == 0, done.output
    assert (
        vps.ssh(
            "ls -d /var/lib/portwright /var/cache/portwright 2>/dev/null; docker volume ls --quiet"
        )
        == ""
    )
