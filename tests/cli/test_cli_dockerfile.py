"""`portwright dockerfile` in a terminal: it prints, or writes a file that does not exist yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main

PROCFILE = "web: run web\njobs: run jobs\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("gunicorn\n")
    (tmp_path / "Procfile").write_text(PROCFILE)
    (tmp_path / ".python-version").write_text("nonsense\n")
    return tmp_path


def test_dockerfile_is_printed_and_notices_are_not_part_of_it(folder: Path) -> None:
    run = CliRunner().invoke(main, ["dockerfile", str(folder), "--service", "jobs"])
    assert run.exit_code == 0, run.output
    assert run.stdout.startswith("FROM python:3.13 AS build\n")
    assert run.stdout.endswith('CMD ["/bin/sh", "-c", "run jobs"]\n')
    assert "Python: requirements.txt, Procfile" in run.stderr
    assert "Notice: The version in .python-version is not understood" in run.stderr
    assert not (folder / "Dockerfile").exists()


def test_dockerfile_is_written(folder: Path) -> None:
    printed = CliRunner().invoke(main, ["dockerfile", str(folder)]).stdout
    run = CliRunner().invoke(main, ["dockerfile", str(folder), "--write"])
    assert run.exit_code == 0, run.output
    assert (folder / "Dockerfile").read_text() == printed and not run.stdout


@pytest.mark.parametrize("kind", ["file", "link"])
def test_existing_dockerfile_is_never_replaced(folder: Path, kind: str) -> None:
    target = folder / "Dockerfile"
    other = folder / "other"
    if kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(other)
    run = CliRunner().invoke(main, ["dockerfile", str(folder), "--write"])
    assert run.exit_code == 1 and "already exists" in run.stderr
    assert not other.exists() and (kind == "link" or target.read_text() == "mine")


def test_unknown_folder_fails_with_a_remedy(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["dockerfile", str(tmp_path)])
    assert run.exit_code == 1 and "Commit a Dockerfile" in run.stderr and not run.stdout
