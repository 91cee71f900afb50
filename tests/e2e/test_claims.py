# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims about the person who signed in: in the id_token and at userinfo, each only for its scope, with the types of OIDC Core 5.1."""

import pytest
from tokens import claims_of

STAFF = {"given_name": "Dora", "family_name": "Doctor"}


@pytest.fixture(scope="module", autouse=True)
def people(gateway):
    gateway.sql("UPDATE users SET fname='Dora', mname='von', lname='Doctor', email='dora@example.org', phonew1='555-0199' "
                "WHERE username='admin'")


def tokens(gateway, scope, role):
    if role == "staff":
        return gateway.token(scope)
    return gateway.token(scope, "patient", "Phil1", "phil", email="heya@invalid.email.com")


def userinfo(gateway, token, method="GET"):
    return gateway.request(method, "/oauth2/default/userinfo", token)


# scope, who, claims that appear with it (and no others beside sub)
ROWS = [
    ("", "staff", {}),
    ("email", "staff", {"email": "dora@example.org", "email_verified": False}),
    ("phone", "staff", {"phone_number": "555-0199", "phone_number_verified": False}),
    ("address", "staff", {"address": {"street_address": "2 Side St", "locality": "Springfield", "region": "MA", "postal_code": "01101"}}),
    ("profile", "staff", {"name": "Dora von Doctor", "given_name": "Dora", "middle_name": "von", "family_name": "Doctor",
                          "preferred_username": "admin"}),
    ("given_name", "staff", {"given_name": "Dora"}),
    ("family_name name", "staff", {"family_name": "Doctor", "name": "Dora von Doctor"}),
    ("email", "patient", {"email": "heya@invalid.email.com", "email_verified": False}),
    ("phone", "patient", {"phone_number": "333-444-2222", "phone_number_verified": False}),
    ("address", "patient", {"address": {"street_address": "2100 Anyhow Lane", "locality": "San Diego", "region": "CA", "postal_code": "92101",
                                        "country": "US"}}),
    ("profile", "patient", {"name": "Phil Belford", "given_name": "Phil", "family_name": "Belford", "gender": "male",
                            "birthdate": "1972-02-09"}),
]
KNOWN = {"name", "given_name", "middle_name", "family_name", "preferred_username", "gender", "birthdate", "email", "email_verified",
         "phone_number", "phone_number_verified", "address", "fhirUser"}


@pytest.mark.parametrize("scope, who, want", ROWS, ids=[f"{r[1]}-{r[0] or 'none'}" for r in ROWS])
def test_a_scope_opens_its_claims_and_no_others(gateway, scope, who, want):
    t = tokens(gateway, f"openid {scope}".strip(), who)
    idt = claims_of(t["id_token"])
    assert {k: v for k, v in idt.items() if k in KNOWN} == want
    for method in ("GET", "POST"):
        r = userinfo(gateway, t["access_token"], method)
        assert r.status_code == 200 and r.headers["Content-Type"].startswith("application/json"), r.text
        assert r.json() == {"sub": idt["sub"], **want}
        assert r.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("who, npi, kind", [("staff", "1003000126", "Practitioner"), ("staff", "", "Person"), ("patient", None, "Patient")])
def test_fhir_user_names_the_kind_of_person(gateway, who, npi, kind):
    if npi is not None:
        gateway.sql(f"UPDATE users SET npi='{npi}' WHERE username='admin'")
    t = tokens(gateway, "openid fhirUser", who)
    idt = claims_of(t["id_token"])
    want = f"{gateway.origin}/apis/default/fhir/{kind}/{idt['sub']}"
    assert idt["fhirUser"] == want
    assert userinfo(gateway, t["access_token"]).json()["fhirUser"] == want


def test_a_claim_without_a_value_is_left_out(gateway):
    gateway.sql("UPDATE users SET email=NULL, mname='' WHERE username='admin'")
    try:
        got = userinfo(gateway, tokens(gateway, "openid profile email", "staff")["access_token"]).json()
        assert "email" not in got and "email_verified" not in got and "middle_name" not in got and got["name"] == "Dora Doctor"
    finally:
        gateway.sql("UPDATE users SET email='dora@example.org', mname='von' WHERE username='admin'")


def test_userinfo_refuses_without_a_token_and_without_openid(gateway):
    for header, status, error in ((None, 401, None), ("Bearer x.y.z", 401, "invalid_token"), ("Basic YTpi", 401, None)):
        r = gateway.get("/oauth2/default/userinfo", headers={"Authorization": header} if header else {})
        assert r.status_code == status and r.headers["WWW-Authenticate"].startswith("Bearer"), (header, r.text)
        assert ("error=" in r.headers["WWW-Authenticate"]) == (error is not None), "RFC 6750 3.1: no code for who sent no token"
        assert "sub" not in r.json()
    t = gateway.token("api:oemr user/patient.read profile")
    r = userinfo(gateway, t["access_token"])
    assert r.status_code == 403 and r.json()["error"] == "insufficient_scope", r.text
    assert "insufficient_scope" in r.headers["WWW-Authenticate"]


def test_userinfo_refuses_another_sites_token_and_a_user_who_left(gateway):
    t = gateway.token("openid profile", site="alternate")
    assert userinfo(gateway, t["access_token"]).status_code == 401
    assert gateway.get("/oauth2/alternate/userinfo", t["access_token"]).status_code == 200
    gateway.sql("UPDATE users SET active=0 WHERE username='admin'", site="alternate")
    try:
        gateway.ends(t["access_token"], "/oauth2/alternate/userinfo", 5)  # believed for live_check at most
    finally:
        gateway.sql("UPDATE users SET active=1 WHERE username='admin'", site="alternate")


def test_discovery_names_exactly_these_claims(gateway):
    doc = gateway.get("/oauth2/default/.well-known/openid-configuration").json()
    assert KNOWN <= set(doc["claims_supported"])
    assert doc["userinfo_endpoint"] == f"{gateway.origin}/oauth2/default/userinfo"
    always = {"aud", "iat", "iss", "exp", "sub", "at_hash", "nonce", "auth_time", "amr", "acr", "azp", "sid"}
    assert {c for c in doc["claims_supported"] if not c.startswith("api:")} <= KNOWN | always


def test_introspection_tells_fhir_user(gateway):
    made = gateway.client()
    t = tokens(gateway, "openid fhirUser", "patient")
    r = gateway.post("/oauth2/default/introspect", data={"token": t["access_token"], "client_id": made["client_id"],
                                                          "client_secret": made["client_secret"]}).json()
    assert r["active"] and r["fhirUser"] == claims_of(t["id_token"])["fhirUser"]
