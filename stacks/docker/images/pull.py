"""Pull an image from a registry through the engine, and say in our own words what went wrong.

What a registry answers is foreign text: it selects one of the messages here and is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from stacks.docker.images.login import Login
from stacks.docker.images.reference import Reference
from stacks.errors import PortwrightError

DIGEST_LINE = re.compile(r"Digest: (sha256:[0-9a-f]{64})")
PATH = "image"


def pull(client: docker.DockerClient, source: Reference, login: Login | None, project: str) -> str:
    """Pull the image and return its digest at the registry; raises PortwrightError.

    Without a login the pull is anonymous: the credentials of whoever runs this process are never
    used. The engine asks the registry for a tag each time, but takes a digest from what it has
    already, whoever that was pulled for: so the registry is asked first whether it gives it to
    this project.
    """
    auth = {"username": login.username, "password": login.password} if login else {}
    digest = ""
    try:
        if source.digest:
            client.api.inspect_distribution(source.canonical, auth_config=auth)
        lines = client.api.pull(
            source.repository,
            tag=source.digest or source.tag,
            stream=True,
            decode=True,
            auth_config=auth,
        )
        for line in lines:
            if "error" in line:
                raise failure(source, login, project, str(line["error"]))
            found = DIGEST_LINE.fullmatch(str(line.get("status", "")))
            digest = found[1] if found else digest
    except APIError as error:
        raise failure(source, login, project, str(error.explanation or error)) from None
    except (DockerException, RequestException):
        raise PortwrightError(
            "the Docker engine did not answer while it pulled an image",
            remedy="check that it is running, then try again",
            path=PATH,
        ) from None
    if not digest:
        raise unexplained(source)
    return digest


def failure(source: Reference, login: Login | None, project: str, answer: str) -> PortwrightError:
    """Return the error that fits what the engine or the registry answered."""
    text = answer.lower()
    for pattern, made in CAUSES:
        if re.search(pattern, text):
            message, remedy = made(source, login, project)
            return PortwrightError(message, remedy=remedy, path=PATH)
    return unexplained(source)


def refused(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    command = f"portwright registries set {project} {source.host}"
    if login is None:
        return (
            f"{source.host} needs credentials for {source.familiar}, or the image does not exist",
            f"check the name, or set credentials: {command}",
        )
    return (
        f"{source.host} refused user {login.username!r} for {source.familiar} "
        "(or the image does not exist)",
        f"check the name, or set the current password: {command}",
    )


def limited(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    command = f"portwright registries set {project} {source.host}"
    later = "try again later"
    return (
        f"{source.host} limits pulls, and the limit is reached",
        later if login else f"{later}, or set credentials, which have a higher limit: {command}",
    )


def untrusted(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return (
        f"the certificate of {source.host} is not trusted",
        "if the registry has its own certificate authority, give it: "
        f"portwright registries set {project} {source.host} --ca FILE",
    )


def without_tls(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return (
        f"{source.host} does not use TLS",
        "give the registry a certificate; Docker pulls without TLS only from this machine",
    )


def missing(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return f"{source.host} has no image {source.familiar}", "check the name and the tag"


def other_platform(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return (
        f"{source.familiar} is not available for this host's processor",
        "choose an image that is built for it",
    )


def unknown_host(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return (
        f"the registry host {source.host} was not found",
        "check the registry's name, and DNS on the host that pulls",
    )


def unreachable(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return (
        f"{source.host} does not answer",
        "check that the registry is running and that the host can connect to it, then try again",
    )


def full_disk(source: Reference, login: Login | None, project: str) -> tuple[str, str]:
    return f"the disk is full: {source.familiar} was not pulled", "free space on the host"


Made = Callable[[Reference, Login | None, str], tuple[str, str]]
# The first that matches counts. Words of dockerd, of its registry client and of Go's net package.
CAUSES: tuple[tuple[str, Made], ...] = (
    (r"toomanyrequests|too many requests|rate limit|\b429\b", limited),
    (r"http response to https client", without_tls),
    (r"x509|certificate|tls:", untrusted),
    (r"no such host|server misbehaving|name resolution", unknown_host),
    (r"no space left", full_disk),
    (
        r"unauthorized|authentication required|basic auth|denied|forbidden|insufficient_scope"
        r"|incorrect username|\b40[13]\b",
        refused,
    ),
    (r"no matching manifest|does not match the specified platform", other_platform),
    (r"manifest unknown|name unknown|not found|unknown: |\b404\b", missing),
    (r"dial tcp|refused|timeout|deadline|no route|unreachable|reset|\beof\b|closed", unreachable),
)


def unexplained(source: Reference) -> PortwrightError:
    return PortwrightError(
        f"{source.host} did not deliver {source.familiar}",
        remedy="check the registry, then try again; the log of the Docker engine has "
        "the registry's answer",
        path=PATH,
    )
