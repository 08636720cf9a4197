"""What differs between chat and the other endpoints when names become tiers."""

from __future__ import annotations

import pytest

from g4f_lite import Client, OpenaiTemplate, UnknownModelError


class Both(OpenaiTemplate):
    """A provider of chat, embeddings and images."""

    name = "both"
    api_base = "http://127.0.0.1:1/v1"
    capabilities = frozenset({"embeddings", "images"})
    default_model = "talk"
    fallback_models = ("talk-small",)
    default_models = {"embeddings": ("wide", "narrow"), "images": ("paint", "draw")}
    model_aliases = {"w": "wide", "t": "talk"}


def models(client: Client, operation: str, **params: object) -> list[str]:
    return [leg.model for tier in client.explain(operation=operation, **params).tiers for leg in tier]  # type: ignore[arg-type]


def test_a_model_of_a_route_counts_only_for_the_endpoint_that_has_it() -> None:
    with Client(routes=["both:talk-small"], plugins=[Both], keys={"both": "k"}) as client:
        assert models(client, "chat") == ["talk-small"]
        assert models(client, "embeddings") == ["wide"]
    with Client(routes=["both:narrow"], plugins=[Both], keys={"both": "k"}) as client:
        assert models(client, "embeddings") == ["narrow"]


def test_an_alias_counts_only_for_the_endpoint_that_has_its_model() -> None:
    with Client(plugins=[Both], keys={"both": "k"}) as client:
        assert models(client, "embeddings", model="w") == ["wide"]
        with pytest.raises(UnknownModelError, match="no provider lists the model 't'"):
            models(client, "embeddings", model="t")


def test_only_embeddings_have_no_fallback_of_another_model_by_default() -> None:
    with Client(plugins=[Both], keys={"both": "k"}) as client:
        assert models(client, "images", provider="both") == ["paint", "draw"]
        for named in ({}, {"model": "wide"}):
            assert models(client, "embeddings", provider="both", **named) == ["wide"]
        assert models(client, "embeddings", provider="both", fallback_models=["narrow"]) == ["wide", "narrow"]
