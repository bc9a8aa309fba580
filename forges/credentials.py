"""What a forge knows us by."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stacks.errors import PortwrightError

TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
USER = re.compile(r"[\x21-\x39\x3b-\x7e]{1,200}")


@dataclass(frozen=True)
class Token:
    """An access token. user: the account's e-mail address, for Bitbucket's API tokens only.

    Raises PortwrightError for what can't be sent in a header.
    """

    value: str = field(repr=False)
    user: str = ""

    def __post_init__(self) -> None:
        if not TOKEN.fullmatch(self.value) or (self.user and not USER.fullmatch(self.user)):
            raise PortwrightError(
                "that is no token: it has spaces or line ends, or is empty",
                remedy="copy it once more, without anything around it",
                path="token",
            )

    def headers(self) -> Mapping[str, str]:
        """RFC 6750, or RFC 7617 with a user."""
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.value}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {self.value}"}


@dataclass(frozen=True)
class App:
    """A GitHub App's installation. key: its private key, PEM. installation: the number in its settings' URL."""

    app_id: str
    installation: int
    key: str = field(repr=False)


Credentials = Token | App
