"""
The contenders, one module each.

Rule: the top level holds plain data only, so that a module can be imported without the library that it measures.

`LABEL` is for the tables, `REQUIREMENTS` for the virtual environment; `IMPORT` is the statement whose cost is measured
and with which the process begins. `sync_call`, `async_call`, `sync_stream` and `async_stream` take a base URL and
return the function that is called repeatedly; a contender without such a call leaves it out.
"""

MODEL = "openai/gpt-oss-120b"
MESSAGES = [{"role": "user", "content": "Which day is it?"}]
BODY = {"model": MODEL, "messages": MESSAGES}
HEADERS = {"authorization": "Bearer gsk_benchmark"}
KEY = "gsk_benchmark"
