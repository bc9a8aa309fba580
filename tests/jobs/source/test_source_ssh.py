"""Over ssh: a real sshd, a key of the project's own, and a host key that a person confirmed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from git_certificate import Certificate
from git_server import Forge
from git_upstream import Upstream, take
from lfs_pointers import CONTENT, OID, pointer
from ssh_server import SshServer

from jobs.source import Access, generate_key, heads, scan_host_key
from jobs.source import test as probe
from stacks.errors import PortwrightError

pytestmark = pytest.mark.system


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    made = SshServer(tmp_path / "ssh")
    yield made
    made.stop()


@pytest.fixture
def access(server: SshServer, upstream: Upstream) -> Access:
    """With a new key that is let in, and the server's key as it was scanned."""
    private, public = generate_key()
    server.let_in(public)
    pinned = [key.line("127.0.0.1", server.port) for key in scan_host_key("127.0.0.1", server.port)]
    url = server.url(upstream.folder)
    return Access(url, private_key=private, known_hosts="\n".join(pinned))


def local(host: str, port: int) -> str:
    return "127.0.0.1"


def test_a_repository_is_read_with_the_projects_key(
    upstream: Upstream, access: Access, tmp_path: Path
) -> None:
    first = upstream.commit("One", {"a": "1"})
    assert take(access, tmp_path) == (first, {"a": "1"})
    assert heads(access) == {"main": first}
    assert (probe(access).kind, probe(access).branches) == ("ok", ("main",))


def test_the_address_is_the_guards_and_the_name_is_what_the_key_belongs_to(
    upstream: Upstream, access: Access, server: SshServer, tmp_path: Path
) -> None:
    first = upstream.commit("One", {"a": "1"})
    pinned = server.host_key().line("forge.test", server.port)
    named = replace(access, url=server.url(upstream.folder, "forge.test"), known_hosts=pinned)
    assert take(named, tmp_path, resolve=local) == (first, {"a": "1"})
    assert probe(named).kind == "host"
    assert probe(replace(named, known_hosts=access.known_hosts), local).kind == "host-key"


def test_a_changed_host_key_is_refused_in_words(
    upstream: Upstream, access: Access, server: SshServer, tmp_path: Path
) -> None:
    first = upstream.commit("One", {"a": "1"})
    server.stop()
    server.new_host_key()
    server.process = server.start()
    told = probe(access)
    assert told.kind == "host-key" and "it has changed, or somebody is in between" in told.message
    with pytest.raises(PortwrightError, match="it has changed"):
        take(access, tmp_path)
    confirmed = server.host_key().line("127.0.0.1", server.port)
    assert take(replace(access, known_hosts=confirmed), tmp_path)[0] == first


def test_a_host_key_that_nobody_confirmed_is_refused(upstream: Upstream, access: Access) -> None:
    told = probe(replace(access, known_hosts=""))
    assert told.kind == "host-key" and "is not confirmed" in told.message


def test_scanning_shows_what_ssh_keygen_shows(server: SshServer) -> None:
    found = scan_host_key("forge.test", server.port, local)
    assert found == [server.host_key()]
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", server.folder / "host.pub"], capture_output=True, text=True
    ).stdout
    assert found[0].fingerprint == shown.split()[1]
    with pytest.raises(PortwrightError, match="shows no ssh host key"):
        scan_host_key("127.0.0.1", 1)


def test_scanning_goes_by_the_guard_and_takes_no_option() -> None:
    def refuse(host: str, port: int) -> str:
        raise PortwrightError(f"{host} is not let out", remedy="ask", path="host")

    with pytest.raises(PortwrightError, match="is not let out"):
        scan_host_key("127.0.0.1", 22, refuse)
    for host in ("-f/etc/passwd", "a b", "", "host,other", "[::1"):
        with pytest.raises(PortwrightError, match="no repository that can be used"):
            scan_host_key(host, 22, local)


def test_a_key_that_is_not_let_in(upstream: Upstream, access: Access) -> None:
    assert probe(replace(access, private_key=generate_key()[0])).kind == "authentication"
    assert probe(replace(access, private_key="")).kind == "authentication"
    assert probe(replace(access, private_key="nonsense")).kind == "key"
    pasted = access.private_key.replace("\n", "\r\n")
    assert probe(replace(access, private_key=pasted)).kind == "empty"


def test_why_a_server_can_not_be_read(
    upstream: Upstream, access: Access, server: SshServer
) -> None:
    upstream.commit("One", {"a": "1"})
    assert probe(replace(access, url=server.url("/none"))).kind == "not-found"
    assert probe(replace(access, url="ssh://git@127.0.0.1:1/x")).kind == "refused"
    assert probe(replace(access, url="ssh://git@none.invalid/x")).kind == "host"


def test_keys_and_configuration_of_this_servers_user_are_not_used(
    upstream: Upstream,
    access: Access,
    server: SshServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither ~/.ssh, nor an agent, nor GIT_SSH_COMMAND."""
    canary = tmp_path / "canary"
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/config").write_text(f"Host *\n ProxyCommand touch {canary}\n")
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    values = dict(
        part.split("=") for part in agent.replace(" export", "").split(";") if "=" in part
    )
    values = {name.strip(): value for name, value in values.items()}
    try:
        subprocess.run(
            ["ssh-add", "-q", "-"], input=access.private_key, text=True, check=True,
            env={**os.environ, **values},
        )  # fmt: skip
        monkeypatch.setenv("SSH_AUTH_SOCK", values["SSH_AUTH_SOCK"])
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {canary}")
        assert probe(replace(access, private_key="")).kind == "authentication"
        assert probe(access).kind == "empty"
        assert not canary.exists()
    finally:
        subprocess.run(["ssh-agent", "-k"], env={**os.environ, **values}, capture_output=True)


def test_a_key_is_made_that_ssh_can_use(tmp_path: Path) -> None:
    private, public = generate_key()
    (tmp_path / "key").write_text(private)
    (tmp_path / "key").chmod(0o600)
    argv = ["ssh-keygen", "-y", "-f", tmp_path / "key"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert f"{shown.strip()} portwright" == public and public.startswith("ssh-ed25519 ")
    assert generate_key() != (private, public)


def test_no_private_key_is_ever_on_the_disk(
    upstream: Upstream, access: Access, server: SshServer, tmp_path: Path
) -> None:
    """A program in git's place on the server looks at every file of this machine's temporary
    folders while the connection is open."""
    upstream.commit("One", {"a": "1"})
    line = access.private_key.splitlines()[2]
    look = server.folder / "bin/git-upload-pack"
    look.write_text(
        "#!/bin/sh\nfind /tmp /dev/shm /run -type f -size -64k -newer "
        f"{server.folder}/config -exec grep -lsF -- '{line}' {{}} + >> {server.folder}/found\n"
        'exec git upload-pack "$@"\n'
    )
    look.chmod(0o755)
    assert heads(access)
    take(access, tmp_path)
    assert set((server.folder / "found").read_text().split()) == {str(look)}


def test_where_large_files_are_is_asked_over_ssh(
    upstream: Upstream,
    access: Access,
    server: SshServer,
    tmp_path: Path,
    forge: Forge,
    certificate: Certificate,
) -> None:
    """`git-lfs-authenticate`, as a forge has it; what it names goes by the guard too."""
    forge.closed = False
    forge.large[OID] = CONTENT
    program = server.folder / "bin/git-lfs-authenticate"
    answer = json.dumps({"href": forge.url("shop/.git/info/lfs", "forge.test"), "header": {}})
    program.write_text(f"#!/bin/sh\necho \"$@\" > {server.folder}/asked\necho '{answer}'\n")
    program.chmod(0o755)
    upstream.commit("One", {"a": pointer()})
    wanted = replace(access, lfs=True, certificates=certificate.text)
    assert take(wanted, tmp_path, resolve=local)[1] == {"a": CONTENT.decode()}
    assert (server.folder / "asked").read_text() == f"{upstream.folder} download\n"
    program.unlink()
    with pytest.raises(PortwrightError, match="knows no git-lfs-authenticate"):
        take(wanted, tmp_path, resolve=local)
