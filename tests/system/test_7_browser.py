"""Alice in a browser, on the real platform: sign in, plan, read the diff, deploy it, watch, roll back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from harness import EMAIL, PASSWORD, Platform, Repository
from playwright.sync_api import Page, expect, sync_playwright
from test_2_releases import reset

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


expect.set_options(timeout=60_000)


@pytest.fixture
def page(platform: Platform) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(base_url=platform.url, viewport={"width": 390, "height": 844})
        page.set_default_timeout(60_000)
        page.goto("/")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        yield page
        browser.close()


def test_plan_deploy_and_roll_back_by_hand(
    platform: Platform, repository: Repository, page: Page
) -> None:
    first = reset(platform)
    repository.replace("portwright.yaml", "COLOR: teal", "COLOR: indigo")
    repository.push("Indigo")

    page.goto("/projects/sample")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.locator("body")).to_contain_text("env.COLOR")
    expect(page.locator("body")).to_contain_text("teal")
    expect(page.locator("body")).to_contain_text("indigo")

    page.get_by_role("button", name=re.compile("Deploy this plan")).click()
    expect(page.locator("body")).to_contain_text("draining the old one")
    expect(page.locator("body")).to_contain_text(re.compile("release [0-9]+ serves"))
    assert "indigo" in platform.get("web.sample.localhost").text

    page.goto(f"/projects/sample/releases/{first}")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=re.compile("Roll back")).first.click()
    expect(page.locator("body")).to_contain_text(re.compile("release [0-9]+ serves"))
    assert "teal" in platform.get("web.sample.localhost").text
