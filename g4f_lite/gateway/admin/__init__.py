"""
What the administrator sees and changes: `/admin/api/…`, and the page at `/`.

Rule: the key of the administrator is asked for before anything else is read. Of a prompt or an answer nothing is kept.

| file | what is in it |
| --- | --- |
| `api` | the endpoints: who may ask, what is asked, the answer |
| `query` | the query and the body of a request |
| `views` | what each endpoint tells and does |
| `recent` | the calls that have ended last |
| `trails` | a call as JSON: one line, and its whole trail |
| `routes` | the state of each route; to rest, to wake |
| `spend` | what was spent, by day, key, team and model |
| `notices` | which routes were put to rest or woken, for the other processes of the machine |
| `shared_calls` | the calls that have ended, for the other processes of the machine |
| `file` | the SQLite file of these three |
| `budgets` | what is left of each budget |
| `key_changes` | lists, makes, changes and deletes keys |
| `redacted` | the configuration, without secrets |
| `live` | events for those who watch |
| `site` | the files of the page |
"""
