"""When a registry is asked, where an image is pulled from, and what a failure says. Real pulls are
in tests/system/test_51_pulls.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stacks.docker.images.login import Login
from stacks.docker.images.pull import failure
from stacks.docker.images.reference import Reference
from stacks.docker.images.resolve import Known, Policy, Resolver, is_due
from stacks.errors import PortwrightError

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


class NoRecords:
    def get(self, name: str) -> Known | None:
        return None

    def put(self, known: Known) -> None:
        raise AssertionError(f"{known.name} was not pulled")

    def holds(self, image_id: str) -> bool:
        return False


def resolver(source: str = "auto", client: Any = None) -> Resolver:
    return Resolver(
        client,
        source,
        "127.0.0.1:8703",
        NoRecords(),
        {}.get,
        lambda host: None,
        prove=lambda source, image: None,
        instance="pw",
        project="shop",
    )


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("postgres:17", "mirror.example.com/hub/library/postgres:17"),
        ("team/app:2", "mirror.example.com/hub/team/app:2"),
        (f"team/app@{DIGEST}", f"mirror.example.com/hub/team/app@{DIGEST}"),
        ("portwright/python:3.13", "127.0.0.1:8703/portwright/python:3.13"),
        ("quay.io/team/app:2", "quay.io/team/app:2"),
        ("registry:5000/app:2", "registry:5000/app:2"),
    ],
)
def test_a_mirror_replaces_docker_hub_only(name: str, where: str) -> None:
    wanted = Reference.parse(name)
    assert resolver("mirror:mirror.example.com/hub").source_name(wanted).canonical == where
    for source in ("auto", "registry"):
        expected = Reference.parse(where) if "portwright/" in name else wanted
        assert resolver(source).source_name(wanted) == expected


@pytest.mark.parametrize(
    ("policy", "hours", "due"),
    [("missing", 1000, False), ("always", 0, True), ("daily", 23, False), ("daily", 24, True)],
)
def test_policies_say_when_a_tag_is_asked_for_again(policy: Policy, hours: int, due: bool) -> None:
    checked = AT - timedelta(hours=hours)
    known = Known("docker.io/library/app:1", "sha256:1", DIGEST, checked, True, "")
    assert is_due(known, Reference.parse("app:1"), policy, AT) is due
    assert not is_due(known, Reference.parse(f"app@{DIGEST}"), policy, AT)


@pytest.mark.parametrize(
    ("answer", "message", "remedy"),
    [
        ("pull access denied for app, repository does not exist or may require 'docker login'",
         "ghcr.io needs credentials for ghcr.io/me/app:1", "portwright registries set shop ghcr.io"),
        ("Head https://ghcr.io/v2/: unauthorized: authentication required",
         "ghcr.io needs credentials", "registries set shop ghcr.io"),
        ("manifest for ghcr.io/me/app:1 not found: manifest unknown: manifest unknown",
         "ghcr.io has no image ghcr.io/me/app:1", "tag"),
        ("toomanyrequests: You have reached your unauthenticated pull rate limit",
         "the limit is reached", "set credentials"),
        ("Get https://ghcr.io/v2/: x509: certificate signed by unknown authority",
         "the certificate of ghcr.io is not trusted", "--ca FILE"),
        ("Get https://ghcr.io/v2/: http: server gave HTTP response to HTTPS client",
         "does not use TLS", "certificate"),
        ("Get https://ghcr.io/v2/: dial tcp: lookup ghcr.io on 1.1.1.1:53: no such host",
         "the registry host ghcr.io was not found", "DNS"),
        ("Get https://ghcr.io/v2/: dial tcp 1.2.3.4:443: connect: connection refused",
         "ghcr.io does not answer", "running"),
        ("no matching manifest for linux/riscv64 in the manifest list entries",
         "not available for this host's processor", "choose"),
        ("write /var/lib/docker/tmp/x: no space left on device", "the disk is full", "free"),
        ("<script>alert('SECRET')</script>", "ghcr.io did not deliver ghcr.io/me/app:1", "log"),
    ],
)  # fmt: skip
def test_a_failure_says_what_happened_in_our_own_words(
    answer: str, message: str, remedy: str
) -> None:
    error = failure(Reference.parse("ghcr.io/me/app:1"), None, "shop", answer)
    assert message in error.message and remedy in error.remedy and error.path == "image"
    for word in ("docker login", "SECRET", "1.1.1.1", "/var/lib"):
        assert word not in f"{error.message} {error.remedy}"


def test_a_refused_user_is_named_and_the_password_is_not() -> None:
    login = Login("me", "hunter2")
    source = Reference.parse("ghcr.io/me/app:1")
    error = failure(source, login, "shop", "denied: requested access to the resource is denied")
    assert error.message == (
        "ghcr.io refused user 'me' for ghcr.io/me/app:1 (or the image does not exist)"
    )
    assert "hunter2" not in f"{error} {error.remedy} {login!r}"


@pytest.mark.parametrize(
    "name", ["pw/other/web:1", "docker.io/pw/other/web:1", "pw/shop-web:1", "pw/shop:1"]
)
def test_images_of_the_platform_are_refused_before_anything_is_looked_up(name: str) -> None:
    with pytest.raises(PortwrightError, match="not an image of this project"):
        resolver().resolve(name, print)
