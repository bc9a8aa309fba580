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


def test_the_file_is_written_to_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    file = tmp_path / "deploy/compose.yaml"
    file.parent.mkdir()
    file.write_text("services: {web: {build: {context: .., target: prod_builder}}}")
    run = CliRunner().invoke(main, ["import", str(file), "--name", "shop"])
    assert run.exit_code == 0 and str(tmp_path / "portwright.yaml") in run.output
    assert "target: prod_builder" in (tmp_path / "portwright.yaml").read_text()
    out = tmp_path / "deploy/portwright.yaml"
    run = CliRunner().invoke(
        main, ["import", str(file), "--root", str(file.parent), "--skip-refused"]
    )
    assert run.exit_code and not out.exists() and "outside the repository" in run.output
