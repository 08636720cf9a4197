"""
Anthropic's protocol, seen from the server's side: requests into OpenAI's shape, results and errors out of it.

Rule: no I/O, and no HTTP library. Source: docs.claude.com/en/api/messages, …/streaming, …/messages-count-tokens.

| file | what is in it |
| --- | --- |
| `requests` | from a body of `/v1/messages` to the fields of a chat |
| `answers` | from a completion to a message |
| `events` | from chunks to the events of a stream |
| `counting` | an estimate of the tokens of a request |
| `errors` | from an exception to Anthropic's error object |
"""
