# SPDX-License-Identifier: GPL-3.0-or-later
"""Each capability that smart-configuration names is used, from the document's own addresses: a row that is missing, or names what the document does
not, fails. SMART App Launch 2.2, conformance."""
import json
import time
import uuid

import pytest
from app import FREE, App
from gateway import Gateway
from jwcrypto import jwk, jwt
from rows import patient_uuid, uuid_of

GRANTS = ["authorization_code", "refresh_token"]
SCOPE = ("openid fhirUser launch launch/patient launch/encounter offline_access online_access patient/Patient.rs patient/Patient.read user/Patient.rs patient/Encounter.rs")


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra=FREE)
    for n in (1, 2):
        g.sql(f"INSERT INTO form_encounter (uuid, date, reason, pid, encounter) VALUES (UNHEX(MD5('{n}')), '2024-03-0{n} 10:00:00', 'Visit {n}', 1, 90{n})")
    yield g
    g.close()


@pytest.fixture(scope="module")
def doc(gw):
    return gw.get("/apis/default/fhir/.well-known/smart-configuration").json()


@pytest.fixture(scope="module")
def made(gw):
    return gw.register(client_name="Growth chart", scope=SCOPE, grant_types=[*GRANTS, "password"], initiate_login_uri="https://client.example.org/launch")


def visit(gw):
    return uuid_of(gw, "form_encounter", "encounter=901")


def as_patient(gw, made, scope, **more):
    return App(gw, made).authorize(scope, **more).sign_in_patient().allow()


def as_staff(gw, made, scope, **more):
    return App(gw, made).authorize(scope, **more).sign_in().allow()


def chosen(gw, made, scope, pressed=None):
    a = App(gw, made).authorize(scope).sign_in().press(("patient_id", patient_uuid(gw, 1)), "confirm")
    if pressed:
        a.press(("encounter_id", pressed), "confirm")
    return a.allow().token().json()


def from_ehr(gw, made, scope="openid launch patient/Patient.rs", **form):
    ehr = gw.staff_token("openid user/Patient.rs")
    launch = gw.post("/oauth2/default/smart/launch", ehr, data={"client_id": made["client_id"], "patient": patient_uuid(gw, 1), **form}).json()
    return as_staff(gw, made, scope, launch=launch["launch"]).token().json()


def ids(gw, path, token):
    r = gw.get(path, token)
    return [e["resource"]["id"] for e in r.json().get("entry", [])] if r.status_code == 200 else r.status_code


# --- the rows --------------------------------------------------------------------------------------------------------------------------------
def launch_ehr(gw, doc, made):
    assert from_ehr(gw, made)["patient"] == patient_uuid(gw, 1)


def launch_standalone(gw, doc, made):
    t = as_patient(gw, made, "openid launch/patient patient/Patient.rs").token().json()
    assert t["patient"] == patient_uuid(gw, 1) and ids(gw, "/apis/default/fhir/Patient", t["access_token"]) == [patient_uuid(gw, 1)]


def authorize_post(gw, doc, made):
    a = App(gw, made)
    form = {"response_type": "code", "client_id": made["client_id"], "redirect_uri": a.redirect, "scope": "openid", "state": "s" * 16, "code_challenge_method": "S256",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}
    a.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    a.go("POST", doc["authorization_endpoint"], data=form).sign_in().allow()
    assert a.token().status_code == 200


def client_public(gw, doc, made):
    public = gw.register(application_type="web", token_endpoint_auth_method="none", scope="openid launch/patient offline_access patient/Patient.rs", grant_types=GRANTS)
    a = as_patient(gw, public, "openid launch/patient offline_access patient/Patient.rs")
    t = a.token().json()
    assert t["patient"] == patient_uuid(gw, 1) and a.refresh(t["refresh_token"]).status_code == 200
    assert App(gw, public).authorize("openid", code_challenge=None, code_challenge_method=None).back["error"] == "invalid_request"


def client_confidential_symmetric(gw, doc, made):
    assert {"client_secret_basic", "client_secret_post"} <= set(doc["token_endpoint_auth_methods_supported"])
    basic = gw.register(scope="openid", token_endpoint_auth_method="client_secret_basic", grant_types=GRANTS)
    for client, kw in ((made, {}), (basic, {"auth": (basic["client_id"], basic["client_secret"])})):
        a = as_staff(gw, client, "openid")
        form = {"grant_type": "authorization_code", "code": a.back["code"], "redirect_uri": a.redirect, "code_verifier": a.verifier}
        if not kw:
            form.update(client_id=client["client_id"], client_secret=client["client_secret"])
        assert gw.post(doc["token_endpoint"][len(gw.origin):], data=form, **kw).status_code == 200


def client_confidential_asymmetric(gw, doc, made):
    """Code, refresh, introspection and revocation, each with an assertion of its own."""
    for alg, kw in (("RS384", {"kty": "RSA", "size": 2048}), ("ES384", {"kty": "EC", "crv": "P-384"})):
        assert alg in doc["token_endpoint_auth_signing_alg_values_supported"]
        key = jwk.JWK.generate(kid="k", **kw)
        client = gw.register(scope="openid offline_access patient/Patient.rs", token_endpoint_auth_method="private_key_jwt", grant_types=GRANTS,
                             jwks={"keys": [json.loads(key.export_public())]})

        def proof():
            t = jwt.JWT({"alg": alg, "kid": "k"}, {"iss": client["client_id"], "sub": client["client_id"], "aud": doc["token_endpoint"], "exp": int(time.time()) + 200,
                                                   "jti": str(uuid.uuid4())}, algs=[alg])
            t.make_signed_token(key)
            return {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": t.serialize()}
        a = as_patient(gw, client, "openid offline_access patient/Patient.rs")
        form = {"grant_type": "authorization_code", "code": a.back["code"], "redirect_uri": a.redirect, "code_verifier": a.verifier}
        assert gw.token_request(**form).status_code in (400, 401), "without an assertion"
        t = gw.token_request(**form, **proof()).json()
        t = gw.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], **proof()).json()
        assert gw.post("/oauth2/default/introspect", data={"token": t["access_token"], **proof()}).json()["active"] is True
        assert gw.post("/oauth2/default/revoke", data={"token": t["refresh_token"], **proof()}).status_code == 200
        assert gw.post("/oauth2/default/introspect", data={"token": t["access_token"], **proof()}).json()["active"] is False


def sso_openid_connect(gw, doc, made):
    t = as_staff(gw, made, "openid fhirUser user/Patient.rs", nonce="n1").token().json()
    keys = jwk.JWKSet.from_json(gw.get(doc["jwks_uri"][len(gw.origin):]).text)
    got = json.loads(jwt.JWT(jwt=t["id_token"], key=keys).claims)
    assert got["iss"] == doc["issuer"] and got["aud"] == made["client_id"] and got["nonce"] == "n1"
    assert got["fhirUser"].startswith(f"{gw.origin}/apis/default/fhir/")
    person = got["fhirUser"][len(gw.origin):]
    assert person.split("/")[-2] in ("Practitioner", "Person")


def context_banner(gw, doc, made):
    assert from_ehr(gw, made)["need_patient_banner"] is False
    assert chosen(gw, made, "openid launch/patient patient/Patient.rs")["need_patient_banner"] is True


def context_style(gw, doc, made):
    t = chosen(gw, made, "openid launch/patient patient/Patient.rs")
    style = gw.get(t["smart_style_url"][len(gw.origin):])
    assert style.status_code == 200 and style.json()["color_background"].startswith("#")


def context_ehr_patient(gw, doc, made):
    t = from_ehr(gw, made)
    assert ids(gw, "/apis/default/fhir/Patient", t["access_token"]) == [patient_uuid(gw, 1)] == [t["patient"]]


def context_ehr_encounter(gw, doc, made):
    assert from_ehr(gw, made, encounter=visit(gw))["encounter"] == visit(gw)


def context_standalone_patient(gw, doc, made):
    t = chosen(gw, made, "openid launch/patient patient/Patient.rs")
    assert t["patient"] == patient_uuid(gw, 1) and ids(gw, "/apis/default/fhir/Patient", t["access_token"]) == [patient_uuid(gw, 1)]


def context_standalone_encounter(gw, doc, made):
    assert chosen(gw, made, "openid launch/patient launch/encounter patient/Encounter.rs", visit(gw))["encounter"] == visit(gw)


def permission_offline(gw, doc, made):
    a = as_patient(gw, made, "openid offline_access patient/Patient.rs")
    t = a.token().json()
    a.go("GET", "/oauth2/default/logout").press(action="/logout")
    assert a.refresh(t["refresh_token"]).status_code == 200, "it outlives the session"
    assert "refresh_token" not in as_patient(gw, made, "openid patient/Patient.rs").token().json()


def permission_online(gw, doc, made):
    a = as_patient(gw, made, "openid online_access patient/Patient.rs")
    t = a.refresh(a.token().json()["refresh_token"]).json()
    a.go("GET", "/oauth2/default/logout").press(action="/logout")
    assert a.refresh(t["refresh_token"]).status_code == 401, "it ends with the session"


def permission_patient(gw, doc, made):
    t = as_patient(gw, made, "openid launch/patient patient/Patient.rs").token().json()
    assert ids(gw, "/apis/default/fhir/Patient", t["access_token"]) == [patient_uuid(gw, 1)]
    assert gw.get(f"/apis/default/fhir/Patient/{patient_uuid(gw, 2)}", t["access_token"]).status_code != 200


def permission_user(gw, doc, made):
    t = as_staff(gw, made, "openid user/Patient.rs").token().json()
    assert len(ids(gw, "/apis/default/fhir/Patient?_count=5", t["access_token"])) == 5


def permission_v1(gw, doc, made):
    t = as_patient(gw, made, "openid launch/patient patient/Patient.read").token().json()
    assert "patient/Patient.read" in t["scope"].split() and ids(gw, "/apis/default/fhir/Patient", t["access_token"]) == [patient_uuid(gw, 1)]
    assert gw.get(f"/apis/default/fhir/Patient/{patient_uuid(gw, 1)}", t["access_token"]).status_code == 200


def permission_v2(gw, doc, made):
    t = as_staff(gw, made, "openid user/Patient.r").token().json()
    assert set(t["scope"].split()) == {"openid", "user/Patient.r"}
    assert gw.get(f"/apis/default/fhir/Patient/{patient_uuid(gw, 1)}", t["access_token"]).status_code == 200
    assert gw.get("/apis/default/fhir/Patient?_count=1", t["access_token"]).status_code == 403, "r is no s"


ROWS = {f.__name__.replace("_", "-"): f for f in (
    launch_ehr, launch_standalone, authorize_post, client_public, client_confidential_symmetric, client_confidential_asymmetric, sso_openid_connect, context_banner, context_style,
    context_ehr_patient, context_ehr_encounter, context_standalone_patient, context_standalone_encounter, permission_offline, permission_online, permission_patient, permission_user,
    permission_v1, permission_v2)}


def test_the_rows_are_the_capabilities(doc):
    assert sorted(doc["capabilities"]) == sorted(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_capability_works(gw, doc, made, name):
    ROWS[name](gw, doc, made)
