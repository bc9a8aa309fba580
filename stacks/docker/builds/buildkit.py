"""Run one build in a project's builder and load its image into the engine.

Secrets, keys and passwords reach buildctl as files in memory (memfd_create(2)), which end with
the process however it ends: they are in no argument, on no disk, and leave nothing to sweep.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from stacks.docker.builds.builder import HOST, LOOPBACK
from stacks.docker.builds.progress import Progress, Say
from stacks.docker.images import pull
from stacks.docker.images.engine import environment, find_image
from stacks.docker.images.login import Login
from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError

CHUNK = 1 << 20
LONGEST_ERROR = 500
# The names that BuildKit asks by; a registry on the host's loopback has another one in a builder.
HUB_AUTHS = ("https://index.docker.io/v1/", "registry-1.docker.io", "docker.io")


UNAVAILABLE = re.compile(r"code = Unavailable\b|^Unavailable: ")


class ConnectionLost(PortwrightError):
    """The connection to the builder ended during the build, which is not the build's fault."""


@dataclass(frozen=True)
class Order:
    """One build.

    project: whose it is, for messages. context, dockerfile: paths in the checkout. arguments: of the build. secrets, ssh: id -> text.
    pins: image -> digest that it is taken by, without asking its registry. hostname, namespace:
    separate what steps and cache mounts are found by (jobs.builders). frontend: an image that
    reads the Dockerfile's place.
    """

    context: Path
    dockerfile: Path
    tag: str
    project: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    ssh: Mapping[str, str] = field(default_factory=dict, repr=False)
    pins: Mapping[str, str] = field(default_factory=dict)
    frontend: str | None = None
    hostname: str = "build"
    namespace: str = ""
    built_in_frontend: bool = True
    network: bool = True
    cache: bool = True


def build(
    client: docker.DockerClient,
    buildctl: Path,
    builder: str,
    address: str,
    order: Order,
    logins: Mapping[str, Login],
    say: Say,
) -> tuple[str, dict[str, str]]:
    """Build and load; return the image's ID and the digests of the images it is based on.

    builder: the running container's name; address: of its engine. Raises ConnectionLost, and
    PortwrightError where the build fails; its output went to say.
    """
    progress = Progress(say)
    with ExitStack() as stack:
        files = MemoryFiles(stack)
        argv = [
            # It ends with its worker. Not by preexec_fn: gRPC's threads do not survive a fork.
            *("setpriv", "--pdeathsig", "TERM"),
            *(str(buildctl), "--addr", f"docker-container://{builder}", "build"),
            *arguments(order, files),
        ]
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="portwright-build-")))
        (folder / "config.json").symlink_to(files.add(docker_config(logins)))
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=files.descriptors,
            env={**os.environ, **environment(address), "DOCKER_CONFIG": str(folder)},
        )
        assert process.stdout is not None and process.stderr is not None
        reader = threading.Thread(target=follow, args=(process.stderr, progress), daemon=True)
        reader.start()
        trouble, lost = "", False
        try:
            first = process.stdout.read(CHUNK)
            try:
                if first:
                    trouble = load(client, first, process.stdout)
            except ConnectionLost:
                lost = True
            if trouble or lost:
                process.kill()
            code = process.wait()
        except BaseException:  # an interruption must not leave buildctl behind
            process.kill()
            process.wait()
            raise
        finally:
            reader.join()
            process.stdout.close()
            process.stderr.close()
    if lost or (code and not trouble and is_lost(progress)):
        raise connection_lost()
    if code and not trouble:
        raise failure(progress, code, order, logins)
    if trouble:
        raise PortwrightError(
            f"the built image could not be loaded into the engine: {trouble}",
            remedy="check that the engine is running and has free disk space, then deploy again",
            path="build",
        )
    image = find_image(client, order.tag)
    if image is None:  # the engine's answer was cut off
        raise connection_lost()
    return str(image.id), dict(progress.bases)


def is_lost(progress: Progress) -> bool:
    """Return whether buildctl failed without an answer to its build.

    Unavailable is gRPC's code for a connection that ended, which buildctl prints in two forms:
    https://grpc.io/docs/guides/status-codes/
    """
    return progress.failed is None and UNAVAILABLE.search(progress.error) is not None


def connection_lost() -> ConnectionLost:
    return ConnectionLost(
        "the connection to the builder was lost during the build",
        remedy="check that the host runs and has free memory, then deploy again",
        path="build",
    )


class MemoryFiles:
    """Files in memory that one child process reads by path."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.descriptors: list[int] = []

    def add(self, content: str) -> str:
        """Return the path by which the child reads it."""
        descriptor = os.memfd_create("portwright")
        self.stack.callback(os.close, descriptor)
        self.descriptors.append(descriptor)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content.encode())
        return f"/proc/self/fd/{descriptor}"


def arguments(order: Order, files: MemoryFiles) -> list[str]:
    """buildctl's arguments for the order."""
    options = {
        "filename": order.dockerfile.name,
        "build-arg:BUILDKIT_SANDBOX_HOSTNAME": order.hostname,
        "build-arg:BUILDKIT_CACHE_MOUNT_NS": order.namespace,
        **{f"build-arg:{key}": value for key, value in order.arguments.items()},
        **{f"label:{key}": value for key, value in order.labels.items()},
    }
    if order.frontend:
        options["source"] = order.frontend
    elif order.built_in_frontend:
        options["cmdline"] = "docker/dockerfile:1"
    if order.target:
        options["target"] = order.target
    if not order.network:
        options["force-network-mode"] = "none"
    frontend = "gateway.v0" if order.frontend else "dockerfile.v0"
    argv = ["--progress=rawjson", f"--frontend={frontend}"]
    argv += ["--local", f"context={order.context}"]
    argv += ["--local", f"dockerfile={order.dockerfile.parent}"]
    for key, value in sorted(options.items()):
        argv += ["--opt", f"{key}={value}"]
    if not order.cache:
        argv.append("--no-cache")
    for key, value in sorted(order.secrets.items()):
        argv += ["--secret", f"id={key},src={files.add(value)}"]
    for key, value in sorted(order.ssh.items()):
        argv += ["--ssh", f"{key}={files.add(value)}"]
    if order.pins:
        argv += ["--source-policy-file", files.add(source_policy(order.pins))]
    return [*argv, "--output", f"type=docker,name={order.tag},compression=uncompressed"]


def source_policy(pins: Mapping[str, str]) -> str:
    """Images by the digest that they are known by: BuildKit then does not ask for the tag again.

    https://github.com/moby/buildkit/blob/master/sourcepolicy/pb/policy.proto
    """
    rules = [
        {
            "action": "CONVERT",
            "selector": {"identifier": f"docker-image://{name}", "match_type": "EXACT"},
            "updates": {"identifier": f"docker-image://{name}@{digest}"},
        }
        for name, digest in sorted(pins.items())
    ]
    return json.dumps({"version": 1, "rules": rules})


def docker_config(logins: Mapping[str, Login]) -> str:
    """The config.json that buildctl answers BuildKit's questions for credentials from."""
    auths: dict[str, dict[str, str]] = {}
    for host, login in logins.items():
        pair = b64encode(f"{login.username}:{login.password}".encode()).decode()
        name, _, port = host.partition(":")
        names: tuple[str, ...] = HUB_AUTHS if host == "docker.io" else (host,)
        if name in LOOPBACK:
            names = (host, f"{HOST}:{port or 80}")
        auths |= {each: {"auth": pair} for each in names}
    return json.dumps({"auths": auths})


def follow(stream: IO[bytes], progress: Progress) -> None:
    for line in stream:
        progress.feed(line)
    progress.end()


def load(client: docker.DockerClient, first: bytes, rest: IO[bytes]) -> str:
    """Give the archive to the engine as it comes; return what went wrong, empty where nothing did.

    Raises ConnectionLost where the engine does not say that it has the image.
    """

    def chunks() -> Iterator[bytes]:
        yield first
        while chunk := rest.read(CHUNK):
            yield chunk

    loaded = False
    try:
        for told in client.api.load_image(chunks(), quiet=False):
            if "error" in told:
                return str(told["error"])
            loaded = loaded or "Loaded image" in str(told.get("stream"))
    except DockerException as error:
        return str(error)
    except (RequestException, HTTPError) as error:
        raise connection_lost() from error
    if not loaded:  # its answer was cut off; an older image may have the tag
        raise connection_lost()
    return ""


PRIVATE = "; a builder connects to private addresses only if PORTWRIGHT_ALLOWED_HOSTS permits them"
FIX = "read the build's output in the log, correct the Dockerfile or the code, and deploy again"
IMAGE = re.compile(r"failed to resolve source metadata for (\S+): (.*)")


def failure(
    progress: Progress, code: int, order: Order, logins: Mapping[str, Login]
) -> PortwrightError:
    """Say what failed; the place in the Dockerfile goes to the log."""
    for line in progress.messages:
        if not line.startswith("error: "):
            progress.say(line)
    error = progress.error or f"buildctl ended with {code}"
    if found := IMAGE.search(error):
        cause = of_image(found[1], found[2], order, logins)
        if cause is not None:
            return cause
    message = f"the build failed: {shortened(error)}"
    if progress.failed is not None and progress.failed.last:
        message += f"; its last line: {progress.failed.last[-1][:300]}"
    remedy = FIX + (PRIVATE if "dial tcp" in error else "")
    return PortwrightError(message, remedy=remedy, path="build")


def shortened(error: str) -> str:
    """A long command in the middle of the message is cut; its end says what happened."""
    return error if len(error) <= LONGEST_ERROR else f"{error[:300]} … {error[-200:]}"


def of_image(
    name: str, answer: str, order: Order, logins: Mapping[str, Login]
) -> PortwrightError | None:
    """Why an image that the build stands on could not be had; None where the name is not an image's."""
    try:
        source = Reference.parse(name)
    except PortwrightError:
        return None
    cause = pull.failure(source, logins.get(source.host), order.project, answer)
    tag = replace(source, digest=None).canonical
    if tag in order.pins and "not found" in answer:
        return PortwrightError(
            f"the build failed: {source.host} no longer has the image that {tag} was known to be",
            remedy="use the image that the tag means now: deploy with --pull",
            path="build",
        )
    remedy = cause.remedy + (PRIVATE if "dial tcp" in answer else "")
    return PortwrightError(f"the build failed: {cause.message}", remedy=remedy, path="build")
