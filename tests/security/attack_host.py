"""Run in a build step as root: look for anything of the host; prints a line for each attempt."""

import os
import socket
import stat

SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/containerd/containerd.sock",
)
PATHS = ("/etc/buildkit", "/var/lib/buildkit", "/var/lib/docker", "/usr/local/bin/buildkitd")
KERNEL = (
    ("/proc/sysrq-trigger", "h"),
    ("/proc/sys/kernel/core_pattern", "|/bin/x"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"),
    ("/sys/fs/cgroup/memory.max", "max"),
    ("/sys/kernel/uevent_helper", "/bin/x"),
)


def read(path):
    with open(path) as file:
        return file.read()


def attempt(name, action):
    try:
        found = action()
    except OSError as error:
        print(name, "failed:", error.strerror or error)
    else:
        print(name, "POSSIBLE", found)


def device(kind, number):
    major, minor = (int(each) for each in number.split(":"))
    path = f"/tmp/device-{major}-{minor}"
    os.mknod(path, kind | 0o600, os.makedev(major, minor))
    with open(path, "rb") as file:
        return file.read(16)


def write(path, text):
    with open(path, "r+") as file:
        file.write(text)


def connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def processes():
    """Those of the step only: this one, its shell and BuildKit's init."""
    found = [each for each in os.listdir("/proc") if each.isdigit()]
    if len(found) > 3:
        return found
    raise OSError(f"{len(found)} processes")


def capabilities():
    text = next(
        line for line in read("/proc/self/status").splitlines() if line.startswith("CapEff")
    )
    if int(text.split()[1], 16) & (1 << 12 | 1 << 13 | 1 << 16 | 1 << 19 | 1 << 21):
        return text  # NET_ADMIN, NET_RAW, SYS_MODULE, SYS_PTRACE, SYS_ADMIN
    raise OSError("none that reaches the host")


def seccomp():
    text = next(
        line for line in read("/proc/self/status").splitlines() if line.startswith("Seccomp:")
    )
    if text.split()[1] != "2":
        return text
    raise OSError("a filter is on")


def abstract_sockets():
    found = [line.split()[-1] for line in read("/proc/net/unix").splitlines() if " @" in line]
    if found:
        return found
    raise OSError("none")


for block in sorted(os.listdir("/sys/class/block"))[:8]:
    number = read(f"/sys/class/block/{block}/dev").strip()
    attempt(f"disk {block}", lambda number=number: device(stat.S_IFBLK, number))
attempt("memory", lambda: device(stat.S_IFCHR, "1:1"))
attempt("kmsg", lambda: device(stat.S_IFCHR, "1:11"))
for path in SOCKETS:
    attempt(path, lambda path=path: connect(path))
for path in PATHS:
    attempt(path, lambda path=path: os.listdir(path))
for path, text in KERNEL:
    attempt(path, lambda path=path, text=text: write(path, text))
attempt("processes", processes)
attempt("capabilities", capabilities)
attempt("seccomp", seccomp)
attempt("abstract sockets", abstract_sockets)
attempt("mount", lambda: os.unshare(os.CLONE_NEWNS))
attempt("user namespace", lambda: os.unshare(os.CLONE_NEWUSER))
