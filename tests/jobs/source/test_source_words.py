"""What people are told, what a command may write and how long it may live."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from git import GitCommandError

from jobs.redact import MASK
from jobs.source import Access, generate_key
from jobs.source.command import run
from jobs.source.quarantine import environment
from jobs.source.words import explain
from stacks.processes import MARK, marked, start_time

NOWHERE = "/nonexistent"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "host"),
        ("ssh: Could not resolve hostname h: Name or service not known", "host"),
        ("ssh: connect to host h port 22: Connection refused", "refused"),
        ("ssh: connect to host h port 22: No route to host", "route"),
        ("Failed to connect: Network is unreachable", "route"),
        ("ssh: connect to host h port 22: Connection timed out", "timeout"),
        ("fatal: unable to access 'https://h/': Failed to connect to h port 1", "connect"),
        ("@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.", "host-key"),
        ("No ED25519 host key is known for h and you have requested strict checking.", "host-key"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", "authentication"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "authentication"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "not-found"),
        ("fatal: repository 'https://h/ssl-certificate-timed-out/' not found", "not-found"),
        ("ERROR: The project you were looking for could not be found.", "not-found"),
        ("kex_exchange_identification: Connection closed by remote host", "not-git"),
        ("Connection closed by 192.0.2.1 port 22", "connect"),
        ("fatal: '/x' does not appear to be a git repository", "not-found"),
        ("fatal: https://h/x/info/refs not valid: is this a git repository?", "not-git"),
        ("fatal: unable to access 'https://h/': server certificate verification failed.", "tls"),
        ("fatal: unable to access 'https://h/': gnutls_handshake() failed: Handshake failed", "tls"),
        ("fatal: write error: No space left on device", "disk"),
        ("fatal: Out of memory, malloc failed (tried to allocate 1 bytes)", "memory"),
        ("error: object 1a: hasDotgit: contains '.git'", "hostile"),
        ("something new", "unknown"),
    ],
)  # fmt: skip
def test_each_cause_has_its_word(said: str, kind: str) -> None:
    found, told = explain(Access("https://h/x"), GitCommandError(["git"], 128, said.encode()))
    assert (found, told.path, bool(told.remedy)) == (kind, "repository", True)


def test_secrets_and_what_a_terminal_obeys_are_taken_out() -> None:
    private = generate_key()[0]
    line = private.splitlines()[1]
    access = Access("https://h/x", password="s3cret-token", private_key=private)
    said = f"fatal: \x1b]0;title\x07no s3cret-token, {line}\x1b[31m!"
    told = explain(access, GitCommandError(["git"], 128, said.encode()))[1]
    assert told.message == f"the repository can't be read: git failed (fatal: no {MASK}, {MASK}!)"
    assert "s3cret" not in repr(access) and line not in repr(access)
    hidden = repr(Access("https://me:s3cret@h/x"))
    assert hidden == "Access('https://h/x', without a secret)"


def test_a_command_that_takes_too_long_ends_with_all_that_it_started() -> None:
    mark = f"test-{os.getpid()}"
    with pytest.raises(subprocess.TimeoutExpired):
        run(
            ["sh", "-c", "sleep 600 & sleep 600"],
            folder=Path("/"),
            environ={**environment(NOWHERE), MARK: mark},
            seconds=0.5,
        )
    deadline = time.monotonic() + 60
    while any(start_time(pid) for pid in marked(mark)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_command_ends_at_the_first_byte_too_many() -> None:
    argv = ["head", "-c", "4097", "/dev/zero"]
    most = {"folder": Path("/"), "environ": environment(NOWHERE), "seconds": 60.0, "most": 4096}
    assert run(["head", "-c", "4096", "/dev/zero"], **most) == b"\0" * 4096  # type: ignore[arg-type]
    with pytest.raises(GitCommandError) as caught:
        run(argv, **most)  # type: ignore[arg-type]
    assert explain(Access("/x", max_bytes=1 << 20), caught.value)[0] == "size"


def test_git_gets_the_mark_of_its_run_and_nothing_else_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GIT_DIR", "GIT_TRACE", "GIT_PROXY_COMMAND", "GIT_EXEC_PATH", "LD_PRELOAD", "SSH_AUTH_SOCK", "ALL_PROXY"):  # fmt: skip
        monkeypatch.setenv(name, "/x")
    monkeypatch.setenv(MARK, "run#1")
    given = environment(NOWHERE, "https")
    assert given[MARK] == "run#1" and given["GIT_ALLOW_PROTOCOL"] == "https"
    assert "/x" not in given.values()
