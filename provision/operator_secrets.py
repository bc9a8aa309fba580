"""Secrets that the operator gives a host: files, in the clear and 0600, or encrypted with age.

    inventory/secrets/HOST/NAME       or       inventory/secrets/HOST/NAME.age

NAME is a key of the host (`vault-key`, `passphrase`...). age reads its identity from the file
that AGE_KEY_FILE names. A secret goes through SFTP: no command line, log or plan shows it.
https://github.com/FiloSottile/age
"""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

from stacks.errors import PortwrightError


class Secret(io.StringIO):
    """Text that a plan does not show."""


def given(folder: Path, name: str) -> Secret | None:
    """The secret of this name, None where the operator gives none. Raises PortwrightError."""
    plain, sealed = folder / name, folder / f"{name}.age"
    if sealed.is_file():
        return Secret(opened(sealed))
    if not plain.is_file():
        return None
    if plain.stat().st_mode & 0o077:
        raise PortwrightError(
            f"{plain} can be read by others", remedy=f"chmod 600 {plain}", path=f"secrets.{name}"
        )
    return Secret(plain.read_text().strip())


def opened(sealed: Path) -> str:
    identity = os.environ.get("AGE_KEY_FILE", "")
    try:
        done = subprocess.run(
            ["age", "--decrypt", "--identity", identity, str(sealed)],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise PortwrightError(
            f"{sealed} is encrypted, and there is no age here", remedy="apt-get install age"
        ) from None
    if done.returncode:
        raise PortwrightError(
            f"{sealed} can't be decrypted",
            remedy="set AGE_KEY_FILE to the file of an identity that it is encrypted for",
            path=f"secrets.{sealed.stem}",
        )
    return done.stdout.strip()
