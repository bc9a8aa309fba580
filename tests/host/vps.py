"""A fresh VPS for tests: a container that boots systemd with sshd and can run a Docker engine of its own.

Only what a provider would do is done from outside (the image, the login key, a way to the package
registries); everything else goes through SSH. `destroy` leaves nothing but the image.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker

from stacks.docker.images import base, local

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPE = Path(__file__).parent / "vps"
CAPABILITIES = (
    "SYS_ADMIN", "NET_ADMIN", "SYS_CHROOT", "NET_RAW", "MKNOD", "SYS_PTRACE", "DAC_READ_SEARCH",
)  # fmt: skip
CERTIFICATES = Path("/usr/local/share/ca-certificates")
PIP = Path("/etc/pip.conf")
PIP_CACHE = "portwright-vps-pip"
CACHE = Path(os.environ.get("PORTWRIGHT_CACHE", "~/.cache/portwright")).expanduser()


def run(*argv: str, check: bool = True, stdin: bytes | None = None) -> str:
    done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.stdout.decode(errors="replace")
    assert not check or done.returncode == 0, f"{' '.join(argv)}:\n{output}"
    return output.strip()


def image() -> str:
    """The VPS's image by its recipe's hash, built where the engine has none."""
    key = hashlib.sha256(base.key().encode() + (RECIPE / "Dockerfile").read_bytes()).hexdigest()
    tag = f"portwright/vps:{key[:16]}"
    if not run("docker", "images", "--quiet", tag):
        local.stand_on_base(docker.from_env(), CACHE, print)
        run(
            "docker", "build", "--quiet", "--network", "host",
            "--build-arg", f"BASE={base.TAG}", "--tag", tag, str(RECIPE),
        )  # fmt: skip
    return tag


@dataclass(frozen=True)
class Done:
    code: int
    output: str


@dataclass
class Vps:
    """name: of the container, its volume and its host name."""

    name: str
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="vps-")))
    # The operator's code: what the host is to become.
    checkout: Path = CHECKOUT

    def start(self) -> Vps:
        self.destroy(keep_folder=True)
        caps = [word for cap in CAPABILITIES for word in ("--cap-add", cap)]
        # A network of its own: the engine's default one is anybody's to change.
        run("docker", "network", "create", self.name)
        run(
            "docker", "run", "--detach", "--network", self.name, "--name", self.name, "--hostname", self.name, *caps,
            "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
            "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec",
            "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:ro",
            "--volume", f"{self.name}:/var/lib/docker",
            "--volume", f"{PIP_CACHE}:/root/.cache/pip",
            image(),
        )  # fmt: skip
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        self.outside("mkdir", "-p", "-m", "700", "/root/.ssh")
        authorized = self.key.with_suffix(".pub").read_bytes()
        self.outside("sh", "-c", "umask 077; cat >/root/.ssh/authorized_keys", stdin=authorized)
        self.wait()
        for path in (*CERTIFICATES.glob("*.crt"), PIP):
            if path.exists():
                run("docker", "cp", "--follow-link", str(path), f"{self.name}:{path}")
        self.outside("update-ca-certificates")
        return self

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def address(self) -> str:
        return run(
            "docker",
            "inspect",
            "-f",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            self.name,
        )

    def outside(self, *argv: str, stdin: bytes | None = None, check: bool = True) -> str:
        """A provider's console: a command that does not go through SSH."""
        return run("docker", "exec", "--interactive", self.name, *argv, stdin=stdin, check=check)

    def ssh(self, command: str, check: bool = True, options: Sequence[str] = ()) -> str:
        """A command in root's shell over a new SSH connection."""
        return run(
            "ssh", "-q", "-i", str(self.key), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
            "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=accept-new",
            "-o", "ConnectTimeout=5", *options, f"root@{self.address}", command, check=check,
        )  # fmt: skip

    def logs_in(self) -> bool:
        return self.ssh("echo in", check=False) == "in"

    def wait(self, seconds: float = 60) -> None:
        """Until systemd has started everything and a login works."""
        self.until("systemctl is-system-running --wait || true; echo up", "up", seconds)

    def until(self, command: str, ending: str, seconds: float = 60) -> None:
        """Until a command's output ends so, over SSH."""
        deadline = time.monotonic() + seconds
        while True:
            output = self.ssh(command, check=False)
            if output.endswith(ending):
                return
            assert time.monotonic() < deadline, f"{command}: {output!r}, not {ending!r}"
            time.sleep(0.5)

    def portwright(self, action: str, *argv: str, patience: float = 900) -> Done:
        """`portwright host ACTION` as an operator types it; `start` where it is to be cut."""
        process = self.start_portwright(action, *argv)
        output, _ = process.communicate(timeout=patience)
        return Done(process.returncode, output)

    def start_portwright(self, action: str, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                sys.executable, "-m", "provision.bootstrap", action, f"root@{self.address}",
                "--key", str(self.key), "--known-hosts", str(self.known_hosts),
                "--inventory", str(self.inventory()), *argv,
            ],
            cwd=self.checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )  # fmt: skip

    def inventory(self, **more: object) -> Path:
        """Its own entry of inventory/hosts.py: images come from no registry here."""
        own = {"settings": {"IMAGES": "local"}, "ssh_new_per_minute": 1000, **more}
        path = self.folder / f"hosts{len(more)}.py"
        path.write_text(f"hosts = {{{self.address!r}: {own!r}}}\n")
        return path

    def cut(self) -> bool:
        """Every SSH connection dies, and what was started through it may go on; False: there was none."""
        told = self.outside("sh", "-c", "pkill -9 -f '^sshd: root' && echo cut", check=False)
        return told == "cut"

    def load(self, *names: str) -> None:
        """Images of this machine's engine, so that the VPS need not build them again."""
        client = docker.from_env()
        for name in names:
            local.make(client, CACHE, name, print)
        tags = [local.TAGS[name] for name in names]
        with subprocess.Popen(["docker", "save", *tags], stdout=subprocess.PIPE) as saved:
            loaded = subprocess.run(
                ["docker", "exec", "--interactive", self.name, "docker", "load"],
                stdin=saved.stdout,
                capture_output=True,
            )
        assert (saved.returncode, loaded.returncode) == (0, 0), loaded.stderr

    def state(self) -> list[str]:
        """Packages and every file's path, mode, size and time of change, but for logs and caches."""
        kept = "/proc /sys /dev /run /tmp /var/log /var/lib/docker /root/.cache /var/lib/systemd"
        skip = " -o ".join(f"-path {path}" for path in kept.split())
        files = rf"find / -xdev \( {skip} \) -prune -o -type f -printf '%p %m %s %T@\n'"
        return self.outside("sh", "-c", f"{files} | sort; dpkg -l").splitlines()

    def restart(self) -> None:
        """A reboot: whatever runs is ended by systemd, /run and /tmp are empty afterwards."""
        run("docker", "restart", "--time", "20", self.name)
        self.wait()

    def destroy(self, keep_folder: bool = False) -> None:
        run("docker", "rm", "--force", "--volumes", self.name, check=False)
        run("docker", "volume", "rm", "--force", self.name, check=False)
        run("docker", "network", "rm", self.name, check=False)
        if not keep_folder:
            for path in self.folder.glob("*"):
                path.unlink()
            self.folder.rmdir()
