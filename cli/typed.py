"""Secret values that are typed at a hidden prompt or read from standard input, never from argv."""

from __future__ import annotations

import sys

import click

from cli.errors import Failure


def read_secret(name: str, *, confirm: bool = False) -> str:
    """Return the value for `name`: typed at a terminal, else standard input byte for byte.

    confirm: whether a terminal asks twice.
    """
    if sys.stdin.isatty():
        value = str(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=confirm))
    else:
        value = decoded(sys.stdin.buffer.read(), name)
    if not value:
        raise Failure("the value is empty", "Type it, or send it on standard input.", name)
    return value


def decoded(data: bytes, name: str) -> str:
    """Return the bytes as the API carries them; refuses what it would change."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Failure(
            "the value is not UTF-8 text and cannot be stored unchanged",
            "Encode it first, for example with base64, and decode it in the application.",
            name,
        ) from None
