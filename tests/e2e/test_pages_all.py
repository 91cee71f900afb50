# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page in headless Chromium, with ordinary content and with the worst that rows and apps bring: readable in light and dark, from a phone to a
desk, by keyboard and screen reader. GATEHOUSE_SHOTS names a folder for pictures of each."""
import re
import urllib.parse

import pytest
from app import FREE
from browser import Browser
from gateway import ROOT, Gateway
from person import Person

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
RTL = "مخطط النمو (v2)"
STAFF = ("admin", "pass")
PATIENT = ("Phil1", "phil", "heya@invalid.email.com")
REGISTER = "/interface/smart/register-app.php"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SEEN = {}


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, patients=60, extra={**FREE, "sites.alternate.oauth.registration": "closed", "sites.alternate.display_name": LONG + " & <Sons>"})
    g.sql(f"UPDATE patient_data SET lname = '{LONG}', fname = '{LONG[:40]}' WHERE pid = 2;"
          "UPDATE patient_data SET lname = 'الخطيب', fname = 'ليلى (x)', sex = 'Female' WHERE pid = 3;"
          "UPDATE patient_data SET lname = 'A <b>', fname = '', DOB = NULL, sex = '' WHERE pid = 4")
    for n in range(25):
        reason = LONG * 3 if n == 23 else "متابعة" if n == 22 else "" if n == 21 else f"Cough & fever, visit {n}"
        g.sql(f"INSERT INTO form_encounter (uuid, date, reason, pid, encounter) VALUES (UNHEX(MD5(RAND())), '2024-03-{n + 1:02d} 10:00:00', '{reason}', 1, {400 + n})")
    yield g
    g.close()


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.close()


def app(gw, name, scope, **more):
    return gw.register(client_name=name, scope=scope, redirect_uris=["http://127.0.0.1:1/cb"], grant_types=["authorization_code", "refresh_token"], **more)


@pytest.fixture(scope="module")
def usual(gw):
    return app(gw, "Growth Chart", "openid fhirUser offline_access profile launch/patient launch/encounter patient/Patient.rs patient/Observation.rs patient/Condition.rs user/Patient.rs",
               policy_uri="https://client.example.org/privacy", tos_uri="https://client.example.org/terms")


@pytest.fixture(scope="module")
def many(gw):
    scopes = [s for s in gw.scopes() if not s.startswith(("system/", "launch"))]
    return app(gw, LONG[:80], " ".join(["openid", "offline_access", "launch/patient", *scopes]))


@pytest.fixture(scope="module")
def arabic(gw):
    return app(gw, RTL, "openid offline_access patient/Patient.rs launch/patient launch/encounter")


def to(browser, gw, path, site="default"):
    browser.open(f"{gw.origin}{path.replace('{base}', '/oauth2/' + site)}")


def begin(browser, gw, client, scope, site="default", **more):
    p = Person(gw, site)
    p.authorize(client, scope, redirect_uri="http://127.0.0.1:1/cb", **more)
    to(browser, gw, "{base}/authorize?" + urllib.parse.urlencode(p.asked), site)


def titled(browser, title):
    browser.until(lambda: browser.driver.execute_script("return document.readyState === 'complete' && document.querySelector('h1')?.textContent") == title, title)


def sign_in(browser, name, password, email=None):
    titled(browser, "Sign in")
    browser.click("#role-patient" if email else "#role-staff")
    for field, text in (("#username", name), ("#password", password), ("#email", email)):
        if text:
            browser.fill(browser.find(field), text)
    browser.click("button.main")


def fresh(browser):
    browser.driver.delete_all_cookies()


def sound(browser, name, title):
    """The page shown has this heading and no fault."""
    titled(browser, title)
    SEEN.setdefault(title, []).append(name)
    assert browser.faults_everywhere(name) == []
    assert [c for c in browser.complaints() if "Content Security" in c or "style" in c] == []


# --- signing in ----------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["usual", "many", "arabic"])
def test_signing_in(gw, browser, request, name):
    client = request.getfixturevalue(name)
    fresh(browser)
    begin(browser, gw, client, "openid")
    sound(browser, f"login-{name}", "Sign in")
    sign_in(browser, "nobody" if name != "many" else LONG * 3, "x", "nobody@example.org")
    browser.until(lambda: browser.driver.find_elements("css selector", "[role=alert]"), "what was wrong")
    sound(browser, f"login-wrong-{name}", "Sign in")
    sign_in(browser, *STAFF)
    titled(browser, "Allow access?")
    begin(browser, gw, client, "openid", prompt="select_account")
    sound(browser, f"account-{name}", "Choose an account")


def test_a_long_name_of_a_site(gw, browser):
    to(browser, gw, REGISTER + "?site=alternate")
    sound(browser, "register-closed", "Register an app")


@pytest.mark.parametrize("method", ["TOTP", "U2F"])
def test_the_second_factor(gw, browser, usual, method):
    user = gw.sql("SELECT id FROM users WHERE username = 'receptionist'")[0][0]
    gw.sql(f"INSERT INTO login_mfa_registrations (user_id, name, last_challenge, method, var1, var2) VALUES ({user}, 'app', NOW(), '{method}', '{SECRET}', '')")
    try:
        fresh(browser)
        begin(browser, gw, usual, "openid")
        sign_in(browser, "receptionist", "pass")
        sound(browser, f"factor-{method}", "Second step")
        if method == "TOTP":
            browser.fill(browser.find("#mfa_token"), "000000")
            browser.click("button.main")
            browser.until(lambda: browser.driver.find_elements("css selector", "[role=alert]"), "what was wrong")
            sound(browser, "factor-wrong", "Second step")
    finally:
        gw.sql("DELETE FROM login_mfa_registrations")


# --- patients and visits ---------------------------------------------------------------------------------------------------------------------
def choose(browser, last):
    browser.fill(browser.find("[name='search[lname]']"), last)
    browser.click(".search button")
    browser.until(lambda: "lname%5D=" + urllib.parse.quote_plus(last) in browser.driver.current_url, "the search")


def test_patients_and_visits(gw, browser, usual):
    fresh(browser)
    begin(browser, gw, usual, "openid launch/patient launch/encounter patient/Patient.rs")
    sign_in(browser, *STAFF)
    sound(browser, "patients", "Choose a patient")
    browser.click(".pages a")
    browser.until(lambda: "page=1" in browser.driver.current_url, "the next page")
    sound(browser, "patients-2", "Choose a patient")
    for name, last in (("none", "Zzz"), ("long", LONG[:12]), ("rtl", "الخ")):
        choose(browser, last)
        sound(browser, f"patients-{name}", "Choose a patient")
    browser.click("button[name=patient_id]")
    sound(browser, "visits-none", "Choose a visit")
    browser.click("button[value=none]")
    titled(browser, "Allow access?")
    begin(browser, gw, usual, "openid launch/patient launch/encounter patient/Patient.rs")
    titled(browser, "Choose a patient")
    choose(browser, "Belford")
    browser.click("button[name=patient_id]")
    sound(browser, "visits", "Choose a visit")


# --- consent -----------------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", [STAFF, PATIENT], ids=["staff", "patient"])
@pytest.mark.parametrize("name", ["usual", "many", "arabic"])
def test_consent(gw, browser, request, name, who):
    client = request.getfixturevalue(name)
    scope = {"usual": "openid fhirUser offline_access profile patient/Patient.rs patient/Observation.rs patient/Condition.rs user/Patient.rs",
             "arabic": "openid offline_access patient/Patient.rs"}.get(name)
    fresh(browser)
    begin(browser, gw, client, scope or " ".join(s for s in gw.scopes() if not s.startswith(("system/", "launch"))))
    sign_in(browser, *who)
    titled(browser, "Allow access?")
    browser.driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    sound(browser, f"consent-{name}-{'staff' if who is STAFF else 'patient'}", "Allow access?")


def test_consent_to_nothing_but_signing_in(gw, browser, usual):
    fresh(browser)
    begin(browser, gw, usual, "openid")
    sign_in(browser, *STAFF)
    sound(browser, "consent-openid", "Allow access?")


# --- what a person sees later ------------------------------------------------------------------------------------------------------------------
def test_the_list_of_apps_and_signing_out(gw, browser, usual, many, arabic):
    fresh(browser)
    for client, scope in ((usual, "openid offline_access patient/Patient.rs"), (many, " ".join(s for s in gw.scopes() if s.startswith(("patient/", "api:", "open", "off")))),
                          (arabic, "openid offline_access patient/Patient.rs")):
        p = Person(gw).authorize(client, scope, redirect_uri="http://127.0.0.1:1/cb").login_patient().allow()
        assert p.redeem(client, redirect_uri="http://127.0.0.1:1/cb").status_code == 200
    to(browser, gw, "{base}/manage")
    sound(browser, "manage-login", "Sign in")
    sign_in(browser, *PATIENT)
    sound(browser, "manage", "Apps with access")
    browser.click("button[name=client]")
    browser.until(lambda: "withdrawn" in browser.driver.current_url, "the list after withdrawing")
    sound(browser, "manage-withdrawn", "Apps with access")
    to(browser, gw, "{base}/logout")
    sound(browser, "sign-out", "Sign out")
    browser.click("button.main")
    sound(browser, "signed-out", "Signed out")
    to(browser, gw, "{base}/manage")
    sign_in(browser, "receptionist", "pass")
    sound(browser, "manage-none", "Apps with access")


# --- refusals -----------------------------------------------------------------------------------------------------------------------------------
def test_refusals(gw, browser, usual):
    fresh(browser)
    begin(browser, gw, {"client_id": "nobody"}, "openid")
    sound(browser, "error-client", "This did not work")
    p = Person(gw)
    p.authorize(usual, "openid", redirect_uri="https://evil.example.org/")
    to(browser, gw, "{base}/authorize?" + urllib.parse.urlencode(p.asked))
    sound(browser, "error-redirect", "This did not work")
    to(browser, gw, "{base}/provider/login?flow=AAAAAAAAAAAAAAAA")
    sound(browser, "error-step", "This did not work")
    begin(browser, gw, usual, "openid")
    titled(browser, "Sign in")
    browser.driver.execute_script("document.querySelector('[name=csrf_token_form]').value = 'x'")
    sign_in(browser, *STAFF)
    sound(browser, "error-csrf", "This did not work")


def test_a_store_that_is_down_is_a_page(make_gateway, browser):
    g = make_gateway(own_stores=True, extra=FREE)
    c = app(g, "Growth Chart", "openid")
    fresh(browser)
    begin(browser, g, c, "openid")
    titled(browser, "Sign in")
    browser.complaints()
    g.stores.stop_one("redis")
    sign_in(browser, *STAFF)
    sound(browser, "error-busy", "This did not work")


# --- registration of apps -------------------------------------------------------------------------------------------------------------------------
def test_registration(gw, browser):
    fresh(browser)
    to(browser, gw, REGISTER)
    sound(browser, "register", "Register an app")
    browser.driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    sound(browser, "register-open", "Register an app")
    for kind, uri, title in (("public", "http://not.example.org/", "Register an app"), ("public", "https://app.example.org/cb", "The app is registered"),
                             ("private", "https://app.example.org/cb", "The app is registered")):
        to(browser, gw, REGISTER)
        browser.fill(browser.find("[name=client_name]"), LONG[:80])
        browser.fill(browser.find("[name=redirect_uris]"), uri)
        browser.click(f"[name=application_type][value={kind}]")
        browser.click("button.main")
        browser.until(lambda: "not registered" in browser.driver.page_source or "is registered" in browser.driver.page_source, "an answer")
        sound(browser, f"registered-{kind}" if "cb" in uri else "register-wrong", title)


# --- all of them -----------------------------------------------------------------------------------------------------------------------------------
def test_no_page_was_left_out():
    """Each heading of the message table was looked at above."""
    table = (ROOT / "gateway/oauth/pages/messages.h").read_text()
    titles = set(re.findall(r'X\(\w+_TITLE,\s*"([^"]+)"\)', table))
    assert titles and titles - set(SEEN) == set()
