"""A plugin of `./run-tests` for pytest: the tests of one group, and how far they are.

A group is a folder of tests, or a file that needs no platform of its folder's. TOLD names a file to
which lines of JSON are added: {"groups": {group: tests}} once they are collected, then
{"passed", "failed", "now"} with each step of a test.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

GROUP = "PORTWRIGHT_TEST_GROUP"
TOLD = "PORTWRIGHT_TEST_TOLD"
# They bring up platforms of their own, and so can run beside the rest of their folder.
ALONE = frozenset({"tests/faults/test_3_hosts.py", "tests/backup/test_upgrade.py"})


def group_of(path: Path, config: pytest.Config) -> str:
    """Of a file of tests."""
    within = path.relative_to(config.rootpath)
    return within.as_posix() if within.as_posix() in ALONE else Path(*within.parts[:2]).as_posix()


class Teller:
    def __init__(self, told: Path) -> None:
        self.told = told
        self.passed = 0
        self.failed = 0

    def tell(self, **fields: object) -> None:
        with self.told.open("a") as file:
            file.write(json.dumps(fields) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tell(groups=Counter(group_of(item.path, session.config) for item in session.items))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tell(passed=self.passed, failed=self.failed, now=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed += report.failed
        self.passed += report.when == "call" and report.passed
        self.tell(passed=self.passed, failed=self.failed, now=report.nodeid)


def pytest_configure(config: pytest.Config) -> None:
    if told := os.environ.get(TOLD):
        config.pluginmanager.register(Teller(Path(told)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Other groups' files are not even read, which takes longer than many a group."""
    group = os.environ.get(GROUP)
    if not group:
        return None
    if collection_path.is_file():
        return group_of(collection_path, config) != group or None
    pairs = zip(collection_path.relative_to(config.rootpath).parts, Path(group).parts, strict=False)
    return any(one != other for one, other in pairs) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that the arguments name are read whatever their group."""
    if group := os.environ.get(GROUP):
        others = [item for item in items if group_of(item.path, config) != group]
        items[:] = [item for item in items if group_of(item.path, config) == group]
        config.hook.pytest_deselected(items=others)
