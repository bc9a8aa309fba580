"""Colours reach the page, and nothing that a browser or a terminal would obey does."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.terminal import clean
from portal.colours import coloured


class Reader(HTMLParser):
    """What a browser makes of it: tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "span" and [name for name, _ in attrs] == ["class"]
        classes = (attrs[0][1] or "").split()
        assert classes and all(
            name == "bold" or name.removeprefix("ink").removeprefix("ground").isdecimal()
            for name in classes
        )
        self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        assert tag == "span"
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


HOSTILE = st.sampled_from(
    ["\x1b[31m", "\x1b[1;91;44m", "\x1b[0m", "\x1b[m", "\x1b[38;5;9m", "\x1b[38;2;1;2;3m", "\x1b[2J",
     "\x1b]8;;javascript:x\x07", "\x1b", "[31m", "<b>", '"', "'", "&lt;", "<script>", "</span>",
     "<!--", "\r", "\n", "\x9b31m", "\x00", "\u202e", "38;5", ";", "m"]
)  # fmt: skip


@given(st.lists(HOSTILE | st.text(max_size=8), max_size=30).map("".join))
@example("\x1b[31" + ";1" * 50 + "m<i>")
@example("\x1b[٣m<i>")
def test_no_tag_but_span_and_no_attribute_but_class(text: str) -> None:
    page = str(coloured(text))
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.depth == 0
    assert reader.text == clean(text)
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("\x1b[1;32mok\x1b[0m <b>", '<span class="ink2 bold">ok</span> &lt;b&gt;'),
        ("\x1b[30;102mPASS\x1b[49m x", '<span class="ink0 ground10">PASS</span><span class="ink0"> x</span>'),
        ("\x1b[38;5;9mred\x1b[39m", '<span class="ink9">red</span>'),
        ("\x1b[38;2;1;31;3mplain\x1b[48;5;200m too", "plain too"),
        ("\x1b[31mred\nnot red", '<span class="ink1">red</span>\nnot red'),
        ("\x1b[31m10%\r\x1b[32m100%\r\n", '<span class="ink2">100%</span>\n'),
        ("\x1b[4mline\x1b[7m", "line"),
        ("\x1b[31m\x1b[0m", ""),
        ("\x1b[1mfat\x1b[22mthin", '<span class="bold">fat</span>thin'),
    ],
)  # fmt: skip
def test_the_16_colours_and_bold(raw: str, expected: str) -> None:
    assert str(coloured(raw)) == expected
