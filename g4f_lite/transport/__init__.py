"""
The only I/O of a call: one request out, bytes back.

Rule: no decisions; synchronous and asynchronous modules behave alike.

| file | what is in it |
| --- | --- |
| `sync_http` | HTTP for `Client`, on requests and urllib3 |
| `sync_sockets` | its connections: every read ends at the time limit |
| `idle_connections` | where its pools keep connections, without a lock |
| `async_http` | HTTP for `AsyncClient`, on aiohttp |
| `async_pool` | its pool: no connection is reused after unasked data |
| `async_body` | the response body on aiohttp, and its errors |
| `async_public_body` | the same without inner parts of aiohttp |
| `answer_parser` | what is HTTP, for both clients: bytes in, a head and a body out |
| `decoding` | compressed bodies, decompressed piece by piece |
| `plain_answer` | a connection without aiohttp, used once |
| `inner_parts` | what the transports use of other packages' inner parts; whether it fits |
| `late_answer` | a response that came before the whole request was sent |
| `common` | TLS contexts, proxies, headers and size limits |
| `no_proxy` | for which hosts no proxy is used |
| `uploading` `async_upload` | a file, sent piece by piece |
| `async_limit` | a time limit that takes what came in time although the program was held up |
| `async_keys` | a key that a function returns |
| `async_threads` | a function that may block, called in a thread |
| `in_process` `async_in_process` | answers of in-process providers |
"""
