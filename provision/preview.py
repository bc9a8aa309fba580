"""What an operation would do, as lines for a person: commands, and files as unified diffs.

pyinfra's generators are run to their end here without their commands being carried out.
"""

from __future__ import annotations

import difflib
from typing import Any

from pyinfra.api import FileUploadCommand, FunctionCommand, State, StringCommand
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.context import ctx_host, ctx_state
from pyinfra.facts.files import FileContents

from provision.operator_secrets import Secret

DRAFT = ".portwright-new"
LONGEST = 200


def steps_of(state: State, host: Host, op_hash: str) -> list[str]:
    """The steps of one operation on one host; empty where it has nothing to do."""
    steps: list[str] = []
    data = state.get_op_data_for_host(host, op_hash)
    with ctx_state.use(state), ctx_host.use(host):
        try:
            commands = list(data.command_generator())
        except PyinfraError as error:
            return [f"known only when it is done: {error}"]
        for command in commands:
            steps += step_of(host, command)
    return steps


def step_of(host: Host, command: Any) -> list[str]:
    if isinstance(command, FileUploadCommand):
        return file_diff(host, command.src, command.dest.removesuffix(DRAFT))
    if isinstance(command, FunctionCommand):
        return [f"here: {command.function.__name__.replace('_', ' ')}"]
    if isinstance(command, StringCommand):
        text = " ".join(str(command).split())
        return [f"$ {text if len(text) <= LONGEST else text[:LONGEST] + ' …'}"]
    return [f"write {getattr(command, 'dest', command)}"]


def file_diff(host: Host, source: Any, path: str) -> list[str]:
    """A text file as a diff against what the host has; another one by its name."""
    if isinstance(source, Secret):
        return [f"write {path} (a secret, not shown)"]
    try:
        content = source.getvalue() if hasattr(source, "getvalue") else ""
        wanted = content if isinstance(content, str) else content.decode()
    except UnicodeDecodeError:
        wanted = ""
    if not wanted or "\0" in wanted:
        return [f"upload {path}"]
    now = host.get_fact(FileContents, path=path) or []
    changed = difflib.unified_diff(now, wanted.splitlines(), f"{path} now", path, lineterm="", n=1)
    return [f"write {path}", *(f"  {line}" for line in list(changed)[2:])]
