"""A fresh VPS for tests: a container that boots systemd with sshd and can run a Docker engine of its own.

Only what a provider would do is done from outside (the image, the login key, a way to the package
registries); everything else goes through SSH. `destroy` leaves nothing but the image.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import docker

from tools.library import build, registry, service
from tools.library.recipes import RECIPES, Recipe

CHECKOUT = Path(__file__).resolve().parents[2]
CAPABILITIES = (
    "SYS_ADMIN", "NET_ADMIN", "SYS_CHROOT", "NET_RAW", "MKNOD", "SYS_PTRACE", "DAC_READ_SEARCH",
)  # fmt: skip
CERTIFICATES = Path("/usr/local/share/ca-certificates")
PIP = Path("/etc/pip.conf")
LIBRARY_PORT = 8703
PIP_CACHE = "portwright-vps-pip"
CACHE = Path(os.environ.get("PORTWRIGHT_CACHE", "~/.cache/portwright")).expanduser()


def run(*argv: str, check: bool = True, stdin: bytes | None = None) -> str:
    done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.stdout.decode(errors="replace")
    assert not check or done.returncode == 0, f"{' '.join(argv)}:\n{output}"
    return output.strip()


# A machine as a provider hands it over: Debian, systemd, sshd, Python, and nothing of ours.
RECIPE = Recipe(
    "vps",
    "12",
    suite="bookworm",
    packages=[
        "dbus", "iproute2", "libpam-systemd", "openssh-server", "procps", "python3", "systemd",
        "systemd-sysv",
    ],
    files={
        # Keys of the host are made when it boots for the first time.
        "/etc/systemd/system/ssh.service.d/keys.conf": """\
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
""",
        # The registry of the machine around it, at the address that the engine trusts.
        "/usr/lib/systemd/system/library.socket": """\
[Socket]
ListenStream=0.0.0.0:8703
[Install]
WantedBy=sockets.target
""",
        "/usr/lib/systemd/system/library.service": """\
[Unit]
Requires=library.socket
[Service]
EnvironmentFile=/etc/default/library
ExecStart=/lib/systemd/systemd-socket-proxyd ${LIBRARY}
[Install]
WantedBy=multi-user.target
""",
    },
    commands=[
        "rm -f /etc/ssh/ssh_host_*",
        "mkdir -p /etc/systemd/system/sockets.target.wants",
        "systemctl enable library.socket",
        # Terminals and devices belong to the machine around it.
        "systemctl mask getty.target console-getty.service systemd-udevd.service"
        " systemd-udev-trigger.service",
    ],
    changes=['CMD ["/sbin/init"]'],
    stop_signal="SIGRTMIN+3",
)  # fmt: skip


def image() -> str:
    """The VPS's image, made where the engine has none of this recipe."""
    with closing(engine()) as client:
        return build.make(client, CACHE, RECIPE, print)


def engine() -> docker.DockerClient:
    return docker.DockerClient.from_env(timeout=900)


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
    # The library's registry on the machine's own network.
    library: ExitStack = field(default_factory=ExitStack)

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
        self.serve("python", "postgres")
        return self

    def serve(self, *names: str) -> None:
        """Give it images of the library: at its own 127.0.0.1:8703, and its containers' gateway."""
        folder = service.library_folder(CACHE)
        address = f"{self.inspect('Gateway')}:{LIBRARY_PORT}"
        path = registry.write_reader(folder, self.name, address)
        self.library.enter_context(registry.running(path, address))
        with closing(engine()) as client:
            service.fill(client, CACHE, address, [RECIPES[name] for name in names])
        # Running from now on, so that the port always has the same owner in the host's baseline.
        started = "cat >/etc/default/library && systemctl enable --quiet --now library.service"
        self.outside("sh", "-c", started, stdin=f"LIBRARY={address}\n".encode())

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def address(self) -> str:
        return self.inspect("IPAddress")

    def inspect(self, name: str) -> str:
        """A property of its only network: `IPAddress`, `Gateway`."""
        template = f"{{{{range .NetworkSettings.Networks}}}}{{{{.{name}}}}}{{{{end}}}}"
        return run("docker", "inspect", "-f", template, self.name)

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
        """Its own entry of inventory/hosts.py."""
        own = {"ssh_new_per_minute": 1000, **more}
        path = self.folder / f"hosts{len(more)}.py"
        path.write_text(f"hosts = {{{self.address!r}: {own!r}}}\n")
        return path

    def cut(self) -> bool:
        """Every SSH connection dies, and what was started through it may go on; False: there was none."""
        told = self.outside("sh", "-c", "pkill -9 -f '^sshd: root' && echo cut", check=False)
        return told == "cut"

    def load(self, *names: str) -> None:
        """Images of this machine's engine, for tests that start containers of them by hand."""
        with closing(engine()) as client:
            for name in names:
                build.make(client, CACHE, RECIPES[name], print)
        tags = [RECIPES[name].reference for name in names]
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
        self.library.close()
        run("docker", "rm", "--force", "--volumes", self.name, check=False)
        run("docker", "volume", "rm", "--force", self.name, check=False)
        run("docker", "network", "rm", self.name, check=False)
        if not keep_folder:
            for path in self.folder.glob("*"):
                path.unlink()
            self.folder.rmdir()
