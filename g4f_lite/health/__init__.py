"""
What a client remembers about its legs from call to call.

Rule: no I/O and no waiting, but in `stores/`; what an error means is decided in `failover/`.

| file | what is in it |
| --- | --- |
| `tracker` | `Health`: cooldowns, breakers, limits, lines, speed and attempts under way, of legs and origins |
| `admission` | whether a leg may be used now, and the words that say why not |
| `breaker` | the circuit breaker: closed, open, half-open |
| `pressure` | the rate that a leg allows, and the line of the calls that wait for it |
| `shared_state` | what clients share: the commands to a state, and its answers |
| `stores/` | the states: where clients keep what they share |
| `limits` | the requests and tokens that are left, read from the headers of responses |
"""
