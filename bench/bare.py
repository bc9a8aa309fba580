"""The same resources in Python through Pulumi's Automation API, with nothing around it.

Portwright's program is in Python as well, whose SDK costs more than a YAML program: this is the
floor that it stands on.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pulumi
from pulumi import automation

from bench.contestants import Ours
from bench.programs import plain
from bench.scratch import Scratch
from stacks.program import CLASSES


class BarePulumi:
    """Preview, then up, as `pulumi up --yes` does; in a fork that has read its modules already."""

    name = "automation"

    def __init__(self, scratch: Scratch, folder: Path, ours: Ours) -> None:
        for each in ("state", "work"):
            (folder / each).mkdir(parents=True)
        self.folder = folder
        self.scratch = scratch
        self.resources, self.secrets = ours.resources(f"{scratch.instance}bare")

    def program(self) -> None:
        made: dict[str, pulumi.Resource] = {}
        for resource in self.resources:
            options = pulumi.ResourceOptions(depends_on=[made[key] for key in resource.depends_on])
            make = CLASSES[resource.kind]
            made[resource.name] = make(
                resource.name, opts=options, **plain(resource.args, self.secrets)
            )

    def stack(self) -> automation.Stack:
        home = self.scratch.home
        options = automation.LocalWorkspaceOptions(
            work_dir=str(self.folder / "work"),
            pulumi_home=str(home / "pulumi"),
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{self.folder}/state",
                "PULUMI_CONFIG_PASSPHRASE": "bench",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
            pulumi_command=automation.PulumiCommand(root=str(home)),
        )
        return automation.create_or_select_stack(
            "bench", project_name="bare", program=self.program, opts=options
        )

    def up(self) -> None:
        self.apart(self.preview_and_up)

    def down(self) -> None:
        self.apart(lambda: self.stack().destroy())

    def preview_and_up(self) -> None:
        stack = self.stack()
        stack.preview()
        stack.up()

    def apart(self, work: Callable[[], object]) -> None:
        """In a process of its own: gRPC, once used, does not survive a fork."""
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
        assert child.exitcode == 0, f"bare Pulumi ended with {child.exitcode}"
