"""A tar that an engine sent is taken only whole: cut anywhere, or ended by an error, it is refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from jobs.backup.archive import LONGEST_HEADER, PLACE, check_whole
from stacks.errors import PortwrightError


def packed(*names: str, root: str = PLACE) -> bytes:
    """A tar as an engine makes it: the folder first, two empty blocks last."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folder = tarfile.TarInfo(root)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in names:
            info = tarfile.TarInfo(f"{root}/{name}")
            info.size = 3000
            # Nothing but zeros: as the end looks, and a file's cut end may.
            archive.addfile(info, io.BytesIO(bytes(3000)))
        end = archive.offset
    return buffer.getvalue()[: end + 1024]


WHOLE = packed("a", "long/" * 40 + "name", "ünï")


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(PortwrightError, match="the engine did not send all of it") as caught:
        check_whole(path)
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize("content", [WHOLE, packed(), WHOLE + bytes(5120)])
def test_a_whole_one_is_taken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tar").write_bytes(content)
    check_whole(tmp_path / "tar")


def test_one_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    for length in {*range(0, len(WHOLE), 512), *range(511, len(WHOLE), 512), len(WHOLE) - 1}:
        refused(tmp_path / "tar", WHOLE[:length])


def test_an_error_in_the_place_of_the_end_is_refused(tmp_path: Path) -> None:
    """An engine that fails on the way adds its message to what it has sent."""
    told = b'{"message":"error processing tar file: input/output error"}\n'
    for length in (512, 1536, 4608, len(WHOLE) - 1024, len(WHOLE)):
        refused(tmp_path / "tar", WHOLE[:length] + told)


def test_what_goes_on_behind_its_end_is_refused(tmp_path: Path) -> None:
    assert "no end" in refused(tmp_path / "tar", WHOLE + WHOLE)
    assert "no end" in refused(tmp_path / "tar", WHOLE + bytes(20_000))


def test_another_beginning_than_the_volumes_folder_is_refused(tmp_path: Path) -> None:
    assert "begin" in refused(tmp_path / "tar", packed("a", root="other"))
    refused(tmp_path / "tar", b"no tar at all" * 100)


def test_a_size_that_leads_back_does_not_hold_it_up(tmp_path: Path) -> None:
    forged = tarfile.TarInfo(f"{PLACE}/a")
    forged.size = -1024
    header = bytearray(forged.tobuf(tarfile.GNU_FORMAT))
    refused(tmp_path / "tar", WHOLE[:512] + bytes(header) + bytes(1024))


@pytest.mark.parametrize("type", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_says_it_is_huge_is_not_read_into_memory(tmp_path: Path, type: bytes) -> None:
    forged = tarfile.TarInfo("x")
    forged.type, forged.size = type, 3 * 1024**3
    with (tmp_path / "tar").open("wb") as file:
        file.write(WHOLE[:512] + forged.tobuf(tarfile.GNU_FORMAT))
        file.truncate(forged.size)  # holes: it costs no disk
    with pytest.raises(PortwrightError, match="a header is too long"):
        check_whole(tmp_path / "tar")


def test_many_small_headers_do_not_add_up(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folder = tarfile.TarInfo(PLACE)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for number in range(LONGEST_HEADER // 1500):
            archive.addfile(tarfile.TarInfo(f"{PLACE}/{number}{'x' * 200}"))
    (tmp_path / "tar").write_bytes(buffer.getvalue())
    check_whole(tmp_path / "tar")
