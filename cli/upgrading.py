"""`portwright upgrade`, on the host itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

CHECKOUT = Path(__file__).resolve().parent.parent


@click.command()
@click.option("--to", "version", required=True, help="A tag or commit of Portwright.")
@click.option("--from", "repository", help="Where its code is; else where this one's is from.")
def upgrade(version: str, repository: str | None) -> None:
    """Bring Portwright itself to another version; what is deployed goes on serving. As root."""
    argv = [sys.executable, "-m", "provision.upgrade_fetch", "--to", version]
    argv += ["--from", repository] if repository else []
    sys.exit(subprocess.run(argv, cwd=CHECKOUT).returncode)
