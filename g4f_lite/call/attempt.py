"""
One attempt: what it sends, what the response means, and the record of its outcome. No I/O, no waiting.

The driver goes through it in this order:

    with ActiveAttempt(call) as attempt:          takes the next leg of the plan and builds `outgoing`
        [attempt.answered_by_state(answers)]      only if `holding` asks for something: of a client with limits
        [attempt.got_key(key)]                    only if `key_wanted`: the key comes from a function
        [attempt.looked_up(response)]             only if there is a `lookup`: the leg names no model
        attempt.complete(response)                reads the result; ends the attempt

An exception that leaves the block ends the attempt with it. A stream has more steps: `stream_attempt.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from traceback import clear_frames
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ..errors.exceptions import (
    AuthenticationError,
    MalformedResponseError,
    ModelUnavailableError,
    ProviderError,
    ProviderTimeoutError,
    ReplyError,
)
from ..errors.reply import ErrorReply
from ..errors.reply_facts import keep_reply, request_id_of
from ..failover.candidates import WithdrawnError
from ..failover.decisions import blames_model
from ..health.abandoned import abandoned_streams
from ..provider.boundary import PluginBoundary, check_outgoing, sound_error
from ..provider.checked import check, shown
from ..provider.keys import Key
from ..provider.leg import InProcessRequest
from ..provider.origins import with_origin
from ..provider.redaction import redact, redact_name, redact_reply
from ..records.trail import Attempt
from ..types.call_ids import with_distinct_ids
from ..types.chat import ChatCompletion
from ..types.copies import copied, copied_value
from ..types.http import HTTPRequest, HTTPResponse
from ..types.memory_estimate import ALWAYS_SMALL, LARGE_OBJECT, MODEL, OBJECT, check_memory
from ..types.size_limits import MAX_SENT_BACK
from ..types.usage import possible
from ..value import JSONObject
from .call import Call, StreamClosed
from .holding import Holding, hold
from .model_lookup import first_for_chat, models_for_chat
from .observed_fields import observed_fields
from .operations import CHAT, Operation

if TYPE_CHECKING:
    from ..health.shared_state import Answer
    from ..provider.leg import Leg
    from ..types.chat_request import ChatRequest
    from .structured import ResponseModel

log = logging.getLogger("g4f_lite")

_OURS = (MalformedResponseError, AuthenticationError, ProviderTimeoutError)
"""Errors that say nothing about the service if nothing was sent: of the provider's code, or of the key's function."""


class ActiveAttempt:
    """
    An attempt under way.

    Attributes:
        leg, limit: where to send, and until when.
        holding: what it takes of the client's limits, for which the state is asked first; None if nothing limits it.
        key_wanted: its function is to be asked for the key first; else None.
        lookup: asks the service for its models first, if the leg names none; else None.
        outgoing: what to send; there once `lookup`, if any, has been answered.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.key_wanted: Key | None = None
        self.lookup: HTTPRequest | None = None
        self.outgoing: HTTPRequest | InProcessRequest | None = None
        self.holding: Holding | None = None
        self.notes: Sequence[str] = ()
        """Oddities that did not spoil the result."""
        self.ended = False
        self.last_hook = ""
        """The last of the hooks `attempt_started` and `attempt_finished` that the observers have been told."""
        self.headers: Mapping[str, str] = {}
        """Of the response, as far as one has come."""
        self._unsent = False
        """Whether the key is not there yet, or the request is not built."""

    def __enter__(self) -> Self:
        call = self.call
        if call.closed:
            raise StreamClosed
        if call.plan.in_line:
            abandoned_streams.close_all()  # one of them may hold the place for which the call waits
        self.state = call.plan.begin()
        self.leg, self.limit = self.state.leg, self.state.limit
        try:
            call.attempts.add(self)
            if call.shared is not None:
                self.holding = hold(call, call.shared, self.state)
            if self.holding is None:
                self._start()
        except BaseException as error:
            self.end(error)
            raise
        return self

    def _start(self) -> None:
        call = self.call
        if call.observed:
            call.hooks.observe("attempt_started", self.state.attempt, self)
        self.request = request = copied(call.request, model=self.leg.model)
        if (call.interrupted is not None or call.corrections) and (more := self._added_messages()):
            self.request = msgspec.structs.replace(request, messages=(*request.messages, *copied_value(more)))
        if self.leg.asks_for_key and not self.leg.is_local:
            self.key_wanted, self._unsent = self.leg.key, True
        else:
            if not self.leg.model and call.operation is CHAT:
                self._find_model()
            if self.lookup is None:
                self._build()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.end(StreamClosed() if self.call.closed else error)
            if self.call.closed and isinstance(error, ProviderError):  # it may be due to `Call.interrupt`
                raise StreamClosed from None

    # -- the request -----------------------------------------------------------------------

    def answered_by_state(self, answers: Sequence[Answer]) -> None:
        """
        Build what is sent, if the state has given what `holding` asks for.

        Raises:
            WithdrawnError: it has not; nothing was sent, and this attempt does not count.
        """
        assert self.holding is not None
        try:
            self.holding.answered(self.call.plan, self.state, answers)
        except WithdrawnError:
            self.ended = True
            self.call.attempts.discard(self)
            raise
        self._start()

    def got_key(self, value: str) -> None:
        """
        Take the key that the function of `key_wanted` returned, and build what is sent.

        Raises:
            AuthenticationError: it is the one that the service refused just now.
            ProviderError: as for other legs.
        """
        key, refused = self.key_wanted, self.call.refused_keys
        assert key is not None
        self.key_wanted, self._unsent = None, False
        self.leg = self.leg.holding(Key(value, key.source, known_as=key.fingerprint))
        if refused.get(self.leg.identity) == value:
            raise AuthenticationError(f"the function of {key.source} still returns the key that was refused")
        if not self.leg.model and self.call.operation is CHAT:
            self._find_model()
        if self.lookup is None:
            self._build()

    def _added_messages(self) -> Sequence[JSONObject]:
        """Return what follows the caller's messages: a completion to correct, with the complaint."""
        return self.call.corrections.get(self.leg.identity, ())

    def _build(self) -> None:
        if self.leg.is_local:
            self.outgoing = InProcessRequest(self.leg, self.request)
            return
        provider, key = self.leg.provider, self.leg.key
        self._unsent = True
        method = "build_request" if self.call.operation is CHAT else "build_operation"
        with PluginBoundary(key, "building the request", provider, method, reads=False):
            streams = self.call.plan.stream and self.leg.streams
            outgoing = self.call.operation.build(provider, self.request, None if key is None else key.value, streams)
            check_outgoing(outgoing)
        if self.call.observed and (added := self.call.hooks.request_headers(self.state.attempt)):
            own = {name.lower() for name in outgoing.headers}
            added = {name: value for name, value in added.items() if name not in own}
            outgoing = msgspec.structs.replace(outgoing, headers={**outgoing.headers, **added})
        self._unsent = False
        self.outgoing = outgoing

    def _find_model(self) -> None:
        """Take the first model that the service lists if the list is known; else ask for the list."""
        if (listed := self.call.models.get(self.leg, self.limit.now())) is not None:
            self._take_first(listed)
            return
        from ..types.models import ModelsRequest

        provider, key = self.leg.provider, self.leg.key
        with PluginBoundary(key, "asking for the models", provider, "build_operation", reads=False):
            lookup = provider.build_operation(ModelsRequest(), key=None if key is None else key.value)
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
        self.call.models.put(self.leg, signed(listed, self.leg, self.request.model, response.body), self.limit.now())
        self._build()

    def _take_first(self, listed: Any) -> None:
        name = first_for_chat(listed, self._passed_over())
        self.request = msgspec.structs.replace(self.request, model=name)
        self.state.named(redact_name(name, self.leg.key))  # a service can list what it was sent

    def _passed_over(self) -> Set[str]:
        """Return the listed models that have refused this call, or to chat at all."""
        call, leg = self.call, self.leg
        return {*call.models.refused(leg), *call.passed_over.get(leg.identity, ())}

    def _pass_over(self, error: ProviderError) -> bool:
        """Pass over the listed model that this attempt has used; return whether another one is left."""
        call, leg, model = self.call, self.leg, self.request.model
        if leg.model or self._unsent or not model or not blames_model(error):
            return False
        call.passed_over.setdefault(leg.identity, set()).add(model)
        if isinstance(error, ModelUnavailableError):
            call.models.refuse(leg, model)
        listed = call.models.get(leg, self.limit.now())
        return listed is not None and not self._passed_over() >= set(models_for_chat(listed))

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
        operation.check(result, self.call.request, status)  # a plugin may have changed its own
        if operation is CHAT:
            result = complete_chat(result, self.leg, self.request)
        if self.call.response_model is not None:
            result = self._parse_text(result, self.call.response_model, status)
        self.succeed(status, headers, answer=result)
        return signed(result, self.leg, self.request.model, body)

    def _parse(self, response: HTTPResponse, operation: Operation, request: Any) -> Any:
        if not 200 <= response.status < 300:
            raise self.classify(ErrorReply(status=response.status, headers=response.headers, body=response.body))
        provider = self.leg.provider
        if not provider._decodes:  # its code may change the headers
            response = msgspec.structs.replace(response, headers=dict(response.headers))
        if response.body[ALWAYS_SMALL : ALWAYS_SMALL + 1] and operation.name != "speech":  # a slice needs no call
            per_object = OBJECT if operation is CHAT else MODEL if operation.name == "models" else LARGE_OBJECT
            check_memory("the answer", response.body, self.limit.max_bytes, per_object=per_object)
        try:
            with PluginBoundary(self.leg.key, "reading the answer", provider, operation.method):
                result = operation.parse(provider, request, response)
                if not provider._decodes:
                    check(result, operation.result, operation.method)
        except ReplyError as error:
            raise self.classify(error.reply) from None
        return result

    def _parse_text(self, completion: ChatCompletion, model: ResponseModel, status: int | None) -> ChatCompletion:
        """
        Return a completion with its text parsed into the response model.

        Raises:
            ToolCallError: the text violates the schema; the next attempt on this leg sends the complaint along. With
                the code `length` it was cut at a limit of tokens: there is no other attempt on this leg.
        """
        from .structured import MisfitError, misfit_error

        if completion.tool_calls or completion.choices[0].message.refusal:
            return completion
        try:
            return msgspec.structs.replace(completion, parsed=model.parse(completion.text))
        except MisfitError as misfit:
            choice = completion.choices[0]
            error = misfit_error(misfit, choice.finish_reason, self.request, status)
            # Without text, there is nothing to correct.
            if error.code is None and 0 < len(completion.text) <= MAX_SENT_BACK:
                complaint = f"That does not fit: {misfit}. Answer again, with the corrected JSON alone."
                correction = (choice.message.to_dict(), {"role": "user", "content": complaint})
                self.call.corrections[self.leg.identity] = correction
            raise error from None

    def classify(self, reply: ErrorReply) -> ProviderError:
        """Return the exception for an error reply: the provider's, refined by plugins. They get it without the key."""
        reply = redact_reply(reply, self.leg.key)
        own = msgspec.structs.replace(reply, headers=dict(reply.headers))
        with PluginBoundary(self.leg.key, "reading an error", self.leg.provider, "classify_error", reads=False):
            error = self.leg.provider.classify_error(own)
            if not isinstance(error, ProviderError):
                raise TypeError(f"classify_error returns {shown(error)}, not a ProviderError")
        error = sound_error(self.call.hooks.refine_error(self.leg.provider, own, sound_error(error)))
        keep_reply(error, reply)
        return redact(error, self.leg.key)

    # -- the outcome -----------------------------------------------------------------------

    def succeed(
        self, status: int | None, headers: Mapping[str, str] | None, notes: Sequence[str] = (), *, answer: Any = None
    ) -> None:
        """End the attempt as a success; its record gets what the answer reports."""
        if answer is None:
            self._report(self.call.plan.succeed(self.state, status, headers, notes))
            return
        chat = self.call.operation is CHAT
        observed = observed_fields(answer, headers, self.leg.key, chat=chat) if self.call.observed else {}
        tier, name = answer.service_tier if chat else None, answer.model or None
        if name is not None and name != self.state.attempt.model:  # else it is the caller's own word
            name = redact_name(name, self.leg.key)
        attempt = self.call.plan.succeed(
            self.state, status, headers, notes, usage=answer.usage and possible(answer.usage), response_model=name,
            service_tier=redact_name(tier, self.leg.key) if tier else None, **observed,
        )  # fmt: skip
        self._report(attempt)

    def end(self, error: BaseException) -> None:
        """End the attempt with an error, unless it has ended. A signal may have interrupted its end: then go on."""
        if self.ended:
            return
        if self.state.ended is not None:
            self._report(self.state.ended)
        elif isinstance(error, ProviderError):
            clear_frames(error.__traceback__)  # else the call would keep the answer of each attempt
            if error.request_id is None and self.headers:
                error.request_id = request_id_of(self.headers)
            redact(error, self.leg.key)
            if self.holding is not None:
                self.holding.failed(error)
            lists_more = self._pass_over(error)
            if not self.leg.model and isinstance(error, ModelUnavailableError) and not lists_more:
                self.call.models.forget(self.leg)
            if self.leg.asks_for_key and isinstance(error, AuthenticationError) and self.leg.key is not None:
                self.call.refused_keys[self.leg.identity] = self.leg.key.value
            sent = not (self._unsent and isinstance(error, _OURS))
            self._report(self.call.plan.fail(self.state, error, self.notes, sent=sent, lists_more=lists_more))
        else:
            self._report(self.call.plan.abort(self.state, error))

    def _report(self, attempt: Attempt) -> None:
        if self.holding is not None:
            self.holding.settle(attempt, sent=self.outgoing is not None or self.lookup is not None)
        if log.isEnabledFor(logging.INFO):
            log.info("%s", attempt)
        if self.last_hook == "attempt_started":  # else nobody observes
            self.call.hooks.observe("attempt_finished", attempt, self)
        self.ended = True
        self.call.attempts.discard(self)


def complete_chat(completion: ChatCompletion, leg: Leg, request: ChatRequest) -> ChatCompletion:
    """Return a completion whose messages can go into the next request: with ids of calls, and their origin."""
    for choice in completion.choices:
        message = choice.message
        if message.tool_calls:
            completion = with_distinct_ids(completion, request.messages)
        if message.tool_calls or message.extra_content or message.reasoning_details or message.origin:
            return with_origin(completion, leg.provider.name, leg.provider.api_base)
    return completion


def signed(result: Any, leg: Leg, model: str, raw_json: bytes | None = None) -> Any:
    """Return a result with the provider and the model that gave it."""
    return msgspec.structs.replace(result, provider=leg.provider.name, model=result.model or model, raw_json=raw_json)
