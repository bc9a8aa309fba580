"""A stranger's pull request: nothing runs unasked, what runs has no secret, and others see no more."""

from __future__ import annotations

import json
import subprocess

import pytest
from shop import CANARY, OWNER, Shop

from jobs.models import Preview
from jobs.previews import lifecycle
from stacks.errors import PortwrightError

MALLORY = "mallory"


@pytest.fixture(scope="module")
def fork(shop: Shop) -> str:
    """Mallory's copy of the repository, which is public for that."""
    shop.gitea.api("PATCH", f"/repos/{OWNER}/{shop.name}", {"private": False})
    shop.gitea.create_user(MALLORY)
    shop.gitea.fork(OWNER, shop.name, by=MALLORY)
    return MALLORY


def evil(shop: Shop, branch: str, number: int) -> str:
    """A commit of Mallory's that prints and bakes in whatever it can get."""
    shop.git("checkout", "--quiet", "-B", branch, "main")
    (shop.folder / "web").mkdir(exist_ok=True)
    sha = shop.commit(number, "Evil")
    (shop.folder / "web/Dockerfile").write_text(
        'FROM portwright/python:3.13\nARG KEY\nCOPY . /app\nRUN env; echo "built with [$KEY]" > /stolen\n'
        "CMD env; cat /stolen; exec python3 /app/app.py\n"
    )
    shop.git("add", "--all")
    shop.git("commit", "--quiet", "--amend", "--no-edit")
    sha = shop.git("rev-parse", "HEAD")
    shop.push(f"+{branch}", by=MALLORY, owner=MALLORY)
    return sha


def approve(shop: Shop, number: int, commit: str) -> None:
    with shop.sessions() as session:
        preview = session.get_one(Preview, shop.preview(number).id)
        run = lifecycle.approve(session, shop.settings, preview, commit, by="maintainer")
        session.commit()
        assert run
        shop.ring(run.id)


def test_a_forks_preview_has_no_secret_and_runs_only_when_let(shop: Shop, fork: str) -> None:
    first = evil(shop, "evil", 20)
    number = shop.pull(f"{fork}:evil", by=fork)
    shop.wait(
        lambda s: any(
            "forks" in (d.outcome or "") or "fork's" in (d.outcome or "")
            for d in s.query(deliveries())
        ),
        "the delivery says why there is no preview",
    )
    shop.policy(forks="approve", share=["key"])
    shop.gitea.close(OWNER, shop.name, number)
    shop.gitea.reopen(OWNER, shop.name, number)
    held = shop.preview(number, state="held")
    assert held.held and "fork's" in held.held and not shop.containers(number)

    with pytest.raises(PortwrightError, match="is at"):
        approve(shop, number, "f" * 40)
    approve(shop, number, first)
    run = shop.run_of(first, f"pr-{number}")
    assert run.state == "succeeded", shop.story()
    shop.served(shop.host(number), 20)
    check_no_canary(shop, number, run.id)

    second = evil(shop, "evil", 21)
    again = shop.preview(number, state="held", head_commit=second)
    assert again.approved_commit == first
    shop.served(shop.host(number), 20)
    shop.gitea.close(OWNER, shop.name, number)
    shop.gone(number)


def deliveries() -> object:
    from jobs.models import Delivery

    return Delivery


def check_no_canary(shop: Shop, number: int, run_id: int) -> None:
    """Not in the environment, what it prints, the image, the log, the state, the plan."""
    places: dict[str, str] = {"log": shop.log(run_id)}
    for container in shop.containers(number):
        places["inspect"] = json.dumps(container.attrs)
        places["printed"] = container.logs().decode()
        places["stolen"] = container.exec_run(["cat", "/stolen", "/proc/1/environ"]).output.decode()
        image = container.image
        assert image
        places["image"] = json.dumps([image.attrs, image.history()])
    state = shop.scratch.home / "state/.pulumi"
    files = [p for p in state.rglob(f"*pr-{number}*") if p.is_file()]
    places["state"] = "".join(p.read_text(errors="replace") for p in files)
    with shop.sessions() as session:
        preview = session.get_one(Preview, shop.preview(number).id)
        from jobs.models import Run

        run = session.get_one(Run, run_id)
        places["plan"] = json.dumps([run.plan, run.spec, preview.held])
    places["page"] = shop.get(shop.host(number), "/env?KEY").text
    assert "built with []" in places["stolen"] and places["state"]
    assert places["page"], "it has a value of its own"
    assert {name for name, text in places.items() if CANARY in text} == set()


def test_a_members_pull_request_gets_its_own_values_unless_one_is_shared(shop: Shop) -> None:
    sha = shop.branch("isolated", 22)
    number = shop.pull("isolated")
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    own = shop.get(shop.host(number), "/env?KEY").text
    assert own and own != CANARY
    shop.policy(share=["key"])
    sha = shop.branch("shared", 23)
    other = shop.pull("shared")
    assert shop.run_of(sha, f"pr-{other}").state == "succeeded", shop.story()
    assert shop.get(shop.host(other), "/env?KEY").text == CANARY
    for each in (number, other):
        shop.gitea.close(OWNER, shop.name, each)
    for each in (number, other):
        shop.gone(each)


def test_git_is_told_no_password_in_its_arguments(shop: Shop) -> None:
    """The token is in no mirror's configuration either."""
    token = shop.gitea.tokens[OWNER]
    mirrors = shop.scratch.home / "mirrors"
    found = subprocess.run(["grep", "-rl", token, mirrors], capture_output=True, text=True)
    assert found.stdout == "" and list(mirrors.glob("*.git"))
