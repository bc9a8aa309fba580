"""What a host is for: all of Portwright, or a node that another host's portal deploys to."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision import code_archive
from provision.bootstrap import AFTER_NODE, HOST_ONLY, NODE_ONLY, STEPS, after, steps_for
from provision.inventory import CHECKOUT, ROLES, find
from provision.target import parse
from stacks.errors import PortwrightError

TARGET = {"PORTWRIGHT_TARGET": "root@203.0.113.7:22"}


def found(tmp_path: Path, entry: str, **env: str) -> tuple[str, str]:
    """Its role, and the Python that runs Portwright's code there."""
    (tmp_path / "hosts.py").write_text(f"hosts = {{'203.0.113.7': {entry}}}\n")
    given = {**TARGET, "PORTWRIGHT_INVENTORY": str(tmp_path / "hosts.py"), **env}
    data = find(given).data
    return data["role"], Path(data["python"]).name


def test_a_node_has_python_packages_only_for_https_and_fewer_than_a_host(tmp_path: Path) -> None:
    https = "{'settings': {'HTTPS_PORT': 443}}"
    assert found(tmp_path, https, PORTWRIGHT_ROLE="node") == ("node", "python")
    given = {**TARGET, "PORTWRIGHT_INVENTORY": str(tmp_path / "hosts.py")}
    host, node = (find({**given, "PORTWRIGHT_ROLE": role}).data["python"] for role in ROLES)
    assert host != node and Path(host).parts[:3] == Path(node).parts[:3]
    told = code_archive.of_node(code_archive.describe(CHECKOUT).requirements)
    assert [line.partition("==")[0] for line in told.splitlines()] == sorted(
        code_archive.ON_NODES, reverse=True
    )


def test_only_a_node_has_a_step_for_certificates() -> None:
    host, node = (steps_for(role) for role in ROLES)
    assert host == STEPS and set(node) - set(host) == set(NODE_ONLY) == {"certificates"}
    assert not set(node) & set(HOST_ONLY)


def test_a_host_is_all_of_it_unless_something_else_is_said(tmp_path: Path) -> None:
    assert found(tmp_path, "{}") == ("host", "python")
    assert found(tmp_path, "{'role': 'node'}") == ("node", "python3")
    assert found(tmp_path, "{}", PORTWRIGHT_ROLE="node") == ("node", "python3")
    assert found(tmp_path, "{'role': 'node'}", PORTWRIGHT_ROLE="host") == ("host", "python")


def test_a_role_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError, match="'boss' is no role of a host") as caught:
        found(tmp_path, "{'role': 'boss'}")
    assert caught.value.path == "role" and "host or node" in caught.value.remedy


@pytest.mark.parametrize(
    ("entry", "message", "remedy"),
    [
        ("{'open_tpc': [25]}", "inventory.203.0.113.7: 'open_tpc' is nothing", "write 'open_tcp'"),
        ("{'settings': {'DATABSE': 'sqlite'}}", "inventory.settings: 'DATABSE'", "'DATABASE'"),
        ("{'zzz': 1}", "'zzz' is nothing that can be said", "use one of docker_"),
        ("{", "hosts.py can't be read: SyntaxError", "correct it"),
    ],
)
def test_a_word_that_nothing_reads_is_refused(
    tmp_path: Path, entry: str, message: str, remedy: str
) -> None:
    with pytest.raises(PortwrightError) as caught:
        found(tmp_path, entry)
    assert message in str(caught.value) and remedy in caught.value.remedy


def test_a_node_is_told_how_it_is_added() -> None:
    assert set(HOST_ONLY) < set(STEPS)
    node = parse("root@[2001:db8::7]:2222")
    assert "hosts add NAME ssh://root@[2001:db8::7]:2222" in after("apply", "node", node)
    assert after("apply", "host", node) != AFTER_NODE and "8700" in after("apply", "host", node)
    assert after("uninstall", "node", node) == after("uninstall", "host", node)
