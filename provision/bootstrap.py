"""`python -m provision.bootstrap [ACTION] HOST`: a bare host becomes one that runs Portwright.

The steps are pyinfra deploys over SSH, in a process of their own; each can be run again at any time,
so that a connection cut anywhere is made good by the same command. Knows no pyinfra itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provision import inventory, target
from provision.bootstrap_plan import counted, show, show_drift
from provision.steps import Runner, StepFailed
from stacks.errors import explained

STEPS = {
    "fitness": "Is this host fit for it",
    "baseline": "What it was handed over with",
    "system": "Updates, swap, time, fail2ban",
    "ssh": "sshd: keys only",
    "firewall": "Firewall",
    "base": "Folders and keys",
    "code": "Portwright's code and Python packages",
    "docker": "Docker engine",
    "redis": "Redis",
    "postgres": "Postgres",
    "toolchain": "Pulumi, docker provider, Traefik and BuildKit",
    "builder": "Builder image",
    "traefik": "Traefik",
    "portal": "Portal and worker",
    "metrics": "Node metrics",
}
# What comes before a step where a host is restored.
RESTORED = {
    "redis": {"restore_host.fetch": "Files of the backup"},
    "portal": {"restore_host.load": "Database, engine's state and volumes"},
    "metrics": {"restore_host.follow": "What served is deployed again"},
}
# What a node leaves out: the portal that deploys to it is on another host.
HOST_ONLY = ("redis", "postgres", "builder", "portal")
NODE_ONLY = {"certificates": "Certificates"}
UNNAMED = "The inventory says nothing of {host}: it is made what inventory/group_data/host.py says of all."
UNINSTALL = {"uninstall": "Take Portwright off the host"}
AFTER = """
The portal listens on the host's loopback address. From here:
  {local}
then http://localhost:8700. The link to become its owner works once; its token:
  {ssh} cat /var/lib/portwright/keys/setup-token
  http://localhost:8700/setup?token=TOKEN"""
AFTER_NODE = """
It is a node. Add it where the portal is, by its owner, and put the line that this prints into
its authorized_keys:
  portwright hosts add NAME ssh://{user}@{host}:{port}"""
AFTER_UNINSTALL = """
Debian's packages stay. Data stays in /var/lib/portwright and in Docker's volumes unless --data was given."""
AGAIN = "correct what the lines above say, then run the same command again: it goes on from there"


def converge(*components: str, dry: bool = False) -> list[str]:
    dryness = ["--dry"] if dry else []
    return [sys.executable, "-m", "provision.converge", *components, *dryness]


def plan(env: dict[str, str], components: Sequence[str]) -> list[dict[str, Any]]:
    """What each step would do, in their order. Raises StepFailed for a host that is not fit."""
    results = told(converge(*components, dry=True), env, "changed")
    return [
        {"component": name, **result} for name, result in zip(components, results, strict=False)
    ]


def told(argv: list[str], env: dict[str, str], first: str) -> list[dict[str, Any]]:
    """A command's lines of JSON, which begin with this key. Raises StepFailed with its error."""
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    results = [json.loads(line) for line in lines if line.startswith(f'{{"{first}"')]
    if results and results[-1]["error"]:
        raise StepFailed("Plan", str(results[-1]["error"]).splitlines(), AGAIN)
    if done.returncode or not results:  # what came before it died is no plan
        raise StepFailed("Plan", (done.stderr or done.stdout).splitlines()[-12:], AGAIN)
    return results


def apply(env: dict[str, str], steps: Mapping[str, str], report: Path | None) -> int:
    """Run every step; returns how many changed something. Raises StepFailed."""
    log = Path("~/.cache/portwright/bootstrap.log").expanduser()
    log.parent.mkdir(parents=True, exist_ok=True)
    runner = Runner(env, log, len(steps))
    started = time.monotonic()
    try:
        runner.run_all(list(steps.values()), converge(*steps), AGAIN)
    finally:
        if report:
            total = round(time.monotonic() - started, 1)
            changes = sum(int(str(result["operations"])) for result in runner.results)
            figures = {"steps": runner.results, "total_s": total, "changes": changes}
            report.write_text(json.dumps(figures, indent=1))
    return runner.changed


def steps_for(role: str) -> dict[str, str]:
    """Component -> title, in their order, of a host or a node."""
    if role == "host":
        return STEPS
    return {name: title for name, title in STEPS.items() if name not in HOST_ONLY} | NODE_ONLY


def steps_of(action: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """Component -> title, in their order. wanted: those of the host's role."""
    if action == "uninstall":
        return UNINSTALL
    steps: dict[str, str] = {}
    for name, title in wanted.items():
        steps |= RESTORED.get(name, {}) if action == "restore" else {}
        steps[name] = title
    return steps


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m provision.bootstrap", description=__doc__)
    made.add_argument("action", choices=["apply", "plan", "drift", "uninstall", "restore"])
    made.add_argument("host", help="root@host[:port], or @local for this machine")
    made.add_argument("--role", choices=inventory.ROLES, help="host (all of it), or node")
    made.add_argument("--yes", action="store_true", help="don't show the plan, don't ask")
    made.add_argument("--key", default="", help="private key's file")
    made.add_argument("--known-hosts", default="", help="file of known host keys")
    made.add_argument("--fingerprint", default="", help="of its key, SHA256:...; refuse any other")
    made.add_argument("--inventory", default="", help="file with `hosts`, for inventory/hosts.py")
    made.add_argument("--json", action="store_true", help="the plan or the drift as JSON")
    made.add_argument("--data", action="store_true", help="uninstall: databases and volumes too")
    made.add_argument("--snapshot", default="", help="restore: which backup; else the newest")
    made.add_argument("--report", type=Path, help="write steps and seconds to this file")
    return made


def run(given: argparse.Namespace) -> int:
    where = target.parse(given.host, given.key, given.known_hosts)
    env = {
        **os.environ,
        **where.environment(),
        "PORTWRIGHT_INVENTORY": given.inventory,
        "PORTWRIGHT_FINGERPRINT": given.fingerprint,
        "PORTWRIGHT_ROLE": given.role or "",
        "PORTWRIGHT_REMOVE_DATA": "yes" if given.data else "no",
        "PORTWRIGHT_SNAPSHOT": given.snapshot,
        "PYTHONUNBUFFERED": "1",
    }
    found = inventory.find(env)
    if not found.named:
        print(UNNAMED.format(host=where.host), file=sys.stderr)
    role = str(found.data["role"])
    wanted = steps_for(role)
    if given.action == "drift":
        return drift(where, env, wanted, given.json)
    steps = steps_of(given.action, wanted)
    if given.action == "plan" or not given.yes:
        planned = plan(env, list(steps))
        print(json.dumps(planned, indent=1)) if given.json else show(where, steps, planned)
        if given.action == "plan" or not counted(planned):
            return 0
        if not agreed(where):
            print("Nothing was changed.")
            return 1
    if not apply(env, steps, given.report):
        print(f"\nNothing changed: {where} was already as it should be.")
    print(after(given.action, role, where))
    return 0


def after(action: str, role: str, where: target.Target) -> str:
    """What is to be done next, in words."""
    if action == "uninstall":
        return AFTER_UNINSTALL
    if role == "node":
        host = target.bracketed(where.host)
        return AFTER_NODE.format(user=where.user, host=host, port=where.port)
    local = where.ssh.replace("ssh ", "ssh -L 8700:localhost:8700 ")
    return AFTER.format(ssh=where.ssh, local=local)


def agreed(where: target.Target) -> bool:
    try:
        return input(f"Do this to {where}? Type yes: ").strip() == "yes"
    except EOFError:
        print("Nobody is here to answer; --yes needs nobody.")
        return False


def drift(where: target.Target, env: dict[str, str], steps: Mapping[str, str], plain: bool) -> int:
    """Both sides: what the code would change, and what it does not know of."""
    planned = plan(env, list(steps))
    (extra,) = told([sys.executable, "-m", "provision.drift"], env, "drift")
    if plain:
        print(json.dumps({"plan": planned, "drift": extra["drift"]}, indent=1))
        return 0
    if counted(planned):
        show(where, steps, planned)
    else:
        print("Everything that the code says is so.")
    show_drift(extra["drift"])
    return 0


def main() -> int:
    try:
        with explained():
            return run(parser().parse_args())
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from where it was.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
