"""A managed host's portal and worker: any change of them is an upgrade, which goes back by itself.

The new units are put beside the old ones, and `provision.upgrade_units` of the new code brings
them to their places. That is a unit of its own: where the connection is cut it goes on, and the
next call waits for it.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import operation
from pyinfra.operations import files

from provision import upgrade_note
from provision.daemons import Daemon
from provision.operations import Succeeds
from provision.systemd import DRAFT, as_wanted, unit_of

UNIT = "portwright-upgrade"
WAIT = f"while systemctl is-active --quiet {UNIT}; do sleep 1; done"


@operation()
def taken_over(home: str, wanted: Sequence[Daemon], command: str) -> Generator[Any, None, None]:
    """They run as these say. command: in a shell, what brings the new units to their places."""
    units = [unit_of(each, home, host.data.unit_memory) for each in wanted]
    drafts = [f"{unit.path}{DRAFT}" for unit in units]
    note = shlex.quote(str(upgrade_note.place(Path(home))))
    settled = [f"test ! -e {path}" for path in (note, *drafts)]
    check = " && ".join([f"{{ {WAIT}; }}", *settled, *(as_wanted(unit) for unit in units)])
    if host.get_fact(Succeeds, check=check):
        host.noop("portal and worker run already")
        return
    for unit, draft in zip(units, drafts, strict=True):
        yield from files.put._inner(src=StringIO(unit.text), dest=draft, mode="600")
    log = shlex.quote(f"{home}/log/upgrade.log")
    # systemd takes `$` for a variable of its own.
    told = f"umask 077; {{ {command}; }} >{log} 2>&1".replace("$", "$$")
    yield (
        f"systemd-run --quiet --collect --wait --unit {UNIT} /bin/sh -c {shlex.quote(told)}"
        f" && cat {log} || {{ cat {log} >&2; rm -f {' '.join(drafts)}; exit 1; }}"
    )
