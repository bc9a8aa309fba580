"""`portwright import` in a terminal: the report, and that nothing is written over."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from cli.main import main

COMPOSE = "services: {web: {image: nginx, ports: ['8080:80'], volumes: ['./a:/b']}}"


def test_what_is_refused_stops_it_unless_it_is_left_out(tmp_path: Path) -> None:
    file, out = tmp_path / "compose.yaml", tmp_path / "portwright.yaml"
    file.write_text(COMPOSE)
    run = CliRunner().invoke(main, ["import", str(file), "--out", str(out)])
    assert run.exit_code and not out.exists()
    assert "services.web.volumes[0]" in run.output and "a path of the host" in run.output
    again = CliRunner().invoke(main, ["import", str(file), "--out", str(out), "--skip-refused"])
    assert again.exit_code == 0 and "port: 80" in out.read_text()


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file, out = tmp_path / "compose.yaml", tmp_path / "portwright.yaml"
    file.write_text("services: {web: {image: nginx}}")
    out.write_text("mine")
    run = CliRunner().invoke(main, ["import", str(file), "--out", str(out)])
    assert run.exit_code and out.read_text() == "mine"
