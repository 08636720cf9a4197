"""
What a client remembers about its legs from call to call.

Rule: no I/O and no waiting, but in `stores/`; what an error means is decided in `failover/`.

| file | what is in it |
| --- | --- |
| `tracker` | `Health`: cooldowns, breakers, limits, lines, speed and attempts under way, of legs and origins |
| `leg_state` | what is remembered of one leg, one origin, one cooldown |
| `admission` | whether a leg may be used now, and the words that say why not |
| `breaker` | the circuit breaker: closed, open, half-open |
| `places` | the places of the calls that wait for their turn |
| `pressure` | the rate that a leg allows, and the line of the calls that wait for it |
| `gate` | the line at a declared limit |
| `quotas` | the declared limits and the budget of a client, as amounts and words |
| `estimates` | what a request may use at most |
| `sharing` | `SharedHealth`: `Health` with limits, a budget or a shared state |
| `abandoned` | the streams that nobody reads to the end or closes; they may hold a place at a limit |
| `limits` | the requests and tokens that are left, read from the headers of responses |
| `shared_state` | `SharedState`: what clients share, as commands and answers; data only |
| `stores/` | the makes of `SharedState`; this folder does I/O |
"""
