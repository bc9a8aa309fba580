"""Real things in small: a local HTTP server of releases, and a checkout whose modules are tiny."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolchain.cache import Cache
from toolchain.catalog import ROOM, Artifact, Release, set_pin
from toolchain.install import Installer
from toolchain.progress import Progress
from toolchain.release import Releases

GREETER = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n'
GATED = """package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	log, _ := os.OpenFile(os.Getenv("TINY_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	fmt.Fprintln(log, "started")
	for {
		if _, err := os.Stat(os.Getenv("TINY_GATE")); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("{}")
}
"""
EMBEDDER = """package main

import (
	_ "embed"
	"fmt"
)

//go:embed schema.json
var schema string

func main() { fmt.Print(schema) }
"""


def until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait until the condition holds; fail the test if it does not come. A first build of Go's begins
    with the standard library."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


def tar_gz(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Site:
    """What the local server answers: `files` by path; `announced` overrides a Content-Length."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            body = site.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(site.announced.get(self.path, len(body))))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Tiny:
    """A one-file artifact with a module and a release, and an installer that sees only tmp_path."""

    artifact: Artifact
    site: Site
    pins: Path
    root: Path
    said: io.StringIO

    def publish(self, archive: bytes, pinned: bytes | None = None) -> None:
        """Serve `archive`; pin it, or another content."""
        self.site.files["/tiny-1.0.tar.gz"] = archive
        set_pin(self.artifact, hashlib.sha256(pinned or archive).hexdigest(), self.pins)

    def installer(self) -> Installer:
        releases = Releases({"PORTWRIGHT_RELEASE_MIRROR": self.site.url})
        return Installer(Cache(self.root), releases, Progress(self.said), self.pins)

    def leftovers(self) -> list[str]:
        return [path.name for path in self.root.glob("*.tmp-*")]


@pytest.fixture
def tiny(tmp_path: Path, site: Site) -> Tiny:
    module = tmp_path / "tiny"
    module.mkdir()
    (module / "go.mod").write_text("module tiny.test\n\ngo 1.25\n")
    (module / "main.go").write_text(GREETER)
    release = Release("https://releases.test/tiny-{version}.tar.gz", "tiny/tiny")
    artifact = Artifact("tiny", "1.0", "tiny", module, ".", release=release)
    return Tiny(artifact, site, tmp_path / "pins.json", tmp_path / "cache", io.StringIO())


@dataclass
class Checkout:
    """The real package beside tiny modules of the real names; runs `python -m toolchain`.

    The provider's pre-build notes its start in `log` and waits for the file `gate`.
    """

    folder: Path
    cache: Path
    log: Path
    gate: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "toolchain", *arguments],
            cwd=self.folder,
            env=os.environ
            | {
                "PORTWRIGHT_CACHE": str(self.cache),
                "PORTWRIGHT_INSTALL": "auto",
                "PYTHONPATH": str(self.folder),
                "TINY_LOG": str(self.log),
                "TINY_GATE": str(self.gate),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def starts(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def temporary(self) -> list[str]:
        return [path.name for path in self.cache.glob("toolchain/*.tmp-*")]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    folder = tmp_path / "checkout"
    room = folder / "toolchain"
    room.mkdir(parents=True)
    for path in (*ROOM.glob("*.py"), ROOM / "checksums.json"):
        shutil.copy(path, room)
    files = {
        "pulumi/go.mod": "module github.com/pulumi/pulumi/pkg/v3\n\ngo 1.25\n",
        "pulumi/cmd/pulumi/main.go": GREETER,
        "docker-provider/go.mod": "module tiny.test\n\ngo 1.25\n",
        "docker-provider/main.go": EMBEDDER,
        "docker-provider/gen/main.go": GATED,
    }
    for name, content in files.items():
        (room / name).parent.mkdir(parents=True, exist_ok=True)
        (room / name).write_text(content)
    checkout = Checkout(folder, tmp_path / "cache", tmp_path / "log", tmp_path / "gate")
    yield checkout
    for process in checkout.running:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()
        if process.stdout:
            process.stdout.close()
