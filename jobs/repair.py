"""After a failure: state and world agree again, and what served before serves still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docker.errors import APIError
from docker.models.networks import Network

from jobs import ballast
from jobs.context import Context
from jobs.patience import wait_for_docker
from stacks.compile import Resource, compile_spec
from stacks.program import Hooks
from stacks.rollout import Rollout
from stacks.traffic import drain_hook
from stacks.world import containers, sweep


def put_back(context: Context) -> None:
    """Apply the release that served; where there was none, leave nothing but volumes.

    Previewed first: what stands as it should is not touched. Waits for the database and for
    Docker where they are away. Never raises; what could not be put right is in the log.
    """
    try:
        context.persistently(lambda: context.session.refresh(context.run))
        wait_for_docker(context.ping)
        ballast.drop(context.settings)
        if context.current_spec is None:
            context.log("taking down what was half made")
            take_down(context)
        else:
            context.log(f"putting release {context.environment.release} back in full")
            # Its release commands ran when it was deployed.
            resources = tuple(
                replace(resource, release=())
                for resource in compile_spec(context.current_spec, context.settings.instance)
            )
            secrets = context.secrets(context.current_spec)
            drain = drain_hook(context.traefik, resources, lambda: None, context.log)
            rollout = Rollout(context.docker, context.place, resources, secrets, context.log)
            hooks = Hooks(rollout.before(), rollout.after(), drain)
            seen = context.engine.preview(resources, secrets)
            context.log(f"to put back: {len(seen.steps)} resources, {seen.same} are as they were")
            if seen.steps:
                context.engine.up(resources, secrets, hooks, context.log)
            sweep_orphans(context)
    except Exception as error:
        # The Run must still end with its own cause; the next deploy starts from the real state.
        context.log(f"putting back failed too: {type(error).__name__}: {error}")
        context.log("what to do: deploy a good commit, or refresh and look at the plan")


def take_down(context: Context) -> None:
    """Destroy all but volumes, also what a killed engine made and did not write down."""
    clear_ground(context)
    context.engine.destroy(context.log)
    sweep_orphans(context)
    sweep_networks(context, ())


def clear_ground(context: Context) -> None:
    """Remove containers and networks that bear the environment's labels and are in no state.

    A killed engine leaves them, or a home that was lost; their names are then taken, and a
    network can't be removed while one of them is connected.
    """
    networks = context.docker.networks.list(filters=context.place.filters)
    if networks or containers(context.docker, context.place):
        known = context.engine.resource_ids()
        for name in sweep(context.docker, context.place, known):
            context.log(f"removed container {name}, which nothing knew")
        remove_networks(context, [each for each in networks if each.id not in known])


def sweep_orphans(context: Context) -> list[str]:
    """Remove our containers that the engine's state does not hold; returns their names."""
    if not containers(context.docker, context.place):
        return []  # the state need not be read
    return sweep(context.docker, context.place, context.engine.resource_ids())


def sweep_networks(context: Context, resources: tuple[Resource, ...]) -> None:
    """Remove our networks that the release does not have and nothing is connected to."""
    known = {resource.name for resource in resources if resource.kind == "Network"}
    networks = context.docker.networks.list(filters=context.place.filters)
    remove_networks(context, [each for each in networks if each.name not in known])


def remove_networks(context: Context, networks: Sequence[Network]) -> None:
    for network in networks:
        try:
            network.remove()
            context.log(f"removed network {network.name}, which no release has")
        except APIError as error:
            context.log(f"network {network.name} can't be removed: {error.explanation}")
