"""Which names are allowed. Names reach Docker, Traefik rules, host names, git and paths: one rule for all."""

from __future__ import annotations

import re

from stacks.errors import PortwrightError

NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
VOLUME_NAME = re.compile(f"{NAME.pattern}_{NAME.pattern}")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# What Docker takes and programs read, Elasticsearch's `discovery.type` among it.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
REF = re.compile(r"(?!-)(?!.*\.\.)(?!.*//)[A-Za-z0-9._/-]{1,200}(?<![./])(?<!\.lock)")
HTTP_REPOSITORY = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+/[A-Za-z0-9._/~+%-]+")
NAME_REMEDY = "use 1 to 40 of a-z, 0-9 and '-', a letter first and no '-' at the end"
ENV_REMEDY = "use up to 128 letters, digits and '_', no digit first"


def check_name(path: str, name: str) -> str:
    """A project's, environment's, service's or volume's name; a DNS label (RFC 1123) of up to 40."""
    if not NAME.fullmatch(name):
        raise PortwrightError(f"{name!r} is no usable name", remedy=NAME_REMEDY, path=path)
    return name


def check_volume_name(path: str, name: str) -> str:
    """SERVICE_KEY: a service's and a volume's name with a '_' between them."""
    if not VOLUME_NAME.fullmatch(name):
        raise PortwrightError(
            f"{name!r} is no volume's name",
            remedy="write SERVICE_KEY, such as db_data",
            path=path,
        )
    return name


def check_secret_name(path: str, name: str) -> str:
    """The name of a secret or an environment variable (POSIX)."""
    if not ENV_NAME.fullmatch(name):
        raise PortwrightError(f"{name!r} is no usable name", remedy=ENV_REMEDY, path=path)
    return name


def check_ref(path: str, ref: str) -> str:
    """A branch, tag or commit, as part of what git takes (git-check-ref-format)."""
    if not REF.fullmatch(ref):
        raise PortwrightError(
            f"{ref!r} is no branch, tag or commit that can be used",
            remedy="use letters, digits and . _ / - only, no leading '-', no '..'",
            path=path,
        )
    return ref
