"""Which texts name a registry, how they are stored, and what the error suggests for the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.images.registry_host import HOST, address_of, check_registry_host
from stacks.errors import PortwrightError


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("ghcr.io", "ghcr.io"),
        (" GHCR.io\n", "ghcr.io"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("localhost", "localhost"),
        ("localhost:5000", "localhost:5000"),
        ("registry:5000", "registry:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com",) * 2,
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("Hub.Docker.com", "docker.io"),
    ],
)
def test_a_host_is_stored_as_image_names_spell_it(text: str, stored: str) -> None:
    assert check_registry_host(text) == stored


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("https://ghcr.io", "Use ghcr.io."),
        ("https://index.docker.io/v1/", "Use docker.io."),
        ("ghcr.io/me/app", "Use ghcr.io."),
        ("http://Registry.example.com:5000/", "Use registry.example.com:5000."),
        ("registry", "Add the port (registry:5000) or use the full name (registry.example.com)."),
    ],
)
def test_the_error_gives_the_right_spelling(text: str, remedy: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        check_registry_host(text)
    assert (caught.value.path, caught.value.remedy) == ("host", remedy)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "../etc", "a..b", "-a.example", "a-.example", "a_b.example", "ghcr.io.",
        "ghcr.io:0", "ghcr.io:05", "ghcr.io:65536", "ghcr.io:", ":5000", "me@ghcr.io", "[::1]:5000",
        "ghcr.io\nlocalhost", "ghcr.io\0", "bücher.example", "a." * 130 + "io", "https://",
        "https://me:pw@ghcr.io", "a" * 64 + ".io",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        check_registry_host(text)
    assert caught.value.path == "host" and caught.value.remedy


@given(st.text(alphabet="aA0.-_:/@ \n\0é", max_size=30))
def test_what_is_stored_is_a_folder_name_and_stays_the_same(text: str) -> None:
    try:
        stored = check_registry_host(text)
    except PortwrightError:
        return
    assert HOST.fullmatch(stored) and "/" not in stored and not stored.startswith(".")
    assert check_registry_host(stored) == stored


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("docker.io", ("registry-1.docker.io", 443)),
        ("ghcr.io", ("ghcr.io", 443)),
        ("localhost:5000", ("localhost", 5000)),
    ],
)
def test_where_the_engine_connects_to(host: str, address: tuple[str, int]) -> None:
    assert address_of(host) == address
