# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenEMR's own log rows, where a site asks for them: what is written by situation, with checksums that OpenEMR verifies, and never a value.
contract/oauth2.md 12."""
import base64
import hashlib
import time

import pytest
from gateway import wait_until

COLUMNS = ("date", "event", "category", "user", "groupname", "comments", "user_notes", "patient_id", "success", "crt_user", "log_from",
           "menu_item_id", "ccda_doc_id")
API = ("log_id", "user_id", "patient_id", "ip_address", "method", "request", "request_url", "request_body", "response", "created_time")


@pytest.fixture
def g(make_gateway):
    return make_gateway(own_stores=True, extra={"sites.default.openemr_log": True, "process.workers": 1})


def rows(g):
    """Every row of log with its checksum and api_log row, as dictionaries."""
    text = f"SELECT l.id, {', '.join('l.' + c for c in COLUMNS)}, c.checksum, c.checksum_api, {', '.join('a.' + c for c in API)} FROM log l " \
           "JOIN log_comment_encrypt c ON c.log_id=l.id LEFT JOIN api_log a ON a.log_id=l.id ORDER BY l.id"
    names = ("id", *COLUMNS, "checksum", "checksum_api", *("api_" + c for c in API))
    return [dict(zip(names, ["" if v == "NULL" else v for v in row])) for row in g.sql(text)]


def text_of(row):
    return base64.b64decode(row["comments"]).decode()


def test_rows_by_situation_with_right_checksums(g):
    t = g.staff_token("openid api:oemr user/facility.read")
    wait_until(lambda: any(r["api_request_url"].endswith("/token") for r in rows(g)), "the token's own row, which is the last")
    g.sql("DELETE FROM log; DELETE FROM log_comment_encrypt; DELETE FROM api_log")
    assert g.get("/apis/default/api/facility?name=secret-text", t).status_code == 200
    form = {"grant_type": "password", "client_id": g.client()["client_id"], "client_secret": g.client()["client_secret"], "scope": "openid"}
    g.token_request(**form, user_role="users", username="admin", password="wrong")
    admin = g.sql("SELECT id FROM users WHERE username = 'admin'")[0][0]
    g.sql(f"INSERT INTO login_mfa_registrations (user_id, name, last_challenge, method, var1, var2) VALUES ({admin}, 'app', NOW(), 'TOTP', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', '')")
    g.token_request(**form, user_role="users", username="admin", password="pass", mfa_token="000000")
    g.sql("DELETE FROM login_mfa_registrations")
    g.token_request(**form, user_role="patient", username="Phil1", password="wrong", email="heya@invalid.email.com")
    got = wait_until(lambda: rows(g) if len(rows(g)) >= 8 else None, "eight rows")
    texts = [text_of(r) for r in got]
    assert any(x.startswith("API success: 127.0.0.1. Token successfully used for client[") for x in texts)
    assert any(x == "API failure: 127.0.0.1. user password incorrect" for x in texts)
    assert any(x == "Portal API failure: 127.0.0.1. patient password incorrect" for x in texts)
    assert [(r["event"], r["user"], r["success"]) for r in got if text_of(r) == "failure: 127.0.0.1. OAuth2 MFA (TOTP) code incorrect"] == [("mfa", "admin", "0")]
    assert texts.count("api log") == 4
    for r in got:
        want = hashlib.sha3_512("".join(r[c] for c in COLUMNS).encode()).hexdigest()
        assert r["checksum"] == want, text_of(r)
        if text_of(r) == "api log":
            assert r["checksum_api"] == hashlib.sha3_512("".join(r["api_" + c] for c in API).encode()).hexdigest()
    api = next(r for r in got if r["api_request_url"] == "/apis/dispatch.php/default/api/facility")
    assert (api["user"], api["api_request"], api["api_method"], api["success"]) == ("admin", "facility", "GET", "1") and api["groupname"]
    everything = str(got)
    assert "secret-text" not in everything and "wrong" not in everything and t not in everything


def test_a_site_that_does_not_ask_has_none(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    before = g.sql("SELECT COUNT(*) FROM api_log")
    g.staff_token("openid")
    time.sleep(0.5)
    assert g.sql("SELECT COUNT(*) FROM api_log") == before
