"""Why a forge could not be asked: each also says it in words, with a remedy."""

from __future__ import annotations

from stacks.errors import PortwrightError

LONGEST_WAIT = 3600


class Unreachable(PortwrightError):
    """No answer: its name, its address, its certificate or the network."""


class Answered(PortwrightError):
    """An answer that is a refusal. status: HTTP's."""

    def __init__(self, status: int, message: str, *, remedy: str, path: str = "") -> None:
        super().__init__(message, remedy=remedy, path=path)
        self.status = status


class Later(PortwrightError):
    """The forge asks for patience. seconds: 1 to 3600 until it may be asked again."""

    def __init__(self, seconds: float, status: int) -> None:
        """status: the answer's, 429 or 403 for a limit, else of a forge that is not well."""
        self.seconds = max(1, min(int(seconds), LONGEST_WAIT))
        limit = status in (403, 429)
        message = (
            "the forge limits how often it is asked" if limit else f"the forge answers {status}"
        )
        super().__init__(message, remedy=f"it is asked again in {self.seconds} s")


class Ambiguous(PortwrightError):
    """More than one thing fits what was told: asking again does not help."""
