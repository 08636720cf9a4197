"""nginx as the upstream of complete answers and of streams in one piece, if it is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .processor import give_way
from .upstream import ANSWER, BODY

KINDS = ("answer", "piece")
"""It decides how many events an HTTP chunk holds, so it cannot serve bursts and packets."""

# nginx answers a POST to a file with 405. As the page of that error the file is sent after all.
_SETTINGS = """
daemon off; master_process off; pid pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 3600; open_file_cache max=8;
    client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root .;
        location /answer/ {{ error_page 405 =200 /answer.body; return 405; }}
        location /piece/ {{ error_page 405 =200 /piece.body; return 405; }}
        location = /answer.body {{ internal; default_type application/json; }}
        location = /piece.body {{ internal; default_type text/event-stream; }}
    }}
}}
"""


def binary() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")  # which is not on every user's path


def version() -> str:
    """Return its name and version, or "" if it is not installed."""
    found = binary()
    output = subprocess.run([found, "-v"], stderr=subprocess.PIPE, text=True, check=True).stderr if found else ""
    return output.strip().rpartition(": ")[2].replace("/", " ")


@contextmanager
def nginx(answer: bytes = ANSWER, stream: bytes = BODY) -> Iterator[str]:
    """Run it on a free port of loopback and yield its origin."""
    found = binary()
    assert found is not None
    with TemporaryDirectory() as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        folder = Path(name)
        (folder / "answer.body").write_bytes(answer)
        (folder / "piece.body").write_bytes(stream)
        (folder / "nginx.conf").write_text(_SETTINGS.format(port=port), "utf-8")
        with subprocess.Popen([found, "-p", name, "-c", "nginx.conf", "-e", "stderr"], cwd=name) as process:
            try:
                give_way(process.pid)
                _wait(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nginx does not listen on port {port}")
