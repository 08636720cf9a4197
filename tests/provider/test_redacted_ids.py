"""`redact_id` is as thorough as `redact_text`, which takes longer."""

from __future__ import annotations

import random
import string
from base64 import b64encode
from urllib.parse import quote

import pytest

from g4f_lite.provider.keys import Key
from g4f_lite.provider.redaction import redact_id, redact_text

SECRETS = ("gsk_aB3dE5gHiJ7kLmN9pQrS", "lm-studio", "sk-proj-A_b-C9d8e7f6a5b4c3", "1234567", "deadbeefdeadbeef")


@pytest.mark.parametrize("secret", SECRETS)
def test_an_id_is_redacted_as_any_text(secret: str) -> None:
    chance = random.Random(secret)
    key = Key(secret, "argument")
    forms = [secret, secret.upper(), secret.encode().hex(), b64encode(secret.encode()).decode(), quote(secret, safe="")]
    forms += ["-".join(secret), secret.replace("e", "%65"), secret.replace("-", "\\u002d")]
    for _ in range(3000):
        form = chance.choice(forms)
        start = chance.randrange(len(form))
        piece = form[start : start + chance.randrange(1, 30)]
        padding = ["".join(chance.choices(string.ascii_letters + string.digits + "-_%é", k=9)) for _ in range(2)]
        text = piece.join([padding[0][: chance.randrange(9)], padding[1][: chance.randrange(9)]])
        assert redact_id(text, key) == redact_text(text, key), text
    assert redact_id(secret, None) == secret
