"""What Traefik and Redis are told, whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# pyinfra is imported in a process of its own, here too.
CODE = """
import json, sys
from pathlib import Path
from jobs.settings import Settings
from provision import redis, traefik
settings = Settings(home=Path("/home"), instance="abc", http_port=80, bind="0.0.0.0")
print(json.dumps([traefik.config(settings), redis.config(settings, "64mb")]))
"""


def configurations() -> tuple[dict[str, object], str]:
    import json

    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    traefik, redis = json.loads(done.stdout)
    return traefik, redis


def test_traefik_sees_this_instance_only_and_its_api_is_local() -> None:
    traefik, _ = configurations()
    assert traefik == {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "web": {
                "address": "0.0.0.0:80",
                "transport": {"lifeCycle": {"graceTimeOut": "10s"}},
            },
            "traefik": {"address": "127.0.0.1:8701"},
        },
        "api": {"insecure": True, "dashboard": False},
        "ping": {"entryPoint": "traefik"},
        "providers": {
            "providersThrottleDuration": "100ms",
            "docker": {
                "exposedByDefault": False,
                "constraints": "Label(`portwright.instance`,`abc`)",
            },
        },
        "log": {"level": "WARN"},
    }


def test_redis_listens_on_its_socket_only() -> None:
    _, redis = configurations()
    lines = redis.splitlines()
    assert lines[:3] == ["port 0", "unixsocket /home/run/redis.sock", "unixsocketperm 700"]
