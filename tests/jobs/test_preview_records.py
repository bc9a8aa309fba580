"""DNS records of previews: made with the first plan, gone with the preview, tried again, told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from cloudflare_standin import StandIn, Token
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from nameserver import NameServer
from rows import add_release
from sqlalchemy.orm import Session

from forges.events import PullRequest, Repository
from jobs import errands
from jobs.models import Event, Preview, Project, Run, now
from jobs.previews import lifecycle, records
from jobs.previews.policy import set_policy
from jobs.settings import Settings
from zones.keeping import Kept
from zones.resolver import Resolver

SECRET = "tok-3nLx_pVt9QwZr7YbKc2MhGd5"
HERE = "203.0.113.7"
SEVEN, API = "pr-7-shop.apps.example.com", "api-pr-7-shop.apps.example.com"
PULL = PullRequest(
    "opened", 7, "Teal", "teal", "a" * 40, "main", False, "bob", "https://x/7", None,
    Repository("alice/shop", "https://example.com/alice/shop.git", ""),
)  # fmt: skip
MADE = Kept(True, "its record is made")


class Watched(StandIn):
    """transactions: whether the session had one open, at each request."""

    session: Session

    def __init__(self) -> None:
        self.transactions: list[bool] = []
        super().__init__()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        self.transactions.append(self.session.in_transaction())
        super().handle(request)


@pytest.fixture
def standin() -> Iterator[Watched]:
    server = Watched()
    server.add_zone("example.com")
    server.tokens[SECRET] = Token()
    yield server
    server.close()


@pytest.fixture
def settings(settings: Settings, standin: StandIn) -> Settings:
    (settings.home / "keys/cloudflare-token").write_text(f"{SECRET}\n")
    return replace(
        settings, domain="apps.example.com", addresses=HERE, dns_api=standin.url, instance="pw"
    )


@pytest.fixture
def previews(session: Session, project: Project, standin: Watched) -> Project:
    standin.session = session
    set_policy(session, project, {"enabled": True}, by="alice")
    return project


def spec(*hosts: str) -> dict[str, Any]:
    return {"services": {host: {"routes": [{"host": host}]} for host in hosts}}


def tell(session: Session, settings: Settings, project: Project, **changes: Any) -> Run:
    (run,), _ = lifecycle.told(session, settings, project, replace(PULL, **changes), by="hook")
    session.commit()
    return run


def opened(session: Session, settings: Settings, project: Project, *hosts: str) -> Run:
    """Its deploy is planned, so that its names are known."""
    run = tell(session, settings, project)
    run.spec, run.state = spec(*hosts), "planning"
    session.commit()
    return run


def test_from_the_first_plan_to_the_end(
    session: Session, settings: Settings, previews: Project, standin: Watched
) -> None:
    assert not records.due(session, settings)
    run = tell(session, settings, previews)
    records.look(session, settings)
    assert standin.shown() == [] and not records.due(session, settings)  # no name is known yet
    run.spec = spec(SEVEN, API, "shop.example.net")
    session.commit()
    assert records.due(session, settings) and errands.due(session, settings)
    records.look(session, settings)
    assert standin.shown() == [f"{name} A {HERE} 300 portwright:pw" for name in (API, SEVEN)]
    assert records.known(settings).names == {SEVEN: MADE, API: MADE}
    assert not records.due(session, settings)

    run.spec = spec(SEVEN)  # its next commit has no api any more
    session.commit()
    records.look(session, settings)
    assert [line.split()[0] for line in standin.shown()] == [SEVEN]
    tell(session, settings, previews, action="merged")
    assert records.due(session, settings)
    records.look(session, settings)
    assert standin.shown() == [] and records.known(settings).names == {}
    told = session.query(Event).filter_by(action="dns.previews").order_by(Event.id)
    assert [each.detail["records"] for each in told] == [
        [f"make A {API}", f"make A {SEVEN}"], [f"remove A {API}"], [f"remove A {SEVEN}"],
    ]  # fmt: skip
    assert set(standin.transactions) == {False}


def test_what_serves_keeps_its_names_while_the_next_commit_is_not_planned(
    session: Session, settings: Settings, previews: Project, standin: StandIn
) -> None:
    run = tell(session, settings, previews)
    add_release(session, run.environment, 1).spec = spec(API)
    session.commit()
    records.look(session, settings)
    assert [line.split()[0] for line in standin.shown()] == [API]


@pytest.mark.parametrize("end", ["gone", "deleted", "closed"])
def test_a_preview_that_is_gone_any_way_has_no_record(
    session: Session, settings: Settings, previews: Project, standin: StandIn, end: str
) -> None:
    opened(session, settings, previews, SEVEN)
    records.look(session, settings)
    preview = session.query(Preview).one()
    if end == "gone":
        preview.gone_at = now()
    elif end == "deleted":
        previews.deleted_at = now()
    else:
        preview.state = "closed"
    session.commit()
    records.look(session, settings)
    assert standin.shown() == []


def test_one_that_nobody_remembers_is_found_within_the_hour(
    session: Session, settings: Settings, previews: Project, standin: StandIn
) -> None:
    """Such as when the file with what was made is lost."""
    tell(session, settings, previews)
    records.look(session, settings)
    standin.add_record(SEVEN, "A", HERE, comment="portwright:pw")
    standin.add_record(API, "A", HERE)
    assert not records.due(session, settings)
    later(settings)
    assert records.due(session, settings)
    records.look(session, settings)
    assert standin.shown() == [f"{API} A {HERE} 1 None"]


def later(settings: Settings) -> None:
    records.keep_state(settings, replace(records.known(settings), next=now()))


def test_a_provider_that_refuses_is_told_of_and_tried_again_by_time(
    session: Session, settings: Settings, previews: Project, standin: StandIn
) -> None:
    run = opened(session, settings, previews, SEVEN)
    token = standin.tokens.pop(SECRET)
    records.look(session, settings)
    problem = records.known(settings).problem
    assert problem and problem["message"].startswith("Cloudflare refused: Invalid access token")
    assert SECRET not in (settings.home / records.FILE).read_text()
    session.refresh(run)
    assert (run.state, run.error) == ("planning", None)
    assert not records.due(session, settings)  # not at once
    assert records.known(settings).next <= now() + timedelta(minutes=1)  # type: ignore[operator]
    standin.tokens[SECRET] = token
    later(settings)
    records.look(session, settings)
    assert records.known(settings).problem is None and len(standin.shown()) == 1


def test_a_look_that_breaks_off_is_not_repeated_at_once(
    session: Session, settings: Settings, previews: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(session, settings, previews, SEVEN)

    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(records, "brought_up", broken)
        with pytest.raises(OSError, match="disk is full"):
            records.look(session, settings)
    assert not records.due(session, settings)
    later(settings)
    assert records.due(session, settings)


def test_names_of_this_machines_own_need_no_record(
    session: Session, settings: Settings, previews: Project
) -> None:
    opened(session, settings, previews, SEVEN)
    for domain in ("localhost", "dev.localhost"):
        assert not records.due(session, replace(settings, domain=domain))
    assert records.due(session, settings)


def test_without_a_token_it_is_looked_up_what_a_person_has_made(
    session: Session, settings: Settings, previews: Project, standin: StandIn
) -> None:
    (settings.home / "keys/cloudflare-token").unlink()
    opened(session, settings, previews, SEVEN, API)
    server = NameServer([f"pr-7-shop.apps A {HERE}"])
    try:
        resolver = Resolver(["127.0.0.1"], port=server.port, seconds=1.0)
        records.look(session, settings, resolver)
    finally:
        server.close()
    missing = f"A {HERE}: there is no such record yet: make it, then wait up to 300 s"
    assert records.known(settings).names == {
        SEVEN: Kept(True, "it answers"), API: Kept(False, missing),
    }  # fmt: skip
    assert standin.calls == []


def test_an_address_that_is_not_known_is_asked_for(
    session: Session, settings: Settings, previews: Project, standin: StandIn
) -> None:
    opened(session, settings, previews, SEVEN)
    records.look(session, replace(settings, addresses="0.0.0.0"))
    (kept,) = records.known(settings).names.values()
    assert kept.words.startswith("'0.0.0.0' is no address of a host")
    assert standin.shown() == []


@given(st.binary(max_size=200) | st.sampled_from([b"[]", b"{}", b'{"names": {"a": 1}}', b"null"]))
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_file_that_can_not_be_read_is_as_none(settings: Settings, content: bytes) -> None:
    path = settings.home / records.FILE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert records.known(settings) == records.State()
