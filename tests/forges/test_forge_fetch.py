"""Requests to real servers on this host: where they go, what they carry, how much is read."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from forge_servers import Authority, Reply, Seen, Serve

from forges.addresses import Guard
from forges.errors import Unreachable
from forges.fetch import MOST_BYTES, Fetcher
from stacks.errors import PortwrightError

LOOPBACK = ("127.0.0.1",)
TOKEN = {"Authorization": "Bearer secret", "PRIVATE-TOKEN": "secret"}


def here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def ok(seen: Seen) -> Reply:
    return Reply(body=b'{"ok": true}')


def to(url: str, status: int = 302) -> Reply:
    return Reply(status, b"", {"Location": url})


def test_an_answer_is_status_headers_and_json(serve: Serve) -> None:
    server = serve(lambda seen: Reply(201, b'{"a": 1}', {"X-Total": "7"}))
    answer = Fetcher(Guard(LOOPBACK)).request("POST", f"{server.url}/x?y=1", json={"b": 2})
    assert (answer.status, answer.headers["x-total"], answer.json().value) == (201, "7", {"a": 1})
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/x?y=1", b'{"b":2}')
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"


def test_what_is_not_permitted_is_not_connected_to(serve: Serve) -> None:
    server = serve(ok)
    for host in ("127.0.0.1", "forge.test", "localhost"):
        with pytest.raises(PortwrightError) as caught:
            Fetcher(Guard(resolver=here)).request("GET", f"http://{host}:{server.port}/")
        assert "not public" in caught.value.message
    assert server.seen == []


def test_the_connection_goes_to_the_address_that_was_judged(serve: Serve) -> None:
    """DNS rebinding: the first answer is permitted, each further one would not be."""
    server = serve(ok)
    answers: Iterator[list[str]] = iter([["127.0.0.1"], ["169.254.169.254"]])
    fetcher = Fetcher(Guard(LOOPBACK, lambda host, port: next(answers)))
    assert fetcher.request("GET", f"http://forge.test:{server.port}/").status == 200
    with pytest.raises(PortwrightError) as caught:
        fetcher.request("GET", f"http://forge.test:{server.port}/")
    assert "169.254.169.254" in caught.value.message
    assert len(server.seen) == 1


def test_environment_proxies_are_not_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(ok), serve(ok)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    Fetcher(Guard(LOOPBACK)).request("GET", server.url)
    assert (len(proxy.seen), len(server.seen)) == (0, 1)


def test_certificate_and_host_are_those_of_the_name(serve: Serve, authority: Authority) -> None:
    asked: list[str | None] = []
    context = authority.context("forge.test")
    context.sni_callback = lambda sock, name, ctx: asked.append(name)  # type: ignore[assignment]
    server = serve(ok, context)
    fetcher = Fetcher(Guard(LOOPBACK, here), authority.trust)
    answer = fetcher.request("GET", f"https://forge.test:{server.port}/")
    assert (answer.status, asked) == (200, ["forge.test"])
    assert server.seen[0].headers["host"] == f"forge.test:{server.port}"


def test_a_certificate_for_another_name_is_not_taken(serve: Serve, authority: Authority) -> None:
    server = serve(ok, authority.context("forge.test"))
    fetcher = Fetcher(Guard(LOOPBACK, here), authority.trust)
    with pytest.raises(Unreachable) as caught:
        fetcher.request("GET", f"https://other.test:{server.port}/")
    assert "certificate of other.test is not trusted" in caught.value.message
    assert server.seen == []


def test_an_unknown_authority_is_not_trusted(serve: Serve, authority: Authority) -> None:
    server = serve(ok, authority.context("forge.test"))
    with pytest.raises(Unreachable) as caught:
        Fetcher(Guard(LOOPBACK, here)).request("GET", f"https://forge.test:{server.port}/")
    assert "certificate" in caught.value.message


def test_https_to_a_port_that_speaks_http_says_so(serve: Serve) -> None:
    server = serve(ok)
    with pytest.raises(Unreachable) as caught:
        Fetcher(Guard(LOOPBACK)).request("GET", f"https://127.0.0.1:{server.port}/")
    assert "TLS" in caught.value.message


def test_a_port_where_nothing_listens_says_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        Fetcher(Guard(LOOPBACK)).request("GET", f"http://127.0.0.1:{port}/")
    assert "can't be reached" in caught.value.message


def test_plain_http_is_for_permitted_hosts_only() -> None:
    fetcher = Fetcher(Guard(resolver=lambda host, port: ["93.184.215.14"]))
    with pytest.raises(PortwrightError) as caught:
        fetcher.request("GET", "http://forge.example/", headers=TOKEN)
    assert caught.value.remedy == "use https"


@pytest.mark.parametrize(
    "url",
    ["", "forge.test", "ftp://forge.test/", "file:///etc/passwd", "https://", "https://a:b@forge.test/",
     "https://user@forge.test", "https://forge.test:0/", "https://forge.test:99999/"],
)  # fmt: skip
def test_what_is_no_address_is_not_asked(url: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        Fetcher(Guard(LOOPBACK, here)).request("GET", url)
    assert caught.value.message == "that is no address that can be asked"


def test_a_redirect_on_the_same_host_is_followed_with_credentials(serve: Serve) -> None:
    server = serve(lambda seen: to("/new") if seen.path == "/old" else ok(seen))
    Fetcher(Guard(LOOPBACK)).request("GET", f"{server.url}/old", headers=TOKEN)
    assert [seen.path for seen in server.seen] == ["/old", "/new"]
    assert server.seen[1].headers["authorization"] == "Bearer secret"


def test_another_host_gets_no_credentials(serve: Serve) -> None:
    """Another port is another host; so is another name of the same address."""
    last = serve(ok)
    first = serve(lambda seen: to(f"http://other.test:{last.port}/x"))
    Fetcher(Guard(LOOPBACK, here)).request("GET", f"{first.url}/", headers=TOKEN)
    (seen,) = last.seen
    assert not {"authorization", "private-token"} & set(seen.headers)


def test_credentials_do_not_come_back_after_a_detour(serve: Serve) -> None:
    first = serve(lambda seen: to(f"{last.url}/a") if seen.path == "/" else ok(seen))
    last = serve(lambda seen: to(f"{first.url}/b"))
    Fetcher(Guard(LOOPBACK)).request("GET", f"{first.url}/", headers=TOKEN)
    assert [seen.path for seen in first.seen] == ["/", "/b"]
    assert "authorization" not in first.seen[1].headers


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://2130706433/", "http://["],
)
def test_each_hop_is_guarded(serve: Serve, target: str) -> None:
    server = serve(lambda seen: to(target))
    with pytest.raises(PortwrightError) as caught:
        Fetcher(Guard(LOOPBACK)).request("GET", server.url)
    assert caught.value.path == "address"
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://x/", "http://u:p@h/", "http://h:0/"]
)
def test_redirects_lead_to_addresses_only(serve: Serve, target: str) -> None:
    server = serve(lambda seen: to(target))
    with pytest.raises(PortwrightError) as caught:
        Fetcher(Guard(LOOPBACK)).request("GET", server.url)
    assert caught.value.message == "that is no address that can be asked"


def test_three_redirects_are_followed_and_no_more(serve: Serve) -> None:
    server = serve(lambda seen: ok(seen) if seen.path == "/3" else to(f"/{int(seen.path[1:]) + 1}"))
    assert Fetcher(Guard(LOOPBACK)).request("GET", f"{server.url}/0").status == 200
    endless = serve(lambda seen: to("/"))
    with pytest.raises(PortwrightError) as caught:
        Fetcher(Guard(LOOPBACK)).request("GET", endless.url)
    assert "more than 3" in caught.value.message
    assert len(endless.seen) == 4


def test_https_never_leads_to_http(serve: Serve, authority: Authority) -> None:
    plain = serve(ok)
    secure = serve(
        lambda seen: to(f"http://127.0.0.1:{plain.port}/"), authority.context("forge.test")
    )
    fetcher = Fetcher(Guard(LOOPBACK, here), authority.trust)
    with pytest.raises(PortwrightError) as caught:
        fetcher.request("GET", f"https://forge.test:{secure.port}/")
    assert "not followed" in caught.value.message
    assert plain.seen == []


def test_what_changes_something_is_repeated_as_it_was_or_not_at_all(serve: Serve) -> None:
    kept = serve(lambda seen: to("/new", 307) if seen.path == "/old" else ok(seen))
    Fetcher(Guard(LOOPBACK)).request("POST", f"{kept.url}/old", json={"secret": 1})
    assert [(seen.method, seen.path, seen.body) for seen in kept.seen] == [
        ("POST", "/old", b'{"secret":1}'),
        ("POST", "/new", b'{"secret":1}'),
    ]
    other = serve(ok)
    for reply in (to("/new", 302), to(f"{other.url}/", 307)):
        server = serve(lambda seen, reply=reply: reply)
        with pytest.raises(PortwrightError):
            Fetcher(Guard(LOOPBACK)).request("POST", server.url, json={"secret": 1})
        assert len(server.seen) == 1
    assert other.seen == []


def test_cookies_are_not_kept(serve: Serve) -> None:
    server = serve(
        lambda seen: (
            Reply(302, b"", {"Location": "/b", "Set-Cookie": "a=b"})
            if seen.path == "/a"
            else ok(seen)
        )
    )
    Fetcher(Guard(LOOPBACK)).request("GET", f"{server.url}/a")
    assert "cookie" not in server.seen[1].headers


def test_an_answer_over_two_mebibytes_is_not_read(serve: Serve) -> None:
    server = serve(lambda seen: Reply(body=b"x" * int(seen.path[1:])))
    fetcher = Fetcher(Guard(LOOPBACK))
    assert len(fetcher.request("GET", f"{server.url}/{MOST_BYTES}").body) == MOST_BYTES
    with pytest.raises(PortwrightError) as caught:
        fetcher.request("GET", f"{server.url}/{MOST_BYTES + 1}")
    assert str(MOST_BYTES) in caught.value.message


def test_a_packed_answer_that_would_burst_is_not_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(b"0" * (20 * MOST_BYTES))
    server = serve(lambda seen: Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(PortwrightError) as caught:
        Fetcher(Guard(LOOPBACK)).request("GET", server.url)
    assert "packed" in caught.value.message
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_what_is_no_json_is_an_error_and_nothing_is_null(serve: Serve) -> None:
    server = serve(lambda seen: Reply(body=b"<html>" if seen.path == "/a" else b""))
    fetcher = Fetcher(Guard(LOOPBACK))
    with pytest.raises(PortwrightError):
        fetcher.request("GET", f"{server.url}/a").json()
    assert fetcher.request("GET", f"{server.url}/b").json().value is None


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """A server that says this and then a byte every 20 ms until the other end goes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_one() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(first)
            while not done.wait(0.02):
                connection.sendall(b"x" if first else b"")

    done = threading.Event()
    thread = threading.Thread(target=serve_one, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    done.set()
    thread.join()
    listener.close()


def test_a_server_that_says_nothing_is_left() -> None:
    with dripping(b"") as url, pytest.raises(Unreachable) as caught:
        Fetcher(Guard(LOOPBACK), timeout=0.1).request("GET", url)
    assert "takes too long" in caught.value.message


def test_a_server_that_never_ends_is_left() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with dripping(head) as url, pytest.raises(PortwrightError) as caught:
        Fetcher(Guard(LOOPBACK), longest=0.1).request("GET", url)
    assert "takes over 0.1 s" in caught.value.message
