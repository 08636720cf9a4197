"""
Where clients keep what they share: the makes of `health.shared_state.SharedState`. This folder does I/O.

| file | what is in it |
| --- | --- |
| `ledger` | `Ledger`: what is spent and reserved of each limit; pure, the time is passed in |
| `memory` | `MemoryState`: in this process |
"""
