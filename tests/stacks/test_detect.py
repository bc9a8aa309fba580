"""A Dockerfile for a folder that has none: what is found, and whose text never gets in."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from stacks.docker.builds.detect import dockerfile_for, static
from stacks.errors import PortwrightError
from stacks.service_file import Static


def made(folder: Path, files: dict[str, str], service: str = "web") -> tuple[str, str]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return dockerfile_for(folder, service)


@pytest.mark.parametrize(
    ("files", "found", "parts"),
    [
        ({"requirements.txt": "flask", "app.py": ""}, "requirements.txt",
         ["FROM python:3.11", "install --no-cache-dir -r requirements.txt", 'CMD ["python3", "app.py"]']),
        ({"pyproject.toml": "[project]", "main.py": ""}, "pyproject.toml",
         ["install --no-cache-dir .", 'CMD ["python3", "main.py"]']),
        ({"package.json": '{"scripts": {"start": "x", "build": "y"}, "dependencies": {"a": "1"}}',
          "package-lock.json": "{}"}, "package.json",
         ["FROM node:18", "RUN npm ci", "RUN npm run build", 'CMD ["npm", "start"]']),
        ({"package.json": "{}", "server.js": ""}, "package.json", ['CMD ["node", "server.js"]']),
        ({"index.html": "", "package.json": "{}", "requirements.txt": ""}, "requirements.txt", ["FROM python"]),
        ({"index.html": ""}, "index.html", ["FROM nginx:1.22", "COPY . /srv"]),
    ],
)  # fmt: skip
def test_what_is_found(tmp_path: Path, files: dict[str, str], found: str, parts: list[str]) -> None:
    text, by = made(tmp_path, files)
    assert by == found
    assert all(part in text for part in parts), text


def test_without_dependencies_nothing_is_installed(tmp_path: Path) -> None:
    text, _ = made(tmp_path, {"requirements.txt": "\n", "app.py": ""})
    assert "pip" not in text.replace("PIP_", "")


@pytest.mark.parametrize(("service", "line"), [("worker", "run worker"), ("other", "run web")])
def test_a_procfile_gives_the_command(tmp_path: Path, service: str, line: str) -> None:
    files = {"requirements.txt": "", "Procfile": "web: run web\nworker: run worker\n"}
    assert json.dumps(["/bin/sh", "-c", line]) in made(tmp_path, files, service)[0]


def test_a_line_of_a_procfile_stays_one_instruction(tmp_path: Path) -> None:
    files = {"requirements.txt": "", "Procfile": 'web: a "b" \\\rRUN evil\n'}
    text, _ = made(tmp_path, files)
    assert [line for line in text.splitlines() if line.startswith("RUN evil")] == []
    assert sum(line.startswith("CMD ") for line in text.splitlines()) == 1


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("web: cat /etc/shadow")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "Procfile").symlink_to("../secret")
    assert "shadow" not in made(folder, {"requirements.txt": ""})[0]


@pytest.mark.parametrize("files", [{}, {"package.json": "[]"}, {"package.json": "no json"}])
def test_nothing_known_is_told_with_what_to_do(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(PortwrightError) as caught:
        made(tmp_path, files)
    assert caught.value.path == "build" and caught.value.remedy


def test_static_files_answer_a_fallback_and_hide_dotfiles() -> None:
    encoded = static(Static(folder="public", fallback="404.html")).split("echo ")[1].split(" |")[0]
    conf = base64.b64decode(encoded).decode()
    assert "try_files $uri $uri/ /404.html;" in conf and r"location ~ /\. { return 404; }" in conf
