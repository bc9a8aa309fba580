"""Certificates and failures as Traefik writes them, and the words for each refusal."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from jobs.certificates import Certificate, Failure, failed, failures, held
from jobs.issuing import LONGEST, REMEDIES, told

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=90)
LINE = {
    "level": "error",
    "providerName": "acme.acme",
    "domains": ["shop.example.com"],
    "error": "unable to generate a certificate for the domains [shop.example.com]: error: one or more "
    "domains had a problem:\n[shop.example.com] acme: error: 400 :: "
    "urn:ietf:params:acme:error:connection :: 203.0.113.9: Connection refused",
    "time": "2026-01-02T03:04:05+01:00",
    "message": "Unable to obtain ACME certificate for domains",
}


def pem(*names: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Let's Test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_certificates_are_read_from_every_resolver(tmp_path: Path) -> None:
    entry = {
        "domain": {"main": "*.shop.example.com"},
        "certificate": base64.b64encode(pem("*.shop.example.com")).decode(),
        "key": "never read",
    }
    storage = tmp_path / "acme.json"
    storage.write_text(json.dumps({"acme": {"Certificates": [entry]}, "b": {"Certificates": None}}))
    assert held(storage) == {
        "*.shop.example.com": Certificate(("*.shop.example.com",), "Let's Test", START, END)
    }


@pytest.mark.parametrize("text", [None, "", "{", "{}"])
def test_before_traefik_wrote_nothing_is_held(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "acme.json").write_text(text)
    assert held(tmp_path / "acme.json") == {}


def test_a_failure_is_read_with_its_problem(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("no json\n" + json.dumps(LINE) + "\n" + json.dumps({**LINE, "message": "x"}))
    assert failures(log, tmp_path / "none") == [
        Failure(
            "shop.example.com",
            datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC),
            "connection",
            "203.0.113.9: Connection refused",
            REMEDIES["connection"],
        )
    ]


def test_a_failed_renewal_is_read_too() -> None:
    message = "Error renewing ACME certificate: {shop.example.com []}"
    line = json.dumps({**LINE, "message": message, "domains": None})
    assert [each.name for each in failed(line)] == ["shop.example.com"]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        ("acme: error: 429 :: urn:ietf:params:acme:error:rateLimited :: too many", "rateLimited"),
        ("acme: error: 403 :: urn:ietf:params:acme:error:unauthorized :: 404", "unauthorized"),
        ("cannot get ACME client get directory at 'x': dial tcp 1.2.3.4:443: refused", "unreachable"),
        ("cannot get ACME client cloudflare: some credentials information are missing", "credentials"),
        ("propagation: time limit exceeded: last error: NXDOMAIN", "dns"),
        ("what nobody foresaw", ""),
    ],
)  # fmt: skip
def test_every_refusal_has_words(error: str, problem: str) -> None:
    found = told(error)
    assert found[0] == problem and found[1] and found[2]


@given(st.text())
def test_what_a_stranger_answered_is_one_short_line(text: str) -> None:
    cause = told(f"urn:ietf:params:acme:error:unauthorized :: {text}")[1]
    assert "\n" not in cause and len(cause) <= LONGEST and "\x1b" not in cause


@given(st.text() | st.dictionaries(st.text(), st.text()).map(json.dumps))
def test_no_line_of_a_log_breaks_the_reading(text: str) -> None:
    assert failed(text) == [] and failed(f"{text} ACME certificate") == []
