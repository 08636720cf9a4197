"""
OpenAI's protocol, seen from the server's side: HTTP requests to calls of a client, results and errors to responses.

Rule: no I/O, no HTTP library, and no client: the transports ask here what a request means and what to answer.

| file | what is in it |
| --- | --- |
| `requests` | from method and path to what is asked for |
| `bodies` | reads the body of a request: JSON, or a form |
| `forms` | the multipart form of an upload |
| `arguments` | from what is asked for to the method of a client and its keywords |
| `answers` | from a result to a response |
| `events` | from chunks and interruptions to server-sent events |
| `errors` | from an exception to a response |
| `trail_headers` | which provider answered and what was tried, as headers |
"""
