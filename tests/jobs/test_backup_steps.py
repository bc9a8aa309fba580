"""In which order a new host is made from a backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.settings import Settings
from provision.backup_restore import steps
from provision.upgrade_fetch import fetch
from stacks.errors import PortwrightError


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_each_part_comes_before_what_would_be_made_anew(database: str) -> None:
    todo = steps(Settings(database=database), "/mnt/backups", Path("/root/password"), "0a1b")
    order = [step.argv[-1] if "provision.converge" in step.argv else step.title for step in todo]
    places = {name: order.index(name) for name in order}
    assert places["base"] + 1 == places["Files of the backup"]
    assert places["Files of the backup"] < places["docker"] < places["Volumes"]
    assert places["Database and engine's state"] < places["Volumes"] < places["portal"]
    if database == "postgres":
        assert places["Files of the backup"] < places["postgres"]
        assert places["postgres"] < places["Database and engine's state"]
    assert order[-1] == "What served is deployed again" and not any(
        "Sample project" in s for s in order
    )
    fetching = todo[places["Files of the backup"]].argv
    assert [*fetching[2:]] == [
        "jobs.backup", "fetch", "/mnt/backups", "--password-file", "/root/password",
        "--snapshot", "0a1b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("repository", "ref"), [("/x", "--upload-pack=x"), ("--upload-pack=x", "v1"), ("/x", "a b")]
)
def test_a_version_is_no_option_for_git(tmp_path: Path, repository: str, ref: str) -> None:
    with pytest.raises(PortwrightError, match="is no version"):
        fetch(tmp_path, repository, ref)
