"""What is generated for each kind of project, word for word, and in which order kinds are tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from detect_samples import DOCKERFILES, FLASK, SAMPLES, detect_files, package, snapshot, write_files

from stacks.docker.builds.detect import DETECTORS, detect, static
from stacks.errors import PortwrightError
from stacks.service_file import Static


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_builds_the_expected_dockerfile(name: str) -> None:
    assert snapshot(SAMPLES[name]) == (DOCKERFILES / name).read_text()


def test_every_expected_dockerfile_has_a_sample() -> None:
    assert {path.name for path in DOCKERFILES.iterdir()} == set(SAMPLES)


def test_kinds_are_tried_in_a_fixed_order() -> None:
    names = ["Ruby", "PHP", "Elixir", ".NET", "Java", "Go", "Rust", "Deno"]
    names += ["Python", "Node", "Hugo", "static files"]
    assert [kind.name for kind in DETECTORS] == names


MARKERS = {
    "Ruby": {"Gemfile": "", "config.ru": ""},
    "PHP": {"index.php": ""},
    "Elixir": {"mix.exs": "app: :shop"},
    ".NET": {"Shop.csproj": ""},
    "Java": {"pom.xml": ""},
    "Go": {"go.mod": "module x", "main.go": "package main"},
    "Rust": {"Cargo.toml": "[package]\nname = 'x'", "src/main.rs": ""},
    "Deno": {"deno.json": "{}"},
    "Python": {"requirements.txt": ""},
    "Node": {"package.json": "{}"},
    "Hugo": {"hugo.toml": ""},
    "static files": {"index.html": ""},
}


@pytest.mark.parametrize("position", range(len(DETECTORS)))
def test_earlier_kind_wins_over_all_later_ones(position: int) -> None:
    later = [kind.name for kind in DETECTORS[position:]]
    files = {name: text for kind in later for name, text in MARKERS[kind].items()}
    assert detect_files(files).found.lower().startswith(later[0].lower())


def test_second_kind_is_mentioned_unless_it_is_built_too() -> None:
    both = detect_files({"requirements.txt": "", "package.json": "{}", "index.html": ""})
    assert sum("package.json (Node) is not used" in notice for notice in both.notices) == 1
    assert not any("index.html" in notice for notice in both.notices)
    rails = detect_files(SAMPLES["ruby-rails"])
    assert rails.notices == ()


@pytest.mark.parametrize(("service", "line"), [("worker", "run worker"), ("other", "run web")])
def test_procfile_gives_the_command_of_the_service(service: str, line: str) -> None:
    files = {"requirements.txt": "", "Procfile": "web: run web\r\nworker: run worker\r\n"}
    assert f'CMD ["/bin/sh", "-c", "{line}"]' in detect_files(files, service).dockerfile


def test_service_chooses_the_program_of_a_go_module() -> None:
    assert "-o /out/bin/shop ./cmd/jobs" in detect_files(SAMPLES["go"], "jobs").dockerfile
    with pytest.raises(PortwrightError) as caught:
        detect_files(SAMPLES["go"], "other")
    assert "cmd/jobs, cmd/web" in caught.value.message and caught.value.path == "build"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"package.json": "[]"},
        {"package.json": "no json"},
        {"package.json": "[" * 100_000},
        {"pyproject.toml": "x = " + "[" * 100_000},
        {"mix.exs": ""},
        {"go.mod": "module x"},
        {"Cargo.toml": "[workspace]"},
        {"package.json": package(deps=["@sveltejs/kit"])},
    ],
)
def test_unusable_folder_fails_with_a_remedy(files: dict[str, str]) -> None:
    with pytest.raises(PortwrightError) as caught:
        detect_files(files)
    assert caught.value.path == "build" and caught.value.remedy


def test_missing_start_command_is_a_notice() -> None:
    detected = detect_files({"requirements.txt": "flask"})
    assert "CMD" not in detected.dockerfile
    assert any("start command" in notice for notice in detected.notices)


@pytest.mark.parametrize("link", ["file", "folder"])
def test_links_are_not_followed(tmp_path: Path, link: str) -> None:
    outside = write_files(tmp_path / "outside", {"Procfile": "web: cat secret", "app.py": FLASK})
    inside = write_files(tmp_path / "inside", {"requirements.txt": "flask"})
    if link == "file":
        (inside / "Procfile").symlink_to(outside / "Procfile")
        (inside / "app.py").symlink_to("../outside/app.py")
    else:
        (outside / "main.py").write_text(FLASK)
        (inside / "app").symlink_to(outside)
    assert "CMD" not in detect(inside, "web").dockerfile


def test_large_files_are_not_read() -> None:
    line = "web: run\n"
    files = {"requirements.txt": "", "Procfile": line + "#" * 300_000}
    assert "CMD" not in detect_files(files).dockerfile
    assert "CMD" in detect_files({**files, "Procfile": line}).dockerfile


def test_wrapper_returns_text_and_reason(tmp_path: Path) -> None:
    write_files(tmp_path, {"index.html": ""})
    made = detect(tmp_path, "web")
    text, found = made.dockerfile, made.found
    assert text == static(Static(folder=".")) and found == "Static files: index.html"


def test_static_service_has_a_fallback_and_hides_dotfiles() -> None:
    text = static(Static(folder="public", fallback="404.html"))
    assert "try_files $uri $uri/ /404.html;" in text
    assert r"location ~ /\. { return 404; }" in text and "\nUSER nginx\n" in text


def test_a_volume_belongs_to_the_user_of_the_image(tmp_path: Path) -> None:
    write_files(tmp_path, {"requirements.txt": "", "app.py": "print()"})
    made = detect(tmp_path, "web", ["/data", "/var/lib/shop"])
    lines = made.dockerfile.splitlines()
    user = lines.index("USER app")
    assert lines[user - 1] == "RUN install -d -o app /data /var/lib/shop"
    assert any("not as root" in each for each in made.notices)
    assert "install -d -o app /data" not in detect(tmp_path, "web").dockerfile


@pytest.mark.parametrize("path", ["data", "/a b", "/a\nUSER root", "/$(id)", ""])
def test_a_volume_is_a_plain_path(tmp_path: Path, path: str) -> None:
    write_files(tmp_path, {"requirements.txt": "", "app.py": "print()"})
    with pytest.raises(ValueError, match="not plain paths"):
        detect(tmp_path, "web", [path])
