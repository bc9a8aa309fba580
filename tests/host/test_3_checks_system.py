"""A list of checks as auditors have them, on the bootstrapped host. Numbers: CIS Debian Linux 12 Benchmark v1.1.0."""

from __future__ import annotations

import pytest
from vps import Vps

SANDBOXED = ("portal", "worker", "traefik", "redis", "postgres")
# title -> command that prints nothing where all is well
CHECKS = {
    "5.1.4 root logs in with a key only": "sshd -T | grep -i '^permitrootlogin' | grep -viE 'prohibit-password|without-password'",
    "5.1 no passwords over SSH": "sshd -T | grep -iE '^(passwordauthentication|kbdinteractiveauthentication|permitemptypasswords) yes'",
    "5.1.16 few tries to log in": "sshd -T | awk '$1 == \"maxauthtries\" && $2 > 4'",
    "5.1.13 short grace to log in": "sshd -T | awk '$1 == \"logingracetime\" && ($2 == 0 || $2 > 60)'",
    "5.1.17 unknown connections are limited": "sshd -T | grep '^maxstartups' | grep -v '10:30:60'",
    "5.1 idle sessions end": "sshd -T | awk '$1 == \"clientaliveinterval\" && $2 == 0'",
    "5.1.1 sshd's options are root's": "find /etc/ssh/sshd_config /etc/ssh/sshd_config.d/00-portwright.conf -perm /077 -path '*portwright*' -o ! -user root",
    "5.1.2 host keys are root's": "find /etc/ssh -name 'ssh_host_*_key' -perm /077",
    "7.1 passwd and shadow": "find /etc/passwd /etc/shadow -perm /022",
    "7.2.1 no account without a password is open": "awk -F: '$2 == \"\"' /etc/shadow",
    "7.2.5 nobody but root has uid 0": "awk -F: '$3 == 0 && $1 != \"root\"' /etc/passwd",
    "1.2.2 updates install themselves": "apt-config dump | grep -q 'APT::Periodic::Unattended-Upgrade \"1\"' || echo no",
    "1.2.2 no updates wait": "apt-get --simulate upgrade | grep '^Inst '",
    "2.1 nothing but sshd and Traefik listens on the network": "ss -Hltnp | awk '$4 !~ /^127\\./ && $6 !~ /sshd|traefik|systemd/'",
    "2.1 nothing listens for UDP on the network": "ss -Hlunp | awk '$4 !~ /^127\\./'",
    "4.3 the firewall is loaded and starts at boot": "nft list table inet portwright >/dev/null && systemctl is-enabled --quiet portwright-firewall || echo no",
    "4.3 what is not allowed is dropped": "nft list chain inet portwright outside | grep -qE '^\\s*counter packets .* drop$' || echo no",
    "fail2ban watches sshd": "fail2ban-client status sshd >/dev/null || echo no",
    "Docker 2.13 containers live through a restart of the engine": "docker info --format '{{.LiveRestoreEnabled}}' | grep -v true",
    "Docker 2.7 the engine has no TCP socket": "ss -Hltnp | grep dockerd",
    "Docker 3.15 the engine's socket is root's": "find /run/docker.sock -perm /007",
    "Docker logs are capped": "docker info --format '{{.LoggingDriver}}' | grep -v local",
    "keys are root's own": "find /var/lib/portwright/keys -perm /077",
    "units hold no secret for others to read": "find /etc/systemd/system -type f -name 'portwright-[!fg]*' -perm /077",
    "Redis answers on its socket only": "ss -Hltnp | grep redis",
    "Postgres answers on its socket only": "ss -Hltnp | grep postgres",
    "Debian's own Redis and Postgres don't start at boot": "systemctl is-enabled --quiet redis-server && echo redis; pg_lsclusters -h",
    "no secret in a command line": "for k in /var/lib/portwright/keys/*; do grep -rlF -f $k /proc/[0-9]*/cmdline 2>/dev/null; done",
    "no secret in the journal": "for k in /var/lib/portwright/keys/*; do journalctl --no-pager | grep -F -f $k; done",
    "nothing of a file is left half written": "find / -xdev -name '*.portwright-new' -o -xdev -name '*.tmp-0-gone'",
}


@pytest.mark.parametrize("title", CHECKS)
def test_check(vps: Vps, title: str) -> None:
    assert vps.ssh(f"{{ {CHECKS[title]}; }} 2>&1 || true") == ""


@pytest.mark.parametrize("name", SANDBOXED)
def test_the_kernel_holds_each_daemon_in_its_box(vps: Vps, name: str) -> None:
    """Read from the process itself, not from its unit."""
    pid = vps.ssh(f"systemctl show --property MainPID --value portwright-{name}")
    status = dict(
        line.split(":\t")
        for line in vps.ssh(f"cat /proc/{pid}/status").splitlines()
        if ":\t" in line
    )
    allowed = {"traefik": 1 << 10, "postgres": 0}.get(name, 0)
    assert int(status["CapEff"], 16) == allowed
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    inside = f"nsenter --target {pid} --mount"
    assert "Read-only file system" in vps.ssh(f"{inside} touch /etc/x 2>&1; true")
    assert vps.ssh(f"{inside} ls /root 2>&1; true") == "" or "denied" in vps.ssh(
        f"{inside} ls /root 2>&1; true"
    )
