"""Where a binary comes from, and when the work is not done again."""

import dataclasses
import io
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import Tiny, tar_gz
from toolchain.build import build_inputs
from toolchain.cache import Cache
from toolchain.catalog import set_pin
from toolchain.errors import ToolchainError
from toolchain.install import Installer, Places, missing
from toolchain.progress import Progress
from toolchain.release import Releases

RELEASED = b"#!/bin/sh\necho released\n"


def output_of(binary: Path) -> str:
    return subprocess.run([binary], capture_output=True, text=True, check=True).stdout


def test_auto_takes_the_release_if_it_can(tiny: Tiny) -> None:
    tiny.publish(tar_gz({"tiny/tiny": RELEASED}))

    assert output_of(tiny.installer().obtain(tiny.artifact, "auto")) == "released\n"


def test_auto_builds_an_unpinned_artifact_and_says_why(tiny: Tiny) -> None:
    assert output_of(tiny.installer().obtain(tiny.artifact, "auto")) == "hello\n"

    said = tiny.said.getvalue().splitlines()
    assert said[0].startswith("tiny 1.0: no release (the checksum of https://releases.test/")
    assert said[0].endswith("is not pinned yet); building instead")
    assert not (tiny.artifact.module / "tiny").exists()


def test_auto_asks_an_unreachable_host_once(tiny: Tiny) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    host = f"127.0.0.1:{address[1]}"
    set_pin(tiny.artifact, "0" * 64, tiny.pins)
    releases = Releases({"PORTWRIGHT_RELEASE_MIRROR": f"http://{host}"})
    installer = Installer(Cache(tiny.root), releases, Progress(tiny.said), tiny.pins)

    with pytest.raises(ToolchainError, match=f"{host} cannot be reached"):
        installer.obtain(tiny.artifact, "release")

    with socket.create_server(address) as back_again:
        back_again.setblocking(False)
        with pytest.raises(ToolchainError, match=f"{host} cannot be reached"):
            installer.obtain(tiny.artifact, "release")
        with pytest.raises(BlockingIOError):
            back_again.accept()
    assert output_of(installer.obtain(tiny.artifact, "auto")) == "hello\n"


def test_a_second_run_does_nothing_and_a_changed_module_builds_again(tiny: Tiny) -> None:
    first = tiny.installer().obtain(tiny.artifact, "build")
    made = first.stat().st_mtime_ns
    assert tiny.installer().obtain(tiny.artifact, "auto") == first
    assert first.stat().st_mtime_ns == made

    (tiny.artifact.module / "schema.json").write_text("generated files do not count")
    assert tiny.installer().obtain(tiny.artifact, "auto") == first

    source = tiny.artifact.module / "main.go"
    source.write_text(source.read_text().replace("hello", "goodbye"))
    second = tiny.installer().obtain(tiny.artifact, "auto")
    assert second.parent != first.parent
    assert output_of(second) == "goodbye\n"


def test_a_corrupted_entry_is_built_again(tiny: Tiny) -> None:
    binary = tiny.installer().obtain(tiny.artifact, "build")
    sound = binary.read_bytes()
    with binary.open("r+b") as file:
        file.seek(100)
        file.write(b"rot")

    assert tiny.installer().obtain(tiny.artifact, "build") == binary
    assert binary.read_bytes() == sound
    assert tiny.leftovers() == []


@pytest.mark.parametrize("manifest", ["", "{}", "[1]", None])
def test_an_entry_without_a_sound_manifest_is_built_again(tiny: Tiny, manifest: str | None) -> None:
    binary = tiny.installer().obtain(tiny.artifact, "build")
    path = binary.parent / "manifest.json"
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)

    tiny.installer().obtain(tiny.artifact, "auto")

    kept = json.loads(path.read_text())
    assert kept["source"] == "build"
    assert kept["inputs"] == build_inputs(tiny.artifact)
    assert kept["size"] == binary.stat().st_size


def test_a_module_that_does_not_compile_names_the_log(tiny: Tiny) -> None:
    (tiny.artifact.module / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")

    with pytest.raises(ToolchainError) as caught:
        tiny.installer().obtain(tiny.artifact, "build")

    assert caught.value.what == "tiny 1.0 could not be built from Go modules"
    assert "undefined: nonsense" in caught.value.why
    log = Path(caught.value.remedy.split()[1].rstrip(";"))
    assert "undefined: nonsense" in log.read_text()
    assert tiny.leftovers() == []


def test_without_go_the_remedy_is_plain_but_a_cached_build_serves(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built = tiny.installer().obtain(tiny.artifact, "build")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tiny.installer().obtain(tiny.artifact, "auto") == built

    other = dataclasses.replace(tiny.artifact, version="2.0")
    with pytest.raises(ToolchainError) as caught:
        tiny.installer().obtain(other, "build")
    assert caught.value.why == "Go is not installed (no `go` on the PATH)"
    assert "install Go 1.25.0 or newer from https://go.dev/dl/" in caught.value.remedy


def test_a_module_may_ask_for_a_newer_go(tiny: Tiny) -> None:
    (tiny.artifact.module / "go.mod").write_text("module tiny.test\n\ngo 1.99.3\n")

    with pytest.raises(ToolchainError, match=r"needs Go 1\.99\.3 or newer; this is go1\."):
        tiny.installer().obtain(tiny.artifact, "build")


def test_a_cache_that_cannot_be_written_is_named(tiny: Tiny) -> None:
    tiny.root.write_text("a file where the folder should be")

    with pytest.raises(ToolchainError, match="cannot be written") as caught:
        tiny.installer().obtain(tiny.artifact, "build")
    assert "PORTWRIGHT_CACHE" in caught.value.remedy


def test_a_source_nobody_knows_is_refused(tiny: Tiny) -> None:
    with pytest.raises(ToolchainError, match="no source 'magic'"):
        tiny.installer().obtain(tiny.artifact, "magic")


def test_a_plugin_goes_where_pulumi_looks_and_status_tells_what_is_wrong(
    tiny: Tiny, tmp_path: Path
) -> None:
    plugin = dataclasses.replace(tiny.artifact, plugin="resource-tiny-v1.0")
    cache, places = Cache(tiny.root), Places(plugins=tmp_path / "home")
    link = tmp_path / "home/plugins/resource-tiny-v1.0/tiny"

    def trouble() -> str | None:
        return missing(plugin, cache, places, tiny.pins)

    assert trouble() == f"{link} is missing"
    link.parent.mkdir(parents=True)
    link.write_text("something half-installed")
    partial = tmp_path / "home/plugins/resource-tiny-v1.0.partial"
    partial.touch()
    assert trouble() == f"{link} does not come from the cache"

    binary = tiny.installer().install(plugin, "build", places)
    assert link.resolve() == binary.resolve()
    assert trouble() is None

    partial.touch()
    assert trouble() == f"{partial} marks a half-installed plugin"
    partial.unlink()
    os.truncate(binary, 10)
    assert trouble() == f"{binary} is not what its manifest says"
    binary.unlink()
    assert trouble() == f"{link} points nowhere"


def test_progress_repeats_itself_while_a_step_lasts() -> None:
    stream = io.StringIO()
    with Progress(stream, interval=0.01).step("tiny 1.0: building") as step:
        step.detail = "3 packages compiled"
        while stream.getvalue().count("\n") < 3:
            pass

    lines = stream.getvalue().splitlines()
    assert lines[0] == "tiny 1.0: building ..."
    assert "tiny 1.0: building, 0 s elapsed (3 packages compiled) ..." in lines[1:]
