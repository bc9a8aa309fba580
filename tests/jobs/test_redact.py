"""No form of a secret gets out, however it is written and wherever the text is cut."""

from __future__ import annotations

import base64
import itertools
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jobs.redact import MASK, Redactor, forms

SECRET = "p@ss/w rd+42<é"
LETTERS = st.characters(exclude_characters="•", exclude_categories=["Cs"])
VALUES = st.text(LETTERS, min_size=4, max_size=40)
FEW = st.text("ab=+/ \n", max_size=12)
TEXTS = st.text(LETTERS, max_size=30) | FEW


def written(value: str, before: str, after: str) -> list[str]:
    """What programs make of a value that stands between others."""
    whole = (before + value + after).encode()
    return [
        before + value + after,
        base64.b64encode(whole).decode(),
        base64.urlsafe_b64encode(whole).decode(),
        quote(before + value + after, safe=""),
        quote_plus(before + value + after),
        json.dumps({"x": before + value + after}),
        json.dumps([before + value + after], ensure_ascii=False),
        whole.hex(),
        whole.hex().upper(),
    ]


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in itertools.pairwise(places)]


def streamed(redactor: Redactor, parts: list[str]) -> str:
    return "".join(redactor.feed(part) for part in parts) + redactor.flush()


@given(VALUES, TEXTS, TEXTS, st.lists(st.integers(0, 400), max_size=12))
@example("aaaa", "aa", "aaa", [3])
@example("abab", "ab", "", [1, 2, 3, 4, 5])
def test_no_form_gets_out_however_it_is_cut(
    value: str, before: str, after: str, cuts: list[int]
) -> None:
    for text in written(value, before, after):
        redactor = Redactor([value])
        whole = redactor.redact(text)
        assert MASK in whole
        assert not any(form in whole for form in forms(value))
        assert streamed(redactor, pieces(text, cuts)) == whole
        assert streamed(redactor, list(text)) == whole


@given(
    st.lists(st.text("abc+%/", min_size=4, max_size=9), min_size=1, max_size=4),
    st.text("abc+%/", max_size=60),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_secrets_that_overlap_leave_nothing_of_either(
    values: list[str], text: str, cuts: list[int]
) -> None:
    redactor = Redactor(values)
    whole = redactor.redact(text)
    covered = set()
    for form in redactor.forms:
        for at in range(len(text)):
            if text.startswith(form, at):
                covered |= set(range(at, at + len(form)))
    kept = "".join(letter for at, letter in enumerate(text) if at not in covered)
    assert whole.replace(MASK, "") == kept
    assert streamed(redactor, pieces(text, cuts)) == whole


@given(VALUES, TEXTS)
def test_text_without_secrets_stays_as_it_is(value: str, text: str) -> None:
    redactor = Redactor([value])
    assume(not redactor.shows(text))
    assert redactor.redact(text) == text == streamed(redactor, list(text))


@given(st.binary(max_size=5), VALUES, st.binary(max_size=5))
def test_base64_of_something_larger_gives_no_part_of_the_value(
    before: bytes, value: str, after: bytes
) -> None:
    """What is left beside the mask is at most the characters that neighbours share."""
    encoded = base64.b64encode(before + value.encode() + after).decode()
    shown = Redactor([value]).redact(encoded).replace(MASK, "")
    most = -(-len(before) * 8 // 6) + -(-len(after) * 8 // 6) + 2 + 2
    assert len(shown) <= most


@pytest.mark.parametrize("line", ["-----BEGIN KEY-----", "c2VjcmV0bGluZQ"])
def test_each_longer_line_of_a_key_is_hidden(line: str) -> None:
    redactor = Redactor(["-----BEGIN KEY-----\nc2VjcmV0bGluZQ\nshort\n"])
    assert redactor.redact(f"> {line}") == f"> {MASK}"
    assert redactor.redact("short") == "short"


def test_what_could_be_a_secret_is_held_back_and_given_when_it_is_none() -> None:
    redactor = Redactor(["hunter22"])
    assert redactor.feed("a hunt") == "a "
    assert redactor.feed("ress") == "hunt" + "ress"
    assert redactor.feed(" hunter2") == " "
    assert redactor.flush() == "hunter2"


@pytest.mark.parametrize("value", ["", "a", "abc"])
def test_very_short_values_are_left(value: str) -> None:
    assert Redactor([value]).redact("abc a") == "abc a"


def test_the_forms_of_a_value_with_signs() -> None:
    for text in written(SECRET, "url=", "&x"):
        assert MASK in Redactor([SECRET]).redact(text)
