# SPDX-License-Identifier: GPL-3.0-or-later
"""The error table of OpenEMR's authorization server (contract/oauth2.md 2.1) as rows: status, every member word for word and the fields, in compat
classic; and what compat v8 says instead, after RFC 6749 5.2."""
import base64
import urllib.parse

import pytest
from app import FREE
from gateway import Gateway

REQ = (400, "invalid_request", "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.")
CLI = (401, "invalid_client", "Client authentication failed")
SCO = (400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
GRA = (400, "invalid_grant", "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the "
       "redirection URI used in the authorization request, or was issued to another client.")
RTK = (401, "invalid_request", "The refresh token is invalid.")
UNS = (400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
PASSWORD = {"grant_type": "password", "scope": "openid", "user_role": "users", "username": "admin", "password": "pass"}
CODE = {"grant_type": "authorization_code", "redirect_uri": "https://client.example.org/callback", "code_verifier": "v" * 43}
REFRESH = {"grant_type": "refresh_token"}
# what, form, error, hint in classic; None for a member: left out
ROWS = [
    ("another grant", {"grant_type": "implicit"}, UNS, "Check that all required parameters have been provided"),
    ("no client_id", {**PASSWORD, "client_id": None}, REQ, "Check the `client_id` parameter"),
    ("unknown client", {**PASSWORD, "client_id": "nobody"}, CLI, None),
    ("wrong secret", {**PASSWORD, "client_secret": "wrong"}, CLI, None),
    ("no username", {**PASSWORD, "username": None}, REQ, "Check the `username` parameter"),
    ("no password", {**PASSWORD, "password": None}, REQ, "Check the `password` parameter"),
    ("no role", {**PASSWORD, "user_role": None}, REQ, "Check the `user_role` parameter"),
    ("a patient without e-mail", {**PASSWORD, "user_role": "patient"}, REQ, "Check the `email` parameter"),
    ("a scope of nobody's", {**PASSWORD, "scope": "openid user/Nothing.read"}, SCO, "Check the `user/Nothing.read` scope"),
    ("wrong password", {**PASSWORD, "password": "wrong"}, GRA, "Failed Authentication"),
    ("no code", {**CODE, "code": None}, REQ, "Check the `code` parameter"),
    ("no refresh token", REFRESH, REQ, "Check the `refresh_token` parameter"),
    ("rubbish for a refresh token", {**REFRESH, "refresh_token": "rubbish"}, RTK, "Token has been revoked"),
    ("credentials without assertion", {"grant_type": "client_credentials"}, REQ, "assertion type is not supported"),
]


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, "sites.default.compat": "classic", "sites.alternate.compat": "v8"})
    yield g
    g.close()


@pytest.fixture(scope="module")
def clients(gw):
    return {site: gw.register(site, scope="openid offline_access api:oemr user/facility.read patient/Patient.read",
                              grant_types=["authorization_code", "refresh_token", "password", "client_credentials"]) for site in ("default", "alternate")}


@pytest.mark.parametrize("site", ["default", "alternate"])
@pytest.mark.parametrize("what, form, error, hint", ROWS, ids=[r[0] for r in ROWS])
def test_the_envelope(gw, clients, site, what, form, error, hint):
    made = clients[site]
    form = {"client_id": made["client_id"], "client_secret": made["client_secret"], **form}
    r = gw.token_request(site, **{k: v for k, v in form.items() if v is not None})
    status, name, text = GRA if error is RTK and site == "alternate" else error
    want = {"error": name, "error_description": text, "message": text, **({"hint": hint} if hint else {})}
    assert (r.status_code, r.json()) == (status, want)
    assert r.headers["content-type"].startswith("application/json") and r.headers["cache-control"] == "no-store" and "www-authenticate" not in r.headers


def test_basic_authentication_is_challenged_when_it_was_tried(gw, clients):
    wrong = base64.b64encode(f"{clients['default']['client_id']}:wrong".encode()).decode()
    for tried in ("Basic " + wrong, "basic " + wrong, "Basic ?", "Basic"):
        r = gw.post("/oauth2/default/token", headers={"Authorization": tried}, data=PASSWORD)
        assert (r.status_code, r.json()["error"]) == (401, "invalid_client") and r.headers["www-authenticate"] == 'Basic realm="OAuth"', tried


@pytest.mark.parametrize("kind, read", [
    ("application/x-www-form-urlencoded", True), ("Application/X-WWW-Form-Urlencoded ; charset=utf-8", True), (None, True), ("text/plain", False),
    ("multipart/form-data; boundary=x", False), ("application/x-www-form-urlencodedx", False), ("application/xml", False), ("application/jsonp", False)], ids=str)
def test_the_token_endpoint_reads_forms_and_json(gw, clients, kind, read):
    body = urllib.parse.urlencode({**PASSWORD, "client_id": clients["default"]["client_id"], "client_secret": clients["default"]["client_secret"]})
    r = gw.post("/oauth2/default/token", data=body, headers={"Content-Type": kind})
    assert (r.status_code, r.json().get("error")) == ((200, None) if read else (400, "invalid_request"))


def test_a_token_of_another_client_is_not_linked(gw, clients):
    other = gw.register(grant_types=["refresh_token", "password"])
    t = gw.token("openid offline_access", client=clients["default"])
    r = gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], client_id=other["client_id"], client_secret=other["client_secret"])
    assert (r.status_code, r.json()["error"], r.json()["hint"]) == (401, "invalid_request", "Token is not linked to client")


@pytest.mark.parametrize("site, asked, then", [("default", "openid", None), ("default", "openid offline_access", {"openid", "offline_access"}),
                                               ("alternate", "openid", {"openid", "offline_access", "patient/Patient.read"}),
                                               ("alternate", "openid offline_access", {"openid", "offline_access", "patient/Patient.read"})])
def test_what_a_refresh_that_asks_for_less_leaves(gw, clients, site, asked, then):
    """The next refresh token stands for what was asked, as in OpenEMR, or for what the used one did (RFC 6749 6); None: there is none."""
    made = clients[site]
    who = {"grant_type": "refresh_token", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    t = gw.token("openid offline_access patient/Patient.read", site=site, client=made)
    less = gw.token_request(site, **who, refresh_token=t["refresh_token"], scope=asked)
    assert less.status_code == 200 and less.json()["scope"].split() == asked.split() and ("refresh_token" in less.json()) == (then is not None)
    if then:
        whole = gw.token_request(site, **who, refresh_token=less.json()["refresh_token"])
        assert set(whole.json()["scope"].split()) == then


def test_a_store_that_is_down_is_no_error_of_the_client(make_gateway):
    """Where OpenEMR says server_error with the exception's text, Gatehouse says when to come again, and nothing of the cause."""
    gw = make_gateway(own_stores=True, extra=FREE)
    made = gw.client()
    gw.stores.stop_one("mariadb")
    r = gw.token_request(**PASSWORD, client_id=made["client_id"], client_secret=made["client_secret"])
    assert r.status_code == 503 and r.headers["retry-after"] and "maria" not in r.text.lower() and "sql" not in r.text.lower()
