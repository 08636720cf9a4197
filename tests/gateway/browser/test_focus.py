"""The page with the keyboard alone: after each action, the focus is where the next one begins."""

from __future__ import annotations

from pathlib import Path

from helpers.admin import ADMIN, administrated
from helpers.browser import browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from g4f_lite.testing import replies


def test_the_focus_stays_with_the_key_that_is_changed(tmp_path: Path) -> None:
    with administrated(tmp_path) as admin, browser() as tab:

        def focus() -> str:
            return str(tab.run("return document.activeElement.ariaLabel || document.activeElement.id"))

        def press(*keys: str) -> None:
            ActionChains(tab.driver).send_keys(*keys).perform()

        admin.ask("keys", "POST", {"name": "two"})
        tab.driver.get(f"{admin.gateway.url}/")
        tab.run("sessionStorage.setItem('g4f-admin-key', arguments[0])", ADMIN)
        tab.driver.get(f"{admin.gateway.url}/#keys")
        tab.driver.refresh()
        tab.sees(lambda: tab.all("[data-key=two] button"))
        tab.run("document.querySelector('[data-key=two] button').focus()")
        press(Keys.ENTER)
        tab.sees(lambda: focus() == "Enable: two")
        press(Keys.TAB, Keys.ENTER)
        tab.sees(lambda: tab.all("#sure-dialog[open]"))
        press(Keys.TAB, Keys.ENTER)
        tab.sees(lambda: tab.all("#secret-dialog[open]"))
        press(Keys.ESCAPE)
        tab.sees(lambda: focus() == "New secret: two")
        press(Keys.TAB, Keys.ENTER)
        tab.sees(lambda: tab.all("#sure-dialog[open]"))
        press(Keys.ESCAPE)
        tab.sees(lambda: focus() == "Delete: two")
        press(Keys.ENTER)
        tab.sees(lambda: tab.all("#sure-dialog[open]"))
        press(Keys.TAB, Keys.ENTER)
        tab.sees(lambda: focus() == "new-key" and not tab.all("[data-key]"))
        assert tab.complaints() == []


def test_the_focus_stays_with_a_route_that_changes(tmp_path: Path) -> None:
    with administrated(tmp_path) as admin, browser() as tab:
        tab.driver.get(f"{admin.gateway.url}/")
        tab.run("sessionStorage.setItem('g4f-admin-key', arguments[0])", ADMIN)
        tab.driver.refresh()
        admin.upstream.script(replies.error(403, "first"), replies.answer("ok"))
        admin.call()
        tab.sees(lambda: "first" in tab.text("#routes .why") and tab.find("#routes .linked").is_displayed())
        tab.run("document.querySelector('#routes .linked').focus()")
        admin.ask("routes/groq:one/wake", "POST")
        admin.upstream.script(replies.error(403, "second"), replies.answer("ok"))
        admin.call()
        tab.sees(lambda: "second" in tab.text("#routes .why"))
        assert tab.run("return document.activeElement.className") == "linked"
        assert tab.complaints() == []
