"""Cloudflare that refuses, limits, fails or loses answers; and a token that is told nowhere."""

from __future__ import annotations

import logging
import traceback

import pytest
from cloudflare_standin import StandIn, Token

from stacks.errors import PortwrightError
from zones.cloudflare.answers import RIGHTS
from zones.cloudflare.api import Api
from zones.cloudflare.provider import Cloudflare
from zones.provider import Change, Checked
from zones.records import Record

SECRET = "tok-3nLx_pVt9QwZr7YbKc2MhGd5"
RECORD = Record("shop.example.com", "A", "203.0.113.7")
FINE = Checked(True, "records of example.com can be written")


def test_a_token_that_may_write_is_found_good_and_nothing_stays(
    provider: Cloudflare, standin: StandIn
) -> None:
    assert provider.check() == FINE
    assert standin.shown() == []
    assert standin.calls[0] == "GET /user/tokens/verify"


@pytest.mark.parametrize(
    ("token", "checked"),
    [
        (Token(owner="account"), FINE),
        (Token(status="expired"), Checked(False, "the API token is expired", RIGHTS)),
        (Token(status="disabled"), Checked(False, "the API token is disabled", RIGHTS)),
        (None, Checked(False, "Cloudflare does not know this API token", RIGHTS)),
        (
            Token(zones=set()),
            Checked(
                False,
                "the API token sees no zone at Cloudflare that holds this name",
                f"add example.com to Cloudflare, or {RIGHTS}",
            ),
        ),
        (Token(writes=False), Checked(False, "the token may not edit DNS of example.com", RIGHTS)),
    ],
)
def test_a_check_tells_what_the_token_lacks(
    provider: Cloudflare, standin: StandIn, token: Token | None, checked: Checked
) -> None:
    del standin.tokens[SECRET]
    if token is not None:
        standin.tokens[SECRET] = token
    assert provider.check() == checked


def test_a_zone_that_waits_for_its_name_servers_is_told(
    provider: Cloudflare, standin: StandIn
) -> None:
    standin.zones["example.com"]["status"] = "pending"
    assert provider.check() == Checked(
        False,
        "Cloudflare does not answer for example.com yet (pending)",
        "set its name servers at your registrar: ada.ns.example.net, bob.ns.example.net",
    )


def test_a_limit_is_waited_for_as_long_as_it_says(
    provider: Cloudflare, standin: StandIn, waits: list[float]
) -> None:
    standin.bad = [(429, {"Retry-After": "7"}, "{}"), (429, {}, "slow down")]
    assert provider.ensure([RECORD]) == [Change("make", RECORD)]
    assert waits == [7.0, 5.0]


def test_a_limit_that_lasts_too_long_is_told(
    provider: Cloudflare, standin: StandIn, waits: list[float]
) -> None:
    standin.bad = [(429, {"Retry-After": "300"}, "{}")]
    with pytest.raises(PortwrightError, match="no more requests for 300 s"):
        provider.ensure([RECORD])
    assert waits == []


def test_a_failing_cloudflare_is_asked_again_and_then_told(
    provider: Cloudflare, standin: StandIn, waits: list[float]
) -> None:
    standin.bad = [(502, {}, "<html>"), (503, {}, "")]
    assert provider.ensure([RECORD]) == [Change("make", RECORD)]
    assert waits == [0.5, 1.0]
    standin.bad = [(520, {}, "<html>")] * 4
    with pytest.raises(PortwrightError, match="does not answer: HTTP 520"):
        provider.listed()


def test_a_record_whose_answer_was_lost_is_not_made_twice(
    provider: Cloudflare, standin: StandIn
) -> None:
    provider.preview([RECORD])
    take = provider.take

    def take_and_lose(*arguments: object) -> None:
        standin.lost = 1
        take(*arguments)  # type: ignore[arg-type]

    provider.take = take_and_lose  # type: ignore[method-assign]
    assert provider.ensure([RECORD]) == [Change("make", RECORD)]
    assert standin.shown() == ["shop.example.com A 203.0.113.7 300 portwright:pw"]
    assert provider.remove([RECORD.name]) == [Change("remove", RECORD)]
    assert standin.shown() == []


def test_somebody_who_was_faster_is_named(provider: Cloudflare, standin: StandIn) -> None:
    steps = provider.steps([RECORD])
    standin.add_record(RECORD.name, "CNAME", "elsewhere.example.net")
    with pytest.raises(PortwrightError, match="there is a record CNAME elsewhere"):
        provider.take(*steps[0])


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        '{"success": false}',
        '{"success": false, "errors": [{"code": 9005, "message": "bad ' + SECRET + '"}]}',
        '{"success": true, "result": [{"id": "../../x", "name": "example.com"}]}',
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_in_words_without_the_token(
    provider: Cloudflare, standin: StandIn, body: str
) -> None:
    status = 200 if "true" in body else 400
    standin.bad = [(200, {}, '{"success": true, "result": []}'), (status, {}, body)]
    with pytest.raises(PortwrightError) as refused:
        provider.ensure([RECORD])
    assert refused.value.remedy
    assert SECRET not in str(refused.value)


def test_the_token_is_in_no_log_exception_or_repr(
    standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Api(SECRET, url=standin.url) as api:
        Cloudflare(api, "pw", ["example.com"]).ensure([RECORD])
        shown = repr(api) + repr(vars(api.client)["_headers"])
    deaf = Api(SECRET, url="http://127.0.0.1:9/x", sleep=lambda _: None)
    with deaf, pytest.raises(PortwrightError, match="the network: ConnectError") as refused:
        deaf.call("GET", "/zones")
    told = "".join(traceback.format_exception(refused.value)) + caplog.text + shown
    assert standin.headers[0] == f"Bearer {SECRET}"
    assert "HTTP Request" in caplog.text
    assert SECRET not in told
    assert refused.value.__context__ is None


@pytest.mark.parametrize("token", ["", "short", f"Bearer {SECRET}", f"{SECRET}\r\nX-Evil: 1"])
def test_what_is_no_token_is_refused_without_being_told(token: str) -> None:
    with pytest.raises(PortwrightError) as refused:
        Api(token)
    assert not token or token not in f"{refused.value} {refused.value.remedy}"
