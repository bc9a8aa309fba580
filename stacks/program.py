"""The inline Pulumi program: registers compiled resources, nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pulumi
import pulumi_docker as docker

from stacks.compile import Resource, SecretEnv

CLASSES = {"Network": docker.Network, "Volume": docker.Volume, "Container": docker.Container}
DRAIN_HOOK = "portwright-drain"
Secrets = Mapping[tuple[str, int], str]
DrainHook = Callable[[pulumi.ResourceHookArgs], Awaitable[None] | None]


def program(
    resources: tuple[Resource, ...], secrets: Secrets, drain: DrainHook
) -> Callable[[], None]:
    """A Pulumi program of these resources.

    secrets: (name, version) -> value. drain runs before an old container is deleted; it stands in every program, since the state names it.
    """

    def run() -> None:
        hook = pulumi.ResourceHook(DRAIN_HOOK, drain)
        hooks = pulumi.ResourceHookBinding(before_delete=[hook])
        made: dict[str, pulumi.Resource] = {}
        for resource in resources:
            options = pulumi.ResourceOptions(
                depends_on=[made[name] for name in resource.depends_on],
                delete_before_replace=resource.delete_first,
                retain_on_delete=resource.retain,
                hooks=hooks if resource.kind == "Container" else None,
            )
            made[resource.name] = CLASSES[resource.kind](
                resource.name, opts=options, **filled(resource.args, secrets)
            )

    return run


def filled(args: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    """The arguments with secrets' values in place, marked so that Pulumi encrypts them."""
    if "envs" not in args:
        return args
    envs = [
        pulumi.Output.secret(f"{item.key}={secrets[item.secret.secret, item.secret.version]}")
        if isinstance(item, SecretEnv)
        else item
        for item in args["envs"]
    ]
    return {**args, "envs": envs}
