"""Settings: every variable is read, and a bad one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.settings import Settings
from stacks.errors import PortwrightError


def test_every_variable_is_read() -> None:
    given = {
        "PORTWRIGHT_HOME": "/h", "PORTWRIGHT_CACHE": "/c", "PORTWRIGHT_INSTANCE": "abc",
        "PORTWRIGHT_BIND": "0.0.0.0", "PORTWRIGHT_PORTAL_PORT": "1", "PORTWRIGHT_HTTP_PORT": "2",
        "PORTWRIGHT_TRAEFIK_PORT": "3", "PORTWRIGHT_DATABASE": "postgres",
        "PORTWRIGHT_INSTALL": "build", "PORTWRIGHT_IMAGES": "mirror:host:5000/hub",
        "PORTWRIGHT_LIBRARY_PORT": "4",
    }  # fmt: skip
    assert Settings.from_environ(given) == Settings(
        Path("/h"),
        Path("/c"),
        "abc",
        "0.0.0.0",
        1,
        2,
        3,
        "postgres",
        "build",
        "mirror:host:5000/hub",
        4,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("INSTANCE", "Up;per"), ("INSTANCE", "a_b"), ("BIND", "localhost; x"), ("PORTAL_PORT", "0"),
     ("HTTP_PORT", "65536"), ("TRAEFIK_PORT", "x"), ("DATABASE", "mysql"), ("INSTALL", "apt"),
     ("HTTPS_PORT", "70000"), ("DOMAIN", "a b"), ("DOMAIN", "-x.example.com"),
     ("ACME_SERVER", "http://ca.example.com/dir"), ("ACME_SERVER", "prod"),
     ("ACME_CHALLENGE", "dns-01"), ("ACME_EMAIL", "x'y@example.com"), ("ACME_CA", "ca.pem"),
     ("ACME_DNS", "../x"), ("ACME_DNS_SERVERS", "x;y"), ("ACME_HOURS", "0"),
     ("ADDRESSES", "1.2.3"), ("ADDRESSES", "1.2.3.4;x"), ("ADDRESSES", "1.2.3.4,localhost"),
     ("DNS_API", "http://api.example.com"), ("DNS_API", "https://me@api.example.com"),
     ("IMAGES", "mirror:"), ("IMAGES", "mirror:-x"), ("IMAGES", "local"),
     ("LIBRARY_PORT", "65536")],
)  # fmt: skip
def test_a_bad_value_is_named_with_its_remedy(name: str, value: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        Settings.from_environ({f"PORTWRIGHT_{name}": value})
    assert caught.value.path == f"PORTWRIGHT_{name}" and caught.value.remedy


def test_the_dns_challenge_needs_its_provider() -> None:
    with pytest.raises(PortwrightError) as caught:
        Settings.from_environ({"PORTWRIGHT_ACME_CHALLENGE": "dns"})
    assert caught.value.path == "PORTWRIGHT_ACME_DNS"


def test_a_missing_key_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match="no key 'passphrase'") as caught:
        Settings(home=tmp_path).key("passphrase")
    assert "./quickstart" in caught.value.remedy
