"""Interpolation, containment and hostile Compose files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stacks.compose.importer import convert
from stacks.compose.interpolate import interpolate
from stacks.compose.values import Port, duration, memory, ports
from stacks.errors import PortwrightError
from stacks.parse import load

VALUES = {"A": "one", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "one"), ("${A}", "one"), ("x${A}y$$z", "xoney$z"), ("$$A", "$A"),
        ("${B-d}", "d"), ("${B:-d}", "d"), ("${EMPTY-d}", ""), ("${EMPTY:-d}", "d"),
        ("${A+x}", "x"), ("${B+x}", ""), ("${EMPTY:+x}", ""), ("${EMPTY+x}", "x"),
        ("${B:-${A:-z}}", "one"), ("${B:-${C:-deep}}", "deep"), ("${B:-a b/c:d}", "a b/c:d"),
        ("${A:?needed}", "one"), ("${B:-}", ""), ("$B", ""),
    ],
)  # fmt: skip
def test_interpolation(text: str, value: str) -> None:
    assert interpolate(text, VALUES, lambda _: None) == value


@pytest.mark.parametrize("text", ["$", "${", "${}", "${A", "${A!b}", "$-", "${1}", "a $ b"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(PortwrightError):
        interpolate(text, VALUES, lambda _: None)


@given(st.text(max_size=40))
def test_any_text_can_be_written_with_doubled_dollars(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}, lambda _: None) == text


@given(st.text(alphabet="${}AB:-?+x ", max_size=25))
def test_any_reference_ends_in_a_text_or_in_a_clear_error(text: str) -> None:
    try:
        assert isinstance(interpolate(text, VALUES, lambda _: None), str)
    except PortwrightError as error:
        assert error.remedy


@pytest.mark.parametrize(
    ("text", "ours"),
    [("1m30s", "90s"), ("500ms", "500ms"), ("1.5s", "1500ms"), ("1h", "3600s"), ("x", None), ("5", None)],
)  # fmt: skip
def test_durations(text: str, ours: str | None) -> None:
    assert duration(text) == ours


@pytest.mark.parametrize(
    ("text", "ours"),
    [("1.5g", "1536M"), ("64m", "64M"), ("1024k", "6M"), ("268435456", "256M"), ("1GB", "1024M"), ("lots", None)],
)  # fmt: skip
def test_sizes(text: str, ours: str | None) -> None:
    assert memory(text) == ours


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("80", [Port(80)]), ("8080:80", [Port(80, 8080)]), ("127.0.0.1:1:2/udp", [Port(2, 1, "127.0.0.1", "udp")]),
        ("127.0.0.1::80", [Port(80, None, "127.0.0.1")]), ("3000-3001:4000-4001", [Port(4000, 3000), Port(4001, 3001)]),
        (3000, [Port(3000)]), ({"target": 80, "published": "8080"}, [Port(80, 8080)]),
        ("1-2:3", None), ("0:80", None), ("99999", None), ("1-900", None), ("a:b", None),
    ],
)  # fmt: skip
def test_ports(item: Any, found: list[Port] | None) -> None:
    assert ports(item) == found


def write(folder: Path, content: str, name: str = "compose.yaml") -> Path:
    path = folder / name
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "services: {a: {extends: {file: ../other.yaml, service: x}}}",
        "services: {a: {extends: {file: /etc/passwd, service: x}}}",
        "include: [../other.yaml]\nservices: {a: {image: x}}",
        "services: {a: {extends: b}, b: {extends: a}}",
        "services: {a: {extends: gone}}",
        "services: [1]", "- 1", "services: {a: {image: x}}\n---\nservices: {}", "a: [", "services: {}",
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]",
        "!!python/object/apply:os.system [reboot]",
    ],
)  # fmt: skip
def test_hostile_files_are_refused_with_a_remedy(tmp_path: Path, content: str) -> None:
    write(tmp_path, "services: {x: {image: secret}}", "other.yaml")
    (tmp_path / "in").mkdir()
    with pytest.raises(PortwrightError) as caught:
        convert(write(tmp_path / "in", content))
    assert caught.value.remedy and "secret" not in str(caught.value)


def test_an_env_file_outside_is_refused_and_a_link_is_outside_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path, "KEY=outside", "out.env")
    (tmp_path / "in/link.env").symlink_to("../out.env")
    found = convert(
        write(tmp_path / "in", "services: {a: {image: x, env_file: [../out.env, link.env]}}")
    )
    assert len(found.refused) == 2 and "outside" not in found.text


keys = st.sampled_from(
    ["image", "build", "command", "ports", "volumes", "environment", "depends_on", "healthcheck",
     "restart", "deploy", "labels", "logging", "tmpfs", "user", "mem_limit", "privileged", "scale"]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-1, 99999) | st.text(max_size=12)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(keys, trees, max_size=6))
def test_any_service_gives_a_valid_file_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, service: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("any") / "compose.yaml"
    path.write_text(yaml.safe_dump({"services": {"a": service, "b": {"image": "x"}}}))
    try:
        assert load(convert(path, name="any").text).services
    except PortwrightError as error:
        assert error.remedy
