"""Push, plan, deploy, roll back; what changes is just what the plan said."""

from __future__ import annotations

import time

from harness import Platform, Repository


def ids(platform: Platform) -> dict[str, str]:
    return {c.labels["portwright.service"]: c.id for c in platform.containers()}


def reset(platform: Platform) -> int:
    """Deploy the first commit again; returns the release that serves."""
    platform.cli("deploy", "sample")
    return platform.release()


def test_push_plan_deploy_rollback_history(platform: Platform, repository: Repository) -> None:
    first = reset(platform)
    repository.replace("web/VERSION", "1.0", "2.0")
    commit = repository.push("Version 2.0")

    plan = platform.plan()
    assert plan["summary"] == {"create": 0, "update": 0, "replace": 1, "delete": 0, "same": 3}
    (step,) = plan["steps"]
    assert (step["service"], step["action"], step["downtime"]) == ("web", "replace", False)
    assert {change["path"] for change in step["changes"]} == {"image", "image name"}
    assert commit[:7] in step["why"]
    assert platform.health()["version"] == "1.0"

    database = ids(platform)["db"]
    platform.cli("deploy", "sample", "--plan", plan["hash"])
    assert platform.health()["version"] == "2.0"
    assert ids(platform)["db"] == database

    platform.cli("rollback", "sample", str(first))
    assert platform.health()["version"] == "1.0"
    assert ids(platform)["db"] == database

    releases = platform.api("/projects/sample/releases")["releases"]
    assert len(releases) >= 3
    assert releases[0]["rollback_of"] == first
    for release in releases[:3]:
        number = release["number"]
        whole = platform.api(f"/projects/sample/releases/{number}")["release"]
        assert whole["spec"]["services"]["web"]["image"].startswith("sha256:")
        assert whole["plan"]["hash"]
        log = platform.cli("logs", str(whole["run"])).stdout
        assert f"release {number} serves" in log


def test_rollback_restores_the_container_exactly(
    platform: Platform, repository: Repository
) -> None:
    first = reset(platform)

    def inspected() -> object:
        (web,) = platform.containers("web")
        config = dict(web.attrs["Config"], Hostname="", Labels={})
        return config, web.attrs["HostConfig"], web.attrs["Image"]

    before = inspected()
    repository.replace("portwright.yaml", "COLOR: teal", "COLOR: navy")
    repository.push("Navy")
    platform.cli("deploy", "sample")
    assert inspected() != before
    platform.cli("rollback", "sample", str(first))
    assert inspected() == before


def test_an_env_change_replaces_one_container_and_nothing_else(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    before = ids(platform)
    networks = {
        n.id for n in platform.client.networks.list(filters={"label": "portwright.instance=pwtest"})
    }
    repository.replace("portwright.yaml", "COLOR: teal", "COLOR: crimson")
    repository.push("Crimson")
    plan = platform.plan()
    assert [
        (c["path"], c["before"], c["after"]) for step in plan["steps"] for c in step["changes"]
    ] == [("env.COLOR", "teal", "crimson")]
    platform.cli("deploy", "sample")
    after = ids(platform)
    assert after["db"] == before["db"] and after["web"] != before["web"]
    assert "crimson" in platform.get("web.sample.localhost").text
    assert networks == {
        n.id for n in platform.client.networks.list(filters={"label": "portwright.instance=pwtest"})
    }


def test_no_change_is_an_empty_plan_and_makes_no_release(
    platform: Platform, repository: Repository
) -> None:
    number = reset(platform)
    started = time.monotonic()
    output = platform.cli("deploy", "sample").stdout
    # A generous bound on the promise of 5 s: this is about hanging, the bench is about speed.
    assert time.monotonic() - started < 30
    assert "nothing would change" in output
    assert reset(platform) == number


def test_data_survives_deploy_and_rollback(platform: Platform, repository: Repository) -> None:
    first = reset(platform)
    assert platform.get("web.sample.localhost", "/notes", "POST", "precious").status_code == 201
    repository.replace("web/VERSION", "1.0", "3.0")
    repository.push("Version 3.0")
    platform.cli("deploy", "sample")
    assert "precious" in platform.get("web.sample.localhost", "/notes").json()
    platform.cli("rollback", "sample", str(first))
    assert "precious" in platform.get("web.sample.localhost", "/notes").json()


def test_a_database_change_tells_of_its_downtime_and_keeps_its_data(
    platform: Platform, repository: Repository
) -> None:
    first = reset(platform)
    platform.get("web.sample.localhost", "/notes", "POST", "still there")
    repository.replace(
        "portwright.yaml",
        "    volumes: {data",
        "    command: [postgres, -c, max_connections=50]\n    volumes: {data",
    )
    repository.push("Fewer connections")
    plan = platform.plan()
    (step,) = plan["steps"]
    assert (step["service"], step["downtime"], step["data_loss"]) == ("db", True, False)
    platform.cli("deploy", "sample")
    assert "still there" in platform.get("web.sample.localhost", "/notes").json()
    platform.cli("rollback", "sample", str(first))
    assert "still there" in platform.get("web.sample.localhost", "/notes").json()


def test_a_plan_that_changed_since_is_not_applied(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    repository.replace("web/VERSION", "1.0", "4.0")
    repository.push("Version 4.0")
    plan = platform.plan()
    repository.replace("web/VERSION", "4.0", "5.0")
    repository.push("Version 5.0")
    done = platform.cli("deploy", "sample", "--plan", plan["hash"], check=False)
    assert done.returncode == 1
    assert "no longer the one that was agreed to" in done.stdout + done.stderr
    assert platform.health()["version"] == "1.0"
