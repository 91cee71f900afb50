# SPDX-License-Identifier: GPL-3.0-or-later
"""A newcomer's first hour: what OpenEMR's API documentation promises of sites, discovery, registration, the password grant, the Standard
API and FHIR, against the demo."""
import json
import time

import pytest
from gateway import wait_until
from tokens import b64, claims_of, head_of

STAFF = "openid offline_access api:oemr api:fhir user/patient.read user/patient.write user/facility.read user/practitioner.read " \
        "user/Patient.read user/Practitioner.read user/Organization.read"
PATIENT = "openid offline_access api:fhir api:port patient/Patient.read"


@pytest.fixture(scope="module")
def staff(gateway):
    return gateway.staff_token(STAFF)


# --- sites and documents ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("site", ["default", "alternate"])
def test_discovery_names_the_configured_address_whatever_host_the_client_sends(gateway, site):
    r = gateway.get(f"/oauth2/{site}/.well-known/openid-configuration", headers={"Host": "evil.example.org"})
    assert r.status_code == 200
    doc = r.json()
    assert doc["issuer"] == f"{gateway.origin}/oauth2/{site}"
    for name, value in doc.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert value.startswith(f"{gateway.origin}/oauth2/{site}/"), name
            assert "evil" not in value


def test_every_endpoint_that_discovery_names_is_there(gateway):
    doc = gateway.get("/oauth2/default/.well-known/openid-configuration").json()
    for name in [n for n in doc if n.endswith("_endpoint") or n == "jwks_uri"]:
        r = gateway.get(doc[name][len(gateway.origin):])
        assert r.status_code not in (404, 500, 503), f"{name}: {r.status_code}"


def test_jwks_has_the_key_that_signs(gateway, staff):
    keys = gateway.get("/oauth2/default/jwk").json()["keys"]
    head = head_of(staff)
    assert head["kid"] in [k["kid"] for k in keys]
    assert all({"kty", "kid", "alg", "use", "n", "e"} <= set(k) and "d" not in k for k in keys)


@pytest.mark.parametrize("path", ["/oauth2/nowhere/token", "/apis/nowhere/api/patient", "/apis/nowhere/fhir/Patient"])
def test_unknown_site_is_openemr_400(gateway, path):
    assert gateway.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/", "/index.php", "/apis", "/apis/default", "/apis/default/api/", "/apis/default/api/nothing"])
def test_unknown_path_is_404_or_400_and_never_5xx(gateway, path):
    assert gateway.get(path).status_code in (400, 401, 404)


# --- registration and tokens -----------------------------------------------------------------------------------------------------
def test_registration_answers_as_documented(gateway):
    made = gateway.register(enable=False)
    want = {"client_id", "client_secret", "registration_access_token", "registration_client_uri", "client_id_issued_at",
            "client_secret_expires_at", "contacts", "application_type", "client_name", "redirect_uris", "token_endpoint_auth_method", "scope"}
    assert want <= set(made)
    assert made["client_secret_expires_at"] == 0
    assert made["registration_client_uri"].startswith(gateway.origin)


def test_a_client_with_user_scopes_waits_for_approval(gateway):
    made = gateway.register(enable=False, scope="openid api:oemr user/patient.read")
    form = {"grant_type": "password", "client_id": made["client_id"], "client_secret": made["client_secret"],
            "scope": "openid api:oemr user/patient.read", "user_role": "users", "username": "admin", "password": "pass"}
    assert gateway.token_request(**form).status_code == 401
    gateway.cli("client", "enable", "--site", "default", made["client_id"])
    assert gateway.token_request(**form).status_code == 200


def test_password_grant_of_staff_gives_all_documented_members(gateway):
    t = gateway.token(STAFF)
    assert {"id_token", "token_type", "expires_in", "access_token", "refresh_token"} <= set(t)
    assert t["token_type"] == "Bearer" and t["expires_in"] == 3600
    c = claims_of(t["access_token"])
    assert c["iss"] == f"{gateway.origin}/oauth2/default" and isinstance(c["exp"], int) and "user/patient.read" in c["scopes"]


def test_refresh_token_only_with_offline_access(gateway):
    assert "refresh_token" not in gateway.token(STAFF.replace("offline_access ", ""))


@pytest.mark.parametrize("change, status", [
    ({"password": "wrong"}, 400), ({"username": "nobody"}, 400), ({"user_role": "doctor"}, 400), ({"username": "inactive"}, 400),
    ({"client_id": "nobody"}, 401), ({"client_secret": "wrong"}, 401), ({"grant_type": "implicit"}, 400), ({"grant_type": ""}, 400),
    ({"user_role": "patient"}, 400), ({"scope": "openid no/such.scope"}, 400),
])
def test_password_grant_refuses(gateway, change, status):
    made = gateway.client()
    form = {"grant_type": "password", "client_id": made["client_id"], "client_secret": made["client_secret"], "scope": "openid api:oemr",
            "user_role": "users", "username": "admin", "password": "pass"}
    form.update(change)
    r = gateway.token_request(**form)
    assert r.status_code == status and "error" in r.json(), r.text
    assert "access_token" not in r.text and r.headers["Cache-Control"] == "no-store"


def test_a_strict_site_wants_the_client_to_authenticate(gateway):
    made = gateway.client("alternate")
    form = {"grant_type": "password", "client_id": made["client_id"], "scope": "openid api:oemr", "user_role": "users", "username": "admin",
            "password": "pass"}
    assert gateway.token_request("alternate", **form).status_code == 401
    assert gateway.token_request("alternate", client_secret=made["client_secret"], **form).status_code == 200


# --- the Standard API ----------------------------------------------------------------------------------------------------------------
def test_patients_are_listed_and_paged(gateway, staff):
    r = gateway.get("/apis/default/api/patient?_limit=2", staff)
    assert r.status_code == 200
    body = r.json()
    assert body["validationErrors"] == [] and body["internalErrors"] == [] and len(body["data"]) == 2


def test_a_patient_is_made_read_and_changed(gateway, staff):
    made = gateway.post("/apis/default/api/patient", staff, json={"fname": "Ada", "lname": "O'Neill-Ümläut", "DOB": "1990-02-28", "sex": "Female"})
    assert made.status_code == 201, made.text
    uuid = made.json()["data"]["uuid"]
    read = gateway.get(f"/apis/default/api/patient/{uuid}", staff)
    assert read.status_code == 200 and read.json()["data"]["lname"] == "O'Neill-Ümläut"
    change = {"fname": "Ada", "lname": "King", "DOB": "1990-02-28", "sex": "Female"}
    changed = gateway.request("PUT", f"/apis/default/api/patient/{uuid}", staff, json=change)
    assert changed.status_code == 200, changed.text
    assert gateway.get(f"/apis/default/api/patient/{uuid}", staff).json()["data"]["lname"] == "King"
    assert gateway.sql(f"SELECT count(*) FROM uuid_registry WHERE table_name='patient_data' AND uuid=UNHEX(REPLACE('{uuid}','-',''))") == [["1"]]


@pytest.mark.parametrize("body", [{}, {"fname": "A"}, {"fname": "A", "lname": "Bc", "DOB": "2021-02-30", "sex": "Male"}])
def test_a_wrong_patient_is_refused_with_all_errors(gateway, staff, body):
    r = gateway.post("/apis/default/api/patient", staff, json=body)
    assert r.status_code == 400 and r.json()["validationErrors"], r.text


@pytest.mark.parametrize("data, kind", [(b"{", "application/json"), (b"\xff\xfe", "application/json"), (b"[1", "application/json"),
                                        (b"[" * 5000, "application/json")],
                         ids=["cut", "not UTF-8", "cut array", "deep"])
def test_a_body_that_is_no_json_is_400(gateway, staff, data, kind):
    r = gateway.post("/apis/default/api/patient", staff, data=data, headers={"Content-Type": kind})
    assert r.status_code == 400, r.text


# --- FHIR --------------------------------------------------------------------------------------------------------------------------
def test_fhir_next_links_walk_every_patient_once(gateway, staff):
    seen, path = [], "/apis/default/fhir/Patient?_count=7"
    while path:
        r = gateway.get(path, staff)
        assert r.status_code == 200
        bundle = r.json()
        assert bundle["resourceType"] == "Bundle" and bundle["type"] == "searchset"
        seen += [e["resource"]["id"] for e in bundle.get("entry", [])]
        links = {x["relation"]: x["url"] for x in bundle["link"]}
        path = links.get("next", "")[len(gateway.origin):]
        assert len(seen) < 1000
    assert len(seen) == len(set(seen)) == int(gateway.sql("SELECT count(*) FROM patient_data")[0][0])


def test_metadata_needs_no_token_and_names_what_is_served(gateway, staff):
    doc = gateway.get("/apis/default/fhir/metadata").json()
    assert doc["resourceType"] == "CapabilityStatement" and doc["fhirVersion"] == "4.0.1"
    types = {r["type"] for r in doc["rest"][0]["resource"]}
    assert {"Patient", "Practitioner", "Organization"} <= types
    for t in types:
        assert gateway.get(f"/apis/default/fhir/{t}?_count=1", staff).status_code in (200, 401, 403), t


# --- rights ------------------------------------------------------------------------------------------------------------------------
def test_a_token_of_one_site_is_refused_by_the_other(gateway, staff):
    assert gateway.get("/apis/alternate/api/patient", staff).status_code == 401
    assert gateway.get("/apis/alternate/fhir/Patient", staff).status_code == 401


def test_sites_have_their_own_data(gateway):
    mine = gateway.staff_token("openid api:oemr user/patient.read")
    other = gateway.staff_token("openid api:oemr user/patient.read", site="alternate")
    a = {p["uuid"] for p in gateway.get("/apis/default/api/patient", mine).json()["data"]}
    answer = gateway.get("/apis/alternate/api/patient", other)
    assert answer.status_code == 200, answer.text
    b = {p["uuid"] for p in answer.json()["data"]}
    assert a and b and not a & b


def test_a_patient_sees_one_patient(gateway):
    t = gateway.patient_token(PATIENT)
    bundle = gateway.get("/apis/default/fhir/Patient", t).json()
    assert [e["resource"]["name"][0]["family"] for e in bundle["entry"]] == ["Belford"]
    own = bundle["entry"][0]["resource"]["id"]
    assert gateway.get(f"/apis/default/fhir/Patient/{own}", t).status_code == 200
    others = gateway.sql("SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(uuid),9,0,'-'),14,0,'-'),19,0,'-'),24,0,'-')) FROM patient_data WHERE pid > 1")
    for (other,) in others[:5]:
        assert gateway.get(f"/apis/default/fhir/Patient/{other}", t).status_code in (401, 403, 404)
    assert gateway.get("/apis/default/api/patient", t).status_code in (401, 403)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", "Bearer " + "a" * 9000, "bearer\tx"],
                         ids=["none", "empty", "no token", "blank token", "basic", "no JWT", "long", "tab"])
def test_without_a_good_token_401(gateway, header):
    r = gateway.get("/apis/default/api/patient", headers={"Authorization": header} if header is not None else {})
    assert r.status_code == 401 and r.headers["WWW-Authenticate"].startswith("Bearer"), r.text


def test_a_changed_signature_or_payload_is_401(gateway, staff):
    head, body, sig = staff.split(".")
    none = b64({"alg": "none", "typ": "JWT"})
    flipped = ("A" if sig[0] != "A" else "B") + sig[1:]
    for bad in (f"{head}.{body}.{flipped}", f"{none}.{body}.", f"{none}.{body}.{sig}", f"{head}.{body[:-4]}AAAA.{sig}", f"{head}.{body}"):
        assert gateway.get("/apis/default/api/patient", bad).status_code == 401


def test_a_scope_that_was_not_granted_is_refused(gateway):
    t = gateway.staff_token("openid api:oemr user/facility.read")
    assert gateway.get("/apis/default/api/facility", t).status_code == 200
    assert gateway.get("/apis/default/api/patient", t).status_code == 401 or gateway.get("/apis/default/api/patient", t).status_code == 403


def test_a_disabled_client_stops_within_five_seconds(gateway):
    made = gateway.register(scope="openid api:oemr user/patient.read")
    t = gateway.token("openid api:oemr user/patient.read", client=made)["access_token"]
    assert gateway.get("/apis/default/api/patient?_limit=1", t).status_code == 200
    gateway.cli("client", "disable", "--site", "default", made["client_id"])
    gateway.ends(t, "/apis/default/api/patient?_limit=1", 5)


# --- every request is recorded ---------------------------------------------------------------------------------------------------------
def test_each_request_has_its_record(gateway, staff):
    rows = [("/apis/default/api/patient?_limit=1", staff, 200), ("/apis/default/api/patient", None, 401), ("/apis/default/fhir/metadata", None, 200)]
    for n, (path, token, status) in enumerate(rows):
        mark = f"row-{n}-{time.time_ns()}"
        r = gateway.get(path, token, headers={"X-Request-Id": mark})
        assert r.status_code == status and r.headers["X-Request-Id"] == mark
        (record,) = wait_until(lambda: gateway.audit_of(mark), "the record (async rows do not wait for it)")
        assert record["status"] == status and record["site"] == "default" and record["allowed"] == (status == 200)
        assert "Belford" not in json.dumps(record)


@pytest.mark.parametrize("given", ["has space", "a" * 65, "ümlaut", "semi;colon"])
def test_an_odd_request_id_is_replaced(gateway, given):
    r = gateway.get("/apis/default/fhir/metadata", headers={"X-Request-Id": given.encode()})
    assert r.headers["X-Request-Id"] != given and r.headers["X-Request-Id"]
