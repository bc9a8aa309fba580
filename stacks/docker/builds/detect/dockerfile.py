"""Writing a Dockerfile, one instruction a line. No text can become a second instruction."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

INSTRUCTION = re.compile(r"(FROM|RUN|COPY|ENV|WORKDIR|USER|EXPOSE|ENTRYPOINT|CMD) [ -~]*[!-\[\]-~]")
RUNTIME = "debian:trixie-slim"


class Dockerfile:
    """A Dockerfile in the making. Whatever a repository says must pass an allowlist or `cmd`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *instructions: str) -> None:
        """Append instructions; raises ValueError for one that is not a single plain line."""
        for instruction in instructions:
            if not INSTRUCTION.fullmatch(instruction):
                raise ValueError(f"not a single plain instruction: {instruction!r}")
        self.lines += instructions

    def stage(self, image: str, name: str = "") -> None:
        """Start a stage."""
        if self.lines:
            self.lines.append("")
        self.add(f"FROM {image} AS {name}" if name else f"FROM {image}")

    def run(self, *commands: str, caches: Sequence[str] = ()) -> None:
        """Run commands, with these folders kept between builds."""
        mounts = "".join(f"--mount=type=cache,target={folder} " for folder in caches)
        self.add(f"RUN {mounts}{' && '.join(commands)}")

    def install(self, packages: Sequence[str]) -> None:
        """Install Debian packages, where there are any."""
        if packages:
            names = " ".join(sorted(set(packages)))
            self.run(
                "apt-get update",
                f"apt-get install -y --no-install-recommends {names}",
                "rm -rf /var/lib/apt/lists/*",
            )

    def env(self, **values: str) -> None:
        """Set variables, where there are any."""
        if values:
            self.add("ENV " + " ".join(f"{name}={value}" for name, value in values.items()))

    def app_user(self) -> None:
        """Create the user `app`, whose home `/app` is the working directory."""
        # Images often have a user 1000 of their own.
        self.run("useradd --uid 10001 --home-dir /app app", "install -d -o app -g app /app")
        self.add("WORKDIR /app")

    def heredoc(self, path: str, content: str) -> None:
        """Write a file of fixed content; raises ValueError where it could end the heredoc."""
        if "EOF" in content.splitlines():
            raise ValueError("the content ends its own heredoc")
        self.lines += [f'COPY <<"EOF" {path}', *content.splitlines(), "EOF"]

    def cmd(self, argv: Sequence[str]) -> None:
        """Set the command in exec form. JSON escapes whatever the arguments hold."""
        self.add(f"CMD {json.dumps(list(argv))}")

    def text(self) -> str:
        """Return the whole file."""
        return "\n".join(self.lines) + "\n"


def shell(command: str) -> list[str]:
    """Return the arguments that run a command in a shell, for `$PORT` and Procfile lines."""
    return ["/bin/sh", "-c", command]
