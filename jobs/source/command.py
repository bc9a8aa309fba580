"""Running git within limits: what it writes, what it holds in memory, how long it takes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from git import GitCommandError

KIBIBYTE, MEBIBYTE = 1 << 10, 1 << 20
MEMORY = 512 * MEBIBYTE
ANSWER = 64 * MEBIBYTE


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    seconds: float,
    most: int = ANSWER,
    memory: int = MEMORY,
    given: bytes = b"",
) -> bytes:
    """What the command says on its standard output.

    most: bytes of the largest file it may write, its output among them; the kernel ends it
    there (setrlimit(2), RLIMIT_FSIZE), so that nothing grows further unseen.
    memory: bytes. given: its standard input.
    Raises git.GitCommandError, whose stderr may hold anything that a server said, and
    subprocess.TimeoutExpired. Whatever it has started is ended with it.
    """
    limits = ["prlimit", f"--fsize={most}", f"--data={memory}", "--core=0", "--"]
    with TemporaryFile() as out, TemporaryFile() as err, TemporaryFile() as into:
        into.write(given)
        into.seek(0)
        process = subprocess.Popen(
            [*limits, *argv], cwd=folder, env=dict(environ), stdin=into, stdout=out, stderr=err,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if code:
            err.seek(max(0, err.tell() - 64 * KIBIBYTE))
            said = b"File too large\n" if code == -signal.SIGXFSZ else b""
            raise GitCommandError(list(argv), code, said + err.read(64 * KIBIBYTE))
        out.seek(0)
        return out.read()
