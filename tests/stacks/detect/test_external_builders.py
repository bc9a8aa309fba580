"""Nixpacks and Railpack as programs of the host: what they may read, and what they may hand on.

The programs are small scripts that behave as the real ones do towards Portwright.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stacks import parse
from stacks.docker.builds import external
from stacks.docker.builds.external import nixpacks, pack, railpack
from stacks.errors import PortwrightError

Install = Callable[[str, str], None]
NIXPACKS = """
case "$1" in
--version) echo "nixpacks 1.41.0" ;;
plan) cat "$PWD/plan.json" ;;
build) mkdir -p .nixpacks; printf '%s ' "$@" > .nixpacks/argv; env > .nixpacks/env
       echo "FROM scratch" > .nixpacks/Dockerfile ;;
esac
"""
RAILPACK = """
case "$1" in
--version) echo "railpack version VERSION" ;;
prepare) while [ "$1" != --plan-out ]; do shift; done; echo '{"steps": []}' > "$2" ;;
esac
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a program into a folder of its own, which comes first in PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("PORTWRIGHT_TOKEN", "secret")
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")

    def program(name: str, script: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)

    return program


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "web"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text("")
    (folder / "plan.json").write_text(json.dumps({"variables": {"PYTHONUNBUFFERED": "1"}}))
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def refusal(build: Callable[..., object], context: Path, work: Path) -> PortwrightError:
    with pytest.raises(PortwrightError) as caught:
        build(context, work, {})
    assert caught.value.remedy
    return caught.value


def test_nixpacks_writes_a_dockerfile_into_a_copy(
    install: Install, context: Path, work: Path
) -> None:
    install("nixpacks", NIXPACKS)
    prepared = nixpacks(context, work, {"FLAVOUR": "plain; rm -rf /"})
    assert prepared.version == "1.41.0" and prepared.frontend is None
    assert prepared.definition.read_text() == "FROM scratch\n"
    assert prepared.build_args == {"PYTHONUNBUFFERED": "1"}
    assert prepared.context.is_relative_to(work) and (prepared.context / "app.py").exists()
    assert not (context / ".nixpacks").exists()
    argv = (prepared.context / ".nixpacks" / "argv").read_text()
    assert "--cache-key portwright" in argv and "--env FLAVOUR=plain; rm -rf /" in argv


def test_builder_gets_no_environment(install: Install, context: Path, work: Path) -> None:
    install("nixpacks", NIXPACKS)
    environment = (nixpacks(context, work, {}).context / ".nixpacks" / "env").read_text()
    assert "secret" not in environment and "docker.sock" not in environment
    assert f"HOME={work / 'home'}" in environment


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "loop"])
def test_link_out_of_the_context_is_refused(
    install: Install, context: Path, work: Path, target: str
) -> None:
    install("nixpacks", NIXPACKS)
    (context.parent / "secret").write_text("secret")
    (context / "loop").symlink_to(target)
    error = refusal(nixpacks, context, work)
    assert error.path == "build.context" and "'loop'" in error.message


def test_link_inside_the_context_stays_a_link(install: Install, context: Path, work: Path) -> None:
    install("nixpacks", NIXPACKS)
    (context / "main.py").symlink_to("app.py")
    assert (nixpacks(context, work, {}).context / "main.py").is_symlink()


@pytest.mark.parametrize(
    "variables", [{"BUILDKIT_SYNTAX": "evil"}, {"buildkit_x": "1"}, {"A=B": "1"}, {"A\nB": "1"}]
)
def test_nixpacks_toml_cannot_steer_buildkit(
    install: Install, context: Path, work: Path, variables: dict[str, str]
) -> None:
    install("nixpacks", NIXPACKS)
    (context / "plan.json").write_text(json.dumps({"variables": variables}))
    assert "must not set" in refusal(nixpacks, context, work).message


@pytest.mark.parametrize("plan", ["", "[]", "[" * 100_000, '{"variables": [1]}'])
def test_plan_that_is_not_json_is_refused(
    install: Install, context: Path, work: Path, plan: str
) -> None:
    install("nixpacks", NIXPACKS)
    (context / "plan.json").write_text(plan)
    assert "not valid JSON" in refusal(nixpacks, context, work).message


def test_dockerfile_that_is_a_link_is_refused(install: Install, context: Path, work: Path) -> None:
    build = "mkdir -p .nixpacks; ln -s /etc/passwd .nixpacks/Dockerfile"
    install(
        "nixpacks", f'case "$1" in build) {build} ;; plan) echo "{{}}" ;; *) echo 1.2.3 ;; esac'
    )
    assert "a usable Dockerfile" in refusal(nixpacks, context, work).message


def test_failure_shows_the_first_line_without_control_characters(
    install: Install, context: Path, work: Path
) -> None:
    failing = r"printf '\033[31mError: \007no plan\033[0m\nsecond\n' >&2; exit 1"
    install("nixpacks", f'case "$1" in --version) echo 1.2.3 ;; *) {failing} ;; esac')
    error = refusal(nixpacks, context, work)
    assert error.message == "nixpacks failed: Error: no plan"


def test_builder_that_hangs_is_killed_with_its_children(
    install: Install, context: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "SECONDS", 1.0)
    install("nixpacks", 'case "$1" in --version) echo 1.2.3 ;; *) sleep 60 & wait ;; esac')
    assert "did not finish within 1 seconds" in refusal(nixpacks, context, work).message


def test_railpack_builds_by_the_frontend_of_its_version(
    install: Install, context: Path, work: Path
) -> None:
    install("railpack", RAILPACK.replace("VERSION", "0.37.0"))
    prepared = railpack(context, work, {})
    assert prepared.frontend == "ghcr.io/railwayapp/railpack-frontend:v0.37.0"
    assert prepared.definition.name == "railpack-plan.json"
    assert json.loads(prepared.definition.read_text()) == {"steps": []}
    assert not prepared.definition.is_relative_to(prepared.context)


def test_old_railpack_is_refused(install: Install, context: Path, work: Path) -> None:
    install("railpack", RAILPACK.replace("VERSION", "0.36.0"))
    assert "run commands on the host" in refusal(railpack, context, work).message


def test_missing_program_is_named(install: Install, context: Path, work: Path) -> None:
    assert "railpack is not installed" in refusal(railpack, context, work).message


def test_program_without_a_version_is_refused(install: Install, context: Path, work: Path) -> None:
    install("railpack", "echo dev")
    assert "does not print a version" in refusal(railpack, context, work).message


def test_pack_is_refused_with_the_reason(context: Path, work: Path) -> None:
    assert "Docker daemon" in refusal(pack, context, work).message


@pytest.mark.parametrize(
    ("build", "words"),
    [
        ("{builder: pack}", "Docker daemon"),
        ("{builder: heroku}", "builder"),
        ("{builder: nixpacks, dockerfile: Dockerfile}", "beside dockerfile"),
        ("{builder: railpack, target: prod}", "beside dockerfile"),
        ("{builder: railpack, secrets: {a: {secret: A}}}", "beside dockerfile"),
    ],
)
def test_project_file_refuses_what_no_builder_can_do(build: str, words: str) -> None:
    with pytest.raises(PortwrightError) as caught:
        parse.load(f"name: shop\nservices: {{web: {{build: {build}}}}}\n")
    assert "services.web.build" in str(caught.value) and words in str(caught.value)


def test_project_file_takes_a_builder() -> None:
    text = "name: shop\nservices: {web: {build: {builder: nixpacks, args: {A: b}}}}\n"
    build = parse.load(text).services["web"].build
    assert build is not None and build.builder == "nixpacks"
