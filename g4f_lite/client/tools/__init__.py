"""
Tools made of Python functions, and the loop that answers a model's calls of them.

Rule: no I/O; the resources of `client.chat` make the requests and call the functions.

| file | what is in it |
| --- | --- |
| `functions` | from a function to the tool that is sent to the model; from the model's JSON to keywords |
| `loop` | the conversation of `run_tools`: what is asked next, and when it ends |
| `streams` | the chunks of all rounds |
"""
