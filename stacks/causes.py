"""Why each service changes, in words, from two Specs."""

from __future__ import annotations

from stacks.spec import ServiceSpec, Spec, secrets_in


def why(current: Spec | None, wanted: Spec, rollback_of: int | None) -> tuple[dict[str, str], str]:
    """(service -> cause, the cause of what belongs to no service). Only services that change."""
    if rollback_of is not None:
        general = f"rollback to release {rollback_of}"
    elif current is None:
        general = "first deploy"
    elif current.commit != wanted.commit:
        general = commit(wanted)
    else:
        general = "configuration change"
    found = {}
    for name, service in wanted.services.items():
        before = current.services.get(name) if current else None
        cause = cause_of(name, before, service, wanted, general)
        if cause:
            found[name] = cause
    return found, general


def commit(spec: Spec) -> str:
    subject = f": {spec.subject}" if spec.subject else ""
    return f"commit {spec.commit[:7]}{subject}"


def cause_of(
    name: str, before: ServiceSpec | None, after: ServiceSpec, wanted: Spec, general: str
) -> str:
    if before is None:
        return general
    if before.fingerprint == after.fingerprint:
        if before.replicas != after.replicas:
            return f"{before.replicas} → {after.replicas} replicas"
        if before.generation != after.generation:
            return followed(name, after, wanted)
        return ""
    if before.model_copy(update={"env": after.env}).fingerprint == after.fingerprint:
        return env_cause(before, after, general)
    if before.image != after.image:
        return image_cause(before, after) or general
    return general


def image_cause(before: ServiceSpec, after: ServiceSpec) -> str:
    """Say which tag moved; empty where the image changed for another reason."""
    if after.source is None:
        same_name = before.source is None and before.image_ref == after.image_ref
        return f"the tag {after.image_ref} points to another image" if same_name else ""
    moved = [name for name in sorted(after.bases) if name in before.bases]
    moved = [name for name in moved if before.bases[name] != after.bases[name]]
    if before.source != after.source or not moved:
        return ""
    plural = "tags" if len(moved) > 1 else "tag"
    verb = "point" if len(moved) > 1 else "points"
    return f"the base image {plural} {', '.join(moved)} {verb} to another image"


def followed(name: str, after: ServiceSpec, wanted: Spec) -> str:
    for other, need in sorted(after.depends_on.items()):
        if need.cascade and wanted.services[other].generation == after.generation:
            return f"dependency: {other} is replaced, and {name} follows it"
    return "drift"


def env_cause(before: ServiceSpec, after: ServiceSpec, general: str) -> str:
    """New versions of secrets are told by name; anything else is the commit's."""
    names: set[str] = set()
    for key in {*before.env, *after.env}:
        left, right = before.env.get(key), after.env.get(key)
        if left == right:
            continue
        if left is None or right is None:
            return general
        old = {each.secret for each in secrets_in(left)}
        new = {each.secret for each in secrets_in(right)}
        if not new or old != new:
            return general
        names |= new
    return f"new value of the secret {', '.join(sorted(names))}"
