"""The engine's configuration of before: kept when ours comes, and back when Portwright goes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from apart import call


def run(name: str, folder: Path) -> None:
    command = str(call("provision.docker", name)).replace("/etc/docker", str(folder))
    done = subprocess.run(
        ["/bin/sh", "-c", f"systemctl() {{ :; }}; {command}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("theirs", ['{"default-address-pools": []}', None])
def test_what_was_there_comes_back_however_often_ours_changed(
    tmp_path: Path, theirs: str | None
) -> None:
    config = tmp_path / "daemon.json"
    if theirs:
        config.write_text(theirs)
    for ours in ('{"live-restore": true}', '{"userns-remap": "default"}'):
        run("set_aside", tmp_path)
        config.write_text(ours)
    run("put_back", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == (["daemon.json"] if theirs else [])
    assert not theirs or config.read_text() == theirs
