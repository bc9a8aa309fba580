"""A registry proves that it has an image by content whose hash is the digest, with any kind of login."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from forges.addresses import Guard
from forges.fetch import Fetcher
from jobs.registry_proof import prove
from stacks.docker.images.login import Login
from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError

LOGIN = Login("me", "pass:word")
BASIC = "Basic " + base64.b64encode(b"me:pass:word").decode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


CONFIG = json.dumps({"architecture": "amd64", "os": "linux"}).encode()
MANIFEST = json.dumps({"schemaVersion": 2, "config": {"digest": digest_of(CONFIG)}}).encode()
INDEX = json.dumps({
    "schemaVersion": 2,
    "manifests": [
        {"digest": "sha256:" + "0" * 64, "platform": {"architecture": "arm64", "os": "linux"}},
        {"digest": digest_of(MANIFEST), "platform": {"architecture": "amd64", "os": "linux"}},
    ],
}).encode()  # fmt: skip
IMAGE: Any = SimpleNamespace(id=digest_of(CONFIG), attrs={"Architecture": "amd64"})


class Server:
    """content: path → body. challenge: `basic`, `bearer` or empty; asked: what came with each request."""

    def __init__(self) -> None:
        self.content = {
            f"/v2/acme/app/{kind}/{digest_of(body)}": body
            for kind, body in (("manifests", INDEX), ("manifests", MANIFEST), ("blobs", CONFIG))
        }
        self.challenge = ""
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, sent = request.path, request.headers.get("Authorization", "")
        self.asked.append((path, sent))
        if path.startswith("/token?"):
            body = json.dumps({"token": "abc" if sent == BASIC else "guest"}).encode()
            return self.reply(request, 200, body)
        wanted = {"basic": BASIC, "bearer": "Bearer abc", "": ""}[self.challenge]
        if self.challenge and sent != wanted:
            how = f'Bearer realm="http://{self.host}/token",service="reg"'
            given = how if self.challenge == "bearer" else 'Basic realm="reg"'
            return self.reply(request, 401, b"{}", given)
        body = self.content.get(path, b"")
        return self.reply(request, 200 if body else 404, body or b"{}")

    def reply(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes, challenge: str = ""
    ) -> None:
        request.send_response(status)
        if challenge:
            request.send_header("WWW-Authenticate", challenge)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def asked(
    server: Server,
    digest: str,
    login: Login | None = None,
    allowed: tuple[str, ...] = ("127.0.0.1",),
) -> None:
    source = Reference(server.host, "acme/app", None, digest)
    prove(Fetcher(Guard(allowed)), source, login, IMAGE)


@pytest.mark.parametrize("challenge", ["", "basic", "bearer"])
@pytest.mark.parametrize("top", [INDEX, MANIFEST])
def test_content_with_the_right_hashes_is_proof(server: Server, challenge: str, top: bytes) -> None:
    server.challenge = challenge
    asked(server, digest_of(top), LOGIN)


@pytest.mark.parametrize("challenge", ["basic", "bearer"])
def test_a_wrong_login_and_none_are_no_proof(server: Server, challenge: str) -> None:
    server.challenge = challenge
    for login in (None, Login("me", "wrong")):
        with pytest.raises(PortwrightError, match="does not have its content"):
            asked(server, digest_of(MANIFEST), login)


@pytest.mark.parametrize("changed", [INDEX, MANIFEST, CONFIG])
def test_other_content_under_a_known_digest_is_no_proof(server: Server, changed: bytes) -> None:
    (path,) = [path for path, body in server.content.items() if body == changed]
    server.content[path] = changed + b" "
    with pytest.raises(PortwrightError, match="does not have its content"):
        asked(server, digest_of(INDEX))


def test_a_manifest_of_another_image_is_no_proof(server: Server) -> None:
    other = json.dumps({"config": {"digest": "sha256:" + "1" * 64}}).encode()
    server.content[f"/v2/acme/app/manifests/{digest_of(other)}"] = other
    with pytest.raises(PortwrightError, match="does not have its content"):
        asked(server, digest_of(other))


def test_addresses_that_are_not_permitted_are_not_connected_to(server: Server) -> None:
    with pytest.raises(PortwrightError, match="not public"):
        asked(server, digest_of(MANIFEST), LOGIN, allowed=())
    assert server.asked == []
