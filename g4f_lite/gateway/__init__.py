"""
An HTTP server with OpenAI's protocol over an `AsyncClient`: for programs in any language, and teams that share keys.

Rule: no decision about routing is made here: a request becomes one call of the library. Command: `g4f-lite serve`.

| file | what is in it |
| --- | --- |
| `settings` | the configuration: a TOML file, checked |
| `keys` | virtual keys: their form, and whose key a request carries |
| `star_patterns` | names with stars, each of which stands for any text |
| `key_store` | the keys that the command has made, in a file |
| `models` | the names that callers may ask for, and the routes behind them |
| `clients` | the clients that answer, by the routes of what callers ask for |
| `quotas` | what a key, and its team, may use: reserved before a call, settled after it |
| `leases` | what the next calls of a key may use, taken from the state in advance |
| `records` | the trail of each call, and what is logged of it |
| `log_lines` | the lines of the log: of events that are no call, and how all are written |
| `quoting` | removes what a service has quoted of a prompt |
| `failures` | the answer to each exception: status, type and code, and whether to try again |
| `dialects` | the two protocols that callers speak |
| `anthropic/` | Anthropic's protocol, from the server's side: pure |
| `requests` | from an HTTP request to a call of the library |
| `own_providers` | services at addresses of the configuration's own |
| `litellm/` | reads the configuration of LiteLLM's proxy: no I/O |
| `uploads` | a form with a file, kept on disk if it is large |
| `streams` | writes a streamed answer: keep-alive, interruptions, callers that leave or do not read |
| `answering` | one request, from its key to the last byte of its answer |
| `tracing` | a span for each request, the parent of its call's |
| `admin/` | what the administrator sees and changes: `/admin/api/…`, and the page in `page/` |
| `overview` | what a configuration means, for `--check` |
| `garbage` | when the garbage collector works |
| `listening` | aiohttp's server, with the answer to what is no HTTP |
| `from_settings` | what the server is made of: the client, the link to the state, the tracing |
| `server` | the application: endpoints, health, start and stop |
| `workers` | several processes of it on one address, under gunicorn |
"""
