"""The built provider takes exactly the inputs that the pulumi-docker package sends.

Both sides are brought to one shape and compared whole:

    type    "string" | "boolean" | "integer" | "number" | ("list", type) | ("map", type) | object
    object  {pulumi name: ("required" | "optional", type)} together with the type's name
"""

import inspect
import io
import json
import os
import re
import subprocess
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi_docker
import pytest
from pulumi import _types

from toolchain.cache import Cache, default_root
from toolchain.catalog import CATALOG
from toolchain.install import Installer, Places
from toolchain.progress import Progress
from toolchain.release import Releases

pytestmark = pytest.mark.system

RESOURCES = (
    "Container",
    "Network",
    "Plugin",
    "RegistryImage",
    "RemoteImage",
    "Secret",
    "Service",
    "ServiceConfig",
    "Tag",
    "Volume",
)
PRIMITIVES = {str: "string", bool: "boolean", int: "integer", float: "number"}
Shape = Any


def python_object(args: type) -> Shape:
    """The shape of a `*Args` class: names from its getters, required-ness from its constructor."""
    parameters = inspect.signature(args).parameters
    python_names = {
        there: here for here, there in _types.input_type_py_to_pulumi_names(args).items()
    }
    fields = {}
    for name, hint in _types.input_type_types(args).items():
        required = parameters[python_names[name]].default is inspect.Parameter.empty
        fields[name] = ("required" if required else "optional", python_type(hint))
    assert set(fields) == set(python_names)
    return fields


def python_type(hint: Any) -> Shape:
    hint = _types.unwrap_type(hint)
    if hint in PRIMITIVES:
        return PRIMITIVES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is not None and issubclass(origin, Mapping):
        return ("map", python_type(arguments[1]))
    if origin is not None and issubclass(origin, Sequence):
        return ("list", python_type(arguments[0]))
    return (hint.__name__.removesuffix("Args"), python_object(hint))


def schema_object(schema: dict[str, Any], properties: dict[str, Any], required: list[str]) -> Shape:
    return {
        name: ("required" if name in required else "optional", schema_type(schema, spec))
        for name, spec in properties.items()
    }


def schema_type(schema: dict[str, Any], spec: dict[str, Any]) -> Shape:
    if "$ref" in spec:
        token = spec["$ref"].removeprefix("#/types/")
        found = schema["types"][token]
        name = re.split(r"[:/]", token)[-1]
        return (name, schema_object(schema, found["properties"], found.get("required", [])))
    if spec["type"] == "array":
        return ("list", schema_type(schema, spec["items"]))
    if spec["type"] == "object":
        return ("map", schema_type(schema, spec.get("additionalProperties", {"type": "string"})))
    return spec["type"]


def obtain(name: str) -> Path:
    installer = Installer(Cache(default_root()), Releases(), Progress(io.StringIO()))
    return installer.obtain(CATALOG[name], "auto")


def run_pulumi(home: Path, *arguments: str) -> Any:
    environ = os.environ | {"PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    argv = [str(obtain("pulumi")), *arguments]
    return json.loads(subprocess.run(argv, env=environ, capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("home")
    return run_pulumi(home, "package", "get-schema", str(obtain("docker-provider")))


def test_the_provider_has_the_ten_resources(schema: Any) -> None:
    tokens = {f"docker:index/{name[0].lower()}{name[1:]}:{name}" for name in RESOURCES}
    assert set(schema["resources"]) == tokens
    assert schema["version"] == CATALOG["docker-provider"].version


@pytest.mark.parametrize("name", RESOURCES)
def test_the_inputs_are_those_of_the_package(schema: Any, name: str) -> None:
    resource = schema["resources"][f"docker:index/{name[0].lower()}{name[1:]}:{name}"]
    found = schema_object(schema, resource["inputProperties"], resource.get("requiredInputs", []))

    assert found == python_object(getattr(pulumi_docker, f"{name}Args"))


def test_pulumi_sees_the_installed_plugin(tmp_path: Path) -> None:
    provider = CATALOG["docker-provider"]
    installer = Installer(Cache(default_root()), Releases(), Progress(io.StringIO()))
    installer.install(provider, "auto", Places(plugins=tmp_path))

    (plugin,) = run_pulumi(tmp_path, "plugin", "ls", "--json")

    assert (plugin["name"], plugin["kind"], plugin["version"]) == ("docker", "resource", "5.2.0")


@pytest.mark.parametrize(
    ("name", "argument", "said"),
    [("pulumi", "version", "v3.259.0"), ("traefik", "version", "Version:      3.6.12")],
)
def test_a_binary_says_its_version(name: str, argument: str, said: str) -> None:
    answer = subprocess.run([obtain(name), argument], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[0] == said
