"""
Where clients keep what they share: the makes of `health.shared_state.SharedState`. This folder does I/O.

| file | what is in it |
| --- | --- |
| `ledger` | `Ledger`: what is spent and reserved of each limit; pure, the time is passed in |
| `windows` | the windows of limits as numbered buckets, and the account of a limit; pure |
| `notices` | `Notices`: events, members and probes; pure |
| `books` | `Books`: ledger and notices of a state, and what each command does with them; pure |
| `table` | `Table`: where ledger and notices keep their records; `MemoryTable`; `NewTable` |
| `clock` | the clock of this machine, the same for all processes |
| `memory` | `MemoryState`: in this process |
| `local_link` | `Link`, and `LocalLink`: what clients hold of a state of their process |
| `opening` | from the setting `state` to a state and a link |
| `redis` | `RedisState`: for several machines; `redis.lua` is its script |
| `redis_url` | reads the URL of a Redis server |
| `link` | `StateLink`: between clients and a state that does I/O: batches, time limits, threads |
| `writer` | `Writer`: what is on its way to a state, and what is kept for one that is away |
| `waiting` | `Ask`: commands, and who waits for their answers |
| `fallback` | `Fallback`: answers for a state that is away |
| `sqlite` | `SQLiteState`: in a file, for several processes of a machine |
| `sqlite_file` | how that file is made, opened and checked; its table and its clock |
"""
