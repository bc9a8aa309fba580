"""The mark goes in after each FROM, and nowhere where it could change what a build does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.build_marks import marked

MARK = "LABEL portwright.cache=pw\n"


def test_each_stage_is_marked() -> None:
    text = "ARG V=3\nFROM python:$V AS build\nRUN make\n\n# then\nfrom scratch\nCOPY --from=build /a /a\n"
    assert marked(text, "pw") == (
        f"ARG V=3\nFROM python:$V AS build\n{MARK}RUN make\n\n# then\nfrom scratch\n{MARK}"
        "COPY --from=build /a /a\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch", f"FROM scratch\n{MARK}"),
        ("FROM \\\n  # which\n\n  scratch \\\n AS a\nRUN x", 
         f"FROM \\\n  # which\n\n  scratch \\\n AS a\n{MARK}RUN x"),
        ("# escape=`\nFROM `\n scratch\n", f"# escape=`\nFROM `\n scratch\n{MARK}"),
        ("# syntax=docker/dockerfile:1.7\nFROM scratch\n",
         f"# syntax=docker/dockerfile:1.7\nFROM scratch\n{MARK}"),
    ],
)  # fmt: skip
def test_a_from_may_be_written_over_several_lines(text: str, expected: str) -> None:
    assert marked(text, "pw") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# FROM scratch\n",
        "RUN echo \\\nFROM scratch\n",
        "RUN echo \\\n# a comment\nFROM scratch\n",
        "RUN echo a \\ \nFROM scratch\n",
        "RUN echo a\fFROM scratch\n",
        "FROM scratch\nCOPY <<EOF /Dockerfile\nFROM scratch\nEOF\n",
        "# syntax=example.com/buildpacks\nFROM scratch\n",
        "FROMAGE scratch\n",
    ],
)
def test_what_is_no_stage_or_might_be_none_is_left_as_it_is(text: str) -> None:
    assert marked(text, "pw") == text


WORDS = st.sampled_from(
    [
        "FROM a",
        "from b AS c",
        "RUN x",
        "COPY . .",
        "# FROM",
        "\\",
        "`",
        " ",
        "\n",
        "\r\n",
        "\\\n",
        "\t",
    ]
)


@given(st.lists(WORDS, max_size=30).map("".join))
def test_without_the_marks_it_is_the_same_text_and_marks_only_follow_a_from(text: str) -> None:
    written = marked(text, "pw")
    assert written.replace(MARK, "").removesuffix("\n") == text.removesuffix("\n")
    assert written.count(MARK) <= text.upper().count("FROM")
    for before in written.split(MARK)[:-1]:
        assert "FROM" in before.upper() and before.endswith("\n")
        last = before.removesuffix("\n").rsplit("\n", 1)[-1].strip()
        assert not last.endswith("\\")
