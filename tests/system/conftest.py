"""One platform for the session; each test begins with the sample at the commit it was bundled with."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attack_ground import Ground, new_ground
from base_images import OFFICIAL, docker_hub
from harness import Platform, Repository, copy_checkout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Fresh from `./quickstart` in a fresh copy, with Alice signed in."""
    root = tmp_path_factory.mktemp("platform")
    copy_checkout(root / "code")
    made = Platform(root / "code", root / "home", "pwtest")
    with docker_hub(OFFICIAL) as images:
        made.extra["PORTWRIGHT_IMAGES"] = images
        try:
            made.clear_earlier()
            (root / "first-output").write_text(made.quickstart())
            made.sign_in()
            yield made
        finally:
            made.purge()


@pytest.fixture(scope="session")
def ground(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[Path], None]
) -> Iterator[Ground]:
    """A database and builders without a platform: a build takes a second there."""
    with new_ground(tmp_path_factory.mktemp("ground"), new_database, "pwground") as made:
        yield made


@pytest.fixture
def repository(platform: Platform, tmp_path: Path) -> Repository:
    """A clone of the sample at its first commit; earlier tests' pushes are undone."""
    folder = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", str(platform.home / "git/sample.git"), str(folder)], check=True
    )
    repository = Repository(folder)
    first = repository.git("rev-list", "--max-parents=0", "HEAD")
    repository.git("reset", "--quiet", "--hard", first)
    repository.git("push", "--quiet", "--force", "origin", "HEAD:main")
    return repository
