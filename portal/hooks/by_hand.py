"""What a person types at each forge to set a hook up, where no token may do it for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ByHand:
    """place: where the form is; fields: its labels, each with what goes there."""

    place: str
    fields: list[tuple[str, str]]


PLACES = {
    "github": "the repository's Settings → Webhooks → Add webhook",
    "gitlab": "the project's Settings → Webhooks → Add new webhook",
    "gitea": "the repository's Settings → Webhooks → Add webhook → Gitea (or Forgejo)",
    "bitbucket": "Repository settings → Webhooks → Add webhook",
    "generic": "whatever sends: POST JSON to the URL, signed with the secret",
}
KEPT = "(the secret, which was shown when it was made)"


def by_hand(scheme: str, url: str, secret: str | None) -> ByHand:
    """The fields as that forge calls them. secret: None where it can't be shown any more."""
    kept = secret or KEPT
    fields = {
        "github": [
            ("Payload URL", url),
            ("Content type", "application/json"),
            ("Secret", kept),
            ("Which events", "Let me select: Pushes, Pull requests, Repositories"),
            ("Active", "yes"),
        ],
        "gitlab": [
            ("URL", url),
            ("Secret token", kept),
            ("Trigger", "Push events (all branches), Tag push events, Merge request events"),
            ("SSL verification", "enabled"),
        ],
        "gitea": [
            ("Target URL", url),
            ("HTTP method", "POST"),
            ("POST content type", "application/json"),
            ("Secret", kept),
            ("Trigger on", "Custom: Push, Pull request, Pull request synchronized"),
            ("Branch filter", "*"),
            ("Active", "yes"),
        ],
        "bitbucket": [
            ("Title", "Portwright"),
            ("URL", url),
            ("Secret", kept),
            ("Status", "Active"),
            (
                "Triggers",
                "Repository: Push, Updated; Pull request: Created, Updated, Merged, Declined",
            ),
        ],
        "generic": [
            ("URL", url),
            ("Body", '{"ref": "refs/heads/main", "after": "<40 hex digits>"}'),
            ("Content-Type", "application/json"),
            ("X-Portwright-Signature", "sha256=<HMAC-SHA256 of the body by the secret, as hex>"),
            ("X-Portwright-Delivery", "an id of its own for each; the same again makes no new run"),
            ("Secret", kept),
        ],
    }
    return ByHand(PLACES[scheme], fields[scheme])
