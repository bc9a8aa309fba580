"""What is asked of a forge's API, the same for every kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from forges.api import Api
from forges.asked import Checked, Comment, State, named
from forges.errors import Answered
from forges.events import PullRequest
from stacks.errors import PortwrightError

MOST_TEXT = 30_000
CUT = "\n\n… cut here"


class Client(ABC):
    """full_name: the repository, owner/name. number: of a pull request. commit: 40 hex digits.

    All methods raise PortwrightError: Later where the forge asks for patience, Unreachable
    where there is no answer, Answered where it refuses.
    """

    # Hidden in what is shown; a comment that begins with it is ours.
    marker = "<!-- portwright:preview -->"

    def __init__(self, api: Api) -> None:
        self.api = api

    def check(self, full_name: str = "") -> Checked:
        """Whether address and credentials do, and with full_name whether that repository does."""
        login = ""
        try:
            login = self.me()
            lacking = self.lacking(named(full_name) if full_name else "")
        except PortwrightError as error:
            return Checked(False, login, error.message, error.remedy)
        if lacking:
            return Checked(False, login, lacking, self.api.rights)
        return Checked(True, login, f"connected as {login}" if login else "connected", "")

    def comment(self, full_name: str, number: int, body: str, comment_id: str | None = None) -> str:
        """Create or change the one comment that is ours; its id, to be given the next time.

        comment_id: where it was the last time. Where that is gone, it is looked for by its
        marker among what we wrote, so that another's comment is never taken for ours.
        """
        kept = body if len(body) <= MOST_TEXT else body[: MOST_TEXT - len(CUT)] + CUT
        text = f"{self.marker}\n{kept}"
        if comment_id is not None and self.edited(full_name, number, comment_id, text):
            return comment_id
        mine = self.me()
        for each in self.comments(full_name, number):
            ours = each.body.startswith(self.marker.strip()) and each.author == (
                mine or each.author
            )
            if ours and self.edited(full_name, number, each.comment_id, text):
                return each.comment_id
        return self.add_comment(full_name, number, text)

    def edited(self, full_name: str, number: int, comment_id: str, text: str) -> bool:
        """False where it is not there any more, or not ours to change."""
        try:
            self.edit_comment(full_name, number, comment_id, text)
        except Answered as answered:
            if answered.status not in (403, 404, 410):
                raise
            return False
        return True

    @abstractmethod
    def me(self) -> str:
        """Who we are, as the author of our comments is told."""

    @abstractmethod
    def lacking(self, full_name: str) -> str:
        """What the credentials can't do there, in words; '' where nothing. full_name may be ''."""

    @abstractmethod
    def commit(self, full_name: str, ref: str) -> str:
        """All 40 digits of a commit, by a branch or its first digits."""

    def head_of(self, full_name: str, number: int, begins: str) -> str:
        """All 40 digits of a pull request's commit, by its first ones. Raises PortwrightError where
        none or more than one begins so."""
        return self.commit(full_name, begins)

    @abstractmethod
    def set_status(
        self, full_name: str, commit: str, state: State, url: str, description: str, context: str
    ) -> None:
        """Show a state at the commit. context: what it is a state of, such as portwright/production."""

    @abstractmethod
    def pull_requests(self, full_name: str) -> list[PullRequest]:
        """The open ones, as if just opened; those that can't be used (their branch's name) are left out."""

    @abstractmethod
    def comments(self, full_name: str, number: int) -> Iterator[Comment]: ...

    @abstractmethod
    def add_comment(self, full_name: str, number: int, text: str) -> str: ...

    @abstractmethod
    def edit_comment(self, full_name: str, number: int, comment_id: str, text: str) -> None: ...

    @abstractmethod
    def delete_comment(self, full_name: str, number: int, comment_id: str) -> None:
        """Also where it is gone already."""

    @abstractmethod
    def add_hook(self, full_name: str, url: str, secret: str) -> str:
        """Let the forge tell of pushes and pull requests at that URL; the hook's id."""

    @abstractmethod
    def remove_hook(self, full_name: str, hook_id: str) -> None:
        """Also where it is gone already."""
