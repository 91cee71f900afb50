# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may sign in, rule by rule of contract/oauth2.md 6 and 12.2: each refusal has the same answer and its own reason in the journal, and what is
refused comes in again when the row is as before. Hashes that count and that do not; counters and their ends; the address by the trusted-proxy rule;
the same time for names that there are and are not. Lockouts in flows: test_oauth_midway.py."""
import functools
import re
import time

import pytest
from app import FREE
from gateway import ROOT, Gateway
from person import Person
from timing import alike

STAFF = {"user_role": "users", "username": "physician", "password": "pass"}
PATIENT = {"user_role": "patient", "username": "Phil1", "password": "phil", "email": "heya@invalid.email.com"}
ID = "(SELECT id FROM users WHERE username='physician')"
SECURE = "username='physician'"


@pytest.fixture(scope="module")
def g(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, "process.workers": 1, "sites.default.oauth.client_auth": "strict", "http.trusted_proxies": ["127.0.0.1/32"]})
    g.made = g.register(scope="openid", grant_types=["password", "authorization_code"])
    yield g
    g.close()


def ask(g, form, address=None, **change):
    body = {"grant_type": "password", "scope": "openid", "client_id": g.made["client_id"], "client_secret": g.made["client_secret"], **form, **change}
    return g.post("/oauth2/default/token", data={k: v for k, v in body.items() if v is not None}, headers={"X-Forwarded-For": address} if address else {})


def setting(name, value):
    return f"REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('{name}', 0, '{value}')"


def unset(name):
    return f"DELETE FROM globals WHERE gl_name='{name}'"


CLEAN = f"UPDATE users_secure SET login_fail_counter=0, last_login_fail=NULL, total_login_fail_counter=0 WHERE {SECURE}; DELETE FROM ip_tracking"


@pytest.fixture(autouse=True)
def clean(g):
    yield
    g.sql(CLEAN)
    for key in g.redis("KEYS", "gh:default:fails:*").split():
        g.redis("DEL", key)


# reason: (form, what is changed, how it goes back)
RULES = {
    "user not found": ({**STAFF, "username": "nobody"}, None, None),
    "user not active": (STAFF, "UPDATE users SET active=0 WHERE username='physician'", "UPDATE users SET active=1 WHERE username='physician'"),
    "user not found in a group": (STAFF, "UPDATE `groups` SET user='physician?' WHERE user='physician'", "UPDATE `groups` SET user='physician' WHERE user='physician?'"),
    "user not in any phpGACL groups": (STAFF, "UPDATE gacl_aro SET value='physician?' WHERE value='physician'", "UPDATE gacl_aro SET value='physician' WHERE value='physician?'"),
    "user credentials not found": (STAFF, f"UPDATE users_secure SET id=id+100000 WHERE {SECURE}", f"UPDATE users_secure SET id=id-100000 WHERE {SECURE}"),
    "user has no uuid": (STAFF, "UPDATE users SET google_signin_email=NULL, uuid=NULL WHERE username='physician'", "UPDATE users SET uuid=UNHEX(MD5('physician')) WHERE username='physician'"),
    "user exceeded maximum number of failed logins": (STAFF, f"UPDATE users_secure SET login_fail_counter=20, last_login_fail=NOW() WHERE {SECURE}", CLEAN),
    "user password is expired": (STAFF, f"UPDATE users_secure SET last_update_password=NOW() - INTERVAL 211 DAY WHERE {SECURE}", f"UPDATE users_secure SET last_update_password=NOW() WHERE {SECURE}"),
    "user stored password hash is invalid": (STAFF, f"UPDATE users_secure SET password=CONCAT('?', password) WHERE {SECURE}", f"UPDATE users_secure SET password=SUBSTR(password, 2) WHERE {SECURE}"),
    "user password incorrect": ({**STAFF, "password": "wrong"}, None, None),
    "IP address has been manually blocked": (STAFF, "INSERT INTO ip_tracking (ip_string, ip_force_block) VALUES ('127.0.0.1', 1)", CLEAN),
    "IP address exceeded maximum number of failed logins": (STAFF, "INSERT INTO ip_tracking (ip_string, ip_login_fail_counter, ip_last_login_fail) VALUES ('127.0.0.1', 100, NOW())", CLEAN),
    "patient portal information not found": ({**PATIENT, "username": "Phil2"}, None, None),
    "patient missing username, login username, or password": (PATIENT, "UPDATE patient_access_onsite SET portal_username='' WHERE pid=1", "UPDATE patient_access_onsite SET portal_username='Phil1' WHERE pid=1"),
    "patient account not yet verified (portal_onetime set)": (PATIENT, "UPDATE patient_access_onsite SET portal_onetime='x' WHERE pid=1", "UPDATE patient_access_onsite SET portal_onetime=NULL WHERE pid=1"),
    "patient account not yet verified (portal_pwd_status is not 1)": (PATIENT, "UPDATE patient_access_onsite SET portal_pwd_status=0 WHERE pid=1", "UPDATE patient_access_onsite SET portal_pwd_status=1 WHERE pid=1"),
    "patient not found": (PATIENT, "UPDATE patient_access_onsite SET pid=99999 WHERE pid=1", "UPDATE patient_access_onsite SET pid=1 WHERE pid=99999"),
    "patient does not permit portal access": (PATIENT, "UPDATE patient_data SET allow_patient_portal='NO' WHERE pid=1", "UPDATE patient_data SET allow_patient_portal='YES' WHERE pid=1"),
    "patient email was not included in credentials": ("page", None, None),
    "patient does not have an email in demographics": (PATIENT, "UPDATE patient_data SET email='' WHERE pid=1", "UPDATE patient_data SET email='heya@invalid.email.com' WHERE pid=1"),
    "patient email not correct": ({**PATIENT, "email": "HEYA@invalid.email.com"}, None, None),
    "patient stored password hash is invalid": (PATIENT, "UPDATE patient_access_onsite SET portal_pwd=CONCAT('?', portal_pwd) WHERE pid=1", "UPDATE patient_access_onsite SET portal_pwd=SUBSTR(portal_pwd, 2) WHERE pid=1"),
    "patient password incorrect": ({**PATIENT, "password": "wrong"}, None, None),
    "patient exceeded maximum number of failed logins": ({**PATIENT, "password": "wrong"}, setting("password_max_failed_logins", 1), unset("password_max_failed_logins")),
}
LDAP = {"user failed ldap authentication"}  # test_oauth_ldap.py


def test_each_reason_of_the_program_has_a_row():
    source = (ROOT / "gateway/oauth/login.c").read_text()
    assert set(re.findall(r'"((?:user|patient|IP address) [a-z][^"%]*)"', source)) - LDAP == set(RULES)


@pytest.mark.parametrize("reason", RULES)
def test_a_rule_refuses_and_says_why_to_the_journal_alone(g, reason):
    form, change, back = RULES[reason]
    if change:
        g.sql(change)
    try:
        if form == "page":
            p = Person(g).authorize(g.made, "openid").login("Phil1", "phil", True, "")
            assert p.page.title == "Sign in" and "verify the information" in p.page.text and reason not in p.page.response.text
            r = p.page.response
        else:
            r = ask(g, form)
            if "patient exceeded" in reason:
                r = ask(g, PATIENT)
            assert (r.status_code, r.json()["error"], r.json()["hint"]) == (400, "invalid_grant", "Failed Authentication")
        (record,) = g.audit_of(r.headers["x-request-id"]) if "x-request-id" in r.headers else g.journal()[-1:]
        assert record["reason"] == reason and record["event"] == ("lockout" if "exceeded" in reason or "blocked" in reason else "login_failed"), record
    finally:
        if back:
            g.sql(back)
        g.sql(CLEAN)
        for key in g.redis("KEYS", "gh:default:fails:*").split():
            g.redis("DEL", key)
    for good in (STAFF, PATIENT):
        assert ask(g, good).status_code == 200, "as before"


# --- what the settings say ----------------------------------------------------------------------------------------------------------------
DAYS = f"UPDATE users_secure SET last_update_password=NOW() - INTERVAL {{}} DAY WHERE {SECURE}"
SETTINGS = [  # what, statements, form, status
    ("expires behind days and grace", [DAYS.format(209)], STAFF, 200), ("expiry of another length", [DAYS.format(15), setting("password_expiration_days", 10), setting("password_grace_time", 4)], STAFF, 400),
    ("within the grace", [DAYS.format(13), setting("password_expiration_days", 10), setting("password_grace_time", 4)], STAFF, 200),
    ("no expiry", [DAYS.format(4000), setting("password_expiration_days", 0)], STAFF, 200),
    ("an old block is over", [f"UPDATE users_secure SET login_fail_counter=20, last_login_fail=NOW() - INTERVAL 3601 SECOND WHERE {SECURE}"], STAFF, 200),
    ("a block of another length", [f"UPDATE users_secure SET login_fail_counter=20, last_login_fail=NOW() - INTERVAL 3601 SECOND WHERE {SECURE}", setting("time_reset_password_max_failed_logins", 7200)], STAFF, 400),
    ("a lower number", [f"UPDATE users_secure SET login_fail_counter=3, last_login_fail=NOW() WHERE {SECURE}", setting("password_max_failed_logins", 3)], STAFF, 400),
    ("no lockout", [f"UPDATE users_secure SET login_fail_counter=5000, last_login_fail=NOW() WHERE {SECURE}", setting("password_max_failed_logins", 0)], STAFF, 200),
    ("an address's old block is over", ["INSERT INTO ip_tracking (ip_string, ip_login_fail_counter, ip_last_login_fail) VALUES ('127.0.0.1', 100, NOW() - INTERVAL 3601 SECOND)"], STAFF, 200),
    ("no lockout of addresses, force block too", ["INSERT INTO ip_tracking (ip_string, ip_force_block, ip_login_fail_counter, ip_last_login_fail) VALUES ('127.0.0.1', 1, 100, NOW())",
                                                  setting("ip_max_failed_logins", 0)], STAFF, 200),
    ("a patient without an address where none is asked for", [setting("enforce_signin_email", 0)], {**PATIENT, "email": "another@invalid.email.com"}, 200),
    ("an address of another case of the name", [], {**STAFF, "username": "Physician"}, 400), ("a space behind the name", [], {**STAFF, "username": "physician "}, 400),
    ("a patient's other case", [], {**PATIENT, "username": "phil1"}, 400), ("staff as patient", [], {**PATIENT, "username": "physician", "password": "pass"}, 400),
    ("patient as staff", [], {**STAFF, "username": "Phil1", "password": "phil"}, 400)]
NAMES = sorted({m for _, statements, _, _ in SETTINGS for s in statements for m in re.findall(r"VALUES \('(\w+)', 0,", s)})


@pytest.mark.parametrize("what, statements, form, status", SETTINGS, ids=[s[0] for s in SETTINGS])
def test_openemrs_settings_count(g, what, statements, form, status):
    for s in statements:
        g.sql(s)
    try:
        assert ask(g, form).status_code == status
    finally:
        g.sql("; ".join(unset(n) for n in NAMES))
        g.sql(CLEAN + f"; UPDATE users_secure SET last_update_password=NOW() WHERE {SECURE}")


# --- hashes: of "password" unless told --------------------------------------------------------------------------------------------------------
HASHES = [
    ("bcrypt $2y$", "$2y$04$aaaaaaaaaaaaaaaaaaaaaOblT/EYRgvLJylJ1N6Cs.MKyXbwkUqYW", True), ("argon2id", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", True),
    ("argon2i", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", True),
    ("SHA-512 crypt", "$6$rounds=1000$abcdefghijklmnop$SgL/Atu7DClkX0qBUuG6FS2bRf2XmLFWY9b8pRttPEj9ZSh4MKE5bKlz4WAKomLuWI.YQ5oIPLO2L.0OioAeW/", True),
    ("legacy $2a$05$", "$2a$05$aaaaaaaaaaaaaaaaaaaaa.BCu5pb5w8Q3cOgDAb6iSN.JfA92.TVi", True), ("other $2a$", "$2a$05$aaaaaaaaaaaaaaaaaaaaaO6o.q2bbw25VtzV2toyWHeqNM/6w.xiq", False),
    ("$2b$", "$2b$04$aaaaaaaaaaaaaaaaaaaaaOblT/EYRgvLJylJ1N6Cs.MKyXbwkUqYW", False), ("$2x$", "$2x$04$aaaaaaaaaaaaaaaaaaaaaOblT/EYRgvLJylJ1N6Cs.MKyXbwkUqYW", False),
    ("SHA-256 crypt", "$5$abcdefgh$ZLdkj8mkc2XVSrPVjskDAgZPGjtj1VGVaa1aUkrMTU/", False), ("MD5 crypt", "$1$abcdefgh$G//4keteveJp0qb8z2DxG/", False),
    ("yescrypt", "$y$j9T$abcdefghijkl$n0KzBIOOKy.3XMOrGDGDYSNhhuxodL.BIo8LUu8pz/9", False), ("MD5", "5f4dcc3b5aa765d61d8327deb882cf99", False), ("clear", "password", False),
    ("cut bcrypt", "$2y$04$aaaaaaaaaaaaaaaaaaaaaOblT/EYRgvLJylJ1N6Cs.MKyXbwkUqY", False), ("argon2 of a terabyte", "$argon2id$v=19$m=1073741824,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", False),
    ("bcrypt of cost 31", "$2y$31$aaaaaaaaaaaaaaaaaaaaaOblT/EYRgvLJylJ1N6Cs.MKyXbwkUqYW", False), ("nothing", "", False)]


@pytest.mark.parametrize("what, stored, counts", HASHES, ids=[h[0] for h in HASHES])
def test_hashes_that_openemr_knows_count_and_no_others(g, what, stored, counts):
    for table, column, where, form in (("users_secure", "password", SECURE, STAFF), ("patient_access_onsite", "portal_pwd", "pid=1", PATIENT)):
        (before,), = g.sql(f"SELECT {column} FROM {table} WHERE {where}")
        g.sql(f"UPDATE {table} SET {column}='{stored}' WHERE {where}")
        try:
            begin = time.monotonic()
            r = ask(g, form, password="password")
            assert r.status_code == (200 if counts else 400), r.text
            assert time.monotonic() - begin < 30, "nobody's row makes the server work for hours"
            assert ask(g, form, password="passwore").status_code == 400
        finally:
            g.sql(f"UPDATE {table} SET {column}='{before}' WHERE {where}")


# --- counters, addresses, time -------------------------------------------------------------------------------------------------------------------
def test_openemrs_counters_move_as_openemr_moves_them(g):
    counters = f"SELECT total_login_fail_counter, login_fail_counter, last_login_fail IS NULL FROM users_secure WHERE {SECURE}"
    address = "SELECT total_ip_login_fail_counter, ip_login_fail_counter, ip_last_login_fail IS NULL FROM ip_tracking WHERE ip_string='127.0.0.1'"
    for _ in range(3):
        ask(g, STAFF, password="wrong")
    assert g.sql(counters) == [["3", "3", "0"]] and g.sql(address) == [["3", "3", "0"]]
    assert ask(g, STAFF).status_code == 200
    assert g.sql(counters) == [["3", "0", "1"]] and g.sql(address) == [["3", "0", "1"]]
    g.sql(f"UPDATE users_secure SET login_fail_counter=20, last_login_fail=NOW() WHERE {SECURE}")
    ask(g, STAFF)
    assert g.sql(counters)[0][1] == "21", "a blocked try counts too"


def test_an_address_is_locked_by_the_trusted_proxy_rule(g):
    g.sql(setting("ip_max_failed_logins", 2))
    try:
        for _ in range(2):
            ask(g, STAFF, "203.0.113.7, 198.51.100.9", password="wrong")
        assert ask(g, STAFF, "198.51.100.9").status_code == 400, "locked"
        assert ask(g, STAFF, "203.0.113.7").status_code == 200, "what the client wrote before the proxy is nobody's address"
        assert ask(g, STAFF, "198.51.100.9, 198.51.100.8").status_code == 200
        assert {row[0] for row in g.sql("SELECT ip_string FROM ip_tracking WHERE total_ip_login_fail_counter > 0")} == {"198.51.100.9"}
    finally:
        g.sql(unset("ip_max_failed_logins"))


def test_names_that_there_are_not_take_the_time_of_those_that_there_are(g):
    """A hash takes some 50 ms, a look-up 1."""
    forms = {"right name": {**STAFF, "password": "wrong"}, "no such name": {**STAFF, "username": "nobody", "password": "wrong"}, "not active": {**STAFF, "username": "inactive", "password": "wrong"},
             "patient": {**PATIENT, "password": "wrong"}, "no such patient": {**PATIENT, "username": "nobody", "password": "wrong"}}
    g.sql(setting("password_max_failed_logins", 0) + "; " + setting("ip_max_failed_logins", 0))

    def refused(form):
        assert ask(g, form).status_code == 400
    try:
        alike({name: functools.partial(refused, form) for name, form in forms.items()})
    finally:
        g.sql(unset("password_max_failed_logins") + "; " + unset("ip_max_failed_logins"))


def test_the_sites_name_and_logo_head_each_page(make_gateway):
    g = make_gateway(extra={**FREE, "sites.default.display_name": "Praxis <Dr. Wu> & Töchter", "sites.default.logo": "https://img.example.org/logo.svg?a=1&b=2"})
    c = g.register(scope="openid", grant_types=["authorization_code"])
    page = Person(g).authorize(c, "openid").page
    assert "Praxis <Dr. Wu> & Töchter" in page.text and "<Dr." not in page.response.text
    assert 'src="https://img.example.org/logo.svg?a=1&amp;b=2"' in page.response.text and 'alt=""' in page.response.text
    assert "img-src 'self' https://img.example.org;" in page.response.headers["content-security-policy"]
