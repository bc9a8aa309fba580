"""What the project file can say, each thing seen on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Platform, free_ports, until

from bench.project import DOCKERFILE, ScratchProject

APP = Path(__file__).resolve().parents[2] / "bench/app/app.py"
WEB: dict[str, Any] = {"build": "web", "port": 8000, "healthcheck": {"tcp": True, "interval": "1s"}}


@pytest.fixture(scope="module")
def shop(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchProject]:
    made = ScratchProject(platform, tmp_path_factory.mktemp("shop") / "repository", "shop")
    made.write("web/app.py", APP.read_text())
    made.write("web/Dockerfile", DOCKERFILE)
    for environment in ("production", "staging"):
        made.policy("auto", environment)
    yield made
    for environment in ("production", "staging"):
        run = made.run("destroy", environment)
        assert run.state == "succeeded", run.error


def attrs(project: ScratchProject, service: str, **more: str) -> dict[str, Any]:
    (container,) = project.containers(service, **more)
    return dict(container.attrs)


def env(container: dict[str, Any]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in container["Config"]["Env"])


def test_detection_procfile_static_files_and_routes(
    platform: Platform, shop: ScratchProject
) -> None:
    shop.write("found/app.py", APP.read_text())
    shop.write("found/requirements.txt", "")
    shop.write("found/Procfile", "web: exec python3 app.py\n")
    shop.write("site/index.html", "<h1>Hello</h1>")
    shop.write("site/404.html", "<h1>Nothing</h1>")
    shop.write("site/.secret", "hidden")
    shop.write("nodeapp/package.json", '{"scripts": {"start": "node server.js"}}')
    shop.write(
        "nodeapp/server.js",
        "require('http').createServer((q, r) => r.end('from node')).listen(process.env.PORT);"
        "process.on('SIGTERM', () => process.exit())",
    )
    run = shop.deploy(
        {
            "services": {
                "web": {
                    **WEB,
                    "build": "found",
                    "domains": [
                        "shop.example.com",
                        {"host": "www.example.com", "redirect": "shop.example.com"},
                        {"host": "shop.example.com", "path": "/api", "strip": True},
                    ],
                },
                "site": {
                    "static": {"folder": "site", "fallback": "404.html"},
                    "domains": [{"host": "shop.example.com", "path": "/docs", "strip": True}],
                },
                "node": {"build": "nodeapp", "port": 3000},
                "inside": {**WEB, "public": False},
            }
        }
    )
    assert "generating one for Python: requirements.txt" in shop.log(run.id)
    assert platform.get("web.shop.localhost", "/x").text.endswith(" /x")
    assert platform.get("shop.example.com", "/x").text.endswith(" /x")
    assert platform.get("shop.example.com", "/api/x").text.endswith(" /x")
    assert platform.get("shop.example.com", "/apix").text.endswith(" /apix")
    assert platform.get("site.shop.localhost").text == "<h1>Hello</h1>"
    assert platform.get("shop.example.com", "/docs/").text == "<h1>Hello</h1>"
    assert platform.get("site.shop.localhost", "/gone").text == "<h1>Nothing</h1>"
    assert "hidden" not in platform.get("site.shop.localhost", "/.secret").text
    assert platform.get("node.shop.localhost").text == "from node"
    assert platform.get("inside.shop.localhost").status_code == 404
    moved = platform.get("www.example.com", "/a?b=c")
    assert moved.status_code in (301, 308)
    assert moved.headers["location"] == "http://shop.example.com/a?b=c"
    again = shop.run("plan")
    assert again.plan and again.plan["empty"], again.plan


def test_limits_caps_published_ports_and_references(
    platform: Platform, shop: ScratchProject
) -> None:
    (port,) = free_ports(1)
    shop.secret("pw", "p/w:1")
    shop.deploy(
        {
            "env": {"SHARED": "yes"},
            "services": {
                "web": {
                    **WEB,
                    "env": {"CACHE": "${cache.url}", "DB": "u:${cache.env.PW}@"},
                    "resources": {
                        "limits": {"cpu": 0.5, "memory": "64M", "pids": 50},
                        "reservations": {"cpu": 0.25, "memory": "32M"},
                    },
                    "logs": {"max_size": "1M", "max_files": 2},
                    "publish": [{"host": port, "container": 8000}],
                    "stop_grace": "2s",
                },
                "cache": {"image": "portwright/redis:8.0", "env": {"PW": {"secret": "pw"}}},
            },
        }
    )
    web = attrs(shop, "web")
    host = web["HostConfig"]
    assert (host["Memory"], host["MemoryReservation"]) == (64 * 2**20, 32 * 2**20)
    assert (host["NanoCpus"], host["CpuShares"], host["PidsLimit"]) == (5 * 10**8, 256, 50)
    assert host["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m", "max-file": "2"}}
    assert host["PortBindings"]["8000/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
    said = env(web)
    assert (said["CACHE"], said["DB"], said["SHARED"]) == ("redis://cache:6379", "u:p/w:1@", "yes")
    again = shop.run("plan")
    assert again.plan and again.plan["empty"], again.plan
    shop.write("web/app.py", APP.read_text() + "# other\n")
    shop.commit()
    (step,) = shop.run("plan").plan["steps"]
    assert step["downtime"] and step["why"].startswith("commit ")


def test_release_command_runs_before_and_stops_a_deploy(shop: ScratchProject) -> None:
    services = {"web": {**WEB, "release": ["python3", "app.py", "once"], "env": {"WORD": "moved"}}}
    run = shop.deploy({"services": services})
    assert "web | job done moved" in shop.log(run.id)
    before = attrs(shop, "web")["Id"]
    services["web"]["env"] = {"CODE": "7"}
    shop.commit({"services": services})
    failed = shop.run("deploy")
    assert failed.state == "failed" and failed.error["path"] == "services.web.release"
    assert "exit code 7" in failed.error["message"]
    assert attrs(shop, "web")["Id"] == before and len(shop.containers()) == 1


def test_jobs_conditions_and_cascade(shop: ScratchProject) -> None:
    job = {"build": "web", "command": ["python3", "app.py", "once"], "restart": "no"}
    services: dict[str, Any] = {
        "job": job,
        "cache": {"image": "portwright/redis:8.0"},
        "web": {
            **WEB,
            "depends_on": {"job": {}, "cache": {"condition": "started", "cascade": True}},
        },
    }
    shop.deploy({"services": services})
    web, done = attrs(shop, "web"), attrs(shop, "job")
    assert done["State"]["Status"] == "exited" and web["Created"] > done["State"]["FinishedAt"]
    assert shop.run("plan").plan["empty"]
    services["cache"]["env"] = {"A": "1"}
    moved = shop.deploy({"services": services})
    (why,) = [s["why"] for s in moved.plan["steps"] if s["service"] == "web"]
    assert why == "dependency: cache is replaced, and web follows it"
    assert attrs(shop, "web")["Id"] != web["Id"] and attrs(shop, "job")["Id"] == done["Id"]
    services["job"] = {**job, "env": {"CODE": "4"}}
    shop.commit({"services": services})
    failed = shop.run("deploy")
    assert failed.state == "failed" and failed.error["path"] == "services.job"
    assert attrs(shop, "web")["State"]["Running"]


def test_cron_is_started_at_its_time_and_is_no_drift(shop: ScratchProject) -> None:
    job = {"build": "web", "command": ["python3", "app.py", "once"], "cron": "* * * * *"}
    shop.deploy({"services": {"web": WEB, "tick": job}})
    assert attrs(shop, "tick")["State"]["Status"] == "created"
    until(lambda: attrs(shop, "tick")["State"]["Status"] == "exited", 90)
    assert b"job done" in shop.containers("tick")[0].logs()
    assert shop.run("drift").plan["empty"]


def test_build_secrets_are_in_no_layer(platform: Platform, shop: ScratchProject) -> None:
    shop.secret("token", "canary-8841")
    shop.write(
        "sealed/Dockerfile",
        "FROM portwright/python:3.13\nCOPY app.py .\n"
        "RUN --mount=type=secret,id=tok wc -c < /run/secrets/tok > /length\n"
        'CMD ["python3", "app.py"]\n',
    )
    shop.write("sealed/app.py", APP.read_text())
    build = {"context": "sealed", "secrets": {"tok": {"secret": "token"}}}
    run = shop.deploy({"services": {"web": {**WEB, "build": build}}})
    (web,) = shop.containers("web")
    assert web.exec_run(["cat", "/length"]).output.strip() == b"11"
    history = platform.client.api.history(web.attrs["Image"])
    assert "canary" not in str(history) + str(web.attrs) + shop.log(run.id)


def test_environments_beside_each_other(platform: Platform, shop: ScratchProject) -> None:
    content = {
        "services": {"web": {**WEB, "env": {"PW": {"secret": "pw"}}, "domains": ["a.example.com"]}},
        "environments": {"staging": {"services": {"web": {"env": {"EXTRA": "1"}}}}},
    }
    shop.deploy(content)
    shop.deploy(environment="staging")
    shop.secret("pw", "for staging", "staging")
    shop.deploy(environment="staging")
    here, there = attrs(shop, "web"), attrs(shop, "web", environment="staging")
    assert (env(here)["PW"], env(there)["PW"]) == ("p/w:1", "for staging")
    assert env(there)["EXTRA"] == "1" and "EXTRA" not in env(here)
    assert platform.get("web.shop.staging.localhost", "/env?EXTRA").text == "1"
    shop.commit(
        {
            **content,
            "environments": {"staging": {"services": {"web": {"domains": ["a.example.com"]}}}},
        }
    )
    refused = shop.run("deploy", "staging")
    assert (
        refused.state == "failed"
        and "a.example.com is served by another" in refused.error["message"]
    )


def test_replicas_come_without_touching_the_others(
    platform: Platform, shop: ScratchProject
) -> None:
    shop.deploy({"services": {"web": WEB}})
    first = attrs(shop, "web")["Id"]
    shop.deploy({"services": {"web": {**WEB, "replicas": 3}}})
    assert first in {c.id for c in shop.containers("web")} and len(shop.containers("web")) == 3
    until(lambda: len({platform.get("web.shop.localhost").text for _ in range(9)}) == 3)
    shop.deploy({"services": {"web": WEB}})
    assert first not in {c.id for c in shop.containers("web")} and len(shop.containers("web")) == 1


def test_how_the_process_runs_and_power_over_the_host(shop: ScratchProject) -> None:
    """Each is seen by inspecting, and none makes the next plan differ from what was applied."""
    host = {
        "mounts": [{"source": "/etc/hostname", "target": "/host/name"}],
        "capabilities": ["NET_ADMIN"],
        "pid": True,
    }
    web = {
        **WEB,
        "entrypoint": ["python3"],
        "command": ["app.py"],
        "working_dir": "/app",
        "user": "nobody",
        "init": True,
        "read_only": True,
        "tmpfs": ["/tmp", "/run"],
        "shm_size": "32M",
    }
    shop.deploy({"services": {"web": web}})
    assert shop.run("plan").plan["empty"] and shop.run("drift").plan["empty"]
    made = attrs(shop, "web")
    assert (made["Config"]["User"], made["Config"]["WorkingDir"]) == ("nobody", "/app")
    assert made["HostConfig"]["Init"] and made["HostConfig"]["ReadonlyRootfs"]
    assert set(made["HostConfig"]["Tmpfs"]) == {"/tmp", "/run"}
    assert made["HostConfig"]["ShmSize"] == 32 * 2**20

    shop.commit({"services": {"web": {**WEB, "host": host}}})
    refused = shop.run("deploy")
    assert refused.state == "failed" and refused.error["path"] == "services.web.host"
    assert attrs(shop, "web")["Id"] == made["Id"]
    allow(shop, True)
    given = shop.deploy()
    made = attrs(shop, "web")
    assert [m["Source"] for m in made["Mounts"]] == ["/etc/hostname"]
    assert made["HostConfig"]["CapAdd"] == ["CAP_NET_ADMIN"]
    assert made["HostConfig"]["PidMode"] == "host"
    assert shop.run("plan").plan["empty"] and shop.run("drift").plan["empty"]
    shop.deploy({"services": {"web": WEB}})
    allow(shop, False)
    back = shop.run("rollback", release=given.release)
    assert back.state == "failed" and back.error["path"] == "services.web.host"


def allow(project: ScratchProject, allowed: bool) -> None:
    with project.sessions() as session:
        project.environment(session).project.host_access = allowed
        session.commit()
