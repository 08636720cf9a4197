"""
Reads OpenAI's form of a chat, for services with a protocol of their own.

Rule: no I/O; what only one service needs stays in the package of its provider.

| file | what is in it |
| --- | --- |
| turns | messages as turns of typed parts |
| parameters | the other parameters of a request |
| answers | bodies and events into completions |
| odd_values | nulls, and counts in another form |
| embeddings | texts to embed, and their vectors |
| paths | model ids in the path of a URL |
"""
