"""When the old container may go: against a real HTTP server that answers as Traefik's API does."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.compile import Resource
from stacks.errors import PortwrightError
from stacks.traffic import Traefik, drain_hook, generation

LIVE = {"status": "enabled"}
SERVERS = {"loadBalancer": {"servers": [{"url": "http://10.0.0.2:8000"}]}}


class Api:
    """paths: what the API has, by path; everything else is unknown to it."""

    def __init__(self) -> None:
        self.paths: dict[str, Any] = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = api.paths.get(self.path)
                body = json.dumps(found).encode()
                self.send_response(200 if found is not None else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def route(self, name: str, router: Any = LIVE, service: Any = SERVERS) -> None:
        self.paths[f"/api/http/services/{name}@docker"] = service
        self.paths[f"/api/http/routers/{name}@docker"] = router

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("router", "service", "serves"),
    [
        (LIVE, SERVERS, True),
        ({"status": "disabled"}, SERVERS, False),
        (LIVE, {"loadBalancer": {"servers": []}}, False),
        (LIVE, None, False),
        (None, SERVERS, False),
    ],
)
def test_a_router_serves_only_when_it_is_enabled_and_has_a_server(
    api: Api, router: Any, service: Any, serves: bool
) -> None:
    api.route("shop-web-7", router, service)
    assert Traefik(api.port).serves("shop-web-7") is serves


def test_waiting_ends_when_the_router_comes(api: Api) -> None:
    threading.Timer(0.3, lambda: api.route("shop-web-7")).start()
    Traefik(api.port).wait("shop-web-7", patience=10)


def test_waiting_in_vain_names_the_router_and_a_remedy(api: Api) -> None:
    with pytest.raises(PortwrightError, match="has not taken up its route") as caught:
        Traefik(api.port).wait("shop-web-7", patience=0.2)
    assert caught.value.path == "router shop-web-7"
    api.close()
    with pytest.raises(PortwrightError, match="Traefik does not answer"):
        Traefik(api.port).wait("shop-web-7", patience=0.2)


def container(mark: int, *, router: str = "", drain: float = 0.0, first: bool = False) -> Resource:
    return Resource(
        kind="Container",
        name="pw_shop_production_web",
        args={"labels": [{"label": "portwright.generation", "value": str(mark)}]},
        service="web",
        facts={},
        router=router,
        drain=drain,
        delete_first=first,
    )


def old(mark: int, name: str = "pw_shop_production_web") -> Any:
    inputs = {"labels": [{"label": "portwright.generation", "value": str(mark)}]}
    return SimpleNamespace(name=name, old_inputs=inputs)


def run(
    api: Api, resource: Resource, args: Any, check: Any = lambda: None
) -> tuple[float, list[str]]:
    said: list[str] = []
    hook = drain_hook(Traefik(api.port), (resource,), check, said.append)
    began = time.monotonic()
    asyncio.run(hook(args))  # type: ignore[arg-type]
    return time.monotonic() - began, said


def test_the_old_one_waits_for_the_new_route_then_for_what_is_in_flight(api: Api) -> None:
    threading.Timer(0.2, lambda: api.route("shop-web-7")).start()
    took, said = run(api, container(7, router="shop-web-7", drain=0.3), old(5))
    assert took >= 0.5
    assert said == ["traffic of web is on the new container; draining the old one"]


def test_an_old_one_without_successor_goes_at_once(api: Api) -> None:
    for resource, args in (
        (container(7, drain=60), old(5, "pw_shop_production_gone")),  # the service was removed
        (container(7, drain=60), old(7)),  # the same generation: a broken apply's left-over
        (container(7, drain=60, first=True), old(5)),  # exclusive: it was stopped first
    ):
        took, said = run(api, resource, args)
        assert took < 5 and said == []


def test_the_old_one_stays_where_the_new_one_is_not_well(api: Api) -> None:
    def ill() -> None:
        raise PortwrightError("web restarts", remedy="correct it")

    api.route("shop-web-7")
    with pytest.raises(PortwrightError, match="web restarts"):
        run(api, container(7, router="shop-web-7"), old(5), ill)


def test_a_container_without_our_label_has_no_generation() -> None:
    assert generation({}) == ""
    assert generation({"labels": [{"label": "other", "value": "7"}]}) == ""
