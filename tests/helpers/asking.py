"""Calls to Groq through the client of a test."""

from __future__ import annotations

from typing import Any

import g4f_lite
from g4f_lite import AsyncClient, Client

from .driving import MESSAGES


def ask(client: Client, **params: Any) -> g4f_lite.ChatCompletion:
    return client.chat.completions.create(messages=MESSAGES, provider="groq", **params)


async def aask(client: AsyncClient, **params: Any) -> g4f_lite.ChatCompletion:
    return await client.chat.completions.create(messages=MESSAGES, provider="groq", **params)
