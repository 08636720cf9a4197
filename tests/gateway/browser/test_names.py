"""Names that are long, read from right to left, or look like markup, on a phone and on a desk."""

from __future__ import annotations

from pathlib import Path

from helpers.admin import ADMIN, administrated
from helpers.browser import browser

NAMES = ("x" * 64, "فريق-البحث", "@" * 64, "研究チーム")


def test_names_of_keys_keep_to_their_place(tmp_path: Path) -> None:
    with administrated(tmp_path, models={"*": {"routes": ["groq:one"]}}) as admin, browser() as tab:
        for name in NAMES:
            admin.ask("keys", "POST", {"name": name, "models": ["<b>bold</b>", "m" * 200], "budget": {"usd": 1}})
        tab.driver.get(f"{admin.gateway.url}/")
        tab.run("sessionStorage.setItem('g4f-admin-key', arguments[0])", ADMIN)
        tab.driver.get(f"{admin.gateway.url}/#keys")
        tab.driver.refresh()
        tab.sees(lambda: len(tab.all("#key-list > li")) == len(NAMES))
        assert {one.text for one in tab.all("#key-list strong")} == set(NAMES)
        for width in (360, 768, 1280):
            tab.resize(width)
            wide = tab.run(
                "return [...document.querySelectorAll('#key-list .what > *, #key-list .state > *')].filter((one) => "
                "one.getBoundingClientRect().right > one.closest('.what').getBoundingClientRect().right + 1)"
                ".map((one) => one.textContent)"
            )
            assert not wide and tab.run("return document.documentElement.scrollWidth <= innerWidth"), (width, wide)
        assert tab.complaints() == []
