"""
Write the lists of docs/providers.md from the providers themselves: `python docs/generate.py`.

It replaces the text between two marks `<!-- NAME -->` and `<!-- end of NAME -->`. A test fails while the page is stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import fill

from g4f_lite import OpenaiTemplate, Provider
from g4f_lite.plugins.registry import Registry
from g4f_lite_providers import BUNDLED

PAGE = Path(__file__).with_name("providers.md")
WIDTH = 110


def providers() -> str:
    """Return the list of all bundled providers, in the order of the catalogue."""
    return "\n".join(item(f"**`{one.name}`** [{one.label}]({one.url})", *facts(one)) for one in loaded())


def facts(one: Provider) -> Iterable[str]:
    if not one.working:
        yield f"gone: {one.notice}"
        return
    if one.login_url:
        yield f"key: {code(one.api_key_env)} from <{one.login_url}>"
    elif one.api_key_env:
        yield f"key, if it wants one: {code(one.api_key_env)}"
    if listed := models(one):
        yield f"models: {' → '.join(filter(None, (code(listed[:1]), code(listed[1:]))))}"
    yield f"capabilities: {', '.join(sorted(one.capabilities - {'streaming', 'stream_usage'}))}"
    if one.notice:
        yield re.sub(r"\b[A-Z]+_[A-Z_]+\b", r"`\g<0>`", one.notice)


def aliases() -> str:
    """Return the list of the models' common names, each with the providers that serve it."""
    return "\n".join(
        item(f"`{alias}`: {code(one.name for one in loaded() if serves(one, alias))}") for alias in sorted(vocabulary())
    )


def vocabulary() -> set[str]:
    return {alias for one in loaded() for alias in one.model_aliases}


def serves(one: Provider, model: str) -> bool:
    return model in one.model_aliases or model in one.models()


def quirks() -> str:
    """Return the list of what is not sent to a service as the caller wrote it."""
    return "\n".join(
        item(
            f"**`{one.name}`**",
            titled("sent elsewhere", filter(None, (code(sorted(one.unsupported_parameters)), *only(one)))),
            titled("renamed", renamed(one)),
            titled("left out of messages", filter(None, [code(sorted(one.dropped_message_fields))])),
            titled("in a conversation", demands(one)),
        )
        for one in loaded()
        if isinstance(one, OpenaiTemplate)
        and any(
            (
                one.unsupported_parameters,
                one.allowed_values,
                one.dropped_message_fields,
                one.renamed_values,
                *demands(one),
            )
        )
    )


def errors() -> str:
    """Return the list of what error codes and words of one service alone mean."""
    return "\n".join(
        item(f"**`{one.name}`**", *(f"`{error}`: {', '.join(signs)}" for error, signs in sorted(meanings(one).items())))
        for one in loaded()
        if one.error_codes or one.error_words
    )


def meanings(one: Provider) -> dict[str, list[str]]:
    """Return the codes and words by the name of their exception."""
    signs: dict[str, list[str]] = {}
    shown = [(f"`{sign}`", error) for sign, error in one.error_codes.items()]
    shown += [(f'"{sign.strip(" ,")}"', error) for sign, error in one.error_words.items()]
    for sign, error in dict.fromkeys(shown):
        signs.setdefault(error.__name__, []).append(sign)
    return signs


def demands(one: OpenaiTemplate) -> Iterable[str]:
    """Yield what is changed in the messages of other services."""
    if one.plain_text_content:
        yield "lists of texts become text"
    if one.reasoning_field:
        yield f"reasoning goes back as `{one.reasoning_field}`" + (
            ", which is never missing" * bool(one.missing_reasoning)
        )
    if one.tool_call_id_form:
        yield f"ids of calls have the form `{one.tool_call_id_form}`"
    if one.refuses_empty_answers:
        yield "empty messages of the assistant are left out"
    if one.system_first:
        yield "system messages come first"
    if one.bridge_after_tool:
        yield f"the assistant says “{one.bridge_after_tool}” between a result and a user's message"
    if one.prefill_field:
        yield f"a last message of the assistant has `{one.prefill_field}`"
    if "cache_control" not in one.foreign_fields:
        yield "`cache_control` is sent"


def titled(title: str, facts: Iterable[str]) -> str:
    return f"{title}: {found}" if (found := ", ".join(facts)) else ""


def only(one: OpenaiTemplate) -> Iterable[str]:
    for parameter, allowed in one.allowed_values.items():
        yield f"`{parameter}` but {' or '.join(f'`{value}`' for value in allowed)}"


def renamed(one: OpenaiTemplate) -> Iterable[str]:
    for name, its_name in one.renamed_parameters.items():
        yield f"`{name}` to `{its_name}`"
    for name, words in one.renamed_values.items():
        for word, its_word in words.items():
            yield f"`{name}={word}` to `{its_word}`"
    for endpoint, parameters in one.endpoint_parameters.items():
        for name, its in parameters.items():
            if isinstance(its, str):
                yield f"`{name}` of {endpoint} to `{its}`"


def loaded() -> list[Provider]:
    registry = Registry()
    return [registry.get(name) for name in BUNDLED]


def models(one: Provider) -> list[str]:
    return [model for model in (one.default_model, *one.fallback_models) if model]


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def item(title: str, *facts: str) -> str:
    """Return an item of a list, with the facts that are not empty as a list below it."""
    return "\n".join([lines(f"- {title}", "  "), *(lines(f"  - {fact}", "    ") for fact in facts if fact)])


def lines(text: str, indent: str) -> str:
    return fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


LISTS: dict[str, Callable[[], str]] = {"providers": providers, "aliases": aliases, "quirks": quirks, "errors": errors}


def page(text: str) -> str:
    """
    Return the page with its lists written again.

    Raises:
        ValueError: a mark is missing.
    """
    for name, write in LISTS.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if not 0 <= text.find(start) < text.find(end):
            raise ValueError(f"the page has no {start} … {end}")
        before, _, rest = text.partition(start)
        text = f"{before}{start}\n\n{write()}\n\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
