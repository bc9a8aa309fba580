"""`python -m toolchain` as its own processes: killed half-way, and two at once."""

import os
import signal
import subprocess
from pathlib import Path

from conftest import Checkout, until

PROVIDER = ("install", "--source", "build", "docker-provider")


def test_install_status_and_install_again(checkout: Checkout, tmp_path: Path) -> None:
    places = ("--into", str(tmp_path / "bin"), "pulumi")
    assert checkout.run("status", *places) == (
        1,
        f"pulumi 3.259.0: {tmp_path}/bin/pulumi is missing\n",
    )

    code, said = checkout.run("install", *places)
    assert code == 0
    assert "is not pinned yet); building instead" in said
    assert "pulumi 3.259.0: building from Go modules ..." in said
    assert subprocess.check_output([tmp_path / "bin/pulumi"], text=True) == "hello\n"

    assert checkout.run("status", *places) == (0, "pulumi 3.259.0: ok\n")
    code, said = checkout.run("install", *places)
    assert code == 0
    assert said.splitlines()[0] == "pulumi 3.259.0: already in the cache (build)"


def test_an_unknown_name_and_an_unpinned_release_exit_with_three_lines(
    checkout: Checkout,
) -> None:
    for arguments in (("install", "nonsense"), ("install", "--source", "release", "pulumi")):
        code, said = checkout.run(*arguments)
        assert code == 1
        assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == ["why", "remedy"]


def test_pin_is_kept_in_the_data_file(checkout: Checkout) -> None:
    assert checkout.run("pin", "traefik", "ab" * 32)[0] == 0
    assert "ab" * 32 in (checkout.folder / "toolchain/checksums.json").read_text()
    assert checkout.run("pin", "compose", "ab" * 32)[0] == 1


def test_a_build_killed_half_way_leaves_no_broken_cache(checkout: Checkout) -> None:
    killed = checkout.start(*PROVIDER)
    until(lambda: checkout.starts() == 1, "the build begins")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(checkout.temporary()) == 1
    assert list(checkout.cache.glob("toolchain/docker-provider-*/manifest.json")) == []

    checkout.gate.touch()
    code, said = checkout.run(*PROVIDER)

    assert code == 0, said
    (binary,) = checkout.cache.glob("toolchain/docker-provider-*/pulumi-resource-docker")
    assert subprocess.check_output([binary], text=True) == "{}\n"
    assert checkout.temporary() == []


def test_a_build_told_to_stop_cleans_up_itself(checkout: Checkout) -> None:
    stopped = checkout.start(*PROVIDER)
    until(lambda: checkout.starts() == 1, "the build begins")
    os.killpg(stopped.pid, signal.SIGTERM)
    stopped.wait(timeout=30)

    assert stopped.returncode == 128 + signal.SIGTERM
    assert checkout.temporary() == []


def test_two_installers_at_once_build_once(checkout: Checkout) -> None:
    first = checkout.start(*PROVIDER)
    until(lambda: checkout.starts() == 1, "the first build begins")
    second = checkout.start(*PROVIDER)
    assert second.stdout is not None
    line = second.stdout.readline()
    assert line == f"docker-provider 5.2.0: waiting for the installer {first.pid} ...\n"
    assert len(checkout.temporary()) == 1

    checkout.gate.touch()

    said_first, _ = first.communicate(timeout=60)
    said_second, _ = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0), said_first + said_second
    assert "docker-provider 5.2.0: already in the cache (build)" in said_second
    assert checkout.starts() == 1
    assert checkout.temporary() == []
