"""A bare call with requests: the figures of sync calls are divided by it."""

from . import BODY, HEADERS

LABEL = "requests"
REQUIREMENTS = ["requests"]
IMPORT = "import requests"
FIRST_ANSWER = """
import requests
body = {"model": "openai/gpt-oss-120b", "messages": MESSAGES}
reply = requests.Session().post(f"{BASE}/chat/completions", json=body, headers={"authorization": "Bearer x"})
assert reply.json()["choices"][0]["message"]["content"]
"""


def sync_call(base):
    import requests

    session = requests.Session()
    return lambda: session.post(f"{base}/chat/completions", json=BODY, headers=HEADERS).json()["choices"][0]["message"][
        "content"
    ]


def sync_stream(base):
    import json

    import requests

    session = requests.Session()

    def stream():
        size = 0
        with session.post(
            f"{base}/chat/completions", json={**BODY, "stream": True}, headers=HEADERS, stream=True
        ) as reply:
            for line in reply.iter_lines():
                if line.startswith(b"data: {"):
                    size += len(json.loads(line[6:])["choices"][0]["delta"].get("content") or "")
        return size

    return stream
