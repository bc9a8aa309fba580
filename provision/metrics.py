"""Node metrics: Debian's prometheus-node-exporter, on this host's loopback address only."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import systemd

from jobs.settings import Settings
from provision.operations import text_file
from provision.packages import packages

ARGUMENTS = """# Portwright's: whoever scrapes it comes through a tunnel.
ARGS="--web.listen-address=127.0.0.1:9100"
"""


@deploy("metrics")
def deploy_component(settings: Settings) -> None:
    packages(host.data.metrics_packages)
    text_file(
        name="on loopback only",
        path="/etc/default/prometheus-node-exporter",
        text=ARGUMENTS,
        then="! systemctl is-active --quiet prometheus-node-exporter || systemctl restart prometheus-node-exporter",
    )
    systemd.service(
        name="node exporter", service="prometheus-node-exporter", running=True, enabled=True
    )
