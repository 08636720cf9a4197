"""The page in a real Chromium, over a real gateway: what a person in trouble at night sees and does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.admin import ADMIN, Administrator, administrated
from helpers.browser import Browser, browser
from helpers.driving import eventually

from g4f_lite.testing import replies

VIEWS = ("now", "spend", "keys", "try")
NOT_MARKUP = "<img src=x onerror=alert(1)> out of order"


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    with administrated(tmp_path_factory.mktemp("gateway")) as one:
        yield one


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as one:
        yield one


def enter(tab: Browser, admin: Administrator) -> None:
    tab.resize(1280)
    tab.driver.get(f"{admin.gateway.url}/")
    tab.run("sessionStorage.setItem('g4f-admin-key', arguments[0])", ADMIN)
    tab.driver.get(f"{admin.gateway.url}/#now")
    tab.driver.refresh()
    tab.sees(lambda: tab.text("#link-text") == "live")


@pytest.fixture
def page(tab: Browser, admin: Administrator) -> Iterator[Browser]:
    """The page, signed in; afterwards, the console must have said nothing."""
    admin.upstream.script(replies.answer("It is Sunday."))
    admin.ask("routes/groq:one/wake", "POST")
    enter(tab, admin)
    yield tab
    assert tab.complaints() == []


def row(page: Browser, route: str) -> Any:
    return next(one for one in page.all("#routes tr") if route in one.text)


def told(page: Browser, route: str) -> str:
    """Return the row of a route on one line."""
    return " ".join(row(page, route).text.split())


def show(page: Browser, view: str) -> None:
    page.click(f"#nav a[href='#{view}']")
    page.sees(lambda: page.find(f"#{view}").is_displayed())


def test_the_key_is_asked_for_once_and_kept_in_this_tab_alone(tab: Browser, admin: Administrator) -> None:
    tab.driver.get(f"{admin.gateway.url}/")
    tab.run("sessionStorage.clear()")
    tab.driver.refresh()
    tab.sees(lambda: tab.find("#admin-key") == tab.driver.switch_to.active_element)
    assert not tab.find("#now").is_displayed()
    tab.type("#admin-key", "wrong\n")
    tab.sees(lambda: tab.text("#enter-error") == "This is not the admin key.")
    tab.run("document.getElementById('admin-key').value = ''")
    tab.type("#admin-key", f"{ADMIN}\n")
    tab.sees(lambda: tab.text("#link-text") == "live")
    tab.driver.refresh()
    tab.sees(lambda: tab.text("#link-text") == "live")
    stored = tab.run("return [Object.keys(sessionStorage), localStorage.length, document.cookie]")
    assert stored == [["g4f-admin-key"], 0, ""]
    assert ADMIN not in tab.driver.page_source
    tab.click("#leave")
    tab.sees(lambda: tab.find("#admin-key").is_displayed())
    assert tab.run("return sessionStorage.length") == 0
    assert [one for one in tab.complaints() if "401" not in one] == []


def test_a_route_goes_down_and_comes_back_and_its_trail_opens(page: Browser, admin: Administrator) -> None:
    page.sees(lambda: page.text("#headline") == "All 2 routes answer")
    admin.upstream.script(replies.error(403, NOT_MARKUP), replies.answer("ok"))
    admin.call()
    page.sees(lambda: page.text("#headline") == "1 of 2 routes is down: groq:one")
    page.sees(lambda: "down for" in told(page, "groq:one") and NOT_MARKUP in told(page, "groq:one"))
    before = told(page, "groq:one")
    page.sees(lambda: told(page, "groq:one") != before)  # it counts down
    row(page, "groq:one").find_element("css selector", ".linked").click()
    page.sees(lambda: len(page.all(".ladder .step")) == 2)
    first, second = (step.text for step in page.all(".ladder .step"))
    assert "403 PermissionDeniedError" in first and NOT_MARKUP in first and "groq:one" in first
    assert "openai:gpt-5.6-luna" in second and "ok" in second
    assert page.all("#main img") == []
    row(page, "groq:one").find_element("css selector", "td:last-child button").click()
    page.sees(lambda: "down" not in told(page, "groq:one"))
    admin.call()
    page.sees(lambda: page.text("#headline") == "All 2 routes answer")
    page.sees(lambda: page.find("#fresh").is_displayed())  # an open trail does not move away
    page.click("#fresh")
    page.sees(lambda: not page.find("#fresh").is_displayed() and not page.all(".call[aria-expanded=true]"))


def test_a_route_is_put_to_rest_with_the_keyboard(page: Browser, admin: Administrator) -> None:
    page.run("arguments[0].focus()", row(page, "groq:one").find_element("css selector", "td:last-child button"))
    page.driver.switch_to.active_element.send_keys("\n")
    page.sees(lambda: "down for" in told(page, "groq:one"))
    assert admin.call().headers["x-g4f-route"] == "openai:gpt-5.6-luna"
    page.driver.switch_to.active_element.send_keys("\n")
    page.sees(lambda: "down" not in told(page, "groq:one"))


def test_a_key_is_made_shown_once_and_disabled(page: Browser, admin: Administrator) -> None:
    show(page, "keys")
    page.click("#new-key")
    page.type("[name=name]", "night-shift")
    page.type("[name=models]", "fast, paid")
    page.type("[name=usd]", "2.50")
    page.click("#make")
    page.sees(lambda: page.text("#secret").startswith("g4f-"))
    secret = page.text("#secret")
    assert admin.call("paid", secret).status_code == 200
    page.click("#secret-dialog [data-close]")
    page.sees(lambda: "$2.50 a month" in page.text("[data-key=night-shift]"))
    assert secret not in page.driver.page_source
    page.click("[data-key=night-shift] button")
    page.sees(lambda: "disabled" in page.text("[data-key=night-shift]"))
    assert admin.call("paid", secret).status_code == 401
    page.click("[data-key=night-shift] button")
    page.sees(lambda: "valid" in page.text("[data-key=night-shift]"))
    page.click("[data-key=night-shift] button:last-child")
    page.click("#sure")
    page.sees(lambda: not page.all("[data-key=night-shift]"))
    assert admin.call("paid", secret).status_code == 401


def test_a_chat_streams_and_tells_route_time_and_cost(page: Browser, admin: Administrator) -> None:
    admin.ask("routes/groq:one/rest", "POST")
    show(page, "try")
    page.type("#message", "Which day is it?\n")
    page.sees(lambda: "It is Sunday." in page.text("#talk"))
    page.sees(lambda: "$" in page.text("#talk .meta") and "Its trail" in page.text("#talk .meta"))
    assert "openai:gpt-5.6-luna" in page.text("#talk .meta") and "first content after" in page.text("#talk .meta")


def test_stop_cancels_upstream(page: Browser, admin: Administrator) -> None:
    admin.upstream.script(replies.silence("stream", after=3))
    show(page, "try")
    page.type("#message", "Which day is it?\n")
    page.sees(
        lambda: admin.upstream.open_connections == 1 and "first content" in page.text("#talk li:last-child .meta")
    )
    page.click("#stop")
    assert eventually(lambda: admin.upstream.open_connections == 0, 20)
    page.sees(lambda: "stopped" in page.text("#talk li:last-child .meta") and page.find("#send").is_enabled())
    assert eventually(lambda: admin.gateway.under_way == 0, 20)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(page: Browser, admin: Administrator, scheme: str) -> None:
    admin.upstream.script(replies.error(403, "x" * 300), replies.answer("ok"))
    call_id = admin.call().headers["x-request-id"]
    page.prefer(prefers_color_scheme=scheme)
    page.sees(lambda: page.all(f"[data-id='{call_id}']"))
    page.find(f"[data-id='{call_id}'] .call").click()
    page.sees(lambda: page.all(".ladder .step"))
    for width in (360, 768, 1280):
        page.resize(width)
        for view in VIEWS:
            show(page, view)
            wide = page.run(
                "return [...document.querySelectorAll('main *, header *')].filter((one) => one.offsetParent && "
                "!one.closest('.unseen') && one.getBoundingClientRect().right > innerWidth + 1)"
                ".map((one) => one.className || one.tagName)"
            )
            assert page.run("return document.documentElement.scrollWidth <= innerWidth") and not wide, (
                width,
                view,
                wide,
            )
    paper = page.run("return getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")[0]
    assert (int(paper) > 200) == (scheme == "light")


def test_focus_is_visible_and_nothing_moves_if_that_is_wished(page: Browser) -> None:
    page.prefer(prefers_reduced_motion="reduce")
    page.run("document.body.focus()")
    moves = page.run("return document.getAnimations().length")
    seen = set()
    for _ in range(6):
        page.driver.switch_to.active_element.send_keys("\t")
        style = page.run(
            "const s = getComputedStyle(document.activeElement); return [document.activeElement.tagName, s.outlineStyle]"
        )
        seen.add(tuple(style))
    assert moves == 0 and {outline for _, outline in seen} == {"solid"} and {tag for tag, _ in seen} >= {"A", "BUTTON"}


def test_it_says_that_the_gateway_is_away_and_connects_again(tab: Browser, tmp_path: Path) -> None:
    with administrated(tmp_path) as first:
        port = int(first.gateway.url.rpartition(":")[2])
        tab.driver.get(f"{first.gateway.url}/")
        tab.run("sessionStorage.setItem('g4f-admin-key', arguments[0])", ADMIN)
        tab.driver.refresh()
        tab.sees(lambda: tab.text("#link-text") == "live")
        assert tab.complaints() == []
    tab.sees(lambda: "Trying again" in tab.text("#away") and tab.text("#link-text") == "away")
    with administrated(tmp_path, server={"listen": f"127.0.0.1:{port}"}) as second:
        tab.sees(lambda: tab.text("#link-text") == "live" and not tab.find("#away").is_displayed())
        second.call()
        tab.sees(lambda: len(tab.all(".call")) == 1)
        refused = [one for one in tab.complaints() if "network" not in one]
        assert refused == []


def test_a_call_of_another_worker_comes_to_its_place(tab: Browser, tmp_path: Path) -> None:
    workers = {"server": {"workers": 2, "drain_delay": 0.0}}
    with administrated(tmp_path, **workers) as first, administrated(tmp_path, **workers) as second:
        enter(tab, second)
        early, late = (one.call("solo").headers["x-request-id"] for one in (first, second))
        tab.sees(lambda: len(tab.all("#calls li")) == 2)
        assert [one.get_attribute("data-id") for one in tab.all("#calls li")] == [late, early]
        assert tab.complaints() == []
