"""
Requests and results: plain data, shaped like OpenAI's objects.

Rule: immutable and picklable; no I/O, but for reading the caller's files.

| file | what is in it |
| --- | --- |
| `chat_request` | the request of a chat |
| `chat` | the completion of a chat |
| `chunks` | the chunks of a streamed chat |
| `finish_reasons` | which of them say that an answer is cut, withheld or failed |
| `usage` | the tokens that a chat used |
| `logprobs` | log probabilities, as sent and as objects |
| `results` | the base of results: plain data, JSON, `repr` |
| `assembly` | chunks into a completion |
| `whole_chunk` | a completion into one chunk |
| `call_ids` | ids of tool calls: distinct, and made where there are none |
| `call_pieces` | which tool call a piece of a stream belongs to |
| `extra_fields` | fields that the types have no attribute for |
| `content_parts` | images and audio as parts of a message |
| `endpoint` | the base of all requests and results other than chat |
| `uploads` | a file to send |
| `regular_files` | reads files that are no pipes or devices |
| `tables` | settings from a TOML file, with errors that say where |
| `http` | the HTTP request, response and events between providers and transports |
| `timeouts` `time_limit` | the limits of an attempt, and when they are reached |
| `declared_limits` `breaker` | `Limits`, `Budget` and `Breaker`, which the caller declares |
| `thinking` | whether a request asks for thinking, which takes longer |
| `json_values` | what JSON can carry |
| `memory_estimate` | how much memory the JSON of an answer takes |
| `pieces` | what a stream has said so far, with the memory that it takes |
| `size_limits` | how large a response may be, in bytes and in values |
| `checks` | checks of single arguments |
| `tool_run` | what `client.chat.run_tools` returns |
| `copies` | copies of requests: each attempt has its own |
| `*` | every other file is an endpoint: its request and its result |
"""
