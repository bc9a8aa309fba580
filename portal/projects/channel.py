"""What an environment's services print, for all its readers: each container is read once.

A reader has a cursor in every container, which is what an event's id tells. Who comes back
gets from Docker what is later than its cursors, and goes on with what is read for all.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from jobs.redact import Redactor
from portal.streams import Portal, event
from stacks.errors import PortwrightError
from stacks.service_logs import Cursors, Following, Line, later

LOOK = 2.0  # seconds between two looks for containers that have started
TAKE = 0.4
KEPT = 64  # batches that a reader may be behind; who is more comes back by its cursors
HEARTBEAT = 15.0
LONGEST = 600.0
MARK = re.compile(r"[0-9a-z]{12}=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z)?")
MOST_MARKS = 200
Show = Callable[[Line, Redactor], str]


def written(cursors: Cursors) -> str:
    """Cursors as an event's id."""
    return ",".join(f"{name}={at}" for name, at in sorted(cursors.items())[:MOST_MARKS])


def parsed(text: str) -> Cursors:
    """Raises PortwrightError for what no event had as its id."""
    marks = text.split(",") if text else []
    if len(marks) > MOST_MARKS or not all(MARK.fullmatch(mark) for mark in marks):
        raise PortwrightError(
            "this is no place in these logs", remedy="begin anew without it", path="Last-Event-ID"
        )
    return dict(mark.split("=", 1) for mark in marks)


@dataclass(frozen=True)
class Batch:
    """Lines that came together, ready to be sent; cursors: after them."""

    lines: tuple[Line, ...]
    text: str
    cursors: Cursors


class Channel:
    """find: the containers as they are now; secrets: the values to hide, asked again whenever a
    container starts; show: a line as it is sent."""

    def __init__(
        self,
        client: docker.DockerClient,
        find: Callable[[docker.DockerClient], list[Container]],
        secrets: Callable[[], list[str]],
        show: Show,
    ) -> None:
        self.client, self.find, self.secrets, self.show = client, find, secrets, show
        moment = time.time() - 1
        self.following = Following(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)))
        self.hide = Redactor(secrets())
        self.recent: deque[Batch] = deque(maxlen=KEPT)
        self.number = 0
        self.readers = 0
        self.broken = False
        self.news = threading.Condition()
        self.looked = 0.0

    def look(self) -> None:
        """Follow what has started meanwhile."""
        found = self.find(self.client)
        if self.following.unread(found):
            self.hide = Redactor(self.secrets())
        self.following.follow(found)
        self.looked = time.monotonic()

    def turn(self) -> None:
        """Take what has come, and wake the readers."""
        lines = self.following.take(TAKE)
        if lines:
            shown = "\n".join(self.show(line, self.hide) for line in lines)
            with self.news:
                self.recent.append(Batch(tuple(lines), shown, dict(self.following.cursors)))
                self.number += 1
                self.news.notify_all()
        if time.monotonic() - self.looked >= LOOK:
            self.look()

    def after(self, number: int) -> list[Batch] | None:
        """Batches since that number; None where some of them are gone."""
        with self.news:
            missing = self.number - number
            return None if missing > len(self.recent) else list(self.recent)[-missing or KEPT :]

    def wait(self, number: int, seconds: float) -> None:
        with self.news:
            if self.number == number and not self.broken:
                self.news.wait(seconds)

    def events(self, resumed: Cursors | None) -> Iterator[str]:
        """Text of the stream; from `resumed` on, else from now."""
        opened = spoke = time.monotonic()
        number, cursors = self.number, dict(resumed or self.following.cursors)
        yield "retry: 2000\n\n"
        if resumed is not None:
            lines = later(self.find(self.client), cursors)
            if lines:
                advance(cursors, lines)
                yield event("log", self.text(lines), written(cursors))
        while time.monotonic() - opened < LONGEST and not Portal.stopping and not self.broken:
            batches = self.after(number)
            if batches is None:
                return
            for batch in batches:
                number += 1
                new = [line for line in batch.lines if line.at > cursors.get(line.container, "")]
                cursors = {
                    name: max(at, cursors.get(name, "")) for name, at in batch.cursors.items()
                }
                if new:
                    text = batch.text if len(new) == len(batch.lines) else self.text(new)
                    spoke = time.monotonic()
                    yield event("log", text, written(cursors))
            if time.monotonic() - spoke >= HEARTBEAT:
                spoke = time.monotonic()
                yield ": still here\n\n"
            self.wait(number, HEARTBEAT / 3)

    def text(self, lines: list[Line]) -> str:
        return "\n".join(self.show(line, self.hide) for line in lines)


def advance(cursors: Cursors, lines: list[Line]) -> None:
    for line in lines:
        cursors[line.container] = max(line.at, cursors.get(line.container, ""))


class Channels:
    """The channels that somebody reads now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: dict[tuple[str, ...], Channel] = {}

    @contextmanager
    def joined(self, key: tuple[str, ...], make: Callable[[], Channel]) -> Iterator[Channel]:
        """The channel of this key, which lives as long as it has readers."""
        with self.lock:
            channel = self.open.get(key)
            if channel is None or channel.broken:
                channel = make()
                channel.look()
                self.open[key] = channel
                threading.Thread(target=self.work, args=(key, channel), daemon=True).start()
            channel.readers += 1
        try:
            yield channel
        finally:
            with self.lock:
                channel.readers -= 1

    def work(self, key: tuple[str, ...], channel: Channel) -> None:
        try:
            while True:
                with self.lock:
                    if not channel.readers:
                        if self.open.get(key) is channel:
                            del self.open[key]
                        return
                channel.turn()
        except Exception:  # Docker or the database is away: readers go, and come back
            return
        finally:
            with channel.news:
                channel.broken = True
                channel.news.notify_all()
            channel.following.close()
            channel.client.close()
