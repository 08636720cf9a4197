"""
What callers hold: the two clients, their streams and resources, and the one-line calls.

Rule: the drivers do the I/O and decide nothing; everything else here checks arguments and does no I/O.

| file | what is in it |
| --- | --- |
| `client` `async_client` | `Client` and `AsyncClient` |
| `base` | what the two share |
| `settings` | the keywords of a client, and their checks |
| `keywords` | errors for keywords that are unknown or in the wrong place |
| `policy_table` | these keywords in a TOML file, of a gateway or of a scenario |
| `shared_settings` | `limits`, `budget` and `state` |
| `own_service` | the provider of a client that was given an address |
| `call_factory` | from the keywords of a method to a call with its plan |
| `driver` `async_driver` | attempt after attempt over the transports |
| `stream` `async_stream` `base_stream` | streamed completions |
| `tools/` | functions as tools, and the loop that answers their calls |
| `resources/` | one module for each endpoint: its keywords, its methods for both clients |
| `params` | the keywords of all calls, and those of `chat.completions.create` |
| `messages` | the check of messages |
| `chat_request` | from keywords to a checked chat request |
| `endpoint_requests` | from keywords to a checked request of another endpoint |
| `shortcuts` | `chat`, `stream`, `achat`, `astream` |
"""
