"""Attachments, schemas, other parameters, defaults of the user, completion, `embed`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.commands import A, B, Cli, in_terminal, run

from g4f_lite.testing import FaultServer, replies

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 9


def config(folder: Path, text: str) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "config.toml").write_text(text, "utf-8")


def test_files_go_along(cli: Cli, tmp_path: Path, groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
    for name, content in (("a.png", PNG), ("b.txt", "größer".encode()), ("c.bin", b"\x00\xff\x01")):
        (tmp_path / name).write_bytes(content)
    files = ["-a", str(tmp_path / "a.png"), "-a", str(tmp_path / "b.txt"), "-a", "https://127.0.0.1/x.png"]
    assert cli("ask", "What?", "-p", "openai", *files, "--base-url", f"openai={groq.base_url}").code == 0
    sent = groq.received[0].json["messages"][0]["content"]
    assert [part["type"] for part in sent] == ["text", "image_url", "text", "image_url"]
    assert sent[1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert cli("ask", "What?", "-p", "groq", "-a", str(tmp_path / "b.txt")).code == 0
    assert groq.received[1].json["messages"][0]["content"] == "What?\n\nb.txt:\ngrößer"
    for wrong in (tmp_path / "c.bin", tmp_path / "nowhere"):
        ran = cli("ask", "What?", "-p", "groq", "-a", str(wrong))
        assert ran.code == 2 and str(wrong) in ran.err


def test_any_parameter_can_be_set(cli: Cli, groq: FaultServer) -> None:
    others = ["-o", "top_p=0.9", "-o", "stop=END", "-o", "seed=5", "-o", "citation_options=enabled"]
    assert cli("ask", "hi", "-p", "groq", *others).code == 0
    sent = groq.received[0].json
    assert (sent["top_p"], sent["stop"], sent["citation_options"]) == (0.9, "END", "enabled")
    assert cli("ask", "hi", "-p", "groq", "-o", "top_p").code == 2


def test_a_misspelt_parameter_is_sent_with_a_note(cli: Cli, groq: FaultServer) -> None:
    ran = cli("ask", "hi", "-p", "groq", "-o", "topp=0.9", "-o", "top_k=5", "-o", "reasoning_format=parsed")
    assert (ran.code, ran.out) == (0, "ok\n") and groq.received[0].json["topp"] == 0.9
    assert ran.err == "Note: 'topp' is no parameter of OpenAI's API, and is sent as it is; did you mean 'top_p'?\n"


def test_a_schema_is_given_as_a_file_or_as_json(cli: Cli, tmp_path: Path, groq: FaultServer) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    (tmp_path / "s.json").write_text(json.dumps(schema))
    for given in (str(tmp_path / "s.json"), json.dumps(schema)):
        groq.script(replies.answer('{"city": "Rome"}'))
        assert json.loads(cli("ask", "hi", "-p", "groq", "--schema", given).out) == {"city": "Rome"}
    asked = [request.json["response_format"]["json_schema"]["schema"] for request in groq.received]
    assert [one["properties"] for one in asked] == [schema["properties"]] * 2
    for wrong in ("{", "nowhere.json", "{}x"):
        assert cli("ask", "hi", "-p", "groq", "--schema", wrong).code == 2


def test_usage_is_told_on_request(cli: Cli, groq: FaultServer) -> None:
    ran = cli("ask", "hi", "-p", "groq", "--usage")
    assert ran.out == "ok\n" and ran.err.startswith(f"groq:{A}: ") and "tokens in" in ran.err


def test_defaults_and_aliases_of_the_user(cli: Cli, tmp_path: Path, groq: FaultServer) -> None:
    config(
        tmp_path, f'provider = "groq"\nmodel = "small"\nsystem = "be brief"\n[aliases]\nsmall = "{B}"\nbig = "groq:{A}"'
    )
    assert cli("ask", "hi").code == 0
    assert cli("ask", "hi", "-m", "big", "-s", "be long").code == 0
    assert cli("ask", "hi", "-p", "groq", "--no-fallback").code == 0
    assert groq.models == [B, A, A]
    system = [request.json["messages"][0]["content"] for request in groq.received]
    assert system == ["be brief", "be long", "be brief"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provder = 'groq'", "did you mean 'provider'?"),
        ("model = 5", "model must be a text in quotes, not 5"),
        ("model = ", "config.toml"),
        ("provider = ['groq', 5]", "provider must be a text in quotes, or a list of such texts, not ['groq', 5]"),
        ("temperature = true", "temperature must be a number, not True"),
        ("[aliases]\nfast = 1", "aliases must be a table of texts in quotes"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(
    text: str, message: str, cli: Cli, tmp_path: Path, groq: FaultServer
) -> None:
    config(tmp_path, text)
    ran = cli("ask", "hi")
    assert ran.code == 2 and message in ran.err
    assert cli("providers").code == 0
    found = cli("doctor")
    assert found.code == 3 and message in found.err
    assert message in json.loads(cli("doctor", "--json").out)["config_problem"]


def test_a_text_becomes_a_vector(cli: Cli, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
    monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
    vector = json.loads(cli("embed", "a text", "-p", "openai", "--dimensions", "3").out)
    assert len(vector) == 3 and all(isinstance(one, float) for one in vector)
    whole = json.loads(cli("embed", "-m", "openai:text-embedding-3-small", "--json", stdin=b"piped").out)
    assert whole["provider"] == "openai"
    assert [request.json["input"] for request in server.received] == ["a text", "piped"]


def test_the_shell_completes_providers_and_models() -> None:
    def complete(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_G4F_LITE_COMPLETE": "bash_complete"}
        return run(env=words).out.split()

    assert "plain,groq" in complete("g4f-lite ask -p gr")
    assert "plain,gpt-oss-120b" in complete("g4f-lite ask -p groq -m gpt-oss-1")
    assert "plain,chat" in complete("g4f-lite ch")


def test_something_moves_in_a_terminal_until_the_answer_begins(groq: FaultServer) -> None:
    groq.script(replies.drip(replies_of("slow"), every=0.02))
    assert "waiting for the answer" in in_terminal("ask", "hi", "-p", "groq", typed=b"\x04").out


def replies_of(text: str) -> bytes:
    """Return a whole HTTP answer, which is then sent byte by byte."""
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]})
    body = f"data: {event}\n\ndata: [DONE]\n\n".encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_the_package_is_the_command_too() -> None:
    import subprocess
    import sys

    ran = subprocess.run([sys.executable, "-m", "g4f_lite", "--version"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and ran.stdout.startswith("g4f-lite ")
