"""The setup link: one owner, once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
import sample_data as data
from flask import Flask
from sqlalchemy.orm import Session

from jobs.models import Member, User
from jobs.settings import Settings

TOKEN = "setup-token-of-this-host"
OWNER = {"email": "Alice@Example.org", "password": data.PASSWORD, "token": TOKEN}


@pytest.fixture
def token(settings: Settings) -> None:
    (settings.home / "keys" / "setup-token").write_text(TOKEN + "\n")


def test_nobody_becomes_owner_without_the_token(bare: Flask, token: None, session: Session) -> None:
    client = bare.test_client()
    for path in ("/setup", "/setup?token=wrong", "/setup?token=ü"):
        assert client.get(path).status_code == 403
        form = {"email": "eve@example.org", "password": data.PASSWORD}
        assert client.post(path, data=form).status_code == 403
    assert session.query(User).count() == 0


def test_without_a_token_file_no_token_is_right(bare: Flask) -> None:
    answer = bare.test_client().get("/setup?token=")
    assert answer.status_code == 403
    assert "./quickstart" in answer.text


def test_the_token_makes_the_owner_and_is_gone(
    bare: Flask, token: None, settings: Settings, session: Session
) -> None:
    project = data.create_project(
        session, "sample", "https://git.example.com/s.git", "main", by="portwright"
    )
    client = bare.test_client()
    assert "Make this host yours" in client.get(f"/setup?token={TOKEN}").text
    assert client.post("/setup", data=OWNER).status_code == 302
    assert not (settings.home / "keys" / "setup-token").exists()
    assert [user.email for user in session.query(User)] == ["alice@example.org"]
    assert [(m.project_id, m.role) for m in session.query(Member)] == [(project.id, "owner")]
    assert client.get("/projects/sample").status_code == 200  # signed in
    again = bare.test_client().get(f"/setup?token={TOKEN}")
    assert again.status_code == 410
    assert "has an owner already" in again.text


def test_a_token_that_could_not_be_deleted_does_nothing_more(
    bare: Flask, token: None, settings: Settings
) -> None:
    bare.test_client().post("/setup", data=OWNER)
    (settings.home / "keys" / "setup-token").write_text(TOKEN)
    assert bare.test_client().post("/setup", data=OWNER).status_code == 410


@pytest.mark.parametrize(
    ("field", "value"), [("password", "too short"), ("email", "nobody"), ("email", "a b@c.d")]
)
def test_a_bad_field_is_named_and_the_token_stays(
    bare: Flask, token: None, settings: Settings, field: str, value: str
) -> None:
    answer = bare.test_client().post("/setup", data={**OWNER, field: value})
    assert answer.status_code == 422
    assert f"{field}: " in answer.text
    assert (settings.home / "keys" / "setup-token").exists()


def test_of_many_at_once_one_becomes_owner(bare: Flask, token: None, session: Session) -> None:
    statuses = together(
        6,
        lambda n: (
            bare.test_client()
            .post("/setup", data={**OWNER, "email": f"user{n}@example.org"})
            .status_code
        ),
    )
    assert statuses.count(302) == 1
    assert set(statuses) <= {302, 410, 403}  # 403: the token file went while it was on its way
    assert session.query(User).count() == 1


def together(count: int, act: Callable[[int], int]) -> list[int]:
    """What `act` returns in so many threads that start at the same moment."""
    barrier, results = Barrier(count), []

    def run(number: int) -> None:
        barrier.wait()
        results.append(act(number))

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
