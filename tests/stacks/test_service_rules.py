"""The whole file's rules: each refusal names the field and what to do."""

from __future__ import annotations

import pytest
import specs

from stacks.errors import PortwrightError
from stacks.graph import layers
from stacks.parse import load
from stacks.picture import picture
from stacks.spec import Need


@pytest.mark.parametrize(
    ("web", "path", "message"),
    [
        ("static: site, port: 80", "web", "is static files"),
        ("image: x, resources: {limits: {memory: 1M}}", "limits.memory", "less than a container"),
        ("image: x, resources: {limits: {memory: lots}}", "limits.memory", "no amount of memory"),
        ("image: x, resources: {limits: {memory: 64M}, reservations: {memory: 1G}}", "resources", "more memory than"),
        ("image: x, resources: {reservations: {pids: 5}}", "resources", "no pids"),
        ("image: x, resources: {limits: {cpu: 0}}", "limits.cpu", "greater than"),
        ("image: x, cron: '61 * * * *'", "cron", "no schedule"),
        ("image: x, cron: '* * * * * *'", "cron", "no schedule"),
        ("image: x, cron: '@reboot'", "cron", "no schedule"),
        ("image: x, cron: '0 3 * * *', port: 80", "web", "is a job"),
        ("image: x, restart: 'no', replicas: 2", "web", "several replicas"),
        ("image: x, publish: [{host: 22, container: 22}]", "publish.0.host", "greater than"),
        ("image: x, publish: [{host: 2222, container: 22, address: 10.0.0.1}]", "publish.0.address", "pattern"),
        ("image: x, port: 80, domains: [a.localhost]", "domains.0", "given by Portwright"),
        ("image: x, port: 80, domains: [{host: a.de, strip: true}]", "domains.0", "nothing to strip"),
        ("image: x, port: 80, domains: [{host: a.de, path: '/a`'}]", "domains.0.path", "no path prefix"),
        ("image: x, port: 80, domains: [{host: a.de, redirect: a.de}]", "domains.0", "can't redirect"),
        ("image: x, port: 80, domains: [a.de, a.de]", "", "a.de is web's already"),
        ("image: x, public: false, port: 80, domains: [a.de]", "web", "not public"),
        ("image: x, depends_on: {web: {condition: healthy}}", "", "web → web"),
        ("image: x, depends_on: {db: {condition: completed}}", "", "can't be completed"),
        ("image: x, depends_on: {dbb: {}}", "", "no service 'dbb'"),
        ("image: x, healthcheck: maybe", "healthcheck", "valid dictionary"),
    ],
)  # fmt: skip
def test_refusals(web: str, path: str, message: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        load(f"name: shop\nservices:\n  web: {{{web}}}\n  db: {{image: 'postgres:15'}}\n")
    assert message in f"{caught.value.path} {caught.value.message}"
    assert path in caught.value.path and caught.value.remedy


@pytest.mark.parametrize("name", ["str", "stripe", "secretref"])
def test_a_service_may_have_any_name_and_its_path_is_told(name: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        load(f"name: shop\nservices:\n  {name}: {{image: x, port: x}}\n")
    assert caught.value.path.endswith(f"services.{name}.port")


def test_what_differs_in_an_environment_obeys_the_same_rules() -> None:
    text = (
        "name: a\nservices: {db: {image: x, volumes: {d: /d}}}\n"
        "environments: {staging: {services: {db: {replicas: 2}}}}"
    )
    with pytest.raises(PortwrightError) as caught:
        load(text)
    assert "several replicas" in caught.value.message


def test_short_forms() -> None:
    made = load(
        "name: a\nservices:\n  web: {build: web, port: 80, domains: [a.de], depends_on: [db]}\n"
        "  db: {image: x}\n  job: {image: x, restart: no}\n  site: {static: public}\n"
    ).services
    assert made["web"].build and made["web"].build.context == "web"
    assert made["web"].domains[0].host == "a.de" and "db" in made["web"].depends_on
    assert made["job"].once and made["site"].static and made["site"].static.folder == "public"


def test_what_is_in_one_layer_starts_side_by_side() -> None:
    assert layers({"web": ["db", "cache"], "db": [], "cache": [], "edge": ["web"]}) == {
        "cache": 0, "db": 0, "web": 1, "edge": 2,
    }  # fmt: skip


def test_the_picture_holds_each_service_and_edge_and_no_foreign_markup() -> None:
    follows = {"db": Need(condition="healthy", cascade=True)}
    drawn = picture(specs.small(depends_on=follows, replicas=2))
    assert drawn.count("<rect") == 2 and drawn.count('class="edge cascade"') == 1
    assert "web needs db healthy" in drawn and "2 replicas" in drawn
    assert "<script" not in drawn
