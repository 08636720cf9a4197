"""The suites find I/O that a provider's module does when it is imported."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from helpers.suites import IMPORTS, assert_explained, run_check

from g4f_lite.testing import ProviderConformance
from g4f_lite.testing.conformance import common

MODULE = """
from g4f_lite import OpenaiTemplate, hookimpl
{body}
class Acme(OpenaiTemplate):
    name = "acme"
    api_base = "https://acme.example/v1"
    api_key_env = ("ACME_API_KEY",)
    login_url = "https://acme.example"
    default_model = "acme-1"
    {attribute}

@hookimpl
def register_providers(register):
    register(Acme)
    {hook}
"""
SITE = "import socket; socket.socket().connect(('127.0.0.1', {port}))"


@pytest.mark.parametrize(
    ("place", "code", "message"),
    [
        ("body", "", ""),
        ("body", "pass", ""),
        ("body", SITE, "a connection"),
        ("hook", SITE, "a connection"),
        ("hook", "import socket; socket.getaddrinfo('localhost', 80)", "a look-up of a host name"),
        ("hook", f"try:\n        {SITE}\n    except OSError: pass", "a connection"),
        ("body", "import subprocess, sys; subprocess.run([sys.executable, '-V'])", "starting a process"),
        ("body", "open('cache.txt', 'w')", "writing the file cache.txt"),
        ("body", "print('hello from acme')", "prints 'hello from acme'"),
        ("hook", "print('hello from acme')", "prints 'hello from acme'"),
        ("body", "1 / 0", "ZeroDivisionError"),
        ("hook", "1 / 0", "ZeroDivisionError"),
        ("body", "import os; os.environ.get('ACME_NOW') and os._exit(3)", "ends the process with code 3"),
        ("body", "import os, time; os.environ.get('ACME_NOW') and time.sleep(60)", "does not end within 2 s"),
        ("attribute", "import os; api_key = os.environ.get('ACME_API_KEY')", "holds the key of the environment"),
    ],
)  # fmt: skip
def test_what_a_module_does_on_import_is_found(
    place: str, code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    code = code.replace("{port}", str(listener.getsockname()[1]))
    good = MODULE.format(body="", attribute="", hook="")
    (tmp_path / "acme_here.py").write_text(good)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    import acme_here  # type: ignore[import-not-found]

    bad = {"body": "", "attribute": "", "hook": "", place: code}
    (tmp_path / "acme_here.py").write_text(MODULE.format(**bad))
    monkeypatch.setenv("ACME_NOW", "1")
    if "sleep" in code:
        monkeypatch.setattr(common, "LIMIT_S", 2.0)
    suite = type("TestBug", (ProviderConformance,), {"provider": acme_here.Acme})
    monkeypatch.setitem(sys.modules, "acme_here", sys.modules.pop("acme_here"))  # removed after the test
    with listener:
        if not message:
            run_check(suite, IMPORTS, request)
            return
        with pytest.raises(pytest.fail.Exception) as caught:
            run_check(suite, IMPORTS, request)
        assert_explained(str(caught.value), message)
