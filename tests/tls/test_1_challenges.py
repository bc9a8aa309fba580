"""HTTP-01 (with the rehearsal, the redirect and the renewal), TLS-ALPN-01, and a wildcard by DNS-01."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography import x509
from ground import Ground
from processes import until

from jobs import reach
from jobs.settings import Settings
from jobs.tls import Tls
from stacks.spec import Spec


@contextmanager
def worker(settings: Settings) -> Iterator[Tls]:
    """Its part in HTTPS; what it started is ended."""
    tls = Tls(settings)
    try:
        yield tls
    finally:
        tls.rehearsal.stop()


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return found.value.get_values_for_type(x509.DNSName)


def until_issued(tls: Tls, acme: Ground, host: str) -> list[str]:
    """Look as the worker does, until visitors are sent to HTTPS; returns the stages in their order.

    Meanwhile each visitor is served.
    """
    stages: list[str] = []

    def issued() -> bool:
        (state,) = tls.look([host]).values()
        if stages[-1:] != [state.stage]:
            stages.append(state.stage)
        assert state.failure is None, state.failure
        code = acme.get(host).status_code
        assert code == 200 or (code, state.stage) == (302, "issued")
        return code == 302

    until(issued, 60, 0.2)
    return stages


def test_http01_tries_then_asks_then_redirects_then_renews(acme: Ground, service: Spec) -> None:
    host = "one.example.com"
    settings = acme.settings("http", acme_hours=1)
    before = acme.production.issued()
    with acme.traefik(settings), worker(settings) as tls:
        until(lambda: acme.get(host).status_code == 200)
        with pytest.raises(ssl.SSLError):
            acme.certificate(host)
        assert until_issued(tls, acme, host) == ["trying", "asked", "issued"]
        assert (acme.staging.issued(), acme.production.issued()) == (1, before + 1)
        assert tls.rehearsal.process is None
        location = acme.get(host, "/a?b=c").headers["Location"]
        assert location == f"https://{host}:{acme.secure}/a?b=c"
        assert acme.get(host, "/a?b=c", secure=True).text == "https /a?b=c"
        assert acme.get("web.shop.localhost", "/a").text == "http /a"
        assert reach.answers("127.0.0.1", host, acme.web, reach.path(settings))
        assert not reach.answers("127.0.0.1", host, acme.web, "/.well-known/portwright/other")
        first = acme.certificate(host)
        assert names(first) == [host]
        until(lambda: acme.certificate(host).serial_number != first.serial_number, 90, 1)
        (state,) = tls.look([host]).values()
        assert state.certificate and state.certificate.since >= first.not_valid_before_utc
        assert acme.get(host, secure=True).status_code == 200
    log = (settings.home / "log/access.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["entryPointName"] for line in lines} == {"web", "websecure"}
    assert "b=c" not in log and {line["RequestHost"] for line in lines} >= {host}


def test_tls_alpn_needs_no_port_80(acme: Ground, service: Spec) -> None:
    host = "two.example.com"
    settings = acme.settings("alpn", acme_challenge="tls")
    with acme.traefik(settings), worker(settings) as tls:
        until(lambda: acme.get(host).status_code == 200)
        assert until_issued(tls, acme, host) == ["asked", "issued"]
        assert acme.get(host, secure=True).text == "https /"
        assert names(acme.certificate(host)) == [host]


def test_dns01_gives_names_below_the_base_domain_one_wildcard(acme: Ground, service: Spec) -> None:
    host = "web.shop.apps.example.com"
    settings = acme.settings(
        "dns",
        domain="apps.example.com",
        acme_challenge="dns",
        acme_dns="httpreq",
        acme_dns_servers=f"127.0.0.1:{acme.dns.port}",
        hsts_days=1,
    )
    with acme.traefik(settings), worker(settings) as tls:
        until(lambda: acme.get(host).status_code == 200)
        assert until_issued(tls, acme, host) == ["trying", "asked", "issued"]
        answer = acme.get(host, secure=True)
        assert (answer.text, answer.headers["Strict-Transport-Security"]) == (
            "https /",
            "max-age=86400",
        )
        assert names(acme.certificate(host)) == ["*.shop.apps.example.com"]
        again = tls.look([host, "db.shop.apps.example.com"])
        assert [(state.name, state.stage) for state in again.values()] == [
            ("*.shop.apps.example.com", "issued")
        ]


def test_old_protocols_and_unknown_names_are_refused(acme: Ground, service: Spec) -> None:
    host = "three.example.com"
    settings = acme.settings("strict", acme_staging="none")
    with acme.traefik(settings), worker(settings) as tls:
        until(lambda: acme.get(host).status_code == 200)
        assert until_issued(tls, acme, host) == ["asked", "issued"]
        assert acme.get(host, secure=True).status_code == 200
        with pytest.raises(ssl.SSLError):
            acme.certificate("stranger.example.com")
        versions = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
        assert {version: acme.handshake(host, version) for version in versions} == {
            "TLSv1": "TLSV1_ALERT_PROTOCOL_VERSION",
            "TLSv1_1": "TLSV1_ALERT_PROTOCOL_VERSION",
            "TLSv1_2": "TLSv1.2",
            "TLSv1_3": "TLSv1.3",
        }
