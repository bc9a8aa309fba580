"""One service of `portwright.yaml`, field by field. The descriptions are the documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stacks.fields import (
    BuildArgument,
    Cron,
    DockerfilePath,
    Duration,
    EnvName,
    FileSize,
    Host,
    HostPath,
    Image,
    Memory,
    MountPath,
    Name,
    PathPrefix,
    RepositoryPath,
    Rule,
    SecretId,
    StageName,
    Text,
    UrlPath,
    VariableName,
    megabytes,
)

Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Argv = Annotated[list[Text], Field(min_length=1, max_length=100)]
Condition = Literal["started", "healthy", "completed"]
Builder = Literal["railpack", "nixpacks", "pack"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretRef(Model):
    """A value that is kept in Portwright, not in the repository."""

    secret: EnvName = Field(description="the secret's name; `portwright secrets set` keeps it")


Env = dict[VariableName, SecretRef | Text]


class Build(Model):
    """An image built from the repository by BuildKit. It is built again only when its context, Dockerfile, arguments or secrets changed, or with `--no-cache`."""

    context: RepositoryPath = Field(".", description="a folder of the repository")
    dockerfile: DockerfilePath | None = Field(
        None,
        description="a file, relative to the context; it may be outside the context but not outside "
        "the repository (`../docker/web.Dockerfile`). Without one: `Dockerfile`, and if that does not "
        "exist, a Dockerfile is generated from the folder's contents",
    )
    builder: Builder | None = Field(
        None,
        description="`railpack` or `nixpacks`, installed on the host that builds: it writes the "
        "build instead of a Dockerfile. `pack` is refused, because it needs the host's Docker daemon",
    )
    target: StageName | None = Field(None, description="the stage of the Dockerfile to build")
    args: dict[BuildArgument, Text] = Field(
        {},
        description="build argument → text. They can be read from the image: never use them for secrets",
    )
    secrets: dict[SecretId, SecretRef] = Field(
        {},
        description="id → `{secret: NAME}`, for `RUN --mount=type=secret,id=ID`. It is in no layer of "
        "the image. A new value runs the build's commands again",
    )
    ssh: dict[SecretId, SecretRef] = Field(
        {},
        description="id → `{secret: NAME}` with a private key, for `RUN --mount=type=ssh,id=ID`; the id "
        "`default` needs no `id=`",
    )
    network: Literal["default", "none"] = Field(
        "default", description="`none`: no step has network access; base images are still fetched"
    )

    @model_validator(mode="after")
    def one_way_to_build(self) -> Build:
        if self.builder == "pack":
            raise Rule("needs the host's Docker daemon", "use builder: railpack or nixpacks")
        if self.builder and (self.dockerfile or self.target or self.secrets):
            raise Rule(
                "sets builder beside dockerfile, target or secrets",
                "remove builder, or the fields that belong to a Dockerfile",
            )
        return self


class Static(Model):
    """Files served as they are, by nginx on port 8080."""

    folder: RepositoryPath = Field(description="a folder of the repository, built already")
    fallback: RepositoryPath | None = Field(
        None, description="what is answered where there is no such file, such as `index.html`"
    )


class Healthcheck(Model):
    """How Docker asks the container whether it is well; one of http, tcp and command."""

    http: UrlPath | None = Field(
        None,
        description="a path, such as `/health`, asked for on `port`; the image needs curl, wget, "
        "python3 or node. One of `http`, `tcp` and `command`",
    )
    tcp: bool = Field(
        False,
        description="`true`: the port takes a connection; the image needs bash, nc or python3",
    )
    command: Annotated[list[Text], Field(min_length=1, max_length=50)] | None = Field(
        None, description="a list of arguments that ends with 0"
    )
    interval: Duration = Field("2s", description="between checks")
    timeout: Duration = Field("5s", description="of one check")
    start_period: Duration = Field("0ms", description="failures in it do not count")
    retries: Annotated[int, Field(ge=1, le=100)] = Field(
        15, description="failures in a row until the container is called unhealthy"
    )

    @model_validator(mode="after")
    def one_kind(self) -> Healthcheck:
        if (self.http is not None) + self.tcp + (self.command is not None) != 1:
            raise Rule("needs one way to check", "give one of http, tcp and command")
        return self


class Domain(Model):
    """A host name that the service answers to."""

    host: Host = Field(description="a name such as `shop.example.com`")
    path: PathPrefix | None = Field(
        None, description="only below this path, such as `/api`; the longest path wins"
    )
    strip: bool = Field(False, description="take `path` off before the service sees the request")
    redirect: Host | None = Field(
        None, description="send visitors to this host for good, path and query kept"
    )

    @model_validator(mode="after")
    def consistent(self) -> Domain:
        if self.host.endswith(".localhost"):
            raise Rule("is given by Portwright", "choose a name that does not end in .localhost")
        if self.strip and not self.path:
            raise Rule("has nothing to strip", "give path, or leave strip out")
        if self.redirect and (self.path or self.redirect == self.host):
            raise Rule("can't redirect so", "redirect a whole host to another one")
        return self


class Dependency(Model):
    """What must be so with another service before this one starts."""

    condition: Condition | None = Field(
        None,
        description="`started`, `healthy`, or `completed` (a service with `restart: no` ended with 0). "
        "Without one: healthy where it has a healthcheck, else started",
    )
    cascade: bool = Field(
        False, description="`true`: this service is replaced whenever that one is"
    )


class Amount(Model):
    """A share of the host."""

    cpu: Annotated[float, Field(ge=0.01, le=256)] | None = Field(
        None, description="cores; `0.5` is half of one"
    )
    memory: Memory | None = Field(None, description="`256M` or `2G`")
    pids: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="processes and threads (a limit only)"
    )


class Resources(Model):
    """What a container may use at most, and what it is given first when the host is short."""

    limits: Amount = Field(Amount(), description="at most this; more memory ends the process")
    reservations: Amount = Field(Amount(), description="at least this, where others compete for it")

    @model_validator(mode="after")
    def consistent(self) -> Resources:
        least, most = self.reservations, self.limits
        if least.pids:
            raise Rule("reservations have no pids", "give pids under limits")
        if least.memory and most.memory and megabytes(least.memory) > megabytes(most.memory):
            raise Rule("reserve more memory than the limit", "lower the reservation")
        return self


class Logs(Model):
    """Caps of what Docker keeps of a container's output."""

    max_size: FileSize = Field("10M", description="of one file")
    max_files: Annotated[int, Field(ge=1, le=20)] = Field(3, description="files kept")


class Publish(Model):
    """A port of the host itself, past Traefik. Only one container can hold it."""

    host: Annotated[int, Field(ge=1024, le=65535)] = Field(
        description="the host's port, 1024 or more"
    )
    container: Port = Field(description="the container's port")
    protocol: Literal["tcp", "udp"] = Field("tcp", description="`tcp` or `udp`")
    address: Annotated[str, Field(pattern=r"^(127\.0\.0\.1|0\.0\.0\.0)$")] = Field(
        "127.0.0.1",
        description="`127.0.0.1`: this host only; `0.0.0.0`: everybody, past a firewall",
    )


class HostMount(Model):
    """A path of the host in the container."""

    source: HostPath = Field(description="the host's path")
    target: HostPath = Field(description="the container's path")
    read_only: bool = Field(True, description="`false`: it can be written")


class HostAccess(Model):
    """Power over the host. Refused unless the host's owner has allowed it for the project."""

    privileged: bool = Field(False, description="root on the host")
    network: bool = Field(False, description="the host's network instead of the project's")
    pid: bool = Field(False, description="the host's processes")
    ipc: bool = Field(False, description="the host's shared memory")
    devices: Annotated[list[HostPath], Field(max_length=50)] = Field(
        [], description="devices of the host, such as `/dev/dri`"
    )
    capabilities: Annotated[
        list[Annotated[str, Field(pattern=r"^(CAP_)?[A-Z_]{2,40}$")]], Field(max_length=50)
    ] = Field([], description="capabilities(7) to add, such as `NET_ADMIN`")
    mounts: Annotated[list[HostMount], Field(max_length=50)] = Field(
        [], description="paths of the host"
    )


def short(key: str, whole: Any) -> BeforeValidator:
    """`build: web` is short for `build: {context: web}`."""
    return BeforeValidator(
        lambda value: {key: value} if isinstance(value, str) else value,
        json_schema_input_type=str | whole,
    )


def dependencies(value: Any) -> Any:
    """A list of names is short for a mapping of names to nothing."""
    if isinstance(value, list):
        return {item: {} for item in value if isinstance(item, str)} or value
    return {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value


class Service(Model):
    """One container definition."""

    image: Image | None = Field(
        None,
        description="an image name, such as `postgres:15`. One of `image`, `build` and `static`",
    )
    build: Annotated[Build | None, short("context", Build)] = Field(
        None,
        description="build the image from the repository; a text is short for `{context: text}`",
    )
    static: Annotated[Static | None, short("folder", Static)] = Field(
        None, description="serve a folder of the repository; a text is short for `{folder: text}`"
    )
    pull: Literal["missing", "always", "daily"] = Field(
        "missing",
        description="when a deploy checks the registry for a newer image of the same tag. `missing`: "
        "only if the host does not have the image; `always`: every time; `daily`: if the last check "
        "is more than 24 hours old. With `build`, this applies to the base images. `deploy --pull` "
        "always checks",
    )
    command: Argv | None = Field(
        None, description="a list of arguments; no shell reads it. Without one: the image's"
    )
    entrypoint: Argv | None = Field(
        None, description="the program that gets the command as arguments. Without one: the image's"
    )
    working_dir: MountPath | None = Field(None, description="where the command starts")
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$")] | None = Field(
        None, description="user, or `user:group`, inside the container"
    )
    init: bool = Field(False, description="`true`: a small init reaps what the process leaves")
    read_only: bool = Field(
        False, description="`true`: nothing but volumes and tmpfs can be written"
    )
    tmpfs: Annotated[list[MountPath], Field(max_length=20)] = Field(
        [], description="paths in memory, empty at each start"
    )
    shm_size: Memory | None = Field(None, description="size of /dev/shm. Without one: 64M")
    env: Env = Field(
        {},
        description="variable → text, or `{secret: NAME}`. A text may hold [references](#references)",
    )
    port: Port | None = Field(
        None,
        description="the port the service listens on, which it also gets as `PORT`. With one, it is "
        "reached at `http://SERVICE.PROJECT.localhost`",
    )
    public: bool = Field(
        True, description="`false`: no route from outside; other services still reach the port"
    )
    domains: Annotated[list[Annotated[Domain, short("host", Domain)]], Field(max_length=50)] = (
        Field([], description="further host names; a text is short for `{host: text}`")
    )
    publish: Annotated[list[Publish], Field(max_length=20)] = Field(
        [],
        description="ports of the host. Only one container can hold one, so the old one is stopped "
        "before its successor starts: the plan says so",
    )
    volumes: dict[Name, MountPath] = Field(
        {},
        description="name → path in the container. A service with a volume has one replica, and is "
        "stopped before its successor starts: the plan says so",
    )
    host: HostAccess | None = Field(
        None,
        description="power over the host: only where its owner allowed it (`portwright projects allow`)",
    )
    healthcheck: Healthcheck | Literal[False] | None = Field(
        None,
        description="how Docker asks whether the container is well. Traffic waits for it, and a deploy "
        "fails when it does not come. Without one: the image's own, else `{tcp: true}` where there is "
        "a port. `false`: none",
    )
    depends_on: Annotated[
        dict[Name, Dependency],
        BeforeValidator(
            dependencies, json_schema_input_type=list[Name] | dict[Name, Dependency | None]
        ),
    ] = Field(
        {}, description="services that must be up first; a list of names is short for a mapping"
    )
    replicas: Annotated[int, Field(ge=1, le=20)] = Field(1, description="containers, up to 20")
    resources: Resources = Field(Resources(), description="limits and reservations")
    restart: Annotated[
        Literal["always", "unless-stopped", "on-failure", "no"],
        # YAML reads a bare `no` as false.
        BeforeValidator(
            lambda value: "no" if value is False else value,
            json_schema_input_type=Literal["always", "unless-stopped", "on-failure", "no", False],
        ),
    ] = Field(
        "unless-stopped",
        description="`always`, `unless-stopped`, `on-failure`, or `no`: it runs once per change, and "
        "a deploy waits for it to end with 0",
    )
    logs: Logs = Field(Logs(), description="caps of what Docker keeps of its output")
    release: Argv | None = Field(
        None,
        description="a command (migrations) that runs once in the new image, with its variables, "
        "before the new containers start. Where it fails, the deploy does",
    )
    cron: Cron | None = Field(
        None,
        description="five cron fields in UTC: the container is started at these times instead of "
        "running all the time; never twice at once",
    )
    drain: Duration = Field(
        "3s",
        description="how long an old container keeps what it holds after the new one has taken over",
    )
    stop_grace: Duration = Field(
        "10s", description="between asking a container to end (SIGTERM) and ending it (SIGKILL)"
    )

    @model_validator(mode="after")
    def consistent(self) -> Service:
        if (self.image, self.build, self.static).count(None) != 2:
            raise Rule("needs one source", "give exactly one of image, build and static")
        if self.static and (self.port or self.command or self.release):
            raise Rule("is static files", "remove port, command and release")
        if self.domains and self.port is None and self.static is None:
            raise Rule("has domains but no port", "give the port that the service listens on")
        if self.domains and not self.public:
            raise Rule("has domains but is not public", "remove domains, or public: false")
        check = self.healthcheck or None
        if check and (check.http or check.tcp) and not (self.port or self.static):
            raise Rule("has a healthcheck of a port it does not name", "give port")
        if self.host and self.host.network and (self.domains or self.publish):
            raise Rule(
                "is on the host's network", "remove domains and publish: ports are the host's"
            )
        if self.replicas > 1 and (self.volumes or self.publish or self.cron or self.once):
            raise Rule(
                "can't have several replicas",
                "use one: a volume, a host port and a job have one holder",
            )
        if (self.cron or self.once) and (self.domains or self.publish or self.port or self.release):
            raise Rule(
                "is a job, which serves nothing", "remove port, domains, publish and release"
            )
        if self.cron and self.restart != "unless-stopped":
            raise Rule("has cron and restart", "leave restart out: cron starts it")
        return self

    @property
    def once(self) -> bool:
        """A job that runs to its end once per change."""
        return self.restart == "no" and self.cron is None
