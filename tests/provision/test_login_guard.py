"""The end of a guarded change, as the shell command that it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from apart import call


@pytest.mark.parametrize("undone", [False, True])
def test_a_change_that_the_timer_took_back_is_no_success(tmp_path: Path, undone: bool) -> None:
    end = str(call("provision.guard", "settle", "ssh")).replace(
        "/var/lib/portwright-guard", str(tmp_path)
    )
    if not undone:
        (tmp_path / "ssh").touch()
    done = subprocess.run(
        ["/bin/sh", "-c", f"systemctl() {{ :; }}; {end}"], capture_output=True, text=True
    )
    assert (done.returncode != 0) == undone == ("raise guard_seconds" in done.stderr)
    assert not (tmp_path / "ssh").exists()
