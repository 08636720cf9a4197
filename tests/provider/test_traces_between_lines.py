"""A signal may come between two lines, where a traceback has no line: what its handler raises leaves the call as it is."""

from __future__ import annotations

from types import TracebackType

from g4f_lite.provider.redaction import hide_frames


def interrupted() -> None:
    try:
        raise KeyboardInterrupt
    except ZeroDivisionError as error:
        raise SystemExit from error


def test_frames_are_hidden_from_a_traceback_without_a_line() -> None:
    without_line = next(start for start, _, line in interrupted.__code__.co_lines() if line is None)
    try:
        interrupted()
    except KeyboardInterrupt as error:
        assert error.__traceback__ is not None and error.__traceback__.tb_next is not None
        frame = error.__traceback__.tb_next.tb_frame
        error.__traceback__ = TracebackType(None, frame, without_line, -1)
        assert error.__traceback__.tb_lineno is None
        hide_frames(error)
        assert error.__traceback__ is not None
        assert error.__traceback__.tb_frame is frame
