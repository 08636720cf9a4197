"""
From recorded trails to a scenario.

| file | what is in it |
| --- | --- |
| `learn` | `learn`: a scenario from recorded calls |
| `compared` | the figures of the record, to hold the scenario against |
| `attempts` | what an attempt says of its service |
| `services` | a service, from its attempts |
| `phases` | its outages and brown-outs |
| `rates` | its rate limit |
| `routes` | the order in which the calls tried their routes |
"""
