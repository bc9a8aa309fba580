"""One database, one engine and a builder per project for the session; projects are registered
by the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from base_images import serve
from cryptography.fernet import Fernet
from ground import Ground, Place

from jobs.database import session_factory
from jobs.settings import Settings
from stacks.docker.builds.builder_image import BINARIES

CHECKOUT = Path(__file__).resolve().parents[2]
INSTANCE = "pwsecurity"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def ground(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[Path], None]
) -> Iterator[Ground]:
    serve("busybox", "python")
    folder = tmp_path_factory.mktemp("security")
    home = folder / "home"
    for each in ("bin", "keys"):
        (home / each).mkdir(parents=True)
    new_database(home)
    (home / "keys/vault-key").write_text(Fernet.generate_key().decode())
    given = {**os.environ, "PORTWRIGHT_HOME": str(home), "PORTWRIGHT_INSTANCE": INSTANCE}
    settings = Settings.from_environ(given)
    install = [sys.executable, "-m", "toolchain", "install", "--into", str(home / "bin")]
    subprocess.run([*install, *BINARIES], cwd=CHECKOUT, check=True)
    sessions = session_factory(settings.database_url)
    client = docker.from_env(timeout=120)
    with sessions() as session:
        made = Ground(client, settings, sessions, session, folder)
        made.clear()
        try:
            yield made
        finally:
            made.clear()
            client.close()
    sessions.kw["bind"].dispose()


@pytest.fixture(scope="session")
def alice(ground: Ground) -> Place:
    """The victim's project."""
    return ground.place("q")


@pytest.fixture(scope="session")
def mallory(ground: Ground) -> Place:
    """The attacker's project, with a name that differs by a hyphen."""
    return ground.place("q-r")
