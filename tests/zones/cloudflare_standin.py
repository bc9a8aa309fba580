"""A stand-in for Cloudflare's API over HTTP, by its published rules: tokens with rights, zones,
records with comments, pages, and its error codes.

It answers as the documentation says, so a test that passes here shows that we follow the
documentation, not that Cloudflare does.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOSTS = {"A", "AAAA"}


@dataclass
class Token:
    """owner: `user`, or `account`, whose tokens /user/tokens/verify refuses."""

    zones: set[str] = field(default_factory=lambda: {"example.com"})
    writes: bool = True
    status: str = "active"
    owner: str = "user"


class No(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.errors = [{"code": code, "message": message}]


class StandIn:
    """tokens: secret -> Token. zones: name -> {id, name, status, name_servers}. records: by id.

    page: most results on one page. bad: responses to give first, as (status, headers, body).
    lost: how many requests to do without answering. calls: `METHOD path` of each request.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.zones: dict[str, dict[str, Any]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.page = 2
        self.bad: list[tuple[int, dict[str, str], str]] = []
        self.lost = 0
        self.calls: list[str] = []
        self.headers: list[str] = []
        self.numbers = count(1)
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                standin.handle(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/client/v4"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_zone(self, name: str, status: str = "active") -> str:
        number = f"{next(self.numbers):032x}"
        servers = ["ada.ns.example.net", "bob.ns.example.net"]
        self.zones[name] = {"id": number, "name": name, "status": status, "name_servers": servers}
        return number

    def add_record(self, name: str, kind: str, content: str, **more: Any) -> str:
        """As somebody else would, in the dashboard."""
        zone = next(z["id"] for z in self.zones.values() if name.endswith(z["name"]))
        number = f"{next(self.numbers):032x}"
        given = {"ttl": 1, "proxied": False, "comment": None, **more}
        record = {"id": number, "zone": zone, "name": name, "type": kind, "content": content}
        self.records[number] = {**record, **given}
        return number

    def shown(self) -> list[str]:
        """Every record in one line, sorted: `name type content ttl comment`."""
        keys = ("name", "type", "content", "ttl", "comment")
        return sorted(" ".join(str(each[key]) for key in keys) for each in self.records.values())

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length", 0))
        body = json.loads(request.rfile.read(length)) if length else {}
        target = urlsplit(request.path)
        path = target.path.removeprefix("/client/v4")
        self.calls.append(f"{request.command} {path}")
        self.headers.append(request.headers.get("Authorization", ""))
        if self.bad:
            return send(request, *self.bad.pop(0))
        query = {key: values[0] for key, values in parse_qs(target.query).items()}
        try:
            answer = self.answer(request, path.strip("/").split("/"), query, body)
            status, told = 200, {"success": True, "errors": [], "messages": [], **answer}
        except No as no:
            status = no.status
            told = {"success": False, "errors": no.errors, "messages": [], "result": None}
        if self.lost:
            self.lost -= 1
            request.close_connection = True
            return None
        return send(request, status, {}, json.dumps(told))

    def answer(
        self, request: BaseHTTPRequestHandler, parts: list[str], query: dict[str, str], body: Any
    ) -> dict[str, Any]:
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = self.tokens.get(secret)
        if parts == ["user", "tokens", "verify"]:
            if token is None or token.owner != "user":
                raise No(401, 1000, "Invalid API Token")
            return {"result": {"id": "0" * 32, "status": token.status}}
        if token is None or token.status != "active":
            raise No(403, 9109, "Invalid access token")
        if parts == ["zones"]:
            seen = [self.zones[name] for name in sorted(token.zones & set(self.zones))]
            return self.paged([z for z in seen if z["name"] == query.get("name", z["name"])], query)
        if parts[1] not in {self.zones[name]["id"] for name in token.zones if name in self.zones}:
            raise No(403, 10000, "Authentication error")
        if request.command == "GET":
            return self.paged(self.matching(parts[1], query), query)
        if not token.writes:
            raise No(403, 10000, "Authentication error")
        return {"result": self.write(request.command, parts[1], parts[3:], body)}

    def matching(self, zone: str, query: dict[str, str]) -> list[dict[str, Any]]:
        found = [each for each in self.records.values() if each["zone"] == zone]
        for key in ("name", "comment"):
            if f"{key}.exact" in query:
                wanted = query[f"{key}.exact"].lower()
                found = [each for each in found if str(each[key]).lower() == wanted]
        return found

    def paged(self, found: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        size = min(self.page, int(query["per_page"]))
        page = int(query["page"])
        pages = -(-len(found) // size)
        shown = found[(page - 1) * size : page * size]
        info = {"page": page, "per_page": size, "count": len(shown), "total_pages": pages}
        return {"result": shown, "result_info": {**info, "total_count": len(found)}}

    def write(self, method: str, zone: str, rest: list[str], body: Any) -> dict[str, Any]:
        if method == "POST":
            number = f"{next(self.numbers):032x}"
            record = {"id": number, "zone": zone, "proxied": False, "comment": None, **body}
            self.refuse_twice(record)
            self.records[number] = record
            return record
        if rest[0] not in self.records:
            raise No(404, 81044, "Record does not exist.")
        if method == "DELETE":
            return {"id": self.records.pop(rest[0])["id"]}
        changed = {**self.records[rest[0]], **body}
        self.refuse_twice(changed)
        self.records[rest[0]] = changed
        return changed

    def refuse_twice(self, record: dict[str, Any]) -> None:
        others = [
            each
            for each in self.records.values()
            if each["name"] == record["name"] and each["id"] != record["id"]
        ]
        same = [
            e for e in others if (e["type"], e["content"]) == (record["type"], record["content"])
        ]
        if same:
            raise No(400, 81058, "An identical record already exists.")
        types = {record["type"], *(each["type"] for each in others)}
        if "CNAME" in types and types & HOSTS:
            raise No(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")


def send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], text: str) -> None:
    request.send_response(status)
    for key, value in {"Content-Type": "application/json", **headers}.items():
        request.send_header(key, value)
    request.send_header("Content-Length", str(len(text.encode())))
    request.end_headers()
    request.wfile.write(text.encode())
