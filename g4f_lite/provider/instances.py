"""Providers as plugins and callers give them: a class or an instance, whose code may do what it likes. No I/O."""

from __future__ import annotations

from ..errors.exceptions import ConfigurationError
from ..errors.places import describe
from ..errors.quoted_values import shortened
from ..errors.signal_handlers import is_interruption
from .base import Provider


def instance_of(given: Provider | type[Provider]) -> Provider:
    """
    Return a provider that is complete, made of its class if necessary.

    Raises:
        ConfigurationError: it cannot be made, its declarations are wrong, or it has no hash.
    """
    kind = given if isinstance(given, type) else type(given)
    try:
        provider: object = given() if isinstance(given, type) else given
        if not isinstance(provider, Provider):
            raise TypeError(f"it returns {type(provider).__name__}, no provider")
        if not provider._frozen:  # its `__init__` is not that of Provider, such as a dataclass's
            provider._set({})
        _check_hash(provider)
    except BaseException as error:  # the plugin border
        if is_interruption(error):
            raise
        raise ConfigurationError(f"{kind.__name__}() fails: {shortened(' '.join(describe(error).split()))}") from error
    return provider


def _check_hash(provider: Provider) -> None:
    try:
        hash(provider)
    except TypeError:
        advice = "make it a @dataclass(eq=False), or leave out __eq__"
        raise TypeError(f"its instances have no hash; {advice}") from None
