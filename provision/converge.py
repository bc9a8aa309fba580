"""`python -m provision.converge COMPONENT... [--dry]`: pyinfra deploys, in a process of their own.

On this machine, or on the one that PORTWRIGHT_TARGET names, over SSH. Prints what the operations
print, then a line of JSON for each component:
{"changed": n, "operations": [{"name", "changed"}], "error": text or null}.
With --dry nothing is changed: `changed` counts what would be, and operations have "steps" too.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import re
import sys
from collections import deque
from contextlib import suppress
from typing import Any

from paramiko import SSHException
from pyinfra.api import State, StringCommand
from pyinfra.api.deploy import add_deploy
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.operations import run_ops
from pyinfra.api.output import set_echo

from jobs.settings import Settings
from provision import guard, inventory
from provision.connection import connect, lost
from provision.packages import release_here, release_services
from provision.preview import steps_of
from stacks.errors import PortwrightError

COMPONENTS = (
    "fitness", "baseline", "system", "ssh", "firewall", "base", "docker", "redis", "postgres", "code",
    "toolchain", "builder", "traefik", "certificates", "library", "portal", "metrics", "uninstall", "testing_tools",
    "restore_host.fetch", "restore_host.load", "restore_host.follow",
)  # fmt: skip
LOST = "the connection ended"
CUT = "it said nothing; the connection may have been cut"
CUTS = (ConnectionError, TimeoutError)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# The last words of a component.
HEARD: deque[str] = deque(maxlen=4)
PREFIX = re.compile(r"^(\x1b\[[0-9;]*m)*\[[^\]]*\](\x1b\[[0-9;]*m)* ?")


def converge(component: str, state: State, settings: Settings, dry: bool = False) -> dict[str, Any]:
    """Run a component's deploy; its operations are applied in order."""
    state.print_output = True
    room, _, part = component.partition(".")
    deploy = getattr(importlib.import_module(f"provision.{room}"), part or "deploy_component")
    result: dict[str, Any] = {"changed": 0, "operations": [], "error": None}
    HEARD.clear()
    try:
        add_deploy(state, deploy, settings)
        if not dry:
            run_ops(state)
    except PyinfraError as error:
        # Where a fact can't be had, pyinfra says why beforehand, and then only this.
        words = "\n".join(HEARD) if "No hosts remaining" in str(error) else ""
        result["error"] = LOST if lost(state) else words or str(error)
    except (EOFError, OSError, SSHException) as error:
        gone = lost(state) or not isinstance(error, OSError) or isinstance(error, CUTS)
        what = LOST if gone else "a file could not be read or written"
        result["error"] = f"{what}: {str(error) or type(error).__name__}"
    except PortwrightError as error:
        result["error"] = f"{error}\nwhat to do: {error.remedy}"
    for host in state.inventory:
        for op_hash in state.get_op_order():
            if op_hash not in state.ops[host]:
                continue
            meta = state.get_op_data_for_host(host, op_hash).operation_meta
            done = meta.is_complete()
            name = ", ".join(sorted(state.get_op_meta(op_hash).names))
            told: dict[str, Any] = {"name": name, "changed": done and meta.did_change()}
            if dry and not result["error"]:
                told["steps"] = steps_of(state, host, op_hash)
                told["changed"] = bool(told["steps"])
            result["operations"].append(told)
            result["changed"] += told["changed"]
            if done and meta.did_error():
                why = guard.REASONS or [(meta.stderr or meta.stdout).strip() or CUT]
                result["error"] = f"{name}: {'; '.join(why)}"
    return result


def release_there(state: State) -> None:
    """Packages that could not be had keep no service of the host from starting; best effort."""
    (host,) = state.inventory
    if not lost(state):
        with suppress(OSError, EOFError, SSHException, PyinfraError):
            host.run_shell_command(StringCommand(release_services()))


def say(message: object = "", **_: object) -> None:
    """What a command prints while it runs, without pyinfra's host prefix."""
    line = PREFIX.sub("", str(message))
    HEARD.append(COLOUR.sub("", line))
    print(line, flush=True)


class Says(logging.Handler):
    """pyinfra's own words, among the commands'."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m provision.converge")
    parser.add_argument("components", nargs="+", choices=COMPONENTS, metavar="COMPONENT")
    parser.add_argument("--dry", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR, handlers=[Says()])
    set_echo(say)
    failed, state = False, None
    try:
        found = inventory.find()
        if found.managed:
            # The engine that the operator talks to is not the host's.
            os.environ.pop("DOCKER_HOST", None)
        for component in given.components:
            state = connect(found, state)
            result = converge(component, state, found.settings, given.dry)
            print(json.dumps(result), flush=True)
            failed = bool(result["error"])
            if failed:
                break
    except PortwrightError as error:
        told = f"{error}\nwhat to do: {error.remedy}"
        print(json.dumps({"changed": 0, "operations": [], "error": told}), flush=True)
        failed = True
    finally:
        if os.environ.get("PORTWRIGHT_TARGET", "@local") == "@local":
            release_here()
        elif failed and state and not given.dry:
            release_there(state)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
