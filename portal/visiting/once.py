"""What may be used once. Whoever makes its file first has used it: files are shared by all of the
portal's processes, and making one is a single step."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path


def first_use(folder: Path, name: str, seconds: int) -> bool:
    """Whether this is the first use. Names are remembered for so many seconds, after which what
    they belong to must be no good any more by itself."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = time.time() - seconds
    for each in folder.iterdir():
        try:
            if each.stat().st_mtime < before:
                each.unlink()
        except FileNotFoundError:
            continue  # another process was first
    path = folder / hashlib.sha256(name.encode()).hexdigest()
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
