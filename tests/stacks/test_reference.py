"""Image names mean what Docker takes them for, and never an image ID."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError

DIGEST = "sha256:" + "a" * 64
components = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,2})[a-z0-9]{1,6}){0,2}", fullmatch=True)
hosts = st.sampled_from(
    ["docker.io", "localhost", "localhost:5000", "ghcr.io", "Registry.Example.com:5000", "10.0.0.1"]
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@st.composite
def names(draw: st.DrawFn) -> str:
    path = "/".join(draw(st.lists(components, min_size=1, max_size=3)))
    host = draw(st.none() | hosts)
    tag, digest = draw(st.none() | tags), draw(st.booleans())
    name = f"{host}/{path}" if host else path
    return name + (f":{tag}" if tag else "") + (f"@{DIGEST}" if digest else "")


@given(names())
def test_canonical_and_familiar_names_mean_the_same_image(name: str) -> None:
    found = Reference.parse(name)
    canonical = Reference.parse(found.canonical)
    assert canonical.canonical == found.canonical
    assert Reference.parse(found.familiar) == found
    assert len(found.familiar) <= len(f"{found.repository}:{found.tag}@{found.digest}")


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    try:
        found = Reference.parse(text)
    except PortwrightError as error:
        assert error.remedy and error.path == "image"
    else:
        assert found.host == found.host.lower() and found.path
        assert not any(each.isspace() for each in found.canonical)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("postgres", "docker.io/library/postgres:latest"),
        ("postgres:17", "docker.io/library/postgres:17"),
        ("docker.io/postgres:17", "docker.io/library/postgres:17"),
        ("index.docker.io/library/postgres:17", "docker.io/library/postgres:17"),
        ("owner/app", "docker.io/owner/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:2", "localhost:5000/app:2"),
        ("GHCR.io/owner/app", "ghcr.io/owner/app:latest"),
        ("registry:5000/app", "registry:5000/app:latest"),
        (f"ghcr.io/owner/app:2@{DIGEST}", f"ghcr.io/owner/app@{DIGEST}"),
        ("deadbeef", "docker.io/library/deadbeef:latest"),
        ("a1", "docker.io/library/a1:latest"),
        ("f" * 64, f"docker.io/library/{'f' * 64}:latest"),
        ("pw/shop/web:1", "docker.io/pw/shop/web:1"),
    ],
)
def test_names_are_completed_as_docker_does(name: str, canonical: str) -> None:
    assert Reference.parse(name).canonical == canonical


@pytest.mark.parametrize(
    ("name", "familiar"),
    [
        ("docker.io/library/postgres:17", "postgres:17"),
        ("docker.io/owner/app:2", "owner/app:2"),
        ("docker.io/library/owner/app:2", "library/owner/app:2"),
        ("docker.io/localhost/app:2", "docker.io/localhost/app:2"),
        ("docker.io/a.b/app:2", "docker.io/a.b/app:2"),
        ("ghcr.io/owner/app:2", "ghcr.io/owner/app:2"),
    ],
)
def test_the_familiar_name_leaves_out_what_docker_adds(name: str, familiar: str) -> None:
    assert Reference.parse(name).familiar == familiar


@pytest.mark.parametrize(
    "name",
    [
        DIGEST, "sha256:" + "a" * 32, f"@{DIGEST}", "", "app:", "-app", "app/", "/app", "a//b",
        "app@sha256:abc", "app:1:2", "APP", "Owner/App", "Owner/app", "https://ghcr.io/app", "app latest",
        "app\n", "app:1\n", "ghcr.io:99999/app", "ghcr.io:0/app", "a" * 300, "../app", "app@" + "f" * 64,
    ],
)  # fmt: skip
def test_image_ids_and_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        Reference.parse(name)
    assert caught.value.path == "image" and "name:tag" in caught.value.remedy
