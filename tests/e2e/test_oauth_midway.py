# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes between two steps: a person is switched off or registers a second factor, a grant is withdrawn while its code is on its way, a
code is used twice at once, a counter cannot be written, an app comes again that may be another. What one step refuses by itself stands with it."""
import concurrent.futures
import subprocess
import time

import pytest
from app import FREE, App
from gateway import Gateway, wait_until
from jwcrypto import jwk, jwt
from person import REDIRECT, Person
from tokens import b64, secret_of

CODE = ["authorization_code", "refresh_token"]
MINE = "http://127.0.0.1:{}/cb"


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, "sites.default.oauth.openemr_rows": True, "sites.default.openemr_log": True, "sites.default.database.timeout": "5s"})
    yield g
    g.close()


@pytest.fixture(scope="module")
def client(gw):
    return gw.register(scope="openid offline_access api:fhir launch/patient patient/Patient.rs user/Patient.rs", grant_types=CODE + ["password"])


@pytest.fixture
def doctor(gw):
    """A member of staff for this test alone: what happens to her happens to nobody else."""
    def drop():
        gw.sql("DELETE FROM users WHERE id = 95; DELETE FROM users_secure WHERE id = 95; DELETE FROM `groups` WHERE user = 'doctor';"
               "DELETE FROM gacl_groups_aro_map WHERE aro_id = 95; DELETE FROM gacl_aro WHERE id = 95; DELETE FROM login_mfa_registrations; DELETE FROM ip_tracking")
    drop()
    gw.sql("INSERT INTO users (id, uuid, username, password, authorized, fname, lname, active, info) VALUES (95, UNHEX(MD5('doctor')), 'doctor', '', 1, 'Dora', 'Doc', 1, '');"
           "INSERT INTO users_secure (id, username, password, last_update_password) SELECT 95, 'doctor', password, last_update_password FROM users_secure WHERE username='admin';"
           "INSERT INTO `groups` (name, user) VALUES ('Default', 'doctor');"
           "INSERT INTO gacl_aro (id, section_value, value, order_value, name, hidden) VALUES (95, 'users', 'doctor', 10, 'Doc', 0);"
           "INSERT INTO gacl_groups_aro_map (group_id, aro_id) SELECT m.group_id, 95 FROM gacl_groups_aro_map m JOIN gacl_aro a ON a.id = m.aro_id WHERE a.value = 'admin'")
    yield "doctor"
    drop()


def form_of(p, made, code=None):
    return {"grant_type": "authorization_code", "code": code or p.answer()["code"], "redirect_uri": p.asked["redirect_uri"], "code_verifier": p.verifier, **secret_of(made)}


# --- the person ---------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["active = 0", "password"])
def test_who_is_switched_off_at_the_list_of_patients_sees_it_no_more(gw, client, doctor, what):
    a = App(gw, client).authorize("openid launch/patient patient/Patient.rs").sign_in(doctor)
    assert a.at("/smart/patient-select") and "patient_id" in a.page.text
    url = a.page.url
    if what == "password":
        gw.sql("UPDATE users_secure SET last_update_password = '2001-01-01 00:00:00' WHERE id = 95")
    else:
        gw.sql("UPDATE users SET active = 0 WHERE id = 95")
    again = a.browser.get(url, timeout=30)
    assert again.status_code == 400 and "patient_id" not in again.text
    pid = gw.sql("SELECT LOWER(HEX(uuid)) FROM patient_data WHERE pid = 1")[0][0]
    a.press(("patient_id", pid), "confirm")
    assert a.page.status_code == 400 and not a.at("/scope-authorize-confirm")


def test_who_is_switched_off_at_the_consent_page_gives_no_consent(gw, client, doctor):
    p = Person(gw).authorize(client, "openid").login(doctor)
    assert p.page.title == "Allow access?"
    gw.sql("UPDATE users SET active = 0 WHERE id = 95")
    assert p.allow().left is None and p.page.status == 400


def test_a_session_with_the_password_alone_ends_when_a_second_factor_is_registered(gw, client, doctor):
    p = Person(gw).authorize(client, "openid").login(doctor).allow()
    late = form_of(p, client)
    assert p.authorize(client, "openid").page.title == "Allow access?"
    gw.sql("INSERT INTO login_mfa_registrations (user_id, name, last_challenge, method, var1, var2) VALUES (95, 'app', NOW(), 'TOTP', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', '')")
    assert gw.token_request(**late).json()["error"] == "invalid_grant", "a code of the sign-in before"
    assert p.allow().page.status == 400, "the consent page that was open"
    assert p.authorize(client, "openid", prompt="none").answer()["error"] == "login_required"
    assert p.authorize(client, "openid").page.title == "Sign in"
    assert p.login(doctor).page.title == "Second step"


def test_requests_of_somebody_who_was_switched_off_do_not_lengthen_the_session(gw, client, doctor):
    p = Person(gw).authorize(client, "openid").login(doctor)
    key = "gh:default:session:" + p.session.cookies["__Host-gatehouse-default"].split(".")[0]
    end = int(time.time()) + 100
    gw.redis("HSET", key, "ends", str(end))
    gw.sql("UPDATE users SET active = 0 WHERE id = 95")
    assert p.authorize(client, "openid").page.title == "Sign in"
    assert gw.redis("HGET", key, "ends") == str(end) and int(gw.redis("TTL", key)) <= 100


# --- the grant ------------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["manage", "logout"])
def test_a_code_on_its_way_ends_with_the_grant(gw, client, how):
    p = Person(gw).authorize(client, "openid offline_access").login().allow()
    hint = gw.token_request(**form_of(p, client)).json()["id_token"]
    waits = form_of(p.authorize(client, "openid offline_access").allow(), client)
    if how == "manage":
        p.get(p.path("/manage"))
        assert p.send({"client": client["client_id"]}).page.status == 200
    else:
        p.get(p.path("/logout") + "?id_token_hint=" + hint)
    r = gw.token_request(**waits)
    assert r.status_code == 400 and r.json()["error"] == "invalid_grant", r.text


def test_a_code_and_the_logout_at_once_leave_no_access(gw, client):
    p = Person(gw).authorize(client, "openid user/Patient.rs api:fhir").login().allow()
    hint = gw.token_request(**form_of(p, client)).json()["id_token"]
    given = 0
    for i in range(24):
        if i >= 12 and given:
            break  # a busy machine needs a longer start
        p.authorize(client, "openid user/Patient.rs api:fhir")
        if p.page.title == "Sign in":
            p.login()
        form = form_of(p.allow(), client)

        def redeem(form=form):
            return gw.session_new().post(f"{gw.origin}/oauth2/default/token", data=form, timeout=60)

        def leave(wait_s=i * 0.001 if i < 12 else 0.001 * 2 ** (i - 8)):
            time.sleep(wait_s)
            return gw.session_new().get(f"{gw.origin}/oauth2/default/logout", params={"id_token_hint": hint}, timeout=60)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            got, gone = pool.submit(redeem), pool.submit(leave)
            assert gone.result().status_code == 200
            body = got.result().json()
        if "access_token" in body:
            given += 1
            assert gw.get("/apis/default/fhir/Patient?_count=1", body["access_token"]).status_code == 401, i
    assert given, "some were in time"


def test_a_nonce_is_no_scope(gw, client):
    """A code without offline_access, whatever else stands in its request, ends with the session."""
    p = Person(gw).authorize(client, "openid", nonce='"scope":"offline_access').login().allow()
    form = form_of(p, client)
    p.get(p.path("/logout"))
    p.send()
    r = gw.token_request(**form)
    assert r.status_code == 400 and r.json()["error"] == "invalid_grant", r.text


def test_a_code_that_nobody_took_is_no_access_yet(gw):
    made = gw.register(scope="openid", grant_types=CODE, client_name="Never came back")
    p = Person(gw).authorize(made, "openid").login().allow()
    assert p.left and "Never came back" not in p.get(p.path("/manage")).page.text


def test_php_accepts_no_token_of_a_code_that_was_used_twice(gw):
    """OpenEMR looks at api_token alone: of parallel uses of a code no row may stay good."""
    made = gw.register(scope="openid offline_access api:fhir user/Patient.rs", grant_types=CODE)
    rows = f"SELECT COUNT(*), COALESCE(SUM(revoked = 0), 0) FROM api_token WHERE client_id = '{made['client_id']}'"
    p = Person(gw).authorize(made, "openid offline_access api:fhir user/Patient.rs").login()
    given = 0
    for _ in range(6):
        form = form_of(p.allow(), made)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: gw.session_new().post(f"{gw.origin}/oauth2/default/token", data=form, timeout=60), range(8)))
        given += sum(a.status_code == 200 for a in answers)
        assert gw.sql(rows)[0][1] == "0", gw.sql(rows)
        p.authorize(made, "openid offline_access api:fhir user/Patient.rs")
    assert given, "one of each was answered with tokens"


# --- lockout ----------------------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def rules(gw):
    """rules(name=value): globals of the login."""
    names = []

    def put(**values):
        for name, value in values.items():
            names.append(name)
            gw.sql(f"DELETE FROM globals WHERE gl_name = '{name}'; INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('{name}', 0, '{value}')")
    yield put
    for name in names:
        gw.sql(f"DELETE FROM globals WHERE gl_name = '{name}'")
    gw.sql("UPDATE users_secure SET login_fail_counter = 0, last_login_fail = NULL; DELETE FROM ip_tracking")
    for key in gw.redis("KEYS", "gh:default:fails:*").split():
        gw.redis("DEL", key)


def test_a_counter_that_never_ends_by_itself_locks_for_good(gw, client, doctor, rules):
    """OpenEMR: 0 seconds to the reset means no reset."""
    rules(password_max_failed_logins=2, time_reset_password_max_failed_logins=0, ip_max_failed_logins=0)
    p = Person(gw).authorize(client, "openid")
    for _ in range(2):
        p.login(doctor, "wrong")
    gw.sql("UPDATE users_secure SET last_login_fail = NOW() - INTERVAL 1 DAY WHERE id = 95")
    assert p.login(doctor).page.title == "Sign in"
    assert gw.sql("SELECT login_fail_counter FROM users_secure WHERE id = 95") == [["3"]]
    gw.sql("UPDATE users_secure SET last_login_fail = NULL WHERE id = 95")
    assert p.login(doctor).page.title == "Sign in", "of unknown age"
    gw.sql("UPDATE users_secure SET login_fail_counter = 0 WHERE id = 95")
    assert p.login(doctor).page.title == "Allow access?"
    q = Person(gw).authorize(client, "openid")
    for _ in range(2):
        q.login_patient(password="wrong")
    key = gw.redis("KEYS", "gh:default:fails:*").split()[0]
    assert int(gw.redis("TTL", key)) > 3000, "nobody could end a patient's: the default time"
    assert q.login_patient().page.title == "Sign in"


def test_an_address_that_never_ends_by_itself_is_locked_for_good(gw, client, doctor, rules):
    rules(ip_max_failed_logins=2, ip_time_reset_password_max_failed_logins=0)
    p = Person(gw).authorize(client, "openid")
    for _ in range(2):
        p.login("nobody", "wrong")
    gw.sql("UPDATE ip_tracking SET ip_last_login_fail = NOW() - INTERVAL 1 DAY")
    assert p.login(doctor).page.title == "Sign in"
    assert gw.sql("SELECT MAX(ip_login_fail_counter) FROM ip_tracking") == [["3"]]


@pytest.mark.parametrize("password", ["wrong", "pass"])
def test_a_guess_that_cannot_be_counted_is_not_answered(gw, client, doctor, password):
    gw.sql("UPDATE users_secure SET login_fail_counter = 1 WHERE id = 95")
    p = Person(gw).authorize(client, "openid")
    mariadb = ["mariadb", "--no-defaults", "-uroot", f"--socket={gw.stores.db_socket}", "-N", "--unbuffered"]
    lock = "BEGIN; SELECT * FROM openemr_default.users_secure WHERE id = 95 FOR UPDATE; SELECT 'held'; DO SLEEP(60);"
    with subprocess.Popen([*mariadb, "-e", lock], stdout=subprocess.PIPE, text=True) as holder:
        try:
            for line in holder.stdout:
                if "held" in line:
                    break
            p.login(doctor, password)
            assert p.page.status == 503, p.page.text
        finally:
            holder.kill()
    wait_until(lambda: Person(gw).authorize(client, "openid").login(doctor).page.title == "Allow access?", "the row is free again")


def test_a_lockout_is_one_also_at_the_token_endpoint_and_in_openemrs_log(gw, client, doctor, rules):
    rules(password_max_failed_logins=1)
    gw.sql("DELETE FROM log WHERE user = 'doctor'")
    form = {"grant_type": "password", "username": doctor, "password": "wrong", "user_role": "users", "scope": "openid", **secret_of(client)}
    for _ in range(2):
        r = gw.token_request(**form)
        assert r.status_code == 400
    assert [x["event"] for x in gw.audit_of(r.headers["x-request-id"])] == ["lockout"]
    wait_until(lambda: gw.sql("SELECT COUNT(*) FROM log WHERE user = 'doctor' AND success = 0 AND event = 'api' AND "
                              "FROM_BASE64(comments) LIKE '%user exceeded maximum number of failed logins'") == [["1"]], "the row of the lockout")


# --- the client -----------------------------------------------------------------------------------------------------------------------------
def test_what_was_taken_from_a_client_is_not_given_for_an_earlier_code(gw):
    made = gw.register(scope="openid user/Patient.rs user/Encounter.rs api:fhir", grant_types=CODE, redirect_uris=[REDIRECT, "https://client.example.org/other"])
    where = f"WHERE client_id = '{made['client_id']}'"
    p = Person(gw).authorize(made, "openid user/Patient.rs user/Encounter.rs").login().allow()
    gw.sql(f"UPDATE oauth_clients SET scope = 'openid user/Patient.r user/Encounter.rs' {where}")
    assert set(p.redeem(made).json()["scope"].split()) == {"openid", "user/Encounter.rs"}, "a scope is whole or it is not given"
    p.authorize(made, "openid").allow()
    gw.sql(f"UPDATE oauth_clients SET redirect_uri = 'https://client.example.org/other' {where}")
    r = p.redeem(made)
    assert r.status_code == 400 and r.json()["error"] == "invalid_grant", r.text


def test_an_update_waits_where_openemr_makes_all_wait(gw):
    made = gw.register(scope="openid patient/Patient.rs", grant_types=CODE)  # enabled by hand
    body = {"client_id": made["client_id"], "application_type": "private", "client_name": "x", "redirect_uris": ["https://evil.example.org/cb"],
            "scope": "openid patient/Patient.rs", "token_endpoint_auth_method": "client_secret_post"}
    gw.sql("REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('oauth_app_manual_approval', 0, '1')")
    try:
        for change, enabled in (({"redirect_uris": [REDIRECT], "client_name": "y"}, "1"), ({}, "0")):
            r = gw.request("PUT", made["registration_client_uri"].removeprefix(gw.origin), made["registration_access_token"], json={**body, **change})
            assert r.status_code == 200, r.text
            assert gw.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{made['client_id']}'") == [[enabled]], change
    finally:
        gw.sql("UPDATE globals SET gl_value='0' WHERE gl_name='oauth_app_manual_approval'")


def test_an_assertion_beside_another_client_id_is_refused(gw, client):
    """RFC 7521 4.2: a client_id, where there is one, names the client of the assertion."""
    part = [b64(x) for x in ({"alg": "RS384"}, {"sub": "another", "iss": "another"})]
    r = gw.token_request(grant_type="authorization_code", code="x", client_id=client["client_id"], client_assertion=".".join(part) + ".AAAA",
                         client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    assert r.status_code == 400 and r.json()["error"] == "invalid_request", r.text


# --- the request ------------------------------------------------------------------------------------------------------------------------------
def test_a_form_of_another_site_signs_nobody_out_beside_openemrs_cookie(gw, client):
    """OpenEMR's own cookie is SameSite=None: the browser sends it with such a form, and ours not."""
    p = Person(gw).authorize(client, "openid").login()
    other = gw.session_new()
    r = other.post(p.path("/authorize"), data=p.asked, allow_redirects=False, headers={"Cookie": "authserverOpenEMR=" + "a" * 48})
    assert r.status_code == 303 and "set-cookie" not in r.headers
    assert p.get(gw.origin + r.headers["location"]).page.title == "Allow access?"


@pytest.mark.parametrize("name, size", [("state", 5000), ("state", 100000), ("nonce", 2000), ("nonce", 100000)])
def test_what_would_not_fit_is_refused_before_anybody_signs_in(gw, client, name, size):
    p = Person(gw).authorize(client, "openid", method="POST", **{name: "\x01" * size})
    if name == "state":
        assert p.left is None and p.page.status == 400
    else:
        assert p.answer()["error"] == "invalid_request"


def test_what_just_fits_comes_back(gw, client):
    state = "\x7f" * 4096
    p = Person(gw).authorize(client, "openid", method="POST", state=state, nonce="n" * 1024).login().allow()
    assert p.answer()["state"] == state
    assert p.redeem(client).status_code == 200


@pytest.mark.parametrize("kind", ["id_token", "scopes that PHP adds"])
def test_introspection_of_what_is_no_access_token_of_ours_says_so(gw, client, kind):
    token = Person(gw).authorize(client, "openid").login().allow().redeem(client).json()["id_token"]
    if kind != "id_token":
        key = jwk.JWK.from_pem((gw.dir / "keys" / "default.pem").read_bytes())
        t = jwt.JWT(header={"typ": "JWT", "alg": "RS256"},
                    claims={"aud": client["client_id"], "jti": "ab" * 40, "iat": 1, "exp": int(time.time()) + 60, "sub": "x", "scopes": ["openid", "nonce \" x"],
                            "iss": f"{gw.origin}/oauth2/default"})
        t.make_signed_token(key)
        token = t.serialize()
    r = gw.post("/oauth2/default/introspect", data={"token": token, **secret_of(client)})
    assert r.status_code == 200 and r.json()["active"] is False, r.text


# --- with other settings ----------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def remembering(shared_stores):
    """Its databases are new: nothing of the tests before is there any more."""
    g = Gateway(stores=shared_stores, extra={**FREE, "sites.default.oauth.consent_days": 30, "sites.default.oauth.approval_scopes": ["patient/Observation"]})
    yield g
    g.close()


@pytest.mark.parametrize("kind, uri, asked", [("none", MINE.format(4000), True), ("none", "org.example.app:/cb", True), ("none", REDIRECT, False),
                                              ("client_secret_post", MINE.format(4000), False)])
def test_consent_is_not_remembered_where_another_app_may_listen(remembering, kind, uri, asked):
    """RFC 8252 8.6: a public client on this device is known by nothing but its client_id, which is no secret."""
    gw = remembering
    made = gw.register(scope="openid patient/Patient.rs", grant_types=CODE, redirect_uris=[uri], token_endpoint_auth_method=kind, application_type=None)
    p = Person(gw).authorize(made, "openid", redirect_uri=uri).login().allow()
    assert p.left.startswith(uri)
    p.authorize(made, "openid", redirect_uri=uri.replace("4000", "4001"))
    assert (p.left is None and p.page.title == "Allow access?") if asked else "code" in p.answer()
    p.authorize(made, "openid", redirect_uri=uri, prompt="none")
    assert p.answer().get("error") == ("consent_required" if asked else None)


@pytest.mark.parametrize("scope, waits", [("patient/Observation.rs", True), ("patient/*.rs", True), ("patient/Patient.rs", False), ("launch/patient", False)])
def test_a_wildcard_waits_like_what_it_holds(remembering, scope, waits):
    gw = remembering
    r = gw.post("/oauth2/default/registration", json={"application_type": "private", "client_name": "x", "redirect_uris": [REDIRECT], "scope": scope,
                                                      "token_endpoint_auth_method": "client_secret_post"})
    assert r.status_code == 200, r.text
    assert gw.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{r.json()['client_id']}'") == [["0" if waits else "1"]]
