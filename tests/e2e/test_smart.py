# SPDX-License-Identifier: GPL-3.0-or-later
"""SMART App Launch 2.2: launch tokens, launch context, patient selection, style, configuration, and what each of them refuses."""
import base64
import hashlib
import hmac
import json
import secrets
import subprocess

import pytest

SITE = "/oauth2/default"
UUID = "LOWER(INSERT(INSERT(INSERT(INSERT(HEX(uuid),9,0,'-'),14,0,'-'),19,0,'-'),24,0,'-'))"


def patient_uuid(gateway, pid, site="default"):
    return gateway.sql(f"SELECT {UUID} FROM patient_data WHERE pid={pid}", site)[0][0]


@pytest.fixture(scope="module")
def encounters(gateway):
    """An encounter of patient 1 and one of patient 2: their uuids."""
    made = []
    for pid in (1, 2):
        for day in (1, 2):
            u = secrets.token_hex(16)
            gateway.sql(f"INSERT INTO form_encounter (uuid, date, reason, pid, encounter) VALUES (UNHEX('{u}'), '2024-03-0{day} 10:00:00', "
                        f"'Visit {day}', {pid}, {pid * 100 + day})")
        made.append("-".join((u[:8], u[8:12], u[12:16], u[16:20], u[20:])))
    return made


@pytest.fixture(scope="module")
def clerk(gateway):
    """A member of staff who is in a group that may do nothing: name."""
    gateway.sql("INSERT INTO users (id, uuid, username, password, authorized, fname, lname, active, info) VALUES "
                "(90, UNHEX(MD5('clerk')), 'clerk', '', 0, 'Cleo', 'Clerk', 1, '');"
                "INSERT INTO users_secure (id, username, password, last_update_password) SELECT 90, 'clerk', password, last_update_password "
                "FROM users_secure WHERE username='accountant';"
                "INSERT INTO `groups` (name, user) VALUES ('Default', 'clerk');"
                "INSERT INTO gacl_aro (id, section_value, value, order_value, name, hidden) VALUES (90, 'users', 'clerk', 10, 'Clerk', 0);"
                "INSERT INTO gacl_aro_groups (id, parent_id, lft, rgt, name, value) VALUES (90, 0, 90, 91, 'none', 'none');"
                "INSERT INTO gacl_groups_aro_map (group_id, aro_id) VALUES (90, 90);")
    return "clerk"


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
