"""
Runs the tests of the packages `openai` and `groq`, from their source distributions, with our classes in their place.

    python -m helpers.their_tests openai FOLDER    prints pytest's report

Their fixtures make the clients; the server that they expect is a fault server, which also answers, in the right shape,
what our classes pass on.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.shapes import openai_endpoints
from helpers.installing import unmeasured

CLASSES = {"openai": "OpenAI, AsyncOpenAI", "groq": "Groq, AsyncGroq"}
FILES = {
    "openai": ("chat", "audio", "test_embeddings.py", "test_models.py", "test_images.py"),
    "groq": ("chat", "audio", "test_embeddings.py", "test_models.py"),
}
NEEDED = ("pytest-asyncio", "respx", "rich", "aiohttp>=3.14", "httpx-aiohttp")
"""What their tests import besides pytest and the packages themselves."""


class Report(NamedTuple):
    """How their tests have ended."""

    passed: int
    failed: frozenset[str]
    """`test_speech.py::TestSpeech::test_method_create[loose]`"""
    text: str


def fetch(package: str, folder: Path) -> Path | None:
    """
    Return the folder with the tests of the installed version of a package; None if no index has them.

    What they need besides goes into `FOLDER/../more`, where it is found again for the next package.
    """
    pip = [sys.executable, "-m", "pip", "--quiet", "--retries=0", "--timeout=10", "--disable-pip-version-check"]
    source = [f"{package}=={version(package)}", "--no-deps", "--no-binary=:all:", f"--dest={folder}"]
    commands = [[*pip, "download", *source]]
    if not (more := folder.parent / "more").exists():
        commands.append([*pip, "install", "--no-compile", *NEEDED, f"--target={more}"])
    for command in commands:
        try:
            subprocess.run(command, env=unmeasured(), capture_output=True, timeout=300, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    (packed,) = folder.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.glob(f"{package}-*/tests")
    return unpacked.parent


def run(package: str, folder: Path, environment: dict[str, str] | None = None) -> Report:
    """Run the tests of the endpoints that we answer, in a folder that `fetch` has returned."""
    fixtures = folder / "tests" / "conftest.py"
    text = fixtures.read_text("utf-8")
    ours = f"from g4f_lite.openai import {CLASSES[package]}\n"
    if ours not in text:
        marker = f"from {package}._utils import is_dict\n"
        assert marker in text
        fixtures.write_text(text.replace(marker, marker + ours, 1), "utf-8")
    with FaultServer() as server:
        server.script(answer)
        path = os.pathsep.join(str(one) for one in (folder.parents[1] / "more", folder))
        settings = ("addopts=", "asyncio_mode=auto", "asyncio_default_fixture_loop_scope=session")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-c", os.devnull, f"--rootdir={folder}"),
                *("-p", "no:g4f_lite", "-p", "no:cacheprovider", *(f"-o{one}" for one in settings)),
                *(f"tests/api_resources/{one}" for one in FILES[package]),
            ],
            cwd=folder,
            env=unmeasured(
                PYTHONPATH=path, PYTEST_ADDOPTS="", TEST_API_BASE_URL=server.base_url, **(environment or {})
            ),
            capture_output=True,
            text=True,
        )
    passed = re.search(r"(\d+) passed", done.stdout)
    failed = re.findall(r"^(?:FAILED|ERROR) \S*?([^/\s]+\.py::\S+)", done.stdout, re.MULTILINE)
    return Report(int(passed[1]) if passed else 0, frozenset(failed), done.stdout + done.stderr)


# -- the server ----------------------------------------------------------------------------

_CHAT = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                 "message": {"role": "assistant", "content": "x", "refusal": None}}],
}  # fmt: skip
_VOICE = {"id": "v", "created_at": 1, "name": "n", "type": "audio_sample", "object": "audio.voice"}
_CONSENT = {"id": "v", "created_at": 1, "language": "en", "name": "n", "object": "audio.voice_consent"}


def _page(*items: Any) -> dict[str, Any]:
    return {"object": "list", "data": items, "first_id": "a", "last_id": "b", "has_more": False}


def _deleted(kind: str) -> dict[str, Any]:
    return {"id": "x", "deleted": True, "object": kind}


PASSED_ON: tuple[tuple[str, str, Any], ...] = (
    ("DELETE", r"/models/", _deleted("model")),
    ("GET", r"/models/.", {"id": "m", "created": 1, "object": "model", "owned_by": "x"}),
    ("POST", r"/images/(edits|variations)", {"created": 1, "data": [{"b64_json": "AAAA"}]}),
    ("DELETE", r"/audio/voices/", _deleted("audio.voice.deleted")),
    ("POST", r"/audio/voices$", _VOICE),
    ("DELETE", r"/audio/voice_consents/", _deleted("audio.voice_consent")),
    ("GET", r"/audio/voice_consents$", _page(_CONSENT)),
    ("", r"/audio/voice_consents", _CONSENT),
    ("GET", r"/chat/completions/[^/]+/messages", _page()),
    ("GET", r"/chat/completions$", _page(_CHAT)),
    ("DELETE", r"/chat/completions/", _deleted("chat.completion.deleted")),
    ("", r"/chat/completions/.", _CHAT),
)


def answer(request: replies.Received) -> Iterable[replies.Action]:
    """Answer what is passed on by its method and path, and everything else as a fault server does."""
    path = request.path.partition("?")[0]
    for method, pattern, content in PASSED_ON:
        if method in ("", request.method) and re.search(pattern, path):
            return replies.body(json.dumps(content).encode())(request)
    if request.endpoint == "/embeddings":  # as numbers: their strict validation refuses base64, also that of OpenAI
        asked = {**request.json, "encoding_format": "float"}
        return replies.body(json.dumps(openai_endpoints.embeddings(request.model, asked)).encode())(request)
    return replies.answer("hello there")(request)


if __name__ == "__main__":
    there = fetch(sys.argv[1], Path(sys.argv[2]))
    print("no index has them" if there is None else run(sys.argv[1], there).text)
