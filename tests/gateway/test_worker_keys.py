"""Workers that are replaced by others for whom there are no keys any more."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
import requests
from helpers.commands import start
from helpers.driving import eventually
from helpers.gateways import KEY

from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.keys import hash_of
from g4f_lite.gateway.settings import KeySettings
from g4f_lite.testing import FaultServer

ADMIN = "g4f-admin"
pytestmark = pytest.mark.xdist_group("gateway workers")


SERVER = '[server]\nworkers = 2\nadmin = { env = "G4F_ADMIN" }\n'


@pytest.mark.parametrize("kept", ["in the configuration", "in the store"])
def test_nobody_comes_in_without_a_key_once_there_were_keys(kept: str, groq: FaultServer, tmp_path: Path) -> None:
    config, log, store = tmp_path / "gateway.toml", tmp_path / "log", KeyStore(tmp_path / "gateway.db")
    own = f'[keys.a]\nhash = "{hash_of(KEY)}"\n' if kept == "in the configuration" else ""
    config.write_text(f'{SERVER}[models.before]\nroutes = ["groq:one"]\n{own}', "utf-8")

    def workers() -> list[int]:
        return [int(pid) for pid in re.findall(r'"worker_started","worker":"(\d+)"', log.read_text())]

    with (
        log.open("wb") as stderr,
        start("serve", str(config), "--port", "0", env={"G4F_ADMIN": ADMIN}, stderr=stderr) as process,
    ):
        assert eventually(lambda: "curl" in log.read_text() and len(workers()) == 2, 60)
        url = re.findall(r"http://127\.0\.0\.1:\d+/v1", log.read_text())[0]

        def models(key: str) -> tuple[int, str]:
            answer = requests.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"}, timeout=60)
            return answer.status_code, answer.text

        if kept == "in the store":
            assert models("nobody's")[0] == 200
            store.new("a", KeySettings())
            os.kill(workers()[0], signal.SIGKILL)  # who starts another one sees that there are keys now
            assert eventually(lambda: len(workers()) == 3, 60)
        else:
            assert models("nobody's")[0] == 401 and models(KEY)[0] == 200
        store.path.unlink(missing_ok=True)
        config.write_text(f'{SERVER}[models.after]\nroutes = ["groq:one"]\n', "utf-8")
        before = len(workers())
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: len(workers()) == before + 2 and log.read_text().count("worker_ended") == before, 60)
        assert "after" in models(ADMIN)[1]
        assert {models("nobody's")[0] for _ in range(20)} == {401}
        process.terminate()
        assert process.wait(60) == 0
