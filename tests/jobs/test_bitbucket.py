"""Pull requests on Bitbucket: commits told by 12 digits, forks that are fetched where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from forge_payloads import changed
from forge_servers import Serve, servers
from git_server import Forge
from git_upstream import Upstream, files
from sqlalchemy.orm import Session
from stand_ins import TOKEN, StandIn, open_pull_request

from forges.bitbucket.hook import pull_request
from forges.events import PullRequest
from forges.reading import Node
from jobs.models import Preview, Project, Run, Source
from jobs.previews import commits, lifecycle
from jobs.previews.policy import set_policy
from jobs.settings import Settings
from jobs.source import Access, checkout
from jobs.sources import client_of, configure, guard_of, keep
from stacks.errors import PortwrightError


@dataclass
class Ground:
    """Alice's repository on Bitbucket with Bob's fork; pull: as its hook tells of it."""

    session: Session
    settings: Settings
    project: Project
    source: Source
    there: StandIn
    theirs: Upstream
    git: Forge
    logged: list[str]
    pull: PullRequest

    def tell(self, **changes: Any) -> list[Run]:
        pull = replace(self.pull, **changes)
        runs, _ = lifecycle.told(self.session, self.settings, self.project, pull, by="hook")
        self.session.commit()
        return runs

    @property
    def preview(self) -> Preview:
        return self.session.query(Preview).one()

    def ask(self) -> None:
        client = client_of(self.settings, self.source)
        assert client
        commits.ask(self.session, self.settings, self.source, client)

    def approved(self) -> Run:
        self.tell()
        self.ask()
        head = self.preview.head_commit
        run = lifecycle.approve(self.session, self.settings, self.preview, head, by="alice")
        assert run
        self.session.commit()
        return run

    def access(self, ref: str, url: str = "https://bitbucket.org/alice/shop.git") -> Access:
        context: Any = SimpleNamespace(
            session=self.session, settings=self.settings, project=self.project,
            log=self.logged.append,
        )  # fmt: skip
        given = Access(url, "alice", "pa55", "KEY", "keys")
        return commits.access_to(context, self.preview, given, ref)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with servers() as start:
        yield start


@pytest.fixture
def ground(
    session: Session, settings: Settings, project: Project, serve: Serve, tmp_path: Path
) -> Iterator[Ground]:
    settings = replace(settings, allowed_hosts="127.0.0.1")
    git = Forge(tmp_path / "forge", None)
    git.closed = False
    theirs = Upstream(tmp_path / "forge/bob/shop.git")
    sha = theirs.commit("Hello", {"a": "1"})
    there = StandIn("bitbucket", commits=[sha])
    page = {"href": git.url("bob/shop")}
    fork = {"full_name": "bob/shop", "type": "repository", "links": {"html": page}}
    shown = changed(
        open_pull_request("bitbucket", 5), source__repository=fork, source__commit__hash=sha[:12],
        source__branch__name="main",
    )  # fmt: skip
    there.pull_requests = [shown]
    set_policy(session, project, {"enabled": True, "forks": "approve"}, by="alice")
    source = configure(
        session, project, by="alice", kind="bitbucket", api_url=serve(there).url,
        full_name="alice/shop",
    )  # fmt: skip
    keep(session, settings.key("vault-key"), project, {"token": TOKEN}, by="alice")
    pull = pull_request(Node(shown), "opened")
    yield Ground(session, settings, project, source, there, theirs, git, [], pull)
    git.stop()


def test_a_branch_of_ones_own_is_asked_for_at_just_that_commit(ground: Ground) -> None:
    short = ground.pull.head_commit
    (run,) = ground.tell(fork=False, head_branch="topic")
    assert (run.ref, run.options["begins"]) == ("topic", short)
    commits.learn(ground.preview, "f" * 40)  # another one teaches nothing
    assert ground.preview.head_commit == short
    whole = ground.there.commits[0]
    commits.learn(ground.preview, whole)
    assert ground.preview.head_commit == whole
    assert ground.tell(fork=False, action="updated") == []  # the same, in twelve digits
    assert ground.preview.head_commit == whole
    (again,) = ground.tell(fork=False, action="updated", head_commit="0" * 12)
    assert again.options["begins"] == "0" * 12


def test_a_fork_waits_until_its_whole_commit_is_known(ground: Ground) -> None:
    short, whole = ground.pull.head_commit, ground.there.commits[0]
    assert ground.tell() == []
    assert ground.preview.held == f"it is a fork's, and of its commit only {short} is known yet"
    with pytest.raises(PortwrightError, match="that is no whole commit"):
        lifecycle.approve(ground.session, ground.settings, ground.preview, short, by="alice")
    assert [each.number for each in commits.untold(ground.session, ground.source)] == [5]
    ground.ask()
    assert commits.untold(ground.session, ground.source) == []
    assert ground.preview.head_commit == whole
    assert f"must let commit {whole[:7]} run" in (ground.preview.held or "")
    run = lifecycle.approve(ground.session, ground.settings, ground.preview, whole, by="alice")
    assert run and (run.ref, "begins" in run.options) == (whole, False)


def test_a_commit_that_begins_like_the_approved_one_does_not_run_in_its_place(
    ground: Ground,
) -> None:
    run = ground.approved()
    twin = ground.pull.head_commit + "0" * 28
    ground.there.commits = [twin]
    assert ground.tell(action="updated") == []
    assert ground.preview.approved_commit == ground.preview.head_commit == run.ref != twin


def test_two_that_begin_alike_are_never_ready_to_be_let_run(ground: Ground) -> None:
    ground.tell()
    ground.there.commits.append(ground.pull.head_commit + "0" * 28)
    ground.ask()
    short = ground.pull.head_commit
    told = f"it is a fork's: more than one commit of pull request 5 begins with {short}"
    assert (ground.preview.held, ground.preview.head_commit) == (told, short)
    assert commits.untold(ground.session, ground.source) == []  # asking again does not help
    ground.there.commits = ["9" * 40]
    ground.tell(action="updated", head_commit="9" * 12)
    ground.ask()
    assert ground.preview.head_commit == "9" * 40


def test_a_commit_that_the_forge_does_not_know_yet_is_asked_for_again(ground: Ground) -> None:
    ground.tell()
    ground.there.commits = []
    with pytest.raises(PortwrightError, match="no commit of pull request 5"):
        ground.ask()
    assert [each.number for each in commits.untold(ground.session, ground.source)] == [5]


def test_the_approved_commit_is_fetched_from_the_fork(ground: Ground, tmp_path: Path) -> None:
    run = ground.approved()
    assert run.ref
    access = ground.access(run.ref)
    assert access == Access(ground.git.url("bob/shop.git"))
    assert ground.logged == [f"fetching from the fork {ground.git.url('bob/shop.git')}"]
    ground.theirs.commit("Another, that nobody has read", {"a": "2"})
    mirror, folder = tmp_path / "mirror.git", tmp_path / "checkouts/1"
    resolve = guard_of(ground.settings).resolve
    with checkout(access, run.ref, mirror, folder, resolve=resolve) as found:
        assert (found.commit, files(found.folder)) == (run.ref, {"a": "1"})


def test_a_fork_is_reached_through_the_guard(ground: Ground, tmp_path: Path) -> None:
    run = ground.approved()
    assert run.ref
    access = ground.access(run.ref)
    resolve = guard_of(replace(ground.settings, allowed_hosts="")).resolve
    with (
        pytest.raises(PortwrightError, match=r"127\.0\.0\.1, which is not public"),
        checkout(access, run.ref, tmp_path / "mirror.git", tmp_path / "1", resolve=resolve),
    ):
        pass
    assert ground.git.seen == []


def test_credentials_go_to_a_fork_on_the_same_server_only(ground: Ground) -> None:
    run = ground.approved()
    assert run.ref
    ours = ground.git.url("alice/shop.git")
    theirs = ground.git.url("bob/shop.git")
    assert ground.access(run.ref, ours) == Access(theirs, "alice", "pa55")
    for other in ("git@127.0.0.1:alice/shop.git", "https://127.0.0.1/alice/shop.git", "/srv/shop"):
        assert ground.access(run.ref, other) == Access(theirs)


def test_nothing_of_a_fork_is_fetched_that_was_not_let_run(ground: Ground) -> None:
    run = ground.approved()
    assert run.ref
    for ref in ("main", "f" * 40, run.ref[:12]):
        with pytest.raises(PortwrightError, match="no maintainer has let it run"):
            ground.access(ref)
    set_policy(ground.session, ground.project, {"forks": "off"}, by="alice")
    with pytest.raises(PortwrightError, match="no maintainer has let it run"):
        ground.access(run.ref)


def test_a_fork_that_is_gone_and_an_api_that_is_not_known_are_told(ground: Ground) -> None:
    run = ground.approved()
    assert run.ref
    ground.there.pull_requests = []
    with pytest.raises(PortwrightError, match="open no more, or its fork is gone"):
        ground.access(run.ref)
    keep(ground.session, ground.settings.key("vault-key"), ground.project, {"token": ""}, by="a")
    with pytest.raises(PortwrightError) as caught:
        ground.access(run.ref)
    assert caught.value.path == "source" and "keep a token" in caught.value.remedy


def test_other_forges_have_a_forks_commit_in_the_repository_itself(ground: Ground) -> None:
    run = ground.approved()
    assert run.ref
    ground.source.forge = "gitea"
    assert ground.access(run.ref).url == "https://bitbucket.org/alice/shop.git"
