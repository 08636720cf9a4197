"""What several rows share."""

from __future__ import annotations

CHAT = frozenset({"streaming", "tools", "json_schema", "stream_usage"})
UNASKED = CHAT - {"stream_usage"}
"""Streams have a usage unasked, or the service refuses to be asked."""
VISION = frozenset({"vision"})
EMBEDDINGS = frozenset({"embeddings"})
AUDIO = frozenset({"audio"})
OLD_LIMIT = {"max_completion_tokens": "max_tokens"}
"""These services do not know OpenAI's newer name."""
ANY_TOOL = {"tool_choice": {"required": "any"}}
