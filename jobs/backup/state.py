"""The engine's state in a backup: every stack that served is there, and the passphrase opens it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jobs.backup.manifest import Manifest
from stacks.errors import PortwrightError

# github.com/pulumi/pulumi/sdk/v3 go/common/resource/config/crypt.go
ROUNDS = 1_000_000
KNOWN = b"pulumi"
REMEDY = "an older backup may be whole; back up again"


def check(manifest: Manifest, folder: Path) -> int:
    """Of a file backend; returns how many stacks there are. Raises PortwrightError."""
    passphrase = (folder / "keys/passphrase").read_text().strip()
    opened: set[str] = set()
    stacks = sorted(folder.glob("state/.pulumi/stacks/*/*.json"))
    for served in manifest.environments:
        wanted = f"{served['project']}/{served['environment']}.json"
        if not any(str(path).endswith(f"/{wanted}") for path in stacks):
            raise PortwrightError("it is missing", remedy=REMEDY, path=f"state {wanted}")
    for path in stacks:
        for salt in salts(path) - opened:
            if not opens(salt, passphrase):
                raise PortwrightError(
                    "the passphrase beside it does not open it",
                    remedy=REMEDY,
                    path=f"state {path.parent.name}/{path.name}",
                )
            opened.add(salt)
    return len(stacks)


def salts(path: Path) -> set[str]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        provider = (content["checkpoint"].get("latest") or {}).get("secrets_providers") or {}
    except (ValueError, KeyError, AttributeError):
        raise PortwrightError(
            "it can't be read", remedy=REMEDY, path=f"state {path.parent.name}/{path.name}"
        ) from None
    salt = (provider.get("state") or {}).get("salt")
    return {salt} if salt else set()


def opens(salt: str, passphrase: str) -> bool:
    """salt: `v1:SALT:v1:NONCE:SEALED`, where SEALED is a known word under the passphrase."""
    _, spice, _, nonce, sealed = salt.split(":")
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(spice), ROUNDS, 32)
    try:
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None) == KNOWN
    except InvalidTag:
        return False
