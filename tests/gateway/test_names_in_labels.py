"""Names that callers make up are no labels of metrics and no rows of what was spent: their number has no bound."""

from __future__ import annotations

from pathlib import Path

import requests
from helpers.admin import ADMIN, administrated

MODELS = {
    "any-*": {"routes": ["groq:*", ["groq:spare-*", "groq:one"]]},
    "fast": {"routes": ["groq:one"]},
    "tier": {"routes": [["groq:two", "groq:three"]]},
}


def test_a_name_with_a_star_has_one_label(tmp_path: Path) -> None:
    with administrated(tmp_path, models=MODELS) as admin:
        for name in ("fast", "tier", "any-a", "any-b", "any-one", "any-<b>"):
            assert admin.call(name).status_code == 200
        spent = {row["name"] for row in admin.ask("spend")["model"]}
        assert spent == {"groq:one", "groq:two", "groq:other"}
        headers = {"Authorization": f"Bearer {ADMIN}"}
        text = requests.get(f"{admin.gateway.url}/metrics", headers=headers, timeout=30).text
        assert 'gen_ai_request_model="other"' in text and 'gen_ai_request_model="two"' in text
        assert "any-" not in text and "<b>" not in text
        assert {row["asked"] if "asked" in row else row["model"] for row in admin.ask("calls")["calls"]} >= {"any-a"}
