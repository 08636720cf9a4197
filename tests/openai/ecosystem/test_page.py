"""The code of docs/ecosystem.md, as a reader would run it: the first route fails, and the second one answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from helpers.frameworks import GONE, calls
from helpers.installing import ROOT

from g4f_lite.testing import FaultServer, replies

PAGE = ROOT / "docs" / "ecosystem.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = {
    found[1]: found for found in re.finditer(r"^## ([^\n]*)\n(?:(?!^## ).)*?^```python\n(.*?)^```", TEXT, re.M | re.S)
}
SUNNY = replies.answer("It is sunny in Rome.")
AGENT = (calls("weather", city="Rome"), SUNNY)
DSPY = "[[ ## next_thought ## ]]\n\n[[ ## next_tool_name ## ]]\n{}\n\n[[ ## next_tool_args ## ]]\n{}\n"
ANSWERS: dict[str, tuple[tuple[Any, ...], str]] = {
    "LangChain": (AGENT, "It is sunny in Rome."),
    "LlamaIndex": (AGENT, "It is sunny in Rome."),
    "pydantic-ai": ((calls("final_result", city="Rome", degrees=21),), "21"),
    "instructor": ((calls("Weather", city="Rome", degrees=21),), "21"),
    "DSPy": (
        (
            replies.answer(DSPY.format("weather", '{"city": "Rome"}')),
            replies.answer(DSPY.format("finish", "{}")),
            replies.answer("[[ ## reasoning ## ]]\n\n[[ ## answer ## ]]\nIt is sunny in Rome."),
        ),
        "It is sunny in Rome.",
    ),
    "smolagents": ((calls("weather", city="Rome"), calls("final_answer", answer="It is sunny.")), "It is sunny."),
    "OpenAI agents": (AGENT, "It is sunny in Rome."),
}


def test_each_framework_has_an_example() -> None:
    assert EXAMPLES.keys() == ANSWERS.keys()


@pytest.mark.parametrize("framework", ANSWERS)
def test_the_example_of_a_framework_runs(
    framework: str, groq: FaultServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers, shown = ANSWERS[framework]
    groq.on("openai/gpt-oss-120b", GONE)
    groq.on("qwen/qwen3.8-27b", *answers)
    code = EXAMPLES[framework]
    line = TEXT[: code.start(2)].count("\n")
    exec(compile("\n" * line + code[2], str(PAGE), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.splitlines()[-1] == shown
    assert groq.models.count("qwen/qwen3.8-27b") == len(answers)
