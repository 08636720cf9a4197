"""
Servers that accept what each service accepts, as strictly as its documentation says, and refuse the rest.

Written from the services' API references, not from the plugins. Unknown fields are errors, as they
are with the services.
"""

from __future__ import annotations

from typing import Any

import msgspec

from g4f_lite.testing import Received, replies
from g4f_lite.testing.replies import Action, Reply

from .anthropic import anthropic
from .cohere import cohere
from .common import Asked, BrokenRule
from .gemini import gemini
from .openai import openai

RULES = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "cohere": cohere}


def checked(*script: Reply, seen: list[Asked]) -> list[Reply]:
    """Return the replies, each given only to a request that keeps its protocol's rules; others get a 400."""

    def guarded(reply: Reply) -> Reply:
        def answer(request: Received) -> list[Action] | Any:
            try:
                seen.append(RULES[request.shape](request))
            except (BrokenRule, msgspec.DecodeError, KeyError) as error:
                return replies.error(400, f"broken rule: {error}")(request)
            return reply(request)

        return answer

    return [guarded(reply) for reply in script]
