"""The mark in a Dockerfile by which what a build leaves can be told as ours.

The classic builder keeps each step as an image without a name, and `docker build --label` marks
only the last steps of the last stage. A label after each FROM marks all. docs/decisions/0014.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MARK = "portwright.cache"
LINE = re.compile(r"[^\n]*\n|[^\n]+")
ESCAPE = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.I)
SYNTAX = re.compile(r"#\s*syntax\s*=\s*(\S+)\s*", re.I)
FRONTEND = re.compile(r"(docker\.io/)?docker/dockerfile(-upstream)?[:@]?.*")


def marked(dockerfile: str, instance: str) -> str:
    """The Dockerfile with the mark after each FROM; as it was where that might change more:
    here-documents, which only BuildKit knows, and other languages than Dockerfile's.

    The mark is the same for all projects, so that they share their steps as before.
    """
    lines = LINE.findall(dockerfile)
    escape, syntax = directives(lines)
    if "<<" in dockerfile or not FRONTEND.fullmatch(syntax or "docker/dockerfile"):
        return dockerfile
    written = []
    for keyword, physical in instructions(lines, escape):
        written += physical
        if keyword == "FROM":
            end = "" if physical[-1].endswith("\n") else "\n"
            written.append(f"{end}LABEL {MARK}={instance}\n")
    return "".join(written)


def directives(lines: list[str]) -> tuple[str, str]:
    """The escape character, and the syntax: told by comments before everything else.
    https://docs.docker.com/reference/dockerfile/#parser-directives"""
    escape, syntax = "\\", ""
    for line in lines:
        if found := ESCAPE.fullmatch(line.strip()):
            escape = found[1]
        elif found := SYNTAX.fullmatch(line.strip()):
            syntax = found[1]
        elif not line.startswith("#"):
            break
    return escape, syntax


def instructions(lines: list[str], escape: str) -> Iterator[tuple[str, list[str]]]:
    """Each instruction's keyword with its lines; comments and empty lines before it are its."""
    physical: list[str] = []
    keyword = ""
    for line in lines:
        physical.append(line)
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        keyword = keyword or text.split(maxsplit=1)[0].upper()
        if not text.endswith(escape):
            yield keyword, physical
            physical, keyword = [], ""
    if physical:
        yield "", physical
