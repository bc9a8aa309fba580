"""The inline Pulumi program: registers compiled resources, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_docker as docker

from stacks.compile import Resource, SecretEnv
from stacks.spec import SecretVersion, Template

CLASSES = {"Network": docker.Network, "Volume": docker.Volume, "Container": docker.Container}
Secrets = Mapping[tuple[str, int], str]
SIDE_BY_SIDE = 16
# Hooks have threads of their own: among the SDK's, all of which may wait for a resource whose
# hook is still to run, none would ever come free. Threads are only made when they are needed.
HOOK_THREADS = ThreadPoolExecutor(2500, thread_name_prefix="hook")
Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None] | None]


async def in_a_thread(work: Callable[..., None], *args: Any) -> None:
    """Run a hook's work beside the engine's loop."""
    await asyncio.get_running_loop().run_in_executor(HOOK_THREADS, work, *args)


def nothing(_: pulumi.ResourceHookArgs) -> None:
    return


@dataclass(frozen=True)
class Hooks:
    """What runs around a container's making and ending.

    The first and the last may raise, which stops the operation. The state names them, so
    they stand in every program.
    """

    before_create: Hook = nothing
    after_create: Hook = nothing
    before_delete: Hook = nothing

    def bindings(self) -> Callable[[Resource], pulumi.ResourceHookBinding | None]:
        """Which hooks a resource has. A call that does nothing still costs the engine a trip."""
        before = pulumi.ResourceHook("portwright-before", self.before_create)
        after = pulumi.ResourceHook("portwright-after", self.after_create)
        drain = pulumi.ResourceHook("portwright-drain", self.before_delete)

        def of(resource: Resource) -> pulumi.ResourceHookBinding | None:
            if resource.kind != "Container":
                return None
            return pulumi.ResourceHookBinding(
                before_create=[before] if resource.release or resource.awaits else [],
                after_create=[after] if resource.pids else [],
                before_delete=[drain],
            )

        return of


def program(resources: tuple[Resource, ...], secrets: Secrets, around: Hooks) -> Callable[[], None]:
    """A Pulumi program of these resources. secrets: (name, version) -> value."""

    def run() -> None:
        # The SDK blocks a thread for each resource until it is made, and asyncio has six on two
        # cores: no more than six containers would start side by side.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(SIDE_BY_SIDE))
        hooks = around.bindings()
        made: dict[str, pulumi.Resource] = {}
        for resource in resources:
            options = pulumi.ResourceOptions(
                depends_on=[made[name] for name in resource.depends_on],
                delete_before_replace=resource.delete_first,
                retain_on_delete=resource.retain,
                hooks=hooks(resource),
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
        pulumi.Output.secret(opened(item, secrets)) if isinstance(item, SecretEnv) else item
        for item in args["envs"]
    ]
    return {**args, "envs": envs}


def opened(env: SecretEnv, secrets: Secrets) -> str:
    """`KEY=value` with the secrets' values in it."""
    parts = env.value.parts if isinstance(env.value, Template) else [env.value]
    return f"{env.key}=" + "".join(
        part if isinstance(part, str) else reveal(part, secrets) for part in parts
    )


def reveal(secret: SecretVersion, secrets: Secrets) -> str:
    value = secrets[secret.secret, secret.version]
    return quote(value, safe="") if secret.quoted else value
