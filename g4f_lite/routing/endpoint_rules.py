"""
Which models an endpoint offers: what differs between chat, embeddings, the list of models and the others.

Rule: routing asks these objects, and never compares the name of an endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..provider.base import Provider
from ..provider.self_description import declared, listed_models


class EndpointRules:
    """The rules of an endpoint whose models are declared per capability: `Provider.models_for`."""

    models_are_comparable = True
    """Whether a result of one model may stand in for that of another."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.purpose = f" for {operation}"
        """How messages go on after "no default model"."""

    def unsupported_reason(self, provider: Provider) -> str | None:
        """Return why the provider does not offer the endpoint; None if it does."""
        return None if self.operation in declared(provider, "capabilities") else f"offers no {self.operation}"

    def listed(self, provider: Provider) -> Sequence[str]:
        """Return the model ids that the provider's class lists."""
        return listed_models(provider, self.operation)

    def aliases(self, provider: Provider) -> Iterable[str]:
        """Return the other names of these models."""
        listed = self.listed(provider)
        return [alias for alias, model in declared(provider, "model_aliases").items() if model in listed]

    def default(self, provider: Provider) -> str:
        """Return the model for a call that names none; "" if there is none."""
        return next(iter(provider.models_for(self.operation)), "")

    def fallbacks(self, provider: Provider) -> Sequence[str]:
        """Return the models to try after the default model."""
        return self.listed(provider)[1:]

    def needs_model(self, provider: Provider) -> bool:
        """Tell whether a model must be known before the call."""
        return True

    def model_of_route(self, provider: Provider, model: str) -> str:
        """Return the model that an entry of a client's `routes` names for this endpoint; "" if it names none."""
        return model if model in self.listed(provider) else ""


class _Chat(EndpointRules):
    """The endpoint that every provider has, with model attributes of its own."""

    def __init__(self) -> None:
        super().__init__("chat")
        self.purpose = ""

    def unsupported_reason(self, provider: Provider) -> None:
        return None

    def listed(self, provider: Provider) -> Sequence[str]:
        return listed_models(provider)

    def aliases(self, provider: Provider) -> Iterable[str]:
        aliases: Iterable[str] = declared(provider, "model_aliases")
        return aliases

    def default(self, provider: Provider) -> str:
        return provider.get_model_name(None)

    def fallbacks(self, provider: Provider) -> Sequence[str]:
        fallbacks: Sequence[str] = declared(provider, "fallback_models")
        return fallbacks

    def needs_model(self, provider: Provider) -> bool:
        # A server that needs no key bills nobody: it may answer with the first model that it lists.
        return declared(provider, "needs_auth") or not declared(provider, "lists_models")

    def model_of_route(self, provider: Provider, model: str) -> str:
        return model


class _Embeddings(EndpointRules):
    """Vectors of two models cannot be compared: only the caller may name a second model."""

    models_are_comparable = False

    def fallbacks(self, provider: Provider) -> Sequence[str]:
        return ()


CANNOT_BE_ASKED = "cannot be asked for its models"


class _Models(EndpointRules):
    """The list of models: every provider with `lists_models` has it, and no model is needed."""

    def unsupported_reason(self, provider: Provider) -> str | None:
        known = declared(provider, "lists_models") or self.operation in declared(provider, "capabilities")
        return None if known else CANNOT_BE_ASKED

    def needs_model(self, provider: Provider) -> bool:
        return False


_RULES: Mapping[str, EndpointRules] = {
    rules.operation: rules for rules in (_Chat(), _Embeddings("embeddings"), _Models("models"))
}


def rules_of(operation: str) -> EndpointRules:
    """Return the rules of an endpoint."""
    return _RULES.get(operation) or EndpointRules(operation)
