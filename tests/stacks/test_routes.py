"""Labels for hosts that the world reaches: the same whatever the host's settings, and none changed
within a generation."""

from __future__ import annotations

from hypothesis import given
from specs import small, specs

from stacks.compile import Resource, compile_spec
from stacks.routes import is_local
from stacks.spec import Route, Spec, number

ROUTES = [
    Route(host="web.shop.localhost"),
    Route(host="shop.example.com"),
    Route(host="shop.example.com", path="/api", strip=True),
    Route(host="www.example.com", redirect="shop.example.com"),
]
R = "traefik.http.routers.pw_shop_production_web_g7"


def labels(spec: Spec, service: str = "web") -> dict[str, str]:
    found: list[Resource] = [r for r in compile_spec(spec, "pw") if r.service == service]
    return {item["label"]: item["value"] for item in found[-1].args["labels"]}


def routers(spec: Spec) -> dict[str, str]:
    return {key: value for key, value in labels(spec).items() if ".routers." in key}


def test_a_generation_from_before_https_keeps_its_labels() -> None:
    new = small(routes=ROUTES, tls=True)
    old = Spec.model_validate(
        {
            **new.to_json(),
            "services": {
                name: {key: value for key, value in service.items() if key != "tls"}
                for name, service in new.to_json()["services"].items()
            },
        }
    )
    assert routers(old) == {key: value for key, value in routers(new).items() if "_tls." not in key}


def test_outside_hosts_have_each_router_once_more_on_every_entry_point() -> None:
    found = routers(small(routes=ROUTES, tls=True))
    assert {key.removeprefix(R): value for key, value in found.items() if "_tls." in key} == {
        "_tls.rule": "Host(`shop.example.com`)",
        "_tls.priority": "1007",
        "_tls.service": "pw_shop_production_web_g7",
        "_r1_tls.rule": "(Host(`shop.example.com`) && (Path(`/api`) || PathPrefix(`/api/`)))",
        "_r1_tls.priority": "4000001007",
        "_r1_tls.service": "pw_shop_production_web_g7",
        "_r1_tls.middlewares": "pw_shop_production_web_g7_r1",
        "_r2_tls.rule": "Host(`www.example.com`)",
        "_r2_tls.priority": "1007",
        "_r2_tls.service": "pw_shop_production_web_g7",
        "_r2_tls.middlewares": "pw_shop_production_web_g7_r2",
    }


def test_a_service_of_this_machine_alone_has_the_labels_it_always_had() -> None:
    assert labels(small(tls=True)) == labels(small(tls=False))


@given(specs())
def test_nothing_of_localhost_is_on_the_entry_point_for_tls(spec: Spec) -> None:
    numbered = number(spec, None, release=1, generation=1)
    for resource in compile_spec(numbered, "pw"):
        for item in resource.args.get("labels", []):
            if item["label"].endswith("_tls.rule"):
                assert "localhost" not in item["value"]
            if ".routers." in item["label"] and item["label"].endswith("entrypoints"):
                assert item["value"] == "web"


def test_what_gets_a_new_generation_gets_https_and_nothing_else_does() -> None:
    before = small(routes=ROUTES)
    assert number(before, before, release=2, generation=9).services["web"].tls is False
    drifted = number(before, before, release=2, generation=9, drifted={"web"})
    assert drifted.services["web"].tls is True
    assert number(before, None, release=1, generation=1).services["web"].tls is True
    changed = number(small(routes=ROUTES, port=9), before, release=2, generation=9)
    assert changed.services["web"].tls is True
    again = number(small(routes=ROUTES, port=9), changed, release=3, generation=10)
    assert again.services["web"] == changed.services["web"]


def test_names_of_this_machine() -> None:
    names = ("localhost", "a.localhost", "alocalhost", "a.example.com", "localhost.example.com")
    assert [is_local(name) for name in names] == [True, True, False, False, False]
