"""Files of this machine's cache that a host gets as copies: whole and checked, or not there."""

from __future__ import annotations

import gzip
import hashlib
import shlex
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from pyinfra import host, state
from pyinfra.api import operation
from pyinfra.operations import files

from provision.operations import Succeeds

CHUNK = 1 << 20


@operation()
def copied(sources: list[Path], folder: str) -> Generator[Any, None, None]:
    """The folder is there with these files; it appears at once, after their SHA-256 was compared."""
    if host.get_fact(Succeeds, check=f"test -d {shlex.quote(folder)}"):
        host.noop(f"{folder} is there")
        return
    # Where the connection is cut, the toolchain sweeps such a folder, and the next run does too.
    draft = f"{folder}.tmp-0-gone"
    yield f"rm -rf {shlex.quote(draft)} && mkdir -p {shlex.quote(draft)}"
    if not state.is_executing:
        return  # packing takes seconds, and a plan does not need it
    with tempfile.TemporaryDirectory() as scratch:
        for source in sources:
            packed = Path(scratch) / f"{source.name}.gz"
            with source.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as out:
                shutil.copyfileobj(plain, out, CHUNK)
            target = f"{draft}/{source.name}"
            yield from files.put._inner(src=str(packed), dest=f"{target}.gz", mode="600")
            with source.open("rb") as plain:
                digest = hashlib.file_digest(plain, "sha256").hexdigest()
            mode = "755" if source.stat().st_mode & 0o100 else "644"
            yield (
                f"gzip -d {shlex.quote(target)}.gz && chmod {mode} {shlex.quote(target)}"
                f' && echo "{digest}  "{shlex.quote(target)} | sha256sum -c --status'
            )
    yield f"sync -f {shlex.quote(draft)} && mv {shlex.quote(draft)} {shlex.quote(folder)}"
