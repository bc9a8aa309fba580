"""What goes wrong leaves the old release serving, a cause, a remedy, the last words, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Platform, Repository, until
from test_2_releases import reset

from stacks.docker.builds.builder import INSTANCE_LABEL

Spoil = Callable[[Repository], None]


def broken_build(repository: Repository) -> None:
    with (repository.folder / "web/Dockerfile").open("a") as file:
        file.write("RUN echo this breaks >&2 && false\n")


def dies_at_start(repository: Repository) -> None:
    repository.replace("web/Dockerfile", '"app.py"]', '"missing.py"]')


def never_healthy(repository: Repository) -> None:
    repository.replace(
        "portwright.yaml",
        "{http: /health, interval: 1s}",
        "{http: /none, interval: 1s, retries: 3}",
    )


def dies_without_healthcheck(repository: Repository) -> None:
    dies_at_start(repository)
    repository.replace("portwright.yaml", "    healthcheck: {http: /health, interval: 1s}\n", "")


def bad_file(repository: Repository) -> None:
    repository.replace("portwright.yaml", "port: 8000", "port: eight")


def bad_yaml(repository: Repository) -> None:
    repository.replace("portwright.yaml", "services:", "services: [")


def unknown_image(repository: Repository) -> None:
    repository.replace(
        "portwright.yaml", "image: portwright/postgres:17", "image: nothing-like-this:1"
    )


def missing_secret(repository: Repository) -> None:
    repository.replace(
        "portwright.yaml",
        "{secret: db_password}\n    healthcheck",
        "{secret: other}\n    healthcheck",
    )


CASES: list[tuple[Spoil, str, str]] = [
    (broken_build, "services.web.build", "the build failed"),
    (dies_at_start, "services.web", "exit code 2"),
    (never_healthy, "services.web", "never became healthy"),
    (dies_without_healthcheck, "services.web", "exit code 2"),
    (bad_file, "services.web.port", "'eight'"),
    (bad_yaml, "portwright.yaml: line", ""),
    (unknown_image, "services.db.image", "nothing-like-this:1"),
    (missing_secret, "services.web.env.DATABASE_PASSWORD", "'other' is not set"),
]


def strays(platform: Platform) -> set[str]:
    """Containers that no platform owns. Those of other tests' builds come and go."""
    listed = platform.client.containers.list(all=True, ignore_removed=True)
    owned = {"portwright.instance", INSTANCE_LABEL}
    return {str(c.id) for c in listed if not owned & c.labels.keys()}


@pytest.mark.parametrize(
    ("spoil", "path", "cause"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_failure_leaves_the_old_release(
    platform: Platform, repository: Repository, spoil: Spoil, path: str, cause: str
) -> None:
    number = reset(platform)
    before = strays(platform)
    spoil(repository)
    repository.push("Broken")
    done = platform.cli("deploy", "sample", check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert platform.health()["status"] == "ok"
    assert platform.release() == number

    run = platform.last_run()
    assert run["state"] == "failed"
    assert path in run["error"]["path"] and cause in run["error"]["message"], run["error"]
    assert run["error"]["remedy"]
    assert cause in told and run["error"]["remedy"].split(";")[0][:40] in told

    assert sorted(c.labels["portwright.service"] for c in platform.containers()) == ["db", "web"]
    until(lambda: strays(platform) <= before, 60)
    plan = platform.cli("plan", "sample", "--ref", repository.git("rev-parse", "HEAD~1"))
    assert plan.returncode == 0


def test_the_last_words_of_a_dead_container_are_kept(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    dies_at_start(repository)
    repository.push("Dies")
    platform.cli("deploy", "sample", check=False)
    run = platform.last_run()
    log = platform.cli("logs", str(run["id"])).stdout
    assert "== the last lines of web" in log
    assert "can't open file '/app/missing.py'" in log


def test_a_failed_database_is_put_back_with_its_data(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    platform.get("web.sample.localhost", "/notes", "POST", "unharmed")
    repository.replace(
        "portwright.yaml",
        "    volumes: {data",
        "    command: [postgres, -c, no_such_setting=1]\n    volumes: {data",
    )
    repository.push("A setting that is none")
    assert platform.cli("deploy", "sample", check=False).returncode == 1
    assert "unharmed" in platform.get("web.sample.localhost", "/notes").json()


def test_the_next_deploy_after_a_failure_is_right(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    dies_at_start(repository)
    repository.push("Dies")
    assert platform.cli("deploy", "sample", check=False).returncode == 1
    repository.git("revert", "--no-edit", "HEAD")
    repository.replace("web/VERSION", "1.0", "6.0")
    repository.push("Mended")
    platform.cli("deploy", "sample")
    assert platform.health()["version"] == "6.0"
    assert len(platform.containers()) == 2


def test_secrets_stand_in_no_log_and_in_no_state(
    platform: Platform, repository: Repository
) -> None:
    reset(platform)
    (web,) = platform.containers("web")
    env = dict(item.split("=", 1) for item in web.attrs["Config"]["Env"])
    secret = env["DATABASE_PASSWORD"]
    assert len(secret) > 20
    places = [platform.home / name for name in ("runs", "state", "stacks", "log", "checkouts")]
    for path in (p for place in places for p in place.rglob("*") if p.is_file()):
        assert secret.encode() not in path.read_bytes(), path
    assert secret.encode() not in (platform.home / "portwright.db").read_bytes()
