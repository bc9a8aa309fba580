"""Secrets that the operator gives a host, from files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.operator_secrets import given
from stacks.errors import PortwrightError


def test_a_secret_in_a_file_of_its_owner(tmp_path: Path) -> None:
    (tmp_path / "vault-key").write_text("hush\n")
    (tmp_path / "vault-key").chmod(0o600)
    secret = given(tmp_path, "vault-key")
    assert secret is not None and secret.getvalue() == "hush"
    assert given(tmp_path, "passphrase") is None


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault-key").write_text("hush\n")
    (tmp_path / "vault-key").chmod(0o640)
    with pytest.raises(PortwrightError, match="can be read by others") as caught:
        given(tmp_path, "vault-key")
    assert "hush" not in str(caught.value)


@pytest.mark.system
def test_one_that_is_encrypted_with_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = tmp_path / "identity"
    subprocess.run(["age-keygen", "-o", str(identity)], check=True, capture_output=True)
    recipient = subprocess.run(
        ["age-keygen", "-y", str(identity)], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(
        ["age", "-r", recipient, "-o", str(tmp_path / "vault-key.age")], input=b"hush\n", check=True
    )
    monkeypatch.setenv("AGE_KEY_FILE", str(identity))
    secret = given(tmp_path, "vault-key")
    assert secret is not None and secret.getvalue() == "hush"
    monkeypatch.setenv("AGE_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(PortwrightError, match="can't be decrypted"):
        given(tmp_path, "vault-key")
