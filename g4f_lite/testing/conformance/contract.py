"""The rules that the suites check. docs/plugins/contract.md holds the same sentences."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

import pytest

PAGE = "docs/plugins/contract.md"


class Rule(NamedTuple):
    """One rule of the contract, and its heading on the page."""

    wants: str
    heading: str


NAME = Rule(
    "A provider's class can be made without arguments, and its attributes have the types and forms of the table.",
    "Name and attributes",
)
IMPORT = Rule(
    "Importing and registering a provider opens no connection, starts no process, writes no file, prints nothing and "
    "reads no key.",
    "Import and registration",
)
BUILDING = Rule(
    "`build_request` is pure: the same request gives the same `HTTPRequest`, which holds the model and all messages, "
    "and shares nothing with any other.",
    "Building a request",
)
PURE = Rule(
    "`build_request` neither waits, nor reads files or the environment, nor opens a connection.",
    "Building a request",
)
PARAMETERS = Rule(
    "A parameter that the caller set is sent or refused with `UnsupportedParameterError`, never dropped in silence.",
    "Building a request",
)
CAPABILITIES = Rule(
    "What `capabilities` names works: it is sent in the request, and read from whole answers and from streams.",
    "Building a request",
)
READING = Rule(
    "`parse_response` returns all that the answer says, with OpenAI's finish reasons.",
    "Reading an answer",
)
JUNK = Rule(
    "What cannot be understood is a `MalformedResponseError`: no other exception, and no answer made up of it.",
    "Reading an answer",
)
STREAMS = Rule(
    "A stream says the same as the whole answer, however its bytes are cut into pieces.",
    "Reading a stream",
)
CUTS = Rule(
    "A finish reason is handed out only when the service sent one, so that a cut answer never passes for a whole one.",
    "Reading a stream",
)
ERRORS = Rule(
    "`classify_error` says what an error means, with the service's message and the wait that it asks for.",
    "Errors",
)
ERRORS_INSIDE = Rule(
    "An error inside a 200 or inside a stream is a `ReplyError`, never an answer.",
    "Errors",
)
CLIENTS = Rule(
    "Both clients get the same answers, errors and trails from it.",
    "Both clients",
)
ADDRESS = Rule(
    "Every request goes below `api_base`, wherever that points, with the caller's `extra_headers` and `extra_body`.",
    "Address and headers",
)
KEY = Rule(
    "The key goes into a header and nowhere else: no URL, body, repr, log, print, exception or pickle shows it.",
    "The key",
)
THREADS = Rule(
    "One instance serves all threads at once: what belongs to a call lives in the call.",
    "Threads",
)
OPERATIONS = Rule(
    "Each endpoint that `capabilities` names, and the list of models if `lists_models`, follows these rules too.",
    "Other endpoints",
)
CANCELLING = Rule(
    "`stream` ends soon after `cancelled()` has become true.",
    "Answers made in process",
)
FINISHING = Rule(
    "`stream` yields chunks, the last of each choice with a finish reason, and `complete` says the same.",
    "Answers made in process",
)
RECORDED = Rule(
    "A recorded answer means what its `Exchange` says.",
    "Recorded answers",
)

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))


def fail(rule: Rule, seen: str) -> NoReturn:
    """
    Fail the test; the message has what was seen, the rule, and where the rule is written.

    Raises:
        pytest.fail.Exception: always.
    """
    pytest.fail(f"{seen}\n  the contract:  {rule.wants}\n  written in:    {PAGE}, “{rule.heading}”", pytrace=False)


def hold(condition: object, rule: Rule, seen: str) -> None:
    """Fail the test unless the condition holds."""
    if not condition:
        fail(rule, seen)
