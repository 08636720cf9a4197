"""Model ids in the path of a URL. No I/O."""

from __future__ import annotations

from urllib.parse import quote

from g4f_lite import ModelUnavailableError


def path_of(model: str, service: str) -> str:
    """
    Return Google's path of a model, percent-encoded: `models/{model}`, or an id with a collection as it is.

    Raises:
        ModelUnavailableError: a segment would lead to another place of the service.
    """
    segments = (model if "/" in model else f"models/{model}").split("/")
    if not {"", ".", ".."}.isdisjoint(segments):
        raise ModelUnavailableError(f"{service} has no model {model!r}")
    return "/".join(quote(segment, safe="") for segment in segments)
