"""
OpenAI's protocol, for every service that speaks it.

Rule: no I/O; a quirk of one service is an attribute of `OpenaiTemplate`, or code of that service's provider.

| file | what is in it |
| --- | --- |
| `chat` | `OpenaiTemplate`: its attributes, chat requests and responses |
| `conversation` | messages of other services, made fit for this one |
| `returned` | further fields of an answer that go back to the service |
| `stream` | the parser of a stream |
| `usage` | what a service says of its usage under names of its own |
| `lenient` | responses that nearly fit, and errors inside a 200 |
| `model_kinds` | what a list of models says about each |
| `texts` | texts and arguments of another type |
| `completing` | what a decoded answer lacks that its JSON has |
| `endpoints` | embeddings, audio, images, the list of models |
| `other_lists` | their items, where others have them |
"""
