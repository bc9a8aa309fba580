"""The Gitea that other tests stand on does what they need of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gitea import Gitea, running
from listener import Listener, listening

SECRET = "s3cret"


def git(folder: Path, *argv: str, **environ: str) -> str:
    identity = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **environ}
    done = subprocess.run(
        ["git", *identity, *argv], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, name: str, content: str) -> str:
    (folder / name).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"{name}: {content}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def alice(gitea: Gitea) -> str:
    gitea.create_user("alice")
    return "alice"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


@pytest.fixture
def clone(gitea: Gitea, alice: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A repository of Alice's named after the test, with one commit; the folder has its name."""
    folder = tmp_path / request.node.name.removeprefix("test_")[:40]
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "README", "first")
    gitea.create_repository(alice, folder.name)
    gitea.push(folder, alice, folder.name, "main")
    return folder


def test_it_does_not_run_as_root_and_nothing_of_it_is_left() -> None:
    with running() as second:
        status = Path(f"/proc/{second.pid}/status").read_text()
        (uids,) = (line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
        assert set(uids) == {str(second.user.pw_uid)} != {"0"}
    assert not second.folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(second.url)


def test_a_push_reaches_a_hook_with_a_signature_that_verifies(
    gitea: Gitea, alice: str, clone: Path, listener: Listener
) -> None:
    made = gitea.add_hook(alice, clone.name, listener.url, SECRET, "push", "pull_request")
    assert [hook["id"] for hook in gitea.hooks(alice, clone.name)] == [made]

    head = commit(clone, "README", "second")
    gitea.push(clone, alice, clone.name, "main", by=alice)

    push = listener.wait("push", after=head)
    assert push.content["ref"] == "refs/heads/main"
    assert push.content["repository"]["full_name"] == f"{alice}/{clone.name}"
    assert push.signed_by(SECRET)
    assert not push.signed_by("another")


def test_a_private_repository_needs_a_token_and_one_that_may_read_cannot_push(
    gitea: Gitea, alice: str, clone: Path, tmp_path: Path
) -> None:
    url = f"{gitea.url}/{alice}/{clone.name}.git"
    with pytest.raises(AssertionError, match="could not read Username"):
        git(tmp_path, "clone", url, "denied")
    gitea.tokens["reader"] = gitea.create_token(alice, "reader", ("read:repository",))
    git(tmp_path, "clone", "--quiet", gitea.token_url(alice, clone.name, "reader"), "copy")
    assert (tmp_path / "copy/README").read_text() == "first"
    commit(clone, "README", "second")
    with pytest.raises(AssertionError, match=r"403|not permitted|denied"):
        gitea.push(clone, alice, clone.name, "main", by="reader")


def test_a_deploy_key_reads_over_ssh(gitea: Gitea, alice: str, clone: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    body = {"title": "tests", "key": key.with_suffix(".pub").read_text(), "read_only": True}
    gitea.api("POST", f"/repos/{alice}/{clone.name}/keys", body)
    ssh = f"ssh -i {key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile={tmp_path}/known"
    url = gitea.ssh_url(alice, clone.name)
    git(tmp_path, "clone", "--quiet", url, "copy", GIT_SSH_COMMAND=ssh)
    assert (tmp_path / "copy/README").read_text() == "first"


def test_a_pull_request_from_open_to_merge_with_comment_and_status_on_its_page(
    gitea: Gitea, alice: str, clone: Path, listener: Listener
) -> None:
    gitea.add_hook(alice, clone.name, listener.url, SECRET, "pull_request", "delete")
    git(clone, "switch", "--quiet", "--create", "topic")
    head = commit(clone, "README", "topic")
    gitea.push(clone, alice, clone.name, "topic")
    number = gitea.open_pull(alice, clone.name, head="topic", base="main", title="A topic")
    opened = listener.wait("pull_request", action="opened").content
    assert opened["number"] == number
    assert opened["pull_request"]["head"]["sha"] == head

    repo = f"/repos/{alice}/{clone.name}"
    gitea.api("POST", f"{repo}/issues/{number}/comments", {"body": "Preview is up"}, by=alice)
    status = {"context": "portwright", "state": "success", "target_url": "http://preview.test/"}
    gitea.api("POST", f"{repo}/statuses/{head}", status, by=alice)

    (comment,) = gitea.comments(alice, clone.name, number)
    assert (comment["body"], comment["user"]["login"]) == ("Preview is up", alice)
    (told,) = gitea.statuses(alice, clone.name, head)
    assert (told["context"], told["status"]) == ("portwright", "success")
    page = gitea.page(f"/{alice}/{clone.name}/pulls/{number}")
    assert "Preview is up" in page
    assert "http://preview.test/" in page

    gitea.merge(alice, clone.name, number)
    merged = listener.wait("pull_request", action="closed").content
    assert merged["pull_request"]["merged"] is True
    gitea.delete_branch(alice, clone.name, "topic")
    assert listener.wait("delete").content["ref"] == "topic"


def test_a_closed_pull_request_is_told_and_can_be_reopened(
    gitea: Gitea, alice: str, clone: Path, listener: Listener
) -> None:
    git(clone, "switch", "--quiet", "--create", "topic")
    commit(clone, "README", "topic")
    gitea.push(clone, alice, clone.name, "topic")
    number = gitea.open_pull(alice, clone.name, head="topic", base="main", title="A topic")
    gitea.add_hook(alice, clone.name, listener.url, SECRET, "pull_request")

    gitea.close(alice, clone.name, number)
    closed = listener.wait("pull_request", action="closed").content
    assert closed["pull_request"]["merged"] is False
    gitea.reopen(alice, clone.name, number)
    listener.wait("pull_request", action="reopened")

    later = commit(clone, "README", "later")
    gitea.push(clone, alice, clone.name, "topic")
    moved = listener.wait("pull_request", action="synchronized").content
    assert moved["pull_request"]["head"]["sha"] == later


def test_a_pull_request_of_a_fork_names_the_fork(
    gitea: Gitea, alice: str, clone: Path, listener: Listener
) -> None:
    gitea.api("PATCH", f"/repos/{alice}/{clone.name}", {"private": False})
    gitea.create_user("mallory")
    gitea.fork(alice, clone.name, by="mallory")
    git(clone, "switch", "--quiet", "--create", "evil")
    commit(clone, "README", "evil")
    gitea.push(clone, "mallory", clone.name, "evil", by="mallory")
    gitea.add_hook(alice, clone.name, listener.url, SECRET, "pull_request")

    gitea.open_pull(alice, clone.name, "mallory:evil", "main", "Evil", by="mallory")

    pull = listener.wait("pull_request", action="opened").content["pull_request"]
    assert pull["head"]["repo"]["full_name"] == f"mallory/{clone.name}"
    assert pull["base"]["repo"]["full_name"] == f"{alice}/{clone.name}"


def test_a_renamed_repository_answers_by_its_new_name(
    gitea: Gitea, alice: str, clone: Path
) -> None:
    gitea.rename_repository(alice, clone.name, "renamed")
    assert gitea.api("GET", f"/repos/{alice}/renamed")["full_name"] == "alice/renamed"
    commit(clone, "README", "second")
    gitea.push(clone, alice, clone.name, "main")
