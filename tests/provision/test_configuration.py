"""What Traefik and Redis are told, whole."""

from __future__ import annotations

import json
import re
import shlex
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
    """No key of this machine is read: the one that is made may be another."""
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
    assert set(base["http"]["routers"]) == {"challenges"} and "routers" not in dns_base["http"]
    assert dns_base["http"]["middlewares"] == {
        "to-https": {"redirectScheme": {"scheme": "https", "port": "8443"}},
        "hsts": {"headers": {"stsSeconds": 86400}},
    }
    assert dns["entryPoints"]["websecure"]["http"] == {"tls": {}, "middlewares": ["hsts@file"]}
    assert "allowACMEByPass" not in dns["entryPoints"]["web"]


CREDENTIALS = """
import json
from provision.traefik import Credentials
print(json.dumps([Credentials().command("/h/keys/it's"), Credentials().process(json.loads({lines!r}))]))
"""


def test_credentials_on_another_machine_are_known_by_name_and_never_read(tmp_path: Path) -> None:
    for name in ("CF_DNS_API_TOKEN", "README.md", "PATH=x"):
        (tmp_path / name).write_text("s3cret")
    told = [
        f"{tmp_path}/{name}=12-6-1700000000" for name in ("CF_DNS_API_TOKEN", "README.md", "PATH=x")
    ]
    code = CREDENTIALS.replace("{lines!r}", repr(json.dumps(told)))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    command, found = json.loads(done.stdout)
    assert found == {"CF_DNS_API_TOKEN": "12-6-1700000000"}
    real = command.replace(shlex.quote("/h/keys/it's"), shlex.quote(str(tmp_path)))
    said = subprocess.run(["/bin/sh", "-c", real], capture_output=True, text=True, check=True)
    assert re.search(r"/CF_DNS_API_TOKEN=\d+-6-\d+\n", said.stdout) and "s3cret" not in said.stdout
    assert subprocess.run(["/bin/sh", "-c", command], capture_output=True).stdout == b""
