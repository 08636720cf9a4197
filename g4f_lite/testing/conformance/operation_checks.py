"""The checks of every endpoint but chat that a provider declares."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from ...errors import exceptions as e
from ...errors.suggestions import did_you_mean
from ...provider.base import Provider
from ...provider.boundary import check_outgoing
from ...provider.openai_protocol.chat import OpenaiTemplate
from ...provider.openai_protocol.endpoints import PATHS
from ...types.endpoint import EndpointRequest
from ...types.http import HTTPRequest, HTTPResponse
from ..network import hide_environment
from ..server import FaultServer
from . import contract
from .calls import CLIENTS
from .contract import fail, hold
from .http_base import HTTPConformance
from .operations import SOUND, endpoints_of, request_of, result_of
from .service import SECRET, contains
from .watching import watched

_REFUSALS = (e.UnsupportedParameterError, e.InvalidRequestError)
_JUNK = (b"", b"<!DOCTYPE html><html></html>", b"{", b"7", b"null", b"\xff", b'{"error": {"message": "no"}}')


class OperationChecks(HTTPConformance):
    """Embeddings, audio, images and the list of models keep the contract as chat does."""

    def test_other_endpoints_build_what_is_asked_for(self) -> None:
        one = self.made(api_base="http://127.0.0.1:9/some/where")
        for operation, endpoint in endpoints_of(one).items():
            request = request_of(one, operation, extra_headers={"X-Conformance": "sent"})
            outgoing = _build(one, request)
            with watched(f"build_operation for {operation}") as did:
                again = _build(one, request)
            hold(not did, contract.PURE, ", ".join(did))
            if isinstance(outgoing.body, bytes):  # the boundary of a form is new each time
                kept = outgoing.url, dict(outgoing.headers), outgoing.body
                hold(
                    kept == (again.url, dict(again.headers), again.body),
                    contract.OPERATIONS,
                    f"{operation}: build_operation returns a different request for the same one",
                )
            hold(
                outgoing.url.startswith(f"{one.api_base}/"),
                contract.ADDRESS,
                f"{operation}: with api_base={one.api_base!r} a request goes to {outgoing.url}",
            )
            path = _path(one, operation) if type(self).shape == "openai" else ""
            hold(
                urlsplit(outgoing.url).path.endswith(path),
                contract.OPERATIONS,
                f"{operation}: a request goes to {outgoing.url}, not to {one.api_base}{path}",
            )
            headers = {name.lower(): value for name, value in outgoing.headers.items()}
            hold(headers.get("x-conformance") == "sent", contract.ADDRESS, f"{operation}: extra_headers are not sent")
            for text in endpoint.texts:
                hold(contains(outgoing, text), contract.OPERATIONS, f"{operation}: {text!r} is not in the request")
            if operation == "models":
                continue
            for model in (request.model, "another-model-7"):
                hold(
                    contains(_build(one, request_of(one, operation, model=model)), model),
                    contract.OPERATIONS,
                    f"{operation}: the model {model!r} is not in the request",
                )

    def test_parameters_of_other_endpoints_are_sent_or_refused(self) -> None:
        one = self.made()
        for operation, endpoint in endpoints_of(one).items():
            known = type(request_of(one, operation)).__struct_fields__
            for name in one.endpoint_parameters.get(operation, ()) if isinstance(one, OpenaiTemplate) else ():
                hint = "" if name in known else did_you_mean(name, known, cutoff=0.8)
                hold(not hint, contract.NAME, f"endpoint_parameters of {operation} has {name!r}{hint}")
            for name, (value, shown) in endpoint.parameters.items():
                if not {name, f"{operation}.{name}"}.isdisjoint(type(self).ignored_parameters):
                    continue
                try:
                    outgoing = one.build_operation(request_of(one, operation, **{name: value}), key=SECRET)
                except _REFUSALS:
                    continue
                hold(
                    contains(outgoing, shown),
                    contract.PARAMETERS,
                    f"{operation}: {name}={value!r} is neither sent nor refused",
                )

    def test_other_endpoints_send_the_key_in_a_header_alone(self) -> None:
        one = self.made()
        for operation in endpoints_of(one):
            outgoing = _build(one, request_of(one, operation))
            sent = any(SECRET in value for value in outgoing.headers.values())
            hold(
                sent or not one.needs_auth, contract.KEY, f"{operation}: needs_auth is True, but no header has the key"
            )
            hold(SECRET not in outgoing.url, contract.KEY, f"{operation}: the URL holds the key: {outgoing.url}")
            hold(not contains(outgoing, SECRET), contract.KEY, f"{operation}: the body holds the key")
            if not one.needs_auth:
                keyless = one.build_operation(request_of(one, operation), key=None)
                hold("None" not in str(keyless.headers), contract.KEY, f"{operation}: {keyless.headers} is sent")

    def test_other_endpoints_answer_both_clients(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The answers are those of OpenAI's API: for another shape, give `exchanges` of your own."""
        hide_environment(monkeypatch)
        one = self.made()
        if type(self).shape != "openai":
            return
        for operation, endpoint in endpoints_of(one).items():
            for client in CLIENTS:
                with FaultServer() as server:
                    server.script(endpoint.reply)
                    result = result_of(client, one, operation, server)
                    hold(
                        result == endpoint.wanted,
                        contract.OPERATIONS,
                        f"{operation}: {client} gives {str(result)[:300]}\n  instead of {str(endpoint.wanted)[:300]}",
                    )
                    hold(server.received, contract.ADDRESS, f"{operation}: nothing reaches the address in base_urls=")
                    if "file" in endpoint.content:
                        body = server.received[-1].body
                        hold(SOUND in body or b"base64" in body, contract.OPERATIONS, f"{operation}: no file is sent")

    def test_what_other_endpoints_cannot_understand_is_an_error(self) -> None:
        one = self.made()
        for operation in endpoints_of(one):
            request = request_of(one, operation)
            for junk in _JUNK:
                kind = "application/json" if junk[:1] != b"<" else "text/html"
                response = HTTPResponse(status=200, headers={"content-type": kind}, body=junk)
                try:
                    answer = one.parse_operation(request, response)
                except (e.ProviderError, e.ReplyError):
                    continue
                except Exception as error:
                    fail(
                        contract.JUNK,
                        f"{operation}: parse_operation raises {type(error).__name__}: {error}\n  for {junk!r}",
                    )
                fail(contract.JUNK, f"{operation}: the body {junk!r} is read as {answer!r}")


def _build(one: Provider, request: EndpointRequest) -> HTTPRequest:
    operation = request.operation
    try:
        outgoing = one.build_operation(request, key=SECRET)
        check_outgoing(outgoing)
    except e.ProviderError as error:
        fail(contract.CAPABILITIES, f"{operation!r} is declared, but refused: {error}")
    except Exception as error:
        fail(contract.OPERATIONS, f"{operation}: build_operation raises {type(error).__name__}: {error}")
    return outgoing


def _path(one: Provider, operation: str) -> str:
    """Return the path below `api_base` that the attributes of the provider declare, else OpenAI's."""
    if isinstance(one, OpenaiTemplate):
        return one.models_path if operation == "models" else one.endpoint_paths.get(operation) or PATHS[operation]
    return "/models" if operation == "models" else PATHS[operation]
