"""HTTPS on a node: turned on, a name that fails and comes right, and off again. Each test goes on
from the one before, and the first from a project that is deployed there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from issuer import Issuer, issuer
from nodes import PATIENCE, Field, bootstrap
from processes import until

HOST = "shop.example.com"
NOBODY = "127.0.0.9"
UNIT = "portwright-certificates"


@pytest.fixture(scope="module")
def world(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with issuer(field.node, tmp_path_factory.mktemp("issuer")) as made:
        yield made


def stage(field: Field, wanted: str) -> dict[str, object]:
    """Wait until the portal says so of the name; what else it says."""
    until(lambda: field.domain(HOST)["stage"] == wanted, 2 * PATIENCE, 1)
    return field.domain(HOST)


def test_without_https_the_portal_says_how_a_nodes_is_turned_on(field: Field) -> None:
    run = field.deploy(20, HOST)
    assert run.state == "succeeded", field.shop.log(run.id)
    told = stage(field, "off")
    assert told["url"] == f"http://{HOST}" and "--role node" in str(told["words"])


def test_a_setting_makes_a_node_keep_certificates_of_its_own(field: Field, world: Issuer) -> None:
    world.dns.tell("add-a", host=HOST, addresses=[NOBODY])
    node = field.node
    made = bootstrap(node, "apply", "--yes", "--role", "node", **world.settings)
    assert made.code == 0, made.output
    again = bootstrap(node, "apply", "--yes", "--role", "node", **world.settings)
    assert again.code == 0 and "Nothing changed" in again.output, again.output
    assert node.ssh(f"systemctl is-active {UNIT} portwright-traefik").split() == ["active"] * 2
    assert node.ssh("ls /var/lib/portwright/keys") == "secret-key"
    drift = bootstrap(node, "drift", "--role", "node", **world.settings)
    assert "Everything that the code says is so." in drift.output
    told = [line.split()[0] for line in drift.output.splitlines() if line.startswith("  ")]
    assert told == ["key"]  # the portal's own, which its owner put there


def test_a_wrong_record_is_told_with_its_remedy_and_costs_the_issuer_nothing(
    field: Field, world: Issuer
) -> None:
    told = stage(field, "failing")
    failure = told["failure"]
    assert isinstance(failure, dict) and failure["problem"] == "connection", told
    assert f"{NOBODY}:80" in failure["cause"] and "port 80" in failure["remedy"]
    assert (world.production.issued(), field.served()) == (0, "20")


def test_somebody_asks_for_another_attempt_and_visitors_are_sent_to_https(
    field: Field, world: Issuer
) -> None:
    field.node.outside("sh", "-c", f"echo {field.node.address} {HOST} >>/etc/hosts")
    world.dns.tell("clear-a", host=HOST)
    field.again(HOST)
    told = stage(field, "issued")
    assert (told["url"], told["failure"]) == (f"https://{HOST}", None)
    until(lambda: world.get(HOST, "/", secure=False).status_code == 302)
    moved = world.get(HOST, "/env?NUMBER", secure=False)
    assert moved.headers["Location"] == f"https://{HOST}/env?NUMBER"
    assert world.get(HOST, "/env?NUMBER", secure=True).text == "20"
    assert (world.staging.issued(), world.production.issued()) == (1, 1)
    shown = field.platform.api("/projects/shop")["project"]["urls"]
    assert f"https://{HOST}" in shown and field.served() == "20"
    until(lambda: (field.domain(HOST)["reach"] or {}).get("here"), 2 * PATIENCE, 1)


def test_it_outlives_the_engine_and_a_next_release(field: Field, world: Issuer) -> None:
    node = field.node
    before = node.ssh(f"systemctl show --property=MainPID --value {UNIT}")
    node.ssh("systemctl restart docker")
    run = field.deploy(21, HOST)
    assert run.state == "succeeded", field.shop.log(run.id)
    assert world.get(HOST, "/env?NUMBER", secure=True).text == "21"
    assert node.ssh(f"systemctl show --property=MainPID --value {UNIT}") == before
    assert stage(field, "issued")["url"] == f"https://{HOST}"


def test_where_it_is_turned_off_nobody_is_sent_to_https_any_more(field: Field) -> None:
    made = bootstrap(field.node, "apply", "--yes", "--role", "node")
    assert made.code == 0, made.output
    units = field.node.ssh("ls /etc/systemd/system | grep ^portwright-")
    names = ("firewall", "guard", "traefik")
    assert units.split() == [f"portwright-{name}.service" for name in names]
    assert stage(field, "off")["url"] == f"http://{HOST}"
    assert field.served() == "21"
