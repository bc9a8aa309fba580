"""Who signed a hook: each forge's scheme, by the kind that is kept and never by the header that came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.registry import FORGES, forge
from forges.signatures import standard_signed
from stacks.errors import PortwrightError

SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"
# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
PUBLISHED = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
HUB = {"X-Hub-Signature-256": f"sha256={PUBLISHED}"}
KEY = b"portwright-test-key-of-32-bytes!"
WHSEC = f"whsec_{base64.b64encode(KEY).decode()}"


def standard(key: bytes, body: bytes, at: float, sent: str = "msg_1") -> dict[str, str]:
    content = f"{sent}.{int(at)}.".encode() + body
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": sent,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"v1,{digest}",
    }


SCHEMES: list[tuple[str, Mapping[str, str]]] = [
    ("github", HUB),
    ("gitea", HUB),
    ("gitea", {"X-Gitea-Signature": PUBLISHED}),
    ("bitbucket", {"X-Hub-Signature": f"sha256={PUBLISHED}"}),
    ("generic", HUB),
    ("generic", {"X-Portwright-Signature": PUBLISHED}),
    ("gitlab", {"X-Gitlab-Token": SECRET}),
]


@pytest.mark.parametrize(("kind", "headers"), SCHEMES)
def test_who_knows_the_secret_is_believed(kind: str, headers: Mapping[str, str]) -> None:
    signed = forge(kind).signed
    assert signed([SECRET], headers, BODY)
    assert signed([SECRET], {name.lower(): value for name, value in headers.items()}, BODY)
    assert not signed(["other"], headers, BODY)
    assert not signed([], headers, BODY)
    assert not signed([SECRET], {}, BODY)


@pytest.mark.parametrize(("kind", "headers"), SCHEMES)
def test_several_secrets_live_while_one_is_replaced(kind: str, headers: Mapping[str, str]) -> None:
    assert forge(kind).signed(["new", SECRET, "older"], headers, BODY)
    assert not forge(kind).signed(["new", "older"], headers, BODY)


@pytest.mark.parametrize(("kind", "headers"), [each for each in SCHEMES if each[0] != "gitlab"])
def test_another_body_is_not_what_was_signed(kind: str, headers: Mapping[str, str]) -> None:
    assert not forge(kind).signed([SECRET], headers, BODY + b" ")


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("github", {"X-Gitea-Signature": PUBLISHED}),
        ("github", {"X-Gitlab-Token": SECRET}),
        ("github", {"X-Hub-Signature": f"sha256={PUBLISHED}"}),
        ("gitea", {"X-Gitlab-Token": SECRET}),
        ("bitbucket", HUB),
        ("gitlab", HUB),
        ("generic", {"X-Gitlab-Token": SECRET}),
    ],
)
def test_another_forges_scheme_is_not_taken(kind: str, headers: Mapping[str, str]) -> None:
    assert not forge(kind).signed([SECRET], headers, BODY)


def test_an_empty_secret_signs_nothing() -> None:
    empty = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    for kind in ("github", "gitea", "bitbucket", "generic"):
        headers = {"X-Hub-Signature-256": empty, "X-Hub-Signature": empty}
        assert not forge(kind).signed([""], headers, BODY)
    assert not forge("gitlab").signed([""], {"X-Gitlab-Token": ""}, BODY)
    assert not forge("gitlab").signed(["whsec_"], standard(b"", BODY, time.time()), BODY)


def test_gitlabs_signing_token_signs_id_moment_and_body() -> None:
    good = standard(KEY, BODY, time.time())
    signed = forge("gitlab").signed
    assert signed([WHSEC], good, BODY)
    assert signed(["other", WHSEC], good, BODY)
    assert not signed([WHSEC], good, BODY + b" ")
    assert not signed([WHSEC], {**good, "webhook-id": "msg_2"}, BODY)
    assert not signed([f"whsec_{base64.b64encode(b'x' * 32).decode()}"], good, BODY)


def test_a_signing_token_sent_along_as_it_is_proves_nothing() -> None:
    assert not forge("gitlab").signed([WHSEC], {"X-Gitlab-Token": WHSEC}, BODY)


def test_of_several_signatures_one_is_enough() -> None:
    good = standard(KEY, BODY, time.time())
    several = {**good, "webhook-signature": f"v1,AAAA v2,x {good['webhook-signature']}"}
    assert forge("gitlab").signed([WHSEC], several, BODY)


@pytest.mark.parametrize(("seconds", "believed"), [(0, 1), (299, 1), (-299, 1), (301, 0), (-301, 0)])  # fmt: skip
def test_what_is_older_than_five_minutes_is_a_replay(seconds: int, believed: int) -> None:
    now = 1_700_000_000.0
    headers = standard(KEY, BODY, now + seconds)
    assert standard_signed([WHSEC], headers, BODY, lambda: now) is bool(believed)


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "9" * 30, "١٢٣"])
def test_a_moment_that_is_none_is_refused(stamp: str) -> None:
    headers = {**standard(KEY, BODY, time.time()), "webhook-timestamp": stamp}
    assert not forge("gitlab").signed([WHSEC], headers, BODY)


@pytest.mark.parametrize("secret", ["whsec_%%%", "whsec_a", "whsec_é"])
def test_a_signing_token_that_is_no_base64_signs_nothing(secret: str) -> None:
    assert not forge("gitlab").signed([secret], standard(KEY, BODY, time.time()), BODY)


@given(st.sampled_from(sorted(FORGES)), st.text(), st.binary(max_size=20), st.text(min_size=1))
def test_no_header_that_was_guessed_is_believed(
    kind: str, given_: str, body: bytes, secret: str
) -> None:
    names = ["X-Hub-Signature-256", "X-Hub-Signature", "X-Gitea-Signature", "webhook-signature",
             "X-Portwright-Signature", "webhook-id"]  # fmt: skip
    headers = {**dict.fromkeys(names, given_), "webhook-timestamp": str(int(time.time()))}
    assert not forge(kind).signed([secret.encode(errors="replace").decode()], headers, body)


@pytest.mark.parametrize(
    ("kind", "headers", "delivery"),
    [
        ("github", {"X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
         "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("gitea", {"x-gitea-delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473"},
         "f6266f16-1bf3-46a5-9ea4-602e06ead473"),
        ("gitlab", {"Idempotency-Key": "cf5c75b3", "X-Gitlab-Event-UUID": "other"}, "cf5c75b3"),
        ("gitlab", {"Idempotency-Key": "x", "webhook-id": "msg_1"}, "msg_1"),
        ("bitbucket", {"X-Request-UUID": "{9f2f6a4c-1}"}, "{9f2f6a4c-1}"),
        ("generic", {"X-Portwright-Delivery": "1"}, "1"),
        ("generic", {"X-GitHub-Delivery": "1"}, None),
        ("github", {"X-GitHub-Delivery": "a" * 101}, None),
        ("github", {"X-GitHub-Delivery": "a b"}, None),
        ("github", {}, None),
    ],
)  # fmt: skip
def test_each_delivery_has_its_id(
    kind: str, headers: Mapping[str, str], delivery: str | None
) -> None:
    assert forge(kind).delivery(headers) == delivery


def test_there_is_no_other_kind() -> None:
    with pytest.raises(PortwrightError) as caught:
        forge("sourcehut")
    assert caught.value.path == "kind" and "github" in caught.value.remedy
