"""A forge in small: `git http-backend` behind https with a password, and its LFS batch API."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from git_certificate import Certificate

USER, PASSWORD = "alice", "pa:ss wörd/%41'\"$x"
TICKET = "a-ticket-for-one-file"


class Forge:
    """root: the folder of its repositories. Changed by a test: knows_v2, closed, redirect, and for
    LFS href (for downloads) and tickets (whether they need one).

    large: SHA-256 -> what it sends for it. seen: method and path of each request, in order;
    shown: what each download was asked with.
    """

    def __init__(self, root: Path, certificate: Certificate | None) -> None:
        self.root = root
        self.knows_v2 = True
        self.closed = True
        self.redirect = ""
        self.href = ""
        self.tickets = True
        self.shown: list[str | None] = []
        self.large: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (Handler,), {"forge": self})
        )
        self.port = self.server.server_port
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.chain, certificate.key)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}/{path}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    forge: Forge
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.forge.seen.append(f"{self.command} {self.path}")
        self.body = self.read_body()
        if self.path.startswith("/large/"):
            self.send_large()
        elif self.forge.redirect:
            self.answer(302, Location=self.forge.redirect + self.path)
        elif self.forge.closed and not self.let_in():
            self.answer(401, WWW_Authenticate='Basic realm="git"')
        elif self.path.endswith("/objects/batch"):
            self.batch()
        else:
            self.cgi()

    do_POST = do_GET

    def let_in(self) -> bool:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {pair}"

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whole = b""
        while length := int(self.rfile.readline(), 16):
            whole += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def cgi(self) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.forge.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if self.forge.knows_v2:
            environ["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        done = subprocess.run(
            ["git", "http-backend"], input=self.body, env=environ, capture_output=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self.answer(status, body, **headers)

    def batch(self) -> None:
        """https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md"""
        asked = json.loads(self.body)
        assert asked["operation"] == "download" and asked["transfers"] == ["basic"]
        objects: list[dict[str, Any]] = []
        for each in asked["objects"]:
            if each["oid"] in self.forge.large:
                href = self.forge.href or self.forge.url(f"large/{each['oid']}", "forge.test")
                header = {"Authorization": TICKET} if self.forge.tickets else {}
                action = {"href": href, "header": header}
                objects.append({**each, "actions": {"download": action}})
            else:
                objects.append({**each, "error": {"code": 404, "message": "Object does not exist"}})
        self.answer(200, json.dumps({"transfer": "basic", "objects": objects}).encode())

    def send_large(self) -> None:
        self.forge.shown.append(self.headers.get("Authorization"))
        if self.forge.tickets and self.forge.shown[-1] != TICKET:
            self.answer(403)
        else:
            self.answer(200, self.forge.large[self.path.rsplit("/", 1)[1]])
