"""Build tags, a C compiler, and the data that a binary reads: kept beside it, and checked."""

import dataclasses
import json
from pathlib import Path

import pytest

from conftest import Tiny
from toolchain.build import build_inputs
from toolchain.cache import Cache
from toolchain.catalog import CATALOG, Artifact, Data, chosen
from toolchain.data import data_of
from toolchain.errors import ToolchainError
from toolchain.install import Places, missing

TAGGED = '//go:build loud && cgo\n\npackage main\n\nfunc init() { greeting = "HELLO" }\n'
MAIN = 'package main\n\nvar greeting = "hello"\n\nfunc main() { println(greeting) }\n'


def with_data(tiny: Tiny) -> Artifact:
    """Its module has two folders that its binary reads, and one that it does not."""
    for name in ("templates/home/index.txt", "options/one.txt", "tests/other.txt"):
        path = tiny.artifact.module / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"the content of {name}")
        path.chmod(0o444)
    return dataclasses.replace(tiny.artifact, data=Data("tiny.test", ("options", "templates")))


def files_in(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


WHOLE = {
    "options/one.txt": "the content of options/one.txt",
    "templates/home/index.txt": "the content of templates/home/index.txt",
}


def test_the_data_lies_beside_the_binary_and_can_be_written(tiny: Tiny) -> None:
    binary = tiny.installer().obtain(with_data(tiny), "build")

    assert files_in(data_of(binary)) == WHOLE
    modes = {path.stat().st_mode & 0o777 for path in data_of(binary).rglob("*")}
    assert modes == {0o755, 0o644}
    assert tiny.leftovers() == []


@pytest.mark.parametrize("harm", ["rot", "loss", "more", "none"])
def test_an_entry_whose_data_is_not_what_was_kept_is_made_again(tiny: Tiny, harm: str) -> None:
    artifact = with_data(tiny)
    binary = tiny.installer().obtain(artifact, "build")
    file = data_of(binary) / "options/one.txt"
    match harm:
        case "rot":
            file.write_text("rot")
        case "loss":
            file.unlink()
        case "more":
            file.with_name("two.txt").write_text("more")
        case "none":
            data_of(binary).rename(binary.parent / "elsewhere")

    assert tiny.installer().obtain(artifact, "build") == binary
    assert files_in(data_of(binary)) == WHOLE


def test_status_misses_the_data(tiny: Tiny, tmp_path: Path) -> None:
    artifact, cache, places = with_data(tiny), Cache(tiny.root), Places(tmp_path / "bin")
    binary = tiny.installer().install(artifact, "build", places)
    assert missing(artifact, cache, places, tiny.pins) is None

    data_of(binary).rename(tmp_path / "elsewhere")
    assert missing(artifact, cache, places, tiny.pins) == f"{data_of(binary)} is missing"


def test_a_folder_that_the_module_has_not_is_a_plain_error(tiny: Tiny) -> None:
    artifact = dataclasses.replace(tiny.artifact, data=Data("tiny.test", ("nowhere",)))

    with pytest.raises(ToolchainError) as caught:
        tiny.installer().obtain(artifact, "build")
    assert caught.value.why == "tiny.test has no folder 'nowhere'"
    assert tiny.leftovers() == []


def test_an_entry_without_data_says_nothing_of_data(tiny: Tiny) -> None:
    """A checkout from before there was data reads it still."""
    binary = tiny.installer().obtain(tiny.artifact, "build")

    kept = json.loads((binary.parent / "manifest.json").read_text())
    assert sorted(kept) == [
        "binary", "inputs", "name", "sha256", "size", "source", "version", "when",
    ]  # fmt: skip


def test_tags_and_cgo_reach_the_compiler_and_count_as_inputs(tiny: Tiny) -> None:
    (tiny.artifact.module / "main.go").write_text(MAIN)
    (tiny.artifact.module / "loud.go").write_text(TAGGED)
    tagged = dataclasses.replace(tiny.artifact, tags=("loud",))
    loud = dataclasses.replace(tagged, cgo=True)
    kinds = (tiny.artifact, tagged, loud)

    said = [tiny.installer().obtain(artifact, "build").read_bytes() for artifact in kinds]

    assert [b"HELLO" in binary for binary in said] == [False, False, True]
    assert len({build_inputs(artifact) for artifact in kinds}) == 3


def test_each_artifact_is_for_the_platform_for_measurements_or_for_tests() -> None:
    names = {
        purpose: [artifact.name for artifact in chosen([], purpose)]
        for purpose in ("platform", "bench", "tests")
    }
    assert names == {
        "platform": ["pulumi", "docker-provider", "traefik", "buildkitd", "buildctl"],
        "bench": ["compose", "pulumi-yaml"],
        "tests": ["gitea", "pebble", "pebble-challtestsrv", "minio"],
    }
    assert chosen(["pebble", "gitea"]) == [CATALOG["pebble"], CATALOG["gitea"]]
