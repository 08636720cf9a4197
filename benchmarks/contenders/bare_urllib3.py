"""A bare call with urllib3, on which requests is built."""

from . import BODY, HEADERS

LABEL = "urllib3"
REQUIREMENTS = ["urllib3"]
IMPORT = "import urllib3"


def sync_call(base):
    import urllib3

    pool = urllib3.PoolManager()
    return lambda: pool.request("POST", f"{base}/chat/completions", json=BODY, headers=HEADERS).json()["choices"][0][
        "message"
    ]["content"]


def sync_stream(base):
    import json

    import urllib3

    pool = urllib3.PoolManager()

    def stream():
        size = 0
        reply = pool.request(
            "POST", f"{base}/chat/completions", json={**BODY, "stream": True}, headers=HEADERS, preload_content=False
        )
        for line in reply:
            if line.startswith(b"data: {"):
                size += len(json.loads(line[6:])["choices"][0]["delta"].get("content") or "")
        reply.release_conn()
        return size

    return stream
