"""`portwright.yaml`: what is taken, and how each mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stacks.errors import PortwrightError
from stacks.graph import deploy_order
from stacks.parse import MAX_BYTES, load, read

GOOD: dict[str, Any] = {
    "name": "shop",
    "services": {
        "web": {
            "build": ".",
            "port": 8000,
            "healthcheck": {"http": "/health"},
            "depends_on": ["db"],
        },
        "db": {"image": "postgres:15", "volumes": {"data": "/var/lib/data"}},
    },
}


def text(**web: Any) -> str:
    """The good file with fields of the web service changed."""
    services = {**GOOD["services"], "web": {**GOOD["services"]["web"], **web}}
    return yaml.safe_dump({**GOOD, "services": services})


def error(content: str) -> PortwrightError:
    with pytest.raises(PortwrightError) as caught:
        load(content)
    return caught.value


def test_a_good_file_with_its_defaults() -> None:
    found = load(text(env={"PORT": 80, "DEBUG": True, "KEY": {"secret": "api_key"}}))
    web = found.services["web"]
    assert web.build is not None
    assert (web.build.context, web.build.dockerfile, web.replicas, web.drain) == (
        ".", None, 1, "3s",
    )  # fmt: skip
    assert {k: getattr(v, "secret", v) for k, v in web.env.items()} == {
        "PORT": "80",
        "DEBUG": "true",
        "KEY": "api_key",
    }
    assert web.healthcheck is not None
    assert (web.healthcheck.interval, web.healthcheck.retries) == ("2s", 15)


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"port": "eight"}, "services.web.port", "'eight'"),
    ({"port": 70000}, "services.web.port", "70000"),
    ({"privileged": True}, "services.web.privileged", "no known field"),
    ({"volumes": {"data": "../etc"}}, "services.web.volumes.data", "no path for a volume"),
    ({"volumes": {"data": "/"}}, "services.web.volumes.data", "no path for a volume"),
    ({"volumes": {"/etc": "/data"}}, "services.web.volumes./etc", "no usable name"),
    ({"build": "../.."}, "services.web.build.context", "no path inside the repository"),
    ({"build": "-f/etc/passwd"}, "services.web.build.context", "no path inside the repository"),
    ({"build": None, "image": "Bad Name"}, "services.web.image", "not a valid image name"),
    ({"build": None, "image": "--privileged"}, "services.web.image", "not a valid image name"),
    ({"build": None, "image": "sha256:" + "a" * 64}, "services.web.image", "an image ID"),
    ({"image": "postgres:15"}, "services.web", "needs one source"),
    ({"domains": ["a.com`) || Host(`b.com"]}, "services.web.domains.0.host", "no host name"),
    ({"env": {"BAD KEY": "x"}}, "services.web.env.BAD KEY", "no usable variable name"),
    ({"env": {"KEY": "a\0b"}}, "services.web.env.KEY", "can't be used"),
    ({"healthcheck": {}}, "services.web.healthcheck", "needs one way to check"),
    ({"healthcheck": {"http": "/';reboot"}}, "services.web.healthcheck.http", "no path"),
    ({"healthcheck": {"http": "/", "interval": "soon"}}, "services.web.healthcheck.interval", "no duration"),
    ({"depends_on": ["cache"]}, "", "services.web.depends_on: there is no service 'cache'"),
    ({"replicas": 2, "volumes": {"d": "/d"}}, "services.web", "can't have several replicas"),
]  # fmt: skip


@pytest.mark.parametrize(("web", "path", "message"), CASES)
def test_each_mistake_is_told_with_path_and_remedy(
    web: dict[str, Any], path: str, message: str
) -> None:
    found = error(text(**web))
    assert found.path == f"portwright.yaml: {path}".removesuffix(": ")
    assert message in found.message
    assert found.remedy


def test_every_mistake_is_told_at_once() -> None:
    found = error(text(port="eight", replicas=99, colour="red"))
    told = f"{found}"
    assert all(name in told for name in ("services.web.port", "replicas", "colour"))


def test_a_circle_shows_its_path() -> None:
    content = {
        "name": "shop",
        "services": {
            "a": {"image": "x", "depends_on": ["b"]},
            "b": {"image": "x", "depends_on": ["c"]},
            "c": {"image": "x", "depends_on": ["a"]},
        },
    }
    found = error(yaml.safe_dump(content))
    assert "a → b → c → a" in found.message


def test_order_puts_what_is_needed_first() -> None:
    assert deploy_order({"a": ["c"], "b": ["a"], "c": []}) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b", "holds no mapping"),
        ("", "holds no mapping"),
        ("name: [", "expected the node content"),
        ("name: a\nname: b\nservices: {}", "'name' stands twice"),
        ("name: !!python/object/apply:os.system [reboot]", "could not determine a constructor"),
        ("#" * (MAX_BYTES + 1), "is larger than"),
        ("a: " + "[" * 3000, ""),
    ],
)
def test_what_is_no_project_file(content: str, message: str) -> None:
    found = error(content)
    assert message in found.message and found.path.startswith("portwright.yaml")


def test_an_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "more than" in error("\n".join(lines)).message


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(text())
    (tmp_path / "portwright.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(PortwrightError, match="is not in the repository"):
        read(tmp_path)


def test_a_missing_file_says_what_to_commit(tmp_path: Path) -> None:
    with pytest.raises(PortwrightError) as caught:
        read(tmp_path)
    assert "commit a file portwright.yaml" in caught.value.remedy


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.text(max_size=300))
def test_any_text_is_a_file_or_a_plain_error(content: str) -> None:
    try:
        load(content)
    except PortwrightError as found:
        assert found.path.startswith("portwright.yaml") and found.remedy


@given(st.dictionaries(st.sampled_from(["image", "build", "env", "port", "healthcheck", "volumes",
                                        "domains", "command", "depends_on", "drain", "x"]), trees))  # fmt: skip
def test_any_service_is_taken_or_a_plain_error(service: dict[str, Any]) -> None:
    try:
        load(yaml.safe_dump({"name": "shop", "services": {"web": service}}))
    except PortwrightError as found:
        assert found.path.startswith("portwright.yaml") and found.remedy
