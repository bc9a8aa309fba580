"""Compose files in the manner of what people publish: each is imported, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.compose.importer import convert
from stacks.parse import load
from stacks.project_file import ProjectFile

SAMPLES = Path(__file__).parent / "compose_samples"
REFUSED: dict[str, list[str]] = {
    "builds": ["worker.build.platforms", "worker.build.additional_contexts"],
    "django_celery": [], "elastic": [], "extends": [], "extends_other": [], "ghost": [],
    "gitea": ["server.volumes[0]", "server.volumes[1]"],
    "home_assistant": [
        "homeassistant.volumes[1]", "homeassistant.privileged", "homeassistant.network_mode",
    ],
    "jellyfin": ["jellyfin.volumes[1]", "jellyfin.devices"],
    "kafka": [],
    "laravel": ["app.volumes[0]", "nginx.volumes[0]"],
    "mail": ["mail.cap_add"],
    "minio": [],
    "monitoring": ["node-exporter.pid", "node-exporter.network_mode", "node-exporter.volumes[0]"],
    "n8n": ["n8n-worker.volumes[0]"],
    "nextcloud": ["cron.volumes[0]"],
    "node_mongo": [], "pgadmin": [],
    "pihole": ["pihole.cap_add"],
    "plausible": ["events.volumes[1]"],
    "portainer": ["portainer.volumes[1]"],
    "profiles": [],
    "rails_sidekiq": ["rails.volumes[0]", "sidekiq.volumes[0]"],
    "swarm": ["web.configs"],
    "traefik": ["traefik.volumes[0]"],
    "umami": [],
    "uptime_kuma": ["uptime-kuma.volumes[1]"],
    "vaultwarden": ["vaultwarden.volumes[0]"],
    "wordpress": [],
}  # fmt: skip


def made(name: str, **more: object) -> ProjectFile:
    return load(convert(SAMPLES / f"{name}.yaml", **more).text)  # type: ignore[arg-type]


def test_every_sample_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES.glob("*.yaml")} == REFUSED.keys()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_and_the_rest_is_valid(name: str) -> None:
    found = convert(SAMPLES / f"{name}.yaml")
    assert [entry.path.removeprefix("services.") for entry in found.refused] == REFUSED[name]
    assert load(found.text).services
    assert all(entry.reason for entry in found.report if entry.verdict != "kept")


def test_a_build_with_secrets_stages_and_a_dockerfile_elsewhere() -> None:
    services = made("builds", root=SAMPLES).services
    web, worker = services["web"], services["worker"]
    assert web.build and web.pull == "always"
    assert web.build.model_dump(exclude_defaults=True) == {
        "context": "apps/web",
        "dockerfile": "../../docker/web.Dockerfile",
        "target": "prod_builder",
        "args": {"NODE_ENV": "production", "VERSION": "dev"},
        "secrets": {"npm-token": {"secret": "npm_token"}},
        "ssh": {"default": {"secret": "ssh_default"}},
    }
    assert worker.build == web.build.model_copy(
        update={"target": "v1.2", "network": "none", "secrets": {}, "ssh": {}, "args": {}}
    )
    assert worker.pull == "missing" and services["cache"].pull == "daily"


def test_values_that_nobody_set_become_secrets() -> None:
    services = made("wordpress").services
    assert services["wordpress"].env["WORDPRESS_DB_PASSWORD"].secret == "WP_PASSWORD"  # type: ignore[union-attr]
    assert made("n8n").services["n8n"].env["N8N_ENCRYPTION_KEY"].secret == "N8N_ENCRYPTION_KEY"  # type: ignore[union-attr]
    known = made("wordpress", values={"WP_PASSWORD": "x"}).services["db"].env
    assert known["MYSQL_PASSWORD"] == "x"


def test_env_files_quotes_and_what_goes_before() -> None:
    env = made("nextcloud").services["db"].env
    assert env["MARIADB_ROOT_PASSWORD"] == "r00t # not a comment"
    assert (env["MARIADB_USER"], env["MARIADB_DATABASE"]) == ("nc", "nextcloud")
    assert env["MARIADB_PASSWORD"].secret == "MARIADB_PASSWORD"  # type: ignore[union-attr]


def test_a_file_of_a_secret_becomes_the_variable() -> None:
    database = made("pgadmin").services["db"]
    assert database.env["POSTGRES_PASSWORD"].secret == "db_password"  # type: ignore[union-attr]
    assert database.shm_size == "128M"
    assert [(p.host, p.address) for p in database.publish] == [(5432, "127.0.0.1")]


def test_jobs_that_others_wait_for() -> None:
    services = made("django_celery").services
    assert (
        services["migrate"].once
        and services["worker"].depends_on["migrate"].condition == "completed"
    )
    assert services["web"].port == 8000 and services["web"].command == [
        "gunicorn", "app.wsgi", "--bind", "0.0.0.0:8000",
    ]  # fmt: skip


def test_extends_over_files_with_joins_and_overrides() -> None:
    services = made("extends").services
    assert services["one"].env == {"A": "1", "B": "3"} and services["one"].restart == "always"
    assert services["two"].env == {"C": "4"} and services["two"].stop_grace == "90s"
    assert services["two"].tmpfs == ["/scratch"] and services["one"].logs.max_files == 3


def test_names_follow_into_variables() -> None:
    services = made("node_mongo").services
    assert services["api"].env["MONGO_URL"] == "mongodb://mongo-db:27017/app"
    limits = services["api"].resources.limits
    assert (limits.cpu, limits.memory, limits.pids, services["api"].replicas) == (
        0.5,
        "256M",
        100,
        2,
    )


def test_routes_of_traefik() -> None:
    who = made("traefik").services["whoami"]
    assert who.port == 80 and [d.host for d in who.domains] == ["w.example.com", "who.example.com"]


def test_profiles() -> None:
    assert set(made("profiles").services) == {"web"}
    assert set(made("profiles", profiles=["debug"]).services) == {"web", "debug"}


def test_power_over_the_host_only_where_asked_for() -> None:
    found = convert(SAMPLES / "home_assistant.yaml", allow_host=True)
    host = load(found.text).services["homeassistant"].host
    assert found.refused == [] and host and host.privileged and host.network
    assert [(m.source, m.read_only) for m in host.mounts] == [("/run/dbus", True)]
    for name in REFUSED:
        assert all(service.host is None for service in made(name).services.values())
