"""What a download is believed to be, and what is said when it is not."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from conftest import Tiny, tar_gz
from toolchain.catalog import pin_of, set_pin
from toolchain.errors import ToolchainError
from toolchain.install import Places

SCRIPT = b"#!/bin/sh\necho released\n"


def refusal(tiny: Tiny) -> ToolchainError:
    with pytest.raises(ToolchainError) as caught:
        tiny.installer().obtain(tiny.artifact, "release")
    assert caught.value.what == "tiny 1.0 could not be had from its release"
    assert tiny.leftovers() == []
    assert list(tiny.root.glob("tiny-*/")) == []
    return caught.value


def test_a_good_download_is_unpacked_linked_and_kept(tiny: Tiny, tmp_path: Path) -> None:
    tiny.publish(tar_gz({"tiny/README": b"no", "tiny/tiny": SCRIPT}))
    places = Places(into=tmp_path / "bin")

    binary = tiny.installer().install(tiny.artifact, "release", places)
    tiny.installer().install(tiny.artifact, "release", places)

    said = subprocess.run([tmp_path / "bin" / "tiny"], capture_output=True, text=True).stdout
    assert said == "released\n"
    assert sorted(path.name for path in binary.parent.iterdir()) == ["manifest.json", "tiny"]
    assert tiny.site.asked == ["/tiny-1.0.tar.gz"]
    assert tiny.leftovers() == []


def test_another_checksum_is_refused(tiny: Tiny) -> None:
    archive = tar_gz({"tiny/tiny": SCRIPT})
    tiny.publish(archive, pinned=b"what was reviewed")

    why = refusal(tiny).why

    assert hashlib.sha256(archive).hexdigest() in why
    assert hashlib.sha256(b"what was reviewed").hexdigest() in why


def test_a_cut_off_download_is_tried_again_and_then_refused(tiny: Tiny) -> None:
    archive = tar_gz({"tiny/tiny": SCRIPT})
    tiny.publish(archive)
    tiny.site.announced["/tiny-1.0.tar.gz"] = len(archive) + 1000

    assert f"{len(archive)} of {len(archive) + 1000} bytes arrived" in refusal(tiny).why
    assert len(tiny.site.asked) == 3


def test_an_archive_without_the_binary_is_refused(tiny: Tiny) -> None:
    tiny.publish(tar_gz({"tiny/README": b"no"}))

    assert refusal(tiny).why == "its archive has no file 'tiny/tiny'"


@pytest.mark.parametrize("name", ["../tiny/tiny", "/tiny/tiny", "../../tiny"])
def test_a_member_outside_the_archive_is_never_followed(
    tiny: Tiny, tmp_path: Path, name: str
) -> None:
    tiny.publish(tar_gz({name: SCRIPT}))
    before = sorted(tmp_path.glob("*"))

    assert refusal(tiny).why == "its archive has no file 'tiny/tiny'"
    assert sorted(tmp_path.glob("*")) == sorted({*before, tiny.root, tiny.pins})


def test_what_is_no_archive_is_refused(tiny: Tiny) -> None:
    tiny.publish(b"<html>please log in</html>")

    assert "cannot be unpacked" in refusal(tiny).why


def test_an_unpinned_release_is_not_even_asked_for(tiny: Tiny) -> None:
    error = refusal(tiny)

    assert error.why == ("the checksum of https://releases.test/tiny-1.0.tar.gz is not pinned yet")
    assert "python -m toolchain pin tiny <sha256>" in error.remedy
    assert "toolchain/checksums.json" in error.remedy
    assert len(str(error).splitlines()) == 3
    assert tiny.site.asked == []


def test_a_missing_release_says_what_the_server_said(tiny: Tiny) -> None:
    tiny.publish(b"")
    tiny.site.files.clear()

    assert refusal(tiny).why.endswith("answered 404 Not Found")
    assert len(tiny.site.asked) == 1


def test_a_pin_counts_only_for_the_archive_it_names(tiny: Tiny) -> None:
    set_pin(tiny.artifact, "A" * 64, tiny.pins)
    assert pin_of(tiny.artifact, tiny.pins) == "a" * 64

    tiny.pins.write_text(tiny.pins.read_text().replace("tiny-1.0", "tiny-0.9"))
    assert pin_of(tiny.artifact, tiny.pins) is None

    with pytest.raises(ToolchainError, match="64 hexadecimal digits"):
        set_pin(tiny.artifact, "latest", tiny.pins)
