"""
The package as users install it: built as for a release, installed by pip into a fresh environment from the
package index, beside plugins that are distributions of their own. The slow part of the suite.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.installing import ROOT, SLOW, Built, build, call, unmeasured

import g4f_lite
from g4f_lite.testing import FaultServer, replies

VERSION = g4f_lite.__version__
PAGE = (ROOT / "docs" / "plugins" / "README.md").read_text("utf-8")

pytestmark = SLOW


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# -- the build -------------------------------------------------------------------------


def sources(*roots: str) -> set[str]:
    """Return the files of the packages as the wheel names them."""
    return {
        str(path.relative_to((ROOT / root).parent))
        for root in roots
        for path in (ROOT / root).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_two_packages_and_nothing_else(built: Built) -> None:
    info = f"g4f_lite-{VERSION}.dist-info/"
    files = set(contents(built.wheel))
    packages = sources("g4f_lite", "providers/g4f_lite_providers")
    assert {name for name in files if not name.startswith(info)} == packages
    assert {"g4f_lite/py.typed", "g4f_lite_providers/py.typed"} <= packages
    assert built.wheel.name == f"g4f_lite-{VERSION}-py3-none-any.whl"


def test_the_sdist_and_the_tree_give_the_same_wheel(built: Built) -> None:
    assert contents(built.wheel) == contents(built.direct)
    with tarfile.open(built.sdist) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert top == {
        *("g4f_lite", "providers", "tests", "stress", "docs", "examples"),
        *("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"),
        *("pyproject.toml", "PKG-INFO", ".gitignore"),
    }


def test_the_metadata_state_the_python_version_dependencies_and_entry_points(built: Built) -> None:
    files = contents(built.wheel)
    info = f"g4f_lite-{VERSION}.dist-info"
    metadata: Message = message_from_bytes(files[f"{info}/METADATA"])
    assert (metadata["Name"], metadata["Version"]) == ("g4f_lite", VERSION)
    assert (metadata["Requires-Python"], metadata["License-Expression"]) == (">=3.11", "MIT")
    core = {re.split(r"[<>=;\[ ]", line)[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert core == {"aiohttp", "msgspec", "pluggy", "requests", "tenacity", "urllib3"}
    assert b"g4f-lite = g4f_lite.cli:main" in files[f"{info}/entry_points.txt"]
    assert b"[pytest11]\ng4f_lite = g4f_lite.testing.pytest_plugin" in files[f"{info}/entry_points.txt"]
    assert f"{info}/licenses/LICENSE" in files


# -- the installed packages ---------------------------------------------------------------------


def block(language: str) -> str:
    """Return the first block of this language in docs/plugins/README.md."""
    return PAGE.partition(f"```{language}\n")[2].partition("```")[0]


def broken_plugin() -> dict[str, str]:
    """Return the files of a plugin like the documented one that raises on import."""
    project = block("toml").replace("acme", "sour")
    return {"sour.py": "raise RuntimeError('sour on import')\n", "pyproject.toml": project}


class Venv(NamedTuple):
    python: Path
    cwd: Path

    def run(self, code: str, server: FaultServer | None = None) -> Any:
        """Run a program there with warnings as errors; return the JSON that it prints."""
        environment = {}
        if server is not None:
            for name in ("ACME", "GROQ"):
                environment |= {f"{name}_API_KEY": "test", f"{name}_API_BASE": server.base_url}
        command = (self.python, "-I", "-W", "error", "-c", textwrap.dedent(code))
        return json.loads(call(*command, cwd=self.cwd, **environment))


@pytest.fixture(scope="module")
def venv(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venv]:
    """g4f_lite, the plugin of docs/plugins/README.md, and one that is broken, installed by pip."""
    folder = tmp_path_factory.mktemp("venv")
    wheels = [built.wheel]
    documented = {"acme.py": block("python"), "pyproject.toml": block("toml")}
    for name, files in {"acme": documented, "sour": broken_plugin()}.items():
        project = folder / name
        project.mkdir()
        for file, text in files.items():
            (project / file).write_text(text)
        wheels.append(build(project, project, "--wheel"))
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-compile", *wheels, cwd=folder)
    yield Venv(python, folder)


def test_importing_the_installed_package_loads_no_http_library(venv: Venv) -> None:
    version, where, loaded = venv.run("""
        import json, sys, g4f_lite
        print(json.dumps([g4f_lite.__version__, g4f_lite.__file__, [*{"requests", "aiohttp"} & {*sys.modules}]]))
    """)
    assert version == VERSION
    assert where.startswith(str(venv.cwd))
    assert loaded == []


def test_an_installed_plugin_is_listed_without_an_import_and_answers_by_name_in_every_way(
    venv: Venv, server: FaultServer
) -> None:
    server.on("acme/large-2", replies.error(404, "gone", code="model_not_found"))
    server.on("acme/small-2", replies.answer("Sunday it is"))
    names, imported, answers = venv.run(
        """
        import asyncio, json, sys
        import g4f_lite
        from g4f_lite import AsyncClient, Client

        names, imported = g4f_lite.provider_names(), "acme" in sys.modules
        params = {"messages": [{"role": "user", "content": "Which day is it?"}], "provider": "acme", "model": "gpt-oss-120b"}
        answers = []
        with Client() as client:
            answers.append(client.chat.completions.create(**params))
            stream = client.chat.completions.create(**params, stream=True)
            assert "".join(chunk.text for chunk in stream) == stream.completion.text
            answers.append(stream.completion)

        async def main():
            async with AsyncClient() as client:
                answers.append(await client.chat.completions.create(**params))
                stream = await client.chat.completions.create(**params, stream=True)
                assert "".join([chunk.text async for chunk in stream]) == stream.completion.text
                answers.append(stream.completion)

        asyncio.run(main())
        print(json.dumps([names, imported, [[one.text, one.provider, one.model] for one in answers]]))
        """,
        server,
    )
    assert {"groq", "acme"} < set(names)
    assert not imported
    assert answers == [["Sunday it is", "acme", "acme/small-2"]] * 4
    assert server.models[0] == "acme/large-2"
    assert {request.headers["authorization"] for request in server.received} == {"Bearer test"}


def test_a_broken_plugin_is_named_by_its_error_and_all_others_work(venv: Venv, server: FaultServer) -> None:
    answers, error, skipped, plugins = venv.run(
        """
        import json
        import g4f_lite
        from g4f_lite import Client
        from g4f_lite.plugins.registry import process_registry

        params = {"messages": [{"role": "user", "content": "Which day is it?"}]}
        with Client(routes=["sour", "acme"]) as client:
            answers = [client.chat.completions.create(**params, provider=name).text for name in ("groq", "acme")]
            try:
                client.chat.completions.create(**params, provider="sour")
            except g4f_lite.PluginLoadError as caught:
                error = str(caught)
            skipped = [str(one) for one in client.chat.completions.create(**params).trail.skipped]
        plugins = [[one.name, one.distribution, one.error] for one in process_registry().plugins() if one.loaded]
        print(json.dumps([answers, error, skipped, plugins]))
        """,
        server,
    )
    assert answers == ["ok", "ok"]
    for part in ("'sour'", "g4f-lite-sour 1.0", "RuntimeError: sour on import"):
        assert part in error
    assert [line.partition(":")[0] for line in skipped] == ["sour skipped"]
    assert ["acme", "g4f-lite-acme", None] in plugins
    assert ["sour", "g4f-lite-sour", "RuntimeError: sour on import (at sour.py:1)"] in plugins


def test_type_checkers_read_the_installed_packages(venv: Venv) -> None:
    (venv.cwd / "user.py").write_text(
        "from g4f_lite import Client\n"
        "from g4f_lite_providers.groq import Groq\n"
        "from g4f_lite import Clinet\n"
        'text: str = Client(routes=[Groq()]).chat.completions.create(messages=[{"role": "user", "content": "x"}]).text\n'
        "number: int = text\n"
    )
    options = ["--strict", "--python-executable", str(venv.python), "--cache-dir", str(venv.cwd / "mypy"), "user.py"]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "", *options],
        cwd=venv.cwd, env=unmeasured(PYTHONPATH=""), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    errors = [line.partition(": error: ")[::2] for line in ran.stdout.splitlines() if ": error: " in line]
    assert [place for place, _ in errors] == ["user.py:3", "user.py:5"], ran.stdout + ran.stderr
    assert '"Clinet"' in errors[0][1]
