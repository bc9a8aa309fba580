"""Running a command of the host's owner that prints a registry's short-lived password."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence

from stacks.errors import PortwrightError

SECONDS = 30.0
LONGEST = 64 * 1024
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_token_command(argv: Sequence[str], host: str, *, seconds: float = SECONDS) -> str:
    """Return what the command prints, without its final newline.

    Runs without a shell, without input and with an environment of PATH, HOME and LANG only.

    Raises PortwrightError with the registry and the cause, never with what was printed.
    """
    try:
        process = subprocess.Popen(
            list(argv), cwd="/", env=environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise failed(host, f"could not be started ({os.strerror(error.errno or 0)})") from None
    deadline = time.monotonic() + seconds
    assert process.stdout is not None
    try:
        with process.stdout as out:
            printed = read_until(out.fileno(), deadline)
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired):
        raise failed(host, f"did not finish within {seconds:g} seconds") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if len(printed) > LONGEST:
        raise failed(host, "printed more than 64 KiB")
    if code:
        raise failed(host, f"exited with code {code}")
    try:
        password = printed.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise failed(host, "printed bytes that are not UTF-8 text") from None
    if not password or "\0" in password:
        raise failed(host, "printed no usable password")
    return password


def read_until(descriptor: int, deadline: float) -> bytes:
    """Return what comes until the end, or a little more than LONGEST. Raises TimeoutError."""
    data = b""
    while len(data) <= LONGEST:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(descriptor, LONGEST)
        if not piece:
            break
        data += piece
    return data


def environ() -> dict[str, str]:
    """HOME is where tools of cloud providers keep their own credentials."""
    return {"PATH": PATH, "HOME": os.environ.get("HOME", "/root"), "LANG": "C.UTF-8"}


def failed(host: str, cause: str) -> PortwrightError:
    return PortwrightError(
        f"the command that prints the password for {host} {cause}",
        remedy="Run the command on the portal's host as the worker's user, and correct it.",
        path=f"registries.{host}",
    )
