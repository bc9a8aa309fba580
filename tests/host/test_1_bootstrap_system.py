"""From a bare VPS to the first deployed app, through SSH only; and what a plan and a cut leave."""

from __future__ import annotations

import httpx
from history import CUTS, History
from vps import Vps


def serves(vps: Vps) -> object:
    answer = httpx.get(f"http://{vps.address}/health", headers={"Host": "web.sample.localhost"})
    return answer.json() if answer.status_code == 200 else answer.status_code


def test_a_plan_shows_every_step_as_a_diff_and_changes_nothing(history: History) -> None:
    assert history.dry.code == 0, history.dry.output
    for words in (
        "Plan for root@",
        "+PasswordAuthentication no",
        "+table inet portwright {",
        '+  "live-restore": true',
        "+ExecStart=",
    ):
        assert words in history.dry.output
    assert history.after_dry == history.before


def test_a_host_whose_port_is_taken_is_refused_before_anything_changes(history: History) -> None:
    assert history.refused.code == 1
    assert "port 80 is taken by python3" in history.refused.output
    assert "what to do: stop python3" in history.refused.output
    assert history.after_refused == history.before


def test_each_cut_ended_the_run_with_a_cause_and_what_to_do(history: History) -> None:
    assert len(history.cut) == CUTS
    for step, later, done in history.cut:
        assert done.code == 1, (step, later, done.output)
        assert "It stopped at this step:" in done.output
        assert "run the same command again: it goes on from there" in done.output
        assert "Traceback" not in done.output


def test_after_cuts_the_same_command_brings_the_host_to_its_end(history: History) -> None:
    assert history.first.code == 0, history.first.output
    assert history.vps.ssh("systemctl is-system-running") == "running"
    assert history.vps.ssh("dpkg --audit") == ""
    assert (
        history.vps.ssh("ls /etc/portwright /etc/systemd/system | grep portwright-new; true") == ""
    )


def test_the_first_app_is_deployed_and_serves(history: History, vps: Vps) -> None:
    assert "run 1 succeeded" in history.deployed
    assert serves(vps) == {"status": "ok", "version": "1.0", "release": "1", "database": True}


def test_the_second_run_changes_nothing(history: History) -> None:
    assert history.second.code == 0, history.second.output
    assert "Nothing changed" in history.second.output
    assert history.second_report["changes"] == 0


def test_the_host_is_as_its_code_says_and_holds_nothing_else(vps: Vps) -> None:
    done = vps.portwright("drift")
    assert (done.code, done.output.splitlines()) == (
        0,
        [
            "Everything that the code says is so.",
            "Nothing is on the host that the code does not say.",
        ],
    )


def test_drift_names_what_somebody_did_by_hand(vps: Vps) -> None:
    vps.ssh(
        "useradd --create-home mallory --shell /bin/bash; docker run --detach --name stray portwright/python:3.13 sleep 600;"
        " touch /etc/cron.d/mine; sed -i 's/max-file/max-files/' /etc/docker/daemon.json"
    )
    try:
        done = vps.portwright("drift")
    finally:
        vps.ssh(
            "userdel --remove mallory; docker rm --force stray; rm /etc/cron.d/mine;"
            " sed -i 's/max-files/max-file/' /etc/docker/daemon.json",
            check=False,
        )
    assert done.code == 0
    for words in (
        '-    "max-files": "3"',
        "user      mallory (1000)",
        "cron      /etc/cron.d/mine",
        "container stray (portwright/python:3.13)",
    ):
        assert words in done.output, done.output


def test_after_a_reboot_everything_comes_back_and_the_same_release_serves(vps: Vps) -> None:
    # Touched by the test before: the engine is to read it again, at a reboot or by apply.
    vps.restart()
    vps.until("systemctl is-system-running", "running")
    vps.until("docker ps --filter health=healthy --quiet | wc -l", "2")
    vps.until(
        "python3 -c \"import urllib.request as u; r = u.Request('http://127.0.0.1/health', headers={'Host': 'web.sample.localhost'}); print(u.urlopen(r).status)\"",
        "200",
    )
    assert serves(vps) == {"status": "ok", "version": "1.0", "release": "1", "database": True}
    assert vps.ssh("portwright-admin urls sample") == "http://web.sample.localhost"
