"""
Finds inputs that break what the library promises.

Hypothesis makes the inputs and shrinks those that fail. Rule: a case is made of literals, so that it can be printed, kept
in the corpus and repeated; a check raises `PromiseBrokenError`, with the name of the promise, or the exception that escaped.

    __main__   the command line
    running    runs targets: the corpus first, then new cases
    mutation   JSON, bytes and cuts, changed at random
    seeds      sound answers, streams and errors, from which the cases are made
    reading    bytes through the parsers, as both clients feed them, without I/O
    promises   what holds for every result and every error
    answers    target: answers in one piece, of chat and of the other endpoints
    events     target: streams of events
    errors     target: error replies, with their headers
    growth     target: time and memory for answers of growing size
    callers    target: the arguments of calls
    wire       target: bytes of HTTP, through both clients over sockets
"""
