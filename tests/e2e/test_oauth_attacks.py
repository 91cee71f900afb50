# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attacker would try at the authorization server, one row each: markup and header bytes in every parameter, look-alike redirect addresses,
names that deceive on the consent page, tokens of the wrong kind, key or site, members that a registration may not set, addresses that a
proxy did not give. Refusals of single endpoints stand with their endpoint."""
import hashlib
import hmac
import json
import urllib.parse
import uuid

import pytest
from app import FREE
from gateway import Gateway
from jwcrypto import jwk, jwt
from person import REDIRECT, Person
from timing import alike
from tokens import b64, claims_of, head_of, secret_of

SCOPE = "openid offline_access api:oemr api:fhir user/facility.read user/Patient.read patient/Patient.read"
PATIENTS = "/apis/{}/fhir/Patient?_count=1"
GRANTS = ["authorization_code", "refresh_token", "password"]


@pytest.fixture(scope="module")
def gw(shared_stores):
    more = {f"rate.classes.{name}.limit": 0 for name in ("public", "read", "search", "write", "default")}
    g = Gateway(stores=shared_stores, extra={**FREE, **more, "process.workers": 2, "sites.alternate.compat": "v8"})
    yield g
    g.close()


@pytest.fixture(scope="module")
def clients(gw):
    return {site: gw.register(site, scope=SCOPE, grant_types=GRANTS) for site in ("default", "alternate")}


@pytest.fixture(scope="module")
def tokens(gw, clients):
    """Of the same person on both sites, each with a client of that site."""
    return {site: gw.token(SCOPE, site=site, client=made) for site, made in clients.items()}


# --- bytes that break out ----------------------------------------------------------------------------------------------------------------
BYTES = {"markup": '"\'><script>alert(1)</script>', "line ends": "x\r\nSet-Cookie: evil=1\r\n\r\n<b>", "zero": "x\0y", "not utf-8": "%ff%fe", "endless": "x" * 7000,
         "template": "{{7*7}}${7*7}%n%s"}
PARAMETERS = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "login_hint", "ui_locales", "aud", "launch", "prompt", "max_age",
              "id_token_hint", "code_challenge", "code_challenge_method", "response_mode", "unheard_of")


def harmless(answers):
    for r in answers:
        assert r.status_code < 500, r.text[:300]
        assert "<script>alert" not in r.text and "evil" not in r.headers.get("set-cookie", "") and "evil" not in r.cookies
        assert "\r" not in r.headers.get("location", "") and "\0" not in r.headers.get("location", "")


@pytest.mark.parametrize("what", BYTES)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_authorize_breaks_out_of_nothing(gw, clients, name, what):
    for method in ("GET", "POST"):
        p = Person(gw)
        p.authorize(clients["default"], **{"scope": "openid", "method": method, name: BYTES[what]})
        if p.left is None and p.page.title == "Sign in":
            p.login()
            if p.left is None and p.page.title == "Allow access?":
                p.allow()
        harmless(p.seen)
        assert p.left is None or p.left.startswith(REDIRECT + "?"), p.left


@pytest.mark.parametrize("what", BYTES)
@pytest.mark.parametrize("path, name", [("/login", "username"), ("/login", "email"), ("/login", "user_role"), ("/login", "flow"), ("/device/code", "scope[x]"),
                                        ("/logout", "state"), ("/logout", "post_logout_redirect_uri"), ("/logout", "id_token_hint"),
                                        ("/interface/smart/register-app.php", "client_name"), ("/interface/smart/register-app.php", "redirect_uris"),
                                        ("/manage", "client_id"), ("/smart/patient-select-confirm", "patient_id")])
def test_a_field_of_a_page_breaks_out_of_nothing(gw, clients, path, name, what):
    p = Person(gw).authorize(clients["default"], "openid")
    if path != "/login":
        p.login()
    fields = {**(p.page.form["fields"] if p.page.forms else {}), name: BYTES[what]}
    harmless([p.session.post(p.path(path), data=fields, allow_redirects=False, timeout=30),
              p.session.get(p.path(path), params=fields, allow_redirects=False, timeout=30)])


# --- redirect addresses -------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("uri", [
    "https://client.example.org/callback%2f..%2f..%2fevil", "https://client.example.org%2fcallback", "https://client.example.org/callback/../evil",
    "https://client.example.org\\@evil.example/callback", "https://client.example.org@evil.example/callback", "https://evil.example\\.client.example.org/callback",
    "//client.example.org/callback", "https:client.example.org/callback", "https://client.example.org/callback%00", "https://client.example.org/callback ",
    " https://client.example.org/callback", "https://client.example.org./callback", "https://client.example.org:443/callback", "https://client.example.org/Callback",
    "https://client.example.org/%63allback", "https://client.example.org/callback;x", "https://client.example.org/callback?", "https://client.example.org/callback#",
    "http://client.example.org/callback", "javascript:alert(1)//https://client.example.org/callback", "https://\u0441lient.example.org/callback",
    "https://xn--lient-5gf.example.org/callback", "https://client.example.org/callback\thttps://evil.example", "https://[::ffff:1.2.3.4]/callback"])
def test_a_look_alike_of_the_redirect_address_leads_nowhere(gw, clients, uri):
    p = Person(gw).authorize(clients["default"], "openid", redirect_uri=uri)
    assert p.left is None and p.page.status in (400, 401) and "evil" not in str(p.last.headers)


@pytest.mark.parametrize("uri", [
    "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "about:blank", "http://192.168.0.1/cb", "https://u:p@host.example/cb", "https:///cb", "/cb",
    "https://host.example/cb|https://evil.example/cb", "https://host.example/c\r\nb", "https://host.example/c b", "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb", "https://host.example/<b>", 'https://host.example/"x'])
def test_a_dangerous_redirect_address_is_not_registered(gw, uri):
    r = gw.post("/oauth2/default/registration", json={"client_name": "x", "redirect_uris": [uri], "scope": "openid", "token_endpoint_auth_method": "none"})
    assert r.status_code == 400 and r.json()["error"] == "invalid_redirect_uri", r.text


# --- what a person is shown ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["Growth\u202echart", "a\u2066b", "a\u200fb", "a\0b", "a\r\nb", "a\x1b[31mb", "\u2028x", " ", "x" * 81, "\ufeffMy app"])
def test_a_name_that_deceives_is_not_registered(gw, name):
    r = gw.post("/oauth2/default/registration", json={"client_name": name, "redirect_uris": [REDIRECT], "scope": "openid", "token_endpoint_auth_method": "none"})
    assert r.status_code == 400 and r.json()["error"] == "invalid_client_metadata", r.text


@pytest.mark.parametrize("name", ["Größenkurve 成長 📈", "<img src=x onerror=alert(1)>", "&lt;b&gt; &amp;", "مخطط النمو", "'\"`"])
def test_a_name_is_shown_as_it_was_registered_and_no_more(gw, name):
    made = gw.register(scope="openid", client_name=name, grant_types=["authorization_code"])
    p = Person(gw).authorize(made, "openid").login()
    assert p.page.title == "Allow access?" and name in p.page.text and "<img src=x" not in p.page.response.text


# --- a registration sets nothing that is the server's ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("member", [{"client_id": "mine"}, {"client_secret": "mine"}, {"is_enabled": 1}, {"enabled": True}, {"client_role": "system"}, {"skip_ehr_launch_authorization_flow": True},
                                    {"registration_access_token": "mine"}, {"is_confidential": 0}, {"site_id": "alternate"}, {"user_id": 1}])
def test_a_registration_cannot_set(gw, member):
    r = gw.post("/oauth2/default/registration", json={"application_type": "private", "client_name": "x", "redirect_uris": [REDIRECT], "scope": "openid user/facility.read",
                                                      "token_endpoint_auth_method": "client_secret_post", **member})
    made = r.json()
    row = gw.sql(f"SELECT is_enabled, is_confidential, client_role, site_id, COALESCE(user_id, 0), skip_ehr_launch_authorization_flow FROM oauth_clients WHERE client_id='{made['client_id']}'")
    assert row == [["0", "1", "user", "default", "0", "0"]] and "mine" not in (made["client_id"], made["client_secret"], made["registration_access_token"])


# --- tokens of the wrong kind -------------------------------------------------------------------------------------------------------------------
def forged(gw, token, how):
    """A token that the site did not sign, with the claims of one that it did."""
    head, claims = head_of(token), claims_of(token)
    key = gw.get("/oauth2/default/jwk").json()["keys"][0]
    mine = jwk.JWK.generate(kty="RSA", size=2048, kid=key["kid"])
    pem = jwk.JWK(**key).export_to_pem()

    def hs(secret_bytes, **h):
        text = b64({"typ": "JWT", "alg": "HS256", "kid": key["kid"], **h}) + "." + b64(claims)
        return text + "." + b64(hmac.new(secret_bytes, text.encode(), hashlib.sha256).digest())

    def rs(with_key=mine, **h):
        t = jwt.JWT(header={"typ": "JWT", "alg": "RS256", "kid": key["kid"], **h}, claims=claims)
        t.make_signed_token(with_key)
        return t.serialize()
    parts = token.split(".")
    ec = jwk.JWK.generate(kty="EC", crv="P-256", kid=key["kid"])
    return {"alg none": lambda: b64({"alg": "none", "typ": "JWT"}) + "." + b64(claims) + ".", "alg None": lambda: b64({"alg": "None"}) + "." + b64(claims) + ".",
            "hmac with the public key as PEM": lambda: hs(pem), "hmac with the public key as JSON": lambda: hs(json.dumps(key).encode()), "hmac with nothing": lambda: hs(b""),
            "own key under our kid": rs, "own key in the head": lambda: rs(jwk=json.loads(mine.export_public())), "own key by jku": lambda: rs(jku="https://evil.example/jwks"),
            "kid is a path": lambda: rs(kid="../../../../dev/null"), "kid is SQL": lambda: rs(kid="x' UNION SELECT 1"), "unknown crit": lambda: b64({**head, "crit": ["b64"], "b64": False}) + "." + parts[1] + "." + parts[2],
            "ES256 under an RSA kid": lambda: rs(ec, alg="ES256"), "signature of nothing": lambda: parts[0] + "." + parts[1] + ".", "a zero signature": lambda: parts[0] + "." + parts[1] + "." + b64(bytes(256)),
            "other claims": lambda: parts[0] + "." + b64({**claims, "sub": str(uuid.uuid4())}) + "." + parts[2], "four parts": lambda: token + ".x",
            "padding": lambda: token + "==", "later end": lambda: parts[0] + "." + b64({**claims, "exp": claims["exp"] + 9e9}) + "." + parts[2],
            "a megabyte": lambda: "x" * 20000}[how]()


FORGED = ["alg none", "alg None", "hmac with the public key as PEM", "hmac with the public key as JSON", "hmac with nothing", "own key under our kid", "own key in the head",
          "own key by jku", "kid is a path", "kid is SQL", "unknown crit", "ES256 under an RSA kid", "signature of nothing", "a zero signature", "other claims", "four parts", "padding",
          "later end", "a megabyte"]


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_token_opens_nothing(gw, clients, tokens, how):
    token = forged(gw, tokens["default"]["access_token"], how)
    for path in (PATIENTS.format("default"), "/oauth2/default/userinfo"):
        assert gw.get(path, token).status_code in (400, 401, 431), path
    r = gw.post("/oauth2/default/introspect", data={"token": token, **secret_of(clients["default"])})
    assert r.status_code == 200 and r.json()["active"] is False
    hint = forged(gw, tokens["default"]["id_token"], how)
    r = gw.get("/oauth2/default/logout", params={"id_token_hint": hint, "post_logout_redirect_uri": "https://client.example.org/logout/callback"})
    assert r.status_code in (400, 414, 431), r.text
    assert gw.get(PATIENTS.format("default"), tokens["default"]["access_token"]).status_code == 200, "nothing ended"


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_only_an_access_token_is_one(gw, tokens, kind):
    for path in (PATIENTS.format("default"), "/oauth2/default/userinfo"):
        assert gw.get(path, tokens["default"][kind]).status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_only_a_refresh_token_refreshes(gw, clients, tokens, kind):
    r = gw.token_request(grant_type="refresh_token", refresh_token=tokens["default"][kind], **secret_of(clients["default"]))
    assert r.status_code == 401


def test_an_access_token_is_no_hint_at_logout(gw, tokens):
    assert gw.get("/oauth2/default/logout", params={"id_token_hint": tokens["default"]["access_token"]}).status_code == 400


def test_a_token_in_the_query_or_body_is_no_bearer_token(gw, tokens):
    token = tokens["default"]["access_token"]
    assert gw.get(PATIENTS.format("default") + "&access_token=" + token).status_code == 401
    assert gw.post("/apis/default/fhir/Patient/_search", data={"access_token": token}).status_code == 401


# --- nothing of one site works on another ----------------------------------------------------------------------------------------------------------
OTHER = {
    "access token, API": lambda g, c, t: g.get(PATIENTS.format("alternate"), t["default"]["access_token"]).status_code == 401,
    "access token, userinfo": lambda g, c, t: g.get("/oauth2/alternate/userinfo", t["default"]["access_token"]).status_code == 401,
    "refresh token": lambda g, c, t: g.token_request("alternate", grant_type="refresh_token", refresh_token=t["default"]["refresh_token"], **secret_of(c["alternate"])).status_code == 400,
    "client, token": lambda g, c, t: g.token_request("alternate", grant_type="refresh_token", refresh_token=t["alternate"]["refresh_token"], **secret_of(c["default"])).status_code == 401,
    "client, authorize": lambda g, c, t: Person(g, "alternate").authorize(c["default"], "openid").page.status in (400, 401),
    "client, introspect": lambda g, c, t: g.post("/oauth2/alternate/introspect", data={"token": t["alternate"]["access_token"], **secret_of(c["default"])}).status_code == 401,
    "token, introspect": lambda g, c, t: g.post("/oauth2/alternate/introspect", data={"token": t["default"]["access_token"], **secret_of(c["alternate"])}).json() == {"active": False},
    "token, revoke": lambda g, c, t: g.post("/oauth2/alternate/revoke", data={"token": t["default"]["access_token"], **secret_of(c["alternate"])}).status_code == 200,
    "refresh token, revoke": lambda g, c, t: g.post("/oauth2/alternate/revoke", data={"token": t["default"]["refresh_token"], **secret_of(c["alternate"])}).status_code == 200,
    "id token, logout": lambda g, c, t: g.get("/oauth2/alternate/logout", params={"id_token_hint": t["default"]["id_token"]}).status_code == 400,
    "registration token": lambda g, c, t: g.get("/oauth2/alternate/client/" + c["default"]["registration_client_uri"].rsplit("/", 1)[1],
                                                 headers={"Authorization": "Bearer " + c["default"]["registration_access_token"]}).status_code in (401, 403, 404),
}


@pytest.mark.parametrize("what", OTHER)
def test_it_is_of_no_use_on_another_site(gw, clients, tokens, what):
    assert OTHER[what](gw, clients, tokens)
    assert gw.get(PATIENTS.format("default"), tokens["default"]["access_token"]).status_code == 200, "and nothing ended at home"


def test_a_session_is_of_one_site_alone(gw, clients):
    p = Person(gw).authorize(clients["default"], "openid").login()
    value = p.session.cookies["__Host-gatehouse-default"]
    csrf = p.page.form["fields"]
    q = Person(gw, "alternate")
    q.session.cookies.set("__Host-gatehouse-alternate", value, domain="localhost.local", path="/")
    assert q.authorize(clients["alternate"], "openid", prompt="none").answer()["error"] == "login_required"
    q.authorize(clients["alternate"], "openid")
    r = q.session.post(q.path("/login"), data={**q.page.form["fields"], **csrf, "username": "admin", "password": "pass", "user_role": "api"}, allow_redirects=False, timeout=30)
    assert r.status_code in (400, 403), "the other site's form"


# --- the address, the host ----------------------------------------------------------------------------------------------------------------------
def test_no_field_of_a_request_changes_the_address_that_lockout_counts(gw, clients):
    gw.sql("DELETE FROM ip_tracking")
    for n, field in enumerate(("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP")):
        r = gw.post("/oauth2/default/token", headers={field: f"for=203.0.113.{n}" if field == "Forwarded" else f"203.0.113.{n}"}, data={
            "grant_type": "password", "scope": "openid", "user_role": "users", "username": "clinician", "password": "wrong", **secret_of(clients["default"])})
        assert r.status_code == 400, r.text
    rows = gw.sql("SELECT ip_string, ip_login_fail_counter FROM ip_tracking")
    gw.sql("DELETE FROM ip_tracking")
    gw.sql("UPDATE users_secure SET login_fail_counter = 0, last_login_fail = NULL")
    assert len(rows) == 1 and rows[0][0] in ("127.0.0.1", "::1") and rows[0][1] == "6"


@pytest.mark.parametrize("fields", [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}, {"X-Forwarded-Proto": "http"}])
def test_the_issuer_comes_from_the_configuration_alone(gw, fields):
    r = gw.get("/oauth2/default/.well-known/openid-configuration", headers=fields)
    assert r.status_code in (400, 421) or (gw.origin in r.json()["issuer"] and "evil" not in r.text)


# --- the token endpoint ---------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "refresh_token", "scope"])
def test_a_parameter_twice_is_refused_and_consumes_nothing(gw, clients, name):
    t = gw.token(SCOPE, client=clients["default"])
    form = {"grant_type": "refresh_token", "refresh_token": t["refresh_token"], "scope": "openid", **secret_of(clients["default"])}
    r = gw.post("/oauth2/default/token", data=[*form.items(), (name, form[name])])
    assert r.status_code == 400 and r.json()["error"] == "invalid_request"
    twice = json.dumps(form)[:-1] + f', "{name}": {json.dumps(form[name])}}}'
    r = gw.post("/oauth2/default/token", data=twice, headers={"Content-Type": "application/json"})
    assert r.status_code == 400
    assert gw.token_request(**form).status_code == 200


def test_what_stands_in_the_query_is_not_read(gw, clients):
    t = gw.token(SCOPE, client=clients["default"])
    form = {"grant_type": "refresh_token", "refresh_token": t["refresh_token"], **secret_of(clients["default"])}
    query = urllib.parse.urlencode(form)
    assert gw.post("/oauth2/default/token?" + query).status_code in (400, 401, 500)
    assert gw.get("/oauth2/default/token?" + query).status_code == 405
    assert gw.token_request(**form).status_code == 200


def test_a_secret_guessed_many_times_stays_secret_and_the_time_tells_nothing(gw, clients):
    """A secret that is wrong from its first character and one that is wrong in its last take the same time."""
    def refused(secret):
        assert gw.token_request(grant_type="refresh_token", refresh_token="x", client_id=clients["default"]["client_id"], client_secret=secret).status_code == 401
    right = clients["default"]["client_secret"]
    alike({"first": lambda: refused("x" * len(right)), "last": lambda: refused(right[:-1] + "_")}, 15, 3, 0.01)
