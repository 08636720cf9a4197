"""
OpenAI's protocol, for every service that speaks it.

Rule: no I/O; a quirk of one service is an attribute of `OpenaiTemplate`, or code of that service's provider.

| file | what is in it |
| --- | --- |
| `chat` | `OpenaiTemplate`: its attributes, chat requests and responses |
| `stream` | the parser of a stream |
| `lenient` | responses that nearly fit, and errors inside a 200 |
| `texts` | texts and arguments of another type |
| `completing` | what a decoded answer lacks that its JSON has |
| `endpoints` | embeddings, audio, images, the list of models |
"""
