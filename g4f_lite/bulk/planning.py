"""What is left to do, and what it may cost: from the first rows that are left. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ..client.chat_request import check_request
from ..client.endpoint_requests import check_endpoint
from ..client.params import ROUTING
from ..errors.exceptions import G4FLiteError
from ..health.estimates import estimate
from ..records import prices
from ..records.trail import Explanation
from .asking import Asker, batch_request
from .progress import Counts
from .rows import Row

SAMPLE = 1000
"""Rows that are looked into; the others are taken to be like them."""
_BYTES_OF_TOKEN, _COMPLETION = 4, 256
_FREE = prices.Price(0.0, 0.0)


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

    def __str__(self) -> str:
        def count(number: int | None) -> str:
            return "unknown" if number is None else f"{number:,}"

        lines = [f"rows: {count(self.rows)}, of which {self.answered:,} are answered and {self.failed:,} have failed"]
        lines.append(f"left: {count(self.left)}")
        tokens = f"{count(self.prompt_tokens)} of prompts, {count(self.completion_tokens)} of answers"
        lines.append(f"tokens: about {tokens}")
        lines.append("cost: unknown" if self.cost is None else f"cost: about ${self.cost:,.4f}")
        return "\n".join([*lines, f"routes:\n{self.routes}"])


def estimated(asker: Asker, rows: Iterable[Row], left: int | None) -> dict[str, Any]:
    """
    Return the estimates of a plan.

    Args:
        rows: those that are left.
        left: how many they are.

    Raises:
        ConfigurationError: what the job itself asks for cannot work, such as an unknown model, or one without a key.
    """
    sample = prompt = completion = 0
    cost: float | None = 0.0
    routes: dict[Any, Explanation] = {}
    for row in islice(rows, SAMPLE):
        sample += 1
        try:
            asked = batch_request(row) if row.is_batch else None
            params = asker.keywords(row, asked)
            operation = "chat" if asked is None else asked.operation
            request = check_request(params) if operation == "chat" else check_endpoint(operation, params)
            size = estimate(request)
        except (G4FLiteError, TypeError):
            continue  # the row will fail
        tokens = size.prompt // _BYTES_OF_TOKEN, size.completion(_COMPLETION)
        prompt, completion = prompt + tokens[0], completion + tokens[1]
        chosen = {name: params[name] for name in ROUTING if name in params}
        if (key := repr((operation, chosen))) not in routes:
            routes[key] = asker.explained(params, asked)
        if (price := _price(routes[key])) is None:
            cost = None
        elif cost is not None:
            cost += (tokens[0] * price.prompt + tokens[1] * price.completion) / 1e6
    share = 1.0 if not sample or left is None else left / sample
    return {
        "prompt_tokens": round(prompt * share),
        "completion_tokens": round(completion * share),
        "cost": None if cost is None else cost * share,
        "routes": next(iter(routes.values()), Explanation()),
    }


def _price(explained: Explanation) -> prices.Price | None:
    if not explained.tiers:
        return None
    first = explained.tiers[0][0]
    return _FREE if first.provider == "local" else prices.price(first.provider, first.model)
