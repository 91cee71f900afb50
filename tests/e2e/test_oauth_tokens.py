# SPDX-License-Identifier: GPL-3.0-or-later
"""Life and end of tokens: refresh with its grace window, revocation, introspection, and everything that must stop a token within 5 s on all
workers. RFC 6749 6, RFC 7009, RFC 7662, RFC 9700 4.14; contract/oauth2.md 2.10, 2.11, 3.7, 14."""
import concurrent.futures
import json
import time

import pytest
from tokens import claims_of, head_of, secret_of

SCOPE = "openid offline_access api:oemr api:fhir user/patient.read user/facility.read user/Patient.read"
ROWS = {"sites.default.oauth.openemr_rows": True, "sites.default.oauth.client_auth": "strict", "sites.default.oauth.refresh_grace": "2s",
        "process.workers": 2}
PATHS = "/apis/default/api/facility"


@pytest.fixture(scope="module")
def strict(shared_stores):
    from gateway import Gateway
    g = Gateway(stores=shared_stores, extra=ROWS)
    g.clients["default"] = g.register(grant_types=["authorization_code", "refresh_token", "password"])
    yield g
    g.close()


@pytest.fixture(scope="module")
def lenient(shared_stores):
    """As strict, with a grace window that a busy machine does not outlast."""
    from gateway import Gateway
    g = Gateway(stores=shared_stores, extra={**ROWS, "sites.default.oauth.refresh_grace": "60s"})
    g.clients["default"] = g.register(grant_types=["authorization_code", "refresh_token", "password"])
    yield g
    g.close()


def refresh(g, token, client=None, session=None, **more):
    form = {"grant_type": "refresh_token", "refresh_token": token, **secret_of(client or g.client()), **more}
    s = session or g.session
    return s.post(f"{g.origin}/oauth2/default/token", data={k: v for k, v in form.items() if v is not None}, timeout=30)


def introspect(g, token, client=None):
    r = g.post("/oauth2/default/introspect", data={"token": token, **secret_of(client or g.client())})
    assert r.status_code == 200, r.text
    return r.json()


def revoke(g, token, client=None, **more):
    return g.post("/oauth2/default/revoke", data={"token": token, **secret_of(client or g.client()), **more})


def cell(g, text):
    return g.sql(text)[0][0]


def passes(g, token):
    return g.get(PATHS, token).status_code != 401  # 403: accepted, but this person may not


# --- refresh -------------------------------------------------------------------------------------------------------------------------
def test_refresh_gives_a_new_pair_and_ends_the_old_access_token(strict):
    first = strict.token(SCOPE)
    second = refresh(strict, first["refresh_token"])
    assert second.status_code == 200, second.text
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert passes(strict, second.json()["access_token"])
    assert not passes(strict, first["access_token"])


def test_a_retry_within_the_grace_window_gets_the_same_answer(lenient):
    first = lenient.token(SCOPE)
    answers = [refresh(lenient, first["refresh_token"]) for _ in range(3)]
    assert [r.status_code for r in answers] == [200] * 3
    assert len({r.text for r in answers}) == 1
    assert passes(lenient, answers[0].json()["access_token"])


def test_reuse_after_the_grace_window_revokes_the_family(strict):
    first = strict.token(SCOPE)
    second = refresh(strict, first["refresh_token"]).json()
    time.sleep(2.2)  # the window of this gateway is 2 s
    r = refresh(strict, first["refresh_token"])
    assert r.status_code == 401 and r.json()["error"] == "invalid_request" and r.json()["hint"] == "Token has been revoked"
    assert not passes(strict, second["access_token"])
    assert refresh(strict, second["refresh_token"]).status_code == 401
    assert [a["event"] for a in strict.journal() if a["event"] == "reused"]


def test_the_successor_lies_nowhere_in_clear(strict):
    first = strict.token(SCOPE)
    second = refresh(strict, first["refresh_token"]).json()
    for key in strict.redis("KEYS", "*").split():
        kind = strict.redis("TYPE", key)
        value = {"string": lambda k=key: strict.redis("GET", k), "set": lambda k=key: strict.redis("SMEMBERS", k),
                 "zset": lambda k=key: strict.redis("ZRANGE", k, "0", "-1")}.get(kind, lambda: "")()
        for token in (first["refresh_token"], second["refresh_token"], second["access_token"]):
            assert token not in value and token not in key


def test_a_hundred_parallel_uses_have_one_successor(lenient):
    first = lenient.token(SCOPE)
    sessions = [lenient.session_new() for _ in range(20)]
    for s in sessions:
        s.get(lenient.origin + "/oauth2/default/jwk", timeout=30)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: refresh(lenient, first["refresh_token"], session=sessions[i % 20]), range(100)))
    assert {r.status_code for r in answers} == {200}
    assert len({r.json()["refresh_token"] for r in answers}) == 1 and len({r.json()["access_token"] for r in answers}) == 1
    assert passes(lenient, answers[0].json()["access_token"])


@pytest.mark.parametrize("scope, status", [
    ("openid offline_access api:oemr user/facility.read", 200), ("user/facility.read", 200),
    ("openid user/facility.read user/practitioner.read", 400), ("user/facility.write", 400), ("user/*.read", 400), ("no such", 400),
    ("user/Patient.cruds", 400)])
def test_refresh_narrows_and_never_widens(strict, scope, status):
    first = strict.token(SCOPE)
    r = refresh(strict, first["refresh_token"], scope=scope)
    assert r.status_code == status, r.text
    if status == 200:
        assert set(claims_of(r.json()["access_token"])["scopes"]) == set(scope.split())
        assert ("refresh_token" in r.json()) == ("offline_access" in scope)
    else:
        assert r.json()["error"] == "invalid_scope"
        assert refresh(strict, first["refresh_token"]).status_code == 200, "a refused use does not consume the token"


@pytest.mark.parametrize("form, status, error, hint", [
    ({"refresh_token": None}, 400, "invalid_request", "Check the `refresh_token` parameter"),
    ({"refresh_token": "rubbish"}, 401, "invalid_request", "Token has been revoked"),
    ({"client_secret": "wrong"}, 401, "invalid_client", None), ({"client_secret": None}, 401, "invalid_client", None),
    ({"client_id": "nobody"}, 401, "invalid_client", None)])
def test_refresh_refusals(strict, form, status, error, hint):
    first = strict.token(SCOPE)
    r = refresh(strict, **{"token": first["refresh_token"]}, **{}) if not form else strict.post(
        "/oauth2/default/token", data={k: v for k, v in {"grant_type": "refresh_token", "refresh_token": first["refresh_token"],
                                                         **secret_of(strict.client()), **form}.items() if v is not None})
    assert (r.status_code, r.json()["error"], r.json().get("hint")) == (status, error, hint)


def test_a_refresh_token_is_of_no_use_to_another_client(strict):
    other = strict.register(grant_types=["refresh_token", "password"])
    first = strict.token(SCOPE)
    r = refresh(strict, first["refresh_token"], other)
    assert r.status_code == 401 and r.json()["hint"] == "Token is not linked to client"
    assert refresh(strict, first["refresh_token"]).status_code == 200


def test_a_rotated_token_of_another_client_does_not_end_the_family(strict):
    other = strict.register(grant_types=["refresh_token", "password"])
    first = strict.token(SCOPE)
    second = refresh(strict, first["refresh_token"]).json()
    time.sleep(2.2)
    assert refresh(strict, first["refresh_token"], other).status_code == 401
    assert passes(strict, second["access_token"])


# --- ends by time ----------------------------------------------------------------------------------------------------------------------
def test_a_refresh_token_ends_when_not_used_and_some_time_after_sign_in(make_gateway):
    limits = {f"rate.classes.{name}.limit": 0 for name in ("token", "register", "public", "read")}
    g = make_gateway(extra={**limits, "sites.default.oauth.refresh_idle": "10m", "sites.default.oauth.refresh_ttl": "2h", "process.workers": 1})
    client = g.register(scope=SCOPE, grant_types=["refresh_token", "password"])

    def records():
        return [k for k in g.redis("KEYS", "gh:default:*").split() if g.redis("TYPE", k) == "string" and '"started"' in g.redis("GET", k)]

    def left(t):
        return introspect(g, t["refresh_token"], client)["exp"] - time.time()
    t = g.token(SCOPE, client=client)
    assert 590 < left(t) <= 600
    (key,) = records()
    assert 590 < int(g.redis("TTL", key)) <= 600, "Redis forgets it by itself"
    t = refresh(g, t["refresh_token"], client).json()
    assert 590 < left(t) <= 600, "each use begins the time anew"
    for started_ago, want in ((7200 - 300, 300), (7200 + 1, None)):  # the second: the family's end has come
        (key,) = records()
        record = json.loads(g.redis("GET", key))
        record["started"] = int(time.time()) - started_ago
        g.redis("SET", key, json.dumps(record, separators=(",", ":")), "KEEPTTL")
        r = refresh(g, t["refresh_token"], client)
        if want:
            t = r.json()
            assert want - 10 < left(t) <= want, "the end after sign-in comes first"
        else:
            assert r.status_code == 401 or "refresh_token" not in r.json(), r.text
    old = g.token(SCOPE, client=client)
    for key in records():
        g.redis("DEL", key)  # what its time does
    r = refresh(g, old["refresh_token"], client)
    assert r.status_code == 401 and r.json()["hint"] == "Token has been revoked"


# --- form ----------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
@pytest.mark.parametrize("php", [True, False], ids=["PHP reads it", "nobody else reads it"])
def test_the_form_of_tokens(make_gateway, tmp_path, php, alg):
    """And each form is accepted where the other is given."""
    limits = {f"rate.classes.{name}.limit": 0 for name in ("token", "register", "public", "read")}
    g = make_gateway(extra={**limits, "sites.default.oauth.openemr_rows": php, "sites.default.oauth.signing_alg": alg,
                                             "sites.default.oauth.signing_key": str(tmp_path / "key.pem"), "process.workers": 1})
    client = g.register(scope=SCOPE, grant_types=["authorization_code", "refresh_token", "password"])
    t = g.token(SCOPE, client=client)
    head = head_of(t["access_token"])
    c, i = claims_of(t["access_token"]), claims_of(t["id_token"])
    (key,) = g.get("/oauth2/default/jwk").json()["keys"]
    assert head == {"typ": "JWT" if php else "at+jwt", "alg": alg, "kid": key["kid"]} and key["use"] == "sig" and key["alg"] == alg
    assert c["aud"] == (client["client_id"] if php else f"{g.origin}/apis/default") and c["client_id"] == i["aud"] == client["client_id"]
    assert all(type(c[name]) is int for name in ("iat", "nbf", "exp")) and all(type(i[name]) is int for name in ("iat", "exp", "auth_time")) and (i["amr"], i["acr"]) == (["pwd"], "1")
    assert c["exp"] - c["iat"] == 3600 and c["iss"] == i["iss"] == f"{g.origin}/oauth2/default" and len(c["jti"]) == 80
    assert introspect(g, t["access_token"], client)["aud"] == [c["aud"]]
    g.stop()
    g.configure({"sites.default.oauth.openemr_rows": not php})
    g.start()
    assert claims_of(g.token(SCOPE, client=client)["access_token"])["aud"] != c["aud"]
    assert passes(g, t["access_token"]) and introspect(g, t["access_token"], client)["active"] and refresh(g, t["refresh_token"], client).status_code == 200
    other = g.register(scope=SCOPE, grant_types=["password"])
    assert introspect(g, t["access_token"], other) == {"active": False}


# --- revoke --------------------------------------------------------------------------------------------------------------------------
def test_revoking_an_access_token_stops_it_alone(strict):
    t = strict.token(SCOPE)
    r = revoke(strict, t["access_token"])
    assert r.status_code == 200 and r.headers["Cache-Control"] == "no-store"
    strict.ends(t["access_token"], PATHS, 5)
    assert refresh(strict, t["refresh_token"]).status_code == 200
    assert cell(strict, f"SELECT revoked FROM api_token WHERE token='{claims_of(t['access_token'])['jti']}'") == "1"


@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense"])
def test_revoking_a_refresh_token_ends_the_grant(strict, hint):
    t = strict.token(SCOPE)
    assert revoke(strict, t["refresh_token"], **({"token_type_hint": hint} if hint else {})).status_code == 200
    strict.ends(t["access_token"], PATHS, 5)
    assert refresh(strict, t["refresh_token"]).status_code == 401
    assert cell(strict, f"SELECT revoked FROM api_token WHERE token='{claims_of(t['access_token'])['jti']}'") == "1"


def test_revoking_a_used_refresh_token_ends_its_family(strict):
    t = strict.token(SCOPE)
    second = refresh(strict, t["refresh_token"]).json()
    assert revoke(strict, t["refresh_token"]).status_code == 200
    strict.ends(second["access_token"], PATHS, 5)
    assert refresh(strict, second["refresh_token"]).status_code == 401


def test_a_foreign_or_unknown_token_is_200_and_nothing_happens(strict):
    other = strict.register(grant_types=["password", "refresh_token"])
    t = strict.token(SCOPE)
    for token in (t["access_token"], t["refresh_token"], "rubbish", "a.b.c"):
        assert revoke(strict, token, other).status_code == 200
    assert passes(strict, t["access_token"]) and refresh(strict, t["refresh_token"]).status_code == 200


@pytest.mark.parametrize("form, status, error", [
    ({"client_secret": "wrong"}, 401, "invalid_client"), ({"client_secret": None}, 401, "invalid_client"),
    ({"client_id": None, "client_secret": None}, 400, "invalid_request"), ({"token": None}, 400, "invalid_request")])
def test_revoke_authenticates_first(strict, form, status, error):
    t = strict.token(SCOPE)
    data = {"token": t["access_token"], **secret_of(strict.client()), **form}
    r = strict.post("/oauth2/default/revoke", data={k: v for k, v in data.items() if v is not None})
    assert (r.status_code, r.json()["error"]) == (status, error)
    assert passes(strict, t["access_token"])


def test_revoke_is_post_only(strict):
    r = strict.get("/oauth2/default/revoke")
    assert r.status_code == 405 and "POST" in r.headers["Allow"]


# --- introspection -------------------------------------------------------------------------------------------------------------------
def test_introspection_of_an_access_token(strict):
    t = strict.token(SCOPE + " fhirUser")
    r = strict.post("/oauth2/default/introspect", data={"token": t["access_token"], **secret_of(strict.client())})
    assert r.headers["Content-Type"].startswith("application/json") and r.headers["Cache-Control"] == "no-store"
    got, c = r.json(), claims_of(t["access_token"])
    assert got["active"] is True and got["status"] == "active" and got["token_type"] == "Bearer"
    assert set(got["scope"].split()) == set(c["scopes"]) and "api:oemr" in got["scope"]
    assert (got["exp"], got["sub"], got["jti"], got["iss"], got["client_id"]) == (c["exp"], c["sub"], c["jti"], c["iss"], c["client_id"])
    assert got["fhirUser"].startswith(f"{strict.origin}/apis/default/fhir/") and got["fhirUser"].endswith(c["sub"])


def test_introspection_of_a_refresh_token_and_of_its_end(strict):
    t = strict.token(SCOPE)
    got = introspect(strict, t["refresh_token"])
    assert got["active"] is True and set(got["scope"]) == set(SCOPE.split()) and got["exp"] > time.time() + 80 * 86400
    refresh(strict, t["refresh_token"])
    assert introspect(strict, t["refresh_token"])["status"] == "revoked"
    assert introspect(strict, t["access_token"])["active"] is False


def test_introspection_tells_nothing_to_another_client(strict):
    other = strict.register(grant_types=["password", "refresh_token"])
    t = strict.token(SCOPE)
    assert introspect(strict, t["access_token"], other) == {"active": False}
    assert introspect(strict, t["refresh_token"], other) == {"active": False}
    assert introspect(strict, "rubbish") == {"active": False}


@pytest.mark.parametrize("form", [{"client_secret": "wrong"}, {"client_secret": None}, {"client_id": "nobody"}])
def test_introspection_authenticates_first(strict, form):
    t = strict.token(SCOPE)
    data = {"token": t["access_token"], **secret_of(strict.client()), **form}
    r = strict.post("/oauth2/default/introspect", data={k: v for k, v in data.items() if v is not None})
    assert r.status_code == 401 and r.json()["error"] == "invalid_client"


# --- what stops a token ----------------------------------------------------------------------------------------------------------------
UUID = "UNHEX(REPLACE('{sub}','-',''))"
STAFF_ENDS = {
    "client disabled": ("UPDATE oauth_clients SET is_enabled=0 WHERE client_id='{client}'", "UPDATE oauth_clients SET is_enabled=1 WHERE client_id='{client}'"),
    "user disabled": (f"UPDATE users SET active=0 WHERE uuid={UUID}", f"UPDATE users SET active=1 WHERE uuid={UUID}"),
    "password changed": (f"UPDATE users_secure SET last_update_password='2098-07-01 00:00:0{{n}}' WHERE id=(SELECT id FROM users WHERE uuid={UUID})", None),
    "api_token revoked": ("UPDATE api_token SET revoked=1 WHERE token='{jti}'", None),
    "refresh row revoked": ("UPDATE api_refresh_token SET revoked=1 WHERE user_id='{sub}' AND client_id='{client}'", None),
    "trusted row deleted": ("DELETE FROM oauth_trusted_user WHERE client_id='{client}' AND user_id='{sub}'", None),
}


@pytest.mark.parametrize("what", STAFF_ENDS)
def test_it_stops_the_tokens_of_staff(strict, what):
    client = strict.register(grant_types=["password", "refresh_token"])
    t = strict.token(SCOPE, username="receptionist", client=client)
    c = claims_of(t["access_token"])
    assert passes(strict, t["access_token"]) and introspect(strict, t["access_token"], client)["active"]
    change, undo = STAFF_ENDS[what]
    names = {"sub": c["sub"], "client": client["client_id"], "jti": c["jti"], "n": 1}
    strict.sql(change.format(**names))
    try:
        strict.ends(t["access_token"], PATHS, 5)
        if what != "api_token revoked":
            assert refresh(strict, t["refresh_token"], client).status_code == 401
        if what != "client disabled":
            assert introspect(strict, t["access_token"], client)["active"] is False
    finally:
        if undo:
            strict.sql(undo.format(**names))


PATIENT_ENDS = {
    "portal off": ("UPDATE patient_data SET allow_patient_portal='NO' WHERE pid=1", "UPDATE patient_data SET allow_patient_portal='YES' WHERE pid=1"),
    "portal password changed": ("UPDATE patient_access_onsite SET portal_pwd=CONCAT('!',portal_pwd) WHERE pid=1",
                                "UPDATE patient_access_onsite SET portal_pwd=SUBSTR(portal_pwd,2) WHERE pid=1"),
}


@pytest.mark.parametrize("what", PATIENT_ENDS)
def test_it_stops_the_tokens_of_a_patient(strict, what):
    t = strict.token("openid offline_access api:fhir patient/Patient.read", "patient", "Phil1", "phil", email="heya@invalid.email.com")
    path = "/apis/default/fhir/Patient"
    assert strict.get(path, t["access_token"]).status_code == 200
    change, undo = PATIENT_ENDS[what]
    strict.sql(change)
    try:
        strict.ends(t["access_token"], path, 5)
        assert refresh(strict, t["refresh_token"]).status_code == 401
    finally:
        strict.sql(undo)


def test_failed_logins_of_others_do_not_end_a_grant(strict):
    """users_secure.last_update moves with each failed login: it is not the password's time."""
    t = strict.token(SCOPE, username="receptionist")
    form = {"grant_type": "password", "scope": "openid", "user_role": "users", "username": "receptionist", "password": "wrong"}
    assert strict.token_request(**form, **secret_of(strict.client())).status_code == 400
    time.sleep(2.2)
    assert passes(strict, t["access_token"])


# --- OpenEMR's rows --------------------------------------------------------------------------------------------------------------------
def test_rows_follow_the_tokens(strict):
    t = strict.token(SCOPE)
    c = claims_of(t["access_token"])
    row = f"SELECT client_id, user_id, revoked, scope FROM api_token WHERE token='{c['jti']}'"
    got = strict.sql(row)[0]
    assert got[:3] == [c["client_id"], c["sub"], "0"] and json.loads(got[3].replace("\\\\", "\\")) == c["scopes"]
    count = f"SELECT COUNT(*) FROM api_refresh_token WHERE client_id='{c['client_id']}' AND user_id='{c['sub']}' AND revoked=0"
    before = int(cell(strict, count))
    second = refresh(strict, t["refresh_token"]).json()
    assert strict.sql(row)[0][2] == "1"
    assert int(cell(strict, count)) == before, "one row per grant, moved on by rotation"
    revoke(strict, second["refresh_token"])
    assert int(cell(strict, count)) == before - 1
