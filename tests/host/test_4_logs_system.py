"""Logs do not fill the disk, under systemd as with pid files."""

from __future__ import annotations

from vps import Vps

LOG = "/var/lib/portwright/log/access.log"
ROTATE = (
    "cd /opt/portwright/current && packages/bin/python -c"
    " 'from jobs.access_log import rotate; from jobs.settings import Settings;"
    " print(rotate(Settings.from_environ()))'"
)


def test_a_large_access_log_is_set_aside_and_traefik_is_told(vps: Vps) -> None:
    process = "systemctl show --property=MainPID,InvocationID portwright-traefik"
    before = vps.ssh(process)
    vps.ssh(f"truncate --size 19M {LOG}")
    assert vps.ssh(ROTATE) == "False"
    vps.ssh(f"truncate --size 21M {LOG}")
    assert vps.ssh(ROTATE) == "True"
    # Traefik, which keeps no access log without HTTPS, takes the signal for what it is.
    assert vps.ssh(f"ls {LOG}*") == f"{LOG}.1"
    assert vps.ssh(process) == before
    vps.ssh(f"rm {LOG}.1")
