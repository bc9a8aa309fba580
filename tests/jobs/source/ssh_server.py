"""A real sshd on a free port, with a key of its own, for one user: whoever runs the tests."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from pathlib import Path

from jobs.source import HostKey
from jobs.source.keys import read_key

SSHD = "/usr/sbin/sshd"


class SshServer:
    """folder: its files; `bin` in it goes before PATH for those who log in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = getpass.getuser()
        (folder / "bin").mkdir(parents=True)
        (folder / "authorized").touch()
        self.new_host_key()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        Path("/run/sshd").mkdir(exist_ok=True)
        (folder / "config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\n"
            f"HostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized\n"
            f"SetEnv PATH={folder}/bin:{os.environ['PATH']}\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nAcceptEnv GIT_PROTOCOL\n"
        )
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        argv = [SSHD, "-D", "-f", str(self.folder / "config"), "-E", str(self.folder / "log")]
        process = subprocess.Popen(argv)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return process
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def new_host_key(self) -> None:
        """The next start uses it."""
        for name in ("host", "host.pub"):
            (self.folder / name).unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host")]
        subprocess.run(argv, check=True)

    def host_key(self) -> HostKey:
        found = read_key("host " + " ".join((self.folder / "host.pub").read_text().split()[:2]))
        assert found is not None
        return found

    def let_in(self, public: str) -> None:
        (self.folder / "authorized").write_text(public + "\n")

    def url(self, path: Path | str, host: str = "127.0.0.1") -> str:
        return f"ssh://{self.user}@{host}:{self.port}{path}"
