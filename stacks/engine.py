"""The Pulumi engine through its Automation API, on a self-managed backend."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import (
    LocalWorkspace,
    ProjectBackend,
    ProjectSettings,
    PulumiCommand,
    Stack,
)
from pulumi.automation._stack import StackInitMode
from pulumi.runtime._callbacks import _CallbackServicer

from stacks.compile import Resource
from stacks.docker.images.engine import environment
from stacks.errors import PortwrightError
from stacks.events import Listener, Say
from stacks.locks import free_dead_lock
from stacks.program import Hooks, Secrets, program


@dataclass(frozen=True)
class EngineSettings:
    """home: where bin/pulumi and pulumi/plugins are, and where stacks' settings go. docker: the
    address of the Docker engine, empty for this machine's."""

    home: Path
    backend_url: str
    passphrase: str
    docker: str = ""


class EngineFailure(PortwrightError):
    """The engine stopped with an error; `failed` holds the names of the resources concerned."""

    def __init__(self, message: str, failed: list[str], remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.failed = failed


class QuietStack(Stack):
    """`up` and `destroy` otherwise run three more commands to tell outputs and history unasked."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary | None:
        return automation.UpdateSummary("update", None, "", {}, {}, "succeeded")  # type: ignore[arg-type]


class Engine:
    """One environment's stack.

    project, stack: names from the allowlist. Each operation raises EngineFailure where
    the engine says no; what it then left behind is the caller's to repair.
    """

    def __init__(self, settings: EngineSettings, project: str, stack: str) -> None:
        self.settings = settings
        self.project = project
        self.name = stack
        self.folder = settings.home / "stacks" / project / stack

    def preview(self, resources: tuple[Resource, ...], secrets: Secrets) -> Listener:
        """What an `up` would do, as the engine sees it. Changes nothing."""
        listener = Listener()
        stack = self.open(program(resources, secrets, Hooks()))
        self.guarded(listener, lambda: stack.preview(on_event=listener))
        return listener

    def up(
        self, resources: tuple[Resource, ...], secrets: Secrets, hooks: Hooks, say: Say
    ) -> Listener:
        """Make the world as the resources say."""
        listener = Listener(say)
        stack = self.open(program(resources, secrets, hooks))
        self.guarded(listener, lambda: stack.up(on_event=listener))
        return listener

    def refresh(self, say: Say) -> None:
        """Read the world into the state; operations that a crash left pending are dropped."""
        listener = Listener(say)
        stack = self.open(program((), {}, Hooks()))
        self.guarded(listener, lambda: stack.refresh(on_event=listener, clear_pending_creates=True))

    def destroy(self, say: Say) -> None:
        """Delete every resource of the stack; what is retained (volumes) stays on the host."""
        listener = Listener(say)
        # The hook that the state names must exist, so the (empty) program runs too.
        stack = self.open(program((), {}, Hooks()))
        self.guarded(listener, lambda: stack.destroy(on_event=listener, run_program=True))

    def history(self) -> list[dict[str, Any]]:
        """The backend's own record: kind, result, start time and changes of each operation."""
        stack = self.open(program((), {}, Hooks()))
        return [
            {
                "kind": item.kind,
                "result": item.result,
                "started_at": item.start_time.isoformat() if item.start_time else None,
                "changes": item.resource_changes,
            }
            for item in Stack.history(stack, show_secrets=False)
        ]

    def resource_ids(self) -> set[str]:
        """The engine IDs (container, network, volume) of all that the state holds."""
        stack = self.open(program((), {}, Hooks()))
        deployment = stack.export_stack().deployment or {}
        return {item["id"] for item in deployment.get("resources", []) if item.get("id")}

    def remove(self) -> None:
        """Forget the stack and its history. It must be empty."""
        stack = self.open(program((), {}, Hooks()))
        stack.workspace.remove_stack(self.name)
        (self.folder / "ready").unlink(missing_ok=True)

    def open(self, run: Callable[[], None]) -> QuietStack:
        """The stack with a program; made on first use. A marker file spares two commands later."""
        self.folder.mkdir(parents=True, exist_ok=True)
        workspace = LocalWorkspace(
            work_dir=str(self.folder),
            pulumi_home=str(self.settings.home / "pulumi"),
            program=run,
            env_vars=self.environment(),
            secrets_provider="passphrase",
            project_settings=ProjectSettings(
                name=self.project,
                runtime="python",
                main=str(self.folder),
                backend=ProjectBackend(url=self.settings.backend_url),
            ),
            pulumi_command=pulumi_command(str(self.settings.home)),
        )
        marker = self.folder / "ready"
        free_dead_lock(self.settings.backend_url, self.project, self.name)
        if marker.exists():
            stack = object.__new__(QuietStack)
            stack.name, stack.workspace = self.name, workspace
            return stack
        # It is new nearly always: asking first whether it is there would be a command more.
        try:
            stack = QuietStack(self.name, workspace, StackInitMode.CREATE)
        except automation.StackAlreadyExistsError:
            stack = QuietStack(self.name, workspace, StackInitMode.SELECT)
        marker.write_text("")
        return stack

    def environment(self) -> dict[str, str]:
        return {
            "PULUMI_CONFIG_PASSPHRASE": self.settings.passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            **environment(self.settings.docker),
        }

    def guarded(self, listener: Listener, operation: Callable[[], Any]) -> None:
        # After a failed operation the SDK keeps its hook server, bound to a loop that has
        # ended, and every later program of this process would fail on it.
        _CallbackServicer._servicers.clear()
        try:
            operation()
        except automation.ConcurrentUpdateError:
            raise EngineFailure(
                "another operation holds this stack's lock",
                [],
                "wait until it has ended, then try again",
            ) from None
        except automation.CommandError as error:
            if "no space left on device" in str(error):
                raise EngineFailure(
                    "the disk is full", [], "make room on the host, then ask for it again"
                ) from None
            raise EngineFailure(
                first_cause(listener, str(error)),
                listener.failed,
                "read the log below; correct what it names, then deploy again",
            ) from None


NOISE = ("update failed", "preview failed")

_commands: dict[str, PulumiCommand] = {}


def pulumi_command(root: str) -> PulumiCommand:
    """The CLI at root/bin; asked for its version once per process."""
    if root not in _commands:
        if not os.access(f"{root}/bin/pulumi", os.X_OK):
            raise PortwrightError(
                f"there is no Pulumi at {root}/bin/pulumi",
                remedy="run ./quickstart, which installs it",
                path="engine",
            )
        _commands[root] = PulumiCommand(root=root)
    return _commands[root]


def first_cause(listener: Listener, output: str) -> str:
    """The line a person needs, out of what the engine printed."""
    for text in listener.errors:
        for line in text.splitlines():
            line = line.strip().removeprefix("error: ")
            if line and not line.startswith(NOISE) and "occurred:" not in line:
                return line.lstrip("* ")
    lines = [line for line in output.splitlines() if "error:" in line]
    return lines[0].strip() if lines else json.dumps(output[-300:])
