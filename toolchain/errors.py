"""The one error of this room: what failed, why, and what to do about it."""


class ToolchainError(Exception):
    """A failure a person can act on; `str()` is three plain lines."""

    def __init__(self, what: str, why: str, remedy: str) -> None:
        super().__init__(what, why, remedy)
        self.what = what
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  why: {self.why}\n  remedy: {self.remedy}"
