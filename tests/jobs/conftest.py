"""A database and a project, without Docker, Redis or the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.orm import Session, sessionmaker

from jobs.database import session_factory
from jobs.models import Environment, Project
from jobs.requests import create_project
from jobs.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "vault-key").write_bytes(Fernet.generate_key())
    return Settings(home=tmp_path)


@pytest.fixture
def sessions(
    settings: Settings, new_database: Callable[[Path], None]
) -> Iterator[sessionmaker[Session]]:
    new_database(settings.home)
    factory = session_factory(settings.database_url)
    yield factory
    factory.kw["bind"].dispose()


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as session:
        yield session


@pytest.fixture
def project(session: Session) -> Project:
    return create_project(session, "shop", "https://example.com/shop.git", "main", by="alice")


@pytest.fixture
def environment(project: Project) -> Environment:
    return project.environments[0]
