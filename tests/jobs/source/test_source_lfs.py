"""Large files: written by the real git-lfs, read from a server that speaks its batch API."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from git_certificate import Certificate
from git_server import TICKET, Forge
from git_upstream import Upstream, take
from lfs_pointers import CONTENT, OID, pointer

from jobs.source import Access, checkout
from stacks.errors import PortwrightError


def local(host: str, port: int) -> str:
    """forge.test, which the server names for downloads, is in no DNS."""
    if host not in ("127.0.0.1", "forge.test"):
        raise PortwrightError(f"{host} is not let out", remedy="ask", path="repository")
    return "127.0.0.1"


@pytest.fixture
def access(access: Access, forge: Forge) -> Access:
    forge.large[OID] = CONTENT
    return replace(access, lfs=True)


@pytest.mark.system
def test_what_git_lfs_wrote_is_read(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    upstream.git("lfs", "install", "--local")
    upstream.git("lfs", "track", "*.bin")
    sha = upstream.commit("Large", {"web/a.bin": CONTENT, "b": "2"})
    assert upstream.git("show", "HEAD:web/a.bin") == pointer().strip()
    commit, found = take(access, tmp_path, resolve=local)
    assert (commit, found["web/a.bin"], found["b"]) == (sha, CONTENT.decode(), "2")
    plain = take(replace(access, lfs=False), tmp_path, resolve=local)[1]
    assert plain["web/a.bin"] == pointer()


@pytest.mark.system
def test_many_pointers_and_a_file_that_is_none(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    """Asked for in groups; the mode of a file stays."""
    small = {hashlib.sha256(str(n).encode()).hexdigest(): str(n) for n in range(150)}
    forge.large |= {oid: text.encode() for oid, text in small.items()}
    wanted = {f"d/{text}": text for text in small.values()}
    upstream.commit("One", {f"d/{text}": pointer(oid, len(text)) for oid, text in small.items()})
    (upstream.folder / "d/7").chmod(0o755)
    upstream.commit("Two", {"none": pointer() + "more\n"})
    folder = tmp_path / "c/1"
    with checkout(access, "main", tmp_path / "m.git", folder, local) as found:
        assert {f"d/{p.name}": p.read_text() for p in (folder / "d").iterdir()} == wanted
        modes = {p.name for p in (folder / "d").iterdir() if p.stat().st_mode & 0o111}
        assert modes == {"7"}
        assert (folder / "none").read_text() == pointer() + "more\n"
        assert found.tree("d") != upstream.git("rev-parse", "HEAD:d")
    batches = [line for line in forge.seen if line.endswith("objects/batch")]
    assert batches == ["POST /shop/.git/info/lfs/objects/batch"] * 2


def refused(access: Access, tmp_path: Path) -> str:
    with pytest.raises(PortwrightError) as caught:
        take(access, tmp_path, resolve=local)
    assert not list(tmp_path.glob("mirror*"))
    return caught.value.message


def test_what_the_server_does_not_have(upstream: Upstream, access: Access, tmp_path: Path) -> None:
    upstream.commit("One", {"a": pointer("0" * 64)})
    assert "has no content for 000000000000" in refused(access, tmp_path)


@pytest.mark.system
@pytest.mark.parametrize("sent", [b"other" * 2600, CONTENT + b"x", CONTENT[:-1]])
def test_content_that_is_not_what_was_committed(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path, sent: bytes
) -> None:
    forge.large[OID] = sent
    upstream.commit("One", {"a": pointer()})
    assert "'a' is not what was committed" in refused(access, tmp_path)


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254 is not let out"),
        ("http://localhost:6379/", "localhost is not let out"),
        ("file:///etc/passwd", "an address that is not used"),
        ("https://me:secret@forge.test/", "an address that is not used"),
        ("gopher://forge.test/", "an address that is not used"),
        ("https://[", "an address that is not used"),
        ("https://forge.test:99999/", "can't be reached"),
    ],
)
def test_a_server_does_not_choose_where_this_one_connects_to(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path, href: str, told: str
) -> None:
    forge.href = href
    upstream.commit("One", {"a": pointer()})
    assert told in refused(access, tmp_path)


def test_the_password_does_not_follow_to_another_server(
    upstream: Upstream,
    access: Access,
    forge: Forge,
    tmp_path: Path,
    certificate: Certificate,
) -> None:
    upstream.commit("One", {"a": pointer()})
    take(access, tmp_path, resolve=local)
    assert forge.shown == [TICKET]
    second = Forge(tmp_path / "forge", certificate)
    second.large, second.tickets, forge.tickets = forge.large, False, False
    try:
        forge.href = second.url(f"large/{OID}")
        assert take(access, tmp_path, resolve=local)[1] == {"a": CONTENT.decode()}
        assert second.shown == [None]
    finally:
        second.stop()


@pytest.mark.system
def test_redirects_are_not_followed(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    sha = upstream.commit("One", {"a": pointer()})
    take(replace(access, lfs=False), tmp_path)
    forge.redirect = "https://169.254.169.254"
    with pytest.raises(PortwrightError, match=r"answers 302"):
        take(access, tmp_path, sha, resolve=local)


def test_a_pointers_size_counts_before_it_is_asked_for(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    upstream.commit("One", {"a": pointer(size=2 << 20)})
    told = refused(replace(access, max_bytes=1 << 20), tmp_path)
    assert "larger than 1 MiB" in told
    assert not [line for line in forge.seen if "objects/batch" in line]


@pytest.mark.system
def test_a_link_that_holds_a_pointer_is_a_link(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text(pointer())
    (upstream.folder / "a").symlink_to(outside)
    upstream.commit("One", {"b": "1"})
    assert take(access, tmp_path, resolve=local)[1] == {"b": "1"}
    assert outside.read_text() == pointer()


def test_a_path_on_this_server_has_no_lfs_server(upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("One", {"a": pointer()})
    assert "no LFS server" in refused(Access(str(upstream.folder), lfs=True), tmp_path)
