# SPDX-License-Identifier: GPL-3.0-or-later
"""Revocation that bites: each act that ends a grant, a row each. Before it every worker has verified and kept the token; 5 s after it none accepts it,
it cannot be refreshed, and a grant beside it lives on. Rows of the database are changed as OpenEMR's own pages change them. contract/oauth2.md 3.7."""
import json
import time

import pytest
from app import FREE
from gateway import Gateway
from jwcrypto import jwk, jwt
from person import Person
from tokens import claims_of, secret_of

GRANTS = ["authorization_code", "refresh_token", "password"]
STAFF = "openid offline_access api:fhir user/Patient.read"
PATIENT = "openid offline_access api:fhir patient/Patient.read"
PATH = "/apis/default/fhir/Patient?_count=1"
MANY = 12  # connections of their own: each of two workers gets some
WITHIN_S = 5
KEY = jwk.JWK.generate(kty="EC", crv="P-384", kid="k")


@pytest.fixture(scope="module")
def gw(shared_stores):
    more = {f"rate.classes.{name}.limit": 0 for name in ("public", "read", "search", "write", "default")}
    g = Gateway(stores=shared_stores, extra={**FREE, **more, "process.workers": 2, "sites.default.oauth.refresh_grace": "0", "sites.default.oauth.openemr_rows": True})
    yield g
    g.close()


class Grant:
    """Tokens of a fresh client, got in the browser (staff, patient) or by an assertion (system)."""

    def __init__(self, gw, who):
        self.gw, self.who = gw, who
        if who == "system":
            self.client = gw.register(scope="system/Patient.read", token_endpoint_auth_method="private_key_jwt", grant_types=["client_credentials"], jwks={"keys": [json.loads(KEY.export_public())]})
            t = jwt.JWT({"alg": "ES384", "kid": "k"}, {"iss": self.client["client_id"], "sub": self.client["client_id"], "aud": f"{gw.origin}/oauth2/default/token", "exp": int(time.time()) + 200,
                                                       "jti": self.client["client_id"]}, algs=["ES384"])
            t.make_signed_token(KEY)
            r = gw.token_request(grant_type="client_credentials", scope="system/Patient.read", client_assertion=t.serialize(),
                                 client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        else:
            self.client = gw.register(scope=STAFF + " patient/Patient.read", grant_types=GRANTS)
            self.person = Person(gw).authorize(self.client, STAFF if who == "staff" else PATIENT)
            if who == "staff":
                self.person.login("receptionist", "pass")
            else:
                self.person.login_patient()
            self.code = self.person.allow().answer()["code"]
            r = self.person.redeem(self.client, self.code)
        assert r.status_code == 200, r.text
        self.tokens = r.json()
        self.claims = claims_of(self.tokens["access_token"])

    def refresh(self):
        return self.gw.token_request(grant_type="refresh_token", refresh_token=self.tokens["refresh_token"], **secret_of(self.client))

    def statuses(self, token=None, n=MANY):
        """What fresh connections are answered."""
        got = []
        for _ in range(n):
            with self.gw.session_new() as s:
                got.append(s.get(self.gw.origin + PATH, headers={"Authorization": f"Bearer {token or self.tokens['access_token']}"}, timeout=30).status_code)
        return got

    def sql(self, text):
        uuid = f"UNHEX('{self.claims['sub'].replace('-', '')}')"
        self.gw.sql(text.format(sub=self.claims["sub"], uuid=uuid, client=self.client["client_id"], jti=self.claims["jti"]))

    def post(self, path, **form):
        r = self.gw.post("/oauth2/default" + path, data={**form, **secret_of(self.client)})
        assert r.status_code == 200, r.text

    def manage(self):
        p = self.person.get(self.person.path("/manage"))
        p.send(button=("client", self.client["client_id"]), form=next(f for f in p.page.forms if "client" in f["buttons"]))

    def sign_out(self):
        self.person.get(self.person.path("/logout"))
        self.person.send()
        assert self.person.page.title == "Signed out"

    def twice(self):
        assert self.person.redeem(self.client, self.code).status_code == 400

    def reuse(self):
        new = self.refresh().json()
        assert self.statuses(new["access_token"]) == [200] * MANY
        assert self.refresh().status_code == 401
        self.tokens = new

    def rotate(self):
        assert self.refresh().status_code == 200

    def delete(self):
        r = self.gw.request("DELETE", self.client["registration_client_uri"][len(self.gw.origin):], self.client["registration_access_token"])
        assert r.status_code == 204, r.text


USER = "(SELECT id FROM users WHERE uuid={uuid})"
# what: (whose, the act, how a row goes back, is the refresh token over with it)
ROWS = {
    "access token revoked": ("staff", lambda g: g.post("/revoke", token=g.tokens["access_token"]), None, False),
    "refresh token revoked": ("staff", lambda g: g.post("/revoke", token=g.tokens["refresh_token"]), None, True),
    "logout by hint": ("staff", lambda g: g.gw.get("/oauth2/default/logout", params={"id_token_hint": g.tokens["id_token"]}), None, True),
    "logout by hint, patient": ("patient", lambda g: g.gw.get("/oauth2/default/logout", params={"id_token_hint": g.tokens["id_token"]}), None, True),
    "withdrawn on the manage page": ("patient", Grant.manage, None, True),
    "code used twice": ("staff", Grant.twice, None, True),
    "refresh token used twice": ("staff", Grant.reuse, None, True),
    "refreshed": ("staff", Grant.rotate, None, None),
    "client disabled by the command": ("staff", lambda g: g.gw.cli("client", "disable", "--site", "default", g.client["client_id"]), None, True),
    "client disabled by its row": ("patient", lambda g: g.sql("UPDATE oauth_clients SET is_enabled=0 WHERE client_id='{client}'"), None, True),
    "client disabled, system": ("system", lambda g: g.sql("UPDATE oauth_clients SET is_enabled=0 WHERE client_id='{client}'"), None, None),
    "client deleted by itself": ("staff", Grant.delete, None, True),
    "client's row deleted": ("staff", lambda g: g.sql("DELETE FROM oauth_clients WHERE client_id='{client}'"), None, True),
    "user disabled": ("staff", lambda g: g.sql("UPDATE users SET active=0 WHERE uuid={uuid}"), "UPDATE users SET active=1 WHERE uuid={uuid}", True),
    "password changed": ("staff", lambda g: g.sql(f"UPDATE users_secure SET last_update_password=last_update_password - INTERVAL 1 HOUR WHERE id={USER}"), None, True),
    "patient kept from the portal": ("patient", lambda g: g.sql("UPDATE patient_data SET allow_patient_portal='NO' WHERE uuid={uuid}"), "UPDATE patient_data SET allow_patient_portal='YES' WHERE uuid={uuid}", True),
    "portal password changed": ("patient", lambda g: g.sql("UPDATE patient_access_onsite SET portal_pwd=CONCAT('!',portal_pwd) WHERE pid=1"), "UPDATE patient_access_onsite SET portal_pwd=SUBSTR(portal_pwd,2) WHERE pid=1", True),
    "api_token.revoked": ("staff", lambda g: g.sql("UPDATE api_token SET revoked=1 WHERE token='{jti}'"), None, False),
    "api_token.revoked, patient": ("patient", lambda g: g.sql("UPDATE api_token SET revoked=1 WHERE token='{jti}'"), None, False),
    "api_refresh_token.revoked": ("staff", lambda g: g.sql("UPDATE api_refresh_token SET revoked=1 WHERE user_id='{sub}' AND client_id='{client}'"), None, True),
    "oauth_trusted_user deleted": ("staff", lambda g: g.sql("DELETE FROM oauth_trusted_user WHERE client_id='{client}' AND user_id='{sub}'"), None, True),
}


@pytest.mark.parametrize("what", ROWS)
def test_an_end_is_an_end_on_every_worker_within_5_seconds(gw, what):
    who, act, back, refresh_over = ROWS[what]
    grant = Grant(gw, who)
    beside = Grant(gw, "patient" if who == "staff" else "staff")
    assert grant.statuses() == [200] * MANY and beside.statuses(n=1) == [200]
    token = grant.tokens["access_token"]
    act(grant)
    try:
        gw.ends(token, PATH, WITHIN_S, MANY)
        if what == "refresh token used twice":
            assert grant.statuses() == [401] * MANY, "the successor too"
        if refresh_over is not None:
            assert grant.refresh().status_code == (401 if refresh_over else 200)
        assert beside.statuses(n=1) == [200] and beside.refresh().status_code == 200, "nothing else ended"
    finally:
        if back:
            grant.sql(back)


@pytest.mark.parametrize("how", ["button", "hint of another app"])
def test_signing_out_ends_what_the_session_gave_but_offline_access(gw, how):
    """OIDC Back-Channel Logout 1.0, 2.7."""
    stays = Grant(gw, "staff")
    browser = stays.person

    def grant(scope):
        g = Grant.__new__(Grant)
        g.gw, g.who, g.person = gw, "staff", browser
        g.client = gw.register(scope=STAFF + " online_access", grant_types=GRANTS)
        browser.authorize(g.client, scope).allow()
        g.tokens = browser.redeem(g.client).json()
        return g
    ends = [grant("openid user/Patient.read"), grant("openid online_access user/Patient.read")]
    by = grant("openid")
    for g in [*ends, stays]:
        assert g.statuses() == [200] * MANY
    jti = claims_of(ends[0].tokens["access_token"])["jti"]
    if how == "button":
        by.sign_out()
    else:
        assert gw.get("/oauth2/default/logout", params={"id_token_hint": by.tokens["id_token"]}).status_code == 200
    for g in ends:
        gw.ends(g.tokens["access_token"], PATH, WITHIN_S, MANY)
    assert ends[1].refresh().status_code == 401
    assert gw.sql(f"SELECT revoked FROM api_token WHERE token='{jti}'") == [["1"]], "OpenEMR's page shows it"
    assert stays.statuses() == [200] * MANY and stays.refresh().status_code == 200, "offline access outlives the session"
    assert browser.authorize(by.client, "openid").page.title == "Sign in"
