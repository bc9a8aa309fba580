"""BuildKit's report as lines of a log: bounded, and without what a terminal would obey."""

from __future__ import annotations

import json
from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.builds.progress import CUT, MAX_LINE, STEP_LINES, TAIL, Lines, Progress

DIGEST = "sha256:" + "a" * 64


def vertex(name: str, **more: object) -> bytes:
    told = {"digest": f"id-{name}", "name": name, **more}
    return json.dumps({"vertexes": [told]}).encode() + b"\n"


def output(name: str, data: bytes) -> bytes:
    told = {"vertex": f"id-{name}", "data": b64encode(data).decode()}
    return json.dumps({"logs": [told]}).encode() + b"\n"


def lines_of(*pieces: bytes) -> list[str]:
    found: list[str] = []
    lines = Lines(found.append)
    for piece in pieces:
        lines.feed(piece)
    lines.end()
    return found


def test_a_step_its_output_and_its_result_are_numbered() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    for line in (
        vertex("[1/2] RUN make"),
        vertex("[1/2] RUN make", started="2026-01-01T00:00:00Z"),
        output("[1/2] RUN make", b"one\ntw"),
        output("[1/2] RUN make", b"o\n\x1b[0m\n\n"),
        vertex("[2/2] COPY", started="x", completed="x", cached=True),
        vertex("[1/2] RUN make", started="x", completed="x", error="exit code: 2"),
    ):
        progress.feed(line)
    assert said == [
        "#1 [1/2] RUN make",
        "#1 one",
        "#1 two",
        "#1 \x1b[0m",
        "#1 ",
        "#2 [2/2] COPY (cached)",
        "#1 failed",
    ]
    assert progress.failed is not None and list(progress.failed.last) == ["one", "two"]


def test_of_much_output_the_log_has_the_beginning_and_the_end() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    progress.feed(vertex("RUN yes", started="x"))
    for _ in range(4):
        progress.feed(output("RUN yes", b"y\n" * STEP_LINES))
    progress.feed(output("RUN yes", b"the cause"))
    progress.feed(vertex("RUN yes", started="x", completed="x", error="exit code: 1"))
    assert said[: STEP_LINES + 1] == ["#1 RUN yes", *["#1 y"] * STEP_LINES]
    assert said[-2:] == ["#1 the cause", "#1 failed"]
    (skipped,) = (line for line in said if "not shown" in line)
    assert skipped == f"#1 [{6 * STEP_LINES + 9 - TAIL + 1} bytes of output are not shown]"
    assert len(said) < STEP_LINES + TAIL
    assert progress.failed is not None and progress.failed.last[-1] == "the cause"
    progress.feed(output("RUN yes", b"; more of it"))
    progress.end()
    assert said[-1] == "#1 ; more of it" == f"#1 {progress.failed.last[-1]}"


def test_base_images_are_known_by_digest() -> None:
    progress = Progress(lambda line: None)
    for name in (
        f"[build 1/4] FROM docker.io/library/python:3.13@{DIGEST}",
        f"FROM ghcr.io/acme/tools:1@{DIGEST}",
        f"[2/3] RUN echo '[x] FROM docker.io/library/evil:1@{DIGEST}'",
    ):
        progress.feed(vertex(name))
    assert progress.bases == {
        "docker.io/library/python:3.13": DIGEST,
        "ghcr.io/acme/tools:1": DIGEST,
    }


def test_the_last_message_is_the_error() -> None:
    progress = Progress(lambda line: None)
    for line in (b"Dockerfile:2\n", b"error: failed to solve: no such stage\n", b"more\n"):
        progress.feed(line)
    assert progress.error == "no such stage"


def test_a_line_that_is_drawn_again_is_shown_once() -> None:
    assert lines_of(b"10%\r50%\r100%\ndone\r\n") == ["100%", "done"]


def test_an_endless_line_is_cut_and_its_rest_is_skipped() -> None:
    found = lines_of(*[b"x" * 1000] * 50, b"end\nnext\n")
    assert found == ["x" * MAX_LINE + CUT, "next"]


def test_characters_split_between_pieces_are_whole_and_binary_output_is_replaced() -> None:
    assert lines_of(b"gr" + "ö".encode()[:1], "ö".encode()[1:] + b"\xff\x00\n") == [
        "grö\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    ]


@given(st.lists(st.binary(max_size=5000), max_size=20))
def test_no_output_makes_a_line_longer_or_two_lines_of_one(pieces: list[bytes]) -> None:
    for line in lines_of(*pieces):
        assert len(line) <= MAX_LINE + len(CUT)
        assert not {"\n", "\r", "\0"} & set(line)


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_the_pieces_in_which_short_lines_come_do_not_matter(pieces: list[bytes]) -> None:
    assert lines_of(*pieces) == lines_of(b"".join(pieces))


@given(st.binary(max_size=200))
def test_a_report_that_is_none_does_no_harm(line: bytes) -> None:
    Progress(lambda text: None).feed(line)
