"""A Gitea as a process: its folder, its settings, its start and its end. It never runs as root."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx

from bench.ports import free_ports
from toolchain.cache import Cache, default_root
from toolchain.catalog import CATALOG
from toolchain.data import DATA, data_of
from toolchain.install import Installer
from toolchain.progress import Progress
from toolchain.release import Releases

PATIENCE = 60.0
SETTINGS = """\
RUN_USER = {user}
RUN_MODE = prod
WORK_PATH = {folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = {url}/
STATIC_ROOT_PATH = {folder}/data
OFFLINE_MODE = true
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_DOMAIN = 127.0.0.1
SSH_LISTEN_HOST = 127.0.0.1
SSH_PORT = {ssh_port}
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = {secret}
PASSWORD_HASH_ALGO = pbkdf2$1000$50
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = loopback
[repository]
DEFAULT_BRANCH = main
[indexer]
ISSUE_INDEXER_TYPE = db
[queue]
TYPE = channel
[actions]
ENABLED = false
[cron.update_checker]
ENABLED = false
[log]
MODE = file
LEVEL = info
ROOT_PATH = {folder}/log
"""


class GiteaProcess:
    """One Gitea on ports of 127.0.0.1, with a folder that is gone after `stop`."""

    def __init__(self) -> None:
        self.port, self.ssh_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.folder = Path(tempfile.mkdtemp(prefix="portwright-gitea-"))
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._server, "it was not started"
        return self._server.pid

    def start(self) -> None:
        """Lay the folder out and come up; AssertionError with the log where it does not answer."""
        self._lay_out()
        with (self.folder / "output").open("wb") as output:
            self._server = subprocess.Popen(
                self._argv("web"), stdout=output, stderr=output, start_new_session=True,
                **self._surroundings(),
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._server.poll() is None and time.monotonic() < deadline, self.told()
            time.sleep(0.05)

    def run(self, *argv: str) -> str:
        """A command of Gitea's own, beside the server."""
        done = subprocess.run(
            self._argv(*argv), capture_output=True, text=True, **self._surroundings()
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def told(self) -> str:
        """The ends of what it has said so far."""
        files = [self.folder / "output", *sorted((self.folder / "log").glob("*.log"))]
        return "\n".join(file.read_text(errors="replace")[-2000:] for file in files)

    def stop(self) -> None:
        """End it and what it has started, and leave no file."""
        if self._server:
            self._server.terminate()
            try:
                self._server.wait(20)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(self._server.pid, signal.SIGKILL)
                self._server.wait()
        shutil.rmtree(self.folder)

    def _lay_out(self) -> None:
        """Binary and data go along: git's hooks run the binary, and the cache may be root's."""
        installer = Installer(Cache(default_root()), Releases(), Progress())
        binary = installer.obtain(CATALOG["gitea"], "auto")
        shutil.copy2(binary, self.folder / "gitea")
        shutil.copytree(data_of(binary), self.folder / DATA)
        settings = SETTINGS.format(
            user=self.user.pw_name, folder=self.folder, port=self.port, url=self.url,
            ssh_port=self.ssh_port, secret=secrets.token_hex(32),
        )  # fmt: skip
        (self.folder / "app.ini").write_text(settings)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _argv(self, *argv: str) -> list[str]:
        return [str(self.folder / "gitea"), "--config", str(self.folder / "app.ini"), *argv]

    def _surroundings(self) -> dict[str, object]:
        known = {"HOME": str(self.folder), "USER": self.user.pw_name, "PATH": os.environ["PATH"]}
        as_root = os.getuid() == 0
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return {"env": known, "cwd": self.folder, **(who if as_root else {})}

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
