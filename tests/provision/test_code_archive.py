"""The code as one archive: the same files, the same bytes and the same name."""

from __future__ import annotations

import io
import tarfile
import tomllib
from pathlib import Path

import pytest

from provision import code_archive

CHECKOUT = Path(__file__).parents[2]
PROJECT = '[project]\nversion = "1.2.3"\ndependencies = ["a==1", "b==2"]\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """No git here: an unpacked archive can make the next one."""
    for name, text in {
        "pyproject.toml": PROJECT,
        "stacks/a.py": "a = 1\n",
        "provision/run": "#!/bin/sh\n",
        "tests/t.py": "t = 1\n",
        "inventory/hosts.py": "hosts = {}\n",
        "inventory/hosts-of-the-other-provider.py": "hosts = {}\n",
        "inventory/group_data/all.py": "packages = []\n",
        "inventory/secrets/token": "hush\n",
        "jobs/__pycache__/x.pyc": "x",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "provision/run").chmod(0o755)
    return tmp_path


def test_it_holds_the_rooms_and_neither_tests_nor_the_operators_own(checkout: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(code_archive.pack(checkout))) as tar:
        assert [(each.name, each.mode, each.uid, each.mtime) for each in tar] == [
            ("inventory/group_data/all.py", 0o644, 0, 0),
            ("provision/run", 0o755, 0, 0),
            ("pyproject.toml", 0o644, 0, 0),
            ("stacks/a.py", 0o644, 0, 0),
        ]


def test_the_name_changes_with_any_file_and_with_nothing_else(checkout: Path) -> None:
    first = code_archive.describe(checkout)
    assert first.version.startswith("1.2.3-") and first.requirements == "a==1\nb==2\n"
    (checkout / "tests/t.py").write_text("t = 2\n")
    (checkout / "stacks/a.py").touch()
    assert code_archive.describe(checkout) == first
    assert code_archive.pack(checkout) == code_archive.pack(checkout)
    (checkout / "provision/run").chmod(0o644)
    second = code_archive.describe(checkout)
    (checkout / "stacks/a.py").write_text("a = 2\n")
    third = code_archive.describe(checkout)
    assert len({first.version, second.version, third.version}) == 3
    assert first.packages == third.packages


def test_every_package_of_the_code_is_a_room() -> None:
    tool = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]
    assert set(tool["importlinter"]["root_packages"]) <= set(code_archive.ROOMS)
