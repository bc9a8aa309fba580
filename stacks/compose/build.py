"""`build` and `pull_policy` of a Compose service: how its image is made and when it is fetched."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from stacks.compose.interpolate import Unset
from stacks.compose.load import listed, pairs
from stacks.fields import BUILD_ARGUMENT, SECRET_ID, STAGE, Rule, dockerfile_path, relative_path
from stacks.fields import plain as check_text
from stacks.names import ENV_NAME

if TYPE_CHECKING:
    from stacks.compose.convert import One

READ = ("context", "dockerfile", "target", "args", "secrets", "ssh", "network", "pull", "no_cache")
# Keys without a counterpart that change what the image contains, or what a build may do.
REFUSED = {
    "dockerfile_inline": "commit it as a file and name the file under `dockerfile`",
    "additional_contexts": "a build reads one folder: use a stage, or `COPY --from=IMAGE`",
    "privileged": "a build has no access to the host",
    "entitlements": "a build has no access to the host",
    "isolation": "it is for Windows only",
    "platforms": "an image is built for its host's platform",
    "shm_size": "not supported: /dev/shm of a build has 64M",
    "ulimits": "not supported: the builder's limits apply",
    "extra_hosts": "not supported: use DNS",
}
# Keys whose absence does not change what the image contains.
IGNORED = {
    "cache_from": "the project's builder has its own cache",
    "cache_to": "the project's builder has its own cache",
    "labels": "not supported: write LABEL in the Dockerfile",
    "tags": "Portwright names the image",
    "provenance": "no attestations are created",
    "sbom": "no attestations are created",
}
OFF: tuple[Any, ...] = (None, False, "false", "", [], {})
ON = (True, "true")
INLINE_CACHE = "BUILDKIT_INLINE_CACHE"
PULL = {
    "missing": "missing",
    "if_not_present": "missing",
    "always": "always",
    "daily": "daily",
    "weekly": "daily",
}
EVERY = re.compile(r"every_((?:[0-9]{1,6}[wdhms])+)")
SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


def build(one: One, key: str, value: Any) -> None:
    given = value if isinstance(value, dict) else {"context": value}
    context = folder(one, f"{key}.context", given.get("context", "."))
    if context is None:
        return
    made: dict[str, Any] = {"context": context}
    if given.get("dockerfile") and not given.get("dockerfile_inline"):
        file = dockerfile(one, f"{key}.dockerfile", context, str(given["dockerfile"]))
        if file is None:
            return
        made["dockerfile"] = file
    if given.get("target"):
        if STAGE.fullmatch(str(given["target"])):
            made["target"] = str(given["target"])
        else:
            one.note(f"{key}.target", "refused", "is not a valid stage name")
    for name, found in (
        ("args", arguments(one, f"{key}.args", given.get("args") or {})),
        ("secrets", secrets(one, f"{key}.secrets", given.get("secrets"))),
        ("ssh", ssh(one, f"{key}.ssh", given.get("ssh"))),
    ):
        if found:
            made[name] = found
    network(one, f"{key}.network", given.get("network"), made)
    if given.get("pull") in ON:
        one.kept(f"{key}.pull", "pull", "always")
    if given.get("no_cache") not in OFF:
        one.note(
            f"{key}.no_cache", "ignored", "use `portwright deploy --no-cache` when you need it"
        )
    for name, item in given.items():
        if name in READ or item in OFF or str(name).startswith("x-"):
            continue
        if name in REFUSED:
            one.note(f"{key}.{name}", "refused", REFUSED[name])
        else:
            one.note(f"{key}.{name}", "ignored", IGNORED.get(name, "is not a known key of Compose"))
    one.kept(key, key, made)


def folder(one: One, path: str, value: Any) -> str | None:
    """A context, which stacks.compose.load made relative to the repository's root."""
    context = str(value)
    if isinstance(value, Unset):
        one.note(path, "refused", f"the variable {value} is not set: write the folder")
    elif re.match(r"[a-z+]+://|git@|github\.com/", context):
        one.note(path, "refused", "only folders of the repository are built: add a submodule")
    elif context.startswith(("/", "~")) or ".." in context.split("/"):
        one.note(path, "refused", "is outside the repository")
    elif not usable(relative_path, context):
        one.note(path, "refused", "use only letters, digits and . _ / @ + - in the path")
    else:
        return context
    return None


def dockerfile(one: One, path: str, context: str, value: str) -> str | None:
    """A Dockerfile's path relative to the context, outside of which it may be."""
    name = posixpath.normpath(value)
    whole = posixpath.normpath(posixpath.join(context, name))
    if whole.startswith(("/", "../")):
        one.note(path, "refused", "is outside the repository")
    elif not usable(dockerfile_path, name):
        one.note(path, "refused", "use only letters, digits and . _ / @ + - in the path")
    else:
        return name
    return None


def arguments(one: One, path: str, given: Any) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in (given if isinstance(given, dict) else pairs(listed(given))).items():
        where = f"{path}.{name}"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if name == INLINE_CACHE:
            one.note(where, "ignored", "the project's builder has its own cache")
        elif str(name).startswith("BUILDKIT_"):
            one.note(where, "refused", "BUILDKIT_* is reserved for Portwright")
        elif not BUILD_ARGUMENT.fullmatch(str(name)):
            one.note(where, "refused", "is not a valid name: use letters, digits and _")
        elif value is None or isinstance(value, Unset):
            one.note(
                where, "changed", "has no value and is left out: the Dockerfile's default is used"
            )
        elif not usable(check_text, text):
            one.note(where, "refused", "is too long, or contains NUL")
        else:
            made[str(name)] = text
    return made


def secrets(one: One, path: str, given: Any) -> dict[str, Any]:
    """Ids of `RUN --mount=type=secret`; Compose reads their values from files or the environment."""
    made: dict[str, Any] = {}
    defined = one.whole.loaded.top.get("secrets") or {}
    for index, item in enumerate(listed(given)):
        where = f"{path}[{index}]"
        source = str(item.get("source") if isinstance(item, dict) else item)
        target = str((item.get("target") if isinstance(item, dict) else None) or source)
        name = secret_name(source)
        if source not in defined:
            one.note(where, "refused", f"{source!r} is not defined under `secrets`")
        elif not SECRET_ID.fullmatch(target) or name is None:
            one.note(where, "refused", "is not a valid id: use letters, digits and . _ -")
        else:
            made[target] = {"secret": name}
            origin = defined[source] if isinstance(defined[source], dict) else {}
            file = f" < {origin['file']}" if origin.get("file") else ""
            one.note(where, "changed", f"store it: `portwright secrets set PROJECT {name}{file}`")
    return made


def ssh(one: One, path: str, given: Any) -> dict[str, Any]:
    """Ids of `RUN --mount=type=ssh`; Compose asks the user's agent, which a host does not have."""
    made: dict[str, Any] = {}
    for id_ in given if isinstance(given, dict) else pairs(listed(given)):
        name = secret_name(f"ssh_{id_}")
        if not SECRET_ID.fullmatch(str(id_)) or name is None:
            one.note(f"{path}.{id_}", "refused", "is not a valid id: use letters, digits and . _ -")
            continue
        made[str(id_)] = {"secret": name}
        one.note(
            f"{path}.{id_}", "changed",
            f"store a private key: `portwright secrets set PROJECT {name} < KEYFILE`",
        )  # fmt: skip
    return made


def secret_name(text: str) -> str | None:
    """The nearest name of a secret, None where there is none."""
    name = re.sub(r"[.-]", "_", text)
    return name if ENV_NAME.fullmatch(name) else None


def network(one: One, path: str, value: Any, made: dict[str, Any]) -> None:
    if value == "none":
        made["network"] = "none"
    elif value not in (*OFF, "default", "bridge"):
        one.note(path, "refused", "a build has the internet, or nothing with `none`")


def pull_policy(one: One, key: str, value: Any) -> None:
    every = EVERY.fullmatch(str(value))
    if "build" in one.given:
        if value not in ("build", "never", "missing", "if_not_present"):
            one.note(key, "ignored", "the image is built; `pull` is about its base images")
    elif isinstance(value, Unset):
        one.note(key, "ignored", f"the variable {value} is not set: missing images are pulled")
    elif every:
        found = re.findall(r"([0-9]+)([wdhms])", every[1])
        day = sum(int(count) * SECONDS[unit] for count, unit in found) >= SECONDS["d"]
        put_pull(one, key, "daily" if day else "always", every[1] == "24h")
    elif value in PULL:
        put_pull(one, key, PULL[value], value != "weekly")
    elif value in ("never", "build"):
        one.note(key, "refused", "push the image to a registry, or give the service a `build`")
    else:
        one.note(key, "refused", "is not a pull policy of Compose")


def put_pull(one: One, key: str, policy: str, equal: bool) -> None:
    """Write the policy that asks the registry at least as often."""
    one.out["pull"] = policy
    one.note(key, "kept" if equal else "changed", f"as pull: {policy}")


def usable(check: Any, value: str) -> bool:
    try:
        check(value)
    except Rule:
        return False
    return True
