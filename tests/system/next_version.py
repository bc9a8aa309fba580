"""Next versions of Portwright, made of this checkout, and a load that notices what fails meanwhile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx
from harness import copy_checkout

from jobs import versions

MIGRATION = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "{number}", "{before}"

def upgrade():
    op.add_column("projects", sa.Column("colour", sa.String(20)))
"""


def git(*argv: str | Path) -> str:
    named = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]
    done = subprocess.run(["git", *named, *argv], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def next_version(folder: Path) -> str:
    """The code with one more version of the database; returns its number."""
    copy_checkout(folder)
    before = versions.order()[-1]
    number = f"{int(before) + 1:04}"
    script = folder / f"jobs/migrations/versions/{number}_next.py"
    script.write_text(MIGRATION.format(number=number, before=before))
    return number


def worse_version(folder: Path) -> None:
    """It changes the database, and then its portal answers no page; tagged v9."""
    next_version(folder)
    page = folder / "portal/accounts/sign_in.py"
    page.write_text(page.read_text().replace("render_template(", "not_there("))
    git("init", "--quiet", "--initial-branch=main", folder)
    git("-C", folder, "add", "--all")
    git("-C", folder, "commit", "--quiet", "--message", "Worse")
    git("-C", folder, "tag", "v9")


@contextmanager
def load(url: str) -> Iterator[list[str]]:
    """Requests to the sample through a Traefik all the time; what failed, and that there were some."""
    failed: list[str] = []
    ended = Event()
    count = 0

    def ask() -> None:
        nonlocal count
        with httpx.Client(base_url=url, timeout=20) as client:
            while not ended.wait(0.05):
                try:
                    answer = client.get("/health", headers={"Host": "web.sample.localhost"})
                    if answer.status_code != 200:
                        failed.append(f"{answer.status_code} {answer.text[:100]}")
                except httpx.HTTPError as error:
                    failed.append(repr(error))
                count += 1

    threads = [Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert count > 100
