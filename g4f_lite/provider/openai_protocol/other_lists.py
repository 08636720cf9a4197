"""
Puts the items of an answer where OpenAI has them. No I/O.

Source: Together (a list of models alone), Ollama's own API (`models`, `embeddings`), llama.cpp without `/v1` and Text
Embeddings Inference (a list of vectors alone), SiliconFlow and DeepInfra (`images`).
"""

from __future__ import annotations

from typing import Any

from ...types.embeddings import CreateEmbeddingResponse
from ...types.images import ImagesResponse
from ...types.models import ModelList
from ...types.size_limits import MAX_MODELS, check_length

_NAMES: dict[type, str] = {CreateEmbeddingResponse: "embeddings", ImagesResponse: "images", ModelList: "models"}


def with_items_in_data(answer: Any, kind: type) -> Any:
    """Return an answer of this kind with its items in `data`, each an object with OpenAI's names, if it has any."""
    if (name := _NAMES.get(kind)) is None:
        return answer
    if isinstance(answer, list):
        answer = {"data": answer}
    if not isinstance(answer, dict):
        return answer
    if "data" not in answer and isinstance(items := answer.get(name), list) and items:
        answer["data"] = items
    if not isinstance(items := answer.get("data"), list):
        return answer
    if kind is CreateEmbeddingResponse:
        answer["data"] = list(map(_vector, items))
    elif kind is ImagesResponse:
        answer["data"] = [_image(item) for item in items if item is not None]
    else:
        answer["data"] = _models(items)
    return answer


def _vector(item: Any) -> Any:
    vector = item.get("embedding") if isinstance(item, dict) else item
    if not isinstance(vector, list):
        return item
    if len(vector) == 1 and isinstance(vector[0], list):  # a vector for all tokens together, in a list of its own
        return {**(item if isinstance(item, dict) else {}), "embedding": vector[0]}
    return item if isinstance(item, dict) else {"embedding": vector}


def _image(item: Any) -> Any:
    if not isinstance(item, str):
        return item
    return {"url" if item[:5].lower() in ("http:", "https", "data:") else "b64_json": item}


def _models(items: list[Any]) -> list[Any]:
    check_length(items, "models", MAX_MODELS)
    listed = [{"id": item} if isinstance(item, str) else item for item in items]
    if any(isinstance(item, dict) and item.get("id") for item in listed):
        return listed  # a name beside ids is one to show
    return [
        {**item, "id": item.get("model") or item.get("name")} if isinstance(item, dict) else item for item in listed
    ]
