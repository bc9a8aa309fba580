"""What a binary reads while it runs: folders of its Go module, kept beside it in the cache.

Go's module cache is read-only and may be cleaned at any time, so they are copied out of it.
"""

import hashlib
import shutil
from pathlib import Path

DATA = "data"


def data_of(binary: Path) -> Path:
    """The folder beside a binary in the cache that holds its data."""
    return binary.parent / DATA


def take(source: Path, folders: tuple[str, ...], target: Path) -> None:
    """Copy these folders of `source` into `target`; the copies can be written and removed.

    Raises OSError (FileNotFoundError for a folder that is not there).
    """
    for name in folders:
        shutil.copytree(source / name, target / name, copy_function=shutil.copyfile)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def digest_of_data(folder: Path) -> str:
    """SHA-256 over names and contents of all files below, in hex; "" where there is no folder."""
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
