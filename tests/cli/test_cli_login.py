"""Logging in and out, and every way in which a server can't be talked to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_login_saves_a_token_for_its_owner_only(alice: Any, url: str, tmp_path: Path) -> None:
    path = tmp_path / "config" / "config.json"
    saved = json.loads(path.read_text())
    assert saved["url"] == url and saved["token"].startswith("pw_")
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["config.json"]


def test_a_wrong_password(run: Any, url: str, tmp_path: Path) -> None:
    result = run("login", url, typed="alice@example.org\nwrong password\n")
    assert result.exit_code == 1
    assert "Error: E-mail or password is wrong." in result.output
    assert "To do: Check both and try again." in result.output
    assert not (tmp_path / "config").exists()


def test_login_with_a_token_looks_whether_it_works(
    alice: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = json.loads((tmp_path / "config" / "config.json").read_text())["token"]
    monkeypatch.setenv("PORTWRIGHT_CONFIG", str(tmp_path / "other.json"))
    wrong = alice("login", url, "--token", "pw_wrong")
    assert wrong.exit_code == 1 and "does not know your token" in wrong.output
    assert alice("projects").exit_code == 1
    monkeypatch.setenv("PORTWRIGHT_TOKEN", token)
    assert alice("login", url).exit_code == 0
    monkeypatch.delenv("PORTWRIGHT_TOKEN")
    assert alice("projects").exit_code == 0


def test_logout_revokes_and_forgets(
    alice: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = json.loads((tmp_path / "config" / "config.json").read_text())["token"]
    assert alice("logout").exit_code == 0
    result = alice("projects")
    assert result.exit_code == 1 and "run portwright login URL" in result.output
    monkeypatch.setenv("PORTWRIGHT_URL", url)
    monkeypatch.setenv("PORTWRIGHT_TOKEN", token)
    assert "does not know your token" in alice("projects").output


def test_a_saved_token_is_not_sent_to_another_server(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTWRIGHT_URL", "http://evil.example")
    result = alice("projects")
    assert result.exit_code == 1 and "belongs to http://127.0.0.1" in result.output


def test_a_server_that_is_not_there_is_named(run: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = run("login", url, "--token", "pw_x")
    assert result.exit_code == 1
    assert f"{url} can't be reached" in result.output and "To do:" in result.output


@pytest.mark.parametrize("url", ["localhost:8700", "ftp://host", "http://", "http://[", "nonsense"])
def test_what_is_no_address(run: Any, url: str) -> None:
    result = run("login", url, "--token", "pw_x")
    assert result.exit_code == 1 and "Error:" in result.output
    assert "Traceback" not in result.output and "To do:" in result.output


def test_a_server_that_is_something_else(alice: Any, url: str, app: Any) -> None:
    app.view_functions["api.list_projects"] = lambda: "<html>hello</html>"
    result = alice("projects")
    assert result.exit_code == 1 and "not as Portwright does" in result.output
    app.view_functions["api.list_projects"] = lambda: ("<html>bad gateway</html>", 502)
    assert "HTTP 502" in alice("projects").output


def test_a_config_that_is_broken(run: Any, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.json").write_text("{")
    result = run("projects")
    assert result.exit_code == 1 and "writes it anew" in result.output


def test_the_command_line_knows_no_other_room() -> None:
    look = (
        "import sys, cli.main; "
        "sys.exit(any(m.split('.')[0] in ('portal', 'jobs', 'stacks', 'flask', 'sqlalchemy')"
        " for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
