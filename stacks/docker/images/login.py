"""Logins of registries, keyed by the host as it stands in an image name."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """A user name and password of a registry; repr hides the password."""

    username: str
    password: str = field(repr=False)
