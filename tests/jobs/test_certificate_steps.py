"""Which step comes next for a certificate, and what Traefik is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from jobs.acme import certificate_name, credentials_digest, environment, resolver, staging
from jobs.certificates import Certificate, Failure
from jobs.domains import ANSWER, FORWARD, REDIRECT, State, decide, dynamic
from jobs.settings import Settings
from jobs.tls import Tls, asked_again
from stacks.routes import BASE_PRIORITY, PATH_PRIORITY

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOST = "shop.example.com"
GOOD = Certificate((HOST,), "Let's Test", NOW - timedelta(days=1), NOW + timedelta(days=89))
MINUTE = timedelta(minutes=1)


def failure(minutes: int) -> Failure:
    return Failure(HOST, NOW - minutes * MINUTE, "dns", "no such name", "add a record")


def decided(**more: object) -> State:
    given: dict[str, object] = {
        "held": {}, "tried": {}, "asked_failures": [], "tried_failures": [], "at": NOW, "again": {},
    }  # fmt: skip
    return decide([HOST], **{**given, **more})[HOST]  # type: ignore[arg-type]


def test_a_new_name_is_tried_first_then_asked_for_then_held() -> None:
    assert decided() == State(HOST, "trying")
    assert decided(tried={HOST: GOOD}) == State(HOST, "asked")
    assert decided(tried=None) == State(HOST, "asked")
    assert decided(held={HOST: GOOD}) == State(HOST, "issued", GOOD)


def test_a_failure_waits_longer_each_time_before_the_issuer_is_asked_again() -> None:
    waits = []
    for count in (1, 2, 3, 4, 9):
        state = decided(tried=None, asked_failures=[failure(0)] * count)
        assert state.stage == "failing" and state.retry_at
        waits.append(state.retry_at - NOW)
    assert waits == [15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 120 * MINUTE, 360 * MINUTE]


def test_the_staging_server_is_asked_sooner_and_its_failures_count_for_itself() -> None:
    assert decided(tried_failures=[failure(1)]).retry_at == NOW + MINUTE
    assert decided(tried_failures=[failure(3)]) == State(HOST, "trying", failure=failure(3))
    assert decided(tried={HOST: GOOD}, tried_failures=[failure(1)]) == State(HOST, "asked")


@pytest.mark.parametrize("problem", ["unreachable", "serverInternal", "rateLimited"])
def test_a_staging_server_that_is_not_to_be_had_holds_nothing_up(problem: str) -> None:
    away = replace(failure(1), problem=problem)
    assert decided(tried_failures=[failure(30), away]) == State(HOST, "asked")


def test_somebody_may_ask_for_another_attempt_once_per_failure() -> None:
    failures = [failure(9), failure(1)]
    assert decided(tried_failures=failures).stage == "failing"
    assert decided(tried_failures=failures, again={HOST: NOW}).stage == "trying"
    assert decided(tried_failures=failures, again={HOST: NOW - 5 * MINUTE}).stage == "failing"


def test_a_renewal_that_failed_is_told_while_the_certificate_is_good() -> None:
    old = failure(60 * 48)
    assert decided(held={HOST: GOOD}, asked_failures=[old]).failure is None
    state = decided(held={HOST: GOOD}, asked_failures=[old, failure(5)])
    assert (state.stage, state.failure) == ("issued", failure(5))


def told(
    stage: str, certificate: Certificate | None = None, **settings: object
) -> dict[str, object]:
    settled = {HOST} if certificate else set()
    states = {HOST: State(HOST, stage, certificate)}  # type: ignore[arg-type]
    made = dynamic(states, {HOST: HOST}, settled, Settings(https_port=443, **settings), NOW)  # type: ignore[arg-type]
    return made["http"]["routers"] if made else {}


def test_a_host_is_sent_to_https_only_while_its_certificate_is_good() -> None:
    expired = Certificate((HOST,), "x", NOW - 2 * MINUTE, NOW - MINUTE)
    redirect = {
        "rule": f"Host(`{HOST}`)",
        "entryPoints": ["web"],
        "priority": REDIRECT,
        "middlewares": ["to-https@file"],
        "service": "noop@internal",
    }
    assert told("issued", GOOD)["to-https"] == redirect
    assert "to-https" not in told("asked") and "to-https" not in told("issued", expired)


def test_a_name_that_fails_is_not_asked_for() -> None:
    assert told("failing") == {}
    assert list(told("asked")) == list(told("issued")) == ["certificate-shop-example-com"]


def test_only_a_challenge_by_http_goes_through_to_the_rehearsal() -> None:
    assert list(told("trying")) == ["try-shop-example-com"]
    assert told("trying", acme_challenge="dns") == {}


def test_what_traefik_is_told_comes_before_every_container() -> None:
    highest = BASE_PRIORITY + 10**9 + PATH_PRIORITY * 1010  # the longest path: fields.PATH_PREFIX
    assert highest < REDIRECT < ANSWER < FORWARD < 2**63


def test_names_below_the_base_domain_share_a_wildcard_where_dns_proves_them() -> None:
    apps = {"domain": "apps.example.com"}
    dns = Settings(acme_challenge="dns", acme_dns="httpreq", **apps)  # type: ignore[arg-type]
    host = "web.shop.apps.example.com"
    assert certificate_name(host, dns) == "*.shop.apps.example.com"
    assert certificate_name(HOST, dns) == HOST
    assert certificate_name(host, Settings(**apps)) == host  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "server"),
    [({}, "https://acme-staging-v02.api.letsencrypt.org/directory"),
     ({"acme_server": "staging"}, ""), ({"acme_server": "https://ca.example.com/dir"}, ""),
     ({"acme_staging": "none"}, ""), ({"acme_challenge": "tls"}, ""),
     ({"acme_server": "https://a/b", "acme_staging": "https://a/c"}, "https://a/c")],
)  # fmt: skip
def test_where_a_new_name_is_tried(given: dict[str, str], server: str) -> None:
    assert staging(Settings(**given)) == server  # type: ignore[arg-type]


def test_credentials_reach_traefik_as_names_of_files(settings: Settings) -> None:
    folder = settings.home / "keys/acme-dns"
    folder.mkdir()
    for name in ("CF_DNS_API_TOKEN", "README.md", "PATH=x"):
        (folder / name).write_text("s3cret")
    dns = Settings(
        home=settings.home, acme_challenge="dns", acme_dns="cloudflare", acme_ca="/ca.pem"
    )
    assert environment(dns) == {
        "CF_DNS_API_TOKEN_FILE": str(folder / "CF_DNS_API_TOKEN"),
        "LEGO_CA_CERTIFICATES": "/ca.pem",
        "LEGO_CA_SYSTEM_CERT_POOL": "true",
    }
    assert environment(settings) == {}


def test_a_changed_credential_changes_the_digest_that_restarts_traefik(settings: Settings) -> None:
    (settings.home / "keys/secret-key").write_text("k" * 40)
    (settings.home / "keys/acme-dns").mkdir()
    token = settings.home / "keys/acme-dns/CF_DNS_API_TOKEN"
    dns = replace(settings, acme_challenge="dns", acme_dns="cloudflare")
    found = set()
    for value in ("one", "two", "two"):
        token.write_text(value)
        found.add(credentials_digest(dns))
    assert len(found) == 2 and credentials_digest(settings) == ""


def test_the_dns_challenge_names_its_provider_and_servers() -> None:
    dns = Settings(acme_challenge="dns", acme_dns="httpreq", acme_dns_servers="192.0.2.1:53")
    assert resolver(dns, "https://ca/dir", dns.home / "acme.json")["acme"]["dnsChallenge"] == {
        "provider": "httpreq",
        "resolvers": ["192.0.2.1:53"],
        "propagation": {"requireAllRNS": True, "disableANSChecks": True},
    }


def test_nobody_asked_yet(session: object) -> None:
    assert asked_again(session) == {}  # type: ignore[arg-type]


def test_with_https_off_nobody_is_sent_there_any_more(settings: Settings, session: Session) -> None:
    told = settings.home / "traefik/dynamic/domains.yaml"
    told.parent.mkdir(parents=True)
    told.write_text("http: {}")
    Tls(settings)(session)
    Tls(settings)(session)
    assert not told.exists()
