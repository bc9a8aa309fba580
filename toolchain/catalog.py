"""What can be obtained: every artifact, its version, and both places it may come from."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolchain.errors import ToolchainError

ROOM = Path(__file__).resolve().parent
PINS = ROOM / "checksums.json"
RELEASE_PLATFORM = "linux-amd64"
Purpose = Literal["platform", "bench", "tests"]
PURPOSES: tuple[Purpose, ...] = ("platform", "bench", "tests")


@dataclass(frozen=True)
class Release:
    """An official .tar.gz for linux-amd64: its `url`, with {version}, and the binary's `member`."""

    url: str
    member: str


@dataclass(frozen=True)
class PreBuild:
    """A command run in the copied module before the build; its output becomes the file `into`."""

    argv: tuple[str, ...]
    into: str


@dataclass(frozen=True)
class Data:
    """Folders of the Go module `module` that the binary reads while it runs (toolchain.data)."""

    module: str
    folders: tuple[str, ...]


@dataclass(frozen=True)
class Artifact:
    """One binary: `module` is the folder of its go.mod, `package` the Go command built there.

    `plugin` names the folder under PULUMI_HOME/plugins the binary belongs in; without it the
    binary goes into the folder of executables. `purpose` is who needs it: the platform itself,
    only measurements, or only tests. `cgo` asks for a C compiler, which the rest does without.
    """

    name: str
    version: str
    binary: str
    module: Path
    package: str
    ldflags: str = "-s -w"
    tags: tuple[str, ...] = ()
    cgo: bool = False
    prebuild: tuple[PreBuild, ...] = ()
    data: Data | None = None
    release: Release | None = None
    plugin: str | None = None
    purpose: Purpose = "platform"

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def url(self) -> str | None:
        return self.release.url.format(version=self.version) if self.release else None


def _stamped(variable: str, value: str) -> str:
    return f"-s -w -X {variable}={value}"


_ALL = (
    Artifact(
        name="pulumi",
        version="3.259.0",
        binary="pulumi",
        module=ROOM / "pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        ldflags=_stamped("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", "v3.259.0"),
        release=Release(
            "https://get.pulumi.com/releases/sdk/pulumi-v{version}-linux-x64.tar.gz",
            "pulumi/pulumi",
        ),
    ),
    Artifact(
        name="docker-provider",
        version="5.2.0",
        binary="pulumi-resource-docker",
        module=ROOM / "docker-provider",
        package=".",
        prebuild=(PreBuild(("go", "run", "./gen"), "schema.json"),),
        release=Release(
            "https://get.pulumi.com/releases/plugins/"
            "pulumi-resource-docker-v{version}-linux-amd64.tar.gz",
            "pulumi-resource-docker",
        ),
        plugin="resource-docker-v5.2.0",
    ),
    Artifact(
        name="traefik",
        version="3.6.12",
        binary="traefik",
        module=ROOM / "traefik",
        package="github.com/traefik/traefik/v3/cmd/traefik",
        ldflags=_stamped("github.com/traefik/traefik/v3/pkg/version.Version", "3.6.12"),
        release=Release(
            "https://github.com/traefik/traefik/releases/download/"
            "v{version}/traefik_v{version}_linux_amd64.tar.gz",
            "traefik",
        ),
    ),
    *(
        Artifact(
            name=name,
            version="0.34.2",
            binary=name,
            module=ROOM / "buildkit",
            package=f"github.com/moby/buildkit/cmd/{name}",
            ldflags=_stamped("github.com/moby/buildkit/version.Version", "v0.34.2"),
            release=Release(
                "https://github.com/moby/buildkit/releases/download/"
                "v{version}/buildkit-v{version}.linux-amd64.tar.gz",
                f"bin/{name}",
            ),
        )
        for name in ("buildkitd", "buildctl")
    ),
    Artifact(
        name="compose",
        version="5.2.0",
        binary="docker-compose",
        module=ROOM / "compose",
        package="github.com/docker/compose/v5/cmd",
        ldflags=_stamped("github.com/docker/compose/v5/internal.Version", "v5.2.0"),
        purpose="bench",
    ),
    Artifact(
        name="pulumi-yaml",
        version="1.30.1",
        binary="pulumi-language-yaml",
        module=ROOM / "pulumi-yaml",
        package="github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
        ldflags=_stamped("github.com/pulumi/pulumi-yaml/pkg/version.Version", "v1.30.1"),
        purpose="bench",
    ),
    Artifact(
        name="gitea",
        version="1.26.0",
        binary="gitea",
        module=ROOM / "gitea",
        package="code.gitea.io/gitea",
        ldflags=_stamped("main.Version", "1.26.0"),
        tags=("sqlite", "sqlite_unlock_notify"),
        cgo=True,
        data=Data("code.gitea.io/gitea", ("options", "public", "templates")),
        purpose="tests",
    ),
    Artifact(
        name="pebble",
        version="2.10.1",
        binary="pebble",
        module=ROOM / "pebble",
        package="github.com/letsencrypt/pebble/v2/cmd/pebble",
        ldflags=_stamped("main.version", "v2.10.1"),
        purpose="tests",
    ),
    Artifact(
        name="pebble-challtestsrv",
        version="2.10.1",
        binary="pebble-challtestsrv",
        module=ROOM / "pebble",
        package="github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv",
        purpose="tests",
    ),
    Artifact(
        name="minio",
        version="20260212201848",
        binary="minio",
        module=ROOM / "minio",
        package="github.com/minio/minio",
        purpose="tests",
    ),
)

CATALOG: dict[str, Artifact] = {artifact.name: artifact for artifact in _ALL}


def chosen(names: list[str], purpose: Purpose = "platform") -> list[Artifact]:
    """The named artifacts in order, or all that are for `purpose` if none is named.

    Raises ToolchainError for an unknown name.
    """
    if not names:
        return [artifact for artifact in _ALL if artifact.purpose == purpose]
    for name in names:
        if name not in CATALOG:
            raise ToolchainError(
                f"there is no artifact {name!r}",
                "the catalog does not list it",
                f"use one of: {', '.join(CATALOG)}",
            )
    return [CATALOG[name] for name in dict.fromkeys(names)]


def pin_of(artifact: Artifact, pins: Path = PINS) -> str | None:
    """The archive's SHA-256 in hex, or None while it is not pinned.

    A pin counts only for the archive it names, so a version bump unpins by itself.
    Raises ToolchainError if the file of pins cannot be read.
    """
    entry = _read(pins).get(artifact.name)
    if entry is None or entry.get("archive") != _archive(artifact):
        return None
    return entry.get("sha256")


def set_pin(artifact: Artifact, sha256: str, pins: Path = PINS) -> None:
    """Record the archive's SHA-256. Raises ToolchainError if it is no SHA-256, or no release."""
    if artifact.release is None:
        raise ToolchainError(
            f"{artifact.label} cannot be pinned",
            "it has no official release in the catalog; it is always built",
            f"run: python -m toolchain install --source build {artifact.name}",
        )
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ToolchainError(
            f"{artifact.label} was not pinned",
            f"{sha256!r} is not a SHA-256: 64 hexadecimal digits are expected",
            f"take the checksum published next to {artifact.url}",
        )
    entries = _read(pins)
    entries[artifact.name] = {"archive": _archive(artifact), "sha256": sha256.lower()}
    draft = pins.with_suffix(".json.tmp")
    draft.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    draft.replace(pins)


def _archive(artifact: Artifact) -> str | None:
    return artifact.url.rsplit("/", 1)[-1] if artifact.url else None


def _read(pins: Path) -> dict[str, dict[str, str | None]]:
    try:
        entries: dict[str, dict[str, str | None]] = json.loads(pins.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ToolchainError(
            f"the pinned checksums in {pins} cannot be read", str(error), "restore the file"
        ) from error
    return entries
