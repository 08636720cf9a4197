"""The windows in which limits hold, as numbered buckets, and what is used in each. Times are Unix milliseconds, UTC."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime

from msgspec import Struct

from ..shared_state import Window

SLIDING: dict[Window, tuple[int, int]] = {"minute": (250, 244), "24h": (360_000, 241)}
"""Milliseconds of a bucket, and how many count besides the current one; more than the window: requests arrive late."""
_DAY = 86_400_000


def bucket_number(window: Window, at: int) -> int:
    """Return the number of the bucket in which a moment is; 0 for windows that have no end."""
    if window in SLIDING:
        return at // SLIDING[window][0]
    match window:
        case "day":
            return at // _DAY
        case "week":
            return (at // _DAY + 3) // 7  # 1970 began on a Thursday
        case "month":
            day = datetime.fromtimestamp(at / 1000, UTC)
            return day.year * 12 + day.month - 1
    return 0


def bucket_end(window: Window, number: int) -> int | None:
    """Return the moment from which a bucket does not count any more; None if it always does."""
    if window in SLIDING:
        size, count = SLIDING[window]
        return (number + count + 1) * size
    match window:
        case "day":
            return (number + 1) * _DAY
        case "week":
            return ((number + 1) * 7 - 3) * _DAY
        case "month":
            year, month = divmod(number + 1, 12)
            return round(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000)
    return None


def window_end(window: Window, now: int) -> int | None:
    """Return when a window of the calendar ends; None for one that has no end or slides."""
    return None if window in SLIDING else bucket_end(window, bucket_number(window, now))


class Account(Struct, array_like=True):
    """What is used of one limit."""

    buckets: list[list[int]]
    """Number, used, held, presumed; in the order of their numbers. Held and presumed are parts of used."""
    used: int = 0
    held: int = 0
    """What reservations hold that are not settled."""
    presumed: int = 0
    """What counts as spent because its reservation has expired."""
    kept: int = 0
    """What is kept free for the shares of members."""
    pressed_at: int = 0
    """When somebody had no room because of that."""

    def refresh(self, window: Window, now: int) -> None:
        """Forget the buckets that do not count any more."""
        over = 0
        for number, used, held, presumed in self.buckets:
            end = bucket_end(window, number)
            if end is None or end > now:
                break
            over += 1
            self.used -= used
            self.held -= held
            self.presumed -= presumed
        del self.buckets[:over]

    def add(self, number: int, used: int, held: int, presumed: int = 0) -> None:
        """Change a bucket."""
        place = bisect_left(self.buckets, [number])
        if place == len(self.buckets) or self.buckets[place][0] != number:
            self.buckets.insert(place, [number, 0, 0, 0])
        bucket = self.buckets[place]
        bucket[1] += used
        bucket[2] += held
        bucket[3] += presumed
        self.used += used
        self.held += held
        self.presumed += presumed

    def mend(self, held: dict[int, int], *, keeps_spent: bool) -> None:
        """Set what is held of each bucket, and count the sums anew; what was spent stays, if anything can be spent."""
        spent = {number: (max(0, used - kept) * keeps_spent, presumed) for number, used, kept, presumed in self.buckets}
        self.buckets, self.used, self.held, self.presumed = [], 0, 0, 0
        for number in {**spent, **held}:
            (used, presumed), kept = spent.get(number, (0, 0)), held.get(number, 0)
            self.add(number, used + kept, kept, min(presumed, used))

    def room_at(self, window: Window, room: int) -> int | None:
        """Return when no more than this is spent, if all that is held is given back; None: never."""
        spent = self.used - self.held
        for number, used, held, _ in self.buckets:
            spent -= used - held
            if spent <= room:
                return bucket_end(window, number)
        return None
