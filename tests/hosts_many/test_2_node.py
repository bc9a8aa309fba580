"""From a bare server to a project that runs on it, with everything that goes wrong on the way. In
this order, and that of the files: each test goes on from the one before."""

from __future__ import annotations

from nodes import NAME, Field, bootstrap
from vps import Vps


def test_a_node_has_docker_and_traefik_and_no_portal(node: Vps) -> None:
    units = node.ssh("ls /etc/systemd/system | grep ^portwright-")
    names = ("firewall", "guard", "traefik")
    assert units.split() == [f"portwright-{name}.service" for name in names]
    assert node.ssh("ls /var/lib/portwright/keys") == ""


def test_the_same_command_again_changes_nothing_and_nothing_drifts(node: Vps) -> None:
    again = bootstrap(node, "apply", "--yes", "--role", "node")
    assert again.code == 0 and "Nothing changed" in again.output
    drift = bootstrap(node, "drift", "--role", "node")
    assert (drift.code, drift.output.splitlines()) == (
        0,
        [
            "Everything that the code says is so.",
            "Nothing is on the host that the code does not say.",
        ],
    )


def test_a_node_does_not_become_a_host_because_an_option_was_forgotten(node: Vps) -> None:
    done = node.portwright("plan")
    assert done.code == 1 and "it is a node" in done.output and "--role node" in done.output


def test_a_host_is_added_step_by_step_each_told_in_words(field: Field) -> None:
    address = f"ssh://root@{field.node.address}"
    wrong = "SHA256:" + "A" * 43
    code, told = field.cli("hosts", "add", NAME, address, "--fingerprint", wrong)
    assert code == 1 and "restrict,port-forwarding,command=" in told
    assert f"{NAME} does not show '{wrong}' now" in told
    code, told = field.cli("hosts", "test", NAME)
    assert code == 1 and f"nobody has confirmed the key that {NAME} shows" in told
    code, told = field.cli("hosts", "confirm", NAME, "--fingerprint", field.fingerprint())
    assert (code, told.startswith("Pinned: SHA256:")) == (0, True), told
    code, told = field.cli("hosts", "test", NAME)
    assert code == 1 and "refuses our key for the user root" in told
    field.install()
    field.node.ssh("systemctl stop docker.socket docker")
    code, told = field.cli("hosts", "test", NAME)
    assert code == 1 and "SSH works, but no Docker engine answers" in told
    field.node.ssh("systemctl start docker.socket docker")
    code, told = field.cli("hosts", "test", NAME)
    assert code == 0 and "Mind:" not in told, told
    assert field.platform.api(f"/hosts/{NAME}")["host"]["status"] == "active"


def test_a_project_is_built_and_runs_there_and_nothing_of_it_here(field: Field) -> None:
    run = field.shop.run("deploy")
    assert run.state == "succeeded", field.shop.log(run.id)
    assert (field.there(), field.here()) == (["web"], (0, 0))
    assert field.served() == "1"


def test_what_it_prints_is_read_from_there(field: Field) -> None:
    code, told = field.cli("logs", "shop", "--service", "web")
    assert code == 0 and "hello from the node" in told


def test_drift_there_is_found_and_put_right(field: Field) -> None:
    field.node.ssh("docker rm --force $(docker ps -q --filter label=portwright.project=shop)")
    found = field.shop.run("drift")
    assert found.state == "succeeded" and found.plan and len(found.plan["steps"]) == 1
    assert field.shop.run("reconcile").state == "succeeded"
    assert (field.there(), field.served()) == (["web"], "1")


def test_after_the_way_was_killed_the_next_run_works(field: Field) -> None:
    field.kill_way()
    run = field.deploy(2)
    assert run.state == "succeeded", field.shop.log(run.id)
    assert field.served() == "2"


def test_a_way_that_is_killed_under_a_run_ends_it_and_what_served_serves(field: Field) -> None:
    field.number(field.shop, 3)
    asked = field.shop.request("deploy")
    field.until_logged(asked, "starting the new container")
    field.kill_way()
    run = field.shop.ended(asked)
    assert run.state in ("failed", "succeeded")
    if run.state == "failed":
        assert run.error and NAME in run.error["message"], field.shop.log(run.id)
        assert field.served() == "2"
    again = field.deploy(4)
    assert again.state == "succeeded", field.shop.log(again.id)
    assert (field.there(), field.served()) == (["web"], "4")


def test_a_host_that_is_away_ends_the_run_with_that_as_its_cause(field: Field) -> None:
    field.freeze()
    try:
        run = field.deploy(5)
        assert run.state == "failed" and run.error
        assert f"host {NAME}" in run.error["message"], field.shop.log(run.id)
        assert run.error["remedy"]
        code, told = field.cli("logs", "shop", "--service", "web")
        assert code == 1 and f"host {NAME}" in told
    finally:
        field.thaw()
    again = field.deploy(6)
    assert again.state == "succeeded", field.shop.log(again.id)
    assert field.served() == "6"


def test_a_changed_host_key_is_refused_until_somebody_confirms_it(field: Field) -> None:
    field.node.outside("sh", "-c", "rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")
    field.node.known_hosts.unlink()
    field.kill_way()
    code, told = field.cli("hosts", "test", NAME)
    assert code == 1 and "shows another host key than the one that was confirmed" in told
    run = field.deploy(7)
    assert run.state == "failed" and run.error
    assert "another host key" in run.error["message"]
    assert field.cli("hosts", "confirm", NAME, "--fingerprint", field.fingerprint())[0] == 0
    again = field.deploy(7)
    assert again.state == "succeeded", field.shop.log(again.id)
    assert field.served() == "7"
