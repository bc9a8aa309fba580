"""A registry's credentials as the API returns them and the page shows them, without secrets."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from jobs.models import Project, RegistryCredential
from jobs.registries import credentials
from portal.database import db
from portal.runs.shape import iso


def registries_json(project: Project) -> list[dict[str, Any]]:
    return [registry_json(each) for each in credentials(db.session, project)]


def registry_json(row: RegistryCredential) -> dict[str, Any]:
    """kind: `password`, `command`, or `none` where only a CA is set."""
    return {
        "host": row.host,
        "username": row.username,
        "kind": row.kind,
        "ca": certificates_json(row.ca or ""),
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
    }


def certificates_json(pem: str) -> list[dict[str, Any]]:
    found = x509.load_pem_x509_certificates(pem.encode()) if pem else []
    return [
        {
            "subject": each.subject.rfc4514_string(),
            "not_after": iso(each.not_valid_after_utc),
            "fingerprint": each.fingerprint(SHA256()).hex(),
        }
        for each in found
    ]
