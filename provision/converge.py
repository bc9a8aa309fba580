"""`python -m provision.converge COMPONENT`: one pyinfra deploy on this machine, in its own process.

Prints what the operations print, then one line of JSON:
{"changed": n, "operations": [{"name", "changed"}], "error": text or null}.
"""

from __future__ import annotations

import importlib
import json
import logging
import runpy
import sys
from pathlib import Path
from typing import Any

from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.deploy import add_deploy
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.operations import run_ops
from pyinfra.api.output import set_echo

from jobs.settings import Settings
from provision.packages import release_services

COMPONENTS = (
    "base",
    "docker",
    "redis",
    "postgres",
    "toolchain",
    "traefik",
    "portal",
    "testing_tools",
)
FOLDER = Path(__file__).resolve().parent.parent / "inventory"


def converge(component: str, settings: Settings) -> dict[str, Any]:
    """Run a component's deploy; its operations are applied in order."""
    data = public(runpy.run_path(str(FOLDER / "group_data" / "all.py")))
    hosts = runpy.run_path(str(FOLDER / "local.py"))["local"]
    state = State(inventory=Inventory((hosts, data)), config=Config())
    state.print_output = True
    set_echo(say)
    connect_all(state)
    deploy = importlib.import_module(f"provision.{component}").deploy_component
    result: dict[str, Any] = {"changed": 0, "operations": [], "error": None}
    try:
        add_deploy(state, deploy, settings)
        run_ops(state)
    except PyinfraError as error:
        result["error"] = str(error)
    for host in state.inventory:
        for op_hash in state.get_op_order():
            if op_hash not in state.ops[host]:
                continue
            meta = state.get_op_data_for_host(host, op_hash).operation_meta
            done = meta.is_complete()
            name = ", ".join(sorted(state.get_op_meta(op_hash).names))
            changed = done and meta.did_change()
            result["operations"].append({"name": name, "changed": changed})
            result["changed"] += changed
            if done and meta.did_error():
                result["error"] = f"{name}: {(meta.stderr or meta.stdout).strip()}"
    return result


def say(message: object = "", **_: object) -> None:
    """What a command prints while it runs, without pyinfra's host prefix."""
    print(str(message).removeprefix("[@local] "), flush=True)


def public(names: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in names.items() if not key.startswith("_")}


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in COMPONENTS:
        print(f"usage: python -m provision.converge {'|'.join(COMPONENTS)}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        result = converge(sys.argv[1], Settings.from_environ())
    finally:
        release_services()
    print(json.dumps(result), flush=True)
    return 1 if result["error"] else 0


if __name__ == "__main__":
    sys.exit(main())
