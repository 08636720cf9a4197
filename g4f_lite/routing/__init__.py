"""
From what a call names to the legs that may take it, in the order in which to try them.

Rule: nothing is sent and nothing waits; clock and random source are passed in. Of the outside, only the
environment and the stored keys are read, by `leg_factory` and `selection_cache`.

| file | what is in it |
| --- | --- |
| `router` | the router of one client: selects, filters and orders legs |
| `explain` | what a call would plan |
| `names` | what the names of providers and models stand for, and which were meant |
| `endpoint_rules` | what differs between chat and the other endpoints |
| `selection` | from names to tiers of legs |
| `selection_cache` | selections that are still valid |
| `leg_factory` | a provider's keys and base URL, and the legs made with them |
| `tiers` | the tiers of a plan, and what their legs share |
| `eligibility` | which legs fit a request: capabilities, price, context window |
| `strategies` | the order inside a tier |
"""
