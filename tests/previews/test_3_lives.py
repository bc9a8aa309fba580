"""How long previews live: limits, time, sleep, doors, seeds; and a private repository over ssh."""

from __future__ import annotations

import time
from datetime import timedelta

from shop import CANARY, OWNER, Shop
from sqlalchemy import select, update

from jobs.models import Preview, Project, Run, now
from jobs.requests import set_secret
from jobs.source import generate_key, scan_host_key
from jobs.sources import ensure_source, keep

SEED = {
    "seed": [
        {"service": "web", "command": ["sh", "-c", "echo seeded >> /data/first"]},
        {"service": "web", "command": ["sh", "-c", "cat > /data/second"], "snapshot": "small"},
    ]
}


def close(shop: Shop, *numbers: int) -> None:
    for number in numbers:
        shop.gitea.close(OWNER, shop.name, number)
    for number in numbers:
        shop.gone(number)


def change(shop: Shop, number: int, **columns: object) -> None:
    with shop.sessions() as session:
        preview = shop.preview(number)
        session.execute(update(Preview).where(Preview.id == preview.id).values(**columns))
        session.commit()


def test_a_new_preview_is_seeded_once_by_commands_and_a_snapshot(shop: Shop) -> None:
    run_id = shop.request(
        "snapshot",
        snapshot={"service": "web", "command": ["echo", "of production"], "snapshot": "small"},
    )
    shop.wait(lambda s: s.get_one(Run, run_id).state == "succeeded", "the snapshot")
    sha = shop.branch("seeded", 30, previews=SEED)
    number = shop.pull("seeded")
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    again = shop.commit(31, "Again", previews=SEED)
    shop.push("seeded")
    assert shop.run_of(again, f"pr-{number}").state == "succeeded", shop.story()
    (container,) = shop.containers(number)
    read = container.exec_run(["cat", "/data/first", "/data/second"]).output.decode()
    assert read == "seeded\nof production\n"
    close(shop, number)


def test_one_that_nobody_asks_for_sleeps_and_the_first_visit_wakes_it(shop: Shop) -> None:
    sha = shop.branch("sleepy", 32)
    number = shop.pull("sleepy")
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    shop.served(shop.host(number), 32)
    shop.policy(idle_minutes=1)
    shop.wait(lambda s: s.get_one(Preview, shop.preview(number).id).requests > 0, "counted")
    change(shop, number, seen_at=now() - timedelta(hours=2))
    shop.preview(number, asleep=True)
    (container,) = shop.containers(number)
    until(lambda: (container.reload(), container.status)[1] == "exited")
    # Traefik hears of the stop a moment later; until then it has nobody behind the name.
    first = shop.visited(shop.host(number), headers={"Accept": "text/html"})
    assert first.status_code == 503 and first.headers["Retry-After"] == "2"
    assert "waking up" in first.text and "http-equiv" in first.text
    shop.served(shop.host(number), 32)
    assert shop.preview(number).asleep is False
    close(shop, number)


def until(ask: object, patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while not ask():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_more_than_the_most_wait_and_the_time_of_one_ends(shop: Shop) -> None:
    shop.policy(most=1)
    first = shop.branch("one", 33)
    number = shop.pull("one")
    assert shop.run_of(first, f"pr-{number}").state == "succeeded", shop.story()
    second = shop.branch("two", 34)
    waiting = shop.pull("two")
    held = shop.preview(waiting, state="held")
    assert held.held == "1 previews of this project are open, which is the most"
    change(shop, number, expires_at=now() - timedelta(seconds=1))
    gone = shop.gone(number)
    assert gone.closed == "its time was over"
    assert shop.run_of(second, f"pr-{waiting}").state == "succeeded", shop.story()
    close(shop, waiting)


def test_a_password_or_a_membership_opens_the_door(shop: Shop) -> None:
    with shop.sessions() as session:
        key = shop.settings.key("vault-key")
        project = session.scalars(select(Project).where(Project.name == shop.name)).one()
        set_secret(session, key, project, "preview_password", "open sesame", by="test")
    shop.policy(protect="password")
    sha = shop.branch("door", 35)
    number = shop.pull("door")
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    until(lambda: shop.get(shop.host(number)).status_code == 401)
    assert shop.get(shop.host(number), auth=("preview", "wrong")).status_code == 401
    good = shop.get(shop.host(number), "/env?NUMBER", auth=("preview", "open sesame"))
    assert (good.status_code, good.text) == (200, "35")

    shop.policy(protect="members")
    sha = shop.branch("door", 36)
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    until(lambda: shop.get(shop.host(number)).status_code == 302)
    sent = shop.get(shop.host(number)).headers["Location"]
    assert sent.startswith(f"http://localhost:{shop.scratch.ports[0]}/previews/ticket?for=http")
    forged = {"Cookie": "portwright-preview=eyJ1c2VyIjoxfQ.a.b"}
    assert shop.get(shop.host(number), headers=forged).status_code == 302
    assert shop.get(shop.host(number), "/_portwright/enter?ticket=x").status_code == 403
    close(shop, number)


def test_a_private_repository_is_read_over_ssh_with_a_key_of_its_own(shop: Shop) -> None:
    """The host's key is pinned; with another one nothing is read."""
    shop.gitea.api("PATCH", f"/repos/{OWNER}/{shop.name}", {"private": True})
    private, public = generate_key()
    body = {"title": "portwright", "key": public, "read_only": True}
    shop.gitea.api("POST", f"/repos/{OWNER}/{shop.name}/keys", body)
    keys = scan_host_key("127.0.0.1", shop.gitea.ssh_port)
    assert keys and all(each.fingerprint.startswith("SHA256:") for each in keys)
    with shop.sessions() as session:
        project = shop.project(session)
        before = project.repository
        project.repository = shop.gitea.ssh_url(OWNER, shop.name)
        source = ensure_source(session, project)
        source.known_hosts = "".join(
            f"{each.line('127.0.0.1', shop.gitea.ssh_port)}\n" for each in keys
        )
        session.commit()
        keep(session, shop.settings.key("vault-key"), project, {"private_key": private}, by="test")
    try:
        shop.git("checkout", "--quiet", "main")
        sha = shop.commit(37, "Over ssh")
        shop.push("main")
        run = shop.run_of(sha, "production")
        assert run.state == "succeeded", shop.story()
        assert "PRIVATE KEY" not in shop.log(run.id) and CANARY not in shop.log(run.id)
        with shop.sessions() as session:
            other = generate_key()[1].rpartition(" ")[0]
            source = ensure_source(session, shop.project(session))
            source.known_hosts = f"[127.0.0.1]:{shop.gitea.ssh_port} {other}\n"
            session.commit()
        refused = shop.commit(38, "From a server with another key")
        shop.push("main")
        run = shop.run_of(refused, "production")
        assert run.state == "failed" and run.error and run.error["path"] == "repository"
        assert "host key" in run.error["message"] or "key" in run.error["message"]
        shop.served("web.shop.localhost", 37)
    finally:
        with shop.sessions() as session:
            shop.project(session).repository = before
            session.commit()
