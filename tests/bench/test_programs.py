"""What the others are given is the same as what we make."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import docker
import pytest

from bench.programs import camel, compose_file, pulumi_program
from stacks.compile import Resource, SecretEnv
from stacks.spec import SecretVersion

SECRET = SecretVersion(secret="pw", version=1)
VALUES = {("pw", 1): "s$cret"}
CHECK = {
    "tests": ["CMD", "true"],
    "interval": "1s",
    "timeout": "5s",
    "start_period": "0s",
    "retries": 3,
}
RESOURCES = (
    Resource("Network", "net", "", {"name": "net"}, {}),
    Resource("Volume", "vol", "db", {"name": "vol"}, {}, retain=True),
    Resource(
        "Container",
        "pw_db",
        "db",
        {
            "image": "sha256:1",
            "envs": ["A=${b}", SecretEnv("PW", SECRET)],
            "labels": [{"label": "l", "value": "v"}],
            "restart": "unless-stopped",
            "log_driver": "local",
            "log_opts": {"max-size": "10m"},
            "volumes": [{"volume_name": "vol", "container_path": "/data"}],
            "healthcheck": CHECK,
        },
        {},
        ("net", "vol"),
    ),
)


def test_the_pulumi_program_whole() -> None:
    assert pulumi_program(RESOURCES, VALUES) == {
        "name": "raw",
        "runtime": "yaml",
        "resources": {
            "r0": {"type": "docker:Network", "properties": {"name": "net"}, "options": {"dependsOn": []}},
            "r1": {"type": "docker:Volume", "properties": {"name": "vol"}, "options": {"dependsOn": []}},
            "r2": {
                "type": "docker:Container",
                "properties": {
                    "image": "sha256:1",
                    "envs": ["A=$${b}", "PW=s$cret"],
                    "labels": [{"label": "l", "value": "v"}],
                    "restart": "unless-stopped",
                    "logDriver": "local",
                    "logOpts": {"max-size": "10m"},
                    "volumes": [{"volumeName": "vol", "containerPath": "/data"}],
                    "healthcheck": {
                        "tests": ["CMD", "true"], "interval": "1s", "timeout": "5s",
                        "startPeriod": "0s", "retries": 3,
                    },
                },
                "options": {"dependsOn": ["${r0}", "${r1}"]},
            },
        },
    }  # fmt: skip


def test_the_compose_file_whole() -> None:
    assert compose_file(RESOURCES, VALUES) == {
        "services": {
            "db": {
                "image": "sha256:1",
                "environment": ["A=$${b}", "PW=s$$cret"],
                "labels": {"l": "v"},
                "restart": "unless-stopped",
                "logging": {"driver": "local", "options": {"max-size": "10m"}},
                "volumes": ["vol:/data"],
                "depends_on": {},
                "healthcheck": {
                    "test": ["CMD", "true"], "interval": "1s", "timeout": "5s",
                    "start_period": "0s", "retries": 3,
                },
            }
        },
        "volumes": {"vol": {"name": "vol"}},
    }  # fmt: skip


def test_keys_of_maps_of_text_stay() -> None:
    assert camel({"log_opts": {"max_size": "1"}, "a_b": [{"c_d": 1}]}) == {
        "logOpts": {"max_size": "1"},
        "aB": [{"cD": 1}],
    }


@pytest.mark.system
@pytest.mark.parametrize("name", ["first_deploy", "noop"])
def test_one_round_of_each_bench(name: str) -> None:
    """Its figures are there and nothing of it is left; how large they are is not a test's business."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [root / "bench/run", name, "--rounds", "1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["bench"] == name and figures["rounds"] == 1
    for key in ("seconds", "overhead_s", "ratio_vs_compose", "ratio_vs_pulumi"):
        assert isinstance(figures[key], float)
    assert set(figures["idle_memory_mb"]) == {"portal", "worker", "traefik", "redis", "total"}
    client = docker.from_env()
    names = [c.name for c in client.containers.list(all=True, ignore_removed=True)]
    names += [n.name for n in client.networks.list()] + [v.name for v in client.volumes.list()]
    assert not [each for each in names if each.startswith("pwbench")]


@pytest.mark.system
def test_deploys_under_load_lose_nothing_and_the_controls_do() -> None:
    """The short form of `bench/run zero_downtime`; the long one has 100 deploys."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [root / "bench/run", "zero_downtime", "--deploys", "3"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["deploys"] == 3 and figures["requests"] > 300
    assert figures["failed"] == 0, done.stderr
    assert figures["controls"]["stop_first"]["failed"] > 0
    assert figures["controls"]["shared_service"]["failed"] > 0


@pytest.mark.system
def test_many_services_in_short() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [root / "bench/run", "services50", "--services", "4", "--rounds", "1"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    for key in ("plan_s", "up_s", "noop_s", "one_change_s", "up_ratio_vs_compose", "rss_mb"):
        assert figures[key] > 0
