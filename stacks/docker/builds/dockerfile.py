"""Which frontend reads a Dockerfile: BuildKit's built-in one, or the image its `syntax` line names.

The built-in one is as good for the official frontend's stable versions, and needs no download.
Everything else about a Dockerfile is BuildKit's to parse.
"""

from __future__ import annotations

import json
import re

# The version of docker/dockerfile that BuildKit 0.34 has built in.
BUILT_IN = 27
# As BuildKit reads directives: frontend/dockerfile/parser/directives.go.
DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
KNOWN = ("syntax", "escape", "check")
STABLE = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?::(?:latest|1|1\.(?P<minor>\d+)(?:\.\d+)?))?"
)


def needs_download(dockerfile: bytes) -> bool:
    """Return whether BuildKit has to fetch the frontend that the Dockerfile asks for."""
    wanted = syntax_of(dockerfile)
    if wanted is None:
        return False
    stable = STABLE.fullmatch(wanted)
    return stable is None or int(stable["minor"] or 0) > BUILT_IN


def syntax_of(dockerfile: bytes) -> str | None:
    """Return the image that a `# syntax=` line names, None where there is none."""
    text = dockerfile.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    if text.startswith("#!"):
        text = text.partition("\n")[2]
    for comment in ("#", "//"):
        if found := directive(text, comment):
            return found
    try:
        told = json.loads(text)
    except ValueError:
        return None
    value = told.get("syntax") if isinstance(told, dict) else None
    return value if isinstance(value, str) else None


def directive(text: str, comment: str) -> str | None:
    """The first comments are directives, up to one that is none."""
    for line in text.split("\n"):
        rest = line.removesuffix("\r")
        found = rest.startswith(comment) and DIRECTIVE.fullmatch(rest[len(comment) :].lstrip())
        if not found or found[1].lower() not in KNOWN:
            return None
        if found[1].lower() == "syntax":
            return found[2].partition(" ")[0]
    return None
