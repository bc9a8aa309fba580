"""The failure a person meets at the command line: what, where, and what to do."""

from __future__ import annotations

import click

from cli.show import problem


class Failure(click.ClickException):
    """A cause and a remedy; ends the command with exit code 1."""

    def __init__(self, message: str, remedy: str = "", path: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
        self.path = path

    def show(self, file: object = None) -> None:
        problem(self.message, self.remedy, self.path)
