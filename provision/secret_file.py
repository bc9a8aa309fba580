"""A file with a random secret: made on the host where it is missing, whole or not at all, never changed."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import operation
from pyinfra.facts.files import File
from pyinfra.operations import files

from provision.operator_secrets import Secret

# Forms of a secret, as Python's standard library makes them; a Fernet key is 32 bytes in base64.
FORMS = {
    "hex": "secrets.token_hex(32)",
    "url": "secrets.token_urlsafe(32)",
    "fernet": "base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()",
}


@operation()
def secret_file(path: str, form: str) -> Generator[Any, None, None]:
    """The file is there, mode 600. Its content never leaves the host, nor passes a command line."""
    if host.get_fact(File, path=path):
        host.noop(f"{path} is there")
        return
    yield write_once(path, form)


@operation()
def given_secret(path: str, secret: Secret) -> Generator[Any, None, None]:
    """The file is there, mode 600; one that is there is not overwritten: data may hang on it."""
    if host.get_fact(File, path=path):
        host.noop(f"{path} is there")
        return
    yield from files.put._inner(src=secret, dest=f"{path}.new", mode="600")
    yield f"sync {shlex.quote(path)}.new && mv {shlex.quote(path)}.new {shlex.quote(path)}"


def write_once(path: str, form: str) -> str:
    """A shell command."""
    code = f"import base64, secrets; print({FORMS[form]}, end='')"
    new, final = shlex.quote(f"{path}.new"), shlex.quote(path)
    return f"umask 077 && rm -f {new} && python3 -c {shlex.quote(code)} >{new} && sync {new} && mv {new} {final}"
