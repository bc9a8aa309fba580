"""What an upgrade writes down before it stops anything."""

from __future__ import annotations

from pathlib import Path

from provision import upgrade_note


def test_what_is_written_is_read_by_root_only_until_it_is_dropped(tmp_path: Path) -> None:
    assert upgrade_note.read(tmp_path) is None
    for copy in (None, tmp_path / "copy.db"):
        upgrade_note.write(tmp_path, {"portal": "[Service]"}, "0007", copy)
        assert upgrade_note.read(tmp_path) == {
            "daemons": {"portal": "[Service]"},
            "version": "0007",
            "copy": str(copy) if copy else None,
        }
        assert upgrade_note.place(tmp_path).stat().st_mode & 0o777 == 0o600
    upgrade_note.drop(tmp_path)
    assert upgrade_note.read(tmp_path) is None
    assert list((tmp_path / "versions").iterdir()) == []


def test_what_others_could_read_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "note.new").touch(mode=0o644)
    upgrade_note.put(tmp_path / "note", "hush")
    assert [(each.name, each.stat().st_mode & 0o777) for each in tmp_path.iterdir()] == [
        ("note", 0o600)
    ]
