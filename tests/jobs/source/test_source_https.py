"""Over https with a password: real git, a real server, and who gets to see the password."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from git_certificate import Certificate
from git_server import PASSWORD, USER, Forge
from git_upstream import Upstream, take

from jobs.source import Access, heads, prune
from jobs.source import test as probe
from stacks.errors import PortwrightError


def local(host: str, port: int) -> str:
    """What a guard answers: every name is this machine."""
    return "127.0.0.1"


def test_a_private_repository_is_read(upstream: Upstream, access: Access, tmp_path: Path) -> None:
    first = upstream.commit("One", {"a": "1"})
    assert take(access, tmp_path) == (first, {"a": "1"})
    assert heads(access) == {"main": first}


def test_the_address_is_the_guards_and_no_other(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    """forge.test is in no DNS; the name is still what the certificate is compared with."""
    first = upstream.commit("One", {"a": "1"})
    named = replace(access, url=forge.url("shop/.git", "forge.test"))
    assert take(named, tmp_path, resolve=local) == (first, {"a": "1"})
    assert probe(named).kind == "host"
    other = replace(access, url=forge.url("shop/.git", "other.test"))
    assert probe(other, local).kind == "tls"


def test_a_guards_refusal_comes_before_any_connection(access: Access, forge: Forge) -> None:
    def refuse(host: str, port: int) -> str:
        raise PortwrightError(f"{host}:{port} is not let out", remedy="ask", path="repository")

    told = probe(access, refuse)
    assert (told.kind, told.message) == (
        "address", f"repository: 127.0.0.1:{forge.port} is not let out",
    )  # fmt: skip
    with pytest.raises(PortwrightError, match="is not let out"):
        heads(access, refuse)
    assert forge.seen == []


def test_the_password_is_in_no_argument_variable_file_or_message(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    """Looked at in /proc of every process from before git starts until it has ended."""
    upstream.commit("One", {"a": "1"})
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for name in os.listdir("/proc"):
                for part in ("cmdline", "environ"):
                    try:
                        seen.add(Path(f"/proc/{name}/{part}").read_bytes())
                    except OSError:
                        continue

    watcher = threading.Thread(target=look)
    watcher.start()
    take(access, tmp_path)
    over.set()
    watcher.join()
    assert any(b"ls-remote" in each for each in seen) and any(b"fetch\0" in each for each in seen)
    everything = b"".join(seen) + b"".join(
        path.read_bytes() for path in tmp_path.rglob("mirror.git/**/*") if path.is_file()
    )
    assert PASSWORD.encode() not in everything
    wrong = replace(access, password="another-password")
    for told in (probe(wrong), probe(replace(access, url=forge.url("none/.git")))):
        assert not told.ok and "password" not in told.message and PASSWORD not in told.message
    assert PASSWORD not in repr(access) and access.certificates not in repr(access)


def test_the_password_goes_to_no_other_port_or_scheme(
    upstream: Upstream, access: Access, tmp_path: Path, certificate: Certificate
) -> None:
    """A submodule on another server is asked for without it."""
    second = Forge(tmp_path / "forge", certificate)
    try:
        inner = Upstream(tmp_path / "forge/inner")
        inner.commit("In", {"b": "2"})
        upstream.git(
            "-c", "protocol.allow=always", "submodule", "--quiet", "add", str(inner.folder), "lib"
        )
        upstream.git("config", "-f", ".gitmodules", "submodule.lib.url", second.url("inner/.git"))
        upstream.commit("With a submodule")
        with pytest.raises(PortwrightError, match="does not let this user or key in"):
            take(replace(access, submodules=True), tmp_path)
        assert second.seen
    finally:
        second.stop()


def test_a_password_is_sent_in_the_clear_only_within_private_networks(access: Access) -> None:
    clear = replace(access, url="http://forge.example/shop.git")
    with pytest.raises(PortwrightError, match="not sent over http"):
        heads(clear, lambda host, port: "203.0.113.7")
    told = probe(replace(access, url="http://forge.test:1/shop.git"), local)
    assert told.kind == "refused"


@pytest.mark.parametrize("field", ["username", "password"])
def test_cve_2020_5260_a_line_within_a_credential(access: Access, field: str) -> None:
    told = probe(replace(access, **{field: "x\nhost=evil.example"}))  # type: ignore[arg-type]
    assert (told.kind, told.message) == ("address", f"{field}: holds a line's end")


def test_why_a_server_can_not_be_read(
    upstream: Upstream, access: Access, forge: Forge, tmp_path: Path
) -> None:
    upstream.commit("One", {"a": "1"})
    (tmp_path / "forge/empty").mkdir()
    kinds = {
        "ok": access,
        "host": replace(access, url="https://none.invalid/shop.git"),
        "refused": replace(access, url="https://127.0.0.1:1/shop.git"),
        "authentication": replace(access, password="wrong"),
        "tls": replace(access, certificates=""),
        "not-found": replace(access, url=forge.url("none.git")),
    }
    assert {kind: probe(each).kind for kind, each in kinds.items()} == {
        kind: kind for kind in kinds
    }
    assert probe(replace(access, username="", password="")).kind == "authentication"
    plain = Forge(tmp_path, None)
    try:
        assert probe(Access(f"https://127.0.0.1:{plain.port}/x")).kind == "tls"
    finally:
        plain.stop()


def test_what_answers_is_no_git_server(
    access: Access, forge: Forge, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(handler: object) -> None:
        handler.answer(200, b"<html>\nWelcome\n</html>\n", Content_Type="text/html")  # type: ignore[attr-defined]

    monkeypatch.setattr(forge.server.RequestHandlerClass, "cgi", page)
    assert probe(access).kind == "not-git"


def test_redirects_are_not_followed(access: Access, forge: Forge, upstream: Upstream) -> None:
    upstream.commit("One", {"a": "1"})
    forge.redirect = "https://169.254.169.254"
    told = probe(access)
    assert told.kind == "redirect" and "end in .git" in told.remedy
    assert len(forge.seen) == 1


def test_what_a_user_has_configured_is_not_used(
    upstream: Upstream, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither ~/.netrc, nor ~/.gitconfig, nor a proxy from the environment."""
    upstream.commit("One", {"a": "1"})
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(f'machine 127.0.0.1 login {USER} password "{PASSWORD}"\n')
    (home / ".gitconfig").write_text('[url "https://127.0.0.1:1/"]\n insteadOf = https://\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert take(access, tmp_path)[1] == {"a": "1"}
    prune(tmp_path / "mirror.git", 0.0)
    assert probe(replace(access, password="")).kind == "authentication"
