# SPDX-License-Identifier: GPL-3.0-or-later
"""Swagger UI as a person uses it, in headless Chromium: the page comes up under its strict headers, signs in by OAuth, reads a list and makes a
record. And its files as bytes."""
import json
import re

import pytest
from selenium.webdriver.common.by import By

from browser import Browser
from gateway import Gateway, quickstart, wait_until

PAGES = ("/apis/default/swagger/", "/swagger/")


@pytest.fixture(scope="module")
def site():
    quickstart.swagger_fetch()
    assert quickstart.SWAGGER.is_dir(), "Swagger UI could not be fetched"
    g = Gateway()
    g.swagger = g.register(redirect_uris=[f"{g.origin}{page}oauth2-redirect.html" for page in PAGES])
    g.configure({"sites.default.swagger.client_id": g.swagger["client_id"]})
    assert "reload.done" in g.reload()
    wait_until(lambda: g.get("/swagger/openapi.json").status_code == 200, "the document")
    yield g
    g.close()


@pytest.fixture
def browser():
    b = Browser()
    yield b
    b.close()


class Ui:
    def __init__(self, browser, site, page):
        self.b, self.site = browser, site
        browser.open(site.origin + page)
        browser.click("#operations-tag-patient")

    def authorize_form(self, flow):
        """The open form of one flow, with the client's secret in it and every scope chosen."""
        self.b.click("button.authorize")
        self.b.find(".auth-container")
        form = self.b.until(lambda: next((f for f in self.b.driver.find_elements(By.CSS_SELECTOR, ".auth-container") if flow in f.text), None), f"form {flow}")
        assert self.b.find(f"#client_id_{flow}", form).get_attribute("value") == self.site.swagger["client_id"]
        self.b.fill(self.b.find(f"#client_secret_{flow}", form), self.site.swagger["client_secret"])
        for scope in form.find_elements(By.CSS_SELECTOR, ".scopes input[type=checkbox]"):
            if not scope.is_selected() and scope.get_attribute("data-value") not in ("api:port",) and not scope.get_attribute("data-value").startswith("patient/"):
                self.b.driver.execute_script("arguments[0].click()", scope)
        return form

    def authorized(self):
        self.b.until(lambda: any("Logout" in e.text for e in self.b.driver.find_elements(By.CSS_SELECTOR, ".auth-btn-wrapper button")), "signed in")
        self.b.shot("signed-in")
        self.b.click(".auth-btn-wrapper .btn-done")

    def try_it(self, operation, **query):
        """Opens the operation, executes it as the page proposes it, with these parameters: (status, body shown)."""
        self.b.click(f"[id$='{operation}'] .opblock-summary-control")
        self.b.click(f"[id$='{operation}'] .try-out__btn")
        for name, value in query.items():
            self.b.find(f"[id$='{operation}'] tr[data-param-name='{name}'] input").send_keys(value)
        self.b.click(f"[id$='{operation}'] .execute")
        status = self.b.find(f"[id$='{operation}'] .live-responses-table .response .response-col_status").text.split()[0]
        body = self.b.until(lambda: self.b.find(f"[id$='{operation}'] .live-responses-table .response .highlight-code code").text, "the body")
        self.b.shot(operation)
        return status, body


def patients(ui):
    return int(ui.site.sql("SELECT COUNT(*) FROM patient_data")[0][0])


def read_and_write(ui):
    status, body = ui.try_it("get_api_patient", _limit="2")
    assert status == "200" and body.count('"fname"') == 2
    before = patients(ui)
    status, body = ui.try_it("post_api_patient")
    assert status == "201", body
    assert patients(ui) == before + 1
    assert re.search(r'"uuid": "[0-9a-f-]{36}"', body)


def windows(browser):
    return browser.driver.window_handles


def test_sign_in_by_the_authorization_code_flow_read_and_write(site, browser):
    """PKCE, in a window of its own that comes back through oauth2-redirect.html."""
    ui = Ui(browser, site, PAGES[0])
    browser.shot("page")
    form = ui.authorize_form("authorizationCode")
    assert "PKCE" in form.text
    browser.shot("form-code")
    browser.click(".auth-btn-wrapper .authorize", form)
    browser.until(lambda: len(windows(browser)) == 2, "a second window")
    page = browser.driver.current_window_handle
    browser.driver.switch_to.window(next(w for w in windows(browser) if w != page))
    browser.find("input[name=username]").send_keys("admin")
    browser.find("input[name=password]").send_keys("pass")
    browser.shot("sign-in")
    browser.click("button.main")
    browser.find("button[name=proceed]")
    browser.shot("consent")
    browser.click("button[name=proceed]")
    browser.until(lambda: len(windows(browser)) == 1, "the window closes")
    browser.driver.switch_to.window(page)
    ui.authorized()
    read_and_write(ui)
    assert browser.complaints() == []
    used = [r for r in site.journal() if r.get("route") == "POST /token"]
    assert used and "code_verifier" not in str(used)


def test_who_refuses_at_the_consent_is_not_signed_in(site, browser):
    ui = Ui(browser, site, PAGES[1])
    form = ui.authorize_form("authorizationCode")
    browser.click(".auth-btn-wrapper .authorize", form)
    browser.until(lambda: len(windows(browser)) == 2, "a second window")
    page = browser.driver.current_window_handle
    browser.driver.switch_to.window(next(w for w in windows(browser) if w != page))
    browser.find("input[name=username]").send_keys("admin")
    browser.find("input[name=password]").send_keys("pass")
    browser.click("button.main")
    browser.click("button[name=deny]")
    browser.until(lambda: len(windows(browser)) == 1, "the window closes")
    browser.driver.switch_to.window(page)
    assert "access_denied" in browser.find(".auth-container .errors").text
    browser.shot("denied")


def test_sign_in_by_the_password_grant_read_and_write(site, browser):
    ui = Ui(browser, site, PAGES[0])
    form = ui.authorize_form("password")
    browser.find("#oauth_username", form).send_keys("admin")
    browser.find("#oauth_password", form).send_keys("pass")
    browser.shot("form-password")
    browser.click(".auth-btn-wrapper .authorize", form)
    ui.authorized()
    read_and_write(ui)
    assert browser.complaints() == []


def with_token(browser, site, scope):
    """The page, signed in by a pasted token."""
    ui = Ui(browser, site, PAGES[0])
    browser.click("button.authorize")
    form = browser.until(lambda: next((f for f in browser.driver.find_elements(By.CSS_SELECTOR, ".auth-container") if "http, Bearer" in f.text), None), "form bearer")
    browser.fill(browser.find("input", form), site.staff_token(scope))
    browser.click(".auth-btn-wrapper .authorize", form)
    ui.authorized()
    return ui


def test_a_pasted_token_reads(site, browser):
    ui = with_token(browser, site, "openid api:oemr user/patient.read")
    assert ui.try_it("get_api_patient", _limit="1")[0] == "200"


def test_a_file_is_chosen_and_uploaded(site, browser, tmp_path):
    file, at = tmp_path / "From the page.txt", "[id$='post_api_patient_pid_document']"
    file.write_text("text of a document\n")
    with_token(browser, site, "openid api:oemr user/document.crs")
    browser.click("#operations-tag-document")
    browser.click(f"{at} .opblock-summary-control")
    browser.click(f"{at} .try-out__btn")
    browser.find(f"{at} tr[data-param-name='pid'] input").send_keys("1")
    browser.find(f"{at} input[type=file]").send_keys(str(file))
    browser.click(f"{at} .execute")
    assert browser.find(f"{at} .live-responses-table .response .response-col_status").text.split()[0] == "200"
    browser.shot("upload")
    assert site.sql("SELECT name, mimetype FROM documents WHERE foreign_id = 1 ORDER BY id DESC LIMIT 1") == [[file.name, "text/plain"]]


WIDTH = 390


def test_on_a_phone_nothing_is_wider_than_the_screen(site):
    """Nor is it shown smaller than it is: the layout has the screen's width."""
    with Browser(WIDTH, 844) as phone:
        def wide():
            return phone.driver.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]")
        ui = with_token(phone, site, "openid api:oemr user/patient.crus")
        assert wide() == [WIDTH, WIDTH]
        assert ui.try_it("get_api_patient", _limit="1")[0] == "200"
        assert wide() == [WIDTH, WIDTH]
        assert ui.try_it("post_api_patient")[0] == "201"
        assert wide() == [WIDTH, WIDTH]


# --- its files -----------------------------------------------------------------------------------------------------------------------
FILES = {"": "text/html", "index.html": "text/html", "initializer.js": "text/javascript", "page.css": "text/css", "swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript",
         "oauth2-redirect.html": "text/html", "oauth2-redirect.js": "text/javascript", "favicon-32x32.png": "image/png"}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", FILES)
def test_each_file_is_what_the_folder_holds(site, page, name):
    r = site.get(page + name)
    assert r.status_code == 200 and r.headers["Content-Type"].split(";")[0] == FILES[name]
    assert r.content == (quickstart.SWAGGER / (name or "index.html")).read_bytes()
    assert r.headers["X-Content-Type-Options"] == "nosniff" and r.headers["Cache-Control"] == "no-cache"
    assert site.get(page + name, headers={"If-None-Match": r.headers["ETag"]}).status_code == 304
    if FILES[name] == "text/html":
        policy = r.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert r.headers["Referrer-Policy"] == "same-origin"


def test_a_redirect_uri_with_a_code_gets_the_page(site):
    assert site.get("/swagger/oauth2-redirect.html?code=x&state=y").status_code == 200


@pytest.mark.parametrize("path, status", [
    ("/swagger/nosuch.js", 404), ("/swagger/LICENSE", 404), ("/swagger/../gatehouse.yaml", 404), ("/swagger/..%2fgatehouse.yaml", 404),
    ("/swagger/index.html/", 404), ("/swagger//", 404), ("/apis/nosuch/swagger/", 400), ("/apis/default/swagger/%00", 404)])
def test_nothing_else_is_served(site, path, status):
    assert site.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()).split(b" ")[1] in (str(status).encode(), b"400")


@pytest.mark.parametrize("path", ["/swagger", "/apis/default/swagger"])
def test_without_the_slash_a_redirect(site, path):
    r = site.get(path)
    assert r.status_code == 301 and r.headers["Location"] == "swagger/"
    assert site.get(path, allow_redirects=True).url == f"{site.origin}{path}/"


def test_what_the_page_asks_of_the_site(site):
    told = site.get("/apis/default/swagger/settings.json").json()
    assert told == {"client_id": site.swagger["client_id"], "token_url": f"{site.origin}/oauth2/default/token", "scopes": ["openid", "api:oemr", "api:port"]}


def test_without_the_folder_a_page_says_so_and_check_warns(make_gateway, tmp_path):
    g = make_gateway(extra={"swagger.dir": str(tmp_path)})
    r = g.get("/swagger/")
    assert r.status_code == 404 and "swagger.dir" in r.text and r.headers["Content-Type"].startswith("text/html")
    assert g.get("/swagger/openapi.json").status_code in (200, 503)
    code, out, err = g.cli("check", check=False)
    assert code == 0 and "swagger.dir" in out + err and "index.html" in out + err
    assert any("swagger.dir" in line for line in g.log_lines())
    assert json.loads(g.get("/swagger/settings.json").text)["client_id"] == ""
