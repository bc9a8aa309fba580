"""The kinds of text that a project file may hold: one allowlist for each, with its remedy."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from croniter import croniter
from pydantic import BeforeValidator, WithJsonSchema

from stacks.docker.images import reference
from stacks.errors import PortwrightError
from stacks.names import ENV_NAME, ENV_REMEDY, NAME, NAME_REMEDY, VARIABLE

SECONDS = re.compile(r"[0-9]{1,4}(ms|s|m)")
HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"
)
STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SECRET_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
BUILD_ARGUMENT = re.compile(rf"(?!BUILDKIT_){ENV_NAME.pattern}")
URL_PATH = re.compile(r"/[A-Za-z0-9._~/?=%:@+,-]{0,500}")
PATH_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]{1,100}){1,10}")
MEMORY = re.compile(r"[1-9][0-9]{0,5}[MG]")
FILE_SIZE = re.compile(r"[1-9][0-9]{0,5}[KMG]")
CRON_PARTS = re.compile(r"[0-9A-Za-z*,/-]+( [0-9A-Za-z*,/-]+){4}")
# Docker's own least: with less a container does not start.
LEAST_MEGABYTES = 6


class Rule(ValueError):
    """A broken rule: what is wrong, and the remedy after ` — `."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} — {remedy}")


def matching(pattern: re.Pattern[str], what: str, remedy: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Rule(f"is no {what}", remedy)
        return value

    return BeforeValidator(check)


def relative_path(value: Any) -> Any:
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"[A-Za-z0-9._/@+-]{1,200}", value)
        or value.startswith(("/", "-"))
        or ".." in PurePosixPath(value).parts
    ):
        raise Rule("is no path inside the repository", "use a relative path without '..'")
    return value


def dockerfile_path(value: Any) -> Any:
    """Relative to a context; whether it leads out of the repository shows in the checkout."""
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"[A-Za-z0-9._/@+-]{1,200}", value)
        or value.startswith(("/", "-"))
    ):
        raise Rule("is not a path inside the repository", "use a relative path")
    return value


def mount_path(value: Any) -> Any:
    forbidden = ("/", "/proc", "/sys", "/dev", "/etc", "/bin", "/lib", "/usr")
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"/[A-Za-z0-9._/@+-]{1,200}", value)
        or ".." in PurePosixPath(value).parts
        or str(PurePosixPath(value)) in forbidden
    ):
        raise Rule("is no path for a volume", "use an absolute path such as /data, without '..'")
    return value


def plain(value: Any) -> Any:
    """YAML reads `PORT: 80` and `DEBUG: true` as number and boolean; a variable is text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str) and ("\0" in value or len(value) > 32_768):
        raise Rule("can't be used", "give text of up to 32768 characters without NUL")
    return value


def memory(value: Any) -> Any:
    if not isinstance(value, str) or not MEMORY.fullmatch(value):
        raise Rule("is no amount of memory", "write 256M or 2G")
    if megabytes(value) < LEAST_MEGABYTES:
        raise Rule("is less than a container needs", f"give {LEAST_MEGABYTES}M or more")
    return value


def megabytes(amount: str) -> int:
    return int(amount[:-1]) * (1024 if amount[-1] == "G" else 1)


def cron(value: Any) -> Any:
    """Five fields (POSIX crontab), in UTC."""
    if (
        not isinstance(value, str)
        or not CRON_PARTS.fullmatch(value)
        or not croniter.is_valid(value, second_at_beginning=False)
    ):
        raise Rule("is no schedule", "write five cron fields in UTC, such as 0 3 * * *")
    return value


def image(value: Any) -> Any:
    """Check an image name; it stays as it was written."""
    if not isinstance(value, str):
        raise Rule("is not a valid image name", reference.REMEDY)
    try:
        reference.Reference.parse(value)
    except PortwrightError as error:
        raise Rule(error.message.removeprefix(f"{value[:80]!r} "), error.remedy) from None
    return value


def text(pattern: str) -> WithJsonSchema:
    """What an editor is told of it."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


Name = Annotated[str, matching(NAME, "usable name", NAME_REMEDY), text(NAME.pattern)]
EnvName = Annotated[
    str, matching(ENV_NAME, "usable variable name", ENV_REMEDY), text(ENV_NAME.pattern)
]
VariableName = Annotated[
    str,
    matching(VARIABLE, "usable variable name", "use up to 128 letters, digits and _ . -"),
    text(VARIABLE.pattern),
]
Duration = Annotated[
    str, matching(SECONDS, "duration", "write 500ms, 2s or 1m"), text(SECONDS.pattern)
]
Image = Annotated[str, BeforeValidator(image), text(reference.SCHEMA_PATTERN)]
Host = Annotated[
    str, matching(HOST, "host name", "write a name such as shop.example.com"), text(HOST.pattern)
]
PathPrefix = Annotated[
    str,
    matching(PATH_PREFIX, "path prefix", "write /api, no '/' at the end"),
    text(PATH_PREFIX.pattern),
]
UrlPath = Annotated[
    str, matching(URL_PATH, "path", "write a path such as /health"), text(URL_PATH.pattern)
]


def host_path(value: Any) -> Any:
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"/[A-Za-z0-9._/@+-]{0,200}", value)
        or ".." in PurePosixPath(value).parts
    ):
        raise Rule("is no absolute path", "write a path such as /srv/data, without '..'")
    return value


HostPath = Annotated[str, BeforeValidator(host_path)]
Memory = Annotated[str, BeforeValidator(memory), text(MEMORY.pattern)]
FileSize = Annotated[
    str, matching(FILE_SIZE, "size", "write 500K, 10M or 1G"), text(FILE_SIZE.pattern)
]
Cron = Annotated[str, BeforeValidator(cron), text(CRON_PARTS.pattern)]
# Docker's own rule, which takes capitals too; a number is the stage's position.
StageName = Annotated[
    str,
    matching(STAGE, "stage name", "use letters, digits, '_', '-' and '.'"),
    text(STAGE.pattern),
]
BuildArgument = Annotated[
    str,
    matching(
        BUILD_ARGUMENT,
        "build argument",
        "use letters, digits and '_'; BUILDKIT_* is reserved for Portwright",
    ),
    text(BUILD_ARGUMENT.pattern),
]
# What a Dockerfile's `--mount=type=secret,id=` names; part of an argument of buildctl.
SecretId = Annotated[
    str,
    matching(SECRET_ID, "secret id", "use letters, digits, '_', '-' and '.'"),
    text(SECRET_ID.pattern),
]
DockerfilePath = Annotated[str, BeforeValidator(dockerfile_path)]
Text = Annotated[
    str, BeforeValidator(plain), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
RepositoryPath = Annotated[str, BeforeValidator(relative_path)]
MountPath = Annotated[str, BeforeValidator(mount_path)]
