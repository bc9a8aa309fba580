"""What all answers that last have in common: how many there may be, how long a client has to
take what it is sent, and that they end when the portal does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from flask import Response, request

from portal.errors import Refused

PATIENCE = 30.0  # seconds for a client to take one piece
RETRY = 5  # seconds until one that was sent away asks again


class Room:
    """Places for readers; who finds none is asked to come back."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self.lock = threading.Lock()

    def enter(self) -> None:
        """Raises Refused(503) where all places are taken."""
        with self.lock:
            if self.taken < self.places:
                self.taken += 1
                return
        raise Refused(
            503,
            f"All {self.places} places for readers of this kind of log are taken.",
            "Close pages that follow a log, or try again in a moment.",
            headers={"Retry-After": str(RETRY)},
        )

    def leave(self) -> None:
        with self.lock:
            self.taken -= 1

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place for as long as the block runs."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


RUN_READERS = Room(512)
SERVICE_READERS = Room(64)


class Portal:
    """Set when the portal is asked to end, so that streams end and their readers come back."""

    stopping = False


def event_stream(stream: Iterator[str], room: Room) -> Response:
    """The stream as an answer. It is closed, and its place free again, however it ends."""
    room.enter()
    body = Body(stream, room)
    response = Response(body, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    # A client that takes nothing loses its connection; its browser resumes by Last-Event-ID.
    if connection := request.environ.get("gunicorn.socket"):
        connection.settimeout(PATIENCE)
    return response


class Body:
    """An iterator whose `close` does what must be done even where nothing was ever read."""

    def __init__(self, stream: Iterator[str], room: Room) -> None:
        self.stream, self.room = stream, room
        self.closed = False

    def __iter__(self) -> Body:
        return self

    def __next__(self) -> bytes:
        return next(self.stream).encode()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.room.leave()
            close = getattr(self.stream, "close", None)
            if close:
                close()


def event(name: str, text: str, id: int | str | None = None) -> str:
    """A server-sent event. The text has no carriage returns: whatever cleans it takes them out."""
    lines = [f"event: {name}"] + ([] if id is None else [f"id: {id}"])
    lines += [f"data: {line}" for line in text.split("\n")]
    return "\n".join(lines) + "\n\n"
