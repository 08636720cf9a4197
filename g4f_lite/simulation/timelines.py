"""How many calls and requests ended well and badly, over time: a fixed number of bins, which grow wider. Pure."""

from __future__ import annotations

from msgspec import Struct

_MOST = 480


class Timeline(Struct, kw_only=True):
    """What ended in each bin."""

    ok: list[int]
    failed: list[int]


class Timelines(Struct, kw_only=True):
    """One for all calls, named "", and one for the requests of each service."""

    bin_s: float = 1.0
    lines: dict[str, Timeline]

    def add(self, name: str, now: float, *, ok: bool) -> None:
        """Count one end."""
        index = int(now / self.bin_s)
        while index >= _MOST:
            self.widen()
            index = int(now / self.bin_s)
        line = self.lines[name]
        bins = line.ok if ok else line.failed
        if index >= len(bins):
            bins.extend([0] * (index + 1 - len(bins)))
        bins[index] += 1

    def widen(self) -> None:
        """Make bins twice as wide."""
        self.bin_s *= 2
        for line in self.lines.values():
            line.ok, line.failed = _halved(line.ok), _halved(line.failed)


def timelines_of(names: list[str]) -> Timelines:
    """Return empty ones for these services."""
    return Timelines(lines={name: Timeline(ok=[], failed=[]) for name in ("", *names)})


def _halved(bins: list[int]) -> list[int]:
    return [sum(bins[index : index + 2]) for index in range(0, len(bins), 2)]
