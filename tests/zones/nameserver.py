"""A small name server on a high port of this host: UDP, one zone, wildcards, and bad habits."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

ZONE = "example.com."


class NameServer:
    """rows: `name type value`, the name relative to example.com. silent: names that get no
    answer; broken: names that get SERVFAIL. asked: every question."""

    def __init__(self, rows: Iterable[str], silent: str = "", broken: str = "") -> None:
        self.rows = [row.split(maxsplit=2) for row in rows]
        self.silent = silent
        self.broken = broken
        self.asked: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = cast(int, self.socket.getsockname()[1])
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self) -> None:
        ender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ender.sendto(b"", ("127.0.0.1", self.port))
        ender.close()
        self.thread.join()
        self.socket.close()

    def serve(self) -> None:
        while True:
            wire, sender = self.socket.recvfrom(4096)
            if not wire:
                return
            answer = self.answer(dns.message.from_wire(wire))
            if answer is not None:
                self.socket.sendto(answer.to_wire(), sender)

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        first = name.split(".")[0]
        if self.silent and first == self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if self.broken and first == self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        known, found = self.find(name, kind)
        response.answer = found
        if not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if not found:
            soa = f"ns.{ZONE} admin.{ZONE} 1 3600 600 86400 1"
            response.authority = [dns.rrset.from_text(ZONE, 1, "IN", "SOA", soa)]
        return response

    def find(self, name: str, kind: str) -> tuple[bool, list[dns.rrset.RRset]]:
        """Whether there is such a name, and its sets, along a CNAME."""
        if name == ZONE and kind == "SOA":
            text = f"ns.{ZONE} admin.{ZONE} 1 3600 600 86400 1"
            return True, [dns.rrset.from_text(name, 60, "IN", "SOA", text)]
        exact = [row for row in self.rows if absolute(row[0]) == name]
        star = "*." + name.split(".", 1)[1]
        rows = exact or [row for row in self.rows if absolute(row[0]) == star]
        aliases = [row[2] for row in rows if row[1] == "CNAME" and kind != "CNAME"]
        if aliases:
            alias = dns.rrset.from_text(name, 60, "IN", "CNAME", aliases[0])
            return True, [alias, *self.find(aliases[0], kind)[1]]
        values = [row[2] for row in rows if row[1] == kind]
        sets = [dns.rrset.from_text(name, 60, "IN", kind, *values)] if values else []
        return bool(rows) or name == ZONE, sets


def absolute(name: str) -> str:
    return ZONE if name == "@" else f"{name}.{ZONE}"
