"""A second Traefik that asks a staging server for a new name's certificate first.

It lives only while there is something to try. Its certificates are never served: in one Traefik
they would stand in the way of the real ones, which it then does not ask for (docs/decisions/0016).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from typing import Any

import yaml

from jobs import acme
from jobs.domains import asks
from jobs.settings import Settings
from stacks.processes import end_with_parent

GRACE = 2.0


class Rehearsal:
    """storage, log: what it got and what it failed to get, as of any Traefik."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.home / "traefik" / "rehearsal"
        self.storage = self.folder / "acme.json"
        self.log = settings.home / "log" / "traefik-rehearsal.json.log"
        self.process: subprocess.Popen[bytes] | None = None

    def keep(self, names: Sequence[str]) -> None:
        """Try these names; with none, end."""
        if not names:
            self.stop()
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        put = self.folder / "names.yaml"
        routers = {f"try-{index}": asks(name) for index, name in enumerate(sorted(names))}
        text = yaml.safe_dump({"http": {"routers": routers}})
        if not put.exists() or put.read_text() != text:
            partial = put.with_name(".names.new")
            partial.write_text(text)
            partial.replace(put)
        if self.process is None or self.process.poll() is not None:
            self.start()

    def start(self) -> None:
        file = self.folder / "traefik.yaml"
        file.write_text(yaml.safe_dump(self.config(), sort_keys=False))
        self.process = subprocess.Popen(
            [str(self.settings.home / "bin/traefik"), f"--configFile={file}"],
            env={**os.environ, **acme.environment(self.settings), "GOMEMLIMIT": "48MiB"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE)
            self.process.kill()
            self.process.wait()
            self.process = None

    def config(self) -> dict[str, Any]:
        address = f"127.0.0.1:{self.settings.rehearsal_port}"
        server = acme.staging(self.settings)
        at_once = {"lifeCycle": {"graceTimeOut": "0s"}}
        return {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            "entryPoints": {
                "web": {"address": address, "transport": at_once},
                "websecure": {"address": "127.0.0.1:0", "transport": at_once},
            },
            "providers": {"file": {"filename": str(self.folder / "names.yaml"), "watch": True}},
            "certificatesResolvers": {
                acme.RESOLVER: acme.resolver(self.settings, server, self.storage)
            },
            "log": {
                "level": "WARN",
                "format": "json",
                "filePath": str(self.log),
                "maxSize": 2,
                "maxBackups": 1,
            },
        }
