"""DSPy, through LiteLLM and its httpx clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import dspy
import litellm
import pytest
from dspy.utils.exceptions import LMInvalidRequestError, LMRateLimitError
from helpers.frameworks import FIRST, GONE, LIMITED, REFUSED, SECOND, async_http, calls, http

from g4f_lite.testing import FaultServer, replies


def fields(**values: str) -> Any:
    """Return an answer with the fields of a signature, as DSPy asks for them."""
    return replies.answer("\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in values.items()))


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


SUNDAY = fields(answer="Sunday", completed="")


@pytest.fixture
def lm(server: FaultServer) -> Iterator[dspy.LM]:
    litellm.in_memory_llm_clients_cache.flush_cache()  # it remembers clients of `openai` with their httpx clients
    litellm.client_session, litellm.aclient_session = http(server), async_http(server)
    others = {"g4f_lite": {"fallback_models": [f"second:{SECOND}"]}}
    made = dspy.LM(
        f"openai/{FIRST}", engine="litellm", api_key="not-used", cache=False, num_retries=0, extra_body=others
    )
    with dspy.context(lm=made):
        yield made
    litellm.client_session = litellm.aclient_session = None


def test_whole_streamed_and_async(lm: dspy.LM, server: FaultServer) -> None:
    server.script(SUNDAY)
    predict = dspy.Predict("question -> answer")
    assert predict(question="Which day is it?").answer == "Sunday"
    listener = dspy.streaming.StreamListener(signature_field_name="answer")
    stream = dspy.streamify(predict, stream_listeners=[listener], is_async_program=True)

    async def main() -> tuple[Any, Any]:
        found = await predict.acall(question="Which day is it?")
        pieces = [one async for one in stream(question="x") if isinstance(one, dspy.streaming.StreamResponse)]
        return found.answer, "".join(one.chunk for one in pieces)

    assert asyncio.run(main()) == ("Sunday", "Sunday")


def test_an_agent_goes_on_at_another_route(lm: dspy.LM, server: FaultServer) -> None:
    server.on(FIRST, GONE)
    server.on(
        SECOND,
        fields(next_thought="Ask.", next_tool_name="weather", next_tool_args='{"city": "Rome"}'),
        fields(next_thought="Done.", next_tool_name="finish", next_tool_args="{}"),
        fields(reasoning="It was asked.", answer="It is sunny."),
    )
    found = dspy.ReAct("question -> answer", tools=[weather])(question="How is the weather?")
    assert (found.answer, found.trajectory["observation_0"]) == ("It is sunny.", "sunny in Rome")
    assert server.models[0] == FIRST and server.models.count(SECOND) == 3


def test_structured_output_and_tool_calls(lm: dspy.LM, server: FaultServer) -> None:
    server.script(replies.answer('{"number": 7}'))
    with dspy.context(adapter=dspy.JSONAdapter()):
        assert dspy.Predict("question -> number: int")(question="x").number == 7

    class Asked(dspy.Signature):
        question: str = dspy.InputField()
        tools: list[dspy.Tool] = dspy.InputField()
        calls: dspy.ToolCalls = dspy.OutputField()

    server.script(calls("weather", city="Rome"))
    with dspy.context(adapter=dspy.ChatAdapter(use_native_function_calling=True)):
        [made] = dspy.Predict(Asked)(question="x", tools=[dspy.Tool(weather)]).calls.tool_calls
    assert (made.name, made.args) == ("weather", {"city": "Rome"})


@pytest.mark.parametrize(("failure", "kind"), [(LIMITED, LMRateLimitError), (REFUSED, LMInvalidRequestError)])
def test_errors(failure: Any, kind: type[Exception], lm: dspy.LM, server: FaultServer) -> None:
    server.script(failure)
    with pytest.raises(kind, match=r"slow down|no such thing"):
        lm("x")
    assert len(server.received) == 2


def test_embeddings(lm: dspy.LM, server: FaultServer) -> None:
    embed: Any = dspy.Embedder("openai/vectors", api_key="not-used", caching=False)
    assert len(embed(["a", "b"])) == 2
    assert server.models == ["vectors"]
