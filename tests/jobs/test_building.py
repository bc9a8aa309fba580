"""Builds and the pruning of their cache keep out of each other's way."""

from __future__ import annotations

import subprocess
import sys

from jobs.building import building, nobody_builds, prune_build_cache
from jobs.settings import Settings

HOLD = """
import sys
from pathlib import Path
from jobs.building import building
from jobs.settings import Settings
with building(Settings(home=Path(sys.argv[1]))):
    print("at work", flush=True)
    sys.stdin.read()
"""


def test_several_build_at_once_and_nothing_is_pruned_meanwhile(settings: Settings) -> None:
    with building(settings), building(settings), nobody_builds(settings) as alone:
        assert not alone
    with nobody_builds(settings) as alone:
        assert alone


def test_a_build_of_another_process_counts_until_it_ends_however_it_ends(
    settings: Settings,
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None and other.stdout.readline() == b"at work\n"
    no_engine_is_asked = None
    assert prune_build_cache(no_engine_is_asked, settings) == []  # type: ignore[arg-type]
    other.kill()
    other.communicate()
    with nobody_builds(settings) as alone:
        assert alone
