"""`build` and `pull_policy` of Compose files: what is mapped, and what is refused by its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.compose.importer import Imported, convert
from stacks.docker.builds.image import recipe_of
from stacks.errors import PortwrightError
from stacks.parse import load
from stacks.service_file import Build


def imported(
    folder: Path, build: Any, secrets: Any = None, **service: Any
) -> tuple[Imported, dict[str, Any]]:
    """Import one service; return the result and the service as it was written."""
    services = {"web": {"build": build, **service}, "db": {"image": "postgres"}}
    content = {"services": services, "secrets": secrets or {}}
    path = folder / "compose.yaml"
    path.write_text(yaml.safe_dump(content))
    found = convert(path, name="shop")
    return found, (yaml.safe_load(found.text)["services"] or {}).get("web", {})


def verdicts(found: Imported) -> dict[str, str]:
    return {
        each.path.removeprefix("services.web."): each.verdict
        for each in found.report
        if each.path.startswith("services.web.")
    }


@pytest.mark.parametrize("target", ["prod_builder", "v1.2", "Release", "0"])
def test_any_stage_name_is_kept(tmp_path: Path, target: str) -> None:
    _, web = imported(tmp_path, {"context": ".", "target": target})
    assert web == {"build": {"context": ".", "target": target}}


def test_a_full_build_is_mapped(tmp_path: Path) -> None:
    found, web = imported(
        tmp_path,
        {
            "context": "./apps/web/",
            "dockerfile": "../../docker/web.Dockerfile",
            "target": "Release",
            "args": ["TAG=1.10", "EMPTY=", "UNSET"],
            "secrets": ["npm-token", {"source": "key", "target": "app.key", "mode": 0o400}],
            "ssh": ["default", "deploy=~/.ssh/id"],
            "network": "none",
            "pull": True,
        },
        secrets={"npm-token": {"file": "./npm.txt"}, "key": {"environment": "KEY"}},
    )
    assert web == {
        "pull": "always",
        "build": {
            "context": "apps/web",
            "dockerfile": "../../docker/web.Dockerfile",
            "target": "Release",
            "args": {"TAG": "1.10", "EMPTY": ""},
            "secrets": {"npm-token": {"secret": "npm_token"}, "app.key": {"secret": "key"}},
            "ssh": {"default": {"secret": "ssh_default"}, "deploy": {"secret": "ssh_deploy"}},
            "network": "none",
        },
    }
    assert found.refused == []
    reasons = {each.path: each.reason for each in found.report}
    assert reasons["services.web.build.secrets[0]"].endswith("set PROJECT npm_token < ./npm.txt`")
    assert load(found.text).services["web"].build


def test_arguments_as_a_mapping_mean_what_compose_says(tmp_path: Path) -> None:
    args = {"DEBUG": True, "PORT": 80, "TEXT": "${NOBODY:-a$$b}", "UNSET": None, "VAR": "$NOBODY"}
    found, web = imported(tmp_path, {"args": args})
    assert web["build"]["args"] == {"DEBUG": "true", "PORT": "80", "TEXT": "a$b"}
    assert verdicts(found)["build.args.UNSET"] == verdicts(found)["build.args.VAR"] == "changed"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"dockerfile_inline": "FROM scratch"}, "dockerfile_inline"),
        ({"additional_contexts": ["other=../other"]}, "additional_contexts"),
        ({"privileged": True}, "privileged"),
        ({"entitlements": ["network.host"]}, "entitlements"),
        ({"isolation": "hyperv"}, "isolation"),
        ({"platforms": ["linux/arm64"]}, "platforms"),
        ({"shm_size": "1g"}, "shm_size"),
        ({"ulimits": {"nofile": 1000}}, "ulimits"),
        ({"extra_hosts": ["a=10.0.0.1"]}, "extra_hosts"),
        ({"network": "host"}, "network"),
        ({"network": "my-net"}, "network"),
        ({"target": "no stage"}, "target"),
        ({"target": "-x"}, "target"),
        ({"args": {"BUILDKIT_SANDBOX_HOSTNAME": "x"}}, "args.BUILDKIT_SANDBOX_HOSTNAME"),
        ({"args": ["BUILDKIT_SYNTAX=evil/frontend"]}, "args.BUILDKIT_SYNTAX"),
        ({"args": {"a b": "x"}}, "args.a b"),
        ({"args": {"LONG": "x" * 40_000}}, "args.LONG"),
        ({"secrets": ["unknown"]}, "secrets[0]"),
        ({"secrets": [{"source": "known", "target": "a,src=/etc/shadow"}]}, "secrets[0]"),
        ({"ssh": ["a,b=/x"]}, "ssh.a,b"),
        ({"context": "https://github.com/x/y.git"}, "context"),
        ({"context": "git@github.com:x/y.git"}, "context"),
        ({"context": "../other"}, "context"),
        ({"context": "a/../../b"}, "context"),
        ({"context": "/srv"}, "context"),
        ({"context": "~/app"}, "context"),
        ({"context": "$NOBODY"}, "context"),
        ({"context": "my folder"}, "context"),
        ({"dockerfile": "../Dockerfile"}, "dockerfile"),
        ({"dockerfile": "/etc/Dockerfile"}, "dockerfile"),
        ({"dockerfile": "Docker file"}, "dockerfile"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_is_refused_by_its_key(
    tmp_path: Path, more: dict[str, Any], path: str
) -> None:
    found, _ = imported(tmp_path, more, secrets={"known": {"file": "x"}}, image="shop:1")
    refused = [each for each in found.refused if each.path == f"services.web.build.{path}"]
    assert len(refused) == 1 and refused[0].reason
    assert "evil" not in found.text and "/etc/shadow" not in found.text


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"cache_from": ["type=gha"]}, "cache_from"),
        ({"cache_to": ["type=local,dest=x"]}, "cache_to"),
        ({"labels": {"traefik.enable": "true"}}, "labels"),
        ({"labels": ["a=b"]}, "labels"),
        ({"tags": ["shop:2"]}, "tags"),
        ({"no_cache": True}, "no_cache"),
        ({"args": {"BUILDKIT_INLINE_CACHE": 1}}, "args.BUILDKIT_INLINE_CACHE"),
    ],
)  # fmt: skip
def test_what_does_not_change_the_image_is_ignored_with_a_reason(
    tmp_path: Path, more: dict[str, Any], path: str
) -> None:
    found, web = imported(tmp_path, more)
    ignored = [each for each in found.report if each.path == f"services.web.build.{path}"]
    assert [each.verdict for each in ignored] == ["ignored"] and ignored[0].reason
    assert web == {"build": {"context": "."}} and found.refused == []


def test_values_that_change_nothing_are_not_mentioned(tmp_path: Path) -> None:
    given = {"privileged": False, "no_cache": False, "pull": "false", "network": "default",
             "ulimits": {}, "x-bake": {"tags": ["a"]}}  # fmt: skip
    found, web = imported(tmp_path, given)
    assert verdicts(found) == {"build": "kept"} and web == {"build": {"context": "."}}


@pytest.mark.parametrize(
    ("policy", "pull", "verdict"),
    [
        ("always", "always", "kept"), ("missing", "missing", "kept"),
        ("if_not_present", "missing", "kept"), ("daily", "daily", "kept"),
        ("every_24h", "daily", "kept"), ("weekly", "daily", "changed"),
        ("every_2w3d", "daily", "changed"), ("every_12h", "always", "changed"),
        ("never", None, "refused"), ("build", None, "refused"), ("sometimes", None, "refused"),
        ("every_", None, "refused"), ("$NOBODY", None, "ignored"),
    ],
)  # fmt: skip
def test_pull_policies(tmp_path: Path, policy: str, pull: str | None, verdict: str) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump({"services": {"web": {"image": "x", "pull_policy": policy}}}))
    found = convert(path, name="shop")
    assert yaml.safe_load(found.text)["services"]["web"].get("pull") == pull
    assert verdicts(found)["pull_policy"] == verdict


@pytest.mark.parametrize("policy", ["build", "never", "always", "daily"])
def test_the_policy_of_a_built_image_is_not_about_its_base_images(
    tmp_path: Path, policy: str
) -> None:
    found, web = imported(tmp_path, ".", image="shop:1", pull_policy=policy)
    assert "pull" not in web and found.refused == []


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    """A repository whose Compose files, Dockerfiles and sources are in folders of their own."""
    files = {
        ".git/HEAD": "ref: refs/heads/main\n",
        "docker/web.Dockerfile": "FROM scratch\n",
        "docker/Dockerfile": "FROM scratch\n",
        "apps/web/app.py": "",
        "apps/api/Dockerfile": "FROM scratch\n",
        "apps/api/compose.yaml": "services: {api: {build: .}}\n",
        "shared.env": "A=1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("build", "context", "dockerfile"),
    [
        ("..", ".", None),
        (".", "docker", None),
        ({}, "docker", None),
        ({"dockerfile": "web.Dockerfile"}, "docker", "web.Dockerfile"),
        ({"context": "..", "dockerfile": "docker/web.Dockerfile"}, ".", "docker/web.Dockerfile"),
        ({"context": "../apps/web", "dockerfile": "../../docker/web.Dockerfile"},
         "apps/web", "../../docker/web.Dockerfile"),
    ],
)  # fmt: skip
def test_paths_of_a_file_in_a_subfolder_start_at_the_root(
    monorepo: Path, build: Any, context: str, dockerfile: str | None
) -> None:
    path = monorepo / "docker/compose.yaml"
    path.write_text(
        yaml.safe_dump({"services": {"web": {"build": build, "env_file": "../shared.env"}}})
    )
    found = convert(path, name="shop")
    assert found.refused == []
    service = load(found.text).services["web"]
    assert service.build == Build(context=context, dockerfile=dockerfile)
    assert service.env == {"A": "1"}
    if context != "." or dockerfile:
        work = monorepo / ".git"
        recipe = recipe_of(monorepo, service.build, "web", work, lambda _: None)
        assert recipe.context == (monorepo / context).resolve()
        assert recipe.text == b"FROM scratch\n" and not recipe.generated


def test_contexts_of_other_files_are_relative_to_these(monorepo: Path) -> None:
    path = monorepo / "docker/compose.yaml"
    path.write_text(
        "include: [../apps/api/compose.yaml]\n"
        "services:\n"
        "  web: {extends: {file: ../apps/api/compose.yaml, service: api}, build: {target: dev}}\n"
    )
    services = load(convert(path, name="shop").text).services
    assert services["api"].build == Build(context="apps/api")
    assert services["web"].build == Build(context="apps/api", target="dev")


def test_a_context_above_the_root_is_refused(monorepo: Path) -> None:
    path = monorepo / "docker/compose.yaml"
    path.write_text("services: {web: {build: ../..}, db: {image: x}}")
    assert [each.path for each in convert(path).refused] == ["services.web.build.context"]


def test_where_no_service_is_left_the_error_is_about_the_refused_key(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services: {web: {build: ../app}}")
    with pytest.raises(PortwrightError, match="outside the repository") as caught:
        convert(path)
    assert caught.value.path == "services.web.build.context"


def test_the_root_may_be_given_and_holds_the_file(monorepo: Path) -> None:
    path = monorepo / "docker/compose.yaml"
    path.write_text("services: {web: {build: .}}")
    found = convert(path, name="shop", root=monorepo / "docker")
    assert load(found.text).services["web"].build == Build(context=".")
    with pytest.raises(PortwrightError, match="outside the repository"):
        convert(path, root=monorepo / "apps")


def test_ids_of_secrets_are_as_dockerfiles_write_them() -> None:
    build = {"secrets": {"npm-token": {"secret": "T"}}, "ssh": {"git.example": {"secret": "K"}}}
    text = json.dumps({"name": "shop", "services": {"web": {"build": build}}})
    found = load(text).services["web"].build
    assert found and set(found.secrets) == {"npm-token"} and set(found.ssh) == {"git.example"}
    for bad in ("a,src=/etc/passwd", "a=b", "-a", "", "a b"):
        text = json.dumps(
            {"name": "shop", "services": {"web": {"build": {"secrets": {bad: {"secret": "T"}}}}}}
        )
        with pytest.raises(PortwrightError):
            load(text)
