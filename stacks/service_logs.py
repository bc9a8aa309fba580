"""What services print: from Docker, with the moment of each line; the newest, or as it comes."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import docker
from docker.errors import DockerException
from docker.models.containers import Container

from stacks.world import Place, containers

MOST = 10_000
STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ?")


@dataclass(frozen=True, order=True)
class Line:
    """at: RFC 3339 in UTC with nanoseconds, as Docker has it."""

    at: str
    service: str
    container: str
    text: str


def chosen(client: docker.DockerClient, place: Place, service: str = "") -> list[Container]:
    """The environment's containers, of one service where one is named; stopped ones too."""
    return [
        each
        for each in containers(client, place)
        if service in ("", each.labels.get("portwright.service"))
    ]


def newest(found: list[Container], tail: int) -> list[Line]:
    """The last lines of all together, in the order in which they were printed."""
    lines = []
    for container in found:
        try:
            text: bytes = container.logs(timestamps=True, tail=tail)
        except DockerException:
            continue  # it went meanwhile
        lines += [line_of(container, raw) for raw in text.splitlines()]
    return sorted(lines)[-tail:]


def line_of(container: Container, raw: bytes) -> Line:
    stamp = STAMP.match(raw)
    text = raw[stamp.end() :] if stamp else raw
    return Line(
        stamp[1].decode() if stamp else "",
        container.labels.get("portwright.service", ""),
        str(container.id)[:12],
        text.decode(errors="replace").rstrip("\r\n"),
    )


class Following:
    """Lines as they come, of these containers; close it to let go of Docker's streams.

    after: only lines later than this moment (as in Line.at); empty: the newest `tail` first.
    """

    def __init__(self, found: list[Container], after: str = "", tail: int = 100) -> None:
        self.lines: queue.Queue[Line] = queue.Queue(MOST)
        self.after = after
        self.over = threading.Event()
        self.streams: list[object] = []
        for container in found:
            threading.Thread(target=self.read, args=(container, tail), daemon=True).start()

    def read(self, container: Container, tail: int) -> None:
        try:
            # Docker's own `since` counts whole seconds for this client: what comes twice is cut here.
            stream = container.logs(
                stream=True, follow=True, timestamps=True, tail=MOST if self.after else tail
            )
            self.streams.append(stream)
            rest = b""
            for piece in stream:
                *whole, rest = (rest + piece).split(b"\n")
                for raw in whole:
                    line = line_of(container, raw)
                    if line.at > self.after and not self.put(line):
                        return
        except (DockerException, OSError, ValueError):
            return  # the container or the reader is gone

    def put(self, line: Line) -> bool:
        while not self.over.is_set():
            try:
                self.lines.put(line, timeout=1)
                return True
            except queue.Full:
                continue
        return False

    def take(self, patience: float) -> Iterator[Line]:
        """What has come, after waiting that many seconds for a first one."""
        try:
            yield self.lines.get(timeout=patience)
            while True:
                yield self.lines.get_nowait()
        except queue.Empty:
            return

    def close(self) -> None:
        self.over.set()
        for stream in self.streams:
            close = getattr(stream, "close", None)
            if close:
                close()
