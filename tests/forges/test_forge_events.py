"""What each forge's payloads become, and that nothing but an error with its path comes of bad ones."""

from __future__ import annotations

import json
from typing import Any

import forge_payloads as sent
import pytest
from forge_payloads import NONE, A, B, Json, changed
from hypothesis import given
from hypothesis import strategies as st

from forges.events import Event, Other, Ping, PullRequest, Push, Renamed, Repository
from forges.registry import FORGES, forge
from stacks.errors import PortwrightError

EVENT_HEADER = {
    "github": "X-GitHub-Event", "gitea": "X-Gitea-Event", "gitlab": "X-Gitlab-Event",
    "bitbucket": "X-Event-Key", "generic": "X-Portwright-Event",
}  # fmt: skip
GITHUB = Repository(
    "alice/shop", "https://github.com/alice/shop.git", "https://github.com/alice/shop"
)
GITEA = Repository(
    "alice/shop", "https://git.example.org/alice/shop.git", "https://git.example.org/alice/shop"
)
GITLAB = Repository(
    "group/sub/shop",
    "https://gitlab.com/group/sub/shop.git",
    "https://gitlab.com/group/sub/shop",
)
BITBUCKET = Repository(
    "alice/shop", "https://bitbucket.org/alice/shop.git", "https://bitbucket.org/alice/shop"
)
PATHS = frozenset({"web/app.py", "old.txt", "docs/a b.md"})


def told(kind: str, event: str, payload: Any) -> tuple[Event, ...]:
    return forge(kind).events({EVENT_HEADER[kind]: event}, json.dumps(payload).encode())


def one(kind: str, event: str, payload: Any) -> Event:
    (found,) = told(kind, event, payload)
    return found


def push(whose: Repository, **other: Any) -> Push:
    values: dict[str, Any] = {
        "branch": "main", "tag": None, "before": A, "commit": B, "message": "second",
        "paths": PATHS, "deleted": False, "repository": whose, **other,
    }  # fmt: skip
    return Push(**values)


def pull_request(whose: Repository, url: str, **other: Any) -> PullRequest:
    values: dict[str, Any] = {
        "action": "opened", "number": 5, "title": "Say hello", "head_branch": "hello",
        "head_commit": B, "base_branch": "main", "fork": False, "author": "bob", "url": url,
        "head_clone_url": whose.clone_url, "repository": whose, **other,
    }  # fmt: skip
    return PullRequest(**values)


def test_a_push_to_github() -> None:
    assert one("github", "push", sent.GITHUB_PUSH) == push(GITHUB)


def test_a_push_to_gitea() -> None:
    assert one("gitea", "push", sent.GITEA_PUSH) == push(GITEA)


def test_forgejo_may_name_the_event_in_its_own_header() -> None:
    body = json.dumps(sent.GITEA_PUSH).encode()
    assert forge("gitea").event({"x-forgejo-event": "push"}, body) == push(GITEA)


def test_a_push_to_gitlab() -> None:
    expected = push(GITLAB, message="second\n\nmore", paths=frozenset({"web/app.py"}))
    assert one("gitlab", "Push Hook", sent.GITLAB_PUSH) == expected


def test_a_push_to_bitbucket_moves_several_at_once() -> None:
    unknown: dict[str, Any] = {"paths": None}
    assert told("bitbucket", "repo:push", sent.BITBUCKET_PUSH) == (
        push(BITBUCKET, **unknown),
        push(BITBUCKET, branch="gone", commit=None, deleted=True, message="", **unknown),
        push(BITBUCKET, branch=None, tag="v1", before=None, **unknown),
    )


def test_any_other_sender_needs_a_ref_and_a_commit_only() -> None:
    nobody = Repository("", "", "")
    assert one("generic", "push", {"ref": "refs/heads/main", "after": B}) == push(
        nobody, before=None, message="", paths=None
    )
    assert one("generic", "push", sent.GITHUB_PUSH) == push(GITHUB)
    assert one("generic", "ping", {}) == Ping()


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("github", changed(sent.GITHUB_PUSH, forced=True)),
        ("github", changed(sent.GITHUB_PUSH, commits=sent.GITHUB_PUSH["commits"] * 1024)),
        ("github", changed(sent.GITHUB_PUSH, commits=[sent.commit(B, "x", added=["f"] * 3000)])),
        ("github", changed(sent.GITHUB_PUSH, commits=[])),
        ("gitea", changed(sent.GITEA_PUSH, total_commits=9)),
        ("gitea", changed(sent.GITEA_PUSH, commits=[{"id": B, "added": None}], total_commits=1)),
    ],
)
def test_changed_files_are_unknown_where_not_all_is_told(kind: str, payload: Json) -> None:
    whose = GITHUB if kind == "github" else GITEA
    assert one(kind, "push", payload) == push(whose, paths=None)


def test_gitlab_tells_twenty_commits_of_more() -> None:
    found = one("gitlab", "Push Hook", changed(sent.GITLAB_PUSH, total_commits_count=21))
    assert found == push(GITLAB, message="second\n\nmore", paths=None)


def test_a_new_branch_changes_unknown_files() -> None:
    found = one("github", "push", changed(sent.GITHUB_PUSH, before=NONE))
    assert found == push(GITHUB, before=None, paths=None)


def test_a_deleted_branch_has_no_commit() -> None:
    payload = changed(sent.GITHUB_PUSH, after=NONE, head_commit=None, commits=[])
    gone = push(GITHUB, commit=None, message="", paths=None, deleted=True)
    assert one("github", "push", payload) == gone


@pytest.mark.parametrize(
    ("kind", "event", "payload", "whose"),
    [
        ("github", "push", changed(sent.GITHUB_PUSH, ref="refs/tags/v1", after="c" * 40), GITHUB),
        ("gitea", "push", changed(sent.GITEA_PUSH, ref="refs/tags/v1", after="c" * 40), GITEA),
        (
            "gitlab",
            "Tag Push Hook",
            changed(sent.GITLAB_PUSH, object_kind="tag_push", ref="refs/tags/v1", after="c" * 40),
            GITLAB,
        ),
    ],
)
def test_an_annotated_tag_tells_the_commit_and_not_its_own_object(
    kind: str, event: str, payload: Json, whose: Repository
) -> None:
    message = "second\n\nmore" if kind == "gitlab" else "second"
    expected = push(whose, branch=None, tag="v1", paths=None, message=message)
    assert one(kind, event, payload) == expected


def test_what_is_neither_branch_nor_tag_is_no_push_of_ours() -> None:
    assert one("github", "push", changed(sent.GITHUB_PUSH, ref="refs/notes/x")) == Other("push")


HUB_ACTIONS = [("opened", "opened"), ("reopened", "reopened"), ("closed", "closed")]


@pytest.mark.parametrize(("told_as", "action"), [*HUB_ACTIONS, ("synchronize", "updated")])
def test_pull_requests_of_github(told_as: str, action: str) -> None:
    payload = changed(sent.GITHUB_PULL_REQUEST, action=told_as)
    expected = pull_request(GITHUB, "https://github.com/alice/shop/pull/5", action=action)
    assert one("github", "pull_request", payload) == expected


@pytest.mark.parametrize(("told_as", "action"), [*HUB_ACTIONS, ("synchronized", "updated")])
def test_pull_requests_of_gitea(told_as: str, action: str) -> None:
    payload = changed(sent.GITEA_PULL_REQUEST, action=told_as)
    expected = pull_request(GITEA, "https://git.example.org/alice/shop/pull/5", action=action)
    assert one("gitea", "pull_request", payload) == expected


@pytest.mark.parametrize(
    ("told_as", "action"),
    [("open", "opened"), ("reopen", "reopened"), ("close", "closed"), ("merge", "merged")],
)
def test_merge_requests_of_gitlab(told_as: str, action: str) -> None:
    payload = changed(sent.GITLAB_MERGE_REQUEST, object_attributes__action=told_as)
    url = "https://gitlab.com/group/sub/shop/-/merge_requests/5"
    expected = pull_request(GITLAB, url, action=action)
    assert one("gitlab", "Merge Request Hook", payload) == expected


def test_a_merge_request_is_updated_by_new_commits_and_not_by_a_title() -> None:
    title = changed(sent.GITLAB_MERGE_REQUEST, object_attributes__action="update")
    assert one("gitlab", "Merge Request Hook", title) == Other("merge_request.update")
    url = "https://gitlab.com/group/sub/shop/-/merge_requests/5"
    commits = changed(title, object_attributes__oldrev=A)
    assert one("gitlab", "", commits) == pull_request(GITLAB, url, action="updated")


@pytest.mark.parametrize(
    ("told_as", "action"),
    [
        ("created", "opened"),
        ("updated", "updated"),
        ("fulfilled", "merged"),
        ("rejected", "closed"),
    ],
)
def test_pull_requests_of_bitbucket(told_as: str, action: str) -> None:
    found = one("bitbucket", f"pullrequest:{told_as}", sent.BITBUCKET_PULL_REQUEST)
    url = "https://bitbucket.org/alice/shop/pull-requests/5"
    assert found == pull_request(BITBUCKET, url, action=action, head_commit=B[:12])


@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_a_merged_pull_request_is_told_as_closed(kind: str) -> None:
    payload = {"github": sent.GITHUB_PULL_REQUEST, "gitea": sent.GITEA_PULL_REQUEST}[kind]
    merged = changed(payload, action="closed", pull_request__merged=True)
    found = one(kind, "pull_request", merged)
    assert isinstance(found, PullRequest) and found.action == "merged"


def test_another_base_branch_is_an_update_and_another_title_is_not() -> None:
    title = changed(sent.GITHUB_PULL_REQUEST, action="edited", changes={"title": {"from": "x"}})
    assert one("github", "pull_request", title) == Other("pull_request.edited")
    base = changed(title, changes={"base": {"ref": {"from": "old"}}})
    url = "https://github.com/alice/shop/pull/5"
    assert one("github", "pull_request", base) == pull_request(GITHUB, url, action="updated")


def test_forks_are_told_also_where_they_are_gone() -> None:
    url = "https://github.com/alice/shop/pull/5"
    theirs = sent.repository("github.com", "bob/shop", 8)
    fork = changed(sent.GITHUB_PULL_REQUEST, pull_request__head__repo=theirs)
    clone = "https://github.com/bob/shop.git"
    assert one("github", "pull_request", fork) == pull_request(
        GITHUB, url, fork=True, head_clone_url=clone
    )
    gone = changed(sent.GITHUB_PULL_REQUEST, pull_request__head__repo=None)
    assert one("github", "pull_request", gone) == pull_request(
        GITHUB, url, fork=True, head_clone_url=None
    )


def test_forks_of_gitlab_and_bitbucket() -> None:
    theirs = changed(sent.GITLAB_MERGE_REQUEST, object_attributes__source_project_id=16)
    found = one("gitlab", "", theirs)
    assert isinstance(found, PullRequest) and found.fork
    gone = changed(sent.BITBUCKET_PULL_REQUEST, pullrequest__source__repository=None)
    last = one("bitbucket", "pullrequest:created", gone)
    assert isinstance(last, PullRequest) and (last.fork, last.head_clone_url) == (True, None)


def test_other_names_of_a_repository() -> None:
    there, clone = sent.repository("github.com"), "https://github.com/alice/shop.git"
    changes: Json = {"repository": {"name": {"from": "store"}}}
    renamed = {"action": "renamed", "changes": changes, "repository": there}
    assert one("github", "repository", renamed) == Renamed("alice/store", "alice/shop", clone)
    changes = {"owner": {"from": {"user": {"login": "bob"}}}}
    moved = {"action": "transferred", "changes": changes, "repository": there}
    assert one("github", "repository", moved) == Renamed("bob/shop", "alice/shop", clone)
    names = {"full_name": {"old": "alice/store", "new": "alice/shop"}}
    updated = {"changes": names, "repository": sent.bitbucket_repository()}
    assert one("bitbucket", "repo:updated", updated) == Renamed(
        "alice/store", "alice/shop", BITBUCKET.clone_url
    )


def test_what_else_a_forge_tells_keeps_its_name() -> None:
    assert one("github", "ping", {"zen": "x"}) == Ping()
    assert one("github", "star", {}) == Other("star")
    assert one("github", "<b>", {}) == Other("unknown")
    assert one("gitlab", "", {"object_kind": "note"}) == Other("note")
    assert one("bitbucket", "repo:fork", {}) == Other("repo:fork")


@pytest.mark.parametrize(
    ("kind", "event", "payload", "path"),
    [
        ("github", "push", changed(sent.GITHUB_PUSH, after="HEAD; reboot"), "after"),
        ("github", "push", changed(sent.GITHUB_PUSH, after=B.upper()), "after"),
        ("github", "push", changed(sent.GITHUB_PUSH, before=7), "before"),
        ("github", "push", changed(sent.GITHUB_PUSH, ref="refs/heads/--upload-pack=x"), "ref"),
        ("github", "push", changed(sent.GITHUB_PUSH, ref="refs/heads/a..b"), "ref"),
        ("github", "push", changed(sent.GITHUB_PUSH, ref=None), "ref"),
        ("github", "push", changed(sent.GITHUB_PUSH, commits="x"), "commits"),
        ("github", "push", changed(sent.GITHUB_PUSH, forced="no"), "forced"),
        (
            "github",
            "push",
            changed(sent.GITHUB_PUSH, commits=[sent.commit(B, "x", added=[1])]),  # type: ignore[list-item]
            "commits[0].added[0]",
        ),
        (
            "github",
            "push",
            changed(sent.GITHUB_PUSH, repository__clone_url="ext::sh -c reboot"),
            "repository.clone_url",
        ),
        (
            "github",
            "push",
            changed(sent.GITHUB_PUSH, repository__html_url="javascript:alert(1)"),
            "repository.html_url",
        ),
        (
            "github",
            "push",
            changed(sent.GITHUB_PUSH, repository__full_name="a/../../b"),
            "repository.full_name",
        ),
        (
            "github",
            "pull_request",
            changed(sent.GITHUB_PULL_REQUEST, pull_request__head__sha="x"),
            "pull_request.head.sha",
        ),
        (
            "github",
            "pull_request",
            changed(sent.GITHUB_PULL_REQUEST, pull_request__head=[]),
            "pull_request.head",
        ),
        (
            "github",
            "pull_request",
            changed(sent.GITHUB_PULL_REQUEST, pull_request__number=True),
            "pull_request.number",
        ),
        (
            "gitlab",
            "",
            changed(sent.GITLAB_MERGE_REQUEST, object_attributes__last_commit={}),
            "object_attributes.last_commit.id",
        ),
        (
            "bitbucket",
            "repo:push",
            changed(sent.BITBUCKET_PUSH, push__changes=[{"new": sent.target("a", "b")}]),
            "push.changes[0].new.target.hash",
        ),
        ("generic", "push", {"ref": "refs/heads/main"}, "after"),
        ("generic", "push", [], "body"),
    ],
)
def test_a_malformed_payload_is_refused_by_its_field(
    kind: str, event: str, payload: Any, path: str
) -> None:
    with pytest.raises(PortwrightError) as caught:
        told(kind, event, payload)
    assert caught.value.path == path and caught.value.remedy


def test_errors_stay_short_whatever_was_sent() -> None:
    with pytest.raises(PortwrightError) as caught:
        told("github", "push", changed(sent.GITHUB_PUSH, ref="refs/heads/" + "$" * 9000))
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"payload=%7B%7D"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    for each in FORGES.values():
        with pytest.raises(PortwrightError) as caught:
            each.events({}, body)
        assert caught.value.path == "body"


def test_messages_and_titles_are_cut_and_can_be_stored() -> None:
    payload = changed(sent.GITHUB_PUSH, head_commit__message="a\0b\ud800c\n" + "x" * 50_000)
    found = one("github", "push", payload)
    assert isinstance(found, Push)
    assert (found.message[:4], len(found.message)) == ("abc\n", 10_000)
    found.message.encode()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
SEEDS: list[tuple[str, str, Json]] = [
    ("github", "push", sent.GITHUB_PUSH),
    ("github", "pull_request", sent.GITHUB_PULL_REQUEST),
    ("gitea", "push", sent.GITEA_PUSH),
    ("gitea", "pull_request", changed(sent.GITEA_PULL_REQUEST, action="synchronized")),
    ("gitlab", "", sent.GITLAB_PUSH),
    ("gitlab", "", sent.GITLAB_MERGE_REQUEST),
    ("bitbucket", "repo:push", sent.BITBUCKET_PUSH),
    ("bitbucket", "pullrequest:created", sent.BITBUCKET_PULL_REQUEST),
    ("generic", "push", sent.GITHUB_PUSH),
]


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []  # fmt: skip
    return [way, *(place for key, below in inner for place in places(below, (*way, key)))]


def replaced(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    if not way:
        return new
    items = value.items() if isinstance(value, dict) else enumerate(value)
    pairs = [(k, replaced(v, way[1:], new) if k == way[0] else v) for k, v in items]
    return dict(pairs) if isinstance(value, dict) else [v for _, v in pairs]


@given(st.sampled_from(SEEDS), st.data(), anything)
def test_any_value_anywhere_gives_events_or_an_error_with_a_path(
    seed: tuple[str, str, Json], data: st.DataObject, value: Any
) -> None:
    kind, event, payload = seed
    way = data.draw(st.sampled_from(places(payload)))
    try:
        found = told(kind, event, replaced(payload, way, value))
    except PortwrightError as error:
        assert error.path and error.remedy
    else:
        assert all(isinstance(each, Event) for each in found)


@given(st.sampled_from(sorted(FORGES)), anything, st.text(max_size=9))
def test_any_json_gives_events_or_an_error_with_a_path(kind: str, value: Any, event: str) -> None:
    try:
        told(kind, event, value)
    except PortwrightError as error:
        assert error.path and error.remedy
