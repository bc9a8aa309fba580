"""Ask a registry for the content of an image that the engine has already.

The engine takes a manifest by its digest, and an image by its ID, from its own store: whoever
knows another project's digest or ID could have it named by a registry of his own. A registry that
delivers the manifest and the configuration has the image; their hashes are its digest and its ID.
https://distribution.github.io/distribution/spec/api/
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import urlencode

from docker.models.images import Image

from forges.errors import Unreachable
from forges.fetch import Answer, Fetcher
from stacks.docker.builds.builder import LOOPBACK
from stacks.docker.images.login import Login
from stacks.docker.images.reference import DIGEST, HUB, Reference
from stacks.errors import PortwrightError

HUB_REGISTRY = "registry-1.docker.io"
ACCEPT = ", ".join([
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
])  # fmt: skip
CHALLENGE = re.compile(r'(\w+)="([^"\\]*)"')
MOST_CHILDREN = 5


class Registry:
    """One repository of a registry, read with the project's login."""

    def __init__(self, fetcher: Fetcher, source: Reference, login: Login | None) -> None:
        self.fetcher = fetcher
        self.source = source
        self.login = login
        self.host = HUB_REGISTRY if source.host == HUB else source.host
        self.scheme = "https"
        self.authorization = ""

    def has(self, image: Image) -> bool:
        """Report whether it delivers the image with the digest of the reference."""
        assert self.source.digest is not None
        manifest = self.read("manifests", self.source.digest)
        if manifest is None:
            return False
        if image.id == self.source.digest:  # an engine whose IDs are digests of manifests
            return True
        return any(
            config_of(each) == image.id and self.read("blobs", str(image.id)) is not None
            for each in self.manifests(manifest, str(image.attrs.get("Architecture")))
        )

    def manifests(self, manifest: dict[str, Any], architecture: str) -> list[dict[str, Any]]:
        """Return the manifest itself, or those of a list that fit the architecture."""
        listed = manifest.get("manifests")
        if not isinstance(listed, list):
            return [manifest]
        fitting = [
            str(each.get("digest"))
            for each in listed
            if isinstance(each, dict)
            and isinstance(each.get("platform"), dict)
            and each["platform"].get("architecture") == architecture
        ]
        found = [self.read("manifests", digest) for digest in fitting[:MOST_CHILDREN]]
        return [each for each in found if each is not None]

    def read(self, kind: str, digest: str) -> dict[str, Any] | None:
        """Return the JSON object with that digest; None where the registry delivers another one."""
        if not re.fullmatch(DIGEST, digest):
            return None
        answer = self.get(f"/v2/{self.source.path}/{kind}/{digest}")
        if answer.status != 200:
            return None
        if f"sha256:{hashlib.sha256(answer.body).hexdigest()}" != digest:
            return None
        try:
            found = json.loads(answer.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def get(self, path: str) -> Answer:
        """Answer a challenge once; without TLS only where the server's owner permits the host."""
        answer = self.once(path)
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status != 401 or not challenge:
            return answer
        self.authorization = self.authorize(challenge)
        return self.once(path)

    def once(self, path: str) -> Answer:
        headers = {"Accept": ACCEPT}
        if self.authorization:
            headers["Authorization"] = self.authorization
        try:
            return self.fetcher.request(
                "GET", f"{self.scheme}://{self.host}{path}", headers=headers
            )
        except Unreachable:
            # As the engine does: without TLS only on this machine.
            if self.scheme == "http" or self.host.partition(":")[0] not in LOOPBACK:
                raise
            self.scheme = "http"
            return self.once(path)

    def authorize(self, challenge: str) -> str:
        """Return the header that answers a challenge; empty where there is nothing to answer with."""
        basic = ""
        if self.login is not None:
            word = f"{self.login.username}:{self.login.password}".encode()
            basic = "Basic " + base64.b64encode(word).decode()
        kind, _, rest = challenge.partition(" ")
        if kind.lower() != "bearer":
            return basic
        given = dict(CHALLENGE.findall(rest))
        query = {"scope": f"repository:{self.source.path}:pull"}
        if given.get("service"):
            query["service"] = given["service"]
        answer = self.fetcher.request(
            "GET",
            f"{given.get('realm', '')}?{urlencode(query)}",
            headers={"Authorization": basic} if basic else None,
        )
        try:
            token = json.loads(answer.body)
        except ValueError:
            return ""
        found = token.get("token") or token.get("access_token") if isinstance(token, dict) else ""
        return f"Bearer {found}" if isinstance(found, str) and found else ""


def config_of(manifest: dict[str, Any]) -> str:
    config = manifest.get("config")
    return str(config.get("digest")) if isinstance(config, dict) else ""


def prove(fetcher: Fetcher, source: Reference, login: Login | None, image: Image) -> None:
    """Raise PortwrightError unless the registry has this very image."""
    if not Registry(fetcher, source, login).has(image):
        raise PortwrightError(
            f"{source.host} refers to an image on this host but does not have its content",
            remedy="push the image to the registry again",
            path="image",
        )
