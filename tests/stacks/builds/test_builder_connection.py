"""A build that ends without its builder's answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError
from requests.exceptions import ChunkedEncodingError, ConnectionError, ReadTimeout
from urllib3.exceptions import ProtocolError

from stacks.docker.builds.buildkit import ConnectionLost, is_lost, load
from stacks.docker.builds.progress import Progress

# What buildctl 0.34 prints where the engine, or the tunnel to it, goes away.
ENDED = (
    b"error reading from server: command [docker exec -i pw.builder.shop buildctl dial-stdio] has "
    b"exited with exit status 255"
)
GONE = b"error: failed to receive status: rpc error: code = Unavailable desc = " + ENDED


def progress(*lines: bytes) -> Progress:
    made = Progress(lambda line: None)
    for line in lines:
        made.feed(line)
    return made


def vertex(**more: str) -> bytes:
    step = {"digest": "sha256:1", "name": "RUN make", "started": "1", **more}
    return json.dumps({"vertexes": [step]}).encode()


@pytest.mark.parametrize("line", [GONE, b"error: failed to solve: Unavailable: " + ENDED])
def test_a_connection_that_ended_is_lost(line: bytes) -> None:
    assert is_lost(progress(vertex(), line))


@pytest.mark.parametrize(
    "lines",
    [
        [b"error: failed to solve: dockerfile parse error on line 1: unknown instruction: FORM"],
        # A step that failed is an answer, whatever its command printed.
        [vertex(completed="2", error="exit code: 1"), GONE],
        [],
    ],
)
def test_a_build_that_failed_is_not_lost(lines: list[bytes]) -> None:
    assert not is_lost(progress(*lines))


def engine(answers: list[dict[str, str]], error: Exception | None) -> Any:
    def load_image(chunks: Iterator[bytes], quiet: bool) -> Iterator[dict[str, str]]:
        assert b"".join(chunks) == b"archive" and not quiet
        yield from answers
        if error:
            raise error

    return SimpleNamespace(api=SimpleNamespace(load_image=load_image))


@pytest.mark.parametrize(
    "error", [ConnectionError("reset"), ReadTimeout(), ChunkedEncodingError(), ProtocolError()]
)
def test_an_engine_that_goes_away_while_it_loads_an_image_is_lost(error: Exception) -> None:
    with pytest.raises(ConnectionLost):
        load(engine([{"stream": "loading"}], error), b"arch", BytesIO(b"ive"))


def test_what_an_engine_answers_is_reported() -> None:
    full = "no space left on device"
    assert load(engine([{"error": full}], None), b"arch", BytesIO(b"ive")) == full
    assert full in load(engine([], APIError(full)), b"arch", BytesIO(b"ive"))
    loaded = [{"stream": "Loading layer"}, {"stream": "Loaded image: pw/shop/web:1"}]
    assert load(engine(loaded, None), b"arch", BytesIO(b"ive")) == ""
    with pytest.raises(ConnectionLost):  # an image of the same name may be there from before
        load(engine(loaded[:1], None), b"arch", BytesIO(b"ive"))
