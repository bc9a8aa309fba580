"""A pull request's preview on a real Gitea: opened, pushed to, commented, merged, and gone."""

from __future__ import annotations

import time

from shop import OWNER, Shop
from sqlalchemy import select

from jobs.hooks import rotate
from jobs.models import Delivery, Hook, Project, Source, now


def comment_of(shop: Shop, number: int, *wanted: str, patience: float = 40.0) -> dict[str, object]:
    """The one comment, once it has these words."""
    deadline = time.monotonic() + patience
    while True:
        found = shop.gitea.comments(OWNER, shop.name, number)
        if len(found) == 1 and all(word in found[0]["body"] for word in wanted):
            return dict(found[0])
        assert time.monotonic() < deadline, (wanted, found, shop.story())
        time.sleep(0.3)


def status_of(shop: Shop, sha: str, context: str, wanted: str, patience: float = 40.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        told = {}
        for each in reversed(shop.gitea.statuses(OWNER, shop.name, sha)):
            told[each["context"]] = each["status"]
        if told.get(context) == wanted:
            return
        assert time.monotonic() < deadline, (told, shop.story())
        time.sleep(0.3)


def test_from_its_opening_to_its_merge(shop: Shop) -> None:
    first = shop.branch("topic", 2)
    number = shop.pull("topic")
    assert shop.run_of(first, f"pr-{number}").state == "succeeded", shop.story()
    shop.served(shop.host(number), 2)
    shop.served("web.shop.localhost", 1)

    before = comment_of(shop, number, "Ready", f"http://{shop.host(number)}", "1 to replace")
    status_of(shop, first, f"portwright/pr-{number}", "success")
    page = shop.gitea.page(f"/{OWNER}/{shop.name}/pulls/{number}")
    assert shop.host(number) in page and f"portwright/pr-{number}" in page

    second = shop.commit(3, "Again")
    shop.push("topic")
    assert shop.run_of(second, f"pr-{number}").state == "succeeded", shop.story()
    shop.served(shop.host(number), 3)
    after = comment_of(shop, number, "Ready", second[:10])
    assert after["id"] == before["id"]

    shop.gitea.merge(OWNER, shop.name, number)
    preview = shop.gone(number)
    assert preview.closed == f"pull request {number} was merged"
    comment_of(shop, number, "It is gone", "nothing of it is left")
    assert "It is gone" in shop.gitea.page(f"/{OWNER}/{shop.name}/pulls/{number}")
    shop.git("checkout", "--quiet", "main")
    shop.git("pull", "--quiet", shop.gitea.token_url(OWNER, shop.name), "main")
    merged = shop.git("rev-parse", "HEAD")
    assert shop.run_of(merged, "production").state == "succeeded", shop.story()
    shop.served("web.shop.localhost", 3)


def test_a_forced_push_is_followed(shop: Shop) -> None:
    shop.branch("forced", 10)
    number = shop.pull("forced")
    shop.preview(number, state="open")
    other = shop.branch("forced", 11)  # from main again: the first commit is gone
    assert shop.run_of(other, f"pr-{number}").state == "succeeded", shop.story()
    shop.served(shop.host(number), 11)
    shop.gitea.close(OWNER, shop.name, number)
    shop.gone(number)
    shop.gitea.reopen(OWNER, shop.name, number)
    shop.preview(number, state="open", gone_at=None)
    shop.served(shop.host(number), 11, 60)

    shop.gitea.delete_branch(OWNER, shop.name, "forced")
    shop.gone(number)


def test_a_repository_that_is_renamed_is_followed(shop: Shop) -> None:
    shop.gitea.rename_repository(OWNER, shop.name, "renamed")
    try:
        shop.git("checkout", "--quiet", "main")
        sha = shop.commit(4, "After the new name")
        shop.gitea.push(shop.folder, OWNER, "renamed", "main")
        assert shop.run_of(sha, "production").state == "succeeded", shop.story()
        with shop.sessions() as session:
            project = shop.project(session)
            assert project.repository == f"{shop.gitea.url}/{OWNER}/renamed.git"
        shop.served("web.shop.localhost", 4)
    finally:
        shop.gitea.rename_repository(OWNER, "renamed", shop.name)
    sha = shop.commit(5, "And back")
    shop.push("main")
    assert shop.run_of(sha, "production").state == "succeeded", shop.story()


def test_a_secret_is_changed_in_flight(shop: Shop) -> None:
    """What is signed with the old one counts until the forge has the new one, and not after."""
    with shop.sessions() as session:
        hook = session.scalars(select(Hook).join(Project).where(Project.name == shop.name)).one()
        new = rotate(session, shop.settings.key("vault-key"), hook, by="test")
    shop.git("checkout", "--quiet", "main")
    old_signed = shop.commit(6, "Signed with the old secret [skip deploy]")
    shop.push("main")
    delivery = newest(shop, old_signed)
    assert delivery.outcome == "the commit says [skip deploy]"
    set_at_forge(shop, new)
    new_signed = shop.commit(6, "Signed with the new one [skip deploy]")
    shop.push("main")
    newest(shop, new_signed)
    with shop.sessions() as session:
        hook = session.get_one(Hook, delivery.hook_id)
        assert hook.sealed_before is None
    set_at_forge(shop, shop.secret)
    refused = shop.commit(6, "Signed with the old one again [skip deploy]")
    shop.push("main")
    time.sleep(3)
    with shop.sessions() as session:
        bodies = session.scalars(select(Delivery.body)).all()
    assert not any(refused.encode() in (body or b"") for body in bodies)
    set_at_forge(shop, new)


def set_at_forge(shop: Shop, secret: str) -> None:
    """Gitea changes no secret of a hook that is there: the same hook once more."""
    for hook in shop.gitea.hooks(OWNER, shop.name):
        shop.gitea.api("DELETE", f"/repos/{OWNER}/{shop.name}/hooks/{hook['id']}")
    url = f"http://127.0.0.1:{shop.scratch.ports[0]}{shop.hook_path}"
    shop.gitea.add_hook(OWNER, shop.name, url, secret, "push", "pull_request", "delete")


def set_active(shop: Shop, active: bool) -> None:
    for hook in shop.gitea.hooks(OWNER, shop.name):
        path = f"/repos/{OWNER}/{shop.name}/hooks/{hook['id']}"
        events = ["push", "pull_request", "delete"]
        shop.gitea.api("PATCH", path, {"active": active, "events": events})


def newest(shop: Shop, sha: str) -> Delivery:
    """The delivery that tells of a push to this commit."""

    def ask(session: object) -> Delivery | None:
        for each in session.scalars(select(Delivery).order_by(Delivery.id.desc())):  # type: ignore[attr-defined]
            if f'"after": "{sha}"'.encode() in (each.body or b""):
                return each  # type: ignore[no-any-return]
        return None

    return shop.wait(ask, f"a delivery of {sha[:7]}", 20)


def test_what_hooks_did_not_tell_is_found_by_asking(shop: Shop) -> None:
    """No hook at all: a push, a pull request and its end are seen by the poll."""

    def poll() -> None:
        with shop.sessions() as session:
            source = session.scalars(
                select(Source).join(Project).where(Project.name == shop.name)
            ).one()
            source.poll_minutes, source.polled_at = 1, None
            session.commit()

    set_active(shop, False)
    try:
        poll()
        shop.wait(
            lambda s: s.scalar(select(Source.id).where(Source.polled_at.is_not(None))), "poll"
        )
        time.sleep(3)
        shop.git("checkout", "--quiet", "main")
        pushed = shop.commit(7, "Nobody was told")
        shop.push("main")
        topic = shop.branch("silent", 8)
        number = shop.pull("silent")
        poll()
        assert shop.run_of(pushed, "production").state == "succeeded", shop.story()
        assert shop.run_of(topic, f"pr-{number}").state == "succeeded", shop.story()
        shop.gitea.close(OWNER, shop.name, number)
        poll()
        preview = shop.gone(number)
        assert preview.closed == f"pull request {number} is open no more"
    finally:
        set_active(shop, True)
        with shop.sessions() as session:
            session.query(Source).update({"poll_minutes": 0, "polled_at": now()})
            session.commit()
