"""Redis, the doorbell: its own instance on a Unix socket that only root opens. Nothing in it is precious."""

from __future__ import annotations

from io import StringIO

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files, systemd

from jobs.settings import Settings
from provision.daemons import Daemon
from provision.operations import daemon
from provision.packages import packages
from provision.where import managed


@deploy("redis")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    packages(host.data.redis_packages)
    if managed():
        # Debian's own instance would listen on a port at the next boot.
        systemd.service(
            name="not Debian's own", service="redis-server", running=False, enabled=False
        )
    files.directory(name="redis folder", path=f"{home}/redis", mode="700")
    text = config(settings, host.data.redis_memory)
    files.put(name="redis.conf", src=StringIO(text), dest=f"{home}/redis/redis.conf", mode="600")
    daemon(
        name="redis",
        home=home,
        wanted=Daemon(
            "redis",
            ["/usr/bin/redis-server", f"{home}/redis/redis.conf"],
            ready=f"{home}/run/redis.sock",
        ),
    )


def config(settings: Settings, memory: str) -> str:
    return "\n".join(
        [
            "port 0",
            f"unixsocket {settings.home}/run/redis.sock",
            "unixsocketperm 700",
            f"dir {settings.home}/redis",
            f"maxmemory {memory}",
            "maxmemory-policy noeviction",
            "appendonly no",
            'save ""',
            "daemonize no",
            "",
        ]
    )
