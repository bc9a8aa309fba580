"""The door of a protected preview in a browser: through the portal's sign-in and back, and for nobody
who is no member, nor twice, nor elsewhere by the same ticket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from shop import OWNER, Shop

from jobs.models import Member, User
from portal.accounts.passwords import hash_password

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
MEMBER, STRANGER = "bob@example.com", "charlie@example.com"
SECRET = "correct horse battery"
ENTRANCE = "/_portwright/enter?ticket="
WAIT = 60_000


@pytest.fixture(scope="module")
def people(shop: Shop) -> None:
    with shop.sessions() as session:
        project = shop.project(session)
        for email in (MEMBER, STRANGER):
            session.add(User(email=email, password_hash=hash_password(SECRET)))
        session.flush()
        user = session.query(User).filter_by(email=MEMBER).one()
        session.add(Member(project_id=project.id, user_id=user.id, role="viewer"))
        session.commit()


@pytest.fixture(scope="module")
def doors(shop: Shop, people: None) -> Iterator[list[int]]:
    """Two pull requests whose previews are for members only."""
    shop.policy(enabled=True, protect="members")
    numbers = []
    for branch, content in (("door-one", 41), ("door-two", 42)):
        sha = shop.branch(branch, content)
        numbers.append(shop.pull(branch))
        assert shop.run_of(sha, f"pr-{numbers[-1]}").state == "succeeded", shop.story()
    yield numbers
    for number in numbers:
        shop.gitea.close(OWNER, shop.name, number)
        shop.gone(number)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


def visitor(browser: Browser) -> Page:
    """Somebody with a browser of their own."""
    page = browser.new_context().new_page()
    page.set_default_timeout(WAIT)
    return page


def at(shop: Shop, number: int, path: str = "/") -> str:
    return f"http://{shop.host(number)}:{shop.scratch.ports[1]}{path}"


def portal(shop: Shop) -> str:
    return f"http://localhost:{shop.scratch.ports[0]}"


def sign_in(page: Page, email: str) -> None:
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", SECRET)
    page.press("input[name=password]", "Enter")


def entered(browser: Browser, shop: Shop, number: int, path: str = "/") -> tuple[Page, str]:
    """A member who has signed in on the way; and the address with the ticket that they came by."""
    page, tickets = visitor(browser), list[str]()
    page.on("request", lambda asked: tickets.append(asked.url) if ENTRANCE in asked.url else None)
    page.goto(at(shop, number, path))
    assert page.url.startswith(f"{portal(shop)}/sign-in?next="), page.url
    sign_in(page, MEMBER)
    page.wait_for_url(at(shop, number, path))
    (ticket,) = tickets
    return page, ticket


def test_a_member_signs_in_on_the_way_and_sees_the_preview(
    browser: Browser, shop: Shop, doors: list[int]
) -> None:
    page, _ = entered(browser, shop, doors[0], "/env?NUMBER")
    assert page.inner_text("body") == "41"
    (cookie,) = page.context.cookies(at(shop, doors[0]))
    assert (cookie["name"], cookie["domain"]) == ("portwright-preview", shop.host(doors[0]))
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    # Who is signed in goes from one to the other without being asked.
    page.goto(at(shop, doors[1]))
    page.wait_for_url(at(shop, doors[1]))
    page.goto(at(shop, doors[1], "/env?NUMBER"))
    assert page.inner_text("body") == "42"


def test_who_is_no_member_is_refused(browser: Browser, shop: Shop, doors: list[int]) -> None:
    page = visitor(browser)
    page.goto(at(shop, doors[0]))
    sign_in(page, STRANGER)
    expect(page.locator("body")).to_contain_text("There is nothing here")
    assert page.url.startswith(f"{portal(shop)}/previews/ticket?for=")
    again = page.goto(at(shop, doors[0], "/env?NUMBER"))
    assert again and again.status == 404 and "41" not in page.inner_text("body")


def test_a_ticket_is_good_once_and_for_one_preview(
    browser: Browser, shop: Shop, doors: list[int]
) -> None:
    _, ticket = entered(browser, shop, doors[0])
    other = visitor(browser)
    twice = other.goto(ticket)
    assert twice and twice.status == 403
    elsewhere = other.goto(ticket.replace(shop.host(doors[0]), shop.host(doors[1])))
    assert elsewhere and elsewhere.status == 403
    assert other.context.cookies() == []
    other.goto(at(shop, doors[0]))
    assert other.url.startswith(f"{portal(shop)}/sign-in?next=")


def test_a_pass_is_no_use_elsewhere_nor_after_the_membership(
    browser: Browser, shop: Shop, doors: list[int]
) -> None:
    page, _ = entered(browser, shop, doors[0])
    (cookie,) = page.context.cookies(at(shop, doors[0]))
    headers = {"Cookie": f"{cookie['name']}={cookie['value']}"}
    assert shop.get(shop.host(doors[0]), "/env?NUMBER", headers=headers).text == "41"
    assert shop.get(shop.host(doors[1]), "/env?NUMBER", headers=headers).status_code == 302
    with shop.sessions() as session:
        query = session.query(Member).join(User).filter(User.email == MEMBER)
        member = query.one()
        kept = (member.project_id, member.user_id, member.role)
        session.delete(member)
        session.commit()
    try:
        assert shop.get(shop.host(doors[0]), "/env?NUMBER", headers=headers).status_code == 302
        answer = page.goto(at(shop, doors[0], "/env?NUMBER"))
        assert answer and answer.status == 404 and "41" not in page.inner_text("body")
    finally:
        with shop.sessions() as session:
            session.add(Member(project_id=kept[0], user_id=kept[1], role=kept[2]))
            session.commit()
