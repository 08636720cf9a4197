"""
What hangs on a client, named as in OpenAI's library: one module for each endpoint, both clients side by side.

Rule: a method makes a call and hands it to the driver.

| file | what is in it |
| --- | --- |
| `base` | what the resources share |
| `chat` | `client.chat.completions` |
| `tools` | `client.chat.run_tools` |
| `models` | `client.models`: the services to ask, and the list that stands in for a service that fails |
| `*` | every other file is an endpoint of its name |
"""
