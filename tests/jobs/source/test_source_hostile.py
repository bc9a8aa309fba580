"""What a hostile repository, address or ref does not get to do, by the flaws git once had."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from git_upstream import Upstream, take
from hypothesis import given
from hypothesis import strategies as st

from jobs.source import Access, checkout, heads
from jobs.source.address import parse, relative
from jobs.source.mirror import size
from stacks.docker.builds.image import inside
from stacks.errors import PortwrightError
from stacks.parse import read

LINK, FILE, FOLDER, MODULE = "120000", "100644", "40000", "160000"


@pytest.fixture
def access(upstream: Upstream) -> Access:
    """A path on this server."""
    return Access(str(upstream.folder))


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x", "fd::17", "file:///etc", "ftp://host/x", "git://host/x",
        "-oProxyCommand=touch", "--upload-pack=touch", "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=touch/x", "git@-oProxyCommand=x:y", "-git@host:x",
        "ssh://-git@host/x", "git@host:-x", "https://-host/x", "ssh://git@host/-x/y",
        "https://user:password@host/x", "https://host/../x", "https://host/x?y", "https://host/x#y",
        "https://host:0/x", "https://host:65536/x", "ssh://git@host:x/y", "https://host",
        "https://ho st/x", "https://host/x\n", "https://host/x\ny", "relative/path", "../up", "/a/../b",
        "/a//b", "/", "", "git@host:/../x", "https://host/" + "x" * 2000, "ssh://git@host/x;touch",
        "ssh://git@host/$(touch)", "git@host:`touch`", "http::https://host/x",
        "https://2130706433/x", "https://0x7f.1/x", "https://127.1/x", "https://0177.0.0.1/x",
        "https://[127.0.0.1]:x/y", "https://[::zz]/x", "git@1.2.3:x",
    ],
)  # fmt: skip
def test_cve_2017_1000117_addresses_that_are_options_or_programs(url: str, tmp_path: Path) -> None:
    for call in (lambda: heads(Access(url)), lambda: take(Access(url), tmp_path)):
        with pytest.raises(PortwrightError, match="no repository that can be used"):
            call()
    assert not list(tmp_path.glob("mirror*"))


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://host/a/b.git", ("https", "host", 443, "", "/a/b.git")),
        ("http://10.0.0.1:3000/a/b", ("http", "10.0.0.1", 3000, "", "/a/b")),
        ("https://[2001:db8::1]:8443/a", ("https", "2001:db8::1", 8443, "", "/a")),
        ("ssh://git@host:2222/~me/b.git", ("ssh", "host", 2222, "git", "/~me/b.git")),
        ("git@host:a/b.git", ("ssh", "host", 22, "git", "a/b.git")),
        ("/srv/git/shop.git", ("file", "", 0, "", "/srv/git/shop.git")),
    ],
)
def test_addresses_that_are_used(url: str, wanted: tuple[str, str, int, str, str]) -> None:
    found = parse(url)
    assert (found.scheme, found.host, found.port, found.user, found.path) == wanted


@given(st.text(max_size=60))
def test_no_text_becomes_an_address_that_begins_an_option(text: str) -> None:
    for url in (text, f"https://{text}/x", f"git@{text}:x", f"git@host:{text}", f"ssh://{text}"):
        try:
            found = parse(url)
        except PortwrightError:
            continue
        assert not any(part.startswith("-") for part in (url, found.host, found.user, found.path))
        assert not set(found.text) & set(" \t\r\n\0'\"`$;&|<>(){}*?!\\")
        assert ".." not in found.path.split("/")


@pytest.mark.parametrize(
    "ref",
    ["--upload-pack=touch", "-x", "refs/heads/../x", "a..b", "a b", "a:b", "+a", "a^{commit}", "@{-1}",
     "", "x.lock", "a\n", "main~1", "*", "refs/heads/*"],
)  # fmt: skip
def test_refs_that_are_options_or_expressions(
    upstream: Upstream, access: Access, tmp_path: Path, ref: str
) -> None:
    with pytest.raises(PortwrightError) as caught:
        take(access, tmp_path, ref)
    assert caught.value.path == "ref"


@pytest.mark.parametrize(
    "url",
    ["-u./payload", "--upload-pack=./payload", "ext::sh -c ./payload", "/etc", "file:///etc",
     "../../../../../../etc", "git@-oProxyCommand=x:y"],
)  # fmt: skip
def test_cve_2018_17456_a_submodules_address_is_no_option(
    upstream: Upstream, access: Access, tmp_path: Path, url: str
) -> None:
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n'
    upstream.commit_tree(
        upstream.tree(
            (FILE, upstream.blob(modules.encode()), ".gitmodules"), (MODULE, "1" * 40, "lib")
        )
    )
    with pytest.raises(PortwrightError) as caught:
        take(replace(access, submodules=True), tmp_path)
    assert caught.value.path in ("submodules.lib", "repository")
    assert not list(tmp_path.glob("mirror*"))


def test_cve_2018_11235_a_submodules_name_is_no_path(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    modules = '[submodule "../../modules/evil"]\n\tpath = lib\n\turl = https://host/x\n'
    upstream.commit_tree(
        upstream.tree(
            (FILE, upstream.blob(modules.encode()), ".gitmodules"), (MODULE, "1" * 40, "lib")
        )
    )
    with pytest.raises(PortwrightError, match=r"something that is not let in.*gitmodulesName"):
        take(replace(access, submodules=True), tmp_path)


@pytest.mark.parametrize(
    ("base", "url", "wanted"),
    [
        ("https://host/a/b.git", "../c.git", "https://host/a/c.git"),
        ("https://host/a/b.git", "../../d/c.git", "https://host/d/c.git"),
        ("git@host:a/b.git", "../c.git", "git@host:a/c.git"),
        ("ssh://git@host:22/a/b", "./c", "ssh://git@host:22/a/b/c"),
        ("https://host/a/b.git", "https://other/x", "https://other/x"),
    ],
)
def test_a_relative_submodule_counts_from_its_parent(base: str, url: str, wanted: str) -> None:
    assert relative(parse(base), url, "x").text == wanted


@pytest.mark.parametrize(
    "url", ["../../../c", "../../../c/d", "../../..", "../-x", ".././../..//c", "..\\c"]
)
def test_a_relative_submodule_stays_on_its_host(url: str) -> None:
    with pytest.raises(PortwrightError):
        relative(parse("https://host/a/b.git"), url, "x")


@pytest.mark.parametrize(
    "name", [".git", ".GIT", ".Git", "git~1", ".git ", ".git.", ".g\u200cit", ".git::$INDEX_ALLOCATION"]
)  # fmt: skip
def test_cve_2014_9390_names_that_another_system_takes_for_git(
    upstream: Upstream, access: Access, tmp_path: Path, name: str
) -> None:
    inner = upstream.tree((FILE, upstream.blob(b"[core]\n"), "config"))
    upstream.commit_tree(upstream.tree((FOLDER, inner, name)))
    with pytest.raises(PortwrightError, match=r"something that is not let in.*hasDotgit"):
        take(access, tmp_path)


@pytest.mark.parametrize("name", ["..", ".", "a/b"])
def test_names_that_lead_out(upstream: Upstream, access: Access, tmp_path: Path, name: str) -> None:
    inner = upstream.tree((FILE, upstream.blob(b"1"), "a"))
    upstream.commit_tree(upstream.tree((FOLDER, inner, name)))
    with pytest.raises(PortwrightError, match="something that is not let in"):
        take(access, tmp_path)


def test_cve_2024_32002_nothing_is_written_through_a_link(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    """A link and a submodule whose paths differ in case only: two names here, one elsewhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = upstream.blob(str(outside).encode())
    inner = upstream.tree((MODULE, "1" * 40, "x"))
    modules = '[submodule "x"]\n\tpath = A/x\n\turl = https://127.0.0.1:1/x\n'
    upstream.commit_tree(
        upstream.tree(
            (FILE, upstream.blob(modules.encode()), ".gitmodules"), (FOLDER, inner, "A"), (LINK, link, "a")
        )
    )  # fmt: skip
    with pytest.raises(PortwrightError, match="connect"):
        take(replace(access, submodules=True), tmp_path)
    assert list(outside.iterdir()) == []


def test_a_link_and_a_folder_of_one_name(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = upstream.tree((FILE, upstream.blob(b"1"), "x"))
    link = upstream.blob(str(outside).encode())
    upstream.commit_tree(upstream.tree((LINK, link, "a"), (FOLDER, inner, "a")))
    with pytest.raises(PortwrightError, match=r"something that is not let in.*duplicateEntries"):
        take(access, tmp_path)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../../../../../../../etc/passwd", "../outside"]
)
def test_links_that_lead_out_are_data_and_nothing_reads_through_them(
    upstream: Upstream, access: Access, tmp_path: Path, target: str
) -> None:
    (upstream.folder / "out").symlink_to(target)
    (upstream.folder / "portwright.yaml").symlink_to(target)
    upstream.commit("Links", {"a": "1"})
    folder = tmp_path / "checkouts/1"
    with checkout(access, "main", tmp_path / "mirror.git", folder) as found:
        assert (folder / "out").is_symlink() and str((folder / "out").readlink()) == target
        with pytest.raises(PortwrightError, match="is outside the repository"):
            inside(found.folder, "out", "build.context")
        with pytest.raises(PortwrightError):
            read(found.folder)


@pytest.mark.parametrize("name", [".dockerignore", "web/Dockerfile.dockerignore"])
def test_docker_is_not_made_to_read_a_device(
    upstream: Upstream, access: Access, tmp_path: Path, name: str
) -> None:
    upstream.commit("One", {"a": "1", "web/b": "2"})
    (upstream.folder / "through").symlink_to("/dev")
    (upstream.folder / name).symlink_to(
        "/".join(["..", *[".."] * name.count("/")]) + "/../../dev/zero"
    )
    upstream.commit("Endless")
    with pytest.raises(PortwrightError, match="a link that leads out"):
        take(access, tmp_path)
    (upstream.folder / name).unlink()
    (upstream.folder / name).symlink_to("a" if "/" not in name else "../a")
    upstream.commit("A link within")
    assert take(access, tmp_path)[1] == {"a": "1", "web/b": "2"}


def test_attributes_change_nothing_and_run_nothing(
    upstream: Upstream, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filters, keywords, encodings and line ends: the bytes are those that were committed."""
    canary = tmp_path / "canary"
    home = tmp_path / "home"
    home.mkdir()
    evil = f"touch {canary}"
    (home / ".gitconfig").write_text(
        f'[filter "evil"]\n smudge = "{evil}"\n process = "{evil}"\n required = true\n'
        f'[core]\n fsmonitor = "{evil}"\n sshCommand = "{evil}"\n hooksPath = {home}\n'
    )
    for hook in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
    ):
        (home / hook).write_text(f"#!/bin/sh\n{evil}\n")
        (home / hook).chmod(0o755)
    attributes = "* filter=evil ident eol=crlf working-tree-encoding=UTF-16\n"
    committed = {".gitattributes": attributes, "a": "$Id$\nä\n", ".git-hooks/post-checkout": evil}
    plain = upstream.tree(
        (FOLDER, upstream.tree((FILE, upstream.blob(evil.encode()), "post-checkout")), ".git-hooks"),
        (FILE, upstream.blob(attributes.encode()), ".gitattributes"),
        (FILE, upstream.blob("$Id$\nä\n".encode()), "a"),
    )  # fmt: skip
    upstream.commit_tree(plain)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    assert take(access, tmp_path)[1] == committed
    assert not canary.exists()


def test_more_than_the_limit_is_not_fetched(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    """The kernel ends git where its pack grows past the limit: nothing of it stays."""
    first = upstream.commit("One", {"a": "1"})
    small = replace(access, max_bytes=1 << 20)
    assert take(small, tmp_path)[0] == first
    before = size(tmp_path / "mirror.git")
    random = subprocess.run(
        ["head", "-c", str(3 << 20), "/dev/urandom"], capture_output=True, check=True
    ).stdout
    upstream.commit("Large", {"b": random})
    with pytest.raises(PortwrightError, match="larger than 1 MiB"):
        take(small, tmp_path)
    assert size(tmp_path / "mirror.git") == before
    assert not list(tmp_path.rglob("tmp_pack*"))
    assert take(small, tmp_path, first)[1] == {"a": "1"}


def test_a_small_pack_that_grows_is_not_laid_out(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    """16 MiB of zeros are 16 KiB as they are sent."""
    zeros = upstream.blob(b"\0" * (1 << 24))
    upstream.commit_tree(upstream.tree((FILE, zeros, "a")))
    with pytest.raises(PortwrightError, match="larger than 8 MiB"):
        take(replace(access, max_bytes=8 << 20), tmp_path)


def test_one_small_file_many_times_is_counted_many_times(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    blob = upstream.blob(b"\0" * (1 << 20))
    upstream.commit_tree(upstream.tree(*[(FILE, blob, f"a{n}") for n in range(4)]))
    with pytest.raises(PortwrightError, match="larger than 3 MiB"):
        take(replace(access, max_bytes=3 << 20), tmp_path)


def test_trees_that_name_each_other_hold_more_files_than_are_let_in(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    """Ten levels of ten folders each: ten thousand million files in 11 objects."""
    below = upstream.tree((FILE, upstream.blob(b""), "a"))
    for _ in range(10):
        below = upstream.tree(*[(FOLDER, below, f"d{n}") for n in range(10)])
    upstream.commit_tree(below)
    with pytest.raises(PortwrightError) as caught:
        take(access, tmp_path)
    assert "files" in caught.value.message and not list(tmp_path.glob("mirror*"))


def pack_object(kind: int, size: int, body: bytes) -> bytes:
    """gitformat-pack(5): the header is 3 bits of type, then the size in groups of 7 bits."""
    head = [(kind << 4) | (size & 15)]
    size >>= 4
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head) + body


def length(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.system
def test_a_delta_that_grows_is_ended_by_its_memory(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    """A few hundred bytes say 800 times: copy this MiB (gitformat-pack(5), deltified form)."""
    mebibyte = b"\0" * (1 << 20)
    base = upstream.blob(mebibyte)
    copy = bytes([0b10110000, 0xFF, 0xFF])  # 65535 bytes from the base's beginning
    times = 800 * 16
    delta = length(1 << 20) + length(times * 65535) + copy * times
    first = pack_object(3, 1 << 20, zlib.compress(mebibyte))
    second = pack_object(7, len(delta), bytes.fromhex(base) + zlib.compress(delta))
    pack = b"PACK" + struct.pack(">II", 2, 2) + first + second
    upstream.git("index-pack", "--stdin", given=pack + hashlib.sha1(pack).digest())
    grown = hashlib.sha1(f"blob {times * 65535}\0".encode())
    for _ in range(times):
        grown.update(mebibyte[:65535])
    upstream.commit_tree(upstream.tree((FILE, base, "a"), (FILE, grown.hexdigest(), "b")))
    with pytest.raises(PortwrightError, match="takes more memory"):
        take(replace(access, max_bytes=1 << 20), tmp_path)
    assert not list(tmp_path.glob("mirror*"))
