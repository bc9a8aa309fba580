"""A project's builder: BuildKit in a container of its own, with its own cache volume.

BuildKit gives whoever knows a digest what another client has fetched with credentials, so that
projects share no daemon: docs/decisions/0023-buildkit.md.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.types import LogConfig

from stacks.errors import PortwrightError

# Not portwright.instance: that label is of what projects' stacks and their engine know.
INSTANCE_LABEL = "portwright.builder-instance"
OWNER_LABEL = "portwright.builder"
CONFIG_LABEL = "portwright.builder-config"
SOCKET = "/run/buildkit/buildkitd.sock"
STATE = "/var/lib/buildkit"
START = "/usr/local/bin/start-buildkitd"
# Steps get no CAP_NET_RAW: a packet socket passes the firewall.
RUNC = "/usr/local/bin/step-runc"
# The host as a builder sees it, and the names by which the host sees itself.
HOST = "host.docker.internal"
LOOPBACK = ("127.0.0.1", "localhost")
READY_SECONDS = 60.0
STEP = 0.05
# What is not a public unicast address (RFC 6890 and its registries); forges.addresses judges the
# same, which a test holds together.
REFUSED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1",
)  # fmt: skip


@dataclass(frozen=True)
class BuilderSettings:
    """How a project's builder runs.

    owner: a project, or a pull request of a fork. image: ID of the builder's image. cpus: cores, memory_mb: of all its steps together.
    cache_mb, cache_days: bounds of its cache. mirrors: registry host -> where to ask first, in
    that order (HOST[:PORT][/PREFIX]). plain_http: hosts that speak HTTP. certificates: registry host -> PEM
    of its CA. allowed: addresses and networks besides public ones. host_ports: ports of the host
    that its registries listen on.
    """

    instance: str
    owner: str
    image: str
    cpus: float
    memory_mb: int
    cache_mb: int
    cache_days: int
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plain_http: tuple[str, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    host_ports: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The container's and the volume's name; projects' names have no dots, so that none collides."""
        return builder_name(self.instance, self.owner)

    @property
    def digest(self) -> str:
        told = [self.image, self.cpus, self.memory_mb, environment(self), configuration(self)]
        told += [sorted(self.certificates.items())]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def builder_name(instance: str, owner: str) -> str:
    return f"{instance}.builder.{owner}"


def is_current(client: docker.DockerClient, wanted: BuilderSettings) -> bool:
    """Return whether the builder runs with these settings."""
    container = find(client, wanted.name)
    return container is not None and container.status == "running" and matches(container, wanted)


def start(client: docker.DockerClient, wanted: BuilderSettings) -> None:
    """Have the builder run with these settings; nobody may be building meanwhile.

    Its cache survives a change of settings. Raises PortwrightError where it does not start.
    """
    container = find(client, wanted.name)
    # One that was created and never started may lack its configuration: its creator was killed.
    if container is not None and (container.status == "created" or not matches(container, wanted)):
        container.remove(force=True)
        container = None
    try:
        if container is None:
            container = create(client, wanted)
        container.start()
    except DockerException as error:
        raise failed(f"the builder could not be started: {error}") from None
    wait_until_ready(container)


def stop(client: docker.DockerClient, instance: str, owner: str) -> bool:
    """Stop a builder that nobody uses; its cache stays. Returns whether one was running."""
    container = find(client, builder_name(instance, owner))
    if container is None or container.status != "running":
        return False
    container.stop(timeout=10)
    return True


def remove(client: docker.DockerClient, instance: str, owner: str) -> bool:
    """Remove a builder and its cache. Returns whether there was one."""
    name = builder_name(instance, owner)
    container = find(client, name)
    if container is not None:
        container.remove(force=True)
    try:
        client.volumes.get(name).remove()
    except NotFound:
        return container is not None
    return True


def owners(client: docker.DockerClient, instance: str) -> dict[str, bool]:
    """Return owner -> whether the builder runs, of all builders and caches of this instance."""
    labels = {"label": [f"{INSTANCE_LABEL}={instance}"]}
    found = {
        (volume.attrs["Labels"] or {})[OWNER_LABEL]: False
        for volume in client.volumes.list(filters=labels)
    }
    for container in client.containers.list(all=True, filters=labels):
        found[container.labels[OWNER_LABEL]] = container.status == "running"
    return found


def find(client: docker.DockerClient, name: str) -> Container | None:
    try:
        return client.containers.get(name)
    except NotFound:
        return None


def matches(container: Container, wanted: BuilderSettings) -> bool:
    return bool(container.labels.get(CONFIG_LABEL) == wanted.digest)


def create(client: docker.DockerClient, wanted: BuilderSettings) -> Container:
    """SYS_ADMIN and NET_ADMIN are BuildKit's, for mounts and the firewall; its steps get neither."""
    labels = {INSTANCE_LABEL: wanted.instance, OWNER_LABEL: wanted.owner}
    client.volumes.create(wanted.name, labels=labels)
    container = client.containers.create(
        wanted.image,
        [START],
        name=wanted.name,
        labels={**labels, CONFIG_LABEL: wanted.digest},
        environment=environment(wanted),
        volumes={wanted.name: {"bind": STATE, "mode": "rw"}},
        network="bridge",
        extra_hosts={HOST: "host-gateway"},
        cap_add=["SYS_ADMIN", "NET_ADMIN"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        userns_mode="host",
        init=True,
        nano_cpus=int(wanted.cpus * 1_000_000_000),
        cpu_shares=512,
        mem_limit=wanted.memory_mb << 20,
        memswap_limit=wanted.memory_mb << 20,
        pids_limit=8192,
        oom_score_adj=500,
        log_config=LogConfig(type="json-file", config={"max-size": "5m", "max-file": "1"}),
    )
    container.put_archive("/", packed(files(wanted)))
    return container


def environment(wanted: BuilderSettings) -> dict[str, str]:
    return {
        "BUILDKIT_SETUP_CGROUPV2_ROOT": "1",
        "BUILDKIT_STEP_LOG_MAX_SIZE": str(64 << 20),
        "BUILDKIT_STEP_LOG_MAX_SPEED": "-1",
        "PORTWRIGHT_REFUSED": " ".join(REFUSED),
        "PORTWRIGHT_ALLOWED": " ".join(sorted(wanted.allowed)),
        "PORTWRIGHT_HOST_PORTS": " ".join(map(str, sorted(wanted.host_ports))),
    }


def files(wanted: BuilderSettings) -> dict[str, str]:
    """Path in the container -> text."""
    found = {"etc/buildkit/buildkitd.toml": configuration(wanted)}
    for host, pem in wanted.certificates.items():
        found[certificate_path(host).removeprefix("/")] = pem
    return found


def certificate_path(host: str) -> str:
    return f"/etc/buildkit/certificates/{host.replace(':', '_')}.pem"


def configuration(wanted: BuilderSettings) -> str:
    """buildkitd.toml: https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md"""
    lines = [
        "[worker.containerd]",
        "enabled = false",
        "[worker.oci]",
        'networkMode = "host"',
        f'binary = "{RUNC}"',
        "gc = true",
        "[[worker.oci.gcpolicy]]",
        "all = true",
        f'keepDuration = "{wanted.cache_days * 24}h"',
        "[[worker.oci.gcpolicy]]",
        "all = true",
        f'maxUsedSpace = "{wanted.cache_mb}MB"',
        'minFreeSpace = "10%"',  # a full disk is worse than a cold cache
        "[history]",
        "maxEntries = 10",
    ]
    for host in sorted({*wanted.mirrors, *wanted.plain_http, *wanted.certificates}):
        lines.append(f"[registry.{json.dumps(host)}]")
        if host in wanted.mirrors:
            lines.append(f"mirrors = {json.dumps(wanted.mirrors[host])}")
        if host in wanted.plain_http:
            lines.append("http = true")
        if host in wanted.certificates:
            lines.append(f"ca = {json.dumps([certificate_path(host)])}")
    return "\n".join(lines) + "\n"


def packed(found: Mapping[str, str]) -> bytes:
    """A tar archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in sorted(found.items()):
            member = tarfile.TarInfo(path)
            data = text.encode()
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def wait_until_ready(container: Container) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        code, output = exec_in(container, ["test", "-S", SOCKET])
        if code == 0:
            return
        container.reload()
        if container.status != "running" or time.monotonic() > deadline:
            said = output or container.logs(tail=5).decode(errors="replace").strip()
            raise failed(f"the builder does not start: {said or 'it printed nothing'}")
        time.sleep(STEP)


def exec_in(container: Container, argv: list[str]) -> tuple[int, str]:
    """Run a command in the container; return its exit code and its output.

    An engine that cannot run it, because of its control groups for example, says so in the output.
    """
    try:
        code, output = container.exec_run(argv)
    except APIError:  # the container has just ended, and its log says why
        return 1, ""
    return int(code), output.decode(errors="replace").strip()


def failed(message: str) -> PortwrightError:
    return PortwrightError(
        message,
        remedy="check the Docker engine, free disk space and free memory of the host, then deploy again",
        path="build",
    )
