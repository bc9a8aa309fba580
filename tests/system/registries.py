"""Real registries for tests: Debian's docker-registry, with a password file where one is wanted."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import bcrypt
import docker
import httpx
from git_certificate import Certificate
from harness import free_ports, until

CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "{host}"{tls}}}
{auth}
"""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIGURATION = "application/vnd.docker.container.image.v1+json"
AUTH = "auth: {{htpasswd: {{realm: tests, path: {path}}}}}"


@dataclass
class Registry:
    """host: 127.0.0.1:PORT. users: name → password; empty: anybody may read and write."""

    folder: Path
    host: str
    users: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def passwords(self) -> Path:
        return self.folder / "htpasswd"

    def set_password(self, user: str, password: str) -> None:
        """Change a password; the registry reads the file again where it is newer."""
        self.users[user] = password
        self.write_passwords()

    def write_passwords(self) -> None:
        lines = [
            f"{user}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()}\n"
            for user, word in self.users.items()
        ]
        self.passwords.write_text("".join(lines))

    def push(self, client: docker.DockerClient, name: str, content: str = "") -> str:
        """Push an image of that name (`acme/app:1`) and leave no name of it on the engine;
        returns its ID. content: what makes the image another one."""
        unique = content or uuid.uuid4().hex
        full = f"{self.host}/{name}"
        text = f"FROM scratch\nLABEL unique={unique}\nCOPY Dockerfile /it\n"
        built, _ = client.images.build(
            fileobj=context(text), custom_context=True, tag=full, rm=True, forcerm=True
        )
        login = self.login()
        until(lambda: "errorDetail" not in client.images.push(full, auth_config=login))
        client.images.remove(full, force=True)
        return str(built.id)

    def login(self) -> dict[str, str]:
        user = next(iter(self.users), None)
        return {"username": user, "password": self.users[user]} if user else {}


def context(dockerfile: str) -> BytesIO:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile)
        tar.addfile(member, BytesIO(dockerfile.encode()))
    made.seek(0)
    return made


@contextmanager
def registry(
    folder: Path,
    users: dict[str, str] | None = None,
    address: str = "127.0.0.1",
    certificate: Certificate | None = None,
) -> Iterator[Registry]:
    """An empty registry of the tests' own, on a port of this machine. Docker takes what is at a
    loopback address without TLS, and asks for no certificate that it trusts there."""
    (port,) = free_ports(1)
    folder.mkdir(parents=True, exist_ok=True)
    auth = AUTH.format(path=folder / "htpasswd") if users else ""
    config = folder / "registry.yml"
    host = f"{address}:{port}"
    tls = (
        f", tls: {{certificate: {certificate.chain}, key: {certificate.key}}}"
        if certificate
        else ""
    )
    config.write_text(CONFIG.format(folder=folder / "blobs", host=host, tls=tls, auth=auth))
    made = Registry(folder, host, dict(users or {}), None)  # type: ignore[arg-type]
    made.write_passwords()
    made.process = subprocess.Popen(["docker-registry", "serve", str(config)])
    try:
        until(lambda: answers(made, "https" if certificate else "http"))
        yield made
    finally:
        made.process.terminate()
        made.process.wait()


def answers(made: Registry, scheme: str) -> bool:
    assert made.process.poll() is None, "the registry ended"
    try:
        found = httpx.get(f"{scheme}://{made.host}/v2/", verify=False)
        return found.status_code in (200, 401)
    except httpx.TransportError:
        return False


@contextmanager
def naming_registry(digest: str, image_id: str) -> Iterator[str]:
    """A registry that has no content, and names that of others: `digest` is a tag with somebody's
    digest, `id` one with a manifest whose configuration is somebody's image. Yields its host."""
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIGURATION, "size": 100, "digest": image_id},
        "layers": [],
    }).encode()  # fmt: skip
    own = f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            last = self.path.rpartition("/")[2]
            body, named = b"{}", ""
            if last in ("digest", digest):
                body, named = b"x" * 500, digest
            elif last in ("id", own):
                body, named = manifest, own
            self.send_response(404 if "/blobs/" in self.path else 200)
            self.send_header("Content-Type", MANIFEST)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            if named:
                self.send_header("Docker-Content-Digest", named)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
