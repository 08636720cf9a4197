"""The picture of a simulation as SVG, for light and dark pages, narrow and wide ones; without a library for plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from html import escape
from math import ceil, floor, log10

from .figures import PolicyReport
from .scenario import Phase
from .timelines import Timeline, Timelines

_WIDTH, _LEFT, _RIGHT, _HIGH, _GAP = 560, 12, 12, 56, 26
_MOST_SHADES, _MOST_BINS = 60, 160
_STYLE = """
  text { font: 13px sans-serif; fill: #1f2328 } .small { font-size: 12px; fill: #59636e } .name { font-weight: bold }
  .back { fill: #ffffff } .line { stroke: #d1d9e0 } .ok { fill: #2f81f7 } .failed { fill: #d1242f }
  .phase { fill: #bf8700; fill-opacity: .22 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .back { fill: #0d1117 } .line { stroke: #3d444d }
    .failed { fill: #f85149 } .phase { fill: #d29922; fill-opacity: .28 }
  }
"""


def picture(policies: Sequence[PolicyReport], phases: Sequence[Mapping[str, Sequence[Phase]]]) -> str:
    """
    Return a picture with a block for each policy: all its calls, and the requests to each service.

    Charts of one name have the same scale in all blocks.

    Args:
        phases: of the services, for each policy.
    """
    seconds = max(1.0, *(one.seconds for one in policies))
    shown = [_fewer(policy.timelines, seconds) for policy in policies]
    most: dict[str, float] = {}
    for timelines in shown:
        for name, line in timelines.lines.items():
            most[name] = max(most.get(name, 0.0), _most(line) / timelines.bin_s)
    drawn: list[str] = []
    y = 8
    for policy, timelines, shaded in zip(policies, shown, phases, strict=True):
        y += 16
        drawn.append(_text(_LEFT, y, policy.name, "name"))
        y += 18
        drawn.append(_text(_LEFT, y, _summary(policy), "small"))
        for name, line in timelines.lines.items():
            y += _GAP
            title = f"requests to {name}" if name else "calls"
            drawn.append(_text(_LEFT, y - 6, title, "small"))
            drawn.append(_text(_WIDTH - _RIGHT, y - 6, f"up to {_short(most[name])} a second", "small", "end"))
            drawn += [_shade(begin, end, seconds, y) for begin, end in _shades(shaded.get(name, ()), seconds)]
            drawn += _chart(line, timelines.bin_s, seconds, most[name], y)
            y += _HIGH
        drawn += _axis(seconds, y)
        y += 34
    drawn += _legend(y)
    height = y + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'style="max-width:100%;height:auto" role="img"><title>{escape(_title(policies))}</title>'
        f'<style>{_STYLE}</style><rect class="back" width="100%" height="100%"/>{"".join(drawn)}</svg>\n'
    )


def _fewer(timelines: Timelines, seconds: float) -> Timelines:
    """Return timelines whose bins are wide enough to be seen."""
    shown = deepcopy(timelines)
    while shown.bin_s * _MOST_BINS < seconds:
        shown.widen()
    return shown


def _title(policies: Sequence[PolicyReport]) -> str:
    return "; ".join(f"{one.name}: {_summary(one)}" for one in policies)


def _summary(policy: PolicyReport) -> str:
    share = f"{100 * policy.answered / policy.calls:.4g} % of {policy.calls:,} calls answered" if policy.calls else ""
    slow = "" if policy.end.p95 is None else f", p95 {policy.end.p95:.3g} s"
    return f"{share}{slow}" + (f", ${policy.cost:.4g}" if policy.cost else "")


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _x(at: float, seconds: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(1.0, at / seconds)


def _shades(phases: Sequence[Phase], seconds: float) -> list[tuple[float, float]]:
    """Return when a service was not as usual; of one that flaps, its bad times, unless they are many."""
    found = []
    for phase in phases:
        end = min(phase.until_s, seconds)
        if phase.kind == "flapping" and (end - phase.from_s) / phase.period_s <= _MOST_SHADES:
            begins = [phase.from_s + number * phase.period_s for number in range(_MOST_SHADES + 1)]
            found += [(one, min(end, one + phase.share * phase.period_s)) for one in begins if one < end]
        elif phase.from_s < end:
            found.append((phase.from_s, end))
    return found


def _shade(begin: float, end: float, seconds: float, y: float) -> str:
    left, right = _x(begin, seconds), _x(end, seconds)
    return f'<rect class="phase" x="{left:.1f}" y="{y:g}" width="{right - left:.1f}" height="{_HIGH}"/>'


def _chart(line: Timeline, bin_s: float, seconds: float, most: float, y: float) -> list[str]:
    """Return what ended badly, and above it what ended well."""
    bottom = y + _HIGH
    failed = [count / bin_s for count in line.failed]
    failed += [0.0] * (len(line.ok) - len(failed))
    ok = [count / bin_s for count in line.ok] + [0.0] * (len(failed) - len(line.ok))
    both = [one + other for one, other in zip(failed, ok, strict=True)]
    scale = (_HIGH - 4) / most if most else 0.0
    drawn = []
    for kind, heights in (("ok", both), ("failed", failed)):
        if any(heights):
            drawn.append(f'<path class="{kind}" d="{_area(heights, bin_s, seconds, scale, bottom)}"/>')
    return [*drawn, f'<path class="line" d="M{_LEFT} {bottom:g}H{_WIDTH - _RIGHT}"/>']


def _area(heights: Sequence[float], bin_s: float, seconds: float, scale: float, bottom: float) -> str:
    """Return a path along the steps of a histogram."""
    steps, before = [f"M{_LEFT} {bottom:g}"], -1.0
    for index, height in enumerate(heights):
        if height != before:
            steps.append(f"H{_x(index * bin_s, seconds):.1f}V{bottom - height * scale:.1f}")
            before = height
    return "".join([*steps, f"H{_x(len(heights) * bin_s, seconds):.1f}V{bottom:g}Z"])


def _axis(seconds: float, y: float) -> list[str]:
    rough = seconds / 8
    unit = 10.0 ** floor(log10(rough))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough)
    marks = [number * step for number in range(int(seconds / step) + 1)]
    shown = [_text(_x(at, seconds), y + 15, f"{at:g} s", "small", "middle" if at else "start") for at in marks]
    return shown[:-1] if _x(marks[-1], seconds) > _WIDTH - 40 else shown


def _legend(y: float) -> list[str]:
    drawn, x = [], float(_LEFT)
    for kind, label in (("ok", "answered"), ("failed", "not answered"), ("phase", "not as usual")):
        drawn.append(f'<rect class="{kind}" x="{x:g}" y="{y - 6:g}" width="12" height="12"/>')
        drawn.append(_text(x + 18, y + 5, label, "small"))
        x += 34 + 7 * len(label)
    return drawn


def _most(line: Timeline) -> int:
    length = max(len(line.ok), len(line.failed))
    ok, failed = (bins + [0] * (length - len(bins)) for bins in (line.ok, line.failed))
    return max((one + other for one, other in zip(ok, failed, strict=True)), default=0)


def _short(rate: float) -> str:
    return f"{ceil(rate):,}" if rate >= 10 else f"{rate:.2g}"
