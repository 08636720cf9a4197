"""The fields of an attempt's record that only observers need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors.reply_facts import request_id_of
from ..provider.keys import Key
from ..provider.redaction import redact_name, redact_text


def observed_fields(answer: Any, headers: Mapping[str, str] | None, key: Key | None, *, chat: bool) -> dict[str, Any]:
    """Return the ids of the request and of the answer, and why the choices of a chat ended."""
    fields: dict[str, Any] = {}
    if headers and (request_id := request_id_of(headers)):
        fields["request_id"] = redact_text(request_id, key)
    if chat:
        fields["response_id"] = redact_text(answer.id, key) or None
        reasons = [one.finish_reason for one in answer.choices]
        fields["finish_reasons"] = (
            ("stop",) if reasons == ["stop"] else tuple([redact_name(one or "", key) for one in reasons])
        )
    return fields
