"""What tools that show the local variables of a traceback would show."""

from __future__ import annotations

from collections.abc import Iterator


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it is chained to, also what `from None` hides."""
    waiting, seen = [error], list[BaseException]()
    while waiting:
        one = waiting.pop()
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        waiting += [each for each in (one.__cause__, one.__context__, *getattr(one, "exceptions", ())) if each]


def leaks(error: BaseException, secret: str) -> list[str]:
    """Return the frames, but those of tests, in which a local variable shows a secret."""
    found = []
    for one in linked(error):
        trace = one.__traceback__
        while trace is not None:
            frame, trace = trace.tb_frame, trace.tb_next
            if "/tests/" not in frame.f_code.co_filename:
                shown = [name for name, value in frame.f_locals.items() if secret in repr(value)]
                found += [f"{frame.f_code.co_filename}:{frame.f_code.co_name}: {name}" for name in shown]
    return found
