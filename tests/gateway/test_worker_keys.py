"""Workers that are replaced by others whose configuration has no keys."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
import requests
from helpers.commands import start
from helpers.driving import eventually
from helpers.gateways import KEY

from g4f_lite.gateway.keys import hash_of
from g4f_lite.testing import FaultServer

ADMIN = "g4f-admin"
pytestmark = pytest.mark.xdist_group("gateway workers")


def test_nobody_comes_in_without_a_key_once_there_were_keys(groq: FaultServer, tmp_path: Path) -> None:
    server = '[server]\nworkers = 2\nadmin = { env = "G4F_ADMIN" }\n'
    config, log = tmp_path / "gateway.toml", tmp_path / "log"
    config.write_text(f'{server}[models.before]\nroutes = ["groq:one"]\n[keys.a]\nhash = "{hash_of(KEY)}"\n', "utf-8")
    with (
        log.open("wb") as stderr,
        start("serve", str(config), "--port", "0", env={"G4F_ADMIN": ADMIN}, stderr=stderr) as process,
    ):
        assert eventually(lambda: "curl" in log.read_text(), 60)
        url = re.findall(r"http://127\.0\.0\.1:\d+/v1", log.read_text())[0]

        def models(key: str) -> tuple[int, str]:
            answer = requests.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"}, timeout=60)
            return answer.status_code, answer.text

        assert models("nobody's")[0] == 401 and models(KEY)[0] == 200
        config.write_text(f'{server}[models.after]\nroutes = ["groq:one"]\n', "utf-8")
        process.send_signal(signal.SIGHUP)
        seen = ""

        def is_replaced() -> bool:  # the old workers answer for a while beside the new ones
            nonlocal seen
            seen += models(ADMIN)[1]
            return "after" in seen

        assert eventually(is_replaced, 60)
        assert {models("nobody's")[0] for _ in range(20)} == {401}
        process.terminate()
        assert process.wait(60) == 0
