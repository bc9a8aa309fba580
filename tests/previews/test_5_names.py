"""DNS of previews on a platform with a domain of its own: a stand-in of Cloudflare's has the record
while the pull request is open, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from cloudflare_standin import StandIn, Token
from shop import OWNER, Gitea, Shop

from bench.scratch import Scratch, platform
from jobs.models import Event
from jobs.previews import records

DOMAIN, HERE = "apps.example.com", "203.0.113.7"
SECRET = "tok-3nLx_pVt9QwZr7YbKc2MhGd5"
MARK = "portwright:pwnames"
# Somebody else's, under the name of a preview that might come.
FOREIGN = f"pr-99-named.{DOMAIN} A 198.51.100.9 1 None"


class Named(Shop):
    """Its services are under a domain that others look up."""

    def host(self, number: int) -> str:
        return f"pr-{number}-{self.name}.{DOMAIN}"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    server = StandIn()
    server.add_zone("example.com")
    server.tokens[SECRET] = Token()
    server.add_record(f"pr-99-named.{DOMAIN}", "A", "198.51.100.9")
    server.add_record(f"pr-77-named.{DOMAIN}", "A", HERE, comment=MARK)  # left over, ours
    yield server
    server.close()


@pytest.fixture(scope="module")
def scratch(standin: StandIn) -> Iterator[Scratch]:
    def prepared(made: Scratch) -> None:
        made.extra |= {
            "PORTWRIGHT_SAMPLE": "no", "PORTWRIGHT_ALLOWED_HOSTS": "127.0.0.1",
            "PORTWRIGHT_DOMAIN": DOMAIN, "PORTWRIGHT_ADDRESSES": HERE,
            "PORTWRIGHT_DNS_API": standin.url,
        }  # fmt: skip

    with platform("pwnames", prepared) as made:
        (made.home / "keys/cloudflare-token").write_text(f"{SECRET}\n")
        yield made


@pytest.fixture(scope="module")
def shop(gitea: Gitea, scratch: Scratch) -> Named:
    made = Named(scratch, gitea, scratch.home.parent / "named", "named")
    made.add_hook()
    made.commit(1, "First")
    made.push("main")
    return made


def until(ask: Callable[[], object], what: object = "", patience: float = 90.0) -> None:
    deadline = time.monotonic() + patience
    while not ask():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def test_the_record_is_there_from_the_opening_to_the_end(shop: Named, standin: StandIn) -> None:
    sha = shop.branch("topic", 51)
    number = shop.pull("topic")
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    shop.served(shop.host(number), 51)
    made = f"{shop.host(number)} A {HERE} 300 {MARK}"
    until(lambda: standin.shown() == sorted([FOREIGN, made]), standin.shown)
    shop.gitea.close(OWNER, shop.name, number)
    shop.gone(number)
    until(lambda: standin.shown() == [FOREIGN], standin.shown)
    with shop.sessions() as session:
        told = session.query(Event).filter_by(action="dns.previews").order_by(Event.id)
        words = [word for each in told for word in each.detail["records"]]
    assert words == [
        f"remove A pr-77-named.{DOMAIN}",
        f"make A {shop.host(number)}",
        f"remove A {shop.host(number)}",
    ]


def test_an_api_that_refuses_stops_no_deploy_and_is_asked_again(
    shop: Named, standin: StandIn
) -> None:
    token = standin.tokens.pop(SECRET)
    sha = shop.branch("away", 52)
    number = shop.pull("away")
    assert shop.run_of(sha, f"pr-{number}").state == "succeeded", shop.story()
    shop.served(shop.host(number), 52)
    until(lambda: records.known(shop.settings).problem)
    assert "Invalid access token" in str(records.known(shop.settings).problem)
    assert "\n".join(standin.shown()) == FOREIGN
    standin.tokens[SECRET] = token
    made = f"{shop.host(number)} A {HERE} 300 {MARK}"
    until(lambda: standin.shown() == sorted([FOREIGN, made]), standin.shown)
    until(lambda: records.known(shop.settings).problem is None)
    shop.gitea.close(OWNER, shop.name, number)
    shop.gone(number)
    until(lambda: standin.shown() == [FOREIGN], standin.shown)
