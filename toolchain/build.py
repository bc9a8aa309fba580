"""The build source: a Go module copied aside and compiled; the checkout stays as it is."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from toolchain.catalog import Artifact, Data
from toolchain.data import DATA, take
from toolchain.errors import ToolchainError
from toolchain.progress import Step

OLDEST_GO = (1, 25, 0)
GENERATED = frozenset({"schema.json"})
SETTINGS = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


def build_inputs(artifact: Artifact) -> str:
    """SHA-256 over the module's files and everything said to the compiler, except Go's version."""
    digest = hashlib.sha256()
    for path in _module_files(artifact.module):
        relative = path.relative_to(artifact.module).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{relative}\0{content}\n".encode())
    steps = [[*step.argv, step.into] for step in artifact.prebuild]
    settings = _settings(artifact)
    told = [artifact.version, _build_argv(artifact, "-"), steps, settings, platform.machine()]
    if artifact.data:
        told.append(asdict(artifact.data))
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()


def build_key(artifact: Artifact, go_version: str) -> str:
    """The cache key of a build: its inputs and the compiler that reads them."""
    return hashlib.sha256(f"{build_inputs(artifact)}\n{go_version}".encode()).hexdigest()


def go_version(artifact: Artifact) -> str:
    """What `go env GOVERSION` says, e.g. "go1.25.11".

    Raises ToolchainError if Go is missing or older than the artifact's module asks for.
    """
    oldest = max(OLDEST_GO, _numbers(_go_line(artifact.module / "go.mod")))
    wanted = ".".join(map(str, oldest))
    remedy = f"install Go {wanted} or newer from https://go.dev/dl/ and put `go` on the PATH"
    what = f"{artifact.label} cannot be built from Go modules"
    argv = ["go", "env", "GOVERSION"]
    env = _environ(artifact)
    try:
        answer = subprocess.run(argv, env=env, capture_output=True, text=True, check=True, cwd="/")
    except FileNotFoundError as error:
        raise ToolchainError(what, "Go is not installed (no `go` on the PATH)", remedy) from error
    except subprocess.CalledProcessError as error:
        raise ToolchainError(what, f"`go` does not run: {error.stderr.strip()}", remedy) from error
    version = answer.stdout.strip()
    if _numbers(version) < oldest:
        raise ToolchainError(what, f"it needs Go {wanted} or newer; this is {version}", remedy)
    return version


def build(artifact: Artifact, stage: Path, log: Path, step: Step) -> Path:
    """Build inside `stage` and return the binary; all output goes to `log`.

    The artifact's data, if it has any, is left in the stage's folder DATA.
    Raises ToolchainError, with the last words of the compiler, if a command fails.
    """
    module = stage / "module"
    shutil.copytree(artifact.module, module, ignore=shutil.ignore_patterns(*GENERATED))
    scratch = stage / "scratch"
    scratch.mkdir()
    product = stage / artifact.binary
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as sink:
        runner = _Runner(artifact, module, log, sink.fileno(), _environ(artifact, scratch), step)
        for number, pre in enumerate(artifact.prebuild, 1):
            step.detail = f"step {number} of {len(artifact.prebuild) + 1}: {pre.into}"
            runner.run(list(pre.argv), module / pre.into)
        step.detail = "compiling"
        runner.run(_build_argv(artifact, str(product)), None)
        if artifact.data:
            answer = stage / "folder"
            argv = ["go", "list", "-m", "-f", "{{.Dir}}", artifact.data.module]
            runner.run(argv, answer)
            folder = Path(answer.read_text(encoding="utf-8").strip())
            _take_data(artifact, artifact.data, folder, stage / DATA)
    return product


class _Runner:
    """Runs one build command after another with the same surroundings."""

    def __init__(
        self, artifact: Artifact, cwd: Path, log: Path, sink: int, env: dict[str, str], step: Step
    ) -> None:
        self._artifact, self._cwd, self._log, self._sink = artifact, cwd, log, sink
        self._env, self._step = env, step

    def run(self, argv: list[str], output: Path | None) -> None:
        os.write(self._sink, f"$ {' '.join(argv)}\n".encode())
        if output is None:
            code = self._wait(argv, self._sink)
        else:
            with output.open("wb") as file:
                code = self._wait(argv, file.fileno())
        if code != 0:
            raise ToolchainError(
                f"{self._artifact.label} could not be built from Go modules",
                f"`{' '.join(argv[:2])}` ended with {code}: {_last_words(self._log)}",
                f"read {self._log}; modules come from GOPROXY, which must be reachable",
            )

    def _wait(self, argv: list[str], stdout: int) -> int:
        with subprocess.Popen(
            argv,
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=self._sink,
        ) as process:
            try:
                while True:
                    try:
                        return process.wait(timeout=1)
                    except subprocess.TimeoutExpired:
                        self._tell()
            except BaseException:
                process.terminate()
                raise

    def _tell(self) -> None:
        fetched, compiled = _counts(self._log)
        if fetched or compiled:
            self._step.detail = f"{fetched} modules fetched, {compiled} packages compiled"


def _take_data(artifact: Artifact, data: Data, module: Path, target: Path) -> None:
    for name in data.folders:
        if not (module / name).is_dir():
            raise ToolchainError(
                f"{artifact.label} could not be built from Go modules",
                f"{data.module} has no folder {name!r}",
                "correct its data in toolchain/catalog.py",
            )
    take(module, data.folders, target)


def _build_argv(artifact: Artifact, product: str) -> list[str]:
    flags = ["-trimpath", "-ldflags", artifact.ldflags]
    if artifact.tags:
        flags += ["-tags", ",".join(artifact.tags)]
    return ["go", "build", "-v", *flags, "-o", product, artifact.package]


def _settings(artifact: Artifact) -> dict[str, str]:
    return SETTINGS | ({"CGO_ENABLED": "1"} if artifact.cgo else {})


def _environ(
    artifact: Artifact, scratch: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in {"GOOS", "GOARCH"}}
    return kept | _settings(artifact) | ({"GOTMPDIR": str(scratch)} if scratch else {})


def _module_files(module: Path) -> list[Path]:
    files = (path for path in module.rglob("*") if path.is_file() and path.name not in GENERATED)
    return sorted(files, key=lambda path: path.relative_to(module).as_posix())


def _go_line(go_mod: Path) -> str:
    found = re.search(r"^go (\S+)$", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else ""


def _numbers(version: str) -> tuple[int, int, int]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)


def _counts(log: Path) -> tuple[int, int]:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    fetched = sum(line.startswith("go: downloading") for line in lines)
    compiled = sum(" " not in line and "/" in line for line in lines)
    return fetched, compiled


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
