"""
What can go wrong, and how an error reply is read.

Rule: no I/O, and no knowledge of a single service: that is declared by its provider.

| file | what is in it |
| --- | --- |
| `exceptions` | all exceptions that this library raises, as a tree |
| `reply` | an error reply as a service sent it |
| `classify` | from an error reply to an exception |
| `error_body` | the fields of an error reply, in the shapes that services share |
| `reply_facts` | what an error keeps of the reply: its request id and its body |
| `retry_after` | how long an error reply asks us to wait |
| `places` | where foreign code failed |
| `signal_handlers` | which exceptions a signal handler of the program raised |
| `caller_warnings` | warnings that point at the caller's line |
| `quoted_values` | how a message shows a value, whatever it is |
| `other_names` | what other libraries call what this one has |
| `suggestions` | the closest known name for an unknown one, and how to install an extra |
"""
