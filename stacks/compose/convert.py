"""One Compose service becomes one of ours, key by key; each key leaves a line in the report.

allow_host: what gives power over the host is taken over, for projects to which its owner gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stacks.compose import build, fields, mounts, published, rules, simple
from stacks.compose.load import Entry, Loaded
from stacks.compose.names import Names
from stacks.compose.power import power

Service = dict[str, Any]


class Conversion:
    """loaded: what was read; made: our services, by our names."""

    def __init__(self, loaded: Loaded, allow_host: bool = False) -> None:
        self.loaded = loaded
        self.allow_host = allow_host
        self.report = loaded.report
        self.names = Names(loaded.services)
        self.made: dict[str, Service] = {}
        self.volumes: dict[str, str] = {}
        # Services that others wait for to be completed: they run once.
        self.jobs = {
            str(other)
            for service in loaded.services.values()
            if isinstance(service.get("depends_on"), dict)
            for other, how in service["depends_on"].items()
            if isinstance(how, dict) and how.get("condition") == "service_completed_successfully"
        }

    def note(self, path: str, verdict: str, reason: str) -> None:
        self.report.append(Entry(path, verdict, reason))

    def run(self) -> dict[str, Service]:
        for name, service in self.loaded.services.items():
            ours = self.names.ours[name]
            if ours != name:
                self.note(f"services.{name}", "changed", f"is called {ours} here")
            self.made[ours] = One(self, name, service).run()
        return self.made


class One:
    """One service."""

    def __init__(self, whole: Conversion, name: str, service: dict[str, Any]) -> None:
        self.whole = whole
        self.name = name
        self.given = service
        self.out: Service = {}

    def note(self, key: str, verdict: str, reason: str) -> None:
        self.whole.note(f"services.{self.name}.{key}", verdict, reason)

    def refused(self, *keys: str) -> bool:
        """Return whether one of these keys, or a key below it, is refused."""
        paths = [f"services.{self.name}.{key}" for key in keys]
        return any(
            entry.verdict == "refused" and (entry.path == path or entry.path.startswith(f"{path}."))
            for entry in self.whole.report
            for path in paths
        )

    def run(self) -> Service:
        for key, value in self.given.items():
            if value is None or str(key).startswith("x-"):
                continue
            self.one(str(key), value)
        fields.finish(self)
        return self.out

    def one(self, key: str, value: Any) -> None:
        handler = HANDLERS.get(key)
        if handler:
            try:
                handler(self, key, value)
            except (AttributeError, TypeError, ValueError, KeyError):
                # Each of them reads one shape; whatever has another is nobody's to guess.
                self.out.pop({"environment": "env"}.get(key, key), None)
                self.note(key, "refused", "is not written as Compose has it")
        elif key in rules.REFUSED:
            if value in (*rules.HARMLESS.get(key, ()), [], {}, ""):
                return
            if not (self.whole.allow_host and power(self, key, value)):
                self.note(key, "refused", rules.REFUSED[key])
        elif key in rules.IGNORED:
            self.note(key, "ignored", rules.IGNORED[key] or "not supported")
        else:
            self.note(key, "ignored", "is no key of Compose that is known here")

    def kept(self, key: str, ours: str, value: Any) -> None:
        self.out[ours] = value
        self.note(key, "kept", "" if ours == key else f"as {ours}")


HANDLERS: dict[str, Callable[[One, str, Any], None]] = {
    "image": fields.image,
    "pull_policy": build.pull_policy,
    "build": build.build,
    "command": simple.argv,
    "entrypoint": simple.argv,
    "working_dir": simple.text,
    "user": simple.text,
    "init": simple.flag,
    "read_only": simple.flag,
    "tmpfs": simple.tmpfs,
    "shm_size": simple.size,
    "environment": fields.environment,
    "ports": published.ports,
    "volumes": mounts.volumes,
    "depends_on": fields.depends_on,
    "healthcheck": fields.healthcheck,
    "deploy": fields.deploy,
    "labels": fields.labels,
    "secrets": fields.secrets,
    "configs": fields.configs,
    "scale": simple.scale,
    "restart": simple.restart,
    "stop_grace_period": simple.grace,
    "mem_limit": simple.limit("limits", "memory"),
    "mem_reservation": simple.limit("reservations", "memory"),
    "cpus": simple.limit("limits", "cpu"),
    "pids_limit": simple.limit("limits", "pids"),
    "logging": simple.logging,
}
