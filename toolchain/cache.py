"""The folder of finished binaries: an entry is either whole and checked, or not there.

    <root>/<name>-<key16>/<binary>, manifest.json     a finished entry
    <root>/<name>-<key16>/data/                       what the binary reads, if anything
    <root>/<name>-<key16>.lock                        flock: one producer per entry
    <root>/<name>-<key16>.tmp-<pid>-<start>/          a producer at work

A producer that was killed leaves its temporary folder behind; the next run sweeps it.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from toolchain.data import DATA, digest_of_data
from toolchain.errors import ToolchainError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What an entry says of itself; `inputs` is the digest of what decided its content.

    `data` is the digest of what lies beside the binary, "" where nothing does.
    """

    name: str
    version: str
    binary: str
    sha256: str
    size: int
    source: str
    inputs: str
    when: str
    data: str = ""


def default_root(environ: Mapping[str, str] = os.environ) -> Path:
    """PORTWRIGHT_CACHE (or ~/.cache/portwright) with this room's folder."""
    home = environ.get("PORTWRIGHT_CACHE") or "~/.cache/portwright"
    return Path(home).expanduser().absolute() / "toolchain"


class Cache:
    def __init__(self, root: Path) -> None:
        self.root = root

    def entry(self, name: str, key: str) -> Path:
        return self.root / f"{name}-{key[:16]}"

    def entries(self, name: str) -> Iterator[tuple[Path, Manifest]]:
        """The finished entries of an artifact, newest first, as (binary, manifest)."""
        found = []
        for folder in self.root.glob(f"{name}-*/"):
            manifest = read_manifest(folder)
            if manifest and manifest.name == name:
                found.append((folder / manifest.binary, manifest))
        yield from sorted(found, key=lambda item: item[1].when, reverse=True)

    def verified(self, name: str, key: str) -> Path | None:
        """The entry's binary if its content matches the manifest; a broken entry is discarded.

        Call it while holding the entry.
        """
        folder = self.entry(name, key)
        manifest = read_manifest(folder)
        if manifest and _sound(folder, manifest):
            return folder / manifest.binary
        if folder.exists():
            self._discard(folder)
        return None

    @contextmanager
    def hold(
        self, name: str, key: str, waiting: Callable[[str], AbstractContextManager[object]]
    ) -> Iterator[None]:
        """Be the only producer of an entry; `waiting(pid)` is open while another one holds it.

        Raises ToolchainError if the cache cannot be written.
        """
        path = self._lock_path(self.entry(name, key))
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise ToolchainError(
                f"the cache {self.root} cannot be written",
                str(error),
                "set PORTWRIGHT_CACHE to a folder you may write",
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with waiting(path.read_text(encoding="utf-8").strip() or "unknown"):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    @contextmanager
    def stage(self, name: str, key: str) -> Iterator[Path]:
        """A temporary folder beside the entry, gone afterwards."""
        folder = self.entry(name, key)
        stage = folder.with_name(f"{folder.name}.tmp-{os.getpid()}-{_start_of(os.getpid())}")
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o755)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def commit(self, stage: Path, key: str, product: Path, manifest: Manifest) -> Path:
        """Turn the staged file `product`, and the stage's DATA, into the entry by one rename."""
        draft = stage / "entry"
        draft.mkdir()
        product.replace(draft / manifest.binary)
        (draft / manifest.binary).chmod(0o755)
        (draft / MANIFEST).write_text(_text(manifest), encoding="utf-8")
        if manifest.data:
            (stage / DATA).rename(draft / DATA)
        for path in (draft / manifest.binary, draft / MANIFEST, draft):
            _fsync(path)
        folder = self.entry(manifest.name, key)
        if folder.exists():
            self._discard(folder)
        draft.rename(folder)
        _fsync(self.root)
        return folder / manifest.binary

    def sweep(self) -> list[str]:
        """Remove what killed producers left behind; returns the names of the removed folders."""
        swept = []
        for folder in self.root.glob("*.tmp-*/"):
            entry, _, owner = folder.name.rpartition(".tmp-")
            if not _alive(owner) and self._idle(self.root / entry):
                shutil.rmtree(folder, ignore_errors=True)
                swept.append(folder.name)
        return swept

    def _discard(self, folder: Path) -> None:
        grave = folder.with_name(f"{folder.name}.tmp-{os.getpid()}-{_start_of(os.getpid())}-old")
        folder.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)

    def _idle(self, entry: Path) -> bool:
        try:
            with self._lock_path(entry).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    @staticmethod
    def _lock_path(entry: Path) -> Path:
        return entry.with_name(f"{entry.name}.lock")


def new_manifest(
    name: str, version: str, binary: str, product: Path, source: str, inputs: str
) -> Manifest:
    """The manifest of a freshly made file and its data, stamped with the contents and the time."""
    return Manifest(
        name=name,
        version=version,
        binary=binary,
        sha256=digest_of(product) or "",
        size=product.stat().st_size,
        source=source,
        inputs=inputs,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        data=digest_of_data(product.parent / DATA),
    )


def read_manifest(folder: Path) -> Manifest | None:
    """An entry's manifest, or None if it is missing, unreadable or not one."""
    try:
        return Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _text(manifest: Manifest) -> str:
    """An entry without data says nothing of data: checkouts from before it know no such field."""
    fields = asdict(manifest)
    if not manifest.data:
        del fields["data"]
    return json.dumps(fields, indent=2) + "\n"


def _sound(folder: Path, manifest: Manifest) -> bool:
    return (
        digest_of(folder / manifest.binary) == manifest.sha256
        and digest_of_data(folder / DATA) == manifest.data
    )


def digest_of(path: Path) -> str | None:
    """The file's SHA-256 in hex, or None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _start_of(pid: int) -> str:
    """The process's start time: with the pid it names a process for good, as pids are reused."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return "gone"
    return stat.rpartition(")")[2].split()[19]


def _alive(owner: str) -> bool:
    pid, _, start = owner.partition("-")
    return pid.isdigit() and _start_of(int(pid)) == start.removesuffix("-old")


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
