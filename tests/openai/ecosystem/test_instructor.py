"""instructor, which wraps a client of `openai`."""

from __future__ import annotations

import asyncio
from typing import Any

import instructor
import openai
import pytest
from helpers.frameworks import FIRST, LIMITED, REFUSED, SECOND, async_client, calls, only_second, sync_client
from instructor.core import InstructorRetryException
from pydantic import BaseModel, Field

from g4f_lite.testing import FaultServer, replies

M: Any = [{"role": "user", "content": "Which day is it?"}]


class Day(BaseModel):
    name: str
    number: int = Field(le=7)


SUNDAY = {"name": "Sunday", "number": 7}
MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.JSON_SCHEMA]


def reply(mode: instructor.Mode) -> Any:
    as_text = replies.answer('{"name": "Sunday", "number": 7}')
    return calls("Day", name="Sunday", number=7) if mode is instructor.Mode.TOOLS else as_text


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_structured_output_from_another_route(mode: instructor.Mode, server: FaultServer) -> None:
    only_second(server, reply(mode))
    client = instructor.from_openai(sync_client(server), mode=mode)
    found, completion = client.chat.completions.create_with_completion(model="", messages=M, response_model=Day)
    assert (found.model_dump(), completion.model) == (SUNDAY, SECOND)
    assert server.models == [FIRST, SECOND]


def test_async_and_partial_streams(server: FaultServer) -> None:
    server.script(reply(instructor.Mode.TOOLS))
    partial: Any = instructor.from_openai(sync_client(server)).chat.completions.create_partial
    some = [*partial(model="", messages=M, response_model=Day)]
    assert some[-1].model_dump() == SUNDAY and len(some) > 1

    async def main() -> Any:
        client: Any = instructor.from_openai(async_client(server))
        found = await client.chat.completions.create(model="", messages=M, response_model=Day)
        streamed = client.chat.completions.create_partial(model="", messages=M, response_model=Day)
        return found.model_dump(), [one async for one in streamed][-1].model_dump()

    assert asyncio.run(main()) == (SUNDAY, SUNDAY)


def test_a_list_of_objects_is_streamed(server: FaultServer) -> None:
    server.script(calls("IterableDay", tasks=[SUNDAY, SUNDAY]))
    client: Any = instructor.from_openai(sync_client(server))
    found = client.chat.completions.create_iterable(model="", messages=M, response_model=Day)
    assert [one.model_dump() for one in found] == [SUNDAY, SUNDAY]


def test_it_asks_again_about_an_answer_that_is_not_valid(server: FaultServer) -> None:
    server.script(calls("Day", name="Sunday", number=8), calls("Day", name="Sunday", number=7))
    client = instructor.from_openai(sync_client(server))
    found = client.chat.completions.create(model="", messages=M, response_model=Day, max_retries=2)
    assert found.model_dump() == SUNDAY
    assert "less than or equal to 7" in server.received[-1].json["messages"][-1]["content"]


@pytest.mark.parametrize(("failure", "kind"), [(LIMITED, openai.RateLimitError), (REFUSED, openai.BadRequestError)])
def test_the_cause_of_its_errors_is_that_of_openai(failure: Any, kind: type[Exception], server: FaultServer) -> None:
    server.script(failure)
    client = instructor.from_openai(sync_client(server))
    with pytest.raises(InstructorRetryException) as raised:
        client.chat.completions.create(model="", messages=M, response_model=Day)
    cause = raised.value.__cause__
    assert isinstance(cause, kind) and SECOND in cause.response.headers["x-g4f-trail"]  # type: ignore[attr-defined]
    assert len(server.received) == 2
