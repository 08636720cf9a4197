"""What can go along with a prompt: what is piped in, and no files that nobody could read."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.commands import Cli

from g4f_lite.testing import FaultServer

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 9
VISION = "qwen/qwen3.8-27b"


def test_a_piped_image_goes_along(cli: Cli, groq: FaultServer) -> None:
    assert cli("ask", "What?", "-p", "groq", "-m", VISION, "-a", "-", stdin=PNG).code == 0
    text, image = groq.received[0].json["messages"][0]["content"]
    assert text["text"] == "What?"
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


def test_a_piped_text_goes_along(cli: Cli, groq: FaultServer) -> None:
    assert cli("ask", "What?", "-p", "groq", "-a", "-", stdin=b"some text").code == 0
    assert groq.received[0].json["messages"][0]["content"] == "What?\n\nstandard input:\nsome text"


@pytest.mark.parametrize("content", [b"%PDF-1.7 looks like text", b"a\0b", b"\xfe\xfe"])
def test_what_is_no_text_is_refused(content: bytes, cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    ran = cli("ask", "What?", "-p", "groq", "-a", str(tmp_path / "file"))
    assert ran.code == 2 and "is no image" in ran.err and not groq.received


def test_embed_asks_for_a_text(cli: Cli) -> None:
    assert "There is no text" in cli("embed", "-p", "openai").err
