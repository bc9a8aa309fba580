"""Freezing and numbering: what moves a generation, and what a rollback brings back."""

from __future__ import annotations

import pytest
from hypothesis import given
from specs import small, specs

from stacks.errors import PortwrightError
from stacks.project_file import load
from stacks.spec import BuiltImage, SecretVersion, Spec, freeze, hosts, number

FILE = """
name: shop
services:
  web: {build: ., port: 80, env: {A: x, KEY: {secret: api_key}}, domains: [shop.example.com]}
  worker: {image: "redis:7"}
"""
IMAGES = {
    "web": BuiltImage("sha256:1", "pw/shop-web:abc", "tree1"),
    "worker": BuiltImage("sha256:2", "redis:7"),
}


def frozen(**versions: int) -> Spec:
    return freeze(
        load(FILE),
        environment="production",
        commit="c" * 40,
        subject="s",
        images=IMAGES,
        secret_versions=versions,
    )


def test_freezing_resolves_everything() -> None:
    spec = frozen(api_key=4)
    web, worker = spec.services["web"], spec.services["worker"]
    assert (web.image, web.source) == ("sha256:1", "tree1")
    assert web.env == {"A": "x", "KEY": SecretVersion(secret="api_key", version=4)}
    assert web.hosts == ["web.shop.localhost", "shop.example.com"]
    assert worker.hosts == []


def test_a_secret_that_is_not_set_is_told_with_the_command_that_sets_it() -> None:
    with pytest.raises(PortwrightError) as caught:
        frozen()
    assert caught.value.path == "services.web.env.KEY"
    assert caught.value.remedy == "portwright secrets set shop api_key"


@given(specs())
def test_a_spec_survives_the_database(spec: Spec) -> None:
    assert Spec.model_validate(spec.to_json()) == spec


def test_an_unchanged_service_keeps_its_numbers() -> None:
    current = number(frozen(api_key=1), None, release=1, generation=5)
    again = number(frozen(api_key=1), current, release=2, generation=6)
    assert again == current


def test_a_changed_service_gets_new_numbers_and_its_neighbour_none() -> None:
    current = number(frozen(api_key=1), None, release=1, generation=5)
    changed = number(frozen(api_key=2), current, release=2, generation=6)
    web, worker = changed.services["web"], changed.services["worker"]
    assert (web.introduced, web.generation) == (2, 6)
    assert (worker.introduced, worker.generation) == (1, 5)


def test_a_rollback_brings_the_release_back_under_a_new_generation() -> None:
    first = number(frozen(api_key=1), None, release=1, generation=5)
    second = number(frozen(api_key=2), first, release=2, generation=6)
    back = number(first, second, release=3, generation=9)
    assert (back.services["web"].introduced, back.services["web"].generation) == (1, 9)
    assert back.services["web"].fingerprint == first.services["web"].fingerprint


@pytest.mark.parametrize(
    "change",
    [{"image": "sha256:9"}, {"env": {"COLOR": "red"}}, {"port": 9}, {"command": ["x"]},
     {"replicas": 2}, {"hosts": ["other.localhost"]}, {"drain": "9s"}],
)  # fmt: skip
def test_the_fingerprint_moves_with_the_definition(change: dict[str, object]) -> None:
    assert small(**change).services["web"].fingerprint != small().services["web"].fingerprint


@pytest.mark.parametrize("mark", [{"generation": 99}, {"introduced": 99}, {"image_ref": "other:1"}])
def test_the_fingerprint_stays_with_the_marks(mark: dict[str, object]) -> None:
    assert small(**mark).services["web"].fingerprint == small().services["web"].fingerprint


def test_hosts_of_other_environments_are_their_own() -> None:
    assert hosts("shop", "production", "web", []) == ["web.shop.localhost"]
    assert hosts("shop", "staging", "web", []) == ["web.staging-shop.localhost"]
