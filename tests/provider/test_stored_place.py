"""Where keys are stored."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from g4f_lite.provider.keys import stored_keys_path


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other variables and folders")
@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("G4F_LITE_CONFIG_DIR", "~/secrets", "secrets/keys.json"),
        ("XDG_CONFIG_HOME", "~/.settings", ".settings/g4f_lite/keys.json"),
        ("XDG_CONFIG_HOME", "", ".config/g4f_lite/keys.json"),
    ],
)
def test_a_home_folder_is_meant_where_no_shell_has_written_it_out(
    variable: str, value: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a file of variables for a container or a service."""
    monkeypatch.delenv("G4F_LITE_CONFIG_DIR", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, value)
    assert stored_keys_path() == tmp_path / expected
