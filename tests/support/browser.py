# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium (Debian's chromium and chromium-driver) for the tests of pages. GATEHOUSE_SHOTS names a folder for pictures of what it saw."""
import base64
import contextlib
import os
import pathlib
import shutil
import tempfile

from gateway import wait_until
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WAIT_S = 90
# kind, width, height
SCREENS = (("desk", 1280, 900), ("phone", 390, 844), ("small", 320, 568))
# what a screen reader, a keyboard and a weak eye need (WCAG 2.2 AA), as a list of what is wrong
FAULTS = r"""
const wrong = [], all = s => [...document.querySelectorAll(s)], shown = e => e.getClientRects().length > 0;
if (!document.documentElement.lang) wrong.push('no lang');
if (!document.title.trim()) wrong.push('no title');
if (all('script').length) wrong.push('script');
if (all('[style]').length) wrong.push('inline style');
if (all('h1').length !== 1) wrong.push('h1');
if (all('main').length !== 1) wrong.push('main');
let level = 0;
for (const e of all('h1,h2,h3,h4')) { const l = Number(e.tagName[1]); if (l > level + 1) wrong.push('heading skips a level: ' + e.textContent); level = l; }
const ids = all('[id]').map(e => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push('id twice: ' + id);
for (const e of all('[aria-describedby]')) if (!document.getElementById(e.getAttribute('aria-describedby'))) wrong.push('describedby nothing: ' + e.name);
for (const e of all('input:not([type=hidden]),select,textarea'))
  if (!e.labels || !e.labels.length || !e.labels[0].textContent.trim()) wrong.push('no label: ' + e.name);
for (const e of all('input[type=radio]')) if (!e.closest('fieldset')?.querySelector('legend')?.textContent.trim()) wrong.push('no legend: ' + e.name);
for (const e of all('button,a')) if (!e.textContent.trim()) wrong.push('no name: ' + e.outerHTML);
const names = all('form').flatMap(f => [...f.querySelectorAll('button')].map(b => b.textContent.trim()));
for (const n of new Set(names)) if (names.filter(x => x === n).length > 1) wrong.push('buttons of one name: ' + n);
for (const e of all('img')) if (!e.hasAttribute('alt')) wrong.push('no alt');
for (const e of all('th')) if (!e.scope) wrong.push('th without scope');
for (const e of all('button,input:not([type=hidden]),summary')) {
  const r = (e.labels?.[0] ?? e).getBoundingClientRect();
  if (shown(e) && (r.height < 24 || r.width < 24)) wrong.push(`target ${r.width}x${r.height}: ` + e.outerHTML.slice(0, 60)); }
if (document.documentElement.scrollWidth > window.innerWidth) wrong.push('wider than the window: ' + document.documentElement.scrollWidth);
for (const e of all('main *')) if (shown(e) && !e.closest('.only-read') && e.getBoundingClientRect().right > document.querySelector('main').getBoundingClientRect().right + 1)
  wrong.push('outside the card: ' + e.outerHTML.slice(0, 60));
const light = c => { const f = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
  return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
const rgb = s => s.match(/[\d.]+/g).map(Number);
const behind = at => { for (; at; at = at.parentElement) { const b = rgb(getComputedStyle(at).backgroundColor); if (b.length < 4 || b[3] === 1) return b; } return [255, 255, 255]; };
const ratio = (x, y) => { const a = light(x.slice(0, 3)), b = light(y.slice(0, 3)); return (Math.max(a, b) + .05) / (Math.min(a, b) + .05); };
for (const e of all('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !shown(e) || e.className === 'skip') continue;
  const r = ratio(rgb(getComputedStyle(e).color), behind(e));
  if (r < 4.5) wrong.push('contrast ' + r.toFixed(2) + ': ' + e.textContent.trim().slice(0, 40)); }
for (const e of all('input:not([type=hidden]):not([type=radio]):not([type=checkbox]),select,textarea')) if (shown(e)) {
  const r = ratio(rgb(getComputedStyle(e).borderTopColor), behind(e.parentElement));
  if (r < 3) wrong.push('edge of a field ' + r.toFixed(2) + ': ' + e.name); }
return wrong;
"""
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server", "--ignore-certificate-errors")


class Browser:
    """Less than 500 wide is a phone."""

    def __init__(self, width=1280, height=1600, dark=False):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={self.profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        os.environ["no_proxy"] = "localhost,127.0.0.1"
        self.driver = self.start(options)
        if dark:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        if width < 500:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True})

    @staticmethod
    def start(options):
        """A browser that does not come up says nothing about pages: it is started up to three times."""
        for left in (2, 1, 0):
            try:
                return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
            except WebDriverException:
                if left == 0:
                    raise
        return None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        with contextlib.suppress(Exception):
            self.driver.quit()
        # Chromium may still be writing when its driver has ended
        wait_until(lambda: shutil.rmtree(self.profile, ignore_errors=True) or not os.path.exists(self.profile), "the browser's folder is removed")

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
            whole = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
            (pathlib.Path(folder) / f"{name}.png").write_bytes(base64.b64decode(whole["data"]))

    def faults_everywhere(self, name):
        """The faults of the page shown, light and dark, on each of SCREENS; pictures of all."""
        found = []
        for scheme in ("light", "dark"):
            for kind, width, height in SCREENS:
                self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
                self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
                found += [f"{scheme} {kind}: {fault}" for fault in self.driver.execute_script(FAULTS)]
                self.shot(f"{name}-{scheme}-{kind}")
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return found

    def complaints(self):
        """What the browser wrote to its console as warning or error since the last call."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] in ("WARNING", "SEVERE")]
