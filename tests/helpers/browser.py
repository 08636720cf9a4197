"""A real Chromium, driven over the protocol of its driver."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from .driving import eventually

_SECONDS = 20.0


class Browser:
    """One tab."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        found: list[Any] = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found

    def text(self, selector: str) -> str:
        """Return the text of an element, on one line."""
        return " ".join(self.find(selector).text.split())

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def click(self, selector: str) -> None:
        self.sees(lambda: self.find(selector).is_displayed() and self.find(selector).is_enabled())
        self.find(selector).click()

    def type(self, selector: str, text: str) -> None:
        self.sees(lambda: self.find(selector).is_displayed())
        self.find(selector).send_keys(text)

    def sees(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition is true of the page, which may be changing meanwhile."""

        def holds() -> bool:
            try:
                return bool(condition())
            except WebDriverException:
                return False

        assert eventually(holds, _SECONDS), self.text("body")

    def resize(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, **features: str) -> None:
        """Set media features, such as `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def complaints(self) -> list[str]:
        """Return what the console has said since the last time."""
        return [f"{one['level']} {one['source']}: {one['message']}" for one in self.driver.get_log("browser")]


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium, which must be installed: `apt-get install chromium chromium-driver`."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program and driver, "chromium and chromedriver are not on PATH"
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "no-proxy-server"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Browser(chromium)
    finally:
        chromium.quit()
