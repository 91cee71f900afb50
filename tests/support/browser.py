# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium (Debian's chromium and chromium-driver) for the tests of pages. GATEHOUSE_SHOTS names a folder for pictures of what it saw."""
import contextlib
import os
import pathlib
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WAIT_S = 20
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-proxy-server", "--ignore-certificate-errors")


class Browser:
    """Less than 500 wide is a phone."""

    def __init__(self, width=1280, height=1600, dark=False):
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={self.profile.name}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        os.environ["no_proxy"] = "localhost,127.0.0.1"
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        if dark:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        if width < 500:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        with contextlib.suppress(Exception):
            self.driver.quit()
        self.profile.cleanup()

    def open(self, url):
        self.driver.get(url)

    def find(self, selector, inside=None):
        """The first element that shows up for the CSS selector, once it is displayed."""
        place = inside or self.driver

        def shown(_):
            return next((e for e in place.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()), None)
        return WebDriverWait(self.driver, WAIT_S, 0.05).until(shown, f"nothing shown for {selector}")

    def click(self, selector, inside=None):
        e = self.find(selector, inside)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", e)
        e.click()
        return e

    def fill(self, element, text):
        """Sets a field at once: a page that works at each key is slow with a long text."""
        self.driver.execute_script("Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(arguments[0], arguments[1]);"
                                   "arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", element, text)

    def until(self, condition, what):
        return WebDriverWait(self.driver, WAIT_S, 0.05).until(lambda _: condition(), what)

    def shot(self, name):
        folder = os.environ.get("GATEHOUSE_SHOTS")
        if folder:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(pathlib.Path(folder) / f"{name}.png"))

    def complaints(self):
        """What the browser wrote to its console as warning or error since the last call."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] in ("WARNING", "SEVERE")]
