"""What both clients promise besides answers: threads, loops, forks, connections, time."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, eventually, run

import g4f_lite
from g4f_lite import AsyncClient, Client, Timeouts, plugins
from g4f_lite.routing.plan import Plan
from g4f_lite.testing import FaultServer, replies
from g4f_lite.transport.common import default_ssl_context


def ask(client: Client, **params: Any) -> g4f_lite.ChatCompletion:
    return client.chat.completions.create(messages=MESSAGES, provider="groq", **params)


async def aask(client: AsyncClient, **params: Any) -> g4f_lite.ChatCompletion:
    return await client.chat.completions.create(messages=MESSAGES, provider="groq", **params)


# -- connections ---------------------------------------------------------------------------


def test_connections_are_kept_and_used_again(groq: FaultServer) -> None:
    with Client() as client:
        for _ in range(5):
            ask(client)
            list(ask(client, stream=True))
    assert groq.connections == 1

    async def main() -> None:
        async with AsyncClient() as client:
            for _ in range(5):
                await aask(client)
                async for _ in await aask(client, stream=True):
                    pass

    asyncio.run(main())
    assert groq.connections == 2
    assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("how", ["close", "with", "drop"])
def test_a_stream_that_is_left_early_frees_its_connection(how: str, groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))
    with Client() as client:
        stream = ask(client, stream=True)
        if how == "with":
            with stream:
                next(stream)
        else:
            next(stream)
        if how == "close":
            stream.close()
        with pytest.raises(RuntimeError, match="not been read to its end"):
            _ = stream.completion
        del stream
        gc.collect()
        assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("how", ["aclose", "with", "break", "cancel", "unread"])
def test_an_async_stream_that_is_left_early_frees_its_connection(how: str, groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))

    async def main() -> None:
        async with AsyncClient() as client:
            stream = await aask(client, stream=True)
            if how == "with":
                async with stream:
                    await anext(stream)
            elif how == "break":
                async for _ in stream:
                    break
                await stream.aclose()
            elif how == "cancel":
                task = asyncio.create_task(_drain(stream))
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert stream.trail.attempts[-1].outcome == "CancelledError"
            else:
                if how == "aclose":
                    await anext(stream)
                await stream.aclose()
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    asyncio.run(main())


async def _drain(stream: g4f_lite.AsyncStream) -> None:
    async for _ in stream:
        pass


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_stream_that_nobody_looks_at_ends_when_it_is_dropped(mode: str, groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 3))
    ended: list[str] = []

    class Observer:
        @g4f_lite.hookimpl
        def call_finished(self, trail: g4f_lite.Trail) -> None:
            ended.append(str(trail.attempts[-1].notes))

    async def main() -> None:
        async with AsyncClient(plugins=[Observer()]) as client:
            await aask(client, stream=True)
            gc.collect()
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    if mode == "async":
        asyncio.run(main())
    else:
        with Client(plugins=[Observer()]) as client:
            ask(client, stream=True)
            gc.collect()
            assert eventually(lambda: groq.open_connections == 0)
    assert ended == ["('closed by the caller before its end',)"]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the collector may take the socket first
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_finaliser_may_run_while_a_lock_is_held(mode: str, groq: FaultServer) -> None:
    """The garbage collector runs it in the middle of anything."""
    groq.script(replies.silence("stream", 3))

    def collect(client: Any, stream: list[Any]) -> None:
        cycle = [stream.pop()]
        cycle.append(cycle)
        locks = [client._core._health._lock, client._core._turns._lock]
        if mode == "sync":
            locks += [pool.pool.mutex for pool, _ in client._http._pools.values()]
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            del cycle
            gc.collect()

    def drop(client: Any, stream: list[Any]) -> None:
        thread = threading.Thread(target=collect, args=(client, stream), daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        client._core.settle()
        assert [state.in_flight for state in client._core._health._legs.values()] == [0]

    async def main() -> None:
        async with AsyncClient() as client:
            stream = [await aask(client, stream=True)]
            await anext(stream[0])
            drop(client, stream)
            assert await asyncio.to_thread(eventually, lambda: groq.open_connections == 0)

    if mode == "async":
        asyncio.run(main())
        return
    with Client() as client:
        stream = [ask(client, stream=True)]
        next(stream[0])
        drop(client, stream)
        assert eventually(lambda: groq.open_connections == 0)


def test_a_server_that_closes_idle_connections_goes_unnoticed(groq: FaultServer) -> None:
    groq.script(lambda request: [*replies.answer("ok")(request), replies.Close()])
    with Client(retries=0) as client:
        for _ in range(4):
            assert ask(client).text == "ok"
            assert eventually(lambda: groq.open_connections == 0)


@pytest.mark.parametrize("mode", MODES)
def test_a_provisional_answer_is_not_the_answer(mode: str, groq: FaultServer) -> None:
    """Else the real one would be taken for that of the next call on the connection."""
    hints = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"
    groq.script(lambda request: [hints, replies.Pause(0.1), *replies.answer(request.json["user"])(request)])
    for user in ("one", "two"):
        assert run(mode, {}, {"provider": "groq", "user": user}).text == user


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_one_host_header_is_sent_and_the_callers_wins(mode: str, groq: FaultServer) -> None:
    run(mode, {}, {"provider": "groq", "extra_headers": {"Host": "api.example.com"}})
    assert groq.received[0].headers["host"] == "api.example.com"
    with pytest.raises(g4f_lite.InvalidRequestError, match="follows from the body"), Client() as client:
        ask(client, extra_headers={"Transfer-Encoding": "chunked"})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "http://[::bad:1"])
def test_a_proxy_that_is_no_address_is_our_error(proxy: str, mode: str, groq: FaultServer) -> None:
    outcome = run(mode, {"proxy": proxy}, {"provider": "groq", "fallback_models": []})
    assert isinstance(outcome.error, g4f_lite.ConnectionFailedError)


# -- threads, loops, forks -----------------------------------------------------------------


def test_fifty_threads_share_one_client(groq: FaultServer) -> None:
    groq.script(lambda request: replies.answer(request.json["messages"][0]["content"])(request))
    with Client() as client, ThreadPoolExecutor(50) as pool:

        def one(number: int) -> bool:
            messages = [{"role": "user", "content": f"number {number}"}]
            return client.chat.completions.create(messages=messages, provider="groq").text == f"number {number}"

        assert all(pool.map(one, range(300)))
    assert groq.connections <= 64


def test_one_async_client_survives_several_event_loops(groq: FaultServer) -> None:
    client = AsyncClient()
    for _ in range(3):
        assert asyncio.run(aask(client)).text == "ok"
    gc.collect()
    assert eventually(lambda: groq.open_connections == 0)

    async def main() -> None:
        answers = await asyncio.gather(aask(client), asyncio.to_thread(lambda: asyncio.run(aask(client))))
        assert [answer.text for answer in answers] == ["ok", "ok"]
        await client.aclose()

    asyncio.run(main())


def _ask_in_child(client: Client, queue: Any) -> None:
    queue.put([ask(client, user=f"child {number}").text for number in range(20)])
    queue.close()
    queue.join_thread()
    os._exit(0)  # no test teardown in the child


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_client_goes_on_after_a_fork_with_connections_of_its_own(groq: FaultServer) -> None:
    groq.script(lambda request: replies.answer(request.json["user"])(request))
    context = multiprocessing.get_context("fork")
    with Client() as client:
        assert ask(client, user="parent").text == "parent"
        queue = context.SimpleQueue()
        child = context.Process(target=lambda: queue.put([ask(client, user=f"child {n}").text for n in range(20)]))
        child.start()
        mine = [ask(client, user=f"parent {number}").text for number in range(20)]
        theirs = queue.get()
        child.join(10)
    assert mine == [f"parent {number}" for number in range(20)]
    assert theirs == [f"child {number}" for number in range(20)]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_is_free_of_locks_that_other_threads_held_at_the_fork(groq: FaultServer) -> None:
    plugin = g4f_lite.OpenaiTemplate(name="mine", api_base=groq.base_url, needs_auth=False, default_model="m")
    context = multiprocessing.get_context("fork")

    def both(client: Client) -> str:
        return client.chat.completions.create(messages=MESSAGES, provider=["mine", "groq"]).text

    with Client(plugins=[plugin], strategy="round_robin") as client:
        core = client._core
        locks: list[Any] = [core._health._lock, core._turns._lock, core.registry._lock, core.registry._root._lock]
        locks += [client._http._lock, plugins._process_lock]
        held, free = threading.Event(), threading.Event()

        def hold() -> None:
            with ExitStack() as stack:
                for lock in locks:
                    stack.enter_context(lock)
                held.set()
                free.wait(20)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(20)
        queue = context.SimpleQueue()
        child = context.Process(target=lambda: queue.put(both(client)))
        child.start()
        child.join(10)
        hangs = child.is_alive()
        child.kill()
        free.set()
        holder.join()
    assert not hangs
    assert queue.get() == "ok"


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_waits_for_no_module_that_another_thread_was_importing_at_the_fork(groq: FaultServer) -> None:
    """A client's first failure loads how to read it, and tenacity; here slowly, while the process forks."""
    script = f"""
        import os, sys, threading, time, g4f_lite
        from importlib.machinery import PathFinder

        class Slow:
            def find_spec(self, name, path=None, target=None):
                if name.startswith(("g4f_lite.faults.", "tenacity")):
                    importing.set()
                    time.sleep(0.2)
                return None

        importing = threading.Event()
        sys.meta_path.insert(0, Slow())
        client = g4f_lite.Client(base_urls={{"groq": {groq.base_url!r}}}, keys={{"groq": "test"}}, retries=0)
        names = {{"provider": "groq", "model": "a", "fallback_models": ["b"]}}
        ask = lambda: client.chat.completions.create(messages={MESSAGES!r}, **names).text
        thread = threading.Thread(target=ask)
        thread.start()
        importing.wait(20)
        if os.fork() == 0:
            print(ask(), flush=True)
            os._exit(0)
        thread.join()
        os.wait()
    """
    groq.on("a", replies.error(500)).on("b", replies.answer("ok"))
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ok\n", "")


def test_whatever_calls_import_late_is_there_before_a_fork() -> None:
    """A new import inside a function must be named with `loaded_late`."""
    package = Path(g4f_lite.__file__).parent
    late = set()
    for path in package.rglob("*.py"):
        room, *below = path.relative_to(package).parts
        if room in ("cli", "testing", "__init__.py", "plugin_trials.py"):  # no call gets there
            continue
        for dots, name in re.findall(r"^ {8,}from (\.+)([\w.]+) import", path.read_text("utf-8"), re.MULTILINE):
            parents = ["g4f_lite", *([room] if below else [])]
            late.add(".".join([*parents[: len(parents) - len(dots) + 1], name]))
    script = "import os, sys\nfrom g4f_lite import *\nclient, aclient = Client(), AsyncClient()\n"
    script += "if os.fork() == 0: print(*sys.modules, flush=True); os._exit(0)\nos.wait()"
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "g4f_lite.faults.classify" in late
    assert late <= set(there)


def test_long_headers_are_not_remembered(groq: FaultServer) -> None:
    async def main() -> list[int]:
        async with AsyncClient() as client:
            for number in range(3):
                for length in (10, 10_000):
                    await aask(client, extra_headers={"x-note": f"{number}" * length})
            (session,) = client._http._sessions.values()
            return [len(head) for head in session._heads.values()]

    remembered = asyncio.run(main())
    assert len(remembered) == 3
    assert max(remembered) < 1000
    assert sorted({len(one.headers["x-note"]) for one in groq.received}) == [10, 10_000]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_call_that_has_moved_on_leaves_nothing_to_the_garbage_collector(mode: str, groq: FaultServer) -> None:
    """Errors hold frames, which hold the call with its prompts: in a busy service they would pile up in between."""
    groq.on("a", replies.error(400, code="unsupported_parameter")).on("b", replies.answer("ok"))
    names = {"provider": "groq", "model": "a", "fallback_models": ["b"]}
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            assert len(run(mode, {}, names).trail.attempts) == 2
        assert not [one for one in gc.get_objects() if isinstance(one, Plan)]
    finally:
        gc.enable()


def test_nothing_is_left_behind(groq: FaultServer) -> None:
    before = threading.active_count()

    async def main() -> int:
        async with AsyncClient() as client:
            await aask(client)
            with pytest.raises(g4f_lite.DeadlineExceededError):
                groq.script(replies.silence())
                await aask(client, timeout=0.2)
        return len(asyncio.all_tasks())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(main()) == 1
        gc.collect()
    groq.close()
    assert threading.active_count() <= before


def test_cancelling_a_call_breaks_it_off_at_once(groq: FaultServer) -> None:
    groq.script(replies.silence())

    async def main() -> float:
        async with AsyncClient() as client:
            task = asyncio.create_task(aask(client))
            await asyncio.sleep(0.1)
            task.cancel()
            began = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.monotonic() - began

    assert asyncio.run(main()) < 1
    assert groq.models == ["openai/gpt-oss-120b"]


# -- time ----------------------------------------------------------------------------------

DRIPS = {
    "silence": replies.silence(),
    "silence in the body": replies.silence("body"),
    "headers drip": replies.drip(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500),
    "body drips": replies.drip(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n" + b" " * 999),
    "chunk sizes drip": replies.drip(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"0" * 999),
    "comments for ever": replies.comments(),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DRIPS)
def test_the_deadline_holds(name: str, mode: str, groq: FaultServer) -> None:
    groq.script(DRIPS[name])
    began = time.monotonic()
    outcome = run(mode, {"timeouts": Timeouts()}, {"provider": "groq", "timeout": 0.4})
    assert time.monotonic() - began < 0.4 + 1.0  # the 50 ms of the contract and a busy machine
    assert isinstance(outcome.error, g4f_lite.DeadlineExceededError)
    assert len(groq.received) == 1


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_a_deadline_ends_at_the_first_content_and_a_timeout_bounds_the_whole_stream(
    mode: str, groq: FaultServer
) -> None:
    parts: list[object] = []
    for number in range(6):
        parts += [{"choices": [{"delta": {"content": f"{number}"}}]}, replies.Pause(0.1)]
    groq.script(replies.stream([*parts, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]))
    settings = {"timeouts": Timeouts(stall=2)}
    assert run(mode, settings, {"provider": "groq", "deadline": 0.3}).text == "012345"
    outcome = run(mode, settings, {"provider": "groq", "timeout": 0.3})
    assert isinstance(outcome.error, g4f_lite.StreamInterruptedError)
    assert outcome.error.partial_text == outcome.text
    assert outcome.text.startswith("01")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_reader_that_takes_its_time_is_no_stall(mode: str, groq: FaultServer) -> None:
    groq.script(replies.answer("one two three"))
    settings: dict[str, Any] = {"timeouts": Timeouts(stall=0.2)}

    async def slowly() -> str:
        said = ""
        async with AsyncClient(**settings) as client:
            async for chunk in await aask(client, stream=True):
                said += chunk.text
                await asyncio.sleep(0.3 if chunk.text else 0)
        return said

    if mode == "async":
        assert asyncio.run(slowly()) == "one two three"
        return
    said = ""
    with Client(**settings) as client:
        for chunk in ask(client, stream=True):
            said += chunk.text
            time.sleep(0.3 if chunk.text else 0)
    assert said == "one two three"


def test_default_limits_are_lifted_on_the_last_leg_and_the_callers_are_not(groq: FaultServer) -> None:
    from g4f_lite.routing.legs import Leg
    from g4f_lite.routing.plan import Plan, Policy
    from g4f_lite_providers.groq import Groq

    for timeouts, lifted in ((Timeouts(), True), (Timeouts(total=120.0), False)):
        legs = [[Leg(Groq(), "a")], [Leg(Groq(), "b")]]
        plan = Plan(legs, policy=Policy(timeouts=timeouts), clock=time, random=lambda: 0.5)
        run = plan.begin()
        first = run.limit
        plan.fail(run, g4f_lite.PermissionDeniedError("no"))
        last = plan.begin().limit
        assert first.expires_at - first.started_at == pytest.approx(120)
        assert (last.expires_at - last.started_at > 250) is lifted


# -- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_says_who_gave_it_and_how(mode: str, groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(404, "gone", code="model_not_found"))
    reply = run(mode, {}, {"provider": "groq"}).completion
    assert reply is not None
    assert (reply.provider, reply.model, reply.text) == ("groq", "openai/gpt-oss-20b", "ok")
    assert [attempt.status for attempt in reply.attempts] == [404, 200]
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 6
    assert (reply.raw is None) is ("stream" in mode)
    assert reply.to_dict()["choices"][0]["message"] == {"role": "assistant", "content": "ok"}
    with pytest.raises(AttributeError):
        reply.model = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(reply)).trail == reply.trail


def test_the_raw_json_is_the_providers_own(groq: FaultServer) -> None:
    groq.script(replies.body(b'{"x_groq": {"id": "req_1"}, "choices": [{"message": {"content": "a"}}]}'))
    with Client() as client:
        reply = ask(client)
    assert reply.raw["x_groq"] == {"id": "req_1"}
    assert reply.raw is not reply.raw
    assert reply.model == "openai/gpt-oss-120b"


def test_a_message_of_an_answer_goes_into_the_next_request(groq: FaultServer) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "today", "arguments": "{}"}}
    groq.script(replies.answer("", tool_calls=[call]), replies.answer("Sunday"))
    tools = [{"type": "function", "function": {"name": "today", "parameters": {"type": "object"}}}]
    with Client() as client:
        reply = ask(client, tools=tools)
        assert (reply.tool_calls[0].function.name, reply.choices[0].finish_reason) == ("today", "tool_calls")
        messages = [
            *MESSAGES,
            reply.choices[0].message,
            {"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": "Sunday"},
        ]
        assert client.chat.completions.create(messages=messages, provider="groq", tools=tools).text == "Sunday"
    assert groq.received[-1].json["messages"][1]["tool_calls"] == [call]


def test_the_one_line_calls_work(groq: FaultServer) -> None:
    groq.script(replies.answer("two words"))
    assert g4f_lite.chat("hi", provider="groq").text == "two words"
    stream = g4f_lite.stream(MESSAGES, provider="groq")
    assert "".join(chunk.text for chunk in stream) == "two words"
    assert stream.completion.provider == stream.provider == "groq"

    async def main() -> list[str]:
        assert (await g4f_lite.achat("hi", provider="groq")).text == "two words"
        return [chunk.text async for chunk in g4f_lite.astream("hi", provider="groq") if chunk.text]

    assert asyncio.run(main()) == ["two ", "words"]


# -- waiting as the caller says ------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_callers_own_tenacity_objects_rule_the_retries_of_a_leg(mode: str, groq: FaultServer) -> None:
    from tenacity import stop_after_attempt, wait_fixed

    groq.on("openai/gpt-oss-120b", replies.error(503)).on("openai/gpt-oss-20b", replies.error(503))
    settings = {"retry_wait": wait_fixed(0.02), "retry_stop": stop_after_attempt(2)}
    outcome = run(mode, settings, {"provider": "groq"})
    assert outcome.text == "ok"
    assert [attempt.number for attempt in outcome.trail.attempts] == [1, 2, 1, 2, 1]
    assert [attempt.wait for attempt in outcome.trail.attempts] == [0.02, None, 0.02, None, None]


def test_settings_that_cannot_work_are_refused_when_the_client_is_made() -> None:
    for client in (Client, AsyncClient):
        with pytest.raises(
            TypeError, match=rf"{client.__name__}\(\) has no parameter 'retrys'; did you mean 'retries'"
        ):
            client(retrys=3)  # type: ignore[call-arg]
        with pytest.raises(
            g4f_lite.ConfigurationError, match=r"ssl_context must be an ssl\.SSLContext or None, not int"
        ):
            client(ssl_context=5)  # type: ignore[arg-type]
        for setting in ("keys", "base_urls"):
            with pytest.warns(UserWarning, match=f"{setting} names 'grok', .* did you mean 'groq'"):
                client(**{setting: {"grok": "http://127.0.0.1"}})  # type: ignore[arg-type]
            client(**{setting: {"mine-alone": "http://127.0.0.1"}})  # type: ignore[arg-type]


def test_a_wait_that_cannot_be_called_is_refused() -> None:
    async def wait(state: object) -> float:
        return 1.0

    with pytest.raises(g4f_lite.ConfigurationError, match="plain function"):
        Client(retry_wait=wait)  # type: ignore[typeddict-item]
    with pytest.raises(g4f_lite.ConfigurationError, match="tenacity"):
        Client(retry_stop=3)  # type: ignore[typeddict-item]


@pytest.mark.parametrize("mode", MODES)
def test_a_mistake_in_the_callers_objects_is_told_as_theirs(mode: str, groq: FaultServer) -> None:
    groq.script(replies.error(503))
    outcome = run(mode, {"retry_wait": lambda state: state.nothing}, {"provider": "groq"})
    assert isinstance(outcome.error, g4f_lite.ConfigurationError)
    assert str(outcome.error).startswith("retry_wait failed: AttributeError: ")
    assert [attempt.outcome for attempt in outcome.trail.attempts] == ["ServerError"]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_secure_handshake_that_drips_is_bounded(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    default_ssl_context()  # its making takes a moment that is not what is measured
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    over = threading.Event()

    def drip() -> None:
        taken, _ = listener.accept()
        with taken:
            record = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc\x03\x03" + bytes(200)
            for number in range(len(record)):
                if over.wait(0.02):
                    return
                try:
                    taken.send(record[number : number + 1])
                except OSError:
                    return

    server = threading.Thread(target=drip)
    server.start()
    monkeypatch.setenv("GROQ_API_KEY", "test")
    monkeypatch.setenv("GROQ_API_BASE", f"https://127.0.0.1:{listener.getsockname()[1]}/v1")
    began = time.monotonic()
    timeouts = Timeouts(connect=0.5)
    outcome = run(mode, {"timeouts": timeouts}, {"provider": "groq", "fallback_models": []})
    took = time.monotonic() - began
    over.set()
    server.join()
    listener.close()
    assert isinstance(outcome.error, g4f_lite.ProviderTimeoutError)
    assert outcome.error.phase == "connect"
    assert took < 0.5 + 2.0  # with a busy machine; the whole drip takes 4 s


# -- addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_next_address_of_a_host_is_tried_when_one_refuses(
    mode: str, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_BASE", f"http://two-addresses.test:{groq.port}/v1")
    resolve_to(monkeypatch, "127.0.0.9", "127.0.0.1")
    outcome = run(mode, {}, {"provider": "groq"})
    assert (outcome.text, len(outcome.trail.attempts)) == ("ok", 1)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_connect_limit_covers_all_addresses_of_a_host(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setenv("GROQ_API_KEY", "test")
    full = [socket.create_server(("127.0.0.9", 0), backlog=0)]
    port = full[0].getsockname()[1]
    full.append(socket.create_server(("127.0.0.10", port), backlog=0))
    waiting = []
    for listener in full:  # fill the queues: the next connection hears nothing
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
    monkeypatch.setenv("GROQ_API_BASE", f"http://two-addresses.test:{port}/v1")
    resolve_to(monkeypatch, "127.0.0.9", "127.0.0.10")
    began = time.monotonic()
    outcome = run(mode, {"timeouts": Timeouts(connect=0.5)}, {"provider": "groq", "fallback_models": []})
    took = time.monotonic() - began
    for one in [*waiting, *full]:
        one.close()
    assert isinstance(outcome.error, g4f_lite.ProviderTimeoutError)
    assert outcome.error.phase == "connect"
    assert 0.4 < took < 0.95


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let the name `two-addresses.test` have these addresses; the system's resolver has no such name."""
    import socket

    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("two-addresses.test", b"two-addresses.test"):
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port or 0))) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
