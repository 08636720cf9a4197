"""The tiers of a plan, and which of their legs share a key, a model or an origin."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeAlias

from ..failover.decisions import FailureScope
from ..provider.leg import Leg

SHARES: Mapping[FailureScope, Callable[[Leg], Hashable]] = {
    FailureScope.KEY: lambda leg: (leg.provider.name, leg.fingerprint),
    FailureScope.MODEL: lambda leg: (leg.provider.name, leg.model),
    FailureScope.ORIGIN: lambda leg: leg.origin,
}
"""What legs have in common that are useless together."""
_Index: TypeAlias = dict[tuple[FailureScope, Hashable], list[tuple[int, Leg]]]


class Tiers(tuple[Sequence[Leg], ...]):
    """
    Tiers in the order of the caller's wishes; none is empty. Shared by all calls with the same selection.

    What its legs share is looked up once for all of them: after a failure, a plan of a thousand legs
    finds those that fail with it as fast as a plan of two.
    """

    _index: _Index | None = None
    """No cached_property: before Python 3.12 it has a lock, which a forked child may find held for ever."""

    def sharing(self, scope: FailureScope, shared: Hashable) -> Sequence[tuple[int, Leg]]:
        """Return all legs that have this in common, in order, each with the number of its tier."""
        if (index := self._index) is None:
            index = self._index = self._indexed()
        return index.get((scope, shared), ())

    def _indexed(self) -> _Index:
        found: _Index = {}
        for number, tier in enumerate(self):
            for leg in tier:
                for scope, share in SHARES.items():
                    found.setdefault((scope, share(leg)), []).append((number, leg))
        return found
