"""`./run-tests`: groups of tests at once, each counted, and ended together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provision import testing, testing_lanes, testing_phase
from provision.testing_lanes import CollectionFailed, groups, in_order, side_by_side
from provision.testing_phase import Phase
from provision.testing_plugin import GROUP, TOLD


@pytest.fixture(autouse=True)
def in_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in a group, whose name is not their tests' own."""
    for name in (GROUP, TOLD):
        monkeypatch.delenv(name, raising=False)


Counts = list[tuple[str, int, int, int]]
# Each says that it is there, and waits for the other: one after the other, both would fail.
MEETS = """
import time
from pathlib import Path

def test_meets():
    Path("{here}").touch()
    deadline = time.monotonic() + 60
    while not Path("{there}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
"""
LASTS = """
import time
from pathlib import Path

import pytest

@pytest.fixture(scope="session")
def platform():
    Path("{name}.up").touch()
    yield
    time.sleep(0.5)
    Path("{name}.down").touch()

def test_lasts(platform):
    time.sleep(600)
"""
DRIVER = """
import os
import sys
from pathlib import Path
from provision import testing_lanes

testing_lanes.CHECKOUT = Path.cwd()
testing_lanes.BUILD = Path.cwd() / "build"
testing_lanes.side_by_side([], os.environ)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A checkout of nothing but these files, and `./run-tests` works on it."""

    def make(**files: str) -> Path:
        (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
        for name, content in files.items():
            path = tmp_path / "tests" / name / f"test_{name}.py"
            path.parent.mkdir(parents=True)
            path.write_text(content)
        return tmp_path

    # They take longer to load than these tests.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for module in (testing_lanes, testing_phase):
        monkeypatch.setattr(module, "CHECKOUT", tmp_path)
        monkeypatch.setattr(module, "BUILD", tmp_path / "build")
    return make


def counts(phases: list[Phase]) -> Counts:
    return sorted((each.name, each.passed, each.failed, each.skipped) for each in phases)


def test_two_groups_run_at_once(checkout: Callable[..., Path]) -> None:
    checkout(
        one=MEETS.format(here="one", there="two"),
        two=MEETS.format(here="two", there="one"),
    )
    phases = side_by_side([], os.environ)
    assert counts(phases) == [("tests/one", 1, 0, 0), ("tests/two", 1, 0, 0)]


def test_a_group_that_fails_is_shown_and_the_others_are_counted(
    checkout: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = checkout(
        bad="def test_good(): pass\ndef test_bad(): assert 'the cause' == ''\n",
        good="def test_good(): print('not shown')\n",
        skips="import pytest\n@pytest.mark.skip\ndef test_good(): pass\n",
        third="def test_good(): pass\n",
    )
    phases = side_by_side([], os.environ)
    assert counts(phases) == [
        ("tests/bad", 1, 1, 0),
        ("tests/good", 1, 0, 0),
        ("tests/skips", 0, 0, 1),
        ("tests/third", 1, 0, 0),
    ]
    told = capsys.readouterr().out
    assert "assert 'the cause' == ''" in told and "not shown" not in told
    assert "assert 'the cause' == ''" in (root / "build/tests-bad.log").read_text()


def test_arguments_choose_tests_of_some_groups(checkout: Callable[..., Path]) -> None:
    two = "def test_a(): pass\ndef test_b(): pass\n"
    checkout(one=two, two=two, three=two)
    assert groups(["tests/one", "tests/two", "-k", "test_a"], os.environ) == {
        "tests/one": 1,
        "tests/two": 1,
    }
    phases = side_by_side(["tests/three", "-k", "test_a"], os.environ)
    assert counts(phases) == [("tests/three", 1, 0, 0)]


def test_a_group_reads_its_own_files_only(checkout: Callable[..., Path]) -> None:
    """Reading all of them takes longer than many a group."""
    nosy = (
        f"import os\nassert os.environ.get({GROUP!r}) in (None, 'tests/nosy')\ndef test_a(): pass\n"
    )
    checkout(nosy=nosy, one="def test_a(): pass\n")
    phases = side_by_side([], os.environ)
    assert counts(phases) == [("tests/nosy", 1, 0, 0), ("tests/one", 1, 0, 0)]


def test_arguments_that_choose_nothing_are_no_success(
    checkout: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = checkout(one="def test_a(): pass\n")
    monkeypatch.setattr(testing, "BUILD", root / "build")
    monkeypatch.setattr(testing, "REPORT", root / "build/test-report.json")
    phases = side_by_side(["-k", "nothing"], os.environ)
    assert phases == []
    assert testing.report("full", phases, 1.25) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 0 failed"


def test_a_file_that_cannot_be_read_is_told(checkout: Callable[..., Path]) -> None:
    checkout(one="def test_a(): pass\n", broken="import nothing_like_this\n")
    with pytest.raises(CollectionFailed, match="No module named 'nothing_like_this'"):
        side_by_side([], os.environ)


def test_a_group_that_dies_has_failed(checkout: Callable[..., Path]) -> None:
    checkout(one="import os\ndef test_a(): os._exit(3)\n")
    assert counts(side_by_side([], os.environ)) == [("tests/one", 0, 1, 0)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_whoever_ends_it_ends_both_groups_and_they_clean_up(
    checkout: Callable[..., Path], number: int
) -> None:
    root = checkout(one=LASTS.format(name="one"), two=LASTS.format(name="two"))
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as behind a shell's `&`
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not ((root / "one.up").exists() and (root / "two.up").exists()):
        assert time.monotonic() < deadline and driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(number)
    told, errors = driver.communicate(timeout=60)
    assert "ending the tests" in told and "KeyboardInterrupt" in errors
    assert sorted(path.name for path in root.glob("*.down")) == ["one.down", "two.down"]


def test_progress_names_the_group_its_count_and_the_test_at_work(
    checkout: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(testing_lanes, "SAY_EVERY", 0.0)
    waits = "import time\ndef test_a(): pass\ndef test_b(): time.sleep(1.5)\n"
    checkout(one=waits)
    side_by_side([], os.environ)
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("tests/one: 1 of 2 passed, ") and line.endswith("tests/one/test_one.py::test_b")
        for line in lines
    ), lines  # fmt: skip


def test_the_long_groups_begin_first() -> None:
    found = {"tests/a": 1, "tests/faults": 2, "tests/b": 9, "tests/system": 3}
    assert in_order(found) == ["tests/system", "tests/faults", "tests/b", "tests/a"]


def test_the_report_has_the_counts_of_all_phases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testing, "BUILD", tmp_path)
    monkeypatch.setattr(testing, "REPORT", tmp_path / "report.json")
    phases = [Phase("lint"), Phase("tests/one", passed=3), Phase("tests/two", 4, 1, 0, 2.5)]
    assert testing.report("full", phases, 61.234) == 1
    content = json.loads((tmp_path / "report.json").read_text())
    assert {key: content[key] for key in ("mode", "passed", "failed", "skipped", "seconds")} == {
        "mode": "full", "passed": 7, "failed": 1, "skipped": 0, "seconds": 61.2,
    }  # fmt: skip
    assert capsys.readouterr().out.splitlines()[-1] == "7 passed, 1 failed"
    assert testing.report("full", phases[:2], 1.0) == 0
