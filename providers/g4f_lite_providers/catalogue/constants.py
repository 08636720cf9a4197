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
FOREIGN = frozenset({"cache_control", "thinking_blocks", "provider_specific_fields"})
"""Fields of Anthropic and of gateways, in messages, parts, calls and tools; most services refuse unknown fields."""
REASONING = frozenset({"reasoning", "reasoning_content"})
UNSPOKEN = " "
"""Stands for the reasoning of an answer that has none, where an empty text counts as missing."""
MAKERS_THAT_THINK = (
    r"openai/(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*-chat))|google(?:-ai-studio)?/gemini-(?:2\.5|[3-9])(?!.*flash-lite)"
    r"|(?:x-ai|xai|grok)/grok-(?!.*non-reasoning)[4-9]|.*(?:thinking|-r1\b|reasoner)"
)
"""Models at gateways: of makers that keep thoughts to themselves, and with names that say it."""
SHORT_ID = "(?s).{1,40}"
"""Source: OpenAI's "string too long. Expected a string with maximum length 40"; gateways make longer ids."""
