# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises that hold across endpoints: scopes only narrow from registration to resource; each act is an audit record with its actor and client; what
ends a grant ends it everywhere; a flow survives the loss of a worker and of Redis; parallel uses of a step have one winner."""
import concurrent.futures
import json
import os
import random
import re
import signal
import time

import pytest
from app import FREE
from gateway import ROOT, Gateway, wait_until
from person import Person
from tokens import claims_of, secret_of

GRANTS = ["authorization_code", "refresh_token", "password"]
MORE = {f"rate.classes.{name}.limit": 0 for name in ("public", "read", "search", "write", "default")}


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, **MORE, "process.workers": 2, "sites.default.oauth.refresh_grace": "1s"})
    yield g
    g.close()


# --- scopes only narrow ------------------------------------------------------------------------------------------------------------------
V1 = {"read": "rs", "write": "cud"}
UNIVERSE = ["user/Patient.read", "user/Patient.rs", "user/Patient.r", "user/Patient.s", "user/Observation.rs", "user/Observation.r", "user/facility.read", "user/facility.r",
            "user/patient.read", "user/patient.write", "user/patient.crus", "patient/Patient.rs", "patient/Patient.r", "patient/Condition.rs", "patient/Condition.read",
            "user/*.rs", "user/*.r", "patient/*.rs", "user/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs"]
# what is read: (a resource's path, the scope that alone opens it)
RESOURCES = [("/apis/default/fhir/Patient?_count=1", "Patient", "s"), ("/apis/default/fhir/Observation?_count=1", "Observation", "s"),
             ("/apis/default/api/facility", "facility", "s"), ("/apis/default/api/patient?_limit=1", "patient", "s")]


def parts(scope):
    """(context, resource, letters, query) of a scope with a resource."""
    text, _, query = scope.partition("?")
    context, _, rest = text.partition("/")
    resource, _, letters = rest.partition(".")
    return context, resource, set(V1.get(letters, letters)), query


def covered(scope, by):
    """Contract 4.3, written by hand: some scope of the list holds this one."""
    if "/" not in scope:
        return scope in by
    c, r, letters, query = parts(scope)
    for other in by:
        if "/" in other:
            oc, orr, ol, oq = parts(other)
            if oc == c and orr in (r, "*") and letters <= ol and oq in ("", query):
                return True
    return False


def opens(scopes, resource, letter):
    return any("/" in s and parts(s)[1] in (resource, "*") and letter in parts(s)[2] for s in scopes)


@pytest.mark.parametrize("seed", range(12))
def test_a_scope_only_narrows_on_its_way_to_the_resource(gw, seed):
    dice = random.Random(seed)
    supported = set(gw.scopes())
    universe = [s for s in UNIVERSE if s in supported or "*" in s or "?" in s or covered(s, supported)]

    def some(of, at_least=1):
        return dice.sample(of, dice.randint(at_least, len(of)))
    fixed = ["openid", "offline_access", "api:oemr", "api:fhir"]
    registered = fixed + some(universe)
    r = gw.post("/oauth2/default/registration", json={"application_type": "private", "client_name": "narrow", "redirect_uris": ["https://client.example.org/callback"],
                                                      "scope": " ".join(registered), "token_endpoint_auth_method": "client_secret_post", "grant_types": GRANTS})
    if r.status_code == 400:  # a wildcard that this site does not know
        registered = [s for s in registered if "*" not in s]
        r = gw.post("/oauth2/default/registration", json={**json.loads(r.request.body), "scope": " ".join(registered)})
    made = r.json()
    gw.cli("client", "enable", "--site", "default", made["client_id"])
    asked = fixed + [s for s in some(universe) if covered(s, supported) or s in registered]
    p = Person(gw).authorize(made, " ".join(asked)).login()
    assert p.page.title == "Allow access?", p.page.text[:300]
    boxes = [n for n in p.page.form["fields"] if n.startswith("scope[")]
    unticked = [n for n in boxes if dice.random() < 0.3 and not n.startswith(("scope[openid", "scope[api:", "scope[offline"))]
    p.send(button=("proceed", "1"), drop=unticked)
    first = p.redeem(made)
    assert first.status_code == 200, first.text
    granted = claims_of(first.json()["access_token"])["scopes"]
    for scope in granted:
        assert covered(scope, registered), (scope, "not registered", registered)
        assert covered(scope, asked), (scope, "not asked", asked)
        assert f"scope[{scope}]" not in unticked, (scope, "was unticked")
    for path, resource, letter in RESOURCES:
        status = gw.get(path, first.json()["access_token"]).status_code
        assert status != 200 or opens(granted, resource, letter), (path, status, granted)
    fewer = some(granted)
    again = gw.token_request(grant_type="refresh_token", refresh_token=first.json()["refresh_token"], scope=" ".join(fewer), **secret_of(made))
    assert again.status_code == 200, again.text
    held = claims_of(again.json()["access_token"])["scopes"]
    assert set(held) == set(fewer)
    for path, resource, letter in RESOURCES:
        status = gw.get(path, again.json()["access_token"]).status_code
        assert status != 200 or opens(held, resource, letter), (path, status, held)
    if "refresh_token" in again.json():
        for scope in UNIVERSE:
            if not covered(scope, held):
                wider = gw.token_request(grant_type="refresh_token", refresh_token=again.json()["refresh_token"], scope=f"{held[0]} {scope}", **secret_of(made))
                assert wider.status_code == 400 and wider.json()["error"] == "invalid_scope", scope


# --- events ---------------------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def acts(gw):
    """A life of a client and its grants; the journal after it."""
    made = gw.register(scope="openid offline_access api:oemr user/facility.read", grant_types=GRANTS)
    p = Person(gw).authorize(made, "openid offline_access api:oemr user/facility.read")
    p.login(password="wrong").login().allow()
    t = p.redeem(made).json()
    new = gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], **secret_of(made)).json()
    gw.post("/oauth2/default/introspect", data={"token": new["access_token"], **secret_of(made)})
    time.sleep(1.2)  # the grace window of this gateway is 1 s
    assert gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], **secret_of(made)).status_code == 401
    Person(gw).authorize(made, "openid").login().deny()
    t = gw.token("openid offline_access api:oemr", client=made)
    gw.post("/oauth2/default/revoke", data={"token": t["refresh_token"], **secret_of(made)})
    assert gw.token_request(grant_type="refresh_token", refresh_token="rubbish", **secret_of(made)).status_code == 401
    hint = gw.token("openid api:oemr", client=made)["id_token"]
    assert gw.get("/oauth2/default/logout", params={"id_token_hint": hint}).status_code == 200
    where = made["registration_client_uri"].split("/oauth2/default")[1]
    body = {"client_id": made["client_id"], "application_type": "private", "client_name": "renamed", "redirect_uris": ["https://client.example.org/callback"],
            "scope": "openid", "token_endpoint_auth_method": "client_secret_post", "grant_types": GRANTS}
    assert gw.request("PUT", "/oauth2/default" + where, made["registration_access_token"], json=body).status_code == 200
    gw.sql("REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('password_max_failed_logins', 0, 1)")
    try:
        p = Person(gw).authorize(made, "openid").login("clinician", "wrong").login("clinician", "pass")
        assert p.page.title == "Sign in"
    finally:
        gw.sql("DELETE FROM globals WHERE gl_name='password_max_failed_logins'; DELETE FROM ip_tracking; UPDATE users_secure SET login_fail_counter=0, last_login_fail=NULL")
    return made, gw.journal()


PERSON_TOO = ["login", "login_failed", "lockout", "consent", "consent_denied", "code_issued", "token_issued", "token_refreshed", "logout"]
CLIENT_ONLY = ["client_registered", "client_changed", "revoked", "reused", "introspected", "token_refused"]
ELSEWHERE = {"request": "test_audit.py", "stream_end": "test_proxy.py", "keys_changed": "test_oauth_keys.py"}


def test_each_kind_of_record_is_made_by_some_act_here():
    table = (ROOT / "gateway/core/audit_event.h").read_text()
    assert set(re.findall(r'X\([A-Z_]+, "(\w+)"\)', table)) == {*PERSON_TOO, *CLIENT_ONLY, *ELSEWHERE}
    for event, name in ELSEWHERE.items():
        assert event in (ROOT / "tests/e2e" / name).read_text(), event


@pytest.mark.parametrize("event", PERSON_TOO + CLIENT_ONLY)
def test_an_act_is_a_record_with_actor_and_client(gw, acts, event):
    made, journal = acts
    records = [r for r in journal if r.get("event") == event and r.get("client") == made["client_id"]]
    assert records, (event, [r.get("client") for r in journal if r.get("event") == event])
    if event in PERSON_TOO:
        assert any(r.get("username") in ("admin", "clinician") or r.get("user") for r in records), records[-1]
    # an operator's command (client enable) comes from no address, but from a user of the machine
    assert all("uid" in r and r["username"] if r.get("role") == "operator" else r["address"] for r in records), records


def test_no_secret_of_that_life_stands_in_journal_or_log(gw, acts):
    made, journal = acts
    text = json.dumps(journal) + (gw.dir / "gatehouse.log").read_text(errors="replace")
    for word in (made["client_secret"], made["registration_access_token"], "eyJ", "wrong\""):
        assert word not in text, word


# --- what ends a grant on the page, on all workers ---------------------------------------------------------------------------------------------
def test_the_manage_page_stops_access_tokens_on_all_workers(gw):
    made = gw.register(scope="openid offline_access api:oemr user/facility.read", grant_types=GRANTS, client_name="To be withdrawn")
    p = Person(gw).authorize(made, "openid offline_access api:oemr user/facility.read").login().allow()
    t = p.redeem(made).json()
    assert gw.get("/apis/default/api/facility", t["access_token"]).status_code == 200
    p.get(p.path("/manage"))
    p.send(button=("client", made["client_id"]), form=next(f for f in p.page.forms if "client" in f["buttons"]))
    gw.ends(t["access_token"], "/apis/default/api/facility", 5)
    assert gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], **secret_of(made)).status_code == 401


def test_logout_stops_access_tokens_on_all_workers(gw):
    made = gw.register(scope="openid offline_access api:oemr user/facility.read", grant_types=GRANTS)
    t = Person(gw).authorize(made, "openid api:oemr user/facility.read").login().allow().redeem(made).json()
    assert gw.get("/oauth2/default/logout", params={"id_token_hint": t["id_token"]}).status_code == 200
    gw.ends(t["access_token"], "/apis/default/api/facility", 5)


# --- one wins ---------------------------------------------------------------------------------------------------------------------------------
def test_of_parallel_sign_ins_by_one_form_one_goes_on(gw):
    made = gw.register(scope="openid", grant_types=GRANTS)
    p = Person(gw).authorize(made, "openid")
    fields = {**p.page.form["fields"], "username": "admin", "password": "pass", "user_role": "api"}
    cookies = dict(p.session.cookies)

    def send(_):
        s = gw.session_new()
        return s.post(p.path("/login"), data=fields, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}, allow_redirects=False, timeout=60)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert len([r for r in answers if r.status_code == 303]) == 1, [r.status_code for r in answers]


def test_of_parallel_uses_of_an_assertion_one_wins(gw):
    from jwcrypto import jwk, jwt
    key = jwk.JWK.generate(kty="EC", crv="P-384", kid="k")
    made = gw.register(scope="system/Patient.read", token_endpoint_auth_method="private_key_jwt", jwks={"keys": [json.loads(key.export_public())]}, grant_types=["client_credentials"])
    t = jwt.JWT({"alg": "ES384", "kid": "k"}, {"iss": made["client_id"], "sub": made["client_id"], "aud": f"{gw.origin}/oauth2/default/token", "exp": int(time.time()) + 200, "jti": "once"},
                algs=["ES384"])
    t.make_signed_token(key)
    form = {"grant_type": "client_credentials", "scope": "system/Patient.read", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": t.serialize()}
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: gw.session_new().post(f"{gw.origin}/oauth2/default/token", data=form, timeout=60).status_code, range(30)))
    assert answers.count(200) == 1 and set(answers) == {200, 400}


# --- losses -------------------------------------------------------------------------------------------------------------------------------------
def test_a_flow_goes_on_when_redis_is_killed_and_a_worker_with_it(make_gateway):
    gw = make_gateway(own_stores=True, extra={**FREE, **MORE, "process.workers": 2})
    made = gw.register(scope="openid offline_access api:oemr user/facility.read", grant_types=GRANTS)
    p = Person(gw).authorize(made, "openid offline_access api:oemr user/facility.read").login()
    assert p.page.title == "Allow access?"
    t = gw.token("openid offline_access api:oemr user/facility.read", client=made)
    gw.store_kill("redis", signal.SIGKILL)
    r = gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], **secret_of(made))
    assert r.status_code == 503 and r.headers["retry-after"]
    os.kill(gw.workers()[0], signal.SIGKILL)
    gw.store_start("redis")
    wait_until(lambda: gw.session_new().get(gw.origin + "/oauth2/default/jwk", timeout=30).status_code == 200, "served again")
    p.session.close()

    def allowed():
        try:
            form = p.page
            p.allow()
        except OSError:
            return None
        if p.left is None:
            p.page = form
        return p.left
    wait_until(allowed, "the consent that was begun before is taken")
    assert p.redeem(made).status_code == 200
    again = gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], **secret_of(made))
    assert again.status_code == 200, "a refused use consumed nothing"
