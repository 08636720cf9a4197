"""What the embeddings of services with a protocol of their own have in common. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from g4f_lite import (
    CreateEmbeddingResponse,
    Embedding,
    EmbeddingRequest,
    HTTPResponse,
    UnsupportedParameterError,
    Usage,
)

from .answers import no_answer


def texts(request: EmbeddingRequest, service: str, most: int) -> list[str]:
    """
    Return the texts to turn into vectors.

    Raises:
        UnsupportedParameterError: tokens instead of texts, more than `most` texts, or a `user`.
    """
    given = [request.input] if isinstance(request.input, str) else request.input
    if not all(isinstance(one, str) for one in given):
        raise UnsupportedParameterError(f"{service} takes texts, not tokens")
    if len(given) > most:
        raise UnsupportedParameterError(f"{service} takes at most {most} inputs, not {len(given)}")
    if request.user is not None:
        raise UnsupportedParameterError(f"{service} does not support the parameter 'user'")
    return given


def vectors(
    made: Sequence[Sequence[float] | str], response: HTTPResponse, model: str, tokens: int | None
) -> CreateEmbeddingResponse:
    """
    Return the vectors, which are in the order of the inputs.

    Raises:
        ReplyError, MalformedResponseError: there is none, as `no_answer`.
    """
    if not made:
        raise no_answer(response, "the answer has no vectors")
    data = tuple(
        Embedding(index=index, embedding=one if isinstance(one, str) else tuple(one)) for index, one in enumerate(made)
    )
    usage = None if tokens is None else Usage(prompt_tokens=tokens, total_tokens=tokens)
    return CreateEmbeddingResponse(data=data, model=model, usage=usage)
