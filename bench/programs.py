"""The same resources for the others: a Pulumi YAML program and a Compose file. Pure."""

from __future__ import annotations

import re
from typing import Any

from stacks.compile import Resource, SecretEnv
from stacks.program import Secrets, opened


def pulumi_program(resources: tuple[Resource, ...], secrets: Secrets) -> dict[str, Any]:
    """Pulumi.yaml that makes just what the engine would. Nothing is retained on destroy."""
    ids = {resource.name: f"r{index}" for index, resource in enumerate(resources)}
    return {
        "name": "raw",
        "runtime": "yaml",
        "resources": {
            ids[resource.name]: {
                "type": f"docker:{resource.kind}",
                "properties": camel(plain(resource.args, secrets)),
                "options": {"dependsOn": [f"${{{ids[name]}}}" for name in resource.depends_on]},
            }
            for resource in resources
        },
    }


def compose_file(resources: tuple[Resource, ...], secrets: Secrets) -> dict[str, Any]:
    """compose.yaml of the same containers, volumes, network, labels and healthchecks."""
    services = {}
    containers = [resource for resource in resources if resource.kind == "Container"]
    by_name = {resource.name: resource for resource in containers}
    for resource in containers:
        args = plain(resource.args, secrets)
        service: dict[str, Any] = {
            "image": args["image"],
            "environment": [text.replace("$", "$$") for text in args["envs"]],
            "labels": {item["label"]: item["value"] for item in args["labels"]},
            "restart": args["restart"],
            "logging": {"driver": args["log_driver"], "options": args["log_opts"]},
            "volumes": [
                f"{mount['volume_name']}:{mount['container_path']}"
                for mount in args.get("volumes", [])
            ],
            "depends_on": {
                by_name[name].service: {
                    "condition": "service_healthy"
                    if "healthcheck" in by_name[name].args
                    else "service_started"
                }
                for name in resource.depends_on
                if name in by_name
            },
        }
        if "command" in args:
            service["command"] = [text.replace("$", "$$") for text in args["command"]]
        if "healthcheck" in args:
            check = args["healthcheck"]
            service["healthcheck"] = {
                "test": [text.replace("$", "$$") for text in check["tests"]],
                **{key: check[key] for key in ("interval", "timeout", "retries", "start_period")},
            }
        services[resource.service] = service
    volumes = {r.args["name"]: {"name": r.args["name"]} for r in resources if r.kind == "Volume"}
    return {"services": services, "volumes": volumes}


def plain(args: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    envs = [
        opened(item, secrets) if isinstance(item, SecretEnv) else item
        for item in args.get("envs", [])
    ]
    return {**args, "envs": envs} if envs else args


def camel(value: Any, *, keys: bool = True) -> Any:
    """Property names as the provider has them; the keys of maps of text stay."""
    if isinstance(value, dict):
        return {
            re.sub(r"_(.)", lambda found: found[1].upper(), key) if keys else key: camel(
                item, keys=key != "log_opts"
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [camel(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
