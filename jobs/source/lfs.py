"""Large files (Git LFS): pointers in a checkout, and their content from the server.

git-lfs itself is not run: it can't be held to one address, leaves out a proxy for loopback
addresses, and takes its server from the repository (.lfsconfig). Pointers:
https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
Batch API: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import httpx

from jobs.source.access import Access, Resolve
from jobs.source.connection import Connection
from jobs.source.lfs_server import Server, failure, find_server
from jobs.source.listing import Entry
from jobs.source.web import Web

POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>[0-9]{1,15})\n"
)
LARGEST_POINTER = 1024
AT_ONCE = 100
MEDIA = "application/vnd.git-lfs+json"


@dataclass(frozen=True)
class Pointer:
    """oid: SHA-256 of the content. size: its bytes."""

    file: Path
    oid: str
    size: int


def pointers(folder: Path, listed: list[Entry]) -> list[Pointer]:
    """The files in a folder that stand for a large one."""
    found = []
    for entry in listed:
        if entry.mode.startswith("100") and entry.size < LARGEST_POINTER:
            file = folder / os.fsencode(entry.path).decode(errors="surrogateescape")
            text = POINTER.fullmatch(file.read_bytes())
            if text:
                found.append(Pointer(file, text["oid"].decode(), int(text["size"])))
    return found


def fill(access: Access, connection: Connection, resolve: Resolve, wanted: list[Pointer]) -> None:
    """Put the content in the place of each pointer.

    Raises PortwrightError where the server does not have it, or sends something else.
    """
    if not wanted:
        return
    server = find_server(access, connection)
    with Web(access, resolve) as web:
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            actions = batch(web, server, {pointer.oid: pointer.size for pointer in some})
            for pointer in some:
                download(web, server, actions[pointer.oid], pointer)


def batch(web: Web, server: Server, wanted: dict[str, int]) -> dict[str, dict[str, Any]]:
    """SHA-256 -> the download action that the server names."""
    body = {
        "operation": "download",
        "transfers": ["basic"],
        "hash_algo": "sha256",
        "objects": [{"oid": oid, "size": size} for oid, size in wanted.items()],
    }
    said = web.ask(
        f"{server.url}/objects/batch", body, {"Accept": MEDIA, "Content-Type": MEDIA, **server.headers},
    )  # fmt: skip
    objects = said.get("objects")
    found: dict[str, dict[str, Any]] = {}
    for each in objects if isinstance(objects, list) else []:
        match each:
            case {"oid": str(oid), "actions": {"download": {"href": str()} as action}}:
                found[oid] = action
    for oid in wanted:
        if oid not in found:
            raise failure(f"the server has no content for {oid[:12]}")
    return found


def download(web: Web, server: Server, action: dict[str, Any], pointer: Pointer) -> None:
    given = action.get("header")
    headers = {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}
    if not headers and httpx.URL(action["href"]).netloc == httpx.URL(server.url).netloc:
        headers = server.headers
    digest, size = hashlib.sha256(), 0
    mode = pointer.file.stat().st_mode & 0o777
    with NamedTemporaryFile(dir=pointer.file.parent, delete=False) as file:
        for piece in web.stream(action["href"], headers):
            size += len(piece)
            if size > pointer.size:
                break
            digest.update(piece)
            file.write(piece)
    if (size, digest.hexdigest()) != (pointer.size, pointer.oid):
        raise failure(f"the content of {pointer.file.name!r} is not what was committed")
    os.chmod(file.name, mode)
    os.replace(file.name, pointer.file)
