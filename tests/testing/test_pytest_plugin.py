"""The fixtures as authors use them, in a pytest run of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from helpers.imports import python

from g4f_lite import Client, ServerError
from g4f_lite.testing import NetworkBlockedError, ScriptedProvider, network_blocked

TESTS = """
    import os
    import socket

    import pytest
    import requests
    import aiohttp

    from g4f_lite import RateLimitError, ServerError
    from g4f_lite.testing import NetworkBlockedError, ScriptedProvider, replies

    MESSAGES = [{"role": "user", "content": "Which day is it?"}]

    def test_the_fault_server_answers(fault_server):
        fault_server.script(replies.answer("Sunday"))
        reply = requests.post(f"{fault_server.base_url}/chat/completions", json={"model": "m"})
        assert reply.json()["choices"][0]["message"]["content"] == "Sunday"

    def test_the_offline_client_asks_the_scripted_provider(offline_client, scripted_provider):
        assert offline_client.chat.completions.create(messages=MESSAGES).text == "ok"
        assert [request.messages[0]["content"] for request in scripted_provider.requests] == ["Which day is it?"]

    def test_the_offline_client_sees_no_real_key(offline_client):
        assert "ACME_API_KEY" not in os.environ
        assert offline_client.explain(provider=ScriptedProvider()).tiers

    def test_keys_are_back_without_the_offline_client():
        assert os.environ["ACME_API_KEY"] == "real"

    @pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
    def test_connections_beyond_this_machine_are_refused(network_guard, address):
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as one:
            with pytest.raises(NetworkBlockedError, match=address[0]):
                one.connect(address)

    def test_no_name_is_looked_up(offline_client):
        with pytest.raises(NetworkBlockedError, match="api.groq.com"):
            socket.getaddrinfo("api.groq.com", 443)

    def test_this_machine_can_be_reached(network_guard, fault_server):
        assert requests.post(f"http://localhost:{fault_server.port}/v1/chat/completions", json={}).ok

    def test_a_scripted_provider_raises_its_scripted_error(offline_client):
        provider = ScriptedProvider(RateLimitError("slow down", retry_after=0.0), "Sunday it is", name="second")
        stream = offline_client.chat.completions.create(messages=MESSAGES, provider=provider, stream=True)
        assert [chunk.text for chunk in stream] == ["Sunday ", "it ", "is", ""]
        assert [attempt.outcome for attempt in stream.completion.attempts] == ["RateLimitError", "ok"]
"""


def run_pytest(folder: Path, *options: str, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-q", *options],
        cwd=folder, env={
            **os.environ, "ACME_API_KEY": "real", "PYTEST_ADDOPTS": "",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # others take longer to load than the tests
            **environment,
        },
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def author(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_acme.py").write_text(textwrap.dedent(TESTS))
    return tmp_path


def test_authors_use_the_fixtures(author: Path) -> None:
    installed = ("-p", "no:g4f_lite", "-p", "g4f_lite.testing.pytest_plugin")  # as the entry point does
    assert "9 passed" in run_pytest(author, *installed)


def test_a_run_that_uses_no_fixture_loads_nothing_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_nothing_is_loaded():\n"
        "    ours = {name for name in sys.modules if name.startswith('g4f_lite')}\n"
        "    assert ours == {'g4f_lite', 'g4f_lite.version', 'g4f_lite.testing', 'g4f_lite.testing.pytest_plugin'}\n"
        "    assert not {'aiohttp', 'requests', 'msgspec'} & set(sys.modules)\n"
    )
    assert "1 passed" in run_pytest(tmp_path, "-p", "no:g4f_lite", "-p", "g4f_lite.testing.pytest_plugin")


def test_only_the_suite_needs_pytest() -> None:
    program = (
        "import sys; sys.modules['pytest'] = None\n"
        "from g4f_lite.testing import FaultServer, Received, ScriptedProvider, network_blocked, replies, shapes\n"
        "import g4f_lite.testing as testing\n"
        "try: testing.nothing\n"
        "except AttributeError as error: print(error)"
    )
    ran = python(program)
    assert ran.stdout == "module 'g4f_lite.testing' has no attribute 'nothing'\n", ran.stderr


def test_the_guard_is_inactive_afterwards() -> None:
    def resolve() -> object:
        return socket.getaddrinfo("192.0.2.1", 9, flags=socket.AI_NUMERICHOST)  # without a lookup

    with network_blocked(), network_blocked():
        pass
    assert resolve()
    with network_blocked(), pytest.raises(NetworkBlockedError):
        resolve()
    assert resolve()


def test_the_guard_refuses_each_way_out_and_leaves_the_module_as_it_was() -> None:
    before = (dict(vars(socket)), dict(vars(socket.socket)))
    with network_blocked(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for way in (
            lambda: out.connect(("192.0.2.1", 9)),
            lambda: out.connect_ex(("192.0.2.1", 9)),
            lambda: out.sendto(b"", ("192.0.2.1", 9)),
            lambda: out.sendto(b"", 0, ("192.0.2.1", 9)),
            lambda: socket.create_connection(("192.0.2.1", 9)),
            lambda: socket.getaddrinfo(host=b"other.invalid", port=9),
            lambda: socket.gethostbyname("other.invalid"),
            lambda: socket.gethostbyname_ex("other.invalid"),
            lambda: socket.gethostbyaddr("192.0.2.1"),
            lambda: out.sendmsg([b""], [], 0, ("192.0.2.1", 9)),
        ):
            with pytest.raises(NetworkBlockedError, match=r"192\.0\.2\.1|other\.invalid"):
                way()
        out.connect(("127.0.0.1", 9))
        out.sendmsg([b""])
    assert (dict(vars(socket)), dict(vars(socket.socket))) == before


def test_the_guard_installs_no_audit_hook() -> None:
    program = (
        "import sys; sys.addaudithook = lambda hook: print('installed')\n"
        "from g4f_lite.testing import network_blocked\n"
        "with network_blocked(): print('blocked')"
    )
    ran = python(program)
    assert ran.stdout == "blocked\n", ran.stderr


def test_a_scripted_provider_takes_part_in_failover() -> None:
    first, second = ScriptedProvider(ServerError("down"), name="first"), ScriptedProvider("Sunday", name="second")
    with Client(routes=[first, second], retries=0) as client:
        reply = client.chat.completions.create(messages=[{"role": "user", "content": "Which day?"}])
    assert (reply.text, reply.provider) == ("Sunday", "second")
    assert (len(first.requests), len(second.requests)) == (1, 1)
