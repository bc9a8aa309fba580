"""Units as text: whole, and quoted so that systemd reads back what was meant."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from jobs.node import SOCKET
from provision.daemons import Daemon
from provision.systemd import BOXES, as_wanted, environment_of, quoted, unit_of


def test_a_unit_whole() -> None:
    daemon = Daemon("redis", ["/usr/bin/redis-server", "/h/redis/redis.conf"], ready="/h/r.sock")
    unit = unit_of(daemon, "/h", {"redis": "128M"})
    assert unit.path == "/etc/systemd/system/portwright-redis.service"
    assert unit.text.splitlines() == [
        "# Portwright's; `portwright host apply` writes it anew.",
        "[Unit]",
        "Description=Portwright: redis",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        'ExecStartPre=+/bin/sh -c "mkdir -p /run/portwright && echo '
        f'{unit.fingerprint} >/run/portwright/redis"',
        'ExecStart="/usr/bin/redis-server" "/h/redis/redis.conf"',
        "WorkingDirectory=/",
        'Environment="HOME=/h"',
        'Environment="PYTHONDONTWRITEBYTECODE=1"',
        "KillSignal=15",
        "KillMode=mixed",
        "TimeoutStopSec=15",
        "Restart=always",
        "RestartSec=2",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "LockPersonality=yes",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "UMask=0077",
        "RestrictAddressFamilies=AF_UNIX",
        "CapabilityBoundingSet=",
        'ReadWritePaths="/h/run" "/h/redis"',
        "MemoryMax=128M",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]


def test_only_traefik_and_postgres_keep_any_privilege() -> None:
    assert {name: box.capabilities for name, box in BOXES.items() if box.capabilities} == {
        "traefik": "CAP_NET_BIND_SERVICE",
        "postgres": "CAP_SETUID CAP_SETGID",
    }


def test_traefik_may_write_the_logs_that_it_has_with_https() -> None:
    plain = unit_of(Daemon("traefik", ["t"]), "/h", {})
    https = unit_of(Daemon("traefik", ["t"], writes=("log",)), "/h", {})
    assert 'ReadWritePaths="/h/traefik"\n' in plain.text
    assert 'ReadWritePaths="/h/traefik" "/h/log"\n' in https.text
    assert plain.fingerprint != https.fingerprint


def test_a_nodes_certificates_have_a_folder_that_only_root_may_use_where_the_code_knocks() -> None:
    text = unit_of(Daemon("certificates", ["c"]), "/h", {}).text
    assert (
        'ReadWritePaths="/h/traefik" "/h/log"\nRuntimeDirectory=portwright-certificates\n' in text
    )
    assert "\nRuntimeDirectoryMode=0700\n" in text and "CapabilityBoundingSet=\n" in text
    assert SOCKET == "/run/portwright-certificates/socket"


def test_a_change_of_arguments_or_environment_is_another_unit() -> None:
    def made(*argv: str, **env: str) -> str:
        return unit_of(Daemon("worker", argv, env=env), "/h", {}).fingerprint

    assert len({made("a"), made("b"), made("a", X="1"), made("a", X="2")}) == 4
    assert made("a", X="1") == made("a", X="1")


def test_the_worker_may_finish_its_run_when_it_is_stopped() -> None:
    unit = unit_of(Daemon("worker", ["w"], grace=600), "/h", {})
    assert "KillMode=mixed\nTimeoutStopSec=600\n" in unit.text


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_a_word_stays_one_line_and_one_word(word: str) -> None:
    """systemd.syntax(7): within double quotes, backslash escapes; `%%` and `$$` are plain."""
    text = quoted(word, command=True)
    body = text[1:-1].replace("%%", "%").replace("$$", "$")
    assert text[0] == text[-1] == '"' and "\n" not in text
    assert body.replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") == word


def test_one_with_a_check_is_started_once_that_says_so() -> None:
    unit = unit_of(Daemon("postgres", ["p"], check=["pg_isready", "a b"], patience=40), "/h", {})
    wait = """ExecStartPost="/bin/sh" "-c" "until pg_isready 'a b'; do sleep 0.1; done\""""
    assert f"{wait}\nTimeoutStartSec=40\n" in unit.text


def test_what_runs_is_compared_by_file_and_by_what_was_started() -> None:
    test = as_wanted(unit_of(Daemon("portal", ["p"]), "/h", {}))
    assert "/run/portwright/portal" in shlex.split(test)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_]{1,9}", fullmatch=True),
        st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n")),
    )
)
def test_the_variables_of_a_unit_are_read_back(env: dict[str, str]) -> None:
    text = unit_of(Daemon("portal", ["p"], env=env), "/h", {}).text
    assert environment_of(text) == {"HOME": "/h", "PYTHONDONTWRITEBYTECODE": "1", **env}
