"""
One call under way: what its attempts send, what the responses mean, and how it ends.

Rule: no I/O and no waiting. A driver of `client/` goes through the steps; `attempt` and `stream_attempt` list them.

| file | what is in it |
| --- | --- |
| `call` | the call: its request, its plan, its end |
| `attempt` | one attempt: the request to send, the result in the response, the outcome |
| `stream_attempt` | one attempt that streams |
| `chunk_reader` | the bytes of a stream into chunks, and what its end means |
| `changed_chunks` | what it changes in chunks: their event, and the index of the only choice |
| `sse_events` `framings` | bytes into server-sent events; into events of other framings |
| `joined_events` | events that differ in text alone, as one |
| `surrogates` | characters that two events share |
| `operations` | how a chat is sent, how its result is read, when a result is an error |
| `endpoints` | every other endpoint: one row each |
| `answer_checks` | checks of results |
| `structured` | `response_model`: its JSON Schema, and texts parsed into it |
| `response_types` `json_in_text` | the types that it takes; the JSON in a text |
| `observed_fields` | what only observers need of an attempt |
| `holding` | what an attempt takes of the client's limits |
| `model_lookup` | lists of models that services have sent, and the first model for a leg that names none |
"""
