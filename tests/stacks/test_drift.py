"""What an inspected container tells against what was applied."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from specs import small

from stacks.compile import compile_spec
from stacks.drift import Finding, compare, drifted
from stacks.plan import MASK
from stacks.service_file import Amount, Resources

SECRETS = {("db_password", 2): "canary"}
LIMITS = Resources(limits=Amount(memory="64M", cpu=0.5, pids=20))
RESOURCES = compile_spec(small(resources=LIMITS), "pw")
WEB = next(resource for resource in RESOURCES if resource.service == "web")
DEFAULT: dict[str, Any] = {
    "Env": {"PATH": "/bin"},
    "Labels": {"made-by": "image"},
    "Cmd": ["run"],
    "User": "",
}


def inspected() -> dict[str, Any]:
    """As Docker tells of a container that was just made from WEB."""
    plain = [item for item in WEB.args["envs"] if isinstance(item, str)]
    labels = {item["label"]: item["value"] for item in WEB.args["labels"]}
    return {
        "Image": WEB.args["image"],
        "Config": {
            "Env": ["PATH=/bin", "PASSWORD=canary", *plain],
            "Labels": {**labels, "made-by": "image"},
            "Cmd": ["run"],
        },
        "HostConfig": {
            "RestartPolicy": {"Name": "unless-stopped"},
            "Memory": 64 * 2**20,
            "NanoCpus": 500_000_000,
            "PidsLimit": 20,
        },
        "Mounts": [{"Type": "volume", "Name": "f" * 64, "Destination": "/cache"}],
        "NetworkSettings": {"Networks": {"pw_shop_production": {}}},
    }


def test_what_was_applied_is_no_drift() -> None:
    assert compare(WEB, inspected(), SECRETS, DEFAULT) == ()


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        (("Image",), "sha256:9", "image"),
        (("Config", "Cmd"), ["sh"], "command"),
        (("Config", "Labels"), {}, "label made-by"),
        (("HostConfig", "Memory"), 0, "memory"),
        (("HostConfig", "NanoCpus"), 1, "cpu"),
        (("HostConfig", "PidsLimit"), None, "pids"),
        (("HostConfig", "RestartPolicy"), {"Name": "always"}, "restart"),
        (("HostConfig", "Privileged"), True, "privileged"),
        (("Config", "User"), "root", "user"),
        (("Mounts",), [{"Type": "bind", "Source": "/", "Destination": "/host"}], "mounts"),
        (("NetworkSettings", "Networks"), {"bridge": {}}, "networks"),
        (("Config", "Env"), ["PATH=/evil"], "env.PATH"),
    ],
)  # fmt: skip
def test_each_property(place: tuple[str, ...], value: Any, path: str) -> None:
    attrs = copy.deepcopy(inspected())
    inner = attrs
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert f"on the host: {path}" in [c.path for c in compare(WEB, attrs, SECRETS, DEFAULT)]


def test_a_secret_that_differs_is_told_without_either_value() -> None:
    attrs = inspected()
    attrs["Config"]["Env"][1] = "PASSWORD=bird"
    (change,) = compare(WEB, attrs, SECRETS, DEFAULT)
    assert (change.path, change.before, change.after) == ("on the host: env.PASSWORD", MASK, MASK)
    assert change.secret


def test_without_its_network_everything_is_replaced_and_a_stranger_replaces_nothing() -> None:
    gone = Finding("gone", "Network", "pw_shop_production")
    assert drifted([gone], RESOURCES) == {"web", "db"}
    assert drifted([Finding("unknown", "Container", "x", "web")], RESOURCES) == set()
    assert drifted([Finding("stopped", "Container", "x", "db")], RESOURCES) == {"db"}
