"""The content of a checkout: the repository's own commit, its submodules, its large files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from git import GitCommandError

from jobs.source import lfs
from jobs.source.access import Access, Resolve
from jobs.source.address import Address, parse
from jobs.source.connection import Connection, connect
from jobs.source.fetching import Fetcher
from jobs.source.layout import check_links, lay_out, real_folder
from jobs.source.listing import MODULE, Entry, entries, root_tree
from jobs.source.modules import DEEPEST, MOST, addresses
from jobs.source.words import CERTAIN, explain, too_large
from stacks.errors import PortwrightError


class Content:
    """What is laid out in a folder so far, and how much. trees, filled: as Checkout has them."""

    def __init__(self, access: Access, mirror: Path, folder: Path, resolve: Resolve) -> None:
        self.access = access
        self.mirror = mirror
        self.folder = folder
        self.resolve = resolve
        self.bytes = 0
        self.modules = 0
        self.trees: dict[str, str] = {}
        self.filled: set[str] = set()

    def fill(self, ref: str, begins: str = "") -> tuple[str, str]:
        """Lay everything out; returns the commit and its subject."""
        address = parse(self.access.url)
        with connect(self.access, self.resolve, address) as connection:
            fetcher = Fetcher(self.mirror, connection, self.access.max_bytes)
            commit = fetcher.commit(ref, begins)
            subject = fetcher.git("log", "-1", "--format=%s", "--end-of-options", commit)[:200]
            found = self.add(fetcher, address, commit, "", 0)
        check_links(self.folder, found)
        return commit, subject

    def add(
        self, fetcher: Fetcher, address: Address, commit: str, prefix: str, depth: int
    ) -> list[Entry]:
        """One repository below the prefix ("" or "path/"), and what it leads to."""
        environ = fetcher.connection.environ
        listed = entries(self.mirror, environ, commit)
        self.count(sum(entry.size for entry in listed))
        folder = real_folder(self.folder, prefix)
        index = self.folder.with_suffix(".index")
        lay_out(self.mirror, environ, commit, folder, index, self.access.max_bytes)
        self.trees[prefix.rstrip("/")] = root_tree(self.mirror, environ, commit)
        self.trees |= {prefix + entry.path: entry.sha for entry in listed}
        if self.access.lfs:
            self.add_large(fetcher.connection, folder, listed, prefix)
        if self.access.submodules:
            self.add_modules(fetcher, address, commit, listed, prefix, depth)
        return listed

    def count(self, more: int) -> None:
        self.bytes += more
        if self.bytes > self.access.max_bytes:
            raise too_large(self.access.max_bytes)

    def add_large(
        self, connection: Connection, folder: Path, listed: list[Entry], prefix: str
    ) -> None:
        pointers = lfs.pointers(folder, listed)
        self.count(sum(pointer.size for pointer in pointers))
        lfs.fill(self.access, connection, self.resolve, pointers)
        self.filled |= {prefix + str(pointer.file.relative_to(folder)) for pointer in pointers}

    def add_modules(
        self, fetcher: Fetcher, parent: Address, commit: str, listed: list[Entry], prefix: str, depth: int
    ) -> None:  # fmt: skip
        modules = [entry for entry in listed if entry.mode == MODULE]
        self.modules += len(modules)
        if modules and (depth >= DEEPEST or self.modules > MOST):
            raise PortwrightError(
                f"it has more than {MOST} submodules, or {DEEPEST} within each other",
                remedy="have fewer of them",
                path="repository",
            )
        where = (
            addresses(self.mirror, fetcher.connection.environ, commit, parent) if modules else {}
        )
        for entry in modules:
            path = prefix + entry.path
            if entry.path not in where:
                raise PortwrightError(
                    f"{path!r} is a submodule without an address in .gitmodules",
                    remedy="write it there, or take the submodule out",
                    path="submodules",
                )
            with (
                self.named(path),
                connect(self.access, self.resolve, where[entry.path]) as connection,
            ):
                inner = Fetcher(self.mirror, connection, self.access.max_bytes)
                self.add(inner, where[entry.path], inner.commit(entry.sha), f"{path}/", depth + 1)
            self.filled.add(path)

    @contextmanager
    def named(self, path: str) -> Iterator[None]:
        """An error tells which submodule; one that a new mirror may cure goes on as it is."""
        try:
            yield
        except GitCommandError as error:
            kind, told = explain(self.access, error)
            if kind not in CERTAIN:
                raise
            raise PortwrightError(
                told.message, remedy=told.remedy, path=f"submodules.{path}"
            ) from None
        except PortwrightError as error:
            if error.path.startswith("submodules."):
                raise
            raise PortwrightError(
                error.message, remedy=error.remedy, path=f"submodules.{path}"
            ) from None
