"""The last thing a newcomer reads: where everything is, and what to try next."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from jobs.settings import Settings
from provision import daemons
from provision.stopping import containers_of, docker, states


def show(settings: Settings, env: Mapping[str, str]) -> None:
    token = settings.home / "keys/setup-token"
    rows = [("Portal", settings.portal_url)]
    if token.exists():
        link = f"{settings.portal_url}/setup?token={token.read_text()}"
        rows.append(("Become its owner", link))
    if settings.sample == "yes":
        rows += [("Sample", url) for url in sample_urls(env)]
        rows.append(("Sample's repository", str(settings.home / "git/sample.git")))
    for label, value in rows:
        print(f"{label:<21}{value}")
    if settings.sample == "no":
        print(f"""
Add a project of your own:
       .venv/bin/portwright login {settings.portal_url}
       .venv/bin/portwright projects add NAME https://example.com/repository.git

./quickstart stop stops all of it again.""")
        return
    first = (
        "Open the link above in a browser and choose your password (the link works once)."
        if token.exists()
        else f"Sign in at {settings.portal_url} and look at the sample's release and its plan."
    )
    print(f"""
Three things to try, in this folder:
  1. {first}
  2. See a change before it happens:
       git clone {settings.home}/git/sample.git /tmp/sample
       set another COLOR in /tmp/sample/portwright.yaml; git commit and push it
       .venv/bin/portwright login {settings.portal_url}
       .venv/bin/portwright plan sample
  3. Make it so, and take it back:
       .venv/bin/portwright deploy sample
       .venv/bin/portwright rollback sample 1""")
    print("\n./quickstart stop stops all of it again.")


def sample_urls(env: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.admin", "urls", "sample"],
        env=env,
        capture_output=True,
        text=True,
    )
    return done.stdout.split() if done.returncode == 0 else []


def status(settings: Settings) -> int:
    """What runs; exits with 1 where something that is needed does not."""
    now = states(settings)
    wanted = ["portal", "worker", "traefik", "redis"]
    wanted += ["postgres"] if settings.database == "postgres" else []
    for name in wanted:
        print(f"{name:<12}{'runs' if now[name] else 'does not run'}")
    answers = bool(docker("info", "--format", "{{.ID}}"))
    origin = ", started from here" if now["dockerd"] else ""
    print(f"{'docker':<12}{'runs' + origin if answers else 'does not answer'}")
    print(f"{'containers':<12}{len(containers_of(settings))} run")
    whole = answers and all(now[name] for name in wanted)
    if settings.sample == "yes":
        served = daemons.answers(settings.library)
        origin = ", started from here" if now["library"] else ""
        print(f"{'library':<12}{'runs' + origin if served else 'does not run'}")
        whole = whole and served
    print(f"\nPortal: {settings.portal_url}" if whole else "\n./quickstart starts what is missing.")
    return 0 if whole else 1
