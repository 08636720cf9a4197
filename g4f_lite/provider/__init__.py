"""
What a provider is, which key and address it uses, and the boundary to its code.

Rule: no network; names of services appear only in `Source:` notes.

| file | what is in it |
| --- | --- |
| `base` | the contract: `Provider` |
| `instances` | a provider made of its class, and complete, whatever its own code does |
| `streaming` | the contract of its streams: `StreamParser`, `StreamFraming` |
| `declarations` | the check of the attributes: their types, error codes, limit headers |
| `declared_contents` | the check of what stands inside declared collections |
| `misspelt` | names in the body of a class that are nearly those of attributes |
| `schema_rules` | what a service accepts in a JSON Schema |
| `schema_fitting` `schema_sending` | schemas that keep the rules: one schema; those of a request |
| `origins` | what goes back to the service that sent it, and to no other |
| `local` | `LocalProvider`, which answers in-process |
| `openai_protocol/` | `OpenaiTemplate`, for services that speak OpenAI's protocol |
| `address` | the check of a base URL |
| `keys` | where a key comes from, and the stored keys |
| `key_file` | the file of stored keys: one change at a time, all or nothing |
| `leg` | a route with the key that it uses |
| `redaction` | texts and exceptions without the key |
| `boundary` | what a provider's code raises, without keys; whether its request can be sent |
| `self_description` | what it says before a call: its models, and why it cannot be used |
| `checked` | what a provider's code returns: whether its fields have their types |
"""
