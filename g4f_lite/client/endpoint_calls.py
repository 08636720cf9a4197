"""The calls for what is no chat, made of a client's core. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..call.call import Call
from ..call.endpoint_operations import OPERATIONS
from ..errors.exceptions import ConfigurationError
from ..suggestions import did_you_mean
from ..types.endpoint import EndpointRequest, OperationName
from .chat_request import unknown_keyword
from .endpoint_requests import check_endpoint
from .params import ROUTING

if TYPE_CHECKING:
    from .base import Core


def start_operation(core: Core, operation: OperationName, params: Mapping[str, Any]) -> Call:
    """
    Return the call that the keywords ask for.

    Raises:
        TypeError, ConfigurationError, InvalidRequestError: they cannot work.
    """
    request = check_endpoint(operation, params)
    return core.call(request, core.select(params, operation), params, operation=OPERATIONS[operation])


def request_to_explain(operation: OperationName, params: Mapping[str, Any]) -> EndpointRequest:
    """
    Return an empty request that stands for any.

    Raises:
        ConfigurationError: there is no such operation.
        TypeError: a keyword that is not about routing.
    """
    if operation not in OPERATIONS:
        hint = did_you_mean(str(operation), OPERATIONS, f"; known: {', '.join(('chat', *OPERATIONS))}")
        raise ConfigurationError(f"there is no operation {operation!r}{hint}")
    for name in params:
        if name not in ROUTING:
            raise unknown_keyword(name, ROUTING, "explain")
    return EndpointRequest()
