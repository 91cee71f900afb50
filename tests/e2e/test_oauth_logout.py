# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing out: the hint, the redirect, the session, the grants, and telling other clients' servers; online_access; the second factor of the
password grant. OIDC RP-Initiated Logout 1.0, Back-Channel Logout 1.0; contract/oauth2.md 2.12, 6.3."""
import http.server
import json
import ssl
import threading
import time
import urllib.parse

import pytest
from app import App
from gateway import wait_until
from jwcrypto import jwk, jwt
from tokens import b64, claims_of, totp

SCOPE = "openid offline_access api:oemr user/facility.read"
ONLINE = "openid online_access api:oemr user/facility.read"
OUT = "https://client.example.org/logout/callback"
PATH = "/apis/default/api/facility"


class Ear:
    """A client's server that hears logout tokens."""

    def __init__(self, g):
        self.heard, self.answers, self.let = [], [], threading.Event()
        self.let.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.heard.append((self.path, self.headers["Content-Type"], dict(urllib.parse.parse_qsl(body))))
                outer.let.wait()
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(g.dir / "tls" / "server.pem", g.dir / "tls" / "server.key")
        self.server.socket = ctx.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def g(shared_stores):
    from gateway import Gateway
    gw = Gateway(stores=shared_stores, extra={
        "sites.default.oauth.client_auth": "strict", "sites.default.oauth.openemr_rows": True, "process.workers": 1})
    gw.configure({"outbound": {"allow": ["127.0.0.1/32"], "timeout": "30s", "tls_ca": gw.ca}})
    gw.stop()
    gw.start()
    yield gw
    gw.close()


@pytest.fixture(scope="module")
def ear(g):
    e = Ear(g)
    yield e
    e.server.shutdown()


def new_client(g, scope=SCOPE, **members):
    return g.register(scope=scope + " offline_access", grant_types=["authorization_code", "refresh_token", "password"], **members)


def signed_in(g, client, scope=SCOPE, browser=None):
    """An app with tokens, and its browser's session."""
    app = App(g, client, browser)
    app.authorize(scope)
    if app.at("/provider/login"):
        app.sign_in()
    if app.back is None:
        app.allow()
    r = app.token()
    assert r.status_code == 200, r.text
    return app, r.json()


def logout(g, browser=None, method="GET", **params):
    s = browser or g.session_new()
    params = {k: v for k, v in params.items() if v is not None}
    return s.request(method, g.origin + "/oauth2/default/logout", allow_redirects=False, timeout=30,
                     **({"params": params} if method == "GET" else {"data": params}))


def ended(g, token):
    g.ends(token, PATH, 5, times=1)  # one worker


@pytest.mark.parametrize("method, status", [("GET", 302), ("POST", 303)])
def test_logout_ends_grant_session_and_trust_and_goes_back(g, method, status):
    client = new_client(g)
    app, t = signed_in(g, client)
    r = logout(g, app.browser, method, id_token_hint=t["id_token"], post_logout_redirect_uri=OUT, state="a b&c")
    assert r.status_code == status and r.headers["Location"] == OUT + "?state=a%20b%26c"
    assert "Max-Age=0" in r.headers["Set-Cookie"]
    ended(g, t["access_token"])
    assert app.refresh(t["refresh_token"]).status_code == 401
    assert g.sql(f"SELECT COUNT(*) FROM oauth_trusted_user WHERE client_id='{client['client_id']}'") == [["0"]]
    assert App(g, client, app.browser).authorize(SCOPE).at("/provider/login"), "the session is over"
    assert [a for a in g.journal() if a["event"] == "logout" and a.get("client") == client["client_id"]]


@pytest.mark.parametrize("uri", [None, "https://evil.example.org/", OUT + "/x", OUT + "?x=1", OUT.upper(), "javascript:alert(1)"])
def test_an_unregistered_address_is_never_followed(g, uri):
    client = new_client(g)
    app, t = signed_in(g, client)
    r = logout(g, app.browser, id_token_hint=t["id_token"], post_logout_redirect_uri=uri, state="x")
    assert r.status_code == 200 and "You have been signed out. Thank you." in r.text and "Location" not in r.headers
    ended(g, t["access_token"])


@pytest.mark.parametrize("named", ["same", "other", "nobody"])
def test_a_client_id_beside_the_hint_is_the_hint_s(g, named):
    """RP-Initiated Logout 2: the OP must verify that they match."""
    client, other = new_client(g), new_client(g)
    app, t = signed_in(g, client)
    who = {"same": client["client_id"], "other": other["client_id"], "nobody": "nobody"}[named]
    r = logout(g, app.browser, id_token_hint=t["id_token"], client_id=who, post_logout_redirect_uri=OUT)
    if named == "same":
        assert r.status_code == 302 and r.headers["Location"] == OUT
        ended(g, t["access_token"])
    else:
        assert (r.status_code, r.json()["error"]) == (400, "invalid_request")
        assert g.get("/oauth2/default/userinfo", t["access_token"]).status_code == 200


def test_a_hint_of_the_password_grant_ends_its_grant_without_a_session(g):
    client = new_client(g)
    t = g.token(SCOPE, client=client)
    r = logout(g, id_token_hint=t["id_token"], post_logout_redirect_uri=OUT)
    assert r.status_code == 302 and r.headers["Location"] == OUT
    ended(g, t["access_token"])


def changed(token):
    head, body, sig = token.split(".")
    claims = claims_of(token)
    claims["sub"] = "00000000-0000-4000-8000-000000000000"
    return f"{head}.{b64(claims)}.{sig}"


@pytest.mark.parametrize("hint", ["rubbish", "changed", "another key", "alg none", "access token", "other site"])
def test_a_hint_that_is_no_id_token_of_ours_is_refused(g, hint):
    client = new_client(g)
    t = g.token(SCOPE, client=client)
    token = t["id_token"]
    if hint == "changed":
        token = changed(token)
    elif hint == "alg none":
        token = b64({"alg": "none"}) + "." + token.split(".")[1] + "."
    elif hint == "access token":
        token = t["access_token"]
    elif hint == "other site":
        other = g.register("alternate", scope="openid", grant_types=["password"])
        token = g.token("openid", site="alternate", client=other)["id_token"]
    elif hint == "another key":
        j = jwt.JWT({"alg": "RS256"}, {"iss": f"{g.origin}/oauth2/default", "aud": client["client_id"], "sub": "x"}, algs=["RS256"])
        j.make_signed_token(jwk.JWK.generate(kty="RSA", size=2048))
        token = j.serialize()
    else:
        token = "rubbish"
    r = logout(g, id_token_hint=token, post_logout_redirect_uri=OUT)
    assert r.status_code == 400 and r.json()["error_description"] == "Id token not issued from this server", hint
    assert g.get(PATH, t["access_token"]).status_code == 200


def test_without_hint_and_session(g):
    r = logout(g)
    assert (r.status_code, r.json()["error"], r.json()["error_description"]) == (400, "invalid_request", "Id token missing from request")


def test_without_a_hint_the_person_is_asked(g):
    client = new_client(g)
    app, t = signed_in(g, client)
    app.go("GET", "/oauth2/default/logout")
    assert "Do you want to sign out here?" in app.page.text
    assert app.browser.post(g.origin + "/oauth2/default/logout", data={"csrf_token_form": "wrong"}, timeout=30).text.count("Do you want") == 1
    assert not App(g, client, app.browser).authorize(SCOPE).at("/provider/login")
    app.press(action="/logout")
    assert "You have been signed out" in app.page.text
    assert App(g, client, app.browser).authorize(SCOPE).at("/provider/login")
    assert g.get(PATH, t["access_token"]).status_code == 200, "offline access of the app is not what the person signed out of"


def test_a_parameter_twice_is_refused(g):
    t = g.token(SCOPE, client=new_client(g))
    q = urllib.parse.urlencode([("id_token_hint", t["id_token"]), ("post_logout_redirect_uri", OUT), ("post_logout_redirect_uri", "https://x.example.org")])
    assert g.get("/oauth2/default/logout?" + q).status_code == 400


def test_online_access_lives_as_long_as_the_session(g):
    client = new_client(g, ONLINE)
    app, t = signed_in(g, client, ONLINE)
    assert "refresh_token" in t, t
    second = app.refresh(t["refresh_token"])
    assert second.status_code == 200, second.text
    app.go("GET", "/oauth2/default/logout")
    app.press(action="/logout")
    r = app.refresh(second.json()["refresh_token"])
    assert r.status_code == 401 and r.json()["hint"] == "Token has been revoked"
    assert app.introspect(second.json()["refresh_token"])["active"] is False


def test_other_clients_of_the_session_hear_of_it(g, ear):
    ear.heard.clear()
    one = new_client(g, backchannel_logout_uri=ear.url + "/one", backchannel_logout_session_required=True)
    two = new_client(g, backchannel_logout_uri=ear.url + "/two")
    silent = new_client(g)
    app, t = signed_in(g, one)
    for other in (two, silent):
        signed_in(g, other, browser=app.browser)
    logout(g, app.browser, id_token_hint=t["id_token"], post_logout_redirect_uri=OUT)
    wait_until(lambda: {h[0] for h in ear.heard} >= {"/one", "/two"}, "two clients were told")
    keys = jwk.JWKSet.from_json(g.get("/oauth2/default/jwk").text)
    hint = claims_of(t["id_token"])
    for path, kind, form in ear.heard:
        client = one if path == "/one" else two
        token = jwt.JWT(jwt=form["logout_token"], key=keys)
        c, head = json.loads(token.claims), json.loads(token.header)
        assert kind == "application/x-www-form-urlencoded" and head["typ"] == "logout+jwt"
        assert c["aud"] == client["client_id"] and c["iss"] == f"{g.origin}/oauth2/default" and c["sub"] == hint["sub"]
        assert c["sid"] == hint["sid"] and "nonce" not in c and c["exp"] - c["iat"] <= 120
        assert c["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert {h[0] for h in ear.heard} == {"/one", "/two"}


def test_a_failed_back_channel_is_tried_again_and_holds_nobody_up(g, ear):
    ear.heard.clear()
    ear.answers[:] = [503]
    client = new_client(g, backchannel_logout_uri=ear.url + "/again")
    app, t = signed_in(g, client)
    ear.let.clear()  # it does not answer before the person has been
    try:
        assert logout(g, app.browser, id_token_hint=t["id_token"], post_logout_redirect_uri=OUT).status_code == 302
        assert len(ear.heard) < 2, "nor was it given up"
    finally:
        ear.let.set()
    wait_until(lambda: len(ear.heard) >= 2, "told twice")


# --- the second factor of the password grant -----------------------------------------------------------------------------------------------
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def factor(g):
    def register(method="TOTP", secret=SECRET):
        g.sql(f"REPLACE INTO login_mfa_registrations (user_id, name, method, var1) SELECT id, 'x', '{method}', '{secret}' FROM users "
              "WHERE username='admin'")
    g.redis("FLUSHALL")
    yield register
    g.sql("DELETE FROM login_mfa_registrations")


def password(g, client, **more):
    return g.token_request(**{"grant_type": "password", "client_id": client["client_id"], "client_secret": client["client_secret"], "scope": SCOPE,
                              "user_role": "users", "username": "admin", "password": "pass", **more})


def test_the_second_factor_is_compulsory_and_works_once(g, factor):
    client = new_client(g)
    factor()
    for form, error in (({}, "mfa_token_invalid"), ({"mfa_token": "12345"}, "mfa_token_invalid"), ({"mfa_token": "abcdef"}, "mfa_token_invalid"),
                        ({"mfa_token": "000000" if totp(SECRET) != "000000" else "000001"}, "mfa_token_invalid"),
                        ({"mfa_token": totp(SECRET), "password": "wrong"}, "invalid_grant")):
        r = password(g, client, **form)
        assert r.status_code == (400 if error == "invalid_grant" else 401) and r.json()["error"] == error and "access_token" not in r.text, form
    code = totp(SECRET)
    r = password(g, client, mfa_token=code)
    assert r.status_code == 200
    c = claims_of(r.json()["id_token"])
    assert (c["amr"], c["acr"]) == (["pwd", "otp", "mfa"], "2") and abs(c["auth_time"] - time.time()) < 30
    r = password(g, client, mfa_token=code)
    assert (r.status_code, r.json()["error"], r.json()["message"]) == (401, "mfa_token_invalid", "The MFA code you entered was not valid.")


def test_a_factor_that_is_not_served_is_told_so(g, factor):
    client = new_client(g)
    factor("U2F", "{}")
    r = password(g, client, mfa_token="123456")
    assert (r.status_code, r.json()["error"], r.json()["message"]) == (403, "mfa_not_supported", "MFA not supported.")


def test_a_code_of_somebody_without_a_factor(g, factor):
    client = new_client(g)
    r = password(g, client, mfa_token="123456")
    assert (r.status_code, r.json()["error"]) == (403, "mfa_not_supported")
