# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorization code flow in a browser without JavaScript: each promise and each refusal is a row. docs/oauth.md."""
import concurrent.futures
import hashlib
import json
import pathlib
import sys
import time
import urllib.parse

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import Gateway  # noqa: E402
from person import REDIRECT, Page, Person  # noqa: E402
from tokens import b64, claims_of, totp  # noqa: E402

SCOPE = ("openid offline_access fhirUser api:fhir api:oemr patient/Patient.rs patient/Observation.rs user/Patient.rs user/allergy.read "
         "user/allergy.write")
COOKIE = "__Host-gatehouse-default"


def classes(limit=100000):
    """Rate classes that a file full of sign-ins does not reach."""
    return {f"rate.classes.{n}": {"limit": limit, "window": "1m", "burst": limit, "by": "address"} for n in ("page", "login", "token", "register")}


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(extra={**classes(), "sites.alternate.compat": "v8"}, stores=shared_stores)
    yield g
    g.close()


@pytest.fixture(scope="module")
def client(gw):
    return gw.register(scope=SCOPE, grant_types=["authorization_code", "refresh_token"], client_name="Growth <b>Chart</b>")


@pytest.fixture(scope="module")
def public(gw):
    return gw.register(scope="openid patient/Patient.rs launch/patient", application_type="public", token_endpoint_auth_method="none",
                       grant_types=["authorization_code"])


@pytest.fixture
def person(gw):
    return Person(gw)


def signed_in(gw, client, scope="openid", **more):
    p = Person(gw)
    p.authorize(client, scope, **more).login()
    return p


def through(gw, client, scope="openid", **more):
    """A whole flow: the person who has just left with a code."""
    return signed_in(gw, client, scope, **more).allow()


# --- the flow ---------------------------------------------------------------------------------------------------------------------
def test_staff_sign_in_allow_and_get_tokens(gw, client, person):
    person.authorize(client, SCOPE, nonce="n-0S6")
    assert person.page.title == "Sign in" and "Growth <b>Chart</b>" in person.page.text
    person.login()
    assert person.page.title == "Allow access?" and "Growth <b>Chart</b>" in person.page.text
    person.allow()
    got = person.answer()
    assert person.left.startswith(REDIRECT + "?") and got["state"] == person.state and got["iss"] == f"{gw.origin}/oauth2/default"
    r = person.redeem(client)
    assert r.status_code == 200 and r.headers["cache-control"] == "no-store"
    body = r.json()
    assert body["token_type"] == "Bearer" and body["refresh_token"] and "api:" not in body["scope"]
    claims = claims_of(body["id_token"])
    half = hashlib.sha256(body["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == b64(half)
    assert claims["nonce"] == "n-0S6" and claims["amr"] == ["pwd"] and claims["acr"] == "1" and claims["aud"] == client["client_id"]
    assert abs(claims["auth_time"] - time.time()) < 30 and claims["iss"] == got["iss"] and claims["sid"]
    assert gw.get("/apis/default/fhir/Patient?_count=1", body["access_token"]).status_code == 200


def test_a_patient_gets_no_user_scopes_and_its_own_record(gw, client, person):
    person.authorize(client, SCOPE).login_patient()
    assert "Your health record" in person.page.text and "Everything you may work with" not in person.page.text
    body = person.allow().redeem(client).json()
    assert "user/" not in body["scope"] and "patient/Patient.rs" in body["scope"]
    bundle = gw.get("/apis/default/fhir/Patient", body["access_token"]).json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == [claims_of(body["access_token"])["sub"]]


def test_a_public_client_needs_no_secret_but_its_verifier(gw, public, person):
    person.authorize(public, "openid patient/Patient.rs").login_patient().allow()
    r = person.redeem(public)
    assert r.status_code == 200 and "refresh_token" not in r.json()


def test_refresh_keeps_the_time_of_the_sign_in_and_not_the_nonce(gw, client):
    p = through(gw, client, "openid offline_access", nonce="once", )
    first = p.redeem(client).json()
    r = gw.token_request(grant_type="refresh_token", refresh_token=first["refresh_token"], client_id=client["client_id"],
                         client_secret=client["client_secret"])
    a, b = claims_of(first["id_token"]), claims_of(r.json()["id_token"])
    assert b["auth_time"] == a["auth_time"] and b["amr"] == ["pwd"] and b["sid"] == a["sid"] and "nonce" not in b


def test_authlib_gets_tokens_and_verifies_the_id_token(gw, client, person):
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    from authlib.jose import JsonWebKey, jwt
    from authlib.oidc.core import CodeIDToken
    meta = gw.get("/oauth2/default/.well-known/openid-configuration").json()
    app = authlib.OAuth2Session(client["client_id"], client["client_secret"], scope="openid", redirect_uri=REDIRECT,
                                token_endpoint_auth_method="client_secret_post", code_challenge_method="S256")
    app.trust_env = False
    app.verify = gw.ca
    verifier = "v" * 64
    url, state = app.create_authorization_url(meta["authorization_endpoint"], nonce="abc", code_verifier=verifier)
    person.get(url).login().allow()
    token = app.fetch_token(meta["token_endpoint"], authorization_response=person.left, code_verifier=verifier, state=state)
    keys = JsonWebKey.import_key_set(gw.get("/oauth2/default/jwk").json())
    claims = jwt.decode(token["id_token"], keys, claims_cls=CodeIDToken,
                        claims_options={"iss": {"value": meta["issuer"]}, "aud": {"value": client["client_id"]}},
                        claims_params={"nonce": "abc", "client_id": client["client_id"], "access_token": token["access_token"]})
    claims.validate()


@pytest.mark.parametrize("name", ["request", "request_uri", "registration", "response_mode", "prompt", "max_age", "id_token_hint", "login_hint", "ui_locales", "nonce",
                                  "launch", "claims", "display", "acr_values", "unknown"])
def test_a_parameter_without_a_value_is_as_none(gw, client, person, name):
    """RFC 6749 3.1."""
    person.authorize(client, "openid", **{name: ""})
    assert person.left is None and person.page.title == "Sign in"


def test_post_starts_a_flow_as_get_does(gw, client, person):
    person.authorize(client, "openid", method="POST").login().allow()
    assert person.redeem(client).status_code == 200


def test_a_form_of_another_site_signs_nobody_out(gw, client):
    """SameSite=Lax: the browser sends no cookie with it. The answer must not replace the one it keeps back."""
    p = signed_in(gw, client)
    params = dict(p.asked, state="other")
    r = gw.session_new().post(p.path("/authorize"), data=params, allow_redirects=False)
    assert r.status_code == 303 and "set-cookie" not in r.headers
    p.get(urllib.parse.urljoin(p.path("/authorize"), r.headers["location"]))
    assert p.page.title == "Allow access?"


# --- refused: no trusted way back -------------------------------------------------------------------------------------------------
HERE = [  # what, changes, OpenEMR's error for a program in compat: classic
    ("no client_id", {"client_id": None}, 400, "unsupported_grant_type"),
    ("unknown client", {"client_id": "nobody"}, 401, "invalid_client"),
    ("other case of the client_id", {"client_id": str.swapcase}, 401, "invalid_client"),
    ("endless client_id", {"client_id": "x" * 5000}, 401, "invalid_client"),
    ("redirect not registered", {"redirect_uri": "https://evil.example/callback"}, 401, "invalid_client"),
    ("redirect with more path", {"redirect_uri": REDIRECT + "/more"}, 401, "invalid_client"),
    ("redirect with a query", {"redirect_uri": REDIRECT + "?x=1"}, 401, "invalid_client"),
    ("redirect with a fragment", {"redirect_uri": REDIRECT + "#x"}, 401, "invalid_client"),
    ("redirect in other case", {"redirect_uri": REDIRECT.replace("client.", "CLIENT.")}, 401, "invalid_client"),
    ("redirect with a port", {"redirect_uri": REDIRECT.replace(".org/", ".org:444/")}, 401, "invalid_client"),
    ("redirect of two, joined", {"redirect_uri": REDIRECT + "|" + REDIRECT}, 401, "invalid_client"),
    ("empty redirect", {"redirect_uri": ""}, 401, "invalid_client"),
]


@pytest.mark.parametrize("what, changes, status, error", HERE, ids=[r[0] for r in HERE])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_trusted_redirect_the_person_gets_a_page(gw, client, person, what, changes, status, error, method):
    changes = {k: v(client[k]) if callable(v) else v for k, v in changes.items()}
    person.authorize(client, "openid", method=method, **changes)
    assert person.left is None and person.page.status == 400 and person.page.title == "This did not work"
    query = urllib.parse.urlencode(person.asked)
    classic = gw.get(f"/oauth2/default/authorize?{query}", headers={"Accept": "application/json"})
    assert (classic.status_code, classic.json()["error"]) == (status, error)
    v8 = gw.get(f"/oauth2/alternate/authorize?{query}", headers={"Accept": "application/json"})
    assert v8.status_code == 400 and "text/html" in v8.headers["content-type"]


def test_client_id_or_redirect_uri_twice_is_a_page(gw, client, person):
    for name in ("client_id", "redirect_uri"):
        person.authorize(client)
        url = person.path("/authorize") + "?" + urllib.parse.urlencode(list(person.asked.items()) + [(name, person.asked[name])])
        person.get(url)
        assert person.left is None and person.page.status == 400, name


def test_a_disabled_client_is_refused_at_authorize_and_token(gw, person):
    c = gw.register(scope="openid", grant_types=["authorization_code"])
    p = through(gw, c)
    gw.cli("client", "disable", "--site", "default", c["client_id"])
    assert p.redeem(c).json()["error"] == "invalid_client"
    person.authorize(c)
    assert person.left is None and person.page.status == 400


# --- refused: told to the client ----------------------------------------------------------------------------------------------------
TOLD = [  # what, changes, error
    ("no response_type", {"response_type": None}, "invalid_request"),
    ("token", {"response_type": "token"}, "unsupported_response_type"),
    ("hybrid", {"response_type": "code id_token"}, "unsupported_response_type"),
    ("Code", {"response_type": "Code"}, "unsupported_response_type"),
    ("fragment", {"response_mode": "fragment"}, "invalid_request"),
    ("form_post", {"response_mode": "form_post"}, "invalid_request"),
    ("request object", {"request": "eyJ"}, "request_not_supported"),
    ("request_uri", {"request_uri": "https://x.example/"}, "request_uri_not_supported"),
    ("plain", {"code_challenge_method": "plain"}, "invalid_request"),
    ("no method", {"code_challenge_method": None}, "invalid_request"),
    ("S256 in other case", {"code_challenge_method": "s256"}, "invalid_request"),
    ("short challenge", {"code_challenge": "a" * 42}, "invalid_request"),
    ("long challenge", {"code_challenge": "a" * 129}, "invalid_request"),
    ("padded challenge", {"code_challenge": "a" * 43 + "="}, "invalid_request"),
    ("method without challenge", {"code_challenge": None}, "invalid_request"),
    ("unknown scope", {"scope": "openid nonsense"}, "invalid_scope"),
    ("malformed scope", {"scope": "patient/Patient.sr"}, "invalid_scope"),
    ("unknown prompt", {"prompt": "maybe"}, "invalid_request"),
    ("none with login", {"prompt": "none login"}, "invalid_request"),
    ("negative max_age", {"max_age": "-1"}, "invalid_request"),
    ("max_age no number", {"max_age": "soon"}, "invalid_request"),
    ("other audience", {"aud": "https://other.example/fhir"}, "invalid_request"),
    ("launch not ours", {"launch": "nonsense", "aud": "{api}/fhir"}, "invalid_request"),
    ("launch without aud", {"launch": "nonsense"}, "invalid_request"),
    ("nobody signed in", {"prompt": "none"}, "login_required"),
]


@pytest.mark.parametrize("what, changes, error", TOLD, ids=[r[0] for r in TOLD])
def test_with_a_trusted_redirect_the_client_is_told(gw, client, person, what, changes, error):
    changes = {k: v.replace("{api}", f"{gw.origin}/apis/default") if v else v for k, v in changes.items()}
    person.authorize(client, **{"scope": "openid", **changes})
    got = person.answer()
    assert person.left.startswith(REDIRECT + "?")
    assert (got["error"], got["state"], got["iss"]) == (error, person.state, f"{gw.origin}/oauth2/default") and "code" not in got


@pytest.mark.parametrize("name", ["state", "scope", "nonce", "response_type", "code_challenge", "code_challenge_method", "unknown"])
def test_a_parameter_that_stands_twice_is_refused(gw, client, person, name):
    person.authorize(client, "openid", unknown="x", nonce="n")
    pairs = list(person.asked.items()) + [(name, "again")]
    person.get(person.path("/authorize") + "?" + urllib.parse.urlencode(pairs))
    got = person.answer()
    assert got["error"] == "invalid_request" and got["iss"] and ("state" in got) == (name != "state")


def test_a_public_client_without_challenge_is_refused(gw, public, person):
    person.authorize(public, "openid", code_challenge=None, code_challenge_method=None)
    assert person.answer()["error"] == "invalid_request"


def test_a_client_that_did_not_register_the_grant_is_refused(gw, person):
    c = gw.register(scope="openid", grant_types=["client_credentials"])
    person.authorize(c)
    assert person.answer()["error"] == "unauthorized_client"
    assert gw.token_request(grant_type="authorization_code", code="x", client_id=c["client_id"],
                            client_secret=c["client_secret"]).json()["error"] == "unauthorized_client"


def test_scopes_that_are_not_registered_are_dropped(gw, client):
    body = through(gw, client, "openid patient/Condition.rs user/Patient.rs").redeem(client).json()
    assert set(body["scope"].split()) == {"openid", "user/Patient.rs"}


def test_without_scope_or_state_or_pkce_a_confidential_client_finishes(gw, client, person):
    person.authorize(client, None, state=None, code_challenge=None, code_challenge_method=None)
    person.login().allow()
    assert "state" not in person.answer()
    r = person.redeem(client, code_verifier=None)
    assert r.status_code == 200 and r.json()["scope"] == "" and "id_token" not in r.json()


# --- loopback (RFC 8252 7.3) --------------------------------------------------------------------------------------------------------
LOOPBACK = [
    ("http://127.0.0.1:49152/cb", True), ("http://127.0.0.1/cb", True), ("http://[::1]:5000/app", True),
    ("http://127.0.0.1:49152/other", False), ("http://127.0.0.1:49152/cb?x=1", False), ("https://127.0.0.1:49152/cb", False),
    ("http://localhost:49152/cb", False), ("http://127.0.0.2:49152/cb", False), ("http://user@127.0.0.1:1/cb", False),
    ("http://127.0.0.1:49152/cb#f", False), ("http://127.0.0.1.evil.example:1/cb", False),
]


def test_on_loopback_only_the_port_is_free(gw):
    c = gw.register(scope="openid", application_type="public", token_endpoint_auth_method="none", grant_types=["authorization_code"],
                    redirect_uris=["http://127.0.0.1:8000/cb", "http://[::1]:8000/app"])
    for uri, good in LOOPBACK:
        p = Person(gw).authorize(c, "openid", redirect_uri=uri)
        assert (p.page.title == "Sign in") == good, uri
        if good:
            p.login().allow()
            assert p.left.startswith(uri + "?") and p.redeem(c).status_code == 200, uri


# --- the code ------------------------------------------------------------------------------------------------------------------------
CODE = [  # what, changes of the token request, error
    ("unknown code", {"code": "nonsense"}, "invalid_grant"),
    ("endless code", {"code": "x" * 5000}, "invalid_grant"),
    ("no code", {"code": ""}, "invalid_request"),
    ("other redirect_uri", {"redirect_uri": "https://client.example.org/other"}, "invalid_grant"),
    ("no redirect_uri", {"redirect_uri": None}, "invalid_request"),
    ("no verifier", {"code_verifier": None}, "invalid_request"),
    ("other verifier", {"code_verifier": "w" * 64}, "invalid_grant"),
    ("short verifier", {"code_verifier": "w"}, "invalid_grant"),
    ("wrong secret", {"client_secret": "wrong"}, "invalid_client"),
    ("no secret", {"client_secret": None}, "invalid_client"),
]


@pytest.mark.parametrize("what, changes, error", CODE, ids=[r[0] for r in CODE])
def test_a_code_is_refused(gw, client, what, changes, error):
    p = through(gw, client)
    changes = dict(changes)
    code = changes.pop("code", p.answer()["code"])
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": client["client_id"],
            "client_secret": client["client_secret"], "code_verifier": p.verifier, **changes}
    r = gw.token_request(**{k: v for k, v in form.items() if v is not None})
    assert r.status_code in (400, 401) and r.json()["error"] == error and "access_token" not in r.json()
    assert r.headers["cache-control"] == "no-store"


def test_a_verifier_for_a_code_without_challenge_is_refused(gw, client):
    p = through(gw, client, code_challenge=None, code_challenge_method=None)
    assert p.redeem(client).json()["error"] == "invalid_grant"


def test_a_code_of_another_client_is_refused_and_stays_good_for_its_own(gw, client):
    other = gw.register(scope="openid", grant_types=["authorization_code"])
    p = through(gw, client)
    assert p.redeem(other).json()["error"] == "invalid_grant"
    assert p.redeem(client).status_code == 200


def test_a_code_of_another_site_is_refused(gw, client):
    other = gw.register("alternate", scope="openid", grant_types=["authorization_code"])
    p = through(gw, client)
    p.site = "alternate"
    assert p.redeem(other).json()["error"] == "invalid_grant"


def test_a_code_used_twice_ends_what_it_gave(gw, client):
    p = through(gw, client, SCOPE)
    body = p.redeem(client).json()
    assert gw.get("/apis/default/fhir/Patient?_count=1", body["access_token"]).status_code == 200
    assert p.redeem(client).json()["error"] == "invalid_grant"
    assert gw.get("/apis/default/fhir/Patient?_count=1", body["access_token"]).status_code == 401
    r = gw.token_request(grant_type="refresh_token", refresh_token=body["refresh_token"], client_id=client["client_id"],
                         client_secret=client["client_secret"])
    assert r.status_code == 401


def test_a_code_lives_60_seconds_and_is_stored_hashed(gw, client):
    p = through(gw, client)
    code = p.answer()["code"]
    key = "gh:default:code:" + hashlib.sha256(code.encode()).hexdigest()
    assert 50 < int(gw.redis("TTL", key)) <= 60 and code not in gw.redis("GET", key)
    gw.redis("DEL", key)  # what the 60 s do
    assert p.redeem(client).json()["error"] == "invalid_grant"


def test_of_100_parallel_uses_of_a_code_one_wins(gw, client):
    p = through(gw, client, SCOPE)
    form = {"grant_type": "authorization_code", "code": p.answer()["code"], "redirect_uri": REDIRECT, "client_id": client["client_id"],
            "client_secret": client["client_secret"], "code_verifier": p.verifier}

    def use(_):
        s = gw.session_new()
        return s.post(f"{gw.origin}/oauth2/default/token", data=form, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(use, range(100)))
    good = [a for a in answers if a.status_code == 200]
    assert len(good) == 1 and {a.json()["error"] for a in answers if a is not good[0]} == {"invalid_grant"}
    # the others were second uses: what the one gave is over
    assert gw.get("/apis/default/fhir/Patient?_count=1", good[0].json()["access_token"]).status_code == 401


def test_a_person_switched_off_after_the_code_gets_no_token(gw, client):
    p = through(gw, client)
    gw.sql("UPDATE users SET active = 0 WHERE username = 'admin'")
    try:
        assert p.redeem(client).json()["error"] == "invalid_grant"
    finally:
        gw.sql("UPDATE users SET active = 1 WHERE username = 'admin'")


# --- sign-in -------------------------------------------------------------------------------------------------------------------------
def test_a_wrong_password_shows_the_page_again_and_echoes_no_secret(gw, client, person):
    person.authorize(client).login(password="wrong-Secret")
    assert person.page.status == 200 and "verify the information" in person.page.text
    assert "wrong-Secret" not in person.page.response.text and person.page.form["fields"]["username"] == "admin"
    person.login()
    assert person.page.title == "Allow access?"
    record = [r for r in gw.journal() if r["event"] == "login_failed"][-1]
    assert "wrong-Secret" not in json.dumps(record)


WRONG = [("admin", "", False, None), ("nobody", "pass", False, None), ("ADMIN", "pass", False, None), ("admin", "pass", True, "x@y.example"),
         ("Phil1", "phil", True, ""), ("Phil1", "phil", True, "other@invalid.email.com"), ("Phil1", "phil", False, None),
         ("oe-system", "", False, None), ("' OR 1=1 -- ", "x", False, None), ("x" * 3000, "x" * 3000, False, None)]


@pytest.mark.parametrize("username, password, patient, email", WRONG)
def test_who_is_not_known_does_not_get_in(gw, client, person, username, password, patient, email):
    before = person.authorize(client).session.cookies[COOKIE]
    person.login(username, password, patient, email)
    assert person.page.title == "Sign in" and "verify the information" in person.page.text
    assert person.session.cookies[COOKIE] == before


def test_the_session_id_changes_at_sign_in_and_the_old_one_is_dead(gw, client, person):
    person.authorize(client)
    old, page = person.session.cookies[COOKIE], person.page
    person.login()
    new = person.session.cookies[COOKIE]
    assert new != old and new.split(".")[0] != old.split(".")[0] and new.split(".")[1] != old.split(".")[1]
    thief = Person(gw)
    thief.session.cookies.set(COOKIE, old, domain="localhost.local", path="/")
    thief.get(page.url)
    assert thief.page.status == 400 and thief.page.title == "This did not work"
    half = Person(gw)  # the sid is in every id_token: alone it opens nothing
    half.session.cookies.set(COOKIE, new.split(".")[0] + "." + old.split(".")[1], domain="localhost.local", path="/")
    assert half.authorize(client).page.title == "Sign in"


def test_the_cookie_is_host_bound_secure_http_only_and_lax(gw, client, person):
    person.authorize(client)
    field = [r.headers["set-cookie"] for r in person.seen if "set-cookie" in r.headers][0]
    assert field.startswith(COOKIE + "=") and "domain" not in field.lower()
    assert [p.strip() for p in field.split(";")[1:]] == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]


def test_pages_carry_the_fields_that_protect_them(gw, client, person):
    person.authorize(client)
    for step in (lambda: None, person.login, lambda: person.get(person.path("/provider/login?flow=x"))):
        step()
        h = person.page.response.headers
        csp = dict(d.strip().split(" ", 1) for d in h["content-security-policy"].split(";"))
        assert csp["default-src"] == "'none'" and csp["frame-ancestors"] == "'none'" and csp["base-uri"] == "'none'"
        assert "unsafe" not in h["content-security-policy"] and "script-src" not in csp and csp["style-src"] == "'self'"
        assert h["cache-control"] == "no-store" and h["x-frame-options"] == "DENY" and h["x-content-type-options"] == "nosniff"
        assert "<script" not in person.page.response.text and " style=" not in person.page.response.text


@pytest.mark.parametrize("path", ["/authorize", "/provider/login", "/login", "/scope-authorize-confirm", "/device/code", "/second-factor"])
def test_pages_are_closed_to_scripts_of_other_origins(gw, client, path):
    origin = "https://client.example.org"
    for method in ("GET", "POST", "OPTIONS"):
        r = gw.request(method, f"/oauth2/default{path}", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert not [h for h in r.headers if h.lower().startswith("access-control-")], (method, path)
    r = gw.request("OPTIONS", "/oauth2/default/token", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert r.headers["access-control-allow-origin"] == origin


def test_methods_are_enforced(gw):
    for method, path in (("PUT", "/authorize"), ("POST", "/provider/login"), ("GET", "/login"), ("GET", "/device/code"), ("DELETE", "/authorize")):
        r = gw.request(method, f"/oauth2/default{path}")
        assert r.status_code == 405 and r.headers["allow"], (method, path)


def test_too_many_failures_lock_the_account_also_a_patients(gw, client):
    gw.sql("UPDATE globals SET gl_value = 3 WHERE gl_name = 'password_max_failed_logins'")
    gw.sql("INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('password_max_failed_logins', 0, 3) ON DUPLICATE KEY UPDATE gl_value = 3")
    try:
        for patient, right in ((False, ("admin", "pass")), (True, ("Phil1", "phil", True, "heya@invalid.email.com"))):
            p = Person(gw).authorize(client)
            for _ in range(3):
                p.login(right[0], "wrong", *right[2:])
            p.login(*right)
            assert p.page.title == "Sign in", right
            assert [r for r in gw.journal() if r["event"] == "lockout"], right
    finally:
        gw.sql("UPDATE globals SET gl_value = 20 WHERE gl_name = 'password_max_failed_logins'")
        gw.sql("UPDATE users_secure SET login_fail_counter = 0, last_login_fail = NULL")
        gw.sql("DELETE FROM ip_tracking")
        for key in gw.redis("KEYS", "gh:default:fails:*").split():
            gw.redis("DEL", key)


@pytest.mark.parametrize("algo, prefix", [("ARGON2ID", "$argon2id$"), ("SHA512HASH", "$6$rounds="), ("BCRYPT", "$2y$")])
def test_a_hash_follows_the_sites_settings_at_the_next_sign_in(gw, client, algo, prefix):
    gw.sql("DELETE FROM globals WHERE gl_name = 'gbl_auth_hash_algo'")
    gw.sql(f"INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_auth_hash_algo', 0, '{algo}')")
    staff = Person(gw).authorize(client).login()
    patient = Person(gw).authorize(client).login_patient()
    assert gw.sql("SELECT password FROM users_secure WHERE username = 'admin'")[0][0].startswith(prefix)
    assert gw.sql("SELECT portal_pwd FROM patient_access_onsite WHERE portal_login_username = 'Phil1'")[0][0].startswith(prefix)
    for p in (staff, patient):  # the session lives on, and the new hash is right
        assert p.allow().redeem(client).status_code == 200 and p.authorize(client).page.title == "Allow access?"
    assert Person(gw).authorize(client).login_patient().page.title == "Allow access?"
    assert Person(gw).authorize(client).login(password="wrong").page.title == "Sign in"


# --- second factor -------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def second_factor(gw):
    """The administrator's secret, in clear as a site without encryption keeps it."""
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    user = gw.sql("SELECT id FROM users WHERE username = 'admin'")[0][0]
    gw.sql(f"INSERT INTO login_mfa_registrations (user_id, name, last_challenge, method, var1, var2) VALUES ({user}, 'app', NOW(), 'TOTP', '{secret}', '')")
    yield secret
    gw.sql("DELETE FROM login_mfa_registrations")
    for key in gw.redis("KEYS", "gh:default:*mfa*").split() + gw.redis("KEYS", "gh:default:totp*").split():
        gw.redis("DEL", key)


def test_nothing_is_reachable_before_the_second_factor(gw, client, person, second_factor):
    person.authorize(client).login()
    assert person.page.title == "Second step"
    flow = person.page.form["fields"]["flow"]
    other = Page(person.session.get(person.path(f"/scope-authorize-confirm?flow={flow}")))
    assert other.status == 400 and other.title == "This did not work"
    fields = {k: person.page.form["fields"][k] for k in ("flow", "csrf_token_form")}
    r = person.session.post(person.path("/device/code"), data={**fields, "proceed": "1"}, allow_redirects=False)
    assert r.status_code == 400
    second = Person(gw)
    second.session = person.session
    assert second.authorize(client).page.title == "Sign in"  # the password alone is no session
    person.send({"mfa_token": "000000"})
    assert person.page.title == "Second step" and "Invalid code" in person.page.text
    code = totp(second_factor)
    person.send({"mfa_token": code})
    assert person.page.title == "Allow access?"
    claims = claims_of(person.allow().redeem(client).json()["id_token"])
    assert claims["amr"] == ["pwd", "otp", "mfa"] and claims["acr"] == "2"
    again = Person(gw).authorize(client).login()
    again.send({"mfa_token": code})
    assert again.page.title == "Second step", "a code works once"


# --- steps out of order, of others, twice ---------------------------------------------------------------------------------------------
def is_refused(page, status=400):
    return page.status == status and page.title == "This did not work"


def test_a_step_out_of_order_is_refused(gw, client, person):
    person.authorize(client)
    fields = {k: person.page.form["fields"][k] for k in ("flow", "csrf_token_form")}
    for path in ("/device/code", "/second-factor", "/account"):
        r = person.session.post(person.path(path), data={**fields, "proceed": "1", "mfa_token": "1", "account": "same"}, allow_redirects=False)
        assert is_refused(Page(r)), path
    for path in ("/scope-authorize-confirm", "/provider/second-factor", "/provider/account"):
        assert is_refused(Page(person.session.get(person.path(path), params={"flow": fields["flow"]}, allow_redirects=False))), path
    person.login()
    for path in ("/login", "/second-factor"):
        fields = {k: person.page.form["fields"][k] for k in ("flow", "csrf_token_form")}
        r = person.session.post(person.path(path), data={**fields, "username": "admin", "password": "pass"}, allow_redirects=False)
        assert is_refused(Page(r)), path


def test_a_step_twice_is_refused(gw, client, person):
    person.authorize(client)
    login_form = dict(person.page.form, fields=dict(person.page.form["fields"]))
    person.login()
    consent = person.page
    r = person.session.post(urllib.parse.urljoin(person.page.url, login_form["action"]),
                            data={**login_form["fields"], "username": "admin", "password": "pass"}, allow_redirects=False)
    assert is_refused(Page(r))
    person.page = consent
    person.allow()
    assert person.left
    person.page = consent
    person.allow()
    assert person.left is None and is_refused(person.page)


def test_of_parallel_consents_one_gives_a_code(gw, client, person):
    person.authorize(client).login()
    form = person.page.form
    url = urllib.parse.urljoin(person.page.url, form["action"])
    cookie = person.session.cookies[COOKIE]

    def send(_):
        return gw.session_new().post(url, data={**form["fields"], "proceed": "1"}, headers={"Cookie": f"{COOKIE}={cookie}"}, allow_redirects=False,
                                     timeout=60).status_code

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        got = list(pool.map(send, range(20)))
    assert sorted(got) == [303] + [400] * 19


def test_a_step_of_another_session_or_site_is_refused(gw, client, person):
    person.authorize(client).login()
    url = person.page.url
    other = signed_in(gw, client)
    assert is_refused(Page(other.session.get(url)))
    fields = dict(person.page.form["fields"])
    for csrf in (fields["csrf_token_form"], other.page.form["fields"]["csrf_token_form"]):
        r = other.session.post(other.path("/device/code"), data={**fields, "csrf_token_form": csrf, "proceed": "1"}, allow_redirects=False)
        assert is_refused(Page(r))
    cross = person.session.get(url.replace("/default/", "/alternate/"), headers={"Cookie": f"__Host-gatehouse-alternate={person.session.cookies[COOKIE]}"})
    assert is_refused(Page(cross))
    elsewhere = Person(gw, "alternate")
    c2 = gw.register("alternate", scope="openid", grant_types=["authorization_code"])
    elsewhere.session = person.session
    assert elsewhere.authorize(c2).page.title == "Sign in"


@pytest.mark.parametrize("token", [None, "", "0" * 40, "other"])
def test_a_form_without_the_sessions_token_is_refused(gw, client, person, token):
    person.authorize(client)
    fields = {"username": "admin", "password": "pass", "csrf_token_form": token}
    person.send({k: v for k, v in fields.items() if v is not None}, drop=["csrf_token_form"])
    assert is_refused(person.page, 403)
    p = signed_in(gw, client)
    p.send({"csrf_token_form": token} if token is not None else {}, drop=["csrf_token_form"], button=("proceed", "1"))
    assert p.left is None and is_refused(p.page, 403)


@pytest.mark.parametrize("cookie", ["", "x", "." * 66, "a" * 22 + "." + "b" * 43, "a" * 10000, "a" * 22 + "." + "\xff" * 43])
def test_a_cookie_that_names_nothing_is_no_session(gw, client, cookie):
    p = Person(gw)
    r = p.session.get(p.path("/provider/login?flow=AAAAAAAAAAAAAAAA"), headers={"Cookie": f"{COOKIE}={cookie}".encode("latin-1")})
    assert r.status_code in (400, 431)


def test_another_person_in_the_same_browser_does_not_go_on_with_the_firsts_request(gw, client, person):
    person.authorize(client).login()
    first = person.page
    tab = Person(gw)
    tab.session = person.session
    tab.authorize(client, "openid", prompt="login").login_patient()
    assert tab.page.title == "Allow access?"
    person.page = first
    person.allow()
    assert person.left is None and is_refused(person.page)


# --- consent -------------------------------------------------------------------------------------------------------------------------
def test_what_is_unticked_is_not_granted(gw, client, person):
    person.authorize(client, SCOPE).login()
    body = person.allow(without=["user/Patient.rs", "offline_access"]).redeem(client).json()
    assert "user/Patient.rs" not in body["scope"].split() and "refresh_token" not in body and "user/allergy.read" in body["scope"].split()


def test_an_unrestricted_scope_can_be_narrowed_to_categories(gw, client, person):
    person.authorize(client, SCOPE).login()
    name = next(n for n in person.page.form["ticks"] if n.startswith("scope[patient/Observation.rs?category=") and "laboratory" in n)
    value = person.page.form["ticks"][name][0]
    person.send({name: value}, drop=["scope[patient/Observation.rs]"], button=("proceed", "1"))
    scope = person.redeem(client).json()["scope"].split()
    assert value in scope and "patient/Observation.rs" not in scope


SAME = [  # scopes asked for: the one line that they are
    ("user/Patient.read user/Patient.rs", "See patient details such as name, birth date and address"), ("user/Patient.r user/Patient.s", "See patient details such as name, birth date and address"),
    ("user/Patient.read api:oemr user/patient.read", "See patient details such as name, birth date and address"), ("name given_name family_name", "See your name")]


@pytest.mark.parametrize("asked, line", SAME)
def test_what_is_one_thing_to_the_person_is_one_line(gw, person, asked, line):
    """v1 and v2 of a right, or one kind of data in two interfaces: one tick allows all, and without it nothing of it is allowed."""
    c = gw.register(scope="openid " + asked, grant_types=["authorization_code"])
    for keep in (True, False):
        p = Person(gw).authorize(c, "openid " + asked).login()
        assert p.page.response.text.lower().count(line.lower()) == 1
        scopes = [s for s in asked.split() if not s.startswith("api:")]
        boxes = [n for n in p.page.form["ticks"] if n[6:-1] in scopes]
        assert len(boxes) == 1
        p.send(button=("proceed", "1"), drop=[] if keep else boxes)
        granted = p.redeem(c).json()["scope"].split()
        assert set(granted) - {"openid"} == (set(scopes) if keep else set())


def test_a_form_cannot_widen_what_was_asked(gw, client, person):
    person.authorize(client, "openid patient/Observation.rs").login()
    person.send({"scope[user/Patient.rs]": "user/Patient.rs", "scope[x]": "patient/Observation.cruds"}, button=("proceed", "1"))
    assert set(person.redeem(client).json()["scope"].split()) == {"openid", "patient/Observation.rs"}


def test_denial_is_told_to_the_client_and_ends_the_request(gw, client, person):
    person.authorize(client).login()
    page = person.page
    got = person.deny().answer()
    assert (got["error"], got["state"], got["iss"]) == ("access_denied", person.state, f"{gw.origin}/oauth2/default")
    person.page = page
    assert is_refused(person.allow().page)
    p = Person(gw).authorize(client)
    assert p.send(button=("cancel", "1")).answer()["error"] == "access_denied"


def test_consent_is_remembered_for_the_days_of_the_setting(make_gateway):
    gw = make_gateway(extra={**classes(), "sites.default.oauth.consent_days": 30})
    c = gw.register(scope="openid user/Patient.rs user/allergy.read", grant_types=["authorization_code"])
    p = through(gw, c, "openid user/Patient.rs")
    assert p.authorize(c, "openid").answer()["code"] and p.redeem(c).status_code == 200
    assert p.authorize(c, "openid", prompt="none").answer()["code"]
    assert p.authorize(c, "openid user/Patient.rs user/allergy.read").page.title == "Allow access?"
    assert p.authorize(c, "openid", prompt="consent").page.title == "Allow access?"
    other = gw.register(scope="openid", grant_types=["authorization_code"])
    assert p.authorize(other, "openid").page.title == "Allow access?"
    q = Person(gw).authorize(c, "openid").login()
    assert q.left, "remembered for the person, not the browser"
    path = [r["event"] for r in gw.journal() if r.get("path") == "/oauth2/default/login"]
    assert path[-2:] == ["login", "code_issued"], "both are recorded"


# --- single sign-on -------------------------------------------------------------------------------------------------------------------
def test_a_signed_in_person_is_not_asked_again(gw, client, public):
    p = through(gw, client)
    assert p.authorize(client).page.title == "Allow access?"
    assert p.authorize(public, "openid").page.title == "Allow access?", "other clients too"
    assert p.authorize(client, prompt="none").answer()["error"] == "consent_required"


def test_prompt_login_asks_again_and_moves_auth_time(gw, client):
    p = through(gw, client)
    first = claims_of(p.redeem(client).json()["id_token"])
    time.sleep(1.1)
    cookie = p.session.cookies[COOKIE]
    assert p.authorize(client, prompt="login").page.title == "Sign in"
    again = claims_of(p.login().allow().redeem(client).json()["id_token"])
    assert again["auth_time"] > first["auth_time"] and again["sid"] == first["sid"] and p.session.cookies[COOKIE] != cookie


def test_max_age_is_held(gw, client):
    p = through(gw, client)
    assert p.authorize(client, max_age="3600").page.title == "Allow access?"
    time.sleep(1.1)
    assert p.authorize(client, max_age="0").page.title == "Sign in"
    assert p.login().page.title == "Allow access?"
    assert p.authorize(client, max_age="0", prompt="none").answer()["error"] == "login_required"


def test_select_account_offers_the_present_one_or_another(gw, client):
    p = through(gw, client)
    assert p.authorize(client, prompt="select_account").page.title == "Choose an account"
    assert "Continue as admin" in p.page.text
    assert p.send(button=("account", "same")).page.title == "Allow access?"
    p.authorize(client, prompt="select_account").send(button=("account", "other"))
    assert p.page.title == "Sign in"
    p.login_patient().allow()
    assert p.redeem(client).status_code == 200
    assert Person(gw).authorize(client, prompt="select_account").page.title == "Sign in"


def test_an_id_token_hint_names_the_person(gw, client):
    p = through(gw, client)
    mine = p.redeem(client).json()
    assert p.authorize(client, id_token_hint=mine["id_token"]).page.title == "Allow access?"
    other = Person(gw).authorize(client).login_patient().allow().redeem(client).json()["id_token"]
    assert p.authorize(client, id_token_hint=other, prompt="none").answer()["error"] == "login_required"
    assert p.authorize(client, id_token_hint=other).page.title == "Sign in"
    assert p.login().page.title == "Sign in", "another person than the hint's gets nothing"
    assert p.login_patient().page.title == "Allow access?"
    for wrong in ("nonsense", mine["access_token"], mine["id_token"][:-8] + "AAAAAAAA"):
        assert p.authorize(client, id_token_hint=wrong).answer()["error"] == "invalid_request"


def test_only_a_classic_site_adds_openemrs_members(gw, person):
    for site, there in (("default", True), ("alternate", False)):
        c = gw.register(site, scope="openid", grant_types=["authorization_code"])
        got = Person(gw, site).authorize(c, "nonsense").answer()
        assert ("message" in got) == there and got["state"] and got["error"] == "invalid_scope", site


def test_login_hint_fills_the_name_and_nothing_breaks_out(gw, client, person):
    evil = "\"><script>alert(1)</script>"
    person.authorize(client, login_hint=evil)
    assert person.page.form["fields"]["username"] == evil and "<script>" not in person.page.response.text


def test_a_changed_password_ends_the_session(gw, client):
    p = through(gw, client)
    gw.sql("UPDATE users_secure SET last_update_password = last_update_password - INTERVAL 1 HOUR WHERE username = 'admin'")
    assert p.authorize(client).page.title == "Sign in"


def test_sessions_end_by_themselves(make_gateway):
    gw = make_gateway(extra={**classes(), "sites.default.oauth.session_ttl": "2m", "sites.default.oauth.session_idle": "1m"})
    c = gw.register(scope="openid", grant_types=["authorization_code"])
    p = through(gw, c)
    sid = p.session.cookies[COOKIE].split(".")[0]
    key = f"gh:default:session:{sid}"
    assert 50 < int(gw.redis("TTL", key)) <= 60
    gw.redis("HSET", key, "ends", str(int(time.time()) - 1))
    assert p.authorize(c).page.title == "Sign in"
    assert gw.redis("EXISTS", key) == "0"


def test_openemrs_page_shows_the_grant_and_finds_no_secret(make_gateway):
    gw = make_gateway(extra={**classes(), "sites.default.oauth.openemr_rows": True})
    c = gw.register(scope="openid offline_access user/Patient.rs", grant_types=["authorization_code", "refresh_token"])
    p = through(gw, c, "openid offline_access user/Patient.rs")
    code, body = p.answer()["code"], p.redeem(c).json()
    through(gw, c, "openid").redeem(c)
    rows = gw.sql(f"SELECT scope, grant_type, code, session_cache FROM oauth_trusted_user WHERE client_id = '{c['client_id']}'")
    assert rows == [["openid", "authorization_code", "NULL", "{}"]]
    text = "".join(str(gw.sql(f"SELECT * FROM {t}")) for t in ("oauth_trusted_user", "api_token", "api_refresh_token"))
    assert code not in text and body["access_token"] not in text and body["refresh_token"] not in text
    assert gw.get("/apis/default/fhir/Patient?_count=1", body["access_token"]).status_code == 200


# --- stores down, audit --------------------------------------------------------------------------------------------------------------
def test_redis_gone_in_the_middle_is_a_page_and_the_flow_goes_on_after(make_gateway):
    gw = make_gateway(own_stores=True, extra=classes())
    c = gw.register(scope="openid", grant_types=["authorization_code"])
    p = Person(gw).authorize(c)
    form = p.page
    gw.store_kill("redis")
    p.login()
    assert p.page.status == 503 and "text/html" in p.page.response.headers["content-type"] and p.page.response.headers["retry-after"]
    gw.store_start("redis")
    assert Person(gw).authorize(c).login().allow().redeem(c).status_code == 200
    assert form.title == "Sign in"


def test_each_step_is_an_audit_record(gw, client):
    p = Person(gw).authorize(client)
    p.login(password="wrong").login()
    p.allow().redeem(client)
    signed_in(gw, client).deny()
    events = [r["event"] for r in gw.journal()]
    for event in ("login", "login_failed", "consent", "code_issued", "consent_denied", "token_issued"):
        assert event in events, event
        assert [r for r in gw.journal() if r["event"] == event and r.get("client") == client["client_id"] and r.get("username") == "admin"], event
    text = "\n".join(json.dumps(r) for r in gw.journal())
    assert "heya@" not in text and p.verifier not in text


def test_discovery_names_what_works(gw):
    doc = gw.get("/oauth2/default/.well-known/openid-configuration").json()
    assert doc["authorization_endpoint"] == f"{gw.origin}/oauth2/default/authorize" and doc["response_types_supported"] == ["code"]
    assert doc["response_modes_supported"] == ["query"] and doc["code_challenge_methods_supported"] == ["S256"]
    assert "authorization_code" in doc["grant_types_supported"] and doc["authorization_response_iss_parameter_supported"] is True
    assert set(doc["prompt_values_supported"]) == {"none", "login", "consent", "select_account"}
