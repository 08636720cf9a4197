"""
What happens after a failure: which leg is tried next, after which wait, and what the call raises in the end.

Rule: no I/O; only `tenacity_loop` and `hedging` wait. How long a service asks to wait is read in `errors/retry_after`.

| file | what is in it |
| --- | --- |
| `decisions` | the table: what each kind of error means for the leg, the other legs, the call and later calls |
| `plan` | where one call stands: it starts and ends attempts, and says what comes next |
| `attempt_state` | what the plan knows of an attempt under way |
| `candidates` | the legs that are left to try, and those that are cooling down |
| `outcome` | the trail, the final error, the wording of reasons |
| `policy` | retries, patience and time limits of a call |
| `backoff` | whether a leg is tried again, and after which wait |
| `caller_retry` | the caller's own `retry_wait` and `retry_stop` |
| `waits` | the waits of many calls, for the one who makes them |
| `tenacity_loop` | tenacity's loops over the attempts after the first failure |
| `hedging` | a second leg beside a slow one |
"""
