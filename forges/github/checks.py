"""Check runs, which only an App can write. https://docs.github.com/en/rest/checks/runs"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from forges.api import Api
from forges.asked import State

RUNNING: dict[State, str] = {"pending": "queued", "running": "in_progress"}
CONCLUSIONS: dict[State, str] = {
    "success": "success", "failure": "failure", "cancelled": "cancelled",
}  # fmt: skip


def show(
    api: Api, name: str, sha: str, state: State, url: str, description: str, context: str
) -> None:
    """Change the run of that name that is not at its end yet, else begin one."""
    body: dict[str, Any] = {
        "name": context,
        "details_url": url,
        "output": {"title": description or context, "summary": description or context},
    }
    if state in RUNNING:
        body["status"] = RUNNING[state]
    else:
        body.update(status="completed", conclusion=CONCLUSIONS[state])
    given = f"check_name={quote(context, safe='')}&filter=latest&per_page=20"
    told = api.read("GET", f"/repos/{name}/commits/{sha}/check-runs?{given}")
    for run in told.at("check_runs").items():
        if run.at("name").value == context and run.at("status").value != "completed":
            api.call("PATCH", f"/repos/{name}/check-runs/{run.at('id').identity()}", body)
            return
    api.call("POST", f"/repos/{name}/check-runs", {**body, "head_sha": sha})
