"""A client for a kind of forge at an address."""

from __future__ import annotations

import re

from forges.bitbucket.client import Bitbucket
from forges.client import Client
from forges.credentials import Credentials, Token
from forges.fetch import Fetcher
from forges.gitea.client import Gitea
from forges.github.client import GitHub
from forges.gitlab.client import GitLab
from forges.registry import forge
from stacks.errors import PortwrightError

PUBLIC = {
    "github.com": "https://api.github.com",
    "bitbucket.org": "https://api.bitbucket.org/2.0",
}
# Below the address of its pages.
PATHS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}
ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.\[\]:_-]+)/.*")


def client(kind: str, api_url: str, credentials: Credentials, fetcher: Fetcher) -> Client:
    """Raises PortwrightError for a kind without an API, or credentials that it does not take."""
    title = forge(kind).title
    if kind == "github":
        return GitHub(api_url, credentials, fetcher)
    if not isinstance(credentials, Token):
        raise PortwrightError(
            f"{title} has no Apps", remedy="give an access token", path="credentials"
        )
    if kind == "gitlab":
        return GitLab(api_url, credentials, fetcher)
    if kind == "gitea":
        return Gitea(api_url, credentials, fetcher)
    if kind == "bitbucket":
        return Bitbucket(api_url, credentials, fetcher)
    raise PortwrightError(
        "a forge of any other kind has no API that is known",
        remedy="set its hook by hand; states and comments are not shown there",
        path="kind",
    )


def api_url_of(kind: str, repository: str) -> str:
    """Where the API of a repository's forge is by its documentation; '' where that is not known."""
    found = ORIGIN.fullmatch(repository)
    if found is None:
        return ""
    scheme, host = found.groups()
    if host in PUBLIC:
        return PUBLIC[host]
    return f"{scheme}://{host}{PATHS[kind]}" if kind in PATHS else ""
