"""What is said to buildctl, and what is said of its failures."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.builds.buildkit import (
    MemoryFiles,
    Order,
    arguments,
    docker_config,
    failure,
    source_policy,
)
from stacks.docker.builds.progress import Progress
from stacks.docker.images.login import Login

ORDER = Order(
    Path("/checkout/web"), Path("/checkout/docker/web.Dockerfile"), "pw/shop/web:1", "shop"
)
CANARY = "canary-value"


def argv_of(order: Order) -> list[str]:
    with ExitStack() as stack:
        return arguments(order, MemoryFiles(stack))


def test_secrets_keys_and_pins_are_files_in_memory_and_no_argument() -> None:
    order = replace(
        ORDER,
        secrets={"token": CANARY + "\n"},
        ssh={"default": CANARY},
        pins={"docker.io/library/a:1": "sha256:" + "a" * 64},
    )
    with ExitStack() as stack:
        files = MemoryFiles(stack)
        argv = arguments(order, files)
        (secret,) = [each for each in argv if each.startswith("id=token,src=")]
        path = secret.removeprefix("id=token,src=")
        assert Path(path).read_text() == CANARY + "\n"
        assert os.readlink(path).startswith("/memfd:")
        assert not any(CANARY in each for each in argv)
    assert not any(Path(f"/proc/self/fd/{each}").exists() for each in files.descriptors)
    assert CANARY not in repr(order)


def test_the_folder_of_the_dockerfile_is_told_apart_from_the_context() -> None:
    argv = argv_of(ORDER)
    assert "context=/checkout/web" in argv and "dockerfile=/checkout/docker" in argv
    assert "filename=web.Dockerfile" in argv


def test_only_a_wanted_frontend_is_fetched() -> None:
    assert "cmdline=docker/dockerfile:1" in argv_of(ORDER)
    assert not [
        each for each in argv_of(replace(ORDER, built_in_frontend=False)) if "cmdline" in each
    ]
    external = argv_of(replace(ORDER, frontend="ghcr.io/a/b:1"))
    assert "--frontend=gateway.v0" in external and "source=ghcr.io/a/b:1" in external


def test_choices_of_a_build() -> None:
    argv = argv_of(replace(ORDER, network=False, cache=False, target="v1.2"))
    assert {"force-network-mode=none", "--no-cache", "target=v1.2"} <= set(argv)
    assert not {"force-network-mode=none", "--no-cache"} & set(argv_of(ORDER))


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.text(max_size=30)))
def test_each_build_argument_is_one_argument(given_arguments: dict[str, str]) -> None:
    argv = argv_of(replace(ORDER, arguments=given_arguments))
    for key, value in given_arguments.items():
        assert f"build-arg:{key}={value}" in argv


def test_pins_are_exact_names() -> None:
    policy = json.loads(source_policy({"docker.io/library/a:*": "sha256:1"}))
    (rule,) = policy["rules"]
    assert rule["selector"]["match_type"] == "EXACT"
    assert rule["updates"]["identifier"] == "docker-image://docker.io/library/a:*@sha256:1"


def test_credentials_are_given_for_every_name_that_a_builder_asks_by() -> None:
    logins = {"docker.io": Login("me", "p:w"), "localhost:5000": Login("you", "pw")}
    auths = json.loads(docker_config(logins))["auths"]
    assert b64decode(auths["https://index.docker.io/v1/"]["auth"]) == b"me:p:w"
    assert auths["host.docker.internal:5000"] == auths["localhost:5000"]


def failed(message: str, logins: dict[str, Login] | None = None) -> tuple[str, str]:
    progress = Progress(lambda line: None)
    progress.feed(f"error: failed to solve: {message}\n".encode())
    found = failure(progress, 1, ORDER, logins or {})
    assert found.path == "build"
    return found.message, found.remedy


@pytest.mark.parametrize(
    ("message", "told", "remedy"),
    [
        (
            "ghcr.io/a/b:1: failed to resolve source metadata for ghcr.io/a/b:1: failed to "
            "authorize: unexpected status: 401 Unauthorized: <foreign text>",
            "ghcr.io refused user 'me'",
            "portwright registries set shop ghcr.io",
        ),
        (
            "x: failed to resolve source metadata for docker.io/library/x:1: not found",
            "docker.io has no image x:1",
            "check the name",
        ),
        (
            "10.0.0.1:5000/x:1: failed to resolve source metadata for 10.0.0.1:5000/x:1: failed to do "
            'request: Head "https://10.0.0.1:5000/v2/x": dial tcp 10.0.0.1:5000: connection refused',
            "10.0.0.1:5000 does not answer",
            "PORTWRIGHT_ALLOWED_HOSTS",
        ),
        (
            'failed to load cache key: Get "http://10.0.0.1/x": dial tcp 10.0.0.1:80: refused',
            "dial tcp 10.0.0.1:80",
            "PORTWRIGHT_ALLOWED_HOSTS",
        ),
        ("dockerfile parse error on line 1: unknown instruction: FRM", "line 1", "Dockerfile"),
    ],
)
def test_what_failed_is_told_with_a_remedy(message: str, told: str, remedy: str) -> None:
    said, what_to_do = failed(message, {"ghcr.io": Login("me", "pw")})
    assert told in said and remedy in what_to_do
    assert "<foreign text>" not in said


def test_of_a_long_command_the_end_of_the_message_is_kept() -> None:
    said, _ = failed(f'process "/bin/sh -c {"x" * 900}" did not complete: exit code: 7')
    assert said.endswith("exit code: 7") and "…" in said and len(said) < 600


def test_a_known_digest_that_its_registry_deleted_is_told_as_that() -> None:
    progress = Progress(lambda line: None)
    digest = "sha256:" + "a" * 64
    name = f"docker.io/library/x:1@{digest}"
    progress.feed(
        f"error: failed to solve: x: failed to resolve source metadata for {name}: "
        f"{name}: not found\n".encode()
    )
    order = replace(ORDER, pins={"docker.io/library/x:1": digest})
    found = failure(progress, 1, order, {})
    assert "no longer has the image" in found.message and "--pull" in found.remedy
