"""Embeddings: one vector for each input, in order, and all of one model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.endpoints import MODES, Beta, call, seen

import g4f_lite
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer, error


@pytest.mark.parametrize("mode", MODES)
def test_vectors_come_in_the_order_of_the_texts(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    plain = call(mode, two, "embeddings.create", {"input": ["b", "a"], "dimensions": 3, "user": "me"})
    assert [one.index for one in plain.data] == [0, 1]
    assert [len(one.vector) for one in plain.data] == [3, 3]
    assert plain.data[0].vector != plain.data[1].vector
    assert plain.usage.prompt_tokens == plain.usage.total_tokens == 10
    assert plain.raw["data"][1]["embedding"] == list(plain.data[1].vector)
    assert server.received[0].json == {"model": "vectors", "input": ["b", "a"], "dimensions": 3, "user": "me"}
    coded = call(mode, two, "embeddings.create", {"input": ["b", "a"], "dimensions": 3, "encoding_format": "base64"})
    assert isinstance(coded.data[0].embedding, str)
    assert [one.vector for one in coded.data] == [one.vector for one in plain.data]
    shuffled = {"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}], "model": None}
    server.script(replies.body(json.dumps(shuffled).encode()))
    assert [one.vector for one in call(mode, two, "embeddings.create", {"input": ["a", "b"]}).data] == [(1.0,), (2.0,)]
    one = call(mode, two | {"retries": 0}, "embeddings.create", {"input": [[1, 2], [3]]})
    assert len(one.data) == 2


@pytest.mark.parametrize("mode", MODES)
def test_vectors_of_two_models_are_never_mixed_up(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    other = Beta(api_base=server.base_url, default_models={"embeddings": "strange"})
    settings = {**two, "routes": [two["routes"][0], other]}
    server.on("vectors", error(503, "down"))
    failed = seen(mode, settings, "embeddings.create", {"input": "a"})
    assert type(failed.error) is g4f_lite.ServerError
    assert set(server.models) == {"vectors"}
    assert "beta:strange skipped: its vectors do not compare with those of vectors" in str(failed.trail)
    asked = {"input": "a", "fallback_models": [":strange"]}
    assert (
        call(mode, settings, "embeddings.create", {**asked, "provider": other, "model": "vectors"}).model == "strange"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([{"embedding": [1]}], "1 vectors for 2 inputs"),
        ([{"embedding": [1]}] * 3, "3 vectors for 2 inputs"),
        ([{"embedding": [1], "index": 1}] * 2, "not in the order"),
        ([{"embedding": [1]}, {"embedding": []}], "a vector is empty"),
        ([{"embedding": [1, 2]}, {"embedding": [1]}], "the vectors have from 1 to 2 numbers"),
        ([{"embedding": [1, 2]}, {"embedding": "AACAPw=="}], "the vectors have from 1 to 2 numbers"),
        ([{"embedding": [1]}, {"embedding": [2, None]}], "another shape"),
        ([{"embedding": "AACAPw=="}, {"embedding": "%%%"}], "not base64 of numbers"),
        ([{"embedding": "AACAPw=="}, {"embedding": "AAA="}], "not base64 of numbers"),
    ],
)
def test_vectors_that_do_not_fit_the_inputs_are_refused(
    data: list[Any], message: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.body(json.dumps({"data": data}).encode()))
    for mode in MODES:
        params = {"input": ["a", "b"], "provider": two["routes"][0], "retries": 0}
        outcome = seen(mode, two, "embeddings.create", params)
        assert type(outcome.error) is g4f_lite.MalformedResponseError
        assert message in str(outcome.error)


@pytest.mark.parametrize("mode", MODES)
def test_a_service_that_ignores_dimensions_fails_over(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(b'{"data": [{"embedding": [1, 2]}]}'), answer())
    result = call(mode, two, "embeddings.create", {"input": "a", "dimensions": 7, "provider": two["routes"]})
    assert [one.outcome for one in result.attempts] == ["UnsupportedParameterError", "ok"]
    assert len(result.data[0].vector) == 7


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("index", [None, "0", 0.0, "left out"], ids=str)
def test_vectors_without_an_index_are_in_the_order_of_the_texts(
    mode: str, index: object, server: FaultServer, two: dict[str, Any]
) -> None:
    first = {"embedding": [1], "object": None} | ({} if index == "left out" else {"index": index})
    second = first | {"embedding": [2]} | ({"index": "1"} if index == "0" else {"index": 1.0} if index == 0.0 else {})
    server.script(replies.body(json.dumps({"data": [first, second]}).encode()))
    given = call(mode, two, "embeddings.create", {"input": ["a", "b"]})
    assert [(one.index, one.vector) for one in given.data] == [(0, (1.0,)), (1, (2.0,))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"index": 0, "embedding": [[1]]}, {"index": 1, "embedding": [[2]]}]},
        [{"index": 0, "embedding": [[1]]}, {"index": 1, "embedding": [[2]]}],
        [[1], [2]],
        {"embeddings": [[1], [2]], "model": "m", "prompt_eval_count": 3},
    ],
    ids=["nested", "llama.cpp", "TEI", "Ollama"],
)
def test_vectors_in_another_list(mode: str, body: Any, server: FaultServer, two: dict[str, Any]) -> None:
    server.script(replies.body(json.dumps(body).encode()))
    given = call(mode, two, "embeddings.create", {"input": ["a", "b"]})
    assert [(one.index, one.vector) for one in given.data] == [(0, (1.0,)), (1, (2.0,))]


@pytest.mark.parametrize("mode", MODES)
def test_an_odd_usage_costs_no_vectors_and_is_read(mode: str, server: FaultServer, two: dict[str, Any]) -> None:
    odd = {
        "data": [{"embedding": [1], "index": 0}],
        "object": None,
        "usage": {"prompt_tokens": "3", "total_tokens": 3.0},
    }
    server.script(replies.body(json.dumps(odd).encode()))
    given = call(mode, two, "embeddings.create", {"input": "a"})
    assert given.usage is not None
    assert (given.usage.prompt_tokens, given.usage.total_tokens, given.data[0].vector) == (3, 3, (1.0,))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", ['[{"index": null, "embedding": [1]}, {"index": 1, "embedding": [2]}]',
                                  '[{"embedding": [NaN]}, {"embedding": [2]}]'])  # fmt: skip
def test_vectors_that_may_be_mixed_up_are_malformed(
    mode: str, data: str, server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.body(f'{{"data": {data}}}'.encode()))
    failed = seen(mode, two | {"retries": 0, "routes": two["routes"][:1]}, "embeddings.create", {"input": ["a", "b"]})
    assert isinstance(failed.error, g4f_lite.MalformedResponseError)
