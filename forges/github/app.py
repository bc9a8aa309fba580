"""A GitHub App's way in: a signed statement of who it is becomes a token for an hour.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from forges.api import Api
from forges.credentials import App
from forges.reading import Node
from stacks.errors import PortwrightError

EARLY = 60
STATEMENT_SECONDS = 540
HEADER = {"alg": "RS256", "typ": "JWT"}


def statement(app: App, clock: Callable[[], float] = time.time) -> Mapping[str, str]:
    """A header with a JSON Web Token, RS256 (RFC 7519, 7515): from a minute ago, for clocks that differ."""
    now = int(clock())
    claims = {"iat": now - EARLY, "exp": now + STATEMENT_SECONDS, "iss": app.app_id}
    signed = b".".join(encoded(json.dumps(each).encode()) for each in (HEADER, claims))
    signature = private_key(app.key).sign(signed, PKCS1v15(), SHA256())
    return {"Authorization": f"Bearer {signed.decode()}.{encoded(signature).decode()}"}


def encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise PortwrightError(
            "that is no private key of a GitHub App",
            remedy="paste the whole .pem file that GitHub gave, from BEGIN to END",
            path="key",
        )
    return key


class Installation:
    """Headers with the installation's token, which is asked for anew a minute before it ends."""

    def __init__(self, app: App, api: Api, clock: Callable[[], float] = time.time) -> None:
        """api: the same address, with the App's own statement as credentials."""
        private_key(app.key)
        self.app, self.api, self.clock = app, api, clock
        self.token, self.until = "", 0.0

    def headers(self) -> Mapping[str, str]:
        if self.clock() > self.until - EARLY:
            number = Node(self.app.installation, "installation").number()
            told = self.api.read("POST", f"/app/installations/{number}/access_tokens")
            self.token = told.at("token").text(4096)
            self.until = moment(told.at("expires_at"))
        return {"Authorization": f"Bearer {self.token}"}


def moment(node: Node) -> float:
    try:
        return datetime.fromisoformat(node.text(40)).timestamp()
    except (ValueError, OverflowError):
        raise node.wrong("is no moment") from None


def installation_of(api: Api, full_name: str) -> int:
    """The number of the App's installation that has this repository. api: as the App itself."""
    name = Node(full_name, "repository").full_name()
    return api.read("GET", f"/repos/{name}/installation").at("id").number()
