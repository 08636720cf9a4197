"""What is left to do, what that may cost, by the first rows that are left, and which rows will fail. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ..client.chat_request import check_request
from ..client.endpoint_requests import check_endpoint
from ..client.params import ROUTING
from ..errors.exceptions import ConfigurationError, G4FLiteError, InvalidRequestError
from ..health.estimates import estimate
from ..openai.mapping.requests import Asked
from ..records import prices
from ..records.trail import Explanation
from ..value import JSONObject, Value
from .asking import Asker, batch_request
from .progress import Counts
from .rows import Row

SAMPLE = 1000
"""Rows that are looked into; the others are taken to be like them."""
_BYTES_OF_TOKEN, _COMPLETION = 4, 256
_PROBLEMS, _PLACES, _REASONS = 100, 10, 3
"""How many rows that will fail are kept, how many are named, and for how many the reason is shown."""
_FREE = prices.Price(0.0, 0.0)


class Problem(Value, frozen=True, kw_only=True):
    """A row that will fail."""

    row: int
    line: int
    """Of the file, in which it begins; 0 if it comes from a program."""
    reason: str

    @property
    def where(self) -> str:
        return str(self.line or self.row)


class Plan(Counts, frozen=True, kw_only=True):
    """
    What a run would do; `answered` and `failed` are those of earlier runs.

    Tokens and USD are estimates of what is left: a token has four characters, and a completion `max_tokens`, else 256.
    """

    prompt_tokens: int | None = None
    """None, as `completion_tokens`, if the rows can be read only once."""
    completion_tokens: int | None = None
    cost: float | None = None
    """USD, at the price of the first route; None if it is not known."""
    routes: Explanation = Explanation()
    """Where the first of these rows would be sent."""
    invalid: int = 0
    """How many of the rows that are left will fail, as they are."""
    problems: tuple[Problem, ...] = ()
    """The first hundred of these."""

    def __str__(self) -> str:
        def count(number: int | None) -> str:
            return "unknown" if number is None else f"{number:,}"

        lines = [f"rows: {count(self.rows)}, of which {self.answered:,} are answered and {self.failed:,} have failed"]
        lines.append(f"left: {count(self.left)}")
        lines += self._described_problems()
        tokens = f"{count(self.prompt_tokens)} of prompts, {count(self.completion_tokens)} of answers"
        lines.append(f"tokens: about {tokens}")
        lines.append("cost: unknown" if self.cost is None else f"cost: about ${self.cost:,.4f}")
        if self.routes.tiers or self.routes.skipped:
            lines.append(f"routes:\n{self.routes}")
        return "\n".join(lines)

    def _described_problems(self) -> list[str]:
        if not self.problems:
            return []
        rows = "1 row is" if self.invalid == 1 else f"{self.invalid:,} rows are"
        unit = "line" if self.problems[0].line else "row"
        places = ", ".join(one.where for one in self.problems[:_PLACES]) + (", …" if self.invalid > _PLACES else "")
        head = f"{rows} invalid, and will fail: {unit}{'' if self.invalid == 1 else 's'} {places}"
        return [head, *(f"  {unit} {one.where}: {one.reason}" for one in self.problems[:_REASONS])]


def estimated(asker: Asker, rows: Iterable[Row], left: int | None, *, whole: bool) -> dict[str, Any]:
    """
    Return the estimates of a plan.

    Args:
        rows: those that are left.
        left: how many they are.
        whole: whether all of them are checked, and not only those of the sample.

    Raises:
        ConfigurationError: what the job itself asks for cannot work, such as an unknown model, or one without a key.
    """
    looked_into = invalid = prompt = completion = 0
    cost: float | None = 0.0
    routes: dict[str, Explanation | ConfigurationError] = {}
    problems: list[Problem] = []
    for number, row in enumerate(rows if whole else islice(rows, SAMPLE)):
        looked_into += number < SAMPLE
        route: Explanation | Exception
        try:
            request, operation, params, asked = _request(asker, row)
        except (G4FLiteError, TypeError) as error:
            route = error
        else:
            chosen = {name: params[name] for name in ROUTING if name in params}
            if (key := repr((operation, chosen))) not in routes:
                routes[key] = asker.explained(params, asked)
            route = routes[key]
        if isinstance(route, Exception):
            invalid += 1
            if len(problems) < _PROBLEMS:
                problems.append(Problem(row=row.number, line=row.line, reason=str(route)))
        elif number < SAMPLE:
            size = estimate(request)
            tokens = size.prompt // _BYTES_OF_TOKEN, size.completion(_COMPLETION)
            prompt, completion = prompt + tokens[0], completion + tokens[1]
            if (price := _price(route)) is None:
                cost = None
            elif cost is not None:
                cost += (tokens[0] * price.prompt + tokens[1] * price.completion) / 1e6
    share = 1.0 if not looked_into or left is None else left / looked_into
    return {
        "prompt_tokens": round(prompt * share),
        "completion_tokens": round(completion * share),
        "cost": None if cost is None else cost * share,
        "routes": next((one for one in routes.values() if isinstance(one, Explanation)), Explanation()),
        "invalid": invalid,
        "problems": tuple(problems),
    }


def _request(asker: Asker, row: Row) -> tuple[Any, str, JSONObject, Asked | None]:
    """
    Return the request of a row, its operation, its keywords, and what it asks for as a line of a batch.

    Raises:
        G4FLiteError, TypeError: the row will fail.
    """
    if row.fault is not None:
        raise InvalidRequestError(row.fault)
    asked = batch_request(row) if row.is_batch else None
    params = asker.keywords(row, asked)
    operation = "chat" if asked is None else asked.operation
    request = check_request(params) if operation == "chat" else check_endpoint(operation, params)
    return request, operation, params, asked


def _price(explained: Explanation) -> prices.Price | None:
    if not explained.tiers:
        return None
    first = explained.tiers[0][0]
    return _FREE if first.provider == "local" else prices.price(first.provider, first.model)
