"""
Who is measured: a module each. At its top stand plain data only, so that it can be read without what it measures.

`LABEL` for the tables, `REQUIREMENTS` for its virtual environment, `IMPORT` the statement whose cost is measured, and
with which its process begins; and functions that make what is called again and again: `sync_call`, `async_call`,
`sync_stream`, `async_stream`, each from a base URL. What it cannot do is left out.
"""

MODEL = "openai/gpt-oss-120b"
MESSAGES = [{"role": "user", "content": "Which day is it?"}]
BODY = {"model": MODEL, "messages": MESSAGES}
HEADERS = {"authorization": "Bearer gsk_benchmark"}
KEY = "gsk_benchmark"
