"""What must be done and be so before a container is made: dependencies, and the release command."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import docker
import pulumi
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container

from stacks.compile import Resource, SecretEnv
from stacks.errors import PortwrightError
from stacks.program import Hook, Secrets, in_a_thread, opened
from stacks.world import Place, ailment, containers

Say = Callable[[str], None]
PATIENCE = 900.0
STEP = 0.25
ROLE = "portwright.role"


class Rollout:
    """Hooks of one apply.

    failure: the first PortwrightError of a hook. The engine stops the container's making
    on it, and only passes its text on.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        place: Place,
        resources: tuple[Resource, ...],
        secrets: Secrets,
        say: Say,
    ) -> None:
        self.client = client
        self.place = place
        self.resources = {resource.name: resource for resource in resources}
        self.secrets = secrets
        self.say = say
        self.failure: PortwrightError | None = None

    def before(self) -> Hook:
        async def hook(args: pulumi.ResourceHookArgs) -> None:
            await in_a_thread(self.prepare, self.resources[args.name])

        return hook

    def after(self) -> Hook:
        async def hook(args: pulumi.ResourceHookArgs) -> None:
            await in_a_thread(self.limit, self.resources[args.name], args.id)

        return hook

    def prepare(self, resource: Resource) -> None:
        try:
            for service, generation, condition in resource.awaits:
                self.wait(service, generation, condition)
            if resource.release:
                self.run_release(resource)
        except PortwrightError as error:
            self.failure = self.failure or error
            raise

    def wait(self, service: str, generation: int, condition: str) -> None:
        """Until every container of the service is started or has completed."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = [
                each
                for each in containers(self.client, self.place)
                if each.labels.get("portwright.service") == service
                and each.labels.get("portwright.generation") == str(generation)
                and ROLE not in each.labels
            ]
            if found and all(self.reached(each, service, condition) for each in found):
                return
            time.sleep(STEP)
        raise PortwrightError(
            f"{service} was not {condition} within {PATIENCE:.0f} s",
            remedy="read its lines in the log",
            path=f"services.{service}",
        )

    def reached(self, container: Container, service: str, condition: str) -> bool:
        state = container.attrs["State"]
        if condition == "started":
            return bool(state.get("Running"))
        if state.get("Status") == "exited" and state.get("ExitCode"):
            raise PortwrightError(
                ailment(container.attrs),
                remedy="read its last lines in the log, correct it and deploy again",
                path=f"services.{service}",
            )
        return str(state.get("Status")) == "exited"

    def finish(self, generation: int) -> None:
        """Until every job of this generation that runs once has ended well."""
        for resource in self.resources.values():
            labels = {i["label"]: i["value"] for i in resource.args.get("labels", [])}
            once = resource.kind == "Container" and not resource.args["must_run"]
            mine = labels.get("portwright.generation") == str(generation)
            if once and mine and "start" not in resource.args:
                self.wait(resource.service, generation, "completed")

    def run_release(self, resource: Resource) -> None:
        """The release command in a container like the service's, on its network."""
        path = f"services.{resource.service}.release"
        self.say(f"release command of {resource.service}: {' '.join(resource.release)}")
        try:
            container = self.client.containers.create(
                resource.args["image"],
                command=list(resource.release),
                entrypoint=resource.args.get("entrypoints"),
                working_dir=resource.args.get("working_dir"),
                user=resource.args.get("user"),
                environment=[
                    opened(item, self.secrets) if isinstance(item, SecretEnv) else item
                    for item in resource.args["envs"]
                ],
                labels=self.labels(resource),
                network=network_of(resource),
                volumes={
                    mount["volume_name"]: {"bind": mount["container_path"], "mode": "rw"}
                    for mount in resource.args.get("volumes", [])
                    if "volume_name" in mount
                },
                healthcheck={"test": ["NONE"]},
                mem_limit=f"{resource.args['memory']}m" if "memory" in resource.args else None,
                pids_limit=resource.pids,
                log_config={"type": "local"},
            )
        except DockerException as error:
            raise PortwrightError(
                f"the release command could not start: {error}", remedy="correct it", path=path
            ) from None
        try:
            container.start()
            code = self.follow(container, resource.service)
        except APIError as error:
            raise PortwrightError(
                f"the release command could not start: {error.explanation}",
                remedy="correct it",
                path=path,
            ) from None
        finally:
            with contextlib.suppress(NotFound):
                container.remove(force=True)
        if code:
            raise PortwrightError(
                f"the release command ended with exit code {code}; no container was replaced",
                remedy="read its lines in the log, correct it and deploy again",
                path=path,
            )

    def follow(self, container: Container, service: str) -> int:
        """Its lines into the log, and its exit code; ended by force when its time is up."""
        rest = b""
        deadline = time.monotonic() + PATIENCE
        for piece in container.logs(stream=True, follow=True):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self.say(f"{service} | {line.decode(errors='replace')}")
            if time.monotonic() > deadline:
                container.kill()
        if rest:
            self.say(f"{service} | {rest.decode(errors='replace')}")
        return int(container.wait(timeout=60)["StatusCode"])

    def labels(self, resource: Resource) -> dict[str, str]:
        """Ours, that it may be found and swept; never Traefik's."""
        own = {item["label"]: item["value"] for item in resource.args["labels"]}
        kept = {key: own[key] for key in own if key.startswith("portwright.")}
        return {**kept, ROLE: "release"}

    def limit(self, resource: Resource, container_id: str) -> None:
        if resource.pids and container_id:
            response = self.client.api._post_json(
                self.client.api._url("/containers/{0}/update", container_id),
                data={"PidsLimit": resource.pids},
            )
            response.raise_for_status()


def network_of(resource: Resource) -> str:
    networks = resource.args.get("networks_advanced")
    return str(networks[0]["name"]) if networks else "host"
