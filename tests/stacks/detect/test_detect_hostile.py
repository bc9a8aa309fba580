"""Whatever a repository says, it adds no instruction and stays inside the command."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from detect_samples import FLASK, Files, detect_files, package
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stacks.docker.builds.detect.dockerfile import Dockerfile
from stacks.errors import PortwrightError

MARK = ";EVIL\nRUN EVIL"
TEXT = st.text(st.sampled_from("ab1.2-_/ \\'\"$`{}()<>|&;#=,^~*\n\r\t\x00\x1bé\u2028"), max_size=20)
# With and without a line break, which many patterns stop at.
MARKS = st.sampled_from([MARK, ";EVIL", " EVIL "])
HOSTILE = st.builds(lambda before, mark, after: before + mark + after, TEXT, MARKS, TEXT)
KEYWORDS = {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD"}


def toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def file_name(text: str) -> str:
    return text.replace("/", "_").replace("\0", "_")[:80]


# Each writes a project whose one value comes from the repository's author.
POINTS: dict[str, Callable[[str], Files]] = {
    "Procfile": lambda x: {"requirements.txt": "", "Procfile": f"web: {x}"},
    ".python-version": lambda x: {"requirements.txt": "", ".python-version": f"3.12{x}"},
    "runtime.txt": lambda x: {"requirements.txt": "", "runtime.txt": f"python-{x}"},
    "requires-python": lambda x: {"pyproject.toml": f"[project]\nrequires-python = {toml(x)}\n"},
    "poetry python": lambda x: {
        "pyproject.toml": f"[tool.poetry.dependencies]\npython = {toml(x)}\n"
    },
    "requirement": lambda x: {"requirements.txt": f"flask\n{x}\n", "app.py": FLASK},
    "script": lambda x: {
        "pyproject.toml": f"[build-system]\n[project.scripts]\n{toml(x)} = 'x'\n"
    },
    "settings": lambda x: {
        "requirements.txt": "django",
        "manage.py": f"f('DJANGO_SETTINGS_MODULE', {x!r})",
        "shop/wsgi.py": "",
    },
    "engines": lambda x: {"package.json": package(engines={"node": f"20{x}"})},
    "packageManager": lambda x: {"package.json": package(deps=["a"], packageManager=f"pnpm@9{x}")},
    "start": lambda x: {"package.json": package(scripts={"start": f"node {x}"})},
    "main": lambda x: {"package.json": package(main=x), file_name(x): ""},
    "dependency": lambda x: {"package.json": package(deps=[x, "next"]), "server.js": ""},
    "outDir": lambda x: {
        "package.json": package(deps=["vite"], scripts={"build": "x"}),
        "vite.config.js": f"outDir: '{x}'",
    },
    ".nvmrc": lambda x: {"package.json": "{}", ".nvmrc": f"20{x}"},
    "lock file": lambda x: {"package.json": package(deps=["a"]), "pnpm-lock.yaml": f"lockfileVersion: {x}"},
    "module": lambda x: {"go.mod": f"module x/{x}\ngo 1.2{x}", "main.go": "package main"},
    "go command": lambda x: {"go.mod": "module x", f"cmd/{file_name(x)}/main.go": "package main"},
    "Gemfile": lambda x: {"Gemfile": f"ruby '3{x}'\ngem 'puma{x}'", "config.ru": ""},
    ".ruby-version": lambda x: {"Gemfile": "", ".ruby-version": f"3.3{x}", "config.ru": ""},
    "php": lambda x: {"composer.json": json.dumps({"require": {"php": f"8.2{x}", f"ext-{x}": "*"}})},
    "pom.xml": lambda x: {"pom.xml": f"<java.version>17{x}</java.version>"},
    "system.properties": lambda x: {"pom.xml": "", "system.properties": f"java.runtime.version=17{x}"},
    "crate": lambda x: {"Cargo.toml": f"[package]\nname = {toml(x)}\n", "src/main.rs": ""},
    "channel": lambda x: {
        "Cargo.toml": "[[bin]]\nname = 'x'\n",
        "rust-toolchain.toml": f"toolchain.channel = {toml('1.80' + x)}",
    },
    "member": lambda x: {"Cargo.toml": f"[workspace]\nmembers = [{toml(x)}]", "src/main.rs": ""},
    "project": lambda x: {f"{file_name(x)}.csproj": "", "Shop.csproj": ""},
    "assembly": lambda x: {"Shop.csproj": f"<AssemblyName>a{x}</AssemblyName><TargetFramework>net8.0{x}"},
    "app": lambda x: {"mix.exs": f'app: :shop{x}, elixir: "1.18{x}"'},
    "task": lambda x: {"deno.json": json.dumps({"tasks": {"start": x, x: "start"}})},
}  # fmt: skip


def instructions(dockerfile: str) -> list[str]:
    """Return the instructions by Docker's line rule; heredocs and empty lines are not counted."""
    found, ends = [], ""
    for line in dockerfile.split("\n"):
        if ends:
            ends = "" if line == ends else ends
        elif line:
            found.append(line)
            ends = "EOF" if '<<"EOF"' in line else ""
    assert not ends
    return found


@pytest.mark.parametrize("point", POINTS)
@given(hostile=HOSTILE)
@example(hostile=MARK)
@example(hostile=";EVIL")
@example(hostile="\\\nRUN EVIL" + MARK)
@example(hostile="'; EVIL" + MARK)
@example(hostile=" <<EOF" + MARK + "\nEOF\nRUN EVIL")
@settings(max_examples=40)
def test_hostile_text_adds_no_instruction(point: str, hostile: str) -> None:
    try:
        lines = instructions(detect_files(POINTS[point](hostile)).dockerfile)
    except (PortwrightError, UnicodeEncodeError):
        return
    for line in lines:
        keyword, _, rest = line.partition(" ")
        assert keyword in KEYWORDS
        assert not line.endswith("\\")
        if keyword in ("CMD", "ENTRYPOINT"):
            assert all(isinstance(word, str) for word in json.loads(rest))
        else:
            assert "EVIL" not in line


@pytest.mark.parametrize(
    "point", ["Procfile", "start", "requirement", "engines", ".nvmrc", "module"]
)
@given(hostile=HOSTILE)
@settings(max_examples=40)
def test_number_of_instructions_does_not_depend_on_text(point: str, hostile: str) -> None:
    # A line break ends a Procfile's line; the command itself must not be empty.
    plain = detect_files(POINTS[point]("x"))
    evil = detect_files(POINTS[point]("x" + hostile))
    assert len(instructions(evil.dockerfile)) == len(instructions(plain.dockerfile))


@pytest.mark.parametrize(
    "instruction",
    ["RUN a\nRUN b", "RUN a\\", "RUN \x1b", "RUN é", "ADD http://x /", "run a", "RUN "],
)
def test_writer_refuses_what_is_not_one_plain_instruction(instruction: str) -> None:
    with pytest.raises(ValueError, match="single plain instruction"):
        Dockerfile().add(instruction)


def test_writer_refuses_content_that_ends_its_heredoc() -> None:
    with pytest.raises(ValueError, match="heredoc"):
        Dockerfile().heredoc("/a", "b\nEOF\nRUN c")
