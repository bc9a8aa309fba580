"""ACME servers and a service for the session; each test has a Traefik of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from base_images import on_engine
from ground import CHECKOUT, Ground, ground

from stacks.compile import compile_spec
from stacks.spec import Route, ServiceSpec, Spec

INSTANCE = "pwtlstest"
BINARIES = ("traefik", "pebble", "pebble-challtestsrv")
HOSTS = (
    "one.example.com", "two.example.com", "three.example.com", "wrong.example.com",
    "web.shop.apps.example.com",
)  # fmt: skip
# Long enough for a test, and so short that Traefik renews it at its next look, a minute later.
LIFETIME = 600
ANSWER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (self.headers["X-Forwarded-Proto"] + " " + self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("acme")
    install = [sys.executable, "-m", "toolchain", "install", "--into", str(folder / "bin")]
    subprocess.run([*install, *BINARIES], cwd=CHECKOUT, check=True)
    with ground(folder, folder / "bin", LIFETIME) as made:
        yield made


@pytest.fixture(scope="session")
def service() -> Iterator[Spec]:
    """A container with the labels of a service that has a host for each test."""
    image = on_engine("python")
    web = ServiceSpec(
        image=image,
        image_ref=image,
        command=["python3", "-c", ANSWER],
        port=8000,
        routes=[
            Route(host="web.shop.localhost"),
            *(Route(host=host) for host in HOSTS),
            Route(host="old.example.com", redirect="one.example.com"),
        ],
        generation=1,
        tls=True,
    )
    spec = Spec(project="shop", environment="production", commit="a" * 40, services={"web": web})
    network, container = compile_spec(spec, INSTANCE)
    client = docker.from_env()
    try:
        client.networks.create(network.name, labels={"portwright.instance": INSTANCE})
        client.containers.run(
            container.args["image"],
            container.args["command"],
            name=container.name,
            labels={item["label"]: item["value"] for item in container.args["labels"]},
            network=network.name,
            detach=True,
        )
        yield spec
    finally:
        labelled = {"label": f"portwright.instance={INSTANCE}"}
        for left in client.containers.list(all=True, filters=labelled):
            left.remove(force=True)
        for made in client.networks.list(filters=labelled):
            made.remove()
        client.close()
