"""Real git servers on this machine, each with its own folder of repositories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import git_certificate
import pytest
from git_server import PASSWORD, USER, Forge
from git_upstream import Upstream

from jobs.source import Access


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> git_certificate.Certificate:
    return git_certificate.make(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def forge(tmp_path: Path, certificate: git_certificate.Certificate) -> Iterator[Forge]:
    """Over https, with a password."""
    made = Forge(tmp_path / "forge", certificate)
    yield made
    made.stop()


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "forge/shop")


@pytest.fixture
def access(forge: Forge, certificate: git_certificate.Certificate) -> Access:
    """Alice's, of the repository `shop`."""
    return Access(forge.url("shop/.git"), USER, PASSWORD, certificates=certificate.text)
