"""What the two clients share: settings, and calls made of them."""

from __future__ import annotations

from typing import Any, Unpack, cast

from ..call.operations import OperationName
from ..errors.exceptions import ConfigurationError
from ..provider.redaction import hide_frames
from ..trail import Explanation
from ..value import Unpicklable
from .call_factory import CallFactory
from .keywords import check_settings
from .params import ExplainParams
from .settings import ClientSettings


class BaseClient(Unpicklable):
    """
    Base of `Client` and `AsyncClient`. No I/O.

    Args:
        settings: the keywords that both clients take.
        own: the names of the keywords that a client takes besides.
    """

    def __init__(self, settings: ClientSettings, *own: str) -> None:
        check_settings(type(self).__name__, settings, *own)
        try:
            self._calls = CallFactory(**settings)
        except ConfigurationError as error:
            hide_frames(error)
            cast("dict[str, Any]", settings).clear()  # a local variable of the client's frame, which may hold keys
            raise

    def explain(self, *, operation: OperationName = "chat", **params: Unpack[ExplainParams]) -> Explanation:
        """
        Return the plan of a call with these arguments; send nothing.

        Args:
            operation: the endpoint, if it is not chat; then only arguments about routing are taken.
        """
        return self._calls.explain(params, operation)
