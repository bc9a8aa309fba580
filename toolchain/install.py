"""Brings artifacts into the cache and links them to where they are used."""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from toolchain import build as go
from toolchain.cache import Cache, new_manifest, read_manifest
from toolchain.catalog import PINS, Artifact, pin_of
from toolchain.data import data_of
from toolchain.errors import ToolchainError
from toolchain.progress import Progress, Step
from toolchain.release import Releases

SOURCES = ("auto", "release", "build")


@dataclass(frozen=True)
class Places:
    """Where binaries are linked: executables in `into`, plugins under `plugins` (a PULUMI_HOME)."""

    into: Path | None = None
    plugins: Path | None = None

    def link_of(self, artifact: Artifact) -> Path | None:
        """The path the artifact is used from, or None if this kind was not asked for."""
        if artifact.plugin:
            home = self.plugins
            return home / "plugins" / artifact.plugin / artifact.binary if home else None
        return self.into / artifact.binary if self.into else None


class Installer:
    """Collaborators are given, so that tests can bring their own; one instance is one run."""

    def __init__(
        self, cache: Cache, releases: Releases, progress: Progress, pins: Path = PINS
    ) -> None:
        self._cache, self._releases, self._progress = cache, releases, progress
        self._pins = pins

    def install(self, artifact: Artifact, source: str, places: Places) -> Path:
        """Have the artifact in the cache and linked; returns the binary in the cache.

        `source` is one of SOURCES. Raises ToolchainError.
        """
        binary = self.obtain(artifact, source)
        link = places.link_of(artifact)
        if link:
            place(binary, link)
            self._progress.say(f"{artifact.label}: {link} -> {binary}")
        else:
            self._progress.say(f"{artifact.label}: {binary}")
        return binary

    def obtain(self, artifact: Artifact, source: str) -> Path:
        """Have the artifact in the cache; returns the binary. Raises ToolchainError."""
        if source not in SOURCES:
            raise ToolchainError(
                f"{artifact.label} has no source {source!r}",
                "--source or PORTWRIGHT_INSTALL asks for it",
                f"use one of: {', '.join(SOURCES)}",
            )
        self._cache.sweep()
        if source == "release":
            return self._from_release(artifact)
        if source == "build":
            return self._from_build(artifact)
        if self._has_only_a_build(artifact):
            return self._from_build(artifact)
        try:
            return self._from_release(artifact)
        except ToolchainError as error:
            self._progress.say(f"{artifact.label}: no release ({error.why}); building instead")
        return self._from_build(artifact)

    def _from_release(self, artifact: Artifact) -> Path:
        pin = pin_of(artifact, self._pins)
        self._releases.require(artifact, pin)
        assert pin is not None

        def make(stage: Path, step: Step) -> Path:
            return self._releases.fetch(artifact, pin, stage, step)

        return self._produce(artifact, "release", pin, pin, "downloading the release", make)

    def _from_build(self, artifact: Artifact) -> Path:
        inputs = go.build_inputs(artifact)
        try:
            key = go.build_key(artifact, go.go_version(artifact))
        except ToolchainError:
            ready = self._built_elsewhere(artifact, inputs)
            if ready:
                return ready
            raise
        log = self._cache.root / "logs" / f"{artifact.name}-{key[:16]}.log"

        def make(stage: Path, step: Step) -> Path:
            return go.build(artifact, stage, log, step)

        return self._produce(artifact, "build", key, inputs, "building from Go modules", make)

    def _produce(
        self,
        artifact: Artifact,
        source: str,
        key: str,
        inputs: str,
        doing: str,
        make: Callable[[Path, Step], Path],
    ) -> Path:
        def waiting(pid: str) -> AbstractContextManager[Step]:
            return self._progress.step(f"{artifact.label}: waiting for the installer {pid}")

        cache = self._cache
        with cache.hold(artifact.name, key, waiting):
            ready = cache.verified(artifact.name, key)
            if ready:
                self._progress.say(f"{artifact.label}: already in the cache ({source})")
                return ready
            with cache.stage(artifact.name, key) as stage:
                with self._progress.step(f"{artifact.label}: {doing}") as step:
                    product = make(stage, step)
                manifest = new_manifest(
                    artifact.name, artifact.version, artifact.binary, product, source, inputs
                )
                binary = cache.commit(stage, key, product, manifest)
            self._progress.say(f"{artifact.label}: {source} finished in {step.seconds:.0f} s")
            return binary

    def _has_only_a_build(self, artifact: Artifact) -> bool:
        wanted = go.build_inputs(artifact)
        kept = {manifest.inputs for _, manifest in self._cache.entries(artifact.name)}
        return wanted in kept and pin_of(artifact, self._pins) not in kept

    def _built_elsewhere(self, artifact: Artifact, inputs: str) -> Path | None:
        """A build of the same inputs by whatever Go: good enough for a host without Go."""
        for binary, manifest in self._cache.entries(artifact.name):
            key = binary.parent.name.removeprefix(f"{artifact.name}-")
            if manifest.inputs == inputs and self._cache.verified(artifact.name, key):
                self._progress.say(f"{artifact.label}: already in the cache (build)")
                return binary
        return None


def place(binary: Path, link: Path) -> None:
    """Make `link` a symbolic link to `binary`, in one step even if something is there already.

    Pulumi takes a plugin folder with a `.partial` file beside it for half-installed, so that
    mark of an interrupted `pulumi plugin install` goes away. Raises ToolchainError.
    """
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        draft.symlink_to(binary)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        draft.replace(link)
        _partial(link).unlink(missing_ok=True)
    except OSError as error:
        raise ToolchainError(
            f"{link} could not be linked", str(error), "check who owns the folder"
        ) from error


def missing(artifact: Artifact, cache: Cache, places: Places, pins: Path = PINS) -> str | None:
    """Why the artifact is not installed as it should be, or None if it is.

    Quick: the binary's size is compared with its manifest, its content is not read.
    """
    link = places.link_of(artifact)
    wanted = {go.build_inputs(artifact), pin_of(artifact, pins)}
    if link is None:
        kept = (manifest.inputs for _, manifest in cache.entries(artifact.name))
        return None if wanted.intersection(kept) else "it is not in the cache"
    if not link.exists():
        return f"{link} is missing" if not link.is_symlink() else f"{link} points nowhere"
    binary = link.resolve()
    manifest = read_manifest(binary.parent)
    if manifest is None or manifest.name != artifact.name:
        return f"{link} does not come from the cache"
    if manifest.version != artifact.version or manifest.inputs not in wanted:
        return f"{link} is {manifest.version} from other inputs than wanted"
    if binary.stat().st_size != manifest.size or not os.access(binary, os.X_OK):
        return f"{binary} is not what its manifest says"
    if artifact.data and not data_of(binary).is_dir():
        return f"{data_of(binary)} is missing"
    if artifact.plugin and _partial(link).exists():
        return f"{_partial(link)} marks a half-installed plugin"
    return None


def _partial(link: Path) -> Path:
    return link.parent.with_name(f"{link.parent.name}.partial")
