"""The user name and password with which a registry is asked for an image."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """A user name and password of a registry; repr hides the password."""

    username: str
    password: str = field(repr=False)
