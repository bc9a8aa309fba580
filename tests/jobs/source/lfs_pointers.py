"""A large file and what stands for it in a repository."""

from __future__ import annotations

import hashlib

CONTENT = b"large\0content" * 1000
OID = hashlib.sha256(CONTENT).hexdigest()


def pointer(oid: str = OID, size: int = len(CONTENT)) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
