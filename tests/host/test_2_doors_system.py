"""What is reached from outside, and that nobody locks themselves out."""

from __future__ import annotations

import os
import signal
import socket
import time

from vps import Vps

PUBLISHED = 9999
READ = "cat /etc/ssh/sshd_config.d/00-portwright.conf"


def reached(vps: Vps, port: int) -> bool:
    try:
        socket.create_connection((vps.address, port), timeout=3).close()
    except OSError:
        return False
    return True


def doors(vps: Vps) -> dict[int, bool]:
    return {port: reached(vps, port) for port in (22, 80, PUBLISHED, 8700, 8701, 9100)}


SHUT = {22: True, 80: True, PUBLISHED: False, 8700: False, 8701: False, 9100: False}


def test_a_published_port_is_not_reached_from_outside(vps: Vps) -> None:
    """Docker's rules come after ours; also when it starts anew, and after a reboot."""
    publish = f"docker run --detach --name public --restart always --init --publish {PUBLISHED}:{PUBLISHED} portwright/python:3.13"
    vps.ssh(f"{publish} python3 -m http.server {PUBLISHED}")
    try:
        answers = f"python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{PUBLISHED}').status)\""
        vps.until(answers, "200")
        assert doors(vps) == SHUT
        vps.ssh("systemctl restart docker")
        vps.until(answers, "200")
        assert doors(vps) == SHUT
        vps.restart()
        vps.until(answers, "200")
        assert doors(vps) == SHUT
        # Without our table it is reached: it is the table that keeps it shut.
        vps.ssh("systemctl stop portwright-firewall")
        assert reached(vps, PUBLISHED)
        vps.ssh("systemctl start portwright-firewall")
        assert doors(vps) == SHUT
    finally:
        vps.ssh("docker rm --force public; systemctl start portwright-firewall", check=False)


def test_a_change_of_sshd_that_locks_out_is_taken_back(vps: Vps) -> None:
    before = vps.ssh(READ)
    locked = vps.inventory(sshd={"AllowUsers": "nobody"})
    done = vps.portwright("apply", "--yes", "--inventory", str(locked))
    assert done.code == 1
    assert "a second login did not work" in done.output
    assert "the old state is back" in done.output
    assert vps.logs_in()
    assert vps.ssh(READ) == before
    assert vps.ssh("systemctl list-timers --all | grep -c portwright-guard; true") == "0"


def lock_out_and_die(vps: Vps, seconds: int) -> None:
    """The operator's processes die before they can prove anything."""
    locked = vps.inventory(sshd={"AllowUsers": "nobody"}, guard_seconds=seconds)
    process = vps.start_portwright("apply", "--yes", "--inventory", str(locked))
    while "AllowUsers" not in vps.outside("sh", "-c", READ):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    # Whether it got as far as that or not: sshd has read the new options.
    vps.outside("systemctl", "reload", "ssh")
    assert not vps.logs_in()


def test_a_lock_out_is_taken_back_by_the_host_itself_when_the_operator_is_gone(vps: Vps) -> None:
    before = vps.ssh(READ)
    lock_out_and_die(vps, seconds=10)
    # From the console: more logins that fail would be banned.
    while vps.outside("ls", "/var/lib/portwright-guard"):
        time.sleep(0.5)
    vps.until(READ, before)


def test_a_reboot_that_ends_the_timer_takes_a_lock_out_back_too(vps: Vps) -> None:
    before = vps.ssh(READ)
    lock_out_and_die(vps, seconds=3600)
    vps.restart()
    assert vps.ssh(READ) == before
    assert vps.ssh("ls /var/lib/portwright-guard") == ""


def test_a_wrong_option_of_sshd_is_refused_before_sshd_reads_it(vps: Vps) -> None:
    before = vps.ssh(READ)
    wrong = vps.inventory(sshd={"PasswordAuthentication": "perhaps"})
    done = vps.portwright("apply", "--yes", "--inventory", str(wrong))
    assert done.code == 1
    assert 'unsupported option "perhaps"' in done.output
    assert vps.ssh(READ) == before
    assert vps.logs_in()


def test_an_sshd_that_does_not_read_our_options_is_told(vps: Vps) -> None:
    before = vps.ssh(READ)
    vps.ssh("sed -i 's/^Include/#Include/' /etc/ssh/sshd_config")
    try:
        changed = vps.inventory(sshd={"PasswordAuthentication": "no", "MaxAuthTries": "5"})
        done = vps.portwright("apply", "--yes", "--inventory", str(changed))
        assert done.code == 1
        assert "put `Include /etc/ssh/sshd_config.d/*.conf` at the top" in done.output
        assert vps.ssh(READ) == before
    finally:
        vps.ssh("sed -i 's/^#Include/Include/' /etc/ssh/sshd_config")
