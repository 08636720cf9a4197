"""Bars as SVG, on a logarithmic scale, without a library for plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

_WIDTH, _LEFT, _RIGHT, _ROW = 860, 150, 70, 18


def bars(groups: Mapping[str, Sequence[tuple[str, float]]], unit: str) -> str:
    """
    Return a picture with a group of bars for each title.

    Args:
        groups: title to label and value, above 0; the first label is drawn in another colour.
        unit: what 1 means.
    """
    values = [value for group in groups.values() for _, value in group]
    least, most = log10(min(values) / 1.5), log10(max(values) * 1.2)
    scale = (_WIDTH - _LEFT - _RIGHT) / (most - least)
    drawn: list[str] = []
    y = 24
    for title, group in groups.items():
        drawn.append(f'<text x="8" y="{y}" font-weight="bold">{escape(title)}</text>')
        y += 8
        for index, (label, value) in enumerate(group):
            length = (log10(value) - least) * scale
            colour = "#1f77b4" if index == 0 else "#b0b7bf"
            drawn.append(f'<text x="{_LEFT - 6}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
            drawn.append(f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="14" fill="{colour}"/>')
            drawn.append(f'<text x="{_LEFT + length + 5:.1f}" y="{y + 12}">{value:.2f}</text>')
            y += _ROW
        y += 24
    one = _LEFT - least * scale
    drawn.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="8" y2="{y - 24}" stroke="#d62728" stroke-dasharray="3"/>')
    drawn.append(f'<text x="{one + 4:.1f}" y="{y - 8}" fill="#d62728">{escape(unit)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(drawn)}</svg>\n'
    )
