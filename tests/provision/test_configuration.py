"""What Traefik and Redis are told, whole."""

from __future__ import annotations

import json
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
        "metrics": {"prometheus": {"entryPoint": "traefik", "addEntryPointsLabels": False}},
        "providers": {
            "providersThrottleDuration": "100ms",
            "file": {"directory": "/home/traefik/dynamic", "watch": True},
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


HTTPS = """
import json
from dataclasses import replace
from pathlib import Path
from jobs.settings import Settings
from provision import https, traefik
home = Path("{home}")
settings = Settings(home=home, bind="0.0.0.0", http_port=80, https_port=443)
dns = replace(settings, acme_challenge="dns", acme_dns="x", hsts_days=1, https_port=8443)
print(json.dumps([traefik.config(settings), https.base(settings), https.base(dns),
                  traefik.config(dns)]))
"""


def test_with_https_on_there_are_an_entry_point_certificates_and_a_log_without_queries(
    tmp_path: Path,
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/secret-key").write_text("k")
    done = subprocess.run(
        [sys.executable, "-c", HTTPS.replace("{home}", str(tmp_path))],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    config, base, dns_base, dns = json.loads(done.stdout)
    grace = {"lifeCycle": {"graceTimeOut": "10s"}}
    assert config["entryPoints"] == {
        "web": {
            "address": "0.0.0.0:80",
            "asDefault": True,
            "transport": grace,
            "allowACMEByPass": True,
        },
        "websecure": {
            "address": "0.0.0.0:443",
            "asDefault": True,
            "transport": grace,
            "http": {"tls": {}},
        },
        "traefik": {"address": "127.0.0.1:8701"},
    }
    assert config["certificatesResolvers"] == {
        "acme": {
            "acme": {
                "caServer": "https://acme-v02.api.letsencrypt.org/directory",
                "storage": f"{tmp_path}/traefik/acme.json",
                "keyType": "EC256",
                "certificatesDuration": 2160,
                "httpChallenge": {"entryPoint": "web"},
            }
        }
    }
    assert config["accessLog"]["fields"] == {
        "names": {"RequestPath": "drop", "ClientUsername": "drop"},
        "headers": {"defaultMode": "drop"},
    }
    options = base["tls"]["options"]["default"]
    assert (options["minVersion"], options["sniStrict"]) == ("VersionTLS12", True)
    assert base["http"]["middlewares"] == {"to-https": {"redirectScheme": {"scheme": "https"}}}
    assert set(base["http"]["routers"]) == {"here", "challenges"}
    assert set(dns_base["http"]["routers"]) == {"here"}
    assert dns_base["http"]["middlewares"] == {
        "to-https": {"redirectScheme": {"scheme": "https", "port": "8443"}},
        "hsts": {"headers": {"stsSeconds": 86400}},
    }
    assert dns["entryPoints"]["websecure"]["http"] == {"tls": {}, "middlewares": ["hsts@file"]}
    assert "allowACMEByPass" not in dns["entryPoints"]["web"]
