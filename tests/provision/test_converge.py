"""pyinfra on this machine, in a scratch home: what it makes, and that a second run makes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def converge(component: str, home: Path, **extra: str) -> Any:
    env = {**os.environ, "PORTWRIGHT_HOME": str(home), **extra}
    done = subprocess.run(
        [sys.executable, "-m", "provision.converge", component],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return json.loads(lines[-1])


@pytest.mark.system
def test_base_twice(home: Path) -> None:
    first = converge("base", home)
    assert first["error"] is None and first["changed"] > 10
    keys = {path.name: path.read_bytes() for path in (home / "keys").iterdir()}
    made = {"secret-key", "vault-key", "passphrase", "postgres-password", "backup-password"}
    assert set(keys) == made
    assert {path.stat().st_mode & 0o777 for path in (home / "keys").iterdir()} == {0o600}
    second = converge("base", home)
    assert (second["changed"], second["error"]) == (0, None)
    assert keys == {path.name: path.read_bytes() for path in (home / "keys").iterdir()}


@pytest.mark.system
def test_redis_twice_and_again_when_it_died(home: Path) -> None:
    converge("base", home)
    try:
        assert converge("redis", home)["changed"] > 0
        assert (home / "run/redis.sock").is_socket()
        assert converge("redis", home)["changed"] == 0
        pid = json.loads((home / "run/redis.json").read_text())["pid"]
        os.kill(pid, 9)
        changed = [o["name"] for o in converge("redis", home)["operations"] if o["changed"]]
        assert changed == ["redis | redis"]
    finally:
        subprocess.run(
            [sys.executable, "-m", "provision.daemons", "stop", str(home), "redis"], cwd=CHECKOUT
        )


@pytest.mark.system
def test_a_failure_names_the_operation_and_its_words(home: Path) -> None:
    converge("base", home)
    (home / "bin/traefik").symlink_to("/bin/false")
    result = converge("traefik", home, PORTWRIGHT_TRAEFIK_PORT="18999")
    assert "traefik ended at once" in result["error"]


def test_an_unknown_component_is_refused(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision.converge", "all"], cwd=CHECKOUT, capture_output=True
    )
    assert done.returncode == 2 and b"usage:" in done.stderr


CODE = """
import json, logging, sys, types
from pyinfra import host
from pyinfra.api import FactBase, deploy
from pyinfra.api.output import set_echo
from provision import converge, target
from provision.connection import connect
from provision.inventory import Found

class Broken(FactBase):
    def command(self):
        return "echo the cause >&2; exit 3"

@deploy("broken")
def fact(settings):
    host.get_fact(Broken)

@deploy("full")
def disk(settings):
    raise OSError("Failure")

sys.modules["provision.broken"] = types.SimpleNamespace(fact=fact, disk=disk)
logging.basicConfig(level=logging.ERROR, handlers=[converge.Says()])
set_echo(converge.say)
found = Found(target.parse("@local"), True, {}, None)
print(json.dumps(converge.converge(sys.argv[1], connect(found), None)))
"""


@pytest.mark.parametrize(
    ("part", "cause"),
    [
        ("broken.fact", "the cause\nError: could not load fact: __main__.Broken"),
        ("broken.disk", "a file could not be read or written: Failure"),
    ],
)
def test_what_went_wrong_is_the_error_itself(part: str, cause: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, part], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["error"].strip() == cause
