"""The pages in Chromium: signing in, the diff, the live log, two widths, no complaints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sample_data as data
from flask import Flask
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from jobs.hosts import registry
from jobs.models import Run
from jobs.settings import Settings
from jobs.states import move
from portal import create_app
from portal.database import db
from stacks.plan import Change, Plan, Step

pytestmark = pytest.mark.system

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PAGES = (
    "/",
    "/account",
    "/projects/new",
    "/projects/sample",
    "/queue",
    "/hosts",
    "/hosts/eu-1",
    "/backups",
    "/dns",
    "/projects/sample/source",
    "/projects/sample/registries",
    "/projects/sample/hooks",
    "/projects/sample/deliveries",
    "/projects/sample/deliveries/1",
    "/projects/sample/previews",
    "/projects/sample/snapshots",
    "/projects/sample?environment=pr-7",
    "/projects/sample/logs",
    "/projects/sample/domains",
    "/projects/sample/releases",
    "/projects/sample/releases/2",
    *(f"/runs/{number}" for number in range(1, 10)),
)
# A row's text is no column of single letters, whatever stands beside it.
NARROWEST = """Math.min(...[...document.querySelectorAll(".row-main")]
    .filter(each => each.textContent.length > 20).map(each => each.offsetWidth), 1000)"""


@pytest.fixture
def url(app: Flask, settings: Settings) -> Iterator[str]:
    """The portal with all its protections on; Alice owns the host, which has a backup."""
    with app.app_context():
        db.session.query(data.User).filter_by(email=data.email("alice")).one().host_owner = True
        data.add_backups(db.session)
        registry.add(db.session, settings, "eu-1", "ssh://root@203.0.113.7:2222", by="alice")
        data.make_told(db.session, settings)
    strict = create_app(replace(settings, backup="/mnt/backups"), doorbell=lambda run: None)
    server = make_server("127.0.0.1", 0, strict, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.fixture
def browser() -> Iterator[Any]:
    assert CHROMIUM.exists(), "./run-tests installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *QUIET])
        yield browser
        browser.close()


def sign_in(browser: Any, url: str, width: int, complaints: list[str]) -> Any:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{url}/runs/3")
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_label("Password").fill(data.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/runs/3")
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_and_none_complains(browser: Any, url: str, width: int) -> None:
    complaints: list[str] = []
    page = sign_in(browser, url, width, complaints)
    assert page.get_by_text("DATA LOSS").is_visible()
    assert page.locator(".after code").first.is_visible()
    for path in PAGES:
        page.goto(url + path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path
        narrow = page.evaluate(NARROWEST)
        assert narrow >= 100, (path, narrow)
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_source_by_ssh_and_a_new_secret_fit_too(
    browser: Any, url: str, app: Flask, width: int
) -> None:
    with app.app_context():
        db.session.query(data.Project).one().repository = "git@git.example.org:me/sample.git"
        db.session.commit()
    complaints: list[str] = []
    page = sign_in(browser, url, width, complaints)
    page.goto(f"{url}/projects/sample/source")
    page.get_by_role("button", name="Make a deploy key").click()
    assert page.get_by_text("ssh-ed25519").is_visible()
    page.goto(f"{url}/projects/sample/hooks")
    page.get_by_label("Who sends").select_option("gitlab")
    page.get_by_role("button", name="Make a hook").click()
    assert page.get_by_text("it is not shown again").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_generated_dockerfile_fits_and_scrolls(
    browser: Any, url: str, app: Flask, width: int
) -> None:
    digests = Change("image digest", "sha256:" + "1f" * 32, "sha256:" + "9c" * 32)
    step = Step("replace", "Container", "sample-web", "web", changes=(digests,))
    unchecked = ("postgres:17", "registry.example.com:5000/a-team/redis-with-modules:7.4-bookworm")
    dockerfile = "FROM debian\nRUN " + "a-long-command " * 30
    with app.app_context():
        environment = db.session.get_one(Run, 1).environment
        plan = Plan((step,), 2, unchecked, {"web": dockerfile})
        data.add_run(db.session, environment, "plan", "succeeded", plan=plan)
    complaints: list[str] = []
    page = sign_in(browser, url, width, complaints)
    page.goto(f"{url}/runs/10")
    page.get_by_text("Generated Dockerfile of web").click()
    assert page.get_by_text("a-long-command").is_visible()
    assert page.get_by_text("sha256:1f1f1f").is_visible()
    assert page.get_by_text("Not checked for newer images: postgres:17").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert complaints == []


def test_a_run_is_watched_until_its_end(
    browser: Any, url: str, app: Flask, settings: Settings
) -> None:
    log = settings.run_log(10)
    with app.app_context():
        environment = db.session.get_one(Run, 1).environment
        data.add_run(db.session, environment, "deploy", "building", ended_at=None)
    log.write_text("".join(f"line {n}\n" for n in range(200)))
    complaints: list[str] = []
    page = sign_in(browser, url, 1280, complaints)
    page.goto(f"{url}/runs/10")
    assert page.get_by_text("The plan comes here").is_visible()
    page.evaluate("document.getElementById('log').scrollTop = 0")
    with log.open("a") as file:
        file.write("\x1b[1m<b>built</b>\x1b[0m\n")
    page.get_by_text("<b>built</b>").wait_for()
    assert page.evaluate("document.getElementById('log').scrollTop") == 0  # the person reads
    with app.app_context():
        move(db.session, 10, "planning", plan=data.rich_plan().to_json())
        page.get_by_text("1 to replace").wait_for()
        move(
            db.session, 10, "failed", error={"message": "it stopped", "remedy": "look", "path": ""}
        )
    page.get_by_text("it stopped").wait_for()
    assert page.locator("h1 .badge").inner_text() == "failed"
    assert "failed" in page.title() and complaints == []
