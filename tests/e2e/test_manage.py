# SPDX-License-Identifier: GPL-3.0-or-later
"""The manage page: a person signs in, reads which apps have access, and withdraws it; nobody else can."""
import pytest
from app import FREE, App, text_of
from gateway import Gateway

SITE = "/oauth2/default"
SCOPE = "openid fhirUser launch/patient offline_access patient/Patient.rs"


@pytest.fixture(scope="module")
def gateway():
    g = Gateway(extra={**FREE, "sites.default.oauth.openemr_rows": True, "sites.default.oauth.consent_days": 30})
    yield g
    g.close()


@pytest.fixture(scope="module")
def first(gateway):
    return gateway.register(client_name="Growth <b>chart", scope=SCOPE, grant_types=["authorization_code", "refresh_token"])


@pytest.fixture(scope="module")
def second(gateway):
    return gateway.register(client_name="Reminder", scope="openid offline_access patient/Patient.rs",
                            grant_types=["authorization_code", "refresh_token"])


def manage(gateway, browser=None, site="default"):
    return App(gateway, {"client_id": "none"}, browser=browser, site=site).go("GET", f"/oauth2/{site}/manage")


def grant(gateway, made, browser=None, scope=SCOPE):
    """A patient's grant to the app: (App, token answer)."""
    a = App(gateway, made, browser=browser).authorize(scope)
    if a.back is None and a.at("/provider/login"):
        a.sign_in_patient()
    if a.back is None:
        a.allow()
    return a, a.token().json()


def works(gateway, token):
    return gateway.get("/apis/default/fhir/Patient", token).status_code == 200


def test_a_person_signs_in_to_the_page_and_reads_what_apps_may_do(gateway, first, second):
    grant(gateway, first)
    m = manage(gateway)
    assert m.at("/provider/login")
    m.sign_in_patient()
    assert m.at("/manage"), m.page.text
    text = text_of(m.page.text)
    assert "Growth <b>chart" in text and "<b>chart" not in m.page.text and "Reminder" not in text
    assert "see patient details" in text and "keep its access" in text and "Last signed in or renewed on 20" in text
    assert "patient/Patient" not in text  # plain words
    assert "<script" not in m.page.text and m.page.headers["Cache-Control"] == "no-store"


def test_withdrawing_ends_tokens_consent_and_rows_of_that_app_alone(gateway, first, second):
    a, t1 = grant(gateway, first)
    _, t2 = grant(gateway, second, browser=a.browser, scope="openid offline_access patient/Patient.rs launch/patient")
    _, t3 = grant(gateway, second, browser=a.browser, scope="openid offline_access patient/Patient.rs")
    assert works(gateway, t1["access_token"])
    again = App(gateway, first, browser=a.browser).authorize(SCOPE)
    assert again.back and "code" in again.back  # the consent is remembered
    m = manage(gateway, a.browser)
    assert m.at("/manage") and "Reminder" in text_of(m.page.text)
    m.press(("client", first["client_id"]), "/manage")
    assert m.at("/manage") and "withdrawn" in text_of(m.page.text)
    assert "Growth" not in text_of(m.page.text) and "Reminder" in text_of(m.page.text)
    assert not works(gateway, t1["access_token"])
    assert a.refresh(t1["refresh_token"]).status_code in (400, 401)
    assert App(gateway, second).refresh(t3["refresh_token"]).status_code == 200
    assert a.introspect(t1["access_token"])["active"] is False
    assert App(gateway, first, browser=a.browser).authorize(SCOPE).at("/scope-authorize-confirm")  # asked again
    sub = f"client_id='{first['client_id']}'"
    assert gateway.sql(f"SELECT COUNT(*) FROM api_token WHERE {sub} AND revoked=0") == [["0"]]
    assert gateway.sql(f"SELECT COUNT(*) FROM oauth_trusted_user WHERE {sub}") == [["0"]]
    assert t2["token_type"] == "Bearer"


def test_each_person_sees_and_withdraws_only_their_own(gateway, first):
    a, t = grant(gateway, first)
    staff = manage(gateway).sign_in("receptionist")
    assert staff.at("/manage") and "No app has access" in text_of(staff.page.text)
    form = manage(gateway, a.browser).form("/manage")
    mine = staff.form("/manage")
    staff.go("POST", mine["action"], data={**mine["fields"], "client": first["client_id"]})  # nothing of theirs
    assert works(gateway, t["access_token"])
    other = manage(gateway, site="alternate")
    assert other.at("/provider/login")
    for name, browser, data, status in [
            ("no session", gateway.session_new(), {**form["fields"], "client": first["client_id"]}, 400),
            ("no CSRF token", a.browser, {"client": first["client_id"]}, 403),
            ("another's CSRF token", a.browser, {**mine["fields"], "client": first["client_id"]}, 403),
            ("no app", a.browser, form["fields"], 400)]:
        r = browser.post(gateway.origin + form["action"], data=data, allow_redirects=False)
        assert r.status_code == status, name
        assert works(gateway, t["access_token"]), name


def test_a_person_who_was_switched_off_signs_in_again_and_may_not(gateway):
    m = manage(gateway).sign_in("receptionist")
    assert m.at("/manage")
    gateway.sql("UPDATE users SET active=0 WHERE username='receptionist'")
    try:
        again = manage(gateway, m.browser)
        assert again.at("/provider/login")
        assert again.sign_in("receptionist").at("/login") and "verify the information" in again.page.text
    finally:
        gateway.sql("UPDATE users SET active=1 WHERE username='receptionist'")


def test_the_sign_in_for_the_page_gives_no_code(gateway):
    m = manage(gateway)
    url = m.page.url
    m.sign_in_patient()
    assert m.at("/manage") and "code=" not in m.page.url
    for path in ("/scope-authorize-confirm", "/smart/patient-select", "/provider/login"):
        assert m.browser.get(url.replace("/provider/login", path), allow_redirects=False).status_code == 400, path
