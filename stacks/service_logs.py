"""What services print: from Docker, with the moment of each line; the newest, or as it comes."""

from __future__ import annotations

import queue
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import docker
from docker.errors import DockerException
from docker.models.containers import Container

from stacks.world import Place, containers

MOST = 10_000
# Container (the first 12 digits of its ID) to the moment of the last line that was read of it.
Cursors = dict[str, str]
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
        short_id(container),
        text.decode(errors="replace").rstrip("\r\n"),
    )


def later(found: list[Container], cursors: Cursors) -> list[Line]:
    """What each container has printed after its cursor; all of one that has none."""
    lines: list[Line] = []
    for container in found:
        after = cursors.get(short_id(container), "")
        more = {"since": since(after)} if after else {}
        try:
            text: bytes = container.logs(timestamps=True, tail=MOST, **more)
        except DockerException:
            continue
        lines += [line for raw in text.splitlines() if (line := line_of(container, raw)).at > after]
    return sorted(lines)


def short_id(container: Container) -> str:
    return str(container.id)[:12]


def since(at: str) -> int:
    """Docker's own `since` counts whole seconds here: what comes twice is cut by who asked."""
    return int(datetime.fromisoformat(at[:19]).replace(tzinfo=UTC).timestamp())


class Following:
    """Lines as they come: of the containers given to `follow`, from `began` on, or from where
    one was last read. Close it to let go of Docker's streams."""

    def __init__(self, began: str) -> None:
        self.began = began
        self.lines: queue.Queue[Line] = queue.Queue(MOST)
        self.cursors: Cursors = {}
        self.reading: dict[str, threading.Thread] = {}
        self.streams: dict[str, object] = {}
        self.over = threading.Event()

    def follow(self, found: list[Container]) -> None:
        """Begin with those that are not read yet, or that have started again; forget who is gone."""
        here = {short_id(container): container for container in found}
        for gone in set(self.cursors) - set(here):
            del self.cursors[gone]
        for name, container in here.items():
            if name not in self.reading or not self.reading[name].is_alive():
                self.cursors.setdefault(name, self.began)
                thread = threading.Thread(target=self.read, args=(container, name), daemon=True)
                self.reading[name] = thread
                thread.start()

    def unread(self, found: list[Container]) -> bool:
        """Whether any of them was never read."""
        return any(short_id(each) not in self.cursors for each in found)

    def read(self, container: Container, name: str) -> None:
        after = self.cursors.get(name, self.began)
        try:
            stream = container.logs(stream=True, follow=True, timestamps=True, since=since(after))
            self.streams[name] = stream
            rest = b""
            for piece in stream:
                *whole, rest = (rest + piece).split(b"\n")
                for raw in whole:
                    line = line_of(container, raw)
                    if line.at > after and not self.put(line):
                        return
        except (DockerException, OSError, ValueError):
            return  # the container or the reader is gone
        finally:
            self.streams.pop(name, None)

    def put(self, line: Line) -> bool:
        while not self.over.is_set():
            try:
                self.lines.put(line, timeout=1)
                return True
            except queue.Full:
                continue
        return False

    def take(self, patience: float) -> list[Line]:
        """What has come, in order, after waiting that many seconds for a first one."""
        lines: list[Line] = []
        try:
            lines.append(self.lines.get(timeout=patience))
            while True:
                lines.append(self.lines.get_nowait())
        except queue.Empty:
            pass
        for line in sorted(lines):
            if line.container in self.cursors:
                self.cursors[line.container] = max(self.cursors[line.container], line.at)
        return sorted(lines)

    def close(self) -> None:
        self.over.set()
        for stream in list(self.streams.values()):
            close = getattr(stream, "close", None)
            if close:
                close()
