# SPDX-License-Identifier: GPL-3.0-or-later
"""SMART App Launch 2.2: launch tokens, launch context, patient selection, style, configuration, and what each of them refuses."""
import pytest

from rows import clerk_add, patient_uuid, visit_add

SITE = "/oauth2/default"


@pytest.fixture(scope="module")
def encounters(gateway):
    """An encounter of patient 1 and one of patient 2: their uuids."""
    made = {(pid, day): visit_add(gateway, pid, day, f"Visit {day}") for pid in (1, 2) for day in (1, 2)}
    return [made[(1, 2)], made[(2, 2)]]


@pytest.fixture(scope="module")
def clerk(gateway):
    """A member of staff who is in a group that may do nothing: name."""
    return clerk_add(gateway)


@pytest.fixture(scope="module")
def ehr(gateway):
    """The access token of the EHR's own program: staff, may read patients."""
    return gateway.staff_token("openid user/Patient.rs")


@pytest.fixture(scope="module")
def app(gateway):
    """A confidential app registered for the EHR launch."""
    return gateway.register(client_name="Growth chart", scope="openid fhirUser launch launch/patient launch/encounter offline_access "
                            "patient/Patient.rs patient/Encounter.rs user/Patient.rs",
                            initiate_login_uri="https://client.example.org/launch?x=1", grant_types=["authorization_code", "refresh_token"])


# --- launch tokens -------------------------------------------------------------------------------------------------------------
def test_an_ehr_gets_a_launch_token_and_the_address_to_open(gateway, ehr, app, encounters):
    body = {"client_id": app["client_id"], "patient": patient_uuid(gateway, 1), "encounter": encounters[0], "intent": "main.tab"}
    for kw in ({"data": body}, {"json": body}):
        r = gateway.post(f"{SITE}/smart/launch", ehr, **kw)
        assert r.status_code == 200, r.text
        got = r.json()
        assert got["expires_in"] == 300 and len(got["launch"]) >= 43 and r.headers["Cache-Control"] == "no-store"
        assert got["launch_url"] == (f"https://client.example.org/launch?x=1&iss={gateway.origin}/apis/default/fhir&launch={got['launch']}"
                                     .replace(gateway.origin, gateway.origin.replace(":", "%3A").replace("/", "%2F"))
                                     .replace("/apis/default/fhir", "%2Fapis%2Fdefault%2Ffhir"))
    assert got["launch"] not in "".join(gateway.redis("KEYS", "*launch*"))


@pytest.mark.parametrize("change, status", [
    ({"client_id": "nobody"}, 400), ({"client_id": ""}, 400), ({"patient": ""}, 400), ({"patient": "x"}, 400),
    ({"patient": "00000000-0000-4000-8000-000000000000"}, 400), ({"encounter": "x"}, 400), ({"encounter": "of another patient"}, 400),
    ({"intent": "<script>"}, 400),
])
def test_a_launch_token_is_not_made_for(gateway, ehr, app, encounters, change, status):
    form = {"client_id": app["client_id"], "patient": patient_uuid(gateway, 1)}
    form.update({k: encounters[1] if v == "of another patient" else v for k, v in change.items()})
    r = gateway.post(f"{SITE}/smart/launch", ehr, data=form)
    assert r.status_code == status and r.json()["error"] == "invalid_request", r.text


def test_a_launch_token_is_not_made_for_a_client_that_did_not_register_launch_or_is_disabled(gateway, ehr):
    plain = gateway.register(scope="openid patient/Patient.rs")
    off = gateway.register(scope="openid launch user/Patient.rs", enable=False)
    for made in (plain, off):
        r = gateway.post(f"{SITE}/smart/launch", ehr, data={"client_id": made["client_id"], "patient": patient_uuid(gateway, 1)})
        assert r.status_code == 400, r.text


@pytest.mark.parametrize("who, status", [("nobody", 401), ("no ACL", 403), ("patient", 403), ("no scope", 403), ("other site", 401)])
def test_who_may_not_make_launch_tokens(gateway, app, clerk, who, status):
    token = {"nobody": lambda: None, "no ACL": lambda: gateway.staff_token("openid user/Patient.rs", clerk),
             "patient": lambda: gateway.patient_token("openid patient/Patient.rs"),
             "no scope": lambda: gateway.staff_token("openid api:oemr user/patient.read"),
             "other site": lambda: gateway.staff_token("openid user/Patient.rs", site="alternate")}[who]()
    r = gateway.post(f"{SITE}/smart/launch", token, data={"client_id": app["client_id"], "patient": patient_uuid(gateway, 1)})
    assert r.status_code == status, r.text


# --- documents -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("theme, background", [(None, "#f8f9fa"), ("style_light.css", "#f8f9fa"), ("style_dark.css", "#212529")])
def test_the_style_is_an_object_in_the_sites_theme(gateway, theme, background):
    gateway.sql("DELETE FROM globals WHERE gl_name='css_header'")
    if theme:
        gateway.sql(f"INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('css_header', 0, '{theme}')")
    r = gateway.get(f"{SITE}/smart/smart-style")
    assert r.status_code == 200 and r.headers["Content-Type"] == "application/json"
    style = r.json()
    assert isinstance(style, dict) and style["color_background"] == background
    assert {"color_error", "color_highlight", "color_modal_backdrop", "color_success", "color_text", "dim_border_radius", "dim_font_size",
            "dim_spacing_size", "font_family_body", "font_family_heading"} <= set(style)


# --- the registration page -------------------------------------------------------------------------------------------------------
REGISTER = "/interface/smart/register-app.php"


def page_form(**change):
    form = {"client_name": "Paged <b>app</b>", "application_type": "public", "redirect_uris": "https://app.example.org/cb http://127.0.0.1/cb",
            "initiate_login_uri": "https://app.example.org/launch", "scope[openid]": "1", "scope[launch/patient]": "1",
            "scope[patient/Patient.rs]": "1"}
    form.update(change)
    return {k: v for k, v in form.items() if v is not None}


def registered_values(page):
    return [x.split("</code>")[0] for x in page.split("<dd><code>")[1:]]


@pytest.mark.parametrize("path, site", [(REGISTER, "default"), (REGISTER + "?site=alternate", "alternate"),
                                        ("/oauth2/alternate" + REGISTER, "alternate")])
def test_the_registration_page_registers_by_a_plain_form(gateway, path, site):
    page = gateway.get(path)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html") and "<script" not in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert f"/oauth2/{site}{REGISTER}" in page.text  # where the form goes
    done = gateway.post(path, data=page_form())
    assert done.status_code == 200 and done.headers["Cache-Control"] == "no-store", done.text
    client_id = registered_values(done.text)[0]
    row = gateway.sql(f"SELECT client_name, redirect_uri, scope, is_confidential, is_enabled, initiate_login_uri, site_id FROM oauth_clients "
                      f"WHERE client_id='{client_id}'", site)
    assert row == [["Paged <b>app</b>", "https://app.example.org/cb|http://127.0.0.1/cb", "openid launch/patient patient/Patient.rs", "0", "1",
                    "https://app.example.org/launch", site]]


def test_the_registration_page_shows_a_confidential_apps_secret_once(gateway):
    done = gateway.post(REGISTER, data=page_form(application_type="private", token_endpoint_auth_method="client_secret_basic",
                                                 **{"scope[user/Patient.rs]": "1"}))
    client_id, secret, iss = registered_values(done.text)
    assert len(secret) == 86 and iss == f"{gateway.origin}/apis/default/fhir" and "administrator" in done.text
    gateway.cli("client", "enable", "--site", "default", client_id)
    ask = {"token": "x"}
    assert gateway.post(f"{SITE}/introspect", data=ask, auth=(client_id, secret)).json() == {"active": False}
    assert gateway.post(f"{SITE}/introspect", data=ask, auth=(client_id, "wrong")).status_code == 401


@pytest.mark.parametrize("change, say", [
    ({"client_name": ""}, "client_name is invalid"), ({"client_name": "x" * 81}, "client_name is invalid"),
    ({"redirect_uris": "http://evil.example.org/cb"}, "redirect_uris is invalid"), ({"redirect_uris": None}, "redirect_uris is invalid"),
    ({"redirect_uris": "https://app.example.org/#x"}, "redirect_uris is invalid"),
    ({"scope[openid]": None, "scope[launch/patient]": None, "scope[patient/Patient.rs]": None}, "scope"),
    ({"scope[user/Nosuch.rs]": "1"}, "user/Nosuch.rs"), ({"scope[user/Patient.rs]": "1"}, "only allowed for confidential"),
    ({"application_type": "private", "token_endpoint_auth_method": "none"}, "Unsupported"),
    ({"application_type": "private", "token_endpoint_auth_method": "private_key_jwt"}, "jwks is invalid"),
    ({"jwks": "{"}, "jwks is invalid"),
])
def test_the_registration_page_says_what_is_wrong_and_keeps_the_rest(gateway, change, say):
    before = gateway.sql("SELECT COUNT(*) FROM oauth_clients")
    r = gateway.post(REGISTER, data=page_form(**change))
    assert r.status_code == 400 and r.headers["Content-Type"].startswith("text/html"), r.text
    problem = r.text.split('role="alert">')[1].split("</div>")[0]
    assert say in problem, problem
    assert "<b>app" not in r.text
    if "client_name" not in change:
        assert "Paged &lt;b&gt;app&lt;/b&gt;" in r.text
    assert gateway.sql("SELECT COUNT(*) FROM oauth_clients") == before


def test_the_registration_page_follows_the_sites_policy(make_gateway, tmp_path):
    (tmp_path / "token").write_text("let-me-in-0123456789")
    g = make_gateway(extra={"sites.default.oauth.registration": "closed", "sites.alternate.oauth.registration": "token",
                            "sites.alternate.oauth.registration_token": {"file": str(tmp_path / "token")}})
    assert g.get(REGISTER).status_code == 403
    assert g.post(REGISTER, data=page_form()).status_code == 403
    other = REGISTER + "?site=alternate"
    assert "initial_access_token" in g.get(other).text
    assert g.post(other, data=page_form()).status_code == 403
    assert g.post(other, data=page_form(initial_access_token="wrong")).status_code == 403
    assert g.post(other, data=page_form(initial_access_token="let-me-in-0123456789")).status_code == 200
    assert g.get(REGISTER + "?site=nowhere").status_code == 400 and g.get("/interface/smart/other.php").status_code == 404


# --- configuration and metadata ----------------------------------------------------------------------------------------------------
def test_smart_configuration_is_whole_and_true(gateway):
    doc = gateway.get("/apis/default/fhir/.well-known/smart-configuration").json()
    oidc = gateway.get(f"{SITE}/.well-known/openid-configuration").json()
    assert doc["capabilities"]  # each is used in test_smart_capabilities.py
    assert doc["issuer"] == oidc["issuer"] == f"{gateway.origin}{SITE}"
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint", "introspection_endpoint", "revocation_endpoint",
                 "management_endpoint"):
        r = gateway.get(doc[name][len(gateway.origin):])
        assert r.status_code not in (401, 404, 500, 503), f"{name}: {r.status_code}"
    assert doc["code_challenge_methods_supported"] == ["S256"] and "code" in doc["response_types_supported"]
    assert {"authorization_code", "refresh_token"} <= set(doc["grant_types_supported"])
    assert "private_key_jwt" in doc["token_endpoint_auth_methods_supported"]
    assert all(isinstance(s, str) for s in doc["scopes_supported"]) and {"launch", "launch/patient", "launch/encounter"} <= set(doc["scopes_supported"])
    assert gateway.get("/apis/default/fhir/.well-known/smart-configuration", headers={"Origin": "https://client.example.org"}).status_code == 200


def test_a_closed_registration_is_not_advertised(make_gateway):
    g = make_gateway(extra={"sites.default.oauth.registration": "closed"})
    assert "registration_endpoint" not in g.get("/apis/default/fhir/.well-known/smart-configuration").json()
    assert "registration_endpoint" not in g.get(f"{SITE}/.well-known/openid-configuration").json()


def test_metadata_has_the_oauth_addresses(gateway):
    security = gateway.get("/apis/default/fhir/metadata").json()["rest"][0]["security"]
    uris = {e["url"]: e["valueUri"] for e in security["extension"][0]["extension"]}
    base = f"{gateway.origin}{SITE}"
    assert uris == {"token": f"{base}/token", "authorize": f"{base}/authorize", "register": f"{base}/registration",
                    "introspect": f"{base}/introspect", "revoke": f"{base}/revoke", "manage": f"{base}/manage"}
