"""From a webhook to a preview that answers, cold and warm, beside the bare steps in the same run; and
thirty previews that open and close at once."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from bench.downtime import APP
from bench.load import ask
from bench.project import DOCKERFILE, ScratchProject
from bench.recovery import quantile
from bench.scratch import Scratch, platform, say
from jobs.hooks import create_hook
from jobs.models import Preview, Project
from jobs.previews.policy import set_policy

NAME = "previewed"
PATIENCE = 600.0


class Previewed:
    """A project with one service; its pull requests are told of by signed hooks, as Gitea sends them."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.project = ScratchProject(scratch, scratch.home.parent / NAME, NAME)
        self.project.write("web/app.py", APP.read_text())
        self.project.write("web/Dockerfile", DOCKERFILE)
        with self.project.sessions() as session:
            project = session.scalars(select(Project).where(Project.name == NAME)).one()
            set_policy(session, project, {"enabled": True, "most": 50}, by="bench")
            key = self.project.settings.key("vault-key")
            hook, self.secret = create_hook(session, key, project, "gitea", by="bench")
            self.path = f"/hooks/{hook.address}"

    def content(self, number: int) -> dict[str, Any]:
        check = {"http": "/health", "interval": "1s"}
        web = {"build": "web", "port": 8000, "healthcheck": check, "env": {"NUMBER": str(number)}}
        return {"rollback_window": "0s", "services": {"web": web}}

    def branch(self, number: int, *, anew: bool) -> str:
        """A commit on a branch of its own; anew: with another image to be built."""
        self.project.git("checkout", "--quiet", "-B", f"topic-{number}", "main")
        if anew:
            self.project.write("web/number.txt", str(number))
        sha = self.project.commit(self.content(number), f"Number {number}")
        self.project.git("checkout", "--quiet", "main")
        return sha

    def tell(self, action: str, number: int, sha: str) -> None:
        repository = {
            "id": 1, "full_name": f"bench/{NAME}", "html_url": f"http://git.example.org/bench/{NAME}",
            "clone_url": f"http://git.example.org/bench/{NAME}.git",
        }  # fmt: skip
        pull = {
            "number": number, "title": f"Number {number}", "html_url": repository["html_url"],
            "user": {"login": "bench"}, "merged": False,
            "head": {"ref": f"topic-{number}", "sha": sha, "repo": repository},
            "base": {"ref": "main", "sha": sha, "repo": repository},
        }  # fmt: skip
        body = json.dumps(
            {"action": action, "number": number, "pull_request": pull, "repository": repository}
        ).encode()
        answer = httpx.post(
            f"http://127.0.0.1:{self.scratch.ports[0]}{self.path}", content=body,
            headers={
                "X-Gitea-Event": "pull_request", "X-Gitea-Delivery": f"{action}-{number}",
                "X-Gitea-Signature": signature(self.secret, body),
                "Content-Type": "application/json",
            },
        )  # fmt: skip
        assert answer.status_code == 202, answer.text

    def reached(self, number: int) -> float:
        """Seconds until the preview answers with its number."""
        began = time.monotonic()
        host = f"pr-{number}-{NAME}.localhost"
        while ask(self.scratch.ports[1], host, "/env?NUMBER") != (200, str(number)):
            assert time.monotonic() - began < PATIENCE, f"{host} does not answer"
            time.sleep(0.05)
        return time.monotonic() - began

    def count(self, *where: Any) -> int:
        with self.project.sessions() as session:
            return session.scalar(select(func.count()).select_from(Preview).where(*where)) or 0

    def opened_by_webhook(self, number: int, *, anew: bool) -> float:
        sha = self.branch(number, anew=anew)
        began = time.monotonic()
        self.tell("opened", number, sha)
        self.reached(number)
        return time.monotonic() - began


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def bare(previewed: Previewed, number: int, *, anew: bool) -> float:
    """The same by hand: fetch, build where it must be, run, healthy."""
    previewed.branch(number, anew=anew)
    folder = previewed.scratch.home.parent / f"bare-{number}"
    name = f"{previewed.scratch.instance}-bare-{number}"
    label = previewed.scratch.labelled["label"]
    began = time.monotonic()
    command(
        "git", "clone", "--quiet", "--depth", "1", "--branch", f"topic-{number}",
        f"file://{previewed.project.folder}", str(folder),
    )  # fmt: skip
    if anew:
        image = base_image(previewed)
        text = f'FROM {image}\nWORKDIR /app\nCOPY . .\nCMD ["python3", "app.py"]\n'
        (folder / "web/Dockerfile").write_text(text)
        command("docker", "build", "--quiet", "--label", label, "--tag", name, f"{folder}/web")
    else:
        name = command("docker", "images", "--quiet", "--filter", f"label={label}").split()[0]
    check = "python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')\""
    running = f"{previewed.scratch.instance}-run-{number}"
    command(
        "docker", "run", "--detach", "--name", running, "--label", label, "--env", f"NUMBER={number}",
        "--health-cmd", check, "--health-interval", "1s", name,
    )  # fmt: skip
    state = ["docker", "inspect", "--format", "{{.State.Health.Status}}", running]
    while command(*state).strip() != "healthy":
        time.sleep(0.05)
    took = time.monotonic() - began
    command("docker", "rm", "--force", running)
    return took


def base_image(previewed: Previewed) -> str:
    """What the built service stands on."""
    (container,) = previewed.project.containers("web")
    return str(container.image.id) if container.image else ""


def command(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, f"{argv}\n{done.stderr}"
    return done.stdout


def measure(rounds: int) -> dict[str, Any]:
    with platform("pwbenchpreview", lambda s: s.extra.update(PORTWRIGHT_SAMPLE="no")) as scratch:
        previewed = Previewed(scratch)
        previewed.project.deploy(previewed.content(0))
        cold, warm, bare_cold, bare_warm = [], [], [], []
        for number in range(1, rounds + 1):
            cold.append(previewed.opened_by_webhook(number, anew=True))
            bare_cold.append(bare(previewed, 1000 + number, anew=True))
            warm.append(previewed.opened_by_webhook(100 + number, anew=False))
            bare_warm.append(bare(previewed, 2000 + number, anew=False))
            say(f"{number}: cold {cold[-1]:.1f} s, warm {warm[-1]:.1f} s")
    middle = {
        "cold_s": cold, "warm_s": warm, "bare_cold_s": bare_cold, "bare_warm_s": bare_warm
    }  # fmt: skip
    figures = {name: quantile(sorted(values), 0.5) for name, values in middle.items()}
    overhead = figures["cold_s"] - figures["bare_cold_s"]
    return {"total_s": figures["cold_s"], **figures, "overhead_s": round(overhead, 2)}


def many(count: int) -> dict[str, Any]:
    """count previews open at once and close at once; what of them is left."""

    def prepared(scratch: Scratch) -> None:
        scratch.extra |= {"PORTWRIGHT_SAMPLE": "no", "PORTWRIGHT_PREVIEWS": str(count)}

    with platform("pwbenchthirty", prepared) as scratch:
        previewed = Previewed(scratch)
        previewed.project.deploy(previewed.content(0))
        images = image_count(scratch)
        commits = {number: previewed.branch(number, anew=True) for number in range(1, count + 1)}
        began = time.monotonic()
        for number, sha in commits.items():
            previewed.tell("opened", number, sha)
        for number in commits:
            previewed.reached(number)
        opened_s = time.monotonic() - began
        opened = previewed.count(Preview.state == "open")
        say(f"{opened} are open after {opened_s:.0f} s")
        began = time.monotonic()
        for number, sha in commits.items():
            previewed.tell("closed", number, sha)
        while previewed.count(Preview.gone_at.is_not(None)) < count:
            assert time.monotonic() - began < PATIENCE, "not all went"
            time.sleep(0.5)
        closed_s = time.monotonic() - began
        left = left_over(previewed)
        return {
            "opened": opened,
            "closed": previewed.count(Preview.state == "closed"),
            "left_over": len(left) + max(0, image_count(scratch) - images),
            "left": left[:10],
            "open_s": round(opened_s, 1),
            "close_s": round(closed_s, 1),
        }


def image_count(scratch: Scratch) -> int:
    return len(scratch.client.images.list(filters=scratch.labelled))


def left_over(previewed: Previewed) -> list[str]:
    """Names of all in Docker and in the engine's state that is a preview's."""
    client, labelled = previewed.scratch.client, previewed.scratch.labelled
    found = [each.name for each in client.containers.list(all=True, filters=labelled)]
    found += [each.name for each in client.networks.list(filters=labelled)]
    found += [each.name for each in client.volumes.list(filters=labelled)]
    stacks = Path(previewed.scratch.home / "state/.pulumi/stacks" / NAME)
    found += [each.name for each in stacks.glob("pr-*.json")]
    return [str(name) for name in found if "pr-" in str(name)]
