"""Freezing and numbering: what moves a generation, and what a rollback brings back."""

from __future__ import annotations

import pytest
from hypothesis import given
from specs import small, specs

from stacks.errors import PortwrightError
from stacks.freeze import freeze, routes_of
from stacks.parse import load
from stacks.service_file import Healthcheck, Service
from stacks.spec import BuiltImage, Need, Route, SecretVersion, Spec, number

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
    assert [r.host for r in web.routes] == ["web.shop.localhost", "shop.example.com"]
    assert web.healthcheck == Healthcheck(tcp=True, interval="1s")
    assert worker.routes == [] and worker.healthcheck is None


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
     {"routes": [Route(host="other.localhost")]}, {"stop_grace": "9s"}],
)  # fmt: skip
def test_the_fingerprint_moves_with_the_definition(change: dict[str, object]) -> None:
    assert small(**change).services["web"].fingerprint != small().services["web"].fingerprint


@pytest.mark.parametrize(
    "mark",
    [{"generation": 99}, {"introduced": 99}, {"image_ref": "other:1"}, {"replicas": 2},
     {"drain": "9s"}, {"depends_on": {}}, {"digest": "sha256:9"}, {"bases": {"x:1": "sha256:9"}}],
)  # fmt: skip
def test_the_fingerprint_stays_with_the_marks(mark: dict[str, object]) -> None:
    assert small(**mark).services["web"].fingerprint == small().services["web"].fingerprint


def test_hosts_of_other_environments_are_their_own() -> None:
    service = Service(image="x:1", port=80)
    for environment, host in (("production", "web.shop"), ("staging", "web.shop.staging")):
        assert routes_of("shop", environment, "web", service) == [Route(host=f"{host}.localhost")]


def test_names_end_in_the_base_domain_and_nobody_takes_what_another_may_get() -> None:
    base = "apps.example.com"
    free = Service(image="x:1", port=80, domains=[{"host": "shop.apps.example.com"}])
    hosts = [each.host for each in routes_of("shop", "pr-7", "web", free, base)]
    assert hosts == ["web.shop.pr-7.apps.example.com", "shop.apps.example.com"]
    for host in (
        "web.other.apps.example.com",
        "pr-3-x.apps.example.com",
        "api-pr-3-x.apps.example.com",
    ):
        taken = Service(image="x:1", port=80, domains=[{"host": host}])
        with pytest.raises(PortwrightError) as caught:
            routes_of("shop", "production", "web", taken, base)
        assert caught.value.path == "services.web.domains" and caught.value.remedy


def test_what_drifted_or_cascades_gets_a_new_generation() -> None:
    current = number(small(), None, release=1, generation=5)
    moved = number(small(), current, release=2, generation=6, drifted={"db"})
    assert [moved.services[name].generation for name in ("db", "web")] == [6, 5]
    assert moved.services["db"].introduced == current.services["db"].introduced
    follows = small(depends_on={"db": Need(condition="healthy", cascade=True)})
    moved = number(follows, current, release=2, generation=6, drifted={"db"})
    assert [moved.services[name].generation for name in ("db", "web")] == [6, 6]


def test_fewer_replicas_are_a_new_generation_and_more_are_not() -> None:
    """One that ends would still get requests; one that comes gets none before it is well."""
    two = number(small(replicas=2), None, release=1, generation=5)
    fewer = number(small(replicas=1), two, release=2, generation=6)
    more = number(small(replicas=3), two, release=2, generation=6)
    assert (fewer.services["web"].generation, more.services["web"].generation) == (6, 5)


def test_a_spec_from_before_digests_loads() -> None:
    stored = small().to_json()
    for service in stored["services"].values():
        del service["digest"], service["bases"]
    assert Spec.model_validate(stored) == small()
