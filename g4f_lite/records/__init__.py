"""
What is written down of a call, and what it costs.

| file | answers |
| --- | --- |
| `trail` | What has a call done, attempt by attempt, or what would it do? |
| `prices` | What does a model cost, and what did an answer? |

Rule: records only; nothing here decides.
"""
