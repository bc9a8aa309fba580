"""What is asked of each forge's API, against stand-ins of their published shapes."""

from __future__ import annotations

from dataclasses import dataclass

import forge_payloads as sent
import pytest
from forge_payloads import A, B, Json, changed
from forge_servers import Reply, Seen, Serve, Server
from stand_ins import TOKEN, USER, StandIn, open_pull_request, reply

from forges.addresses import Guard
from forges.asked import Checked, State
from forges.client import Client
from forges.clients import api_url_of, client
from forges.credentials import App, Token
from forges.errors import Answered, Later
from forges.fetch import Fetcher
from stacks.errors import PortwrightError

KINDS = ["github", "gitlab", "gitea", "bitbucket"]
FETCHER = Fetcher(Guard(("127.0.0.1",)))
WHSEC = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="


@dataclass
class Ground:
    kind: str
    name: str
    there: StandIn
    server: Server
    ours: Client

    def changes(self) -> list[tuple[str, str]]:
        return [(seen.method, seen.path) for seen in self.server.seen if seen.method != "GET"]


@pytest.fixture(params=KINDS)
def ground(request: pytest.FixtureRequest, serve: Serve) -> Ground:
    return prepared(request.param, serve)


def prepared(kind: str, serve: Serve) -> Ground:
    there = StandIn(kind)
    server = serve(there)
    token = Token(TOKEN, USER if kind == "bitbucket" else "")
    name = "group/sub/shop" if kind == "gitlab" else "alice/shop"
    return Ground(kind, name, there, server, client(kind, server.url, token, FETCHER))


def test_a_connection_that_does_says_who_we_are(ground: Ground) -> None:
    good = Checked(True, "bot", "connected as bot", "")
    assert ground.ours.check() == good
    assert ground.ours.check(ground.name) == good


def test_a_wrong_token_is_told(ground: Ground) -> None:
    wrong = client(ground.kind, ground.server.url, Token("wrong"), FETCHER).check(ground.name)
    assert (wrong.ok, wrong.login) == (False, "")
    assert wrong.message == "the forge does not take the token: Bad credentials"
    assert "make a new one" in wrong.remedy and "token" in wrong.remedy


def test_a_repository_that_is_not_visible_is_told(ground: Ground) -> None:
    told = ground.ours.check("alice/other")
    assert (told.ok, told.login) == (False, "bot")
    assert "not there, or not visible" in told.message and "name" in told.remedy


def test_a_name_that_is_none_is_not_asked_for(ground: Ground) -> None:
    for bad in ("shop", "../shop", "a/b?c", "a/../../user", "a/b c", "a/b#c"):
        assert "repository" in ground.ours.check(bad).message
    assert {seen.path for seen in ground.server.seen} <= {"/user", "/personal_access_tokens/self"}


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_an_account_that_may_not_write_is_told(kind: str, serve: Serve) -> None:
    ground = prepared(kind, serve)
    ground.there.writes = False
    told = ground.ours.check(ground.name)
    assert (told.ok, told.login, told.remedy) == (False, "bot", ground.ours.api.rights)
    assert told.message == f"the token's account may not write to {ground.name}"


@pytest.mark.parametrize(
    ("kind", "scopes", "message"),
    [
        ("github", "gist, read:org", "the token lacks the scope repo"),
        ("github", "repo, gist", "connected as bot"),
        ("github", "public_repo, repo:status", "connected as bot"),
        ("gitlab", "read_api,read_user", "the token lacks the scope api"),
        ("gitlab", "api", "connected as bot"),
    ],
)
def test_a_scope_that_is_missing_is_told(
    kind: str, scopes: str, message: str, serve: Serve
) -> None:
    ground = prepared(kind, serve)
    ground.there.scopes = scopes
    assert ground.ours.check(ground.name).message == message


def test_a_host_that_does_not_answer_is_told() -> None:
    lost = Fetcher(Guard(resolver=lambda host, port: []))
    told = client("gitea", "https://git.example.org/api/v1", Token(TOKEN), lost).check()
    assert not told.ok and "no host 'git.example.org'" in told.message and "DNS" in told.remedy


def test_a_host_in_the_private_network_is_told() -> None:
    told = client("gitea", "https://10.0.0.5/api/v1", Token(TOKEN), Fetcher(Guard())).check()
    assert not told.ok and "not public" in told.message and "owner can permit" in told.remedy


def test_an_address_that_is_no_api_is_told(ground: Ground) -> None:
    ground.there.tell = lambda seen: Reply(200, b"<html>")
    told = ground.ours.check()
    assert not told.ok and told.message == "the body is no JSON"


STATES: dict[str, dict[State, str]] = {
    "github": {"pending": "pending", "running": "pending", "success": "success",
               "failure": "failure", "cancelled": "error"},
    "gitea": {"pending": "pending", "running": "pending", "success": "success",
              "failure": "failure", "cancelled": "error"},
    "gitlab": {"pending": "pending", "running": "running", "success": "success",
               "failure": "failed", "cancelled": "canceled"},
    "bitbucket": {"pending": "INPROGRESS", "running": "INPROGRESS", "success": "SUCCESSFUL",
                  "failure": "FAILED", "cancelled": "STOPPED"},
}  # fmt: skip


def test_each_state_is_shown_in_the_forges_words(ground: Ground) -> None:
    page = "https://portwright.example/runs/7"
    for state in STATES[ground.kind]:
        ground.ours.set_status(ground.name, B, state, page, "Deployed", "portwright/production")
    assert [body["state"] for _, body in ground.there.states] == [*STATES[ground.kind].values()]
    where, body = ground.there.states[0]
    assert where == B
    common = {"state": STATES[ground.kind]["pending"], "description": "Deployed"}
    name, context = {
        "gitlab": ("target_url", {"name": "portwright/production"}),
        "bitbucket": ("url", {"key": "portwright/production", "name": "portwright/production"}),
    }.get(ground.kind, ("target_url", {"context": "portwright/production"}))
    assert body == {**common, name: page, **context}


def test_gitlab_refuses_the_same_state_twice_and_that_is_well(serve: Serve) -> None:
    ground = prepared("gitlab", serve)
    words = "Cannot transition status via :run from :running (Reason(s): Status cannot transition)"
    ground.there.tell = lambda seen: reply(400, {"message": words})
    ground.ours.set_status(ground.name, B, "running", "https://x.example/", "", "portwright")
    ground.there.tell = lambda seen: reply(400, {"message": "state does not have a valid value"})
    with pytest.raises(Answered) as caught:
        ground.ours.set_status(ground.name, B, "running", "https://x.example/", "", "portwright")
    assert caught.value.status == 400


def test_bitbuckets_keys_are_short(serve: Serve) -> None:
    ground = prepared("bitbucket", serve)
    for context in ("c" * 40, "c" * 41, "c" * 42):
        ground.ours.set_status(ground.name, B, "success", "https://x.example/", "", context)
    keys = [body["key"] for _, body in ground.there.states]
    assert [len(key) for key in keys] == [40, 40, 40] and len(set(keys)) == 3


def test_a_state_goes_to_a_whole_commit_only(ground: Ground) -> None:
    for bad in ("main", B[:12], "../" + B, B.upper()):
        with pytest.raises(PortwrightError) as caught:
            ground.ours.set_status(ground.name, bad, "success", "https://x.example/", "", "c")
        assert caught.value.path == "commit"
    assert ground.server.seen == []


def test_the_first_digits_of_a_commit_become_all(ground: Ground) -> None:
    assert ground.ours.commit(ground.name, B[:12]) == B
    assert ground.ours.commit(ground.name, "main") == B
    with pytest.raises(Answered):
        ground.ours.commit(ground.name, "other")


def text(ground: Ground, body: str) -> str:
    return f"{ground.ours.marker}\n{body}"


def test_one_comment_is_written_and_then_changed(ground: Ground) -> None:
    first = ground.ours.comment(ground.name, 5, "Building")
    again = ground.ours.comment(ground.name, 5, "Ready", first)
    assert first == again
    assert ground.there.comments == {int(first): ("bot", text(ground, "Ready"))}


def test_a_comment_whose_id_was_lost_is_found_by_its_marker(ground: Ground) -> None:
    first = ground.ours.comment(ground.name, 5, "Building")
    assert ground.ours.comment(ground.name, 5, "Ready") == first
    assert ground.ours.comment(ground.name, 5, "Still", "99999") == first
    assert ground.there.comments == {int(first): ("bot", text(ground, "Still"))}


def test_a_comment_that_was_deleted_is_written_anew(ground: Ground) -> None:
    first = ground.ours.comment(ground.name, 5, "Building")
    ground.there.comments = {7: ("alice", "Nice")}
    second = ground.ours.comment(ground.name, 5, "Ready", first)
    assert ground.there.comments == {
        7: ("alice", "Nice"),
        int(second): ("bot", text(ground, "Ready")),
    }


def test_anothers_comment_with_our_marker_is_left_alone(ground: Ground) -> None:
    theirs = ("mallory", text(ground, "Click here"))
    ground.there.comments = {7: theirs, 8: ("bot", f"> {text(ground, 'quoted')}")}
    second = ground.ours.comment(ground.name, 5, "Ready")
    assert int(second) not in (7, 8) and ground.there.comments[7] == theirs


def test_our_comment_is_found_on_a_later_page(ground: Ground) -> None:
    ground.there.comments = {n: ("alice", "x") for n in range(1, 76)}
    first = ground.ours.comment(ground.name, 5, "Building")
    assert ground.ours.comment(ground.name, 5, "Ready") == first
    assert len(ground.there.comments) == 76


def test_a_comment_is_looked_for_on_so_many_pages_only(serve: Serve) -> None:
    ground = prepared("github", serve)
    endless = [{"id": 1, "user": {"login": "alice"}, "body": "x"}]
    ground.there.tell = lambda seen: reply(200, endless) if "/comments?" in seen.path else None
    ground.ours.comment(ground.name, 5, "Ready")
    assert len([seen for seen in ground.server.seen if "/comments?" in seen.path]) == 25


def test_long_comments_are_cut(ground: Ground) -> None:
    made = ground.ours.comment(ground.name, 5, "x" * 100_000)
    kept = ground.there.comments[int(made)][1]
    assert kept.endswith("cut here") and len(kept) < 31_000


def test_a_comment_is_deleted_also_twice(ground: Ground) -> None:
    made = ground.ours.comment(ground.name, 5, "Ready")
    ground.ours.delete_comment(ground.name, 5, made)
    ground.ours.delete_comment(ground.name, 5, made)
    assert ground.there.comments == {}


def test_ids_that_are_none_are_not_asked_for(ground: Ground) -> None:
    for bad in ("../../../user", "1/2", "", "1?x", "{../}"):
        with pytest.raises(PortwrightError) as caught:
            ground.ours.delete_comment(ground.name, 5, bad)
        assert caught.value.path == "comment"
        with pytest.raises(PortwrightError):
            ground.ours.remove_hook(ground.name, bad)
    assert ground.server.seen == []


def test_bitbuckets_repository_tokens_do_not_know_who_they_are(serve: Serve) -> None:
    """Then only what can be changed is ours."""
    ground = prepared("bitbucket", serve)
    ground.there.comments = {7: ("mallory", text(ground, "Click here"))}

    def tell(seen: Seen) -> Reply | None:
        refused = seen.path == "/user" or (seen.method == "PUT" and seen.path.endswith("/7"))
        return reply(403, {"error": {"message": "no"}}) if refused else None

    ground.there.tell = tell
    assert ground.ours.check(ground.name) == Checked(True, "", "connected", "")
    made = ground.ours.comment(ground.name, 5, "Building")
    assert ground.ours.comment(ground.name, 5, "Ready") == made != "7"


def test_open_pull_requests_of_all_pages(ground: Ground) -> None:
    many = [open_pull_request(ground.kind, number) for number in range(1, 46)]
    ground.there.pull_requests = many
    found = ground.ours.pull_requests(ground.name)
    assert [each.number for each in found] == [*range(1, 46)]
    first = found[0]
    short = B[:12] if ground.kind == "bitbucket" else B
    assert (first.action, first.head_branch, first.head_commit) == ("opened", "hello", short)
    assert (first.base_branch, first.fork, first.author) == ("main", False, "bob")
    assert (first.title, first.repository.full_name) == ("Say hello", ground.name)
    assert first.head_clone_url == first.repository.clone_url


def test_a_pull_request_that_can_not_be_used_hides_no_other(ground: Ground) -> None:
    bad: Json = {"gitlab": {"source_branch": "--x"}, "bitbucket": {"source__branch__name": "--x"}}.get(
        ground.kind, {"head__ref": "--x"}
    )  # fmt: skip
    good = open_pull_request(ground.kind, 2)
    ground.there.pull_requests = [changed(good, **bad), good]
    assert [each.number for each in ground.ours.pull_requests(ground.name)] == [2]


def test_forks_are_told_as_such(ground: Ground) -> None:
    shown = open_pull_request(ground.kind, 5)
    theirs: Json = {
        "gitlab": {"source_project_id": 16},
        "bitbucket": {"source__repository": sent.bitbucket_repository("bob/shop")},
    }.get(ground.kind, {"head__repo": sent.repository("github.com", "bob/shop", 8)})
    ground.there.pull_requests = [changed(shown, **theirs)]
    (found,) = ground.ours.pull_requests(ground.name)
    assert found.fork and found.head_clone_url != found.repository.clone_url


def test_the_whole_commit_of_a_pull_request(ground: Ground) -> None:
    ground.there.commits = [B, A]
    assert ground.ours.head_of(ground.name, 5, B[:12]) == B


def test_bitbuckets_pull_request_must_hold_just_one_such_commit(serve: Serve) -> None:
    """A second one that begins alike is quickly made."""
    ground = prepared("bitbucket", serve)
    twin = B[:12] + "0" * 28
    for commits, words in (
        ([A], f"no commit of pull request 5 begins with {B[:12]}"),
        ([B, A, twin], f"more than one commit of pull request 5 begins with {B[:12]}"),
    ):
        ground.there.commits = commits
        with pytest.raises(PortwrightError) as caught:
            ground.ours.head_of(ground.name, 5, B[:12])
        assert (caught.value.message, caught.value.path) == (words, "commit")
    ground.there.commits = ["../../user"]
    with pytest.raises(PortwrightError):
        ground.ours.head_of(ground.name, 5, B[:12])


URL = "https://portwright.example/hooks/abc"
HOOKS: dict[str, Json] = {
    "github": {
        "name": "web",
        "active": True,
        "events": ["push", "pull_request", "repository"],
        "config": {"url": URL, "content_type": "json", "secret": "s3cret", "insecure_ssl": "0"},
    },
    "gitea": {
        "type": "gitea",
        "active": True,
        "events": ["push", "pull_request_only", "pull_request_sync"],
        "config": {"url": URL, "content_type": "json", "secret": "s3cret"},
    },
    "gitlab": {
        "url": URL,
        "token": "s3cret",
        "push_events": True,
        "tag_push_events": True,
        "merge_requests_events": True,
        "enable_ssl_verification": True,
    },
    "bitbucket": {
        "description": "Portwright",
        "url": URL,
        "active": True,
        "secret": "s3cret",
        "events": [
            "repo:push",
            "repo:updated",
            "pullrequest:created",
            "pullrequest:updated",
            "pullrequest:fulfilled",
            "pullrequest:rejected",
        ],
    },
}


def test_a_hook_is_made_and_taken_away(ground: Ground) -> None:
    made = ground.ours.add_hook(ground.name, URL, "s3cret")
    assert ground.there.hooks == {made: HOOKS[ground.kind]}
    ground.ours.remove_hook(ground.name, made)
    ground.ours.remove_hook(ground.name, made)
    assert ground.there.hooks == {}


def test_gitlab_gets_a_signing_token_and_not_in_the_clear(serve: Serve) -> None:
    ground = prepared("gitlab", serve)
    made = ground.ours.add_hook(ground.name, URL, WHSEC)
    hook = ground.there.hooks[made]
    assert hook["signing_token"] == WHSEC and "token" not in hook


def test_a_gitlab_that_does_not_sign_keeps_no_hook(serve: Serve) -> None:
    ground = prepared("gitlab", serve)
    ground.there.tell = lambda seen: reply(201, {"id": 7}) if seen.method == "POST" else None
    with pytest.raises(PortwrightError) as caught:
        ground.ours.add_hook(ground.name, URL, WHSEC)
    assert caught.value.path == "secret"
    assert [method for method, _ in ground.changes()] == ["POST", "DELETE"]


@pytest.mark.parametrize(
    ("status", "headers", "at_least"),
    [
        (429, {"Retry-After": "7"}, 7),
        (429, {}, 60),
        (403, {"Retry-After": "30"}, 30),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, 3600),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 1),
        (429, {"RateLimit-Reset": "soon"}, 60),
        (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1),
        (429, {"Retry-After": "never"}, 60),
        (503, {"Retry-After": "5"}, 5),
        (502, {}, 60),
    ],
)
def test_a_forge_that_asks_for_patience_says_how_long(
    status: int, headers: dict[str, str], at_least: int, serve: Serve
) -> None:
    ground = prepared("github", serve)
    ground.there.tell = lambda seen: Reply(status, b"{}", headers)
    with pytest.raises(Later) as caught:
        ground.ours.comment(ground.name, 5, "Ready")
    assert caught.value.seconds == at_least
    told = ground.ours.check()
    assert not told.ok and told.message == caught.value.message


def test_a_refusal_that_is_no_limit_is_told_in_the_forges_words(ground: Ground) -> None:
    words = "Resource not accessible by personal access token"
    ground.there.tell = lambda seen: reply(403, {"message": words})
    with pytest.raises(Answered) as caught:
        ground.ours.add_hook(ground.name, URL, "s3cret")
    assert caught.value.status == 403
    assert caught.value.message == f"the token may not do this: {words}"
    assert caught.value.remedy == ground.ours.api.rights


def test_a_forge_that_repeats_the_token_does_not_spread_it(ground: Ground) -> None:
    ground.there.tell = lambda seen: reply(422, {"message": f"got {seen.headers['authorization']}"})
    with pytest.raises(Answered) as caught:
        ground.ours.add_hook(ground.name, URL, "s3cret")
    scheme = "Basic" if ground.kind == "bitbucket" else "Bearer"
    assert caught.value.message == f"the forge answers 422: got {scheme} ***"


HOSTILE = [b"[]", b"7", b"null", b'{"id": {}}', b'{"id": "../1"}', b'{"id": -1}', b'"x"', b"[" * 9999]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_answers_are_errors_of_ours(body: bytes, ground: Ground) -> None:
    ground.there.tell = lambda seen: Reply(200, body)
    for ask in (
        lambda: ground.ours.add_comment(ground.name, 5, "x"),
        lambda: ground.ours.add_hook(ground.name, URL, "s3cret"),
        lambda: ground.ours.commit(ground.name, "main"),
        lambda: ground.ours.me(),
    ):
        with pytest.raises(PortwrightError) as caught:
            ask()
        assert caught.value.remedy


def test_tokens_that_can_not_be_sent_are_refused_and_none_is_shown() -> None:
    for bad in ("", "a b", "a\nb", "a\r\nX: y", "é"):
        with pytest.raises(PortwrightError) as caught:
            Token(bad)
        assert caught.value.path == "token"
    assert "hidden" not in repr(Token("hidden")) + repr(App("1", 2, "hidden"))


def test_kinds_without_an_api_and_credentials_of_another_kind_are_told() -> None:
    with pytest.raises(PortwrightError) as caught:
        client("generic", "https://x.example", Token("t"), FETCHER)
    assert caught.value.path == "kind"
    with pytest.raises(PortwrightError) as caught:
        client("gitlab", "https://x.example", App("1", 2, "pem"), FETCHER)
    assert caught.value.path == "credentials"
    for url in (
        "",
        "x.example",
        "https://a:b@x.example",
        "https://x.example/?a=b",
        "https://x/../y",
    ):
        with pytest.raises(PortwrightError) as caught:
            client("gitea", url, Token("t"), FETCHER)
        assert caught.value.path == "api_url"


@pytest.mark.parametrize(
    ("kind", "repository", "expected"),
    [
        ("github", "https://github.com/a/b.git", "https://api.github.com"),
        ("github", "https://ghe.example.org/a/b.git", "https://ghe.example.org/api/v3"),
        ("gitlab", "https://gitlab.com/a/b/c.git", "https://gitlab.com/api/v4"),
        ("gitea", "http://10.0.0.5:3000/a/b.git", "http://10.0.0.5:3000/api/v1"),
        ("bitbucket", "https://bitbucket.org/a/b.git", "https://api.bitbucket.org/2.0"),
        ("generic", "https://x.example/a.git", ""),
        ("github", "git@github.com:a/b.git", ""),
    ],
)
def test_where_the_api_of_a_repository_is(kind: str, repository: str, expected: str) -> None:
    assert api_url_of(kind, repository) == expected


def test_what_is_sent_is_json_and_comes_over_as_it_was(ground: Ground) -> None:
    ground.ours.comment(ground.name, 5, "Grüße\n`x`")
    assert ground.server.seen[-1].headers["content-type"] == "application/json"
    assert [*ground.there.comments.values()] == [("bot", text(ground, "Grüße\n`x`"))]
