"""Gone. They stay here to say so."""

from __future__ import annotations

from ..row import Row

RETIRED: dict[str, Row] = {
    "perplexity": Row(
        label="Perplexity",
        url="https://www.perplexity.ai",
        api_base="https://api.perplexity.ai",
        automatic=False,
        working=False,
        notice="Perplexity ended its chat completions on 2026-09-27; what is left speaks another protocol",
    ),
    "github": Row(
        label="GitHub Models",
        url="https://github.com/marketplace/models",
        api_base="https://models.github.ai/inference",
        automatic=False,
        working=False,
        notice="GitHub Models was retired on 2026-07-30",
    ),
}
