"""One Gitea, one platform and one project for all; each test uses pull requests of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from shop import OWNER, Gitea, Shop

from bench.scratch import Scratch, platform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def gitea() -> Iterator[Gitea]:
    from gitea import running

    with running() as made:
        made.create_user(OWNER)
        yield made


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    def prepared(made: Scratch) -> None:
        made.extra |= {"PORTWRIGHT_SAMPLE": "no", "PORTWRIGHT_ALLOWED_HOSTS": "127.0.0.1"}

    with platform("pwpreviews", prepared) as made:
        yield made


@pytest.fixture(scope="session")
def shop(gitea: Gitea, scratch: Scratch) -> Shop:
    """Deployed to production by a push that its hook told of."""
    made = Shop(scratch, gitea, scratch.home.parent / "shop", "shop")
    made.add_hook()
    sha = made.commit(1, "First")
    made.push("main")
    assert made.run_of(sha, "production").state == "succeeded", made.story()
    made.served("web.shop.localhost", 1)
    return made


@pytest.fixture(autouse=True)
def usual(shop: Shop) -> None:
    """What a test has changed of the settings does not reach the next one."""
    shop.policy(
        enabled=True, most=5, forks="off", protect="nobody", share=[], idle_minutes=0, ttl_hours=168
    )
