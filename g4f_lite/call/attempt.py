"""
One attempt: what it sends, what the response means, and the record of its outcome. No I/O, no waiting.

The driver goes through it in this order:

    with ActiveAttempt(call) as attempt:          takes the next leg of the plan and builds `outgoing`
        [attempt.looked_up(response)]             only if there is a `lookup`: the leg names no model
        attempt.complete(response)                reads the result; ends the attempt

An exception that leaves the block ends the attempt with it. A stream has more steps: `stream_attempt.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ..errors.exceptions import MalformedResponseError, ModelUnavailableError, ProviderError, ReplyError, ToolCallError
from ..errors.reply import ErrorReply
from ..provider.boundary import PluginBoundary, check_outgoing, is_wait, redact
from ..provider.leg import InProcessRequest
from ..trail import Attempt
from ..types.chat import ChatCompletion
from ..types.http import HTTPRequest, HTTPResponse
from ..value import JSONObject
from .answer_checks import check_kind
from .call import Call
from .model_lookup import first_for_chat
from .operations import CHAT, Operation

if TYPE_CHECKING:
    from .structured import ResponseModel

log = logging.getLogger("g4f_lite")


class ActiveAttempt:
    """
    An attempt under way.

    Attributes:
        leg, limit: where to send, and until when.
        lookup: asks the service for its models first, if the leg names none; else None.
        outgoing: what to send; there once `lookup`, if any, has been answered.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.lookup: HTTPRequest | None = None
        self.outgoing: HTTPRequest | InProcessRequest | None = None
        self.notes: Sequence[str] = ()
        """Oddities that did not spoil the result."""
        self.ended = False
        self.headers: Mapping[str, str] = {}
        """Of the response, as far as one has come."""
        self._building = False

    def __enter__(self) -> Self:
        call = self.call
        self.state = call.plan.begin()
        self.leg, self.limit = self.state.leg, self.state.limit
        try:
            call.hooks.observe("attempt_started", self.state.attempt)
            self.request = msgspec.structs.replace(call.request, model=self.leg.model)
            if (call.interrupted is not None or call.corrections) and (more := self._added_messages()):
                self.request = msgspec.structs.replace(self.request, messages=(*self.request.messages, *more))
            if not self.leg.model and call.operation is CHAT:
                self._find_model()
            if self.lookup is None:
                self._build()
        except BaseException as error:
            self.end(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.end(error)

    # -- the request -----------------------------------------------------------------------

    def _added_messages(self) -> Sequence[JSONObject]:
        """Return what follows the caller's messages: a completion to correct, with the complaint."""
        return self.call.corrections.get(self.leg.identity, ())

    def _build(self) -> None:
        if self.leg.is_local:
            self.outgoing = InProcessRequest(self.leg, self.request)
            return
        provider, key = self.leg.provider, self.leg.key
        self._building = True
        with PluginBoundary(self.leg.key, "building the request"):
            outgoing = self.call.operation.build(
                provider, self.request, None if key is None else key.value, self.call.plan.stream
            )
            check_outgoing(outgoing)
        self._building = False
        self.outgoing = outgoing

    def _find_model(self) -> None:
        """Take the first model that the service lists if the list is known; else ask for the list."""
        if (listed := self.call.models.get(self.leg, self.limit.now())) is not None:
            self._take_first(listed)
            return
        from ..types.models import ModelsRequest

        key = self.leg.key
        with PluginBoundary(self.leg.key, "asking for the models"):
            lookup = self.leg.provider.build_operation(ModelsRequest(), key=None if key is None else key.value)
            check_outgoing(lookup)
        self.lookup = lookup

    def looked_up(self, response: HTTPResponse) -> None:
        """
        Take the first model of the response to `lookup`, and build `outgoing`.

        Raises:
            ProviderError: the response is an error, is malformed, or lists no model.
        """
        from ..types.models import ModelsRequest
        from .endpoints import ENDPOINTS

        listed = self._parse(response, ENDPOINTS["models"].operation, ModelsRequest())
        self._take_first(listed)
        self.call.models.put(self.leg, self._sign(listed, response.body), self.limit.now())
        self._build()

    def _take_first(self, listed: Any) -> None:
        name = first_for_chat(listed)
        self.request = msgspec.structs.replace(self.request, model=name)
        self.state.named(name)

    # -- the result ------------------------------------------------------------------------

    def complete(self, response: Any) -> Any:
        """
        Return the result, and end the attempt as a success.

        Args:
            response: an HTTPResponse, or the completion that an in-process provider made.

        Raises:
            ProviderError: the response is an error, is malformed, or is empty.
        """
        operation = self.call.operation
        status, headers, body = None, None, None
        if isinstance(response, HTTPResponse):
            status, headers, body = response.status, response.headers, response.body
            self.headers = headers
            result = self._parse(response, operation, self.request)
        else:
            result = response
            check_kind(result, operation.result)
        operation.check(result, self.request, status)
        if self.call.response_model is not None:
            result = self._parse_text(result, self.call.response_model, status)
        self.succeed(status, headers)
        return self._sign(result, body)

    def _parse(self, response: HTTPResponse, operation: Operation, request: Any) -> Any:
        if not 200 <= response.status < 300:
            raise self.classify(ErrorReply(status=response.status, headers=response.headers, body=response.body))
        try:
            with PluginBoundary(self.leg.key, "reading the answer"):
                result = operation.parse(self.leg.provider, request, response)
        except ReplyError as error:
            raise self.classify(error.reply) from None
        check_kind(result, operation.result)
        return result

    def _parse_text(self, completion: ChatCompletion, model: ResponseModel, status: int | None) -> ChatCompletion:
        """
        Return a completion with its text parsed into the response model.

        Raises:
            ToolCallError: the text violates the schema; the next attempt on this leg sends the complaint along.
        """
        from .structured import MisfitError

        if completion.tool_calls or completion.choices[0].message.refusal:
            return completion
        try:
            return msgspec.structs.replace(completion, parsed=model.parse(completion.text))
        except MisfitError as misfit:
            choice = completion.choices[0]
            if completion.text and choice.finish_reason != "length":  # else there is nothing to correct
                complaint = f"That does not fit: {misfit}. Answer again, with the corrected JSON alone."
                self.call.corrections[self.leg.identity] = (
                    choice.message.to_dict(),
                    {"role": "user", "content": complaint},
                )
            raise ToolCallError(str(misfit), status=status) from None

    def classify(self, reply: ErrorReply) -> ProviderError:
        """Return the exception for an error reply: the provider's, refined by plugins."""
        with PluginBoundary(self.leg.key, "reading an error"):
            error = self.leg.provider.classify_error(reply)
        if not isinstance(error, ProviderError):
            return MalformedResponseError(f"the provider's code returns {type(error).__name__} for an error")
        error = self.call.hooks.refine_error(self.leg.provider, reply, error)
        from ..errors.reply_facts import keep_reply

        keep_reply(error, reply)
        if not is_wait(error.retry_after):
            error.retry_after = None
        return redact(error, self.leg.key)

    def _sign(self, result: Any, raw_json: bytes | None = None) -> Any:
        """Return a result with the provider and the model that gave it."""
        return msgspec.structs.replace(
            result,
            provider=self.leg.provider.name,
            model=result.model or self.request.model,
            raw_json=raw_json,
        )

    # -- the outcome -----------------------------------------------------------------------

    def succeed(self, status: int | None, headers: Mapping[str, str] | None, notes: Sequence[str] = ()) -> None:
        """End the attempt as a success."""
        self.ended = True
        self._report(self.call.plan.succeed(self.state, status, headers, notes))

    def end(self, error: BaseException) -> None:
        """End the attempt with an error, unless it has ended."""
        if self.ended:
            return
        self.ended = True
        if isinstance(error, ProviderError):
            if error.request_id is None and self.headers:
                from ..errors.reply_facts import request_id_of

                error.request_id = request_id_of(self.headers)
            redact(error, self.leg.key)
            if not self.leg.model and isinstance(error, ModelUnavailableError):
                self.call.models.forget(self.leg)
            # A request that the provider's own code cannot build says nothing about the service.
            sent = not (self._building and isinstance(error, MalformedResponseError))
            self._report(self.call.plan.fail(self.state, error, self.notes, sent=sent))
        else:
            self._report(self.call.plan.abort(self.state, error))

    def _report(self, attempt: Attempt) -> None:
        if log.isEnabledFor(logging.INFO):
            log.info("%s", attempt)
        self.call.hooks.observe("attempt_finished", attempt)
