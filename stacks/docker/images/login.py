"""A user name and password of a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """A user name and password of a registry; repr hides the password."""

    username: str
    password: str = field(repr=False)


Logins = Mapping[str, Login]
