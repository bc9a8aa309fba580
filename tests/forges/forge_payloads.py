"""Small payloads in the shapes that each forge publishes: the fields that are read, and one that is not.

GitHub: https://docs.github.com/en/webhooks/webhook-events-and-payloads
GitLab: https://docs.gitlab.com/user/project/integrations/webhook_events/
Gitea: modules/structs/hook.go of v1.26.0
Bitbucket: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
"""

from __future__ import annotations

import copy
from typing import Any

A, B, NONE = "a" * 40, "b" * 40, "0" * 40
Json = dict[str, Any]


def changed(payload: Json, **fields: object) -> Json:
    """A copy with other values; `__` goes a level down."""
    new = copy.deepcopy(payload)
    for path, value in fields.items():
        *way, last = path.split("__")
        node = new
        for name in way:
            node = node[name]
        node[last] = value
    return new


def commit(sha: str, message: str, **paths: list[str]) -> Json:
    return {"id": sha, "message": message, "added": [], "removed": [], "modified": [], **paths}


def repository(host: str, name: str = "alice/shop", number: int = 7) -> Json:
    page = f"https://{host}/{name}"
    return {
        "id": number,
        "full_name": name,
        "clone_url": f"{page}.git",
        "html_url": page,
        "private": True,
    }


def hub_push(host: str) -> Json:
    """GitHub's and Gitea's."""
    return {
        "ref": "refs/heads/main",
        "before": A,
        "after": B,
        "commits": [
            commit(A, "first", added=["web/app.py"]),
            commit(B, "second", removed=["old.txt"], modified=["web/app.py", "docs/a b.md"]),
        ],
        "head_commit": commit(B, "second"),
        "repository": repository(host),
        "pusher": {"name": "alice"},
    }


def hub_pull_request(host: str, action: str = "opened") -> Json:
    there = repository(host)
    return {
        "action": action,
        "number": 5,
        "pull_request": {
            "number": 5,
            "title": "Say hello",
            "html_url": f"https://{host}/alice/shop/pull/5",
            "user": {"login": "bob"},
            "head": {"ref": "hello", "sha": B, "repo": there},
            "base": {"ref": "main", "sha": A, "repo": there},
            "merged": False,
        },
        "repository": there,
    }


GITHUB_PUSH: Json = {**hub_push("github.com"), "forced": False, "deleted": False}
GITHUB_PULL_REQUEST = hub_pull_request("github.com")
GITEA_PUSH: Json = {**hub_push("git.example.org"), "total_commits": 2}
GITEA_PULL_REQUEST = hub_pull_request("git.example.org")

GITLAB_PROJECT: Json = {
    "id": 15,
    "path_with_namespace": "group/sub/shop",
    "git_http_url": "https://gitlab.com/group/sub/shop.git",
    "web_url": "https://gitlab.com/group/sub/shop",
}
GITLAB_PUSH: Json = {
    "object_kind": "push",
    "ref": "refs/heads/main",
    "before": A,
    "after": B,
    "checkout_sha": B,
    "project": GITLAB_PROJECT,
    "commits": [commit(A, "first", added=["web/app.py"]), commit(B, "second\n\nmore")],
    "total_commits_count": 2,
}
GITLAB_MERGE_REQUEST: Json = {
    "object_kind": "merge_request",
    "user": {"username": "bob"},
    "project": GITLAB_PROJECT,
    "object_attributes": {
        "iid": 5,
        "title": "Say hello",
        "action": "open",
        "url": "https://gitlab.com/group/sub/shop/-/merge_requests/5",
        "source_branch": "hello",
        "target_branch": "main",
        "source_project_id": 15,
        "target_project_id": 15,
        "last_commit": {"id": B},
        "source": GITLAB_PROJECT,
    },
    "changes": {},
}


def bitbucket_repository(name: str = "alice/shop") -> Json:
    return {
        "full_name": name,
        "type": "repository",
        "links": {"html": {"href": f"https://bitbucket.org/{name}"}},
    }


def target(name: str, sha: str, kind: str = "branch", message: str = "second") -> Json:
    return {"type": kind, "name": name, "target": {"hash": sha, "message": message}}


BITBUCKET_PUSH: Json = {
    "actor": {"nickname": "alice"},
    "repository": bitbucket_repository(),
    "push": {
        "changes": [
            {"old": target("main", A), "new": target("main", B), "forced": False},
            {"old": target("gone", A), "new": None},
            {"old": None, "new": target("v1", B, "tag")},
        ]
    },
}
BITBUCKET_PULL_REQUEST: Json = {
    "pullrequest": {
        "id": 5,
        "title": "Say hello",
        "author": {"nickname": "bob"},
        "source": {
            "branch": {"name": "hello"},
            "commit": {"hash": B[:12]},
            "repository": bitbucket_repository(),
        },
        "destination": {"branch": {"name": "main"}, "repository": bitbucket_repository()},
        "links": {"html": {"href": "https://bitbucket.org/alice/shop/pull-requests/5"}},
    },
    "repository": bitbucket_repository(),
}
