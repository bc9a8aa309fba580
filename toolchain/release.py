"""The release source: an official archive, believed only if its SHA-256 is the pinned one."""

import hashlib
import http.client
import os
import platform
import shutil
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from toolchain.catalog import RELEASE_PLATFORM, Artifact
from toolchain.errors import ToolchainError
from toolchain.progress import Step

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
ATTEMPTS = 3
CHUNK = 1 << 20


class _Plain(http.client.HTTPConnection):
    """Quick to give up connecting, patient while reading."""

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_TIMEOUT)


class _Secure(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_TIMEOUT)


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Plain, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Secure, req)


class _CutOff(Exception):
    """The connection ended before the announced length."""


class Releases:
    """Downloads archives; remembers for its lifetime which hosts could not be reached.

    PORTWRIGHT_RELEASE_MIRROR replaces the scheme and host of every release URL.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._mirror = environ.get("PORTWRIGHT_RELEASE_MIRROR", "").rstrip("/")
        self._unreachable: dict[str, str] = {}
        self._opener = urllib.request.build_opener(_PlainHandler, _SecureHandler)

    def fetch(self, artifact: Artifact, pin: str | None, stage: Path, step: Step) -> Path:
        """Download, check and unpack into `stage`; returns the binary.

        Raises ToolchainError if there is no release, no pin, no connection, or if the archive is
        cut off, is not the pinned one, or lacks the binary.
        """
        url = self.require(artifact, pin)
        archive = stage / "archive.tar.gz"
        found = self._download(artifact, url, archive, step)
        if found != pin:
            _fail(
                artifact,
                f"{url} has SHA-256 {found}, but {pin} is pinned",
                "do not use that archive; if the pin is wrong, correct toolchain/checksums.json",
            )
        product = stage / artifact.binary
        _extract(artifact, archive, product)
        return product

    def require(self, artifact: Artifact, pin: str | None) -> str:
        """The URL to download from. Raises ToolchainError if there is none, or no pin for it."""
        remedy = f"run: python -m toolchain install --source build {artifact.name}"
        if artifact.url is None:
            _fail(artifact, "the catalog has no official release of it", remedy)
        here = f"{sys.platform}-{platform.machine()}"
        if here != "linux-x86_64":
            _fail(artifact, f"releases are for {RELEASE_PLATFORM}; this is {here}", remedy)
        if pin is None:
            _fail(
                artifact,
                f"the checksum of {artifact.url} is not pinned yet",
                f"run: python -m toolchain pin {artifact.name} <sha256> "
                "(it is kept in toolchain/checksums.json)",
            )
        parts = urllib.parse.urlsplit(artifact.url)
        return f"{self._mirror}{parts.path}" if self._mirror else artifact.url

    def _download(self, artifact: Artifact, url: str, archive: Path, step: Step) -> str:
        host = urllib.parse.urlsplit(url).netloc
        if host in self._unreachable:
            _fail(artifact, f"{host} cannot be reached: {self._unreachable[host]}", _REACH)
        trouble = ""
        for attempt in range(1, ATTEMPTS + 1):
            step.detail = f"attempt {attempt}" if attempt > 1 else ""
            try:
                return self._attempt(url, archive, step)
            except urllib.error.HTTPError as error:
                trouble = f"{url} answered {error.code} {error.reason}"
                if error.code < 500:
                    break
            except urllib.error.URLError as error:
                self._unreachable[host] = str(error.reason)
                _fail(artifact, f"{host} cannot be reached: {error.reason}", _REACH, error)
            except (_CutOff, OSError, http.client.HTTPException) as error:
                trouble = f"{url} broke off: {error or type(error).__name__}"
        _fail(artifact, trouble, _REACH)

    def _attempt(self, url: str, archive: Path, step: Step) -> str:
        request = urllib.request.Request(url, headers={"User-Agent": "portwright-toolchain"})
        digest = hashlib.sha256()
        done = 0
        with (
            self._opener.open(request, timeout=CONNECT_TIMEOUT) as answer,
            archive.open("wb") as file,
        ):
            announced = answer.headers.get("Content-Length")
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
                done += len(chunk)
                step.detail = f"{done / 1e6:.0f} MB" + _of(announced)
        if announced is not None and done != int(announced):
            raise _CutOff(f"{done} of {announced} bytes arrived")
        return digest.hexdigest()


_REACH = "check the network, set PORTWRIGHT_RELEASE_MIRROR, or use --source build"


def _of(announced: str | None) -> str:
    return f" of {int(announced) / 1e6:.0f} MB" if announced else ""


def _extract(artifact: Artifact, archive: Path, product: Path) -> None:
    """Copy the one named member out; no path inside the archive is ever used as a path here."""
    assert artifact.release is not None
    wanted = artifact.release.member
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.name.removeprefix("./") == wanted and member.isreg():
                    source: Any = tar.extractfile(member)
                    with source, product.open("wb") as file:
                        shutil.copyfileobj(source, file, CHUNK)
                    product.chmod(0o755)
                    return
    except (tarfile.TarError, EOFError, OSError) as error:
        _fail(artifact, f"its archive cannot be unpacked: {error}", _WRONG, error)
    _fail(artifact, f"its archive has no file {wanted!r}", _WRONG)


_WRONG = "check the URL and member in toolchain/catalog.py, or use --source build"


def _fail(
    artifact: Artifact, why: str, remedy: str, cause: BaseException | None = None
) -> NoReturn:
    what = f"{artifact.label} could not be had from its release"
    raise ToolchainError(what, why, remedy) from cause
