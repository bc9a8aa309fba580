"""Spec to resources: pure, ordered, every name valid, and no foreign text where it could act."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from specs import NASTY, small, specs

from stacks.compile import Resource, SecretEnv, compile_spec
from stacks.health import go_duration, patience
from stacks.service_file import Healthcheck
from stacks.spec import SecretVersion, Spec

DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
HOST = r"Host\(`[a-z0-9.-]+`\)"
PATH = r"\(Path\(`/[a-z0-9-]+`\) \|\| PathPrefix\(`/[a-z0-9-]+/`\)\)"
RULE = re.compile(rf"{HOST}( \|\| {HOST})*|\({HOST} && {PATH}\)")


def by_kind(resources: tuple[Resource, ...], kind: str) -> list[Resource]:
    return [resource for resource in resources if resource.kind == kind]


def labels(resource: Resource) -> dict[str, str]:
    return {item["label"]: item["value"] for item in resource.args["labels"]}


def test_a_small_spec_whole() -> None:
    network, volume, database, web = compile_spec(small(), "pw")
    assert (network.name, network.args["name"]) == ("pw_shop_production", "pw_shop_production")
    assert (volume.name, volume.retain) == ("pw_shop_production_db_data", True)
    assert (database.delete_first, web.delete_first) == (True, False)
    assert web.depends_on == ("pw_shop_production", "pw_shop_production_db")
    assert web.args["envs"] == [
        "COLOR=teal",
        SecretEnv("PASSWORD", SecretVersion(secret="db_password", version=2)),
        "PORT=8000",
        "PORTWRIGHT_ENVIRONMENT=production",
        "PORTWRIGHT_PROJECT=shop",
        "PORTWRIGHT_RELEASE=3",
        "PORTWRIGHT_SERVICE=web",
    ]
    router = "pw_shop_production_web_g7"
    assert labels(web) == {
        "portwright.instance": "pw",
        "portwright.project": "shop",
        "portwright.environment": "production",
        "portwright.service": "web",
        "portwright.generation": "7",
        "traefik.enable": "true",
        "traefik.docker.network": "pw_shop_production",
        f"traefik.http.routers.{router}.rule": "Host(`web.shop.localhost`)",
        f"traefik.http.routers.{router}.entrypoints": "web",
        f"traefik.http.routers.{router}.priority": "1007",
        f"traefik.http.routers.{router}.service": router,
        f"traefik.http.services.{router}.loadbalancer.server.port": "8000",
    }
    assert (web.args["restart"], web.args["log_driver"]) == ("unless-stopped", "local")
    assert "wait" not in web.args and database.args["wait"] is True


@given(specs())
def test_compile_is_pure(spec: Spec) -> None:
    again = Spec.model_validate(json.loads(json.dumps(spec.to_json())))
    shuffled = spec.model_copy(update={"services": dict(reversed(spec.services.items()))})
    assert compile_spec(spec, "pw") == compile_spec(again, "pw") == compile_spec(shuffled, "pw")


@given(specs())
def test_names_are_unique_and_valid(spec: Spec) -> None:
    resources = compile_spec(spec, "pw")
    found = [(resource.kind, resource.name) for resource in resources]
    assert len(set(found)) == len(found)
    assert all(DOCKER_NAME.fullmatch(name) and len(name) < 240 for _, name in found)


@given(specs())
def test_each_resource_comes_after_what_it_needs(spec: Spec) -> None:
    seen: set[str] = set()
    for resource in compile_spec(spec, "pw"):
        assert set(resource.depends_on) <= seen
        seen.add(resource.name)


@given(specs())
def test_volumes_are_kept_and_have_one_writer(spec: Spec) -> None:
    resources = compile_spec(spec, "pw")
    assert all(volume.retain for volume in by_kind(resources, "Volume"))
    for container in by_kind(resources, "Container"):
        held = bool(container.args.get("volumes") or container.args.get("ports"))
        assert container.delete_first == held


@given(specs())
def test_nothing_gives_power_over_the_host(spec: Spec) -> None:
    for container in by_kind(compile_spec(spec, "pw"), "Container"):
        forbidden = {"privileged", "capabilities", "devices", "network_mode", "pid_mode", "ipc_mode",
                     "mounts", "userns_mode", "security_opts"}  # fmt: skip
        assert not forbidden & container.args.keys()
        for mount in container.args.get("volumes", []):
            assert set(mount) == {"volume_name", "container_path"}


@given(specs())
def test_foreign_text_reaches_neither_rules_nor_names_nor_a_shell(spec: Spec) -> None:
    for container in by_kind(compile_spec(spec, "pw"), "Container"):
        for label, value in labels(container).items():
            assert NASTY not in label and NASTY not in value
            if label.endswith(".rule"):
                assert RULE.fullmatch(value)
        tests = container.args.get("healthcheck", {}).get("tests", [])
        if tests[1:3] == ["/bin/sh", "-c"]:
            assert NASTY not in tests[3]


def test_two_generations_share_no_router() -> None:
    def routers(spec: Spec) -> set[str]:
        containers = by_kind(compile_spec(spec, "pw"), "Container")
        return {
            label for c in containers for label in labels(c) if label.startswith("traefik.http.")
        }

    assert routers(small(generation=7)).isdisjoint(routers(small(generation=8)))


def test_replicas_are_named_and_share_a_router() -> None:
    containers = [r for r in compile_spec(small(replicas=3), "pw") if r.service == "web"]
    assert [c.name for c in containers] == [f"pw_shop_production_web{x}" for x in ("", "_2", "_3")]
    assert len({c.router for c in containers}) == 1


@pytest.mark.parametrize(
    ("written", "printed"),
    [("0ms", "0s"), ("0s", "0s"), ("500ms", "500ms"), ("1000ms", "1s"), ("1500ms", "1.5s"),
     ("2s", "2s"), ("59s", "59s"), ("60s", "1m0s"), ("90s", "1m30s"), ("1m", "1m0s"),
     ("60m", "1h0m0s"), ("61m", "1h1m0s"), ("3661s", "1h1m1s")],
)  # fmt: skip
def test_durations_are_written_as_go_prints_them(written: str, printed: str) -> None:
    assert go_duration(written) == printed


def test_patience_covers_every_try() -> None:
    check = Healthcheck(tcp=True, interval="2s", timeout="5s", retries=3, start_period="10s")
    assert patience(check) == 10 + 3 * (2 + 5) + 10


@pytest.mark.parametrize(
    ("check", "tail"),
    [
        (Healthcheck(http="/up?x=1"), ["probe", "http://127.0.0.1:8000/up?x=1"]),
        (Healthcheck(tcp=True), ["probe", "8000"]),
    ],
)
def test_probes_take_their_subject_as_an_argument(check: Healthcheck, tail: list[str]) -> None:
    web = next(r for r in compile_spec(small(healthcheck=check), "pw") if r.service == "web")
    tests: list[Any] = web.args["healthcheck"]["tests"]
    assert tests[:3] == ["CMD", "/bin/sh", "-c"] and tests[4:] == tail


def test_names_of_different_projects_never_meet() -> None:
    """A project `shop-production` with a service `db` is not `shop` with `production-db`."""
    one = small()
    database = one.services["db"]
    left = one.model_copy(update={"services": {"production-db": database}})
    right = one.model_copy(update={"project": "shop-production", "services": {"db": database}})
    names = [{r.args.get("name", r.name) for r in compile_spec(s, "pw")} for s in (left, right)]
    assert names[0].isdisjoint(names[1])
