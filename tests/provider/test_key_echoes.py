"""A key that a service echoes, in whatever form and place, is shown nowhere."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from base64 import b32encode, b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from helpers.driving import MODES, run
from helpers.growth import is_linear
from hypothesis import given
from hypothesis import strategies as st

from g4f_lite import OpenaiTemplate, ServerError, hookimpl
from g4f_lite.provider.keys import Key
from g4f_lite.provider.redaction import redact_text
from g4f_lite.testing import FaultServer, replies

SECRET = "gsk_Zx81bQp4-nV7r/Lw2KjYc9+fHa3Ms5E"
BYTES = SECRET.encode()
FORMS = {
    "as it is": SECRET,
    "its beginning": SECRET[:8],
    "its end": SECRET[-8:],
    "its middle": SECRET[13:21],
    "in upper case": SECRET.upper(),
    "in lower case": SECRET.lower(),
    "base64": b64encode(BYTES).decode(),
    "base64 for URLs": urlsafe_b64encode(BYTES).decode(),
    "base64 of the header": b64encode(b"Bearer " + BYTES).decode(),
    "base64 of a name and it": b64encode(b"u:" + BYTES).decode(),
    "base64 of its end": b64encode(BYTES[-12:]).decode(),
    "hexadecimal": BYTES.hex(),
    "hexadecimal with colons": BYTES.hex(":").upper(),
    "in a URL": quote(SECRET, safe=""),
    "in a URL in a URL": quote(quote(SECRET, safe=""), safe=""),
    "each character in a URL": "".join(f"%{one:02X}" for one in BYTES),
    "escaped in JSON": "".join(f"\\u{one:04x}" for one in BYTES),
    "in JSON in JSON": json.dumps(SECRET.replace("/", "\\/")),
    "in HTML": "".join(f"&#{one};" for one in BYTES),
    "in hexadecimal HTML": "".join(f"&#x{one:x};" for one in BYTES),
    "in HTML in HTML": "".join(f"&amp;#{one};" for one in BYTES),
    "in HTML in a URL": quote("".join(f"&amp;#x{one:X};" for one in BYTES), safe=""),
    "in a Python text": "".join(f"\\x{one:02x}" for one in BYTES),
    "base32": b32encode(BYTES).decode(),
    "base32 of the header": b32encode(b"Bearer " + BYTES).decode(),
    "base32 in groups": " ".join(b32encode(BYTES).decode()[at : at + 8] for at in range(0, 40, 8)),
    "in octal": "".join(f"\\{one:03o}" for one in BYTES),
    "in octal in JSON": json.dumps("".join(f"\\{one:03o}" for one in BYTES)),
    "a list of octal numbers": " ".join(f"{one:03o}" for one in BYTES),
    "a list of numbers": str([*BYTES]),
    "lines of numbers": "\n".join(map(str, BYTES)),
    "a list of hexadecimal numbers": ", ".join(map(hex, BYTES)),
    "with escaped characters of no width": json.dumps("\u200b".join(SECRET)),
    "with lines in JSON": json.dumps("\n".join(SECRET[at : at + 3] for at in range(0, len(SECRET), 3))),
    "in padded HTML": "".join(f"&#x{one:06x};" for one in BYTES),
    "with spaces": " ".join(SECRET),
    "in groups": "…".join(SECRET[at : at + 4] for at in range(0, len(SECRET), 4)),
    "in lines": "\n".join(SECRET[at : at + 7] for at in range(0, len(SECRET), 7)),
    "with characters of no width": "\u200b".join(SECRET),
}
KEY = Key(SECRET, "argument")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_a_key_is_redacted(form: str) -> None:
    redacted = redact_text(f"<p>key: {FORMS[form]} (sent)", KEY)
    assert redacted.startswith("<p>key: ")
    assert redacted.endswith(" (sent)")
    rest = redacted[8:-7].replace("[key]", "")
    assert rest.strip('="\\ []x0&#') in ("", "QmVhcmVyIG", "dTp", "IJSWC4TFOIQG")  # what stood before it, and padding
    assert "[key]" in redacted


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: gsk_****ms5E. You can find your key at https://example.com/keys",
        "gsk_Zx8…s5E is not valid",
        "request id 7f3c9e21b0a44d5e8a71c0de, trace 00-4bf92f3577b34da6a3ce929d0e0e4736-01",
        "Rate limit reached for model `openai/gpt-oss-120b` on tokens per day (TPD): Limit 100000",
        "%7B%22error%22%3A%20%22no%22%7D &#8230; \\u2026 100% \\ &",
        "İstanbul ﬁ ẞ " * 3,
    ],
)
def test_a_text_without_the_key_stays_as_it_is(text: str) -> None:
    assert redact_text(text, KEY) == text


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("lm-studio", "LM Studio cannot load the model"),
        ("not-needed", "a system prompt is not needed here"),
        ("my-authentication-key", "authentication failed: no authentication"),
        ("gsk_secret_of_the_tests", "one of the tests has a secret"),
        ("openrouter-provider-key", "Provider returned error"),
        ("local", "the locale is local-only"),
        ("x", "max_tokens"),
    ],
)
def test_a_key_that_is_made_of_words_hides_no_other_text(secret: str, text: str) -> None:
    assert redact_text(text, Key(secret, "argument")) == text.replace(" local-", " [key]-")


@given(st.text(max_size=200), st.integers(0, len(SECRET) - 8), st.integers(8, len(SECRET)))
def test_no_piece_of_eight_characters_is_left(around: str, start: int, length: int) -> None:
    piece = SECRET[start : start + length]
    redacted = redact_text(f"{around}{piece}{around}", KEY).lower()
    assert piece.lower() not in redacted
    assert not any(SECRET[at : at + 8].lower() in redacted for at in range(len(SECRET) - 7))


@pytest.mark.parametrize("piece", [SECRET, SECRET[:7], "%25", "\\u0067", "&#0000000", " ".join(SECRET) + " ", "0", "="])
def test_a_long_text_takes_a_time_that_grows_with_its_length(piece: str) -> None:
    def work(length: int) -> None:
        redact_text((piece * length)[:length], KEY)

    assert is_linear(work, 1 << 14)


class Echo(OpenaiTemplate):
    name = "echo"
    needs_auth = True
    default_model = "m"


def shown(error: Any) -> str:
    """Return all that can be seen of an error."""
    seen = [str(error), repr(error), repr(error.args), repr(vars(error)), str(error.trail), repr(error.trail)]
    seen += [json.dumps(error.trail.to_dict()), pickle.dumps(error).decode("latin-1")]
    seen += traceback.format_exception(error)
    linked = [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    return "\n".join([*seen, *(shown(one) for one in linked if one is not None)])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", ["its end", "base64 of the header", "hexadecimal", "with spaces", "in a URL"])
def test_an_echo_of_the_key_is_shown_nowhere(
    form: str, mode: str, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = FORMS[form]
    body = {
        "error": {"message": f"no such key {echo}", "code": echo, "type": echo, "param": [echo, {echo: echo}]},
        "request_id": echo,
    }
    server.script(replies.body(json.dumps(body).encode(), 401, x_request_id=echo))
    outcome = run(mode, {"routes": [Echo(api_base=server.base_url, api_key=SECRET)], "retries": 0}, {})
    assert outcome.error is not None
    seen = shown(outcome.error) + caplog.text
    assert "[key]" in seen
    assert echo not in seen


class Careless:
    """A plugin that puts what it gets where it may be shown."""

    @hookimpl
    def refine_error(self, provider: Any, reply: Any, error: Any) -> Any:
        if reply.status == 400:
            raise ValueError(f"no rule for {reply.body!r} {reply.headers}")
        refined = ServerError(f"refined {reply.body.decode()}")
        refined.reply, refined.body = reply, (reply.body, dict(reply.headers))  # type: ignore[attr-defined]
        return refined


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("form", ["its end", "base64 of the header", "escaped in JSON"])
def test_a_plugin_cannot_show_an_echo_of_the_key(
    form: str, status: int, mode: str, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    echo = FORMS[form]
    server.script(replies.body(b'{"error":{"message":"no: ' + echo.encode() + b'"}}', status, x_echo=echo))
    settings = {"routes": [Echo(api_base=server.base_url, api_key=SECRET)], "retries": 0, "plugins": [Careless()]}
    outcome = run(mode, settings, {})
    assert outcome.error is not None
    seen = shown(outcome.error) + caplog.text
    assert "[key]" in seen
    assert echo not in seen
    assert SECRET[-8:] not in seen
