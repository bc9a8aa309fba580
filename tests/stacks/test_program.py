"""Hooks and secrets of the inline program."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from stacks.compile import SecretEnv
from stacks.program import in_a_thread, opened
from stacks.spec import SecretVersion, Template

SECRETS = {("pw", 1): "p/w @1"}


def test_a_hook_runs_though_every_thread_of_the_sdk_waits() -> None:
    """Fifty containers wait for resources whose hooks are still to run: nothing went on."""
    free = threading.Event()

    async def deploy() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        waiting = loop.run_in_executor(None, free.wait, 10)
        await in_a_thread(free.set)
        return await waiting

    assert asyncio.run(deploy())


def test_secrets_in_a_text_and_in_a_url() -> None:
    plain, quoted = (
        SecretVersion(secret="pw", version=1),
        SecretVersion(secret="pw", version=1, quoted=True),
    )
    assert opened(SecretEnv("A", plain), SECRETS) == "A=p/w @1"
    whole = Template(parts=["pg://u:", quoted, "@db/", plain])
    assert opened(SecretEnv("A", whole), SECRETS) == "A=pg://u:p%2Fw%20%401@db/p/w @1"
