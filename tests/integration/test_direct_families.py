# SPDX-License-Identifier: GPL-3.0-or-later
"""The families that show the vocabulary of the rows: a patient's issue list (both envelopes, both forms of the keys) and SOAP notes (a form
of an encounter): shapes and statuses per compat, what a write leaves in every table, whose rows a path reaches, what a site lacks."""
import hashlib
import base64

import pytest

from test_direct import NOBODY, ROOT, Probe, stores  # noqa: F401 (stores is a fixture)

SCHEMA = [ROOT / "docker/schema/openemr-8.sql", ROOT / "docker/schema/stock.sql"]
PATIENTS = {1: "a0000000-0000-4000-8000-000000000001", 2: "a0000000-0000-4000-8000-000000000002"}
PUUID = PATIENTS[1]


def fill(stores, name):
    stores.load(name, SCHEMA)
    for pid, uuid in PATIENTS.items():
        stores.sql(f"INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES ({pid}, {pid}, UNHEX(REPLACE('{uuid}','-','')), 'F{pid}', 'L{pid}')", name)
        stores.sql(f"INSERT INTO form_encounter (id, encounter, pid, uuid, date) VALUES ({pid}, {10 + pid}, {pid}, "
                   f"UNHEX(REPLACE('{uuid.replace('a0', 'e0')}','-','')), '2026-01-02')", name)
    stores.sql("INSERT INTO `groups` (name, user) VALUES ('Default', 'admin')", name)
    stores.sql("DELETE FROM globals WHERE gl_name IN ('enable_auditlog', 'audit_events_patient-record'); "
               "INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('enable_auditlog', 0, '1'), ('audit_events_patient-record', 0, '1')", name)
    return name


@pytest.fixture(scope="module")
def base(stores):  # noqa: F811
    return fill(stores, "families")


@pytest.fixture(scope="module")
def classic(stores, base):  # noqa: F811
    p = Probe(stores, base, "classic")
    yield p
    p.close()


@pytest.fixture(scope="module")
def v8(stores, base):  # noqa: F811
    p = Probe(stores, base, "v8")
    yield p
    p.close()


def sql(stores, text):  # noqa: F811
    return stores.sql(text, "families")


PROBLEM = {"title": "Dermatochalasis", "begdate": "2010-10-13", "enddate": None, "diagnosis": "ICD10:H02.839", "nosuch": 1, "pid": 2}


# --- medical problems and allergies ---------------------------------------------------------------------------------------------------
CODES = """
SET sql_mode='';
INSERT INTO icd10_dx_order_code (formatted_dx_code, long_desc, active) VALUES ('I10', 'Essential hypertension', 1), ('E11.9', 'Type 2 diabetes', 1), ('X1', 'Old', 0);
INSERT INTO code_types (ct_key, ct_id) VALUES ('SNOMED-X', 991); INSERT INTO codes (code, code_type, code_text) VALUES ('38341003', 991, 'High blood pressure'), ('I10', 991, 'Another I10');
"""


@pytest.fixture
def codes(stores, base):  # noqa: F811
    if sql(stores, "SELECT COUNT(*) FROM codes WHERE code = '38341003'") == [["0"]]:
        sql(stores, CODES)


# codes, and what each is told to be
DIAGNOSES = [("ICD10:I10", ["Essential hypertension"]), ("ICD10:Z99;ICD10:I10", ["", "Essential hypertension"]), ("ICD10:I10;", ["Essential hypertension"]),
             ("ICD10:E11.9;SNOMED-X:38341003;ICD10:Z99;ICD10:I10", ["Type 2 diabetes", "High blood pressure", "", "Essential hypertension"]),
             ("SNOMED-X:38341003;SNOMED-X:I10;icd10:e11.9", ["High blood pressure", "Another I10", "Type 2 diabetes"]),
             ("ICD10:E11.9;ICD10:X1;I10;NOSUCH:I10", ["Type 2 diabetes", "", "", ""]), ("ICD10:E11.9;;ICD10:I10;ICD10:I10", ["Type 2 diabetes", "Essential hypertension"])]


@pytest.mark.parametrize("diagnosis, texts", DIAGNOSES)
def test_each_code_of_a_diagnosis_has_its_description(codes, classic, diagnosis, texts):
    made = classic("POST", f"/api/patient/{PUUID}/medical_problem", dict(PROBLEM, diagnosis=diagnosis)).json["data"]
    if not diagnosis.endswith("I10;NOSUCH:I10"):
        names = list(dict.fromkeys(d.split(":")[1] for d in diagnosis.split(";") if d))
    else:
        names, texts = ["E11.9", "X1", "I10"], texts[:3]
    told = dict(zip(names, texts))
    for path in (f"/api/medical_problem/{made['uuid']}", f"/api/patient/{PUUID}/medical_problem/{made['uuid']}", f"/api/patient/{PUUID}/medical_problem", "/api/medical_problem"):
        data = classic("GET", path).json["data"]
        (got,) = [p["diagnosis"] for p in (data if isinstance(data, list) else [data]) if p["uuid"] == made["uuid"]]
        assert {c: d["description"] for c, d in got.items()} == told, path
    assert classic("DELETE", f"/api/patient/{PUUID}/medical_problem/{made['uuid']}").status == 200


def test_a_page_of_lists_of_codes_has_all_their_texts(stores, codes, classic):  # noqa: F811
    """More codes than one statement takes, over the pages of a stream, of which each has its own."""
    n = 700
    sql(stores, "SET sql_mode=''; INSERT INTO icd10_dx_order_code (formatted_dx_code, long_desc, active) SELECT CONCAT('T', seq), CONCAT('Text ', seq), 1 FROM seq_1_to_2800; "
                "INSERT INTO lists (uuid, date, type, title, activity, pid, diagnosis) SELECT UNHEX(MD5(CONCAT('codes', seq))), '2020-01-01', 'allergy', 'many', 1, 2, IF(seq % 7 = 0, "
                f"CONCAT('ICD10:T', seq), CONCAT_WS(';ICD10:', CONCAT('ICD10:T', seq), CONCAT('T', seq + 700), CONCAT('T', seq + 1400), CONCAT('T', seq + 2100))) FROM seq_1_to_{n}")
    a = classic("GET", f"/api/patient/{PATIENTS[2]}/allergy")
    assert a.status == 200, a.text
    rows = [r["diagnosis"] for r in a.json["data"] if r["title"] == "many"]
    sql(stores, "DELETE FROM lists WHERE title = 'many'; DELETE FROM icd10_dx_order_code WHERE formatted_dx_code LIKE 'T%'")
    assert len(rows) == n and sum(len(r) == 1 for r in rows) == n // 7
    assert {d["description"] == f"Text {c[1:]}" for r in rows for c, d in r.items()} == {True}


def test_problem_is_created_read_by_both_keys_changed_and_deleted(stores, classic):  # noqa: F811
    a = classic("POST", f"/api/patient/{PUUID}/medical_problem", PROBLEM)
    assert (a.status, a.patient) == (201, PUUID)
    data = a.json["data"]
    assert list(a.json) == ["validationErrors", "internalErrors", "data"] and list(data) == ["id", "uuid"]
    stored = sql(stores, f"SELECT pid, type, activity, title, begdate, enddate IS NULL, diagnosis, user IS NULL, HEX(uuid) FROM lists WHERE id = {data['id']}")
    hex_uuid = data["uuid"].replace("-", "").upper()
    assert stored == [["1", "medical_problem", "1", "Dermatochalasis", "2010-10-13 00:00:00", "1", "ICD10:H02.839", "1", hex_uuid]]
    assert sql(stores, f"SELECT table_name FROM uuid_registry WHERE uuid = UNHEX('{hex_uuid}')") == [["lists"]]
    want = {"id": data["id"], "uuid": data["uuid"], "title": "Dermatochalasis", "begdate": "2010-10-13 00:00:00", "enddate": None, "pid": 1,
            "puuid": PUUID, "patient_uuid": PUUID, "condition_uuid": data["uuid"], "encounter_uuid": None, "provider_id": None,
            "diagnosis": {"H02.839": {"code": "H02.839", "description": "", "code_type": "ICD10", "system": "2.16.840.1.113883.6.90"}}}
    for patient in (PUUID, "1"):
        got = classic("GET", f"/api/patient/{patient}/medical_problem")
        assert (got.status, got.patient) == (200, PUUID) and len(got.json["data"]) == 1
        assert {k: got.json["data"][0][k] for k in want} == want
        one = classic("GET", f"/api/patient/{patient}/medical_problem/{data['uuid']}")
        assert one.json["data"] == got.json["data"]
        assert classic("GET", f"/api/patient/{patient}/medical_problem/{data['id']}").json == one.json
        assert (got.statements, one.statements) == (3, 2)
    single = classic("GET", f"/api/medical_problem/{data['uuid']}")
    assert single.json["data"] == got.json["data"][0] and single.statements == 1
    a = classic("PUT", f"/api/patient/{PUUID}/medical_problem/{data['uuid']}", {"title": "Changed", "enddate": "2018-10-13"})
    assert a.status == 200 and a.json["data"]["title"] == "Changed" and a.json["data"]["begdate"] == "2010-10-13 00:00:00"
    a = classic("DELETE", f"/api/patient/{PUUID}/medical_problem/{data['uuid']}")
    assert (a.status, a.json["data"]) == (200, {"uuid": data["uuid"]})
    assert sql(stores, f"SELECT COUNT(*) FROM lists WHERE id = {data['id']}") == [["0"]]
    a = classic("DELETE", f"/api/patient/{PUUID}/medical_problem/{data['uuid']}")
    assert (a.status, a.json["validationErrors"], a.json["data"]) == (400, {"UUID": ["invalid or nonexisting value"]}, [])


def test_old_envelope_in_v8_is_always_200(v8):
    a = v8("POST", f"/api/patient/{PUUID}/allergy", {"title": "<Iodine & 'x'>", "begdate": "2010-10-13", "comments": "zz"})
    assert a.status == 200 and a.json["links"] == []
    uuid = a.json["data"]["uuid"]
    one = v8("GET", f"/api/patient/{PUUID}/allergy/{uuid}")
    assert isinstance(one.json["data"], list) and one.json["data"][0]["comments"] == "zz"
    assert "\\u003CIodine \\u0026 \\u0027x\\u0027\\u003E" in one.text
    assert one.json["links"]["first"] == f"https://localhost:9300/apis/default/api/patient/{PUUID}/allergy/{uuid}?site=default&_offset=0&_count=0"
    bad = v8("POST", f"/api/patient/{NOBODY}/allergy", {"begdate": "x"})
    assert bad.status == 200
    assert bad.json["validationErrors"] == {"title": {"Required::NON_EXISTENT_KEY": "title must be provided, but does not exist"},
                                            "begdate": {"DateTime::INVALID_VALUE": "begdate must be a valid date"},
                                            "puuid": {"Callback::INVALID_VALUE": "Patient UUID is invalid"}}
    assert v8("GET", f"/api/allergy/{NOBODY}").json == {"validationErrors": [], "internalErrors": [], "data": [], "links": []}
    a = v8("PUT", f"/api/patient/{PUUID}/allergy/{NOBODY}", {"title": "x1"})
    assert (a.status, a.json["validationErrors"]) == (200, {"uuid": {"Callback::INVALID_VALUE": "Allergy UUID is invalid"}})


@pytest.mark.parametrize("method,path,body,status,want", [
    ("GET", f"/api/patient/{NOBODY}/medical_problem", None, 400, {"uuid": {"invalid or nonexisting value": f"value {NOBODY}"}}),
    ("GET", "/api/patient/not-a-uuid/medical_problem", None, 400, {"uuid": {"invalid or nonexisting value": "value not-a-uuid"}}),
    ("GET", f"/api/medical_problem/{NOBODY}", None, 404, []),
    ("GET", "/api/medical_problem/not-a-uuid", None, 400, {"uuid": {"invalid or nonexisting value": "value not-a-uuid"}}),
    ("POST", f"/api/patient/{PUUID}/allergy", {"begdate": "2010-10-13"}, 400,
     {"title": {"Required::NON_EXISTENT_KEY": "title must be provided, but does not exist"}, "begdate": {"DateTime::INVALID_VALUE": "begdate must be a valid date"}}),
    ("PUT", f"/api/patient/{PUUID}/medical_problem/x", {"title": "y"}, 400,
     {"title": {"LengthBetween::TOO_SHORT": "title must be 2 characters or longer"},
      "uuid": {"Callback::INVALID_VALUE": "Condition UUID is invalid", "Uuid::INVALID_UUID": "Condition UUID must be a valid UUID (valid format)"}}),
])
def test_refusals_in_classic(classic, method, path, body, status, want):
    a = classic(method, path, body)
    assert (a.status, a.json) == (status, {"validationErrors": want, "internalErrors": [], "data": []})


# --- bare: medications, surgeries, dental issues ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name,stored", [("medication", "medication"), ("surgery", "surgery"), ("dental_issue", "dental")])
def test_bare_list_entries(stores, classic, name, stored):  # noqa: F811
    empty = classic("GET", f"/api/patient/1/{name}")
    assert (empty.status, empty.type, empty.text) == (404, "application/json", "null")
    a = classic("POST", f"/api/patient/1/{name}", {"title": "Thing", "begdate": "2013-04-13", "enddate": None, "diagnosis": ""})
    assert (a.status, list(a.json)) == (201, ["id"])
    number = a.json["id"]
    assert sql(stores, f"SELECT pid, type, activity, uuid IS NULL FROM lists WHERE id = {number}") == [["1", stored, "1", "0"]]
    one = classic("GET", f"/api/patient/1/{name}/{number}").json
    assert (one["id"], one["title"], one["type"], one["diagnosis"]) == (number, "Thing", stored, "")
    assert classic("GET", f"/api/patient/{PUUID}/{name}").json == [one]
    a = classic("PUT", f"/api/patient/1/{name}/{number}", {"title": "Changed"})
    assert (a.status, a.json) == (200, {"id": str(number)})
    assert classic("GET", f"/api/patient/1/{name}/{number}").json["begdate"] == "2013-04-13 00:00:00"
    a = classic("PUT", f"/api/patient/1/{name}/{number}", {"begdate": "2013-04-13"})
    assert (a.status, a.json) == (400, {"title": {"Required::NON_EXISTENT_KEY": "title must be provided, but does not exist"}})
    for _ in range(2):
        a = classic("DELETE", f"/api/patient/1/{name}/{number}")
        assert (a.status, a.text) == (200, "true")
    assert sql(stores, f"SELECT COUNT(*) FROM lists WHERE id = {number}") == [["0"]]


def test_bare_refusals_have_200_in_v8(v8):
    a = v8("POST", "/api/patient/1/medication", {"begdate": "2013-04-13"})
    assert (a.status, list(a.json)) == (200, ["title"])
    assert v8("POST", "/api/patient/999/medication", {"title": "xx"}).status == 404


# --- whose rows -------------------------------------------------------------------------------------------------------------------------
def test_a_row_of_another_patient_is_not_there(stores, classic):  # noqa: F811
    sql(stores, "DELETE FROM lists")
    mine = classic("POST", "/api/patient/1/medication", {"title": "Mine"}).json["id"]
    uuid = classic("POST", f"/api/patient/{PUUID}/medical_problem", {"title": "Mine", "begdate": "2010-10-13"}).json["data"]["uuid"]
    other = PATIENTS[2]
    assert classic("GET", f"/api/patient/2/medication/{mine}").status == 404
    assert classic("PUT", f"/api/patient/2/medication/{mine}", {"title": "Stolen"}).status == 404
    assert classic("DELETE", f"/api/patient/2/medication/{mine}").text == "true"
    assert classic("GET", f"/api/patient/{other}/medical_problem/{uuid}").status == 400
    assert classic("PUT", f"/api/patient/{other}/medical_problem/{uuid}", {"title": "Stolen"}).status == 400
    assert classic("DELETE", f"/api/patient/{other}/medical_problem/{uuid}").status == 400
    assert sql(stores, "SELECT title FROM lists ORDER BY id") == [["Mine"], ["Mine"]]
    # a token bound to a patient sees that patient alone
    assert classic("GET", "/api/patient/1/medication", patient=other).status == 404
    assert classic("GET", "/api/patient/1/medication", patient=PUUID).status == 200
    assert classic("GET", f"/api/medical_problem/{uuid}", patient=other).status == 404
    assert classic("GET", "/api/medical_problem", patient=other).json["data"] == []
    assert classic("POST", "/api/patient/1/medication", {"title": "No"}, patient=other).status == 404


# --- SOAP notes: a form of an encounter -------------------------------------------------------------------------------------------------
def test_soap_note_has_its_forms_row(stores, classic):  # noqa: F811
    note = {"subjective": "feels well", "objective": "nothing found", "assessment": "healthy", "plan": "come again"}
    assert classic("GET", "/api/patient/1/encounter/11/soap_note").status == 404
    a = classic("POST", "/api/patient/1/encounter/11/soap_note", note)
    assert (a.status, list(a.json)) == (201, ["sid", "fid"])
    sid, fid = a.json["sid"], a.json["fid"]
    assert sql(stores, f"SELECT encounter, form_name, form_id, pid, authorized, deleted, formdir, user IS NULL FROM forms WHERE id = {fid}") == [
        ["11", "SOAP", str(sid), "1", "1", "0", "soap", "1"]]
    assert sql(stores, f"SELECT pid, activity FROM form_soap WHERE id = {sid}") == [["1", "1"]]
    one = classic("GET", f"/api/patient/1/encounter/11/soap_note/{sid}")
    assert one.json == {"id": sid, "date": one.json["date"], "pid": 1, "user": None, "groupname": None, "authorized": 0, "activity": 1, **note}
    assert one.patient == PUUID
    assert classic("GET", f"/api/patient/{PUUID}/encounter/11/soap_note").json == [one.json]
    assert classic("PUT", f"/api/patient/1/encounter/11/soap_note/{sid}", {"plan": "rest"}).json == {"sid": str(sid)}
    assert classic("GET", f"/api/patient/1/encounter/11/soap_note/{sid}").json["plan"] == "rest"
    for path in (f"/api/patient/2/encounter/11/soap_note/{sid}", f"/api/patient/2/encounter/12/soap_note/{sid}", f"/api/patient/1/encounter/12/soap_note/{sid}"):
        assert classic("GET", path).status == 404 and classic("PUT", path, {"plan": "stolen"}).status == 404
    assert classic("POST", "/api/patient/2/encounter/11/soap_note", note).status == 404
    sql(stores, f"UPDATE forms SET deleted = 1 WHERE id = {fid}")
    assert classic("GET", f"/api/patient/1/encounter/11/soap_note/{sid}").status == 404


# --- OpenEMR's log ----------------------------------------------------------------------------------------------------------------------
def test_a_write_leaves_a_log_row_with_its_checksum(stores, classic):  # noqa: F811
    sql(stores, "DELETE FROM log; DELETE FROM log_comment_encrypt")
    number = classic("POST", "/api/patient/1/medication", {"title": "Secret title"}).json["id"]
    classic("PUT", f"/api/patient/1/medication/{number}", {"title": "Secret title 2"})
    classic("DELETE", f"/api/patient/1/medication/{number}")
    got = sql(stores, "SELECT l.date, l.event, l.category, l.user, l.groupname, l.comments, l.user_notes, l.patient_id, l.success, l.crt_user, l.log_from, "
                      "e.encrypt, e.checksum, e.checksum_api, e.version FROM log l JOIN log_comment_encrypt e ON e.log_id = l.id ORDER BY l.id")
    assert [r[1] for r in got] == ["patient-record-insert", "patient-record-update", "patient-record-delete"]
    for r in got:
        assert (r[3], r[4], r[7], r[8], r[10], r[11], r[14]) == ("admin", "Default", "1", "1", "open-emr", "No", "4")
        assert r[12] == hashlib.sha3_512("".join(r[:11]).encode()).hexdigest()
        comment = base64.b64decode(r[5]).decode()
        assert f"lists id {number}" in comment and "Secret" not in comment


# --- Idempotency-Key --------------------------------------------------------------------------------------------------------------------
def test_a_key_without_redis_is_refused_and_nothing_is_written(stores, classic):  # noqa: F811
    before = sql(stores, "SELECT COUNT(*) FROM lists")
    assert classic("POST", "/api/patient/1/medication", {"title": "Twice"}, headers={"idempotency-key": "k1"}).status == 503
    assert sql(stores, "SELECT COUNT(*) FROM lists") == before


# --- sites that lack tables and columns ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name,without,checks", [
    ("nouuid", ["ALTER TABLE lists DROP COLUMN uuid"], [("GET", "/api/patient/1/medication", 200), ("GET", "/api/patient/1/medical_problem", 200),
                                                        ("GET", f"/api/medical_problem/{NOBODY}", 404)]),
    ("nofacility", ["DROP TABLE facility", "DROP TABLE icd10_dx_order_code"], [("GET", "/api/patient/1/allergy", 200)]),
    ("noforms", ["DROP TABLE form_soap"], [("GET", "/api/patient/1/encounter/11/soap_note", 404)]),
])
def test_a_site_that_lacks_something_is_answered_all_the_same(stores, name, without, checks):  # noqa: F811
    fill(stores, name)
    for kind in ("medication", "medical_problem", "allergy"):
        stores.sql(f"INSERT INTO lists (pid, type, title, date) VALUES (1, '{kind}', 'T', NOW())", name)
    for statement in without:
        stores.sql(statement, name)
    p = Probe(stores, name, "classic")
    try:
        for method, path, status in checks:
            a = p(method, path)
            assert a.status == status, (path, a.status, a.text)
    finally:
        p.close()


def test_long_lists_are_streamed_and_whole(stores, v8):  # noqa: F811
    sql(stores, "DELETE FROM lists; INSERT INTO lists (pid, type, title, date) SELECT 1, 'medication', CONCAT('M', seq), '2020-01-01' + INTERVAL seq % 7 DAY FROM seq_1_to_1000")
    a = v8("GET", "/api/patient/1/medication")
    assert a.stream, (a.status, a.text[:300])
    assert len(a.json) == 1000 and len({r["id"] for r in a.json}) == 1000
    dates = [r["date"] for r in a.json]
    assert dates == sorted(dates, reverse=True)


# --- drugs -----------------------------------------------------------------------------------------------------------------------------
DRUGS = """SET sql_mode=''; DELETE FROM drugs; DELETE FROM drug_inventory; DELETE FROM prescriptions;
INSERT INTO drugs (drug_id, uuid, name, drug_code) VALUES (1, UNHEX(MD5('d1')), 'two lots', '1191'), (2, UNHEX(MD5('d2')), 'no lot', ''), (3, UNHEX(MD5('d3')), 'one lot', '5');
INSERT INTO drug_inventory (inventory_id, drug_id, lot_number, manufacturer, expiration, destroy_date) VALUES (11, 1, 'A', 'M', '2030-01-02', NULL), (12, 1, 'B', 'M', NULL, '2024-01-01'),
 (10, 3, 'C', NULL, NULL, NULL), (13, 99, 'of no drug', NULL, NULL, NULL);
INSERT INTO prescriptions (uuid, patient_id, drug, drug_id, rxnorm_drugcode, active) VALUES (UNHEX(MD5('q1')), 1, 'x', 1, '777', 1), (UNHEX(MD5('q2')), 2, 'x', 1, '778', 1), (UNHEX(MD5('q3')), 2, 'x', 2, '', 1)"""


def test_a_list_of_drugs_has_a_row_per_lot_and_none_per_prescription(stores, classic, v8):  # noqa: F811
    sql(stores, DRUGS)
    for probe in (classic, v8):
        a = probe("GET", "/api/drug")
        assert [(d["drug_id"], d["lot_number"], d["expiration"], d["rxnorm_drugcode"]) for d in a.json["data"]] == [
            ("1", "A", "2030-01-02", "1191"), ("1", "B", None, "1191"), ("2", None, None, ""), ("3", "C", None, "5")]
        uuid = a.json["data"][0]["uuid"]
        one = probe("GET", f"/api/drug/{uuid}")
        assert (one.status, one.json["data"]["lot_number"]) == (200, "A"), "the newest that was not destroyed"
    sql(stores, "DELETE FROM drug_inventory WHERE drug_id = 1")
    assert classic("GET", f"/api/drug/{uuid}").json["data"]["lot_number"] is None
    assert [(d["drug_id"], d["lot_number"]) for d in classic("GET", "/api/drug").json["data"]] == [("1", None), ("2", None), ("3", "C")]


def test_a_long_list_of_lots_is_whole_over_the_pages_of_a_stream(stores, classic):  # noqa: F811
    sql(stores, DRUGS + "; INSERT INTO drugs (drug_id, uuid, name) SELECT seq, UNHEX(MD5(CONCAT('d', seq))), 'x' FROM seq_100_to_899; "
                "INSERT INTO drug_inventory (drug_id, lot_number) SELECT 100 + seq % 400, CONCAT('L', seq) FROM seq_1_to_1200")
    rows = classic("GET", "/api/drug").json["data"]
    lots = sql(stores, "SELECT d.drug_id, IFNULL(v.lot_number, '-') FROM drugs d LEFT JOIN drug_inventory v ON v.drug_id = d.drug_id ORDER BY d.drug_id, v.inventory_id")
    assert [[r["drug_id"], r["lot_number"] or "-"] for r in rows] == lots and len(lots) == 4 + 1200 + 400
    sql(stores, "DELETE FROM drugs; DELETE FROM drug_inventory; DELETE FROM prescriptions")
