"""A GitHub App: its signed statement, its token for an hour, its check runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from forge_payloads import B
from forge_servers import Reply, Seen, Serve
from stand_ins import reply

from forges.addresses import Guard
from forges.api import Api
from forges.clients import client
from forges.credentials import App
from forges.fetch import Fetcher
from forges.github.app import Installation, installation_of, statement
from stacks.errors import PortwrightError

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FETCHER = Fetcher(Guard(("127.0.0.1",)))
NOW = 1_700_000_000.0


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    ).decode()


APP = App("123456", 42, pem(KEY))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_statement_is_signed_by_the_apps_key() -> None:
    kind, _, token = statement(APP, lambda: NOW)["Authorization"].partition(" ")
    head, claims, signature = token.split(".")
    assert kind == "Bearer"
    assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT"}
    assert json.loads(decoded(claims)) == {
        "iat": int(NOW) - 60,
        "exp": int(NOW) + 540,
        "iss": "123456",
    }
    KEY.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())


@pytest.mark.parametrize("key", ["", "nonsense", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_is_none_is_told_at_once(key: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        client("github", "https://api.github.com", App("1", 2, key), FETCHER)
    assert caught.value.path == "key" and ".pem" in caught.value.remedy


def hour(at: float) -> str:
    return datetime.fromtimestamp(at + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tokens(clock: Callable[[], float]) -> Callable[[Seen], Reply]:
    made: list[int] = []

    def answer(seen: Seen) -> Reply:
        made.append(1)
        return reply(201, {"token": f"ghs_{len(made)}", "expires_at": hour(clock())})

    return answer


def test_a_token_is_kept_until_a_minute_before_its_end(serve: Serve) -> None:
    now = [NOW]
    server = serve(tokens(lambda: now[0]))
    api = Api(server.url, FETCHER, lambda: statement(APP), "")
    installation = Installation(APP, api, lambda: now[0])
    first = {"Authorization": "Bearer ghs_1"}
    assert [installation.headers(), installation.headers()] == [first, first]
    now[0] += 3539
    assert installation.headers() == first
    now[0] += 2
    assert installation.headers() == {"Authorization": "Bearer ghs_2"}
    assert [seen.path for seen in server.seen] == ["/app/installations/42/access_tokens"] * 2


@pytest.mark.parametrize("told", [{}, {"token": 7}, {"token": "x", "expires_at": "soon"}])
def test_an_answer_without_a_token_is_told(told: object, serve: Serve) -> None:
    server = serve(lambda seen: reply(201, told))
    ours = client("github", server.url, APP, FETCHER)
    with pytest.raises(PortwrightError) as caught:
        ours.pull_requests("alice/shop")
    assert caught.value.path in ("token", "expires_at")


class Forge:
    """Keeps check runs; knows the App by its statement and the installation by its token."""

    def __init__(self) -> None:
        self.runs: list[dict[str, object]] = []
        self.token = tokens(lambda: datetime.now(UTC).timestamp())

    def __call__(self, seen: Seen) -> Reply:
        as_app = seen.headers["authorization"].startswith("Bearer ey")
        path = seen.path.split("?")[0]
        if path == "/app/installations/42/access_tokens":
            return self.token(seen) if as_app else reply(401)
        if path == "/app":
            return reply(200, {"slug": "portwright"}) if as_app else reply(401)
        if path == "/repos/alice/shop/installation":
            return reply(200, {"id": 42}) if as_app else reply(401)
        if seen.headers["authorization"] != "Bearer ghs_1":
            return reply(401)
        if path == "/repos/alice/shop":
            return reply(200, {"full_name": "alice/shop"})
        body = json.loads(seen.body) if seen.body else {}
        if path == f"/repos/alice/shop/commits/{B}/check-runs":
            return reply(200, {"total_count": len(self.runs), "check_runs": self.runs})
        if (seen.method, path) == ("POST", "/repos/alice/shop/check-runs"):
            self.runs.append({"id": len(self.runs) + 1, **body})
            return reply(201, self.runs[-1])
        number = int(path.removeprefix("/repos/alice/shop/check-runs/"))
        self.runs[number - 1].update(body)
        return reply(200, self.runs[number - 1])


def test_an_app_is_checked_as_itself_and_as_its_installation(serve: Serve) -> None:
    server = serve(Forge())
    told = client("github", server.url, APP, FETCHER).check("alice/shop")
    assert (told.ok, told.login) == (True, "portwright[bot]")


def test_the_installation_of_a_repository_can_be_found(serve: Serve) -> None:
    server = serve(Forge())
    api = Api(server.url, FETCHER, lambda: statement(APP), "")
    assert installation_of(api, "alice/shop") == 42


def test_a_deploy_is_one_check_run_from_its_beginning_to_its_end(serve: Serve) -> None:
    forge = Forge()
    ours = client("github", serve(forge).url, APP, FETCHER)
    page = "https://portwright.example/runs/7"
    expected = {
        "id": 1,
        "name": "portwright/production",
        "head_sha": B,
        "details_url": page,
        "output": {"title": "Told", "summary": "Told"},
    }
    for state, status in (("pending", "queued"), ("running", "in_progress")):
        ours.set_status("alice/shop", B, state, page, "Told", "portwright/production")  # type: ignore[arg-type]
        assert forge.runs == [{**expected, "status": status}]
    ours.set_status("alice/shop", B, "success", page, "Told", "portwright/production")
    assert forge.runs == [{**expected, "status": "completed", "conclusion": "success"}]


def test_the_next_deploy_and_another_environment_are_further_runs(serve: Serve) -> None:
    forge = Forge()
    ours = client("github", serve(forge).url, APP, FETCHER)
    for state, name in (("failure", "a"), ("running", "b"), ("cancelled", "a"), ("success", "b")):
        ours.set_status("alice/shop", B, state, "https://x.example/", "", name)  # type: ignore[arg-type]
    assert [(run["name"], run["conclusion"]) for run in forge.runs] == [
        ("a", "failure"),
        ("b", "success"),
        ("a", "cancelled"),
    ]
