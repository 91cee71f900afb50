# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in headless Chromium: a whole sign-in by keyboard alone, no complaint of the browser (CSP), labels, contrast in light and dark, width of
a phone. GATEHOUSE_SHOTS names a folder for pictures."""
import http.server
import pathlib
import sys
import threading
import urllib.parse

import pytest
from selenium.webdriver.common.keys import Keys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from browser import Browser  # noqa: E402
from person import Person  # noqa: E402

SCOPE = ("openid offline_access fhirUser profile email api:fhir patient/Patient.rs patient/Observation.rs patient/Condition.rs user/Patient.rs "
         "user/Observation.rs")

@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.close()


@pytest.fixture(scope="module")
def callback():
    """The client's loopback address: keeps what came."""
    class Handler(http.server.BaseHTTPRequestHandler):
        came = []

        def do_GET(self):
            if self.path.startswith("/cb"):
                self.came.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><title>back</title><link rel=icon href='data:,'>")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/cb", Handler.came
    server.shutdown()


@pytest.fixture(scope="module")
def client(gateway):
    return gateway.register(scope=SCOPE, application_type="private", grant_types=["authorization_code", "refresh_token"], client_name="Growth Chart",
                            redirect_uris=["http://127.0.0.1/cb"], policy_uri="https://client.example.org/privacy")


def shows(browser, title):
    """Waits for the page of this title; reads by script, since elements of the page before go stale."""
    browser.until(lambda: browser.driver.execute_script(
        "return document.readyState === 'complete' && document.querySelector('h1')?.textContent") == title, title)


def alert(browser):
    return browser.until(lambda: browser.driver.execute_script("return document.readyState === 'complete' && document.querySelector('[role=alert]')?.textContent"),
                         "a problem is told")


def focused(browser):
    return browser.driver.switch_to.active_element


def tab_to(browser, selector):
    """Presses Tab until the element has the focus; each stop on the way must be seen."""
    want = browser.driver.find_element("css selector", selector)
    for _ in range(60):
        at = focused(browser)
        if at == want:
            return at
        at.send_keys(Keys.TAB)
        style = browser.driver.execute_script("const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth")
        assert "none" not in style and not style.endswith("0px"), f"focus is not seen: {focused(browser).get_attribute('outerHTML')[:200]}"
    raise AssertionError(f"Tab does not reach {selector}")


def start(gateway, browser, client, redirect, scope=SCOPE, **more):
    p = Person(gateway)
    p.authorize(client, scope, redirect_uri=redirect, **more)  # makes the parameters; the browser sends them anew
    browser.open(p.path("/authorize") + "?" + urllib.parse.urlencode(p.asked))
    return p


def test_a_sign_in_by_keyboard_alone(gateway, browser, client, callback):
    redirect, came = callback
    p = start(gateway, browser, client, redirect)
    shows(browser, "Sign in")
    browser.until(lambda: browser.driver.execute_script("return document.activeElement?.name") == "username", "the focus is where one begins")
    focused(browser).send_keys("admin", Keys.TAB, "wrong", Keys.ENTER)
    assert "verify the information" in alert(browser)
    tab_to(browser, "#password").send_keys("pass", Keys.ENTER)
    shows(browser, "Allow access?")
    tab_to(browser, "input[name='scope[user/Patient.rs]']").send_keys(Keys.SPACE)
    tab_to(browser, "button.main").send_keys(Keys.ENTER)
    browser.until(lambda: came, "the client was called")
    got = came.pop()
    assert got["state"] == p.state and got["iss"]
    body = p.redeem(client, got["code"]).json()
    assert "user/Observation.rs" in body["scope"].split() and "user/Patient.rs" not in body["scope"].split()
    assert browser.complaints() == [], "the browser complains (CSP, missing file)"


def test_pages_can_be_read_in_light_and_dark_on_desk_and_phone(gateway, browser, client, callback):
    redirect, came = callback
    browser.driver.delete_all_cookies()
    start(gateway, browser, client, redirect, prompt="login")
    assert browser.faults_everywhere("login") == []
    browser.click("#role-patient")
    assert browser.find("#email").is_displayed(), "patients are asked for their address"
    browser.fill(browser.find("#username"), "nobody")
    browser.fill(browser.find("#password"), "x")
    browser.click("button.main")
    alert(browser)
    assert browser.faults_everywhere("login-wrong") == []
    browser.click("#role-staff")
    browser.until(lambda: not browser.driver.find_element("css selector", "#email").is_displayed(), "staff are not")
    for name, text in (("#username", "admin"), ("#password", "pass")):
        browser.driver.find_element("css selector", name).clear()
        browser.find(name).send_keys(text)
    browser.click("button.main")
    shows(browser, "Allow access?")
    assert browser.faults_everywhere("consent") == []
    start(gateway, browser, client, redirect, prompt="select_account")
    shows(browser, "Choose an account")
    assert browser.faults_everywhere("account") == []
    start(gateway, browser, client, "https://evil.example/cb")
    shows(browser, "This did not work")
    assert browser.faults_everywhere("error") == []


def test_denial_leads_back_to_the_client(gateway, browser, client, callback):
    redirect, came = callback
    start(gateway, browser, client, redirect)
    shows(browser, "Allow access?")
    browser.click("button.other")
    browser.until(lambda: came, "the client was called")
    assert came.pop()["error"] == "access_denied"
    assert [c for c in browser.complaints() if "Content Security" in c] == []
