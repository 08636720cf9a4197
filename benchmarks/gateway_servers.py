"""The gateways that are compared, each in a process of its own, and how they are asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from compileall import compile_dir
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from g4f_lite.gateway.keys import hash_of

from .environments import FOLDER, environment

KEY, MODEL = "g4f-" + "k" * 43, "gpt-5.6-luna"
PORTKEY = "@portkey-ai/gateway"
START_S = 300.0
_NOT_FOR_THEM = frozenset({"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONDONTWRITEBYTECODE"})
"""Variables that only slow a start down: nothing here uses TLS, and what is installed has its bytecode."""
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

_PROXY = """
import asyncio, sys
from aiohttp import ClientSession, TCPConnector, web

async def main(port, *origins):
    async with ClientSession(auto_decompress=False, connector=TCPConnector(limit=0)) as session:
        async def handle(request):
            body = await request.read()
            headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
            kind = request.path.split("/", 2)[1]
            async with session.post(origins[kind == "held"] + request.path, data=body, headers=headers) as reply:
                if reply.headers["Content-Type"].startswith("text/event-stream"):
                    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                    await out.prepare(request)
                    async for piece in reply.content.iter_any():
                        await out.write(piece)
                    await out.write_eof()
                    return out
                return web.Response(body=await reply.read(), headers={"Content-Type": "application/json"})
        runner = web.ServerRunner(web.Server(handle, handler_cancellation=True))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(port)).start()
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


class Origins(NamedTuple):
    """Where services listen: `canned` answers `/answer/…` and `/piece/…`, `held` sends one event and is silent."""

    canned: str
    held: str

    def of(self, kind: str) -> str:
        """Return the base URL of a kind of answer: `answer`, `piece` or `held`."""
        return f"{self.held if kind == 'held' else self.canned}/{kind}/v1"


class Ask(NamedTuple):
    """How a server is asked for one kind of answer."""

    path: str
    headers: Mapping[str, str]
    model: str

    def body(self, *, stream: bool, says: str = "Which day is it?") -> bytes:
        fields = {"model": self.model, "messages": [{"role": "user", "content": says}], "max_tokens": 100}
        return json.dumps({**fields, "stream": stream}, separators=(",", ":")).encode()


class Contender(NamedTuple):
    """
    A gateway that may be started.

    Attributes:
        command: makes the command, its environment, from port, origins and a folder of its own.
        ask: for a kind of answer.
    """

    name: str
    version: str
    command: Callable[[int, Origins, Path], tuple[list[str], dict[str, str]]]
    ask: Callable[[str, Origins], Ask]


class Running(NamedTuple):
    contender: Contender
    process: subprocess.Popen[bytes]
    port: int
    origins: Origins
    start_s: float
    """Seconds from the start to the first answer."""
    start_cpu_s: float

    @property
    def name(self) -> str:
        return self.contender.name

    def ask(self, kind: str) -> Ask:
        return self.contender.ask(kind, self.origins)

    def cpu(self) -> float:
        """Return the seconds of CPU that its processes have used."""
        return sum(_cpu_of(one) for one in _tree(self.process.pid))

    def memory(self) -> int:
        """Return the bytes of memory that its processes occupy."""
        return sum(int(_read(one, "statm").split()[1]) * _PAGE for one in _tree(self.process.pid))


def _read(process: int, name: str) -> str:
    return Path(f"/proc/{process}/{name}").read_text("ascii", "replace")


def _cpu_of(process: int) -> float:
    fields = _read(process, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _tree(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text("ascii").split():
            yield from _tree(int(child))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(contender: Contender, origins: Origins, folder: Path) -> Iterator[Running]:
    """
    Start it, and yield it once it answers.

    Raises:
        RuntimeError: it does not.
    """
    own = folder / contender.name.replace(" ", "-")
    own.mkdir()
    port, began = _free_port(), time.monotonic()
    command, more = contender.command(port, origins, own)
    here = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_THEM}
    with (own / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=own, env={**here, **more}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        ask = contender.ask("answer", origins)
        while not _answers(port, ask):
            if process.poll() is not None or time.monotonic() > began + START_S:
                raise RuntimeError((own / "log").read_text("utf-8", "replace")[-500:])
            time.sleep(0.01)
        took = time.monotonic() - began
        cpu = sum(_cpu_of(one) for one in _tree(process.pid))
        yield Running(contender, process, port, origins, took, cpu)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int, ask: Ask) -> bool:
    url, headers = f"http://127.0.0.1:{port}{ask.path}", {"Content-Type": "application/json", **ask.headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, ask.body(stream=False), headers), timeout=20) as answer:
            return b"choices" in answer.read()
    except (OSError, urllib.error.URLError):
        return False


# -- the contenders ------------------------------------------------------------------------


def _proxy(port: int, origins: Origins, folder: Path) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-c", _PROXY, str(port), *origins], {}


def _ours(port: int, origins: Origins, folder: Path) -> tuple[list[str], dict[str, str]]:
    (folder / "gateway.toml").write_text(
        f"""
        [server]
        listen = "127.0.0.1:{port}"
        [client.base_urls]
        openai = "{origins.of("answer")}"
        groq = "{origins.of("piece")}"
        cerebras = "{origins.of("held")}"
        [models]
        answer = {{ routes = ["openai:{MODEL}"] }}
        piece = {{ routes = ["groq:openai/gpt-oss-120b"] }}
        held = {{ routes = ["cerebras:gpt-oss-120b"] }}
        [keys.bench]
        hash = "{hash_of(KEY)}"
        rpm = 100_000_000
        tpm = 100_000_000_000
        parallel = 1000
        budget = {{ usd = 900_000, per = "month" }}
        unknown_price = "allow"
        """
    )
    secrets = {f"{name}_API_KEY": "k" * 20 for name in ("OPENAI", "GROQ", "CEREBRAS")}
    command = [sys.executable, "-m", "g4f_lite", "serve", str(folder / "gateway.toml")]
    return command, {**secrets, "G4F_LITE_LOAD_PLUGINS": ""}


def _lite_llm(python: Path) -> Callable[[int, Origins, Path], tuple[list[str], dict[str, str]]]:
    def command(port: int, origins: Origins, folder: Path) -> tuple[list[str], dict[str, str]]:
        models = [
            {
                "model_name": kind,
                "litellm_params": {"model": f"openai/{MODEL}", "api_base": origins.of(kind), "api_key": "k" * 20},
            }
            for kind in ("answer", "piece", "held")
        ]
        (folder / "config.yaml").write_text(json.dumps({"model_list": models}))  # JSON is YAML
        own = {"LITELLM_MASTER_KEY": f"sk-{KEY}", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
        given = ["--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        return [str(python.with_name("litellm")), *given], own

    return command


def _portkey(folder: Path) -> Callable[[int, Origins, Path], tuple[list[str], dict[str, str]]]:
    def command(port: int, origins: Origins, own: Path) -> tuple[list[str], dict[str, str]]:
        start = folder / "node_modules" / PORTKEY / "build" / "start-server.js"
        return ["node", str(start), "--headless", f"--port={port}"], {}

    return command


def _ask_portkey(kind: str, origins: Origins) -> Ask:
    headers = {"Authorization": "Bearer k", "x-portkey-provider": "openai", "x-portkey-custom-host": origins.of(kind)}
    return Ask("/v1/chat/completions", headers, MODEL)


def contenders(*, ours_alone: bool = False) -> tuple[list[Contender], list[str]]:
    """Return the proxy, ours, and the peers that are here or can be installed; and what is absent and why."""
    key = {"Authorization": f"Bearer {KEY}"}
    for package in ("g4f_lite", "g4f_lite_providers"):  # as an installation does
        compile_dir(Path(str(find_spec(package).origin)).parent, quiet=1)  # type: ignore[union-attr]  # it is there
    found = [
        Contender(
            "bare aiohttp proxy", "", _proxy, lambda kind, origins: Ask(f"/{kind}/v1/chat/completions", {}, MODEL)
        ),
        Contender("g4f_lite", "", _ours, lambda kind, origins: Ask("/v1/chat/completions", key, kind)),
    ]
    absent: list[str] = []
    if ours_alone:
        return found, absent
    try:
        folder = FOLDER / "portkey"
        package = folder / "node_modules" / PORTKEY / "package.json"
        if not package.exists():
            npm = shutil.which("npm") or "npm"
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run([npm, "install", "--silent", "--prefix", str(folder), PORTKEY], check=True)
        version = json.loads(package.read_text("utf-8"))["version"]
        found.append(Contender("Portkey", version, _portkey(folder), _ask_portkey))
    except (OSError, subprocess.CalledProcessError) as error:
        absent.append(f"Portkey (npm {PORTKEY}): {error}")
    try:
        made = environment(["litellm[proxy]"])
        secret = {"Authorization": f"Bearer sk-{KEY}"}
        found.append(
            Contender(
                "LiteLLM's proxy",
                made.packages["litellm"],
                _lite_llm(made.python),
                lambda kind, origins: Ask("/v1/chat/completions", secret, kind),
            )
        )
    except (OSError, subprocess.CalledProcessError) as error:
        absent.append(f"LiteLLM's proxy: {error}")
    return found, absent
