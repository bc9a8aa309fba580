"""Submodules: read on request, each by the rules of a repository of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from git_server import Forge
from git_upstream import Upstream, files, take

from jobs.source import Access, checkout
from stacks.errors import PortwrightError


@pytest.fixture
def inner(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "forge/inner")
    made.commit("In", {"b": "2"})
    return made


def add(outer: Upstream, inner: Upstream, path: str, url: str) -> str:
    """Commit a submodule as git makes it, with this URL."""
    outer.git("submodule", "--quiet", "add", str(inner.folder), path)
    outer.git("config", "-f", ".gitmodules", f"submodule.{path}.url", url)
    return outer.commit("With a submodule")


def test_a_submodule_is_laid_out_where_it_is_wanted(
    upstream: Upstream, inner: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    sha = add(upstream, inner, "lib/in", "../inner/.git")
    url = forge.url("shop")
    modules = (upstream.folder / ".gitmodules").read_text()
    plain = {".gitmodules": modules}
    access = replace(access, url=url)
    assert take(access, tmp_path) == (sha, plain)
    filled = replace(access, submodules=True)
    assert take(filled, tmp_path) == (sha, {**plain, "lib/in/b": "2"})


@pytest.mark.system
def test_submodules_within_each_other(
    upstream: Upstream, inner: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    innermost = Upstream(tmp_path / "forge/innermost")
    innermost.commit("Innermost", {"c": "3"})
    add(inner, innermost, "deep", forge.url("innermost/.git"))
    add(upstream, inner, "lib", forge.url("inner/.git"))
    found = take(replace(access, submodules=True), tmp_path)[1]
    assert (found["lib/b"], found["lib/deep/c"]) == ("2", "3")


def test_a_tree_with_its_submodules_is_another_tree(
    upstream: Upstream, inner: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    """The same commit with and without them gives different images."""
    upstream.commit("One", {"web/a": "1"})
    add(upstream, inner, "lib", forge.url("inner/.git"))
    trees = {}
    for wanted in (False, True):
        each = replace(access, submodules=wanted)
        with checkout(each, "main", tmp_path / "mirror.git", tmp_path / "c/1") as found:
            trees[wanted] = {path: found.tree(path) for path in (".", "web")}
            if wanted:
                assert found.tree("lib") != trees[False]["."]
    assert trees[False]["."] == upstream.git("rev-parse", "HEAD^{tree}") != trees[True]["."]
    assert trees[False]["web"] == trees[True]["web"]


def test_a_submodules_address_is_the_guards(
    upstream: Upstream, inner: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    def guard(host: str, port: int) -> str:
        if host == "169.254.169.254":
            raise PortwrightError("not let out", remedy="ask", path="repository")
        return host

    add(upstream, inner, "lib", "https://169.254.169.254/latest/meta-data.git")
    with pytest.raises(PortwrightError, match="not let out"):
        take(replace(access, submodules=True), tmp_path, resolve=guard)


@pytest.mark.system
def test_a_submodule_counts_for_the_limit(
    upstream: Upstream, inner: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    inner.commit("Large", {"b": b"\0" * (2 << 20)})
    add(upstream, inner, "lib", forge.url("inner/.git"))
    with pytest.raises(PortwrightError, match="larger than 1 MiB"):
        take(replace(access, submodules=True, max_bytes=1 << 20), tmp_path)


@pytest.mark.system
def test_a_submodule_that_has_no_address_or_no_such_commit(
    upstream: Upstream, inner: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    wanted = replace(access, submodules=True)
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    upstream.git("commit", "--quiet", "--message", "A link")
    with pytest.raises(PortwrightError, match="without an address"):
        take(wanted, tmp_path)
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {forge.url("inner/.git")}\n'
    (upstream.folder / ".gitmodules").write_text(modules)
    upstream.git("add", ".gitmodules")
    upstream.git("commit", "--quiet", "--message", "Its address")
    with pytest.raises(PortwrightError) as caught:
        take(wanted, tmp_path)
    assert (caught.value.path, "1" * 40 in caught.value.message) == ("submodules.lib", True)


@pytest.mark.system
def test_a_repository_that_is_its_own_submodule_ends(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    """Six commits, each the submodule of the next: one more than is followed."""
    modules = f'[submodule "in"]\n\tpath = in\n\turl = {forge.url("shop/.git")}\n'
    blob = upstream.blob(modules.encode())
    sha = upstream.commit("One", {"a": "1"})
    for _ in range(6):
        tree = upstream.tree(("100644", blob, ".gitmodules"), ("160000", sha, "in"))
        sha = upstream.commit_tree(tree)
    with pytest.raises(PortwrightError, match="within each other"):
        take(replace(access, submodules=True), tmp_path)


def test_without_a_submodule_nothing_is_different(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    sha = upstream.commit("One", {"a": "1"})
    folder = tmp_path / "c/1"
    with checkout(replace(access, submodules=True), "main", tmp_path / "m.git", folder) as found:
        assert (found.commit, files(folder)) == (sha, {"a": "1"})
        assert found.tree(".") == upstream.git("rev-parse", "HEAD^{tree}")
