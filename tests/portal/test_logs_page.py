"""What services print, for people: searched, downloaded, followed, and without secrets.

Docker's place is taken by containers that print what the test says; the real one is in
tests/system.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from jobs.hosts.words import Away
from jobs.models import Project
from jobs.redact import MASK
from jobs.requests import set_secret
from jobs.settings import Settings
from portal.projects import logs
from portal.streams import Room
from stacks.errors import PortwrightError

SECRET = "correct-horse-battery"


class Container:
    id = "0123456789abcdef"
    labels = {"portwright.service": "web"}  # noqa: RUF012

    def __init__(self, *lines: str) -> None:
        self.raw = b"".join(
            f"2026-01-10T12:00:{number:02}.000000000Z {line}\n".encode()
            for number, line in enumerate(lines)
        )

    def logs(self, *, stream: bool = False, **_: Any) -> Any:
        return iter([self.raw]) if stream else self.raw


@pytest.fixture(autouse=True)
def printed(
    monkeypatch: pytest.MonkeyPatch, session: Session, app: Flask, settings: Settings
) -> None:
    project = session.query(Project).filter_by(name="sample").one()
    set_secret(session, settings.key("vault-key"), project, "key", SECRET, by="alice")
    lines = (
        "started",
        f"key={SECRET}",
        "\x1b[31mRED\x1b[0m <b>bold</b>",
        "GET /health",
        f"{SECRET[:7]}\x1b[0m{SECRET[7:]}",
        "x" * 16_380 + SECRET,
    )
    monkeypatch.setattr(logs, "chosen", lambda *_: [Container(*lines)])


def test_lines_without_secrets_and_without_what_a_terminal_obeys(api: Any) -> None:
    text = api("vera").get("/api/projects/sample/logs").text
    assert text.splitlines() == [
        "2026-01-10 12:00:00 web | started",
        f"2026-01-10 12:00:01 web | key={MASK}",
        "2026-01-10 12:00:02 web | RED <b>bold</b>",
        "2026-01-10 12:00:03 web | GET /health",
        f"2026-01-10 12:00:04 web | {MASK}",
        "2026-01-10 12:00:05 web | " + "x" * 16_380 + MASK[:4],
    ]


def test_search_and_tail(api: Any) -> None:
    get = api("vera").get
    assert get("/api/projects/sample/logs?q=get").text == "2026-01-10 12:00:03 web | GET /health\n"
    assert len(get("/api/projects/sample/logs?tail=2").text.splitlines()) == 2
    assert get(f"/api/projects/sample/logs?q={SECRET[:8]}").text == ""
    assert get("/api/projects/sample/logs?tail=0").status_code == 422
    assert get("/api/projects/sample/logs?service=../x").status_code == 422


def test_a_download_is_a_file(api: Any) -> None:
    answer = api("vera").get("/api/projects/sample/logs?download=yes")
    told = answer.headers["Content-Disposition"]
    assert told == 'attachment; filename="sample-production.log"'


def test_the_page_shows_them_as_text(page: Any) -> None:
    text = page("vera").get("/projects/sample/logs").text
    assert (
        '<span class="ink1">RED</span> &lt;b&gt;bold' in text
        and SECRET not in text
        and "data-stream" in text
    )
    found = page("vera").get("/projects/sample/logs?q=get").text
    assert "GET /health" in found and "started" not in found and "data-stream" not in found


def test_the_stream_goes_on_after_what_was_seen(api: Any) -> None:
    path = "/api/projects/sample/logs/stream"
    headers = {"Last-Event-ID": "0123456789ab=2026-01-10T12:00:01.000000000Z"}
    text = api("vera").get(path, headers=headers).text
    assert "RED" in text and "started" not in text
    assert text.count("event: log") == 1
    assert "id: 0123456789ab=2026-01-10T12:00:05.000000000Z" in text
    whole = api("vera").get(f"{path}?after=0123456789ab=").text
    assert f"key={MASK}" in whole and SECRET not in whole
    assert '<span class="ink1">RED</span> &lt;b&gt;bold' in whole
    wrong = api("vera").get(path, headers={"Last-Event-ID": "0123456789ab=yesterday"})
    assert wrong.status_code == 422 and wrong.json["error"]["path"] == "Last-Event-ID"


def test_an_engine_that_is_away_is_told(
    api: Any, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = PortwrightError("the Docker engine does not answer", remedy="start it", path="docker")
    there = Away("host node: nothing answers", remedy="see that it runs", path="host")
    for error in (here, there):

        def away(*_: object, told: PortwrightError = error) -> None:
            raise told

        monkeypatch.setattr(logs, "connect_to", away)
        assert api("vera").get("/api/projects/sample/logs").status_code == 503
        assert error.message in page("vera").get("/projects/sample/logs").text


def test_too_many_readers_are_told_so(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "SERVICE_READERS", Room(0))
    answer = api("vera").get("/api/projects/sample/logs/stream")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"
    assert "places for readers" in answer.json["error"]["message"]
