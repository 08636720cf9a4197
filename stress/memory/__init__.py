"""
The memory of single calls to servers that send as much as they can.

| file | content |
| --- | --- |
| `__main__` | the command: runs all cases, prints the table |
| `cases` | whole answers |
| `streams` | streams |
| `operations` | answers of the other endpoints and protocols |
| `servers` | the server that sends them |
| `caller` | the process that makes the calls and measures itself |
"""
