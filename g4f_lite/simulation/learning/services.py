"""A service, from its attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf
from statistics import median

from ..distributions import Distribution, Spread
from ..scenario import ENDINGS, OUTAGES, Phase, Prices, RateLimits, ServiceSettings
from .attempts import ANSWERED, LIMITED, STARTED, Seen
from .phases import Segment, outages, segments
from .rates import rate_limits

MARKS = 101
"""Quantiles of a distribution."""
CONSTANT = 1e-3
"""A distribution whose spread is this share of its middle is a number."""
SLOWER = 1.25
"""A time in which answers take so many times as long, or in which more fail by `WORSE`, is a brown-out."""
WORSE = 0.05
NEAR_S = 1.0
"""Answers that break off so near to the beginning of an outage are cut by it."""


def service_from(model: str, attempts: Sequence[Seen]) -> ServiceSettings:
    """Return the settings of a service that would have behaved so; its attempts stand in the order of beginning."""
    reachable = [one for one in attempts if one.kind != LIMITED]
    bad, good = _outages([one for one in reachable if one.kind not in STARTED])
    broken = [one for one in reachable if one.kind in STARTED]
    bad = [_with_cuts(phase, broken) for phase in bad]
    broken = [one for one in broken if not any(_is_cut_by(one, phase) for phase in bad if phase.cuts)]
    usual, slow = _brownouts(sorted(good + broken, key=lambda one: one.at))
    answers = [one for one in usual if one.kind == ANSWERED] or [one for one in good if one.kind == ANSWERED]
    streams = [one.latency for one in answers if one.attempt is not None and one.attempt.first_token is not None]
    failed = [one.lasted for one in attempts if one.kind.isdecimal() or one.kind in ("reset", LIMITED)]
    return ServiceSettings(
        models=(model,),
        first_content_s=distribution([one for one in streams if one is not None], 0.0),
        total_s=distribution([one.lasted for one in answers], 1.0),
        errors=_shares(usual),
        error_s=distribution(failed, 0.05),
        limits=_limits(attempts, bad),
        prices=_prices(answers),
        phases=sorted(bad + slow, key=lambda phase: phase.from_s),
    )


def distribution(values: Iterable[float], otherwise: float) -> Distribution:
    """Return the distribution of some values, by their quantiles; a number if they are all alike, or there is none."""
    known = sorted(values)
    if not known:
        return otherwise
    if known[-1] - known[0] <= CONSTANT * abs(median(known)):
        return round(median(known), 4)
    count = min(MARKS, len(known))
    places = (index * (len(known) - 1) / (count - 1) for index in range(count))
    return Spread(quantiles=[round(_between(known, place), 4) for place in places])


def _between(known: Sequence[float], place: float) -> float:
    index = min(int(place), len(known) - 2)
    return known[index] + (known[index + 1] - known[index]) * (place - index)


# -- phases --------------------------------------------------------------------------------


def _outages(seen: Sequence[Seen]) -> tuple[list[Phase], list[Seen]]:
    """Return the outages, and the attempts outside of them."""
    found = outages(seen)
    inside = {index for run in found for index in range(run.first, run.end)}
    return [_outage(seen, run) for run in found], [one for index, one in enumerate(seen) if index not in inside]


def _outage(seen: Sequence[Seen], run: Segment) -> Phase:
    how = Counter(one.kind for one in seen[run.first : run.end]).most_common(1)[0][0]
    from_s = 0.0 if run.first == 0 else _middle(seen, run.first)
    until_s = inf if run.end == len(seen) else _middle(seen, run.end)
    return Phase(
        kind="outage", from_s=from_s, until_s=until_s, how=how if how in OUTAGES or how.isdecimal() else "hang"
    )


def _middle(seen: Sequence[Seen], index: int) -> float:
    """Return the middle between an attempt and the one before it: something changed there."""
    return round((seen[index - 1].at + seen[index].at) / 2, 3)


def _is_cut_by(one: Seen, phase: Phase) -> bool:
    return one.at < phase.from_s and abs(one.at + one.lasted - phase.from_s) <= NEAR_S


def _with_cuts(phase: Phase, broken: Sequence[Seen]) -> Phase:
    cut = [one.at + one.lasted for one in broken if _is_cut_by(one, phase)]
    if not cut:
        return phase
    return Phase(kind=phase.kind, from_s=round(median(cut), 3), until_s=phase.until_s, how=phase.how, cuts=True)


def _brownouts(seen: Sequence[Seen]) -> tuple[list[Seen], list[Phase]]:
    """Return the attempts of usual times, and the times in which answers were slower, or failed more often."""
    found = segments(seen)
    if len(found) < 2:
        return list(seen), []
    parts = [seen[one.first : one.end] for one in found]
    usual = max(parts, key=lambda part: part[-1].at - part[0].at)
    middle, shares, failed = _median_latency(usual), _shares(usual), _failed(usual)
    outside: list[Seen] = []
    phases: list[Phase] = []
    for run, part in zip(found, parts, strict=True):
        factor = _median_latency(part) / middle if _median_latency(part) and middle else 1.0
        if part is usual or (1 / SLOWER < factor < SLOWER and _failed(part) - failed < WORSE):
            outside.extend(part)
            continue
        errors = {name: round(share - shares.get(name, 0.0), 4) for name, share in _shares(part).items()}
        phases.append(
            Phase(
                kind="brownout",
                from_s=0.0 if run.first == 0 else _middle(seen, run.first),
                until_s=inf if run.end == len(seen) else _middle(seen, run.end),
                factor=round(factor, 3),
                errors={name: share for name, share in errors.items() if share > 0},
            )
        )
    return outside, phases


def _median_latency(seen: Sequence[Seen]) -> float:
    known = [one.latency for one in seen if one.latency is not None]
    return median(known) if known else 0.0


def _failed(seen: Sequence[Seen]) -> float:
    return sum(one.kind != ANSWERED for one in seen) / len(seen)


def _shares(seen: Sequence[Seen]) -> dict[str, float]:
    counts = Counter(one.kind for one in seen if one.kind.isdecimal() or one.kind in ENDINGS)
    return {name: round(count / len(seen), 5) for name, count in counts.most_common()}


# -- limits and prices ---------------------------------------------------------------------


def _limits(attempts: Sequence[Seen], bad: Sequence[Phase]) -> RateLimits | None:
    refused = [one for one in attempts if one.kind == LIMITED]
    if not refused:
        return None
    counted = [
        one.at
        for one in attempts
        if one.kind != LIMITED and not any(phase.from_s <= one.at < phase.until_s for phase in bad)
    ]
    asked = [one.attempt.retry_after for one in refused if one.attempt is not None and one.attempt.retry_after]
    return rate_limits(counted, [one.at for one in refused], asked)


def _prices(answers: Sequence[Seen]) -> Prices | None:
    """Return the prices that explain the costs best, by least squares; None if no cost is known."""
    known = [
        (float(usage.prompt_tokens), float(usage.completion_tokens), cost)
        for one in answers
        if one.attempt is not None and (usage := one.attempt.usage) is not None and (cost := one.attempt.cost)
    ]
    if not known:
        return None
    pp, pc, cc = (sum(one[a] * one[b] for one in known) for a, b in ((0, 0), (0, 1), (1, 1)))
    pu, cu = (sum(one[a] * one[2] for one in known) for a in (0, 1))
    if (spread := pp * cc - pc * pc) > 1e-6 * pp * cc:
        prompt, completion = (pu * cc - cu * pc) / spread, (cu * pp - pu * pc) / spread
        if prompt >= 0 and completion >= 0:
            return Prices(prompt=round(prompt * 1e6, 4), completion=round(completion * 1e6, 4))
    each = sum(one[2] for one in known) / max(1.0, sum(one[0] + one[1] for one in known))
    return Prices(prompt=round(each * 1e6, 4), completion=round(each * 1e6, 4))
