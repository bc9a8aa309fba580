"""Whose key a host shows: the login takes that one and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from apart import CHECKOUT

# A server with a key; `how` says whether its fingerprint is given or another, or is known otherwise.
CODE = """
import json, pathlib, socket, sys, threading
from paramiko import ECDSAKey, HostKeys, ServerInterface, Transport
from provision import connection
from provision.target import Target
from stacks.errors import PortwrightError

known, how = pathlib.Path(sys.argv[1]), sys.argv[2]
listening = socket.create_server(("127.0.0.1", 0))
key, other = ECDSAKey.generate(), ECDSAKey.generate()

def serve():
    link, _ = listening.accept()
    transport = Transport(link)
    transport.add_server_key(key)
    transport.start_server(server=ServerInterface())

threading.Thread(target=serve, daemon=True).start()
target = Target("127.0.0.1", port=listening.getsockname()[1], known_hosts=str(known))
name = f"[127.0.0.1]:{target.port}"
if how == "known":
    known.write_text(f"{name} {other.get_name()} {other.get_base64()}\\n")
given = "SHA256:short" if how == "typo" else (other if how == "wrong" else key).fingerprint
try:
    connection.require(target, given)
    error = None
except PortwrightError as problem:
    error = problem.path
held = HostKeys(str(known)) if known.exists() else HostKeys()
print(json.dumps({"error": error, "right": held.check(name, key), "other": held.check(name, other)}))
"""


def required(known: Path, how: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(known), how],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("how", "error", "right", "other"),
    [
        ("right", None, True, False),
        ("wrong", "fingerprint", False, False),
        ("typo", "fingerprint", False, False),
        # The login itself refuses it: a changed key.
        ("known", None, False, True),
    ],
)
def test_what_the_login_will_take(
    tmp_path: Path, how: str, error: str | None, right: bool, other: bool
) -> None:
    tmp_path.joinpath("ssh").mkdir()
    told = required(tmp_path / "ssh/known_hosts", how)
    assert told == {"error": error, "right": right, "other": other}
