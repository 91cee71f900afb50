# SPDX-License-Identifier: GPL-3.0-or-later
"""SMART launches through the real pages: standalone (patient picker, visit) and from the EHR (Gatehouse's and OpenEMR's launch tokens), the
context in token answers, refresh and introspection, what the token then opens, and every refusal on the way."""
import base64
import hashlib
import hmac
import json
import secrets
import subprocess

import pytest
from app import FREE, App, text_of
from gateway import Gateway
from rows import clerk_add, patient_uuid, visit_add

SITE = "/oauth2/default"
SCOPES = "openid fhirUser launch launch/patient launch/encounter offline_access patient/Patient.rs"
STYLE = "/oauth2/default/smart/smart-style"


@pytest.fixture(scope="module")
def gateway():
    """Many sign-ins from one address."""
    g = Gateway(extra=FREE)
    yield g
    g.close()


@pytest.fixture(scope="module")
def visits(gateway):
    return [visit_add(gateway, 1, 1, "Cough"), visit_add(gateway, 1, 2, "Fever <b>"), visit_add(gateway, 2, 3, "Check")]


@pytest.fixture(scope="module")
def clerk(gateway):
    """A member of staff in a group that may do nothing."""
    return clerk_add(gateway)


@pytest.fixture(scope="module")
def made(gateway):
    return gateway.register(client_name="Growth chart", scope=SCOPES + " user/Patient.rs",
                            grant_types=["authorization_code", "refresh_token", "password"])


@pytest.fixture(scope="module")
def other(gateway):
    """Another app of the same kind."""
    return gateway.register(client_name="Other app", scope=SCOPES, grant_types=["authorization_code"])


@pytest.fixture(scope="module")
def ehr(gateway):
    return gateway.staff_token("openid user/Patient.rs")


def launch_token(gateway, ehr, made, **form):
    r = gateway.post(f"{SITE}/smart/launch", ehr, data={"client_id": made["client_id"], **form})
    assert r.status_code == 200, r.text
    return r.json()["launch"]


def picker(gateway, made, scope="openid launch/patient patient/Patient.rs", username="admin", **kw):
    """An app whose user has signed in and stands before the list of patients."""
    a = App(gateway, made, **kw).authorize(scope).sign_in(username)
    assert a.at("/smart/patient-select"), a.page.text
    return a


def denied(a):
    return a.back is not None and a.back["error"] == "access_denied" and "code" not in a.back and a.back["iss"].endswith(SITE)


# --- standalone ----------------------------------------------------------------------------------------------------------------
def test_staff_choose_a_patient_and_the_token_is_for_that_patient_alone(gateway, made):
    mine, another = patient_uuid(gateway, 1), patient_uuid(gateway, 2)
    a = picker(gateway, made).press(("patient_id", mine), "confirm")
    assert a.at("/scope-authorize-confirm")
    t = a.allow().token().json()
    assert t["patient"] == mine and t["need_patient_banner"] is True and t["smart_style_url"] == gateway.origin + STYLE
    assert t["tenant"] == "default" and "encounter" not in t and "intent" not in t and "fhirContext" not in t
    fhir = "/apis/default/fhir/Patient"
    bundle = gateway.get(fhir, t["access_token"]).json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == [mine]
    assert gateway.get(f"{fhir}/{mine}", t["access_token"]).status_code == 200
    for path in (f"{fhir}/{another}", f"{fhir}?_id={another}"):
        r = gateway.get(path, t["access_token"])
        assert r.status_code in (401, 403, 404) or (r.status_code == 200 and not r.json().get("entry")), (path, r.text)
    assert gateway.get("/apis/default/api/patient", t["access_token"]).status_code in (401, 403)


def test_the_context_stays_over_refresh_and_is_introspected(gateway, made, visits):
    scope = "openid launch/patient launch/encounter offline_access patient/Patient.rs"
    a = picker(gateway, made, scope).press(("patient_id", patient_uuid(gateway, 1)), "confirm")
    a.press(("encounter_id", visits[0]), "confirm")
    t = a.allow().token().json()
    context = {k: t[k] for k in ("patient", "need_patient_banner", "encounter", "smart_style_url", "tenant")}
    assert context["encounter"] == visits[0]
    got = a.introspect(t["access_token"])
    assert got["active"] and context.items() <= got.items()
    for _ in range(3):
        t = a.refresh(t["refresh_token"]).json()
        assert context.items() <= t.items()
    assert context.items() <= a.introspect(t["access_token"]).items()
    narrow = a.refresh(t["refresh_token"], scope="openid patient/Patient.rs").json()
    assert "patient" not in narrow and "encounter" not in narrow  # the launch scopes were given up
    assert gateway.get("/apis/default/fhir/Patient", narrow["access_token"]).status_code in (401, 403)


def test_a_patient_has_nothing_to_choose(gateway):
    public = gateway.register(application_type="web", token_endpoint_auth_method="none", scope="openid launch/patient patient/Patient.rs",
                              grant_types=["authorization_code"])
    a = App(gateway, public).authorize("openid launch/patient patient/Patient.rs").sign_in_patient()
    assert a.at("/scope-authorize-confirm")
    t = a.allow().token().json()
    assert t["patient"] == patient_uuid(gateway, 1)
    a = App(gateway, public).authorize("openid patient/Patient.rs").sign_in_patient().allow()
    assert "patient" not in a.token().json()  # launch/patient was not asked for


def test_the_list_is_searched_and_paged(gateway, made):
    a = picker(gateway, made)
    names = [b[2] for b in a.form("confirm")["buttons"] if b[0] == "patient_id"]
    assert len(names) == 20 and "<script>alert" not in a.page.text
    seen = set(b[1] for b in a.form("confirm")["buttons"] if b[0] == "patient_id")
    link = a.page.text.split("<p class=\"pages\">")[1].split("href=\"")[1].split('"')[0].replace("&amp;", "&")
    a.go("GET", link)
    second = set(b[1] for b in a.form("confirm")["buttons"] if b[0] == "patient_id")
    assert second and not seen & second and "Previous page" in a.page.text
    rows = [({"search[lname]": "Belf"}, {patient_uuid(gateway, 1)}), ({"search[fname]": "phil", "search[lname]": "BELFORD"}, {patient_uuid(gateway, 1)}),
            ({"search[dob]": "1972-02-09", "search[lname]": "b"}, {patient_uuid(gateway, 1)}), ({"search[lname]": "Nobody"}, set()),
            ({"search[lname]": "%"}, None), ({"search[lname]": "_elford"}, set()), ({"search[lname]": "' OR 1=1 -- "}, set())]
    for n, (search, want) in enumerate(rows):
        a.press(action="/smart/patient-select", **{"search[lname]": "", "search[fname]": "", "search[dob]": "", **search})
        got = {b[1] for b in a.form("confirm")["buttons"] if b[0] == "patient_id"}
        if want is None:
            assert len(got) <= 2, n  # only who has a percent sign there
        else:
            assert got == want, n
    a.press(action="/smart/patient-select", **{"search[dob]": "31.12.1980"})
    assert 'role="alert"' in a.page.text


def test_a_visit_is_chosen_or_not(gateway, made, visits):
    mine = patient_uuid(gateway, 1)
    scope = "openid launch/encounter launch/patient patient/Patient.rs"
    a = picker(gateway, made, scope).press(("patient_id", mine), "confirm")
    assert "Belford, Phil" in text_of(a.page.text) and "Fever <b>" in text_of(a.page.text) and "Check" not in text_of(a.page.text)
    assert [b[1] for b in a.form("confirm")["buttons"] if b[0] == "encounter_id"] == [visits[1], visits[0], "none"]
    t = a.press(("encounter_id", visits[1]), "confirm").allow().token().json()
    assert t["encounter"] == visits[1] and t["patient"] == mine
    a = picker(gateway, made, scope).press(("patient_id", mine), "confirm").press(("encounter_id", "none"), "confirm")
    t = a.allow().token().json()
    assert "encounter" not in t and t["patient"] == mine
    a = picker(gateway, made, scope).press(("patient_id", patient_uuid(gateway, 7)), "confirm")
    assert "No visits" in text_of(a.page.text)


@pytest.mark.parametrize("pressed", [("patient_id", "x"), ("patient_id", ""), ("patient_id", "00000000-0000-4000-8000-000000000000"),
                                     ("patient_id", "of the other site"), ("encounter_id", "none"), ("nothing", "")])
def test_a_choice_that_the_page_does_not_offer_is_refused(gateway, made, pressed):
    if pressed[1] == "of the other site":
        pressed = (pressed[0], patient_uuid(gateway, 1, "alternate"))
    a = picker(gateway, made).press(pressed, "confirm")
    assert a.page.status_code == 400 and a.back is None and "text/html" in a.page.headers["Content-Type"]


def test_a_visit_of_another_patient_is_refused(gateway, made, visits):
    a = picker(gateway, made, "openid launch/encounter patient/Patient.rs").press(("patient_id", patient_uuid(gateway, 1)), "confirm")
    assert a.press(("encounter_id", visits[2]), "confirm").page.status_code == 400


def test_staff_without_the_acl_get_no_list_and_no_choice(gateway, made, clerk):
    a = App(gateway, made).authorize("openid launch/patient patient/Patient.rs").sign_in(clerk)
    assert denied(a)
    assert "No access to patient data" in a.back["error_description"]
    # nor by posting a choice: the ACL is asked again
    a = picker(gateway, made, username="receptionist")
    form = a.form("confirm")
    gateway.sql("UPDATE gacl_groups_aro_map SET group_id=90 WHERE aro_id=(SELECT id FROM gacl_aro WHERE value='receptionist')")
    try:
        a.go("POST", form["action"], data={**form["fields"], "patient_id": patient_uuid(gateway, 1)})
        assert denied(a)
    finally:
        gateway.sql("UPDATE gacl_groups_aro_map SET group_id=14 WHERE aro_id=(SELECT id FROM gacl_aro WHERE value='receptionist')")


def test_the_person_may_turn_back_at_the_list(gateway, made):
    a = picker(gateway, made)
    here = a.page.url
    assert denied(a.press(("deny", "1"), "confirm"))
    assert a.go("GET", here).page.status_code == 400  # the request is over


def test_the_choice_belongs_to_its_session_and_its_form(gateway, made):
    a = picker(gateway, made)
    form = a.form("confirm")
    data = {**form["fields"], "patient_id": patient_uuid(gateway, 1)}
    stranger = picker(gateway, made)
    for name, browser, change, status in [("no cookie", gateway.session_new(), {}, 400), ("another session", stranger.browser, {}, 400),
                                          ("no CSRF", a.browser, {"csrf_token_form": ""}, 403),
                                          ("another's CSRF", a.browser, {"csrf_token_form": stranger.form("confirm")["fields"]["csrf_token_form"]}, 403),
                                          ("no flow", a.browser, {"flow": ""}, 400)]:
        r = browser.post(gateway.origin + form["action"], data={**data, **change}, allow_redirects=False)
        assert r.status_code == status, name
        r = browser.get(a.page.url, allow_redirects=False)
        assert r.status_code == (200 if browser is a.browser else 400), name
    first = a.browser.post(gateway.origin + form["action"], data=data, allow_redirects=False)
    assert first.status_code == 303
    again = a.browser.post(gateway.origin + form["action"], data={**data, "patient_id": patient_uuid(gateway, 2)}, allow_redirects=False)
    assert again.status_code == 400  # the step is over


def test_the_list_needs_the_step_before(gateway, made):
    a = App(gateway, made).authorize("openid launch/patient patient/Patient.rs")
    assert a.at("/provider/login")
    r = a.browser.get(a.page.url.replace("/provider/login", "/smart/patient-select"), allow_redirects=False)
    assert r.status_code == 400
    assert gateway.get(f"{SITE}/smart/patient-select").status_code == 400


def test_another_person_in_the_same_browser_does_not_take_over_the_choice(gateway, made, other):
    a = picker(gateway, made).press(("patient_id", patient_uuid(gateway, 1)), "confirm")
    assert a.at("/scope-authorize-confirm")
    consent = a.form("/device/code")
    second = App(gateway, other, browser=a.browser).authorize("openid launch/patient patient/Patient.rs", prompt="login")
    second.sign_in_patient()
    assert second.at("/scope-authorize-confirm")
    a.go("POST", consent["action"], data={**consent["fields"], "proceed": "1"})
    assert a.back is None and a.page.status_code in (400, 403)


# --- launch/patient where nobody can choose ------------------------------------------------------------------------------------
def test_launch_patient_without_a_patient_classic_and_v8(gateway, make_gateway, made):
    form = {"grant_type": "password", "client_id": made["client_id"], "client_secret": made["client_secret"], "user_role": "users",
            "username": "admin", "password": "pass", "scope": "openid launch/patient patient/Patient.rs"}
    r = gateway.token_request(**form)
    assert r.status_code == 400 and r.json()["error"] == "invalid_patient_context"
    g = make_gateway(extra={"sites.default.compat": "v8"})
    mine = g.register(scope=SCOPES, grant_types=["password"])
    r = g.token_request(**{**form, "client_id": mine["client_id"], "client_secret": mine["client_secret"]})
    assert r.status_code == 200 and "patient" not in r.json()
    assert g.get("/apis/default/fhir/Patient", r.json()["access_token"]).status_code in (401, 403)


# --- from the EHR ----------------------------------------------------------------------------------------------------------------
def test_ehr_launch_binds_what_the_token_says(gateway, ehr, made, visits):
    mine = patient_uuid(gateway, 1)
    token = launch_token(gateway, ehr, made, patient=mine, encounter=visits[0], intent="main.tab")
    a = App(gateway, made).authorize("openid launch offline_access patient/Patient.rs", launch=token).sign_in()
    assert a.at("/scope-authorize-confirm")  # no list: the EHR has chosen
    t = a.allow().token().json()
    want = {"patient": mine, "encounter": visits[0], "intent": "main.tab", "need_patient_banner": False, "tenant": "default",
            "smart_style_url": gateway.origin + STYLE}
    assert want.items() <= t.items()
    assert [e["resource"]["id"] for e in gateway.get("/apis/default/fhir/Patient", t["access_token"]).json()["entry"]] == [mine]
    assert want.items() <= a.introspect(t["access_token"]).items()
    assert want.items() <= a.refresh(t["refresh_token"]).json().items()


def test_a_launch_without_the_launch_scope_binds_nothing(gateway, ehr, made):
    token = launch_token(gateway, ehr, made, patient=patient_uuid(gateway, 1))
    t = App(gateway, made).authorize("openid patient/Patient.rs", launch=token).sign_in().allow().token().json()
    assert "patient" not in t
    assert gateway.get("/apis/default/fhir/Patient", t["access_token"]).status_code in (401, 403)


def launch_refused(a):
    return a.back is not None and a.back["error"] == "invalid_request" and "launch" in a.back["error_description"]


@pytest.mark.parametrize("token", ["x", "MDA3", "!!!", "A" * 43, base64.b64encode(b"clear text").decode(), base64.b64encode(b"001" + b"A" * 64).decode(),
                                   base64.b64encode(b"007" + base64.b64encode(b"\0" * 96)).decode(), "A" * 5000])
def test_a_launch_token_that_nobody_made_is_refused(gateway, made, token):
    assert launch_refused(App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token))


def test_a_launch_token_works_once_for_its_client_for_five_minutes(gateway, ehr, made, other):
    mine = patient_uuid(gateway, 1)
    token = launch_token(gateway, ehr, made, patient=mine)
    assert launch_refused(App(gateway, other).authorize("openid launch patient/Patient.rs", launch=token))  # another client's
    ok = App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token).sign_in()
    assert ok.at("/scope-authorize-confirm")  # and the other client did not spoil it
    assert launch_refused(App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token))  # used
    token = launch_token(gateway, ehr, made, patient=mine)
    key = next(k for k in gateway.redis("KEYS", "gh:default:launch:*").split())
    assert 290 <= int(gateway.redis("TTL", key)) <= 300
    gateway.redis("DEL", key)  # as after five minutes
    assert launch_refused(App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token))
    token = launch_token(gateway, ehr, made, patient=mine)
    third = gateway.register("alternate", scope=SCOPES)
    a = App(gateway, third, site="alternate").authorize("openid launch patient/Patient.rs", launch=token)
    assert launch_refused(a)  # another site's


def test_a_launch_token_is_for_whom_the_ehr_made_it(gateway, ehr, made, clerk):
    mine = patient_uuid(gateway, 1)
    for sign_in in (lambda a: a.sign_in("receptionist"), lambda a: a.sign_in(clerk), lambda a: a.sign_in_patient()):
        token = launch_token(gateway, ehr, made, patient=mine)
        assert denied(sign_in(App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token)))


@pytest.mark.parametrize("aud, ok", [(None, False), ("https://evil.example.org/fhir", False), ("fhir", True), ("api", True), ("fhir/", True)])
def test_a_launch_needs_our_audience(gateway, ehr, made, aud, ok):
    token = launch_token(gateway, ehr, made, patient=patient_uuid(gateway, 1))
    if aud is not None and not aud.startswith("https:"):
        aud = f"{gateway.origin}/apis/default/{aud}"
    a = App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token, aud=aud)
    assert a.at("/provider/login") if ok else a.back["error"] == "invalid_request"


# --- OpenEMR's own launch tokens ---------------------------------------------------------------------------------------------------
def openssl(*argv, data=None):
    return subprocess.run(["openssl", *argv], input=data, stdout=subprocess.PIPE, check=True).stdout


def block_open(text, aes, mac):
    raw = base64.b64decode(text[3:])
    assert hmac.compare_digest(hmac.new(mac, raw[48:], hashlib.sha384).digest(), raw[:48])
    return openssl("enc", "-d", "-aes-256-cbc", "-K", aes.hex(), "-iv", raw[48:64].hex(), data=raw[64:])


def block_make(plain, aes, mac, version="007"):
    iv = secrets.token_bytes(16)
    sealed = iv + openssl("enc", "-aes-256-cbc", "-K", aes.hex(), "-iv", iv.hex(), data=plain)
    return version + base64.b64encode(hmac.new(mac, sealed, hashlib.sha384).digest() + sealed).decode()


@pytest.fixture(scope="module")
def drive_keys(gateway):
    """The site's drive keys, as OpenEMR reads them."""
    rows = dict(gateway.sql("SELECT name, value FROM `keys` WHERE name IN ('sevena','sevenb')"))
    db = [base64.b64decode(rows[n]) for n in ("sevena", "sevenb")]
    methods = gateway.dir / "sites" / "default" / "documents" / "logs_and_misc" / "methods"
    return [block_open((methods / n).read_text(), *db) for n in ("sevena", "sevenb")]


def openemr_launch(keys, version="007", **context):
    return base64.b64encode(block_make(json.dumps(context).encode(), *keys, version).encode()).decode()


def test_openemrs_launch_token_is_accepted_as_it_is(gateway, made, drive_keys, visits):
    mine, slot = patient_uuid(gateway, 1), "9a9d359c-ffff-4444-8888-0123456789ab"
    token = openemr_launch(drive_keys, p=mine, e=visits[0], i="appointment.edit.dialog", apt=slot)
    for _ in range(2):  # it is not Gatehouse's: OpenEMR lets it live
        a = App(gateway, made).authorize("openid launch offline_access patient/Patient.rs", launch=token).sign_in("receptionist")
        t = a.allow().token().json()
        want = {"patient": mine, "encounter": visits[0], "intent": "appointment.edit.dialog", "need_patient_banner": False,
                "fhirContext": [{"reference": f"Appointment/{slot}", "type": "Appointment"}]}
        assert want.items() <= t.items()
        assert want.items() <= a.refresh(t["refresh_token"]).json().items()  # OpenEMR loses fhirContext here
    t = App(gateway, made).authorize("openid launch patient/Patient.rs", launch=openemr_launch(drive_keys, p=mine, i="<b>")).sign_in().allow()
    assert "intent" not in t.token().json()


def test_openemrs_launch_token_without_a_patient_lets_the_person_choose(gateway, made, drive_keys):
    token = openemr_launch(drive_keys, i="main.tab")
    a = App(gateway, made).authorize("openid launch launch/patient patient/Patient.rs", launch=token).sign_in()
    assert a.at("/smart/patient-select")
    t = a.press(("patient_id", patient_uuid(gateway, 1)), "confirm").allow().token().json()
    assert t["patient"] == patient_uuid(gateway, 1) and t["intent"] == "main.tab"


@pytest.mark.parametrize("how", ["other keys", "changed", "no uuid", "no JSON", "old version", "no ACL", "gone", "another patient"])
def test_openemrs_launch_token_is_refused(gateway, made, drive_keys, clerk, how):
    mine = patient_uuid(gateway, 1)
    keys = [secrets.token_bytes(32)] * 2 if how == "other keys" else drive_keys
    token = openemr_launch(keys, "003" if how == "old version" else "007", p="x" if how == "no uuid" else mine if how != "gone" else
                           "00000000-0000-4000-8000-000000000000")
    if how == "no JSON":
        token = base64.b64encode(block_make(b"{", *keys).encode()).decode()
    if how == "another patient":
        token = openemr_launch(keys, p=patient_uuid(gateway, 2))
    if how == "changed":
        inner = base64.b64decode(token).decode()
        raw = bytearray(base64.b64decode(inner[3:]))
        raw[70] ^= 1
        token = base64.b64encode((inner[:3] + base64.b64encode(bytes(raw)).decode()).encode()).decode()
    a = App(gateway, made).authorize("openid launch patient/Patient.rs", launch=token)
    if how in ("no ACL", "gone", "another patient"):
        assert a.at("/provider/login")
        assert denied(a.sign_in_patient() if how == "another patient" else a.sign_in(clerk if how == "no ACL" else "admin"))
    else:
        assert launch_refused(a)


# --- rows for PHP, audit -----------------------------------------------------------------------------------------------------------
def test_openemrs_row_tells_php_the_context(make_gateway):
    g = make_gateway(extra={"sites.default.oauth.openemr_rows": True})
    mine = patient_uuid(g, 1)
    made = g.register(scope=SCOPES, grant_types=["authorization_code"])
    t = picker(g, made).press(("patient_id", mine), "confirm").allow().token().json()
    row = json.loads(g.sql("SELECT context FROM api_token ORDER BY id DESC LIMIT 1")[0][0])
    assert row["patient"] == t["patient"] == mine and row["need_patient_banner"] is True


def test_the_choice_is_audited_with_person_and_patient(gateway, made):
    mine = patient_uuid(gateway, 1)
    a = picker(gateway, made)
    form = a.form("confirm")
    mark = "choice-" + secrets.token_hex(4)
    a.browser.post(gateway.origin + form["action"], data={**form["fields"], "patient_id": mine}, headers={"X-Request-Id": mark},
                   allow_redirects=False)
    (record,) = gateway.audit_of(mark)
    assert record["allowed"] and record["patient"] == mine and record["username"] == "admin" and record["client"] == made["client_id"]


# --- granular scopes ---------------------------------------------------------------------------------------------------------------
def test_a_scope_of_some_categories_opens_no_resource_that_has_none(gateway):
    category = "patient/Patient.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    made = gateway.register(scope=f"openid api:fhir patient/Patient.rs {category}", grant_types=["password"])
    who = {"role": "patient", "username": "Phil1", "password": "phil", "email": "heya@invalid.email.com", "client": made}
    for scope, status in ((category, 403), (f"patient/Patient.rs {category}", 200)):  # the wider one lifts the restriction
        t = gateway.token(f"openid api:fhir {scope}", **who)["access_token"]
        assert gateway.get("/apis/default/fhir/Patient", t).status_code == status, scope
