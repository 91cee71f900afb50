# SPDX-License-Identifier: GPL-3.0-or-later
"""The direct backend on a real MariaDB, through direct_probe: every route end to end, what a write leaves in the tables, paging that
walks every row once, the row filter, hostile values, sites that lack columns and tables, races of writers."""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from probe import Probe  # noqa: E402
from stores import Stores  # noqa: E402

PATIENTS = 600
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def stores():
    with tempfile.TemporaryDirectory(prefix="direct-") as folder:
        s = Stores(folder, fsync=False)
        s.start_mariadb()
        yield s
        s.stop_one("mariadb")


def load(stores, name, without=()):
    demo = subprocess.run([sys.executable, str(ROOT / "docker/demo/generate.py"), "--patients", str(PATIENTS)],
                          stdout=subprocess.PIPE, check=True).stdout
    with tempfile.NamedTemporaryFile(suffix=".sql") as f:
        f.write(demo)
        f.flush()
        stores.load(name, [ROOT / "docker/schema/openemr-8.sql", ROOT / "docker/schema/stock.sql", f.name])
    for statement in without:
        stores.sql(statement, name)
    return name


@pytest.fixture(scope="session")
def database(stores):
    return load(stores, "direct")


@pytest.fixture(scope="session")
def classic(stores, database):
    p = Probe(stores, database, "classic")
    yield p
    p.close()
    assert p.proc.returncode == 0


@pytest.fixture(scope="session")
def v8(stores, database):
    p = Probe(stores, database, "v8")
    yield p
    p.close()


def rows(stores, sql):
    return stores.sql(sql, "direct")


# --- create, and what it leaves ------------------------------------------------------------------------------------------------------
PATIENT = {"title": "Mr", "fname": "Zoë", "mname": "", "lname": "Nguyễn O'B", "DOB": "1992-02-02", "sex": "Male",
           "email": "zoe@example.org", "nosuch": "x", "pid": 7, "uuid": "x"}


def test_created_patient_has_everything_that_openemr_expects(stores, classic):
    a = classic("POST", "/api/patient", PATIENT)
    assert (a.status, a.type) == (201, "application/json")
    data = a.json["data"]
    assert list(a.json) == ["validationErrors", "internalErrors", "data"] and list(data) == ["pid", "uuid"]
    assert a.patient == a.resource_id == data["uuid"]
    u = data["uuid"].replace("-", "")
    row = rows(stores, f"SELECT pid, pubpid, created_by, updated_by, lname, date IS NOT NULL, hipaa_allowsms, dupscore "
                       f"FROM patient_data WHERE uuid = UNHEX('{u}')")
    assert row == [[str(data["pid"]), str(data["pid"]), "1", "1", "Nguyễn O'B", "1", "NO", "-9"]]
    assert rows(stores, f"SELECT table_name, table_id, table_vertical, mapped FROM uuid_registry WHERE uuid = UNHEX('{u}')") == [
        ["patient_data", "id", "", "0"]]
    mapping = rows(stores, f"SELECT HEX(uuid), resource, resource_path, `table` FROM uuid_mapping WHERE target_uuid = UNHEX('{u}')")
    assert [m[1:] for m in mapping] == [["Observation", "category=social-history&code=76690-7", "patient_data"]]
    assert rows(stores, f"SELECT table_name, mapped FROM uuid_registry WHERE uuid = UNHEX('{mapping[0][0]}')") == [["uuid_mapping", "1"]]
    back = classic("GET", f"/api/patient/{data['uuid']}").json["data"]
    assert back["fname"] == "Zoë" and back["pid"] == data["pid"] and "interpretter" in back
    assert back["addresses"][0]["use"] == "home" and back["previous_names"] == []


def test_created_facility_and_practitioner_take_column_defaults(stores, v8):
    a = v8("POST", "/api/facility", {"name": "Clinic <1>", "facility_npi": "1234567893", "color": "#000000"})
    assert a.status == 201 and list(a.json["data"]) == ["id", "uuid"] and a.json["links"] == []
    f = v8("GET", f"/api/facility/{a.json['data']['uuid']}").json["data"]
    assert f["fax"] is None and f["service_location"] == 1 and f["country_code"] == "" and f["color"] == ""
    a = v8("POST", "/api/practitioner", {"fname": "Do", "lname": "Tor", "npi": "1234567899", "username": "dtor", "facility_id": 3})
    p = v8("GET", f"/api/practitioner/{a.json['data']['uuid']}").json["data"]
    assert p["facility_id"] == 3 and p["password"] is None and p["active"] == 1


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "a=b"])
def test_body_that_is_no_object_counts_as_empty(classic, body):
    a = classic("POST", "/api/patient", body)
    assert a.status == 400 and set(a.json["validationErrors"]) == {"fname", "lname", "sex", "DOB"}


def test_body_that_names_a_member_twice_has_its_last_value(classic):
    a = classic("POST", "/api/patient", '{"fname":1,"fname":2}')
    assert a.status == 400 and set(a.json["validationErrors"]) == {"lname", "sex", "DOB"}


def test_update_changes_what_is_given_and_nothing_else(stores, classic):
    u = classic("POST", "/api/patient", PATIENT).json["data"]["uuid"]
    before = classic("GET", f"/api/patient/{u}").json["data"]
    a = classic("PUT", f"/api/patient/{u}", {"city": "San Diego", "deceased_date": "2024-01-02 03:04:05", "mname": None})
    assert a.status == 200
    after = a.json["data"]
    assert {k for k in after if after[k] != before[k]} <= {"city", "deceased_date", "date", "last_updated", "addresses"}
    assert after["city"] == "San Diego" and after["deceased_date"] == "2024-01-02 03:04:05"
    assert classic("PUT", f"/api/patient/{u}", {"deceased_date": ""}).json["data"]["deceased_date"] is None
    assert classic("PUT", f"/api/patient/{u}", {"fname": ""}).status == 400


def test_writers_at_once_get_numbers_of_their_own(stores, database):
    def create(i):
        p = Probe(stores, database, "classic")
        out = [p("POST", "/api/patient", dict(PATIENT, fname=f"W{i}")) for _ in range(8)]
        p.close()
        return out
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [a for some in pool.map(create, range(4)) for a in some]
    assert {a.status for a in answers} == {201}
    pids = [a.json["data"]["pid"] for a in answers]
    assert len(set(pids)) == len(pids) == 32


FHIR_PATIENT = {"resourceType": "Patient", "name": [{"use": "official", "family": "Öz", "given": ["Ay", "B"], "prefix": ["Dr"]}], "gender": "unknown",
                "birthDate": "1980-12-31", "telecom": [{"system": "phone", "use": "mobile", "value": "1"}, {"system": "email", "value": "a@x.org"}],
                "address": [{"line": ["1 St", "Apt 2"], "city": "C", "state": "MA", "postalCode": "9", "country": "US"}],
                "identifier": [{"type": {"coding": [{"code": "SS"}]}, "value": "123-45-6789"}]}


def test_fhir_resource_written_reads_back_the_same(stores, v8):
    a = v8("POST", "/fhir/Patient", FHIR_PATIENT)
    assert a.status == 201 and list(a.json) == ["pid", "uuid"]
    assert a.fields["Location"] == f"https://localhost:9300/apis/default/fhir/Patient/{a.json['uuid']}"
    u = a.json["uuid"]
    back = v8("GET", f"/fhir/Patient/{u}").json
    assert back["name"] == FHIR_PATIENT["name"] and back["gender"] == "unknown" and back["birthDate"] == "1980-12-31"
    assert {k: back["address"][0][k] for k in FHIR_PATIENT["address"][0]} == FHIR_PATIENT["address"][0]
    assert {(t["system"], t["value"]) for t in back["telecom"]} == {("phone", "1"), ("email", "a@x.org")}
    assert rows(stores, f"SELECT COUNT(*) FROM uuid_mapping WHERE target_uuid = UNHEX('{u.replace('-', '')}')") == [["1"]]
    changed = v8("PUT", f"/fhir/Patient/{u}", dict(back, birthDate="1981-01-01"))
    assert changed.status == 200 and changed.json["birthDate"] == "1981-01-01" and changed.json["name"] == back["name"]
    a = v8("POST", "/fhir/Practitioner", {"resourceType": "Practitioner", "name": FHIR_PATIENT["name"],
                                          "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567890"}]})
    assert a.status == 201 and v8("GET", f"/fhir/Practitioner/{a.json['uuid']}").json["identifier"][0]["value"] == "1234567890"


@pytest.mark.parametrize("body", ["", "[]", {"resourceType": "Group"}, {"name": []}, dict(FHIR_PATIENT, nosuch=1), dict(FHIR_PATIENT, name="x"),
                                  dict(FHIR_PATIENT, name=[{"family": 7}]), dict(FHIR_PATIENT, birthDate="1980-13-01"),
                                  {k: v for k, v in FHIR_PATIENT.items() if k != "gender"}])
def test_fhir_body_that_is_not_right_is_an_outcome(v8, body):
    a = v8("POST", "/fhir/Patient", body)
    assert a.status == 400 and a.json["resourceType"] == "OperationOutcome" and a.json["issue"]


# --- lists and searches -----------------------------------------------------------------------------------------------------------------
def test_unfiltered_lists_have_strings_filtered_ones_numbers(classic, v8):
    assert isinstance(classic("GET", "/api/facility").json["data"][0]["id"], str)
    assert isinstance(classic("GET", "/api/facility?name=Default Clinic").json["data"][0]["id"], int)
    assert isinstance(classic("GET", "/api/practitioner").json["data"][0]["id"], str)
    assert isinstance(v8("GET", "/api/practitioner").json["data"][0]["id"], int)
    assert isinstance(v8("GET", "/api/patient?_limit=1").json["data"][0]["id"], int)


def test_filters_match_as_documented(classic):
    assert classic("GET", "/api/facility?name=default clinic").json["data"] == []
    assert classic("GET", "/api/patient?fname=PHI&lname=elfo").json["data"][0]["lname"] == "Belford"
    assert classic("GET", "/api/patient?sex=male&fname=Phil").json["data"] == []
    assert classic("GET", "/api/patient?fname=%25").json["data"] == []
    assert len(classic("GET", "/api/facility?nosuch=1").json["data"]) >= 3


def test_links_of_a_page_lead_over_all_patients(v8):
    seen, query = [], "_limit=200&_sort=lname"
    while query is not None:
        a = v8("GET", "/api/patient", query=query)
        assert a.statements <= 4
        seen += [p["id"] for p in a.json["data"]]
        following = a.json["links"].get("next")
        query = following and following.split("?", 1)[1]
        assert a.json["links"]["first"].startswith("https://localhost:9300/apis/default/api/patient?")
    assert len(seen) == len(set(seen)) >= PATIENTS


def fhir_walk(probe, path):
    ids, total, pages = [], None, 0
    while path:
        a = probe("GET", path)
        assert a.status == 200 and a.type == "application/fhir+json", a.text
        bundle = a.json
        assert bundle["type"] == "searchset"
        total = bundle["total"]
        ids += [e["resource"]["id"] for e in bundle.get("entry", [])]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        path = links.get("next", "").replace("https://localhost:9300/apis/default", "")
        pages += 1
    return ids, total, pages


@pytest.mark.parametrize("query", ["_count=70", "_count=70&_sort=family", "_count=70&_sort=-birthdate,given", "_count=70&_sort=gender",
                                   "_count=200&_sort=-_lastUpdated"])
def test_next_links_visit_every_patient_once(v8, query):
    ids, total, pages = fhir_walk(v8, f"/fhir/Patient?{query}")
    assert len(ids) == len(set(ids)) == total >= PATIENTS and pages > 1


@pytest.mark.parametrize("query", ["_count=1", "_count=2&_sort=-name"])
def test_next_links_visit_every_organization_of_three_tables_once(v8, query):
    ids, total, _ = fhir_walk(v8, f"/fhir/Organization?{query}")
    assert len(ids) == len(set(ids)) == total >= 3


@pytest.mark.parametrize("query,least", [("family=Bel", 1), ("family:exact=belford", 0), ("name=Phil", 1), ("name:contains=hil", 1),
                                         ("given=Phil&family=Belford", 1), ("gender=male", 2), ("birthdate=1972-02-09", 1),
                                         ("birthdate=ge1972-02-09&birthdate=le1972-02-09", 1), ("birthdate=lt1800", 0),
                                         ("identifier=1", 1), ("address-city=San", 1), ("address=2100", 1),
                                         ("telecom=333-444-2222", 1), ("phone:missing=true", 1), ("gender:not=male", 1),
                                         ("family=Belford,Nobody", 1), ("family=Nobody\\,Belford", 0)])
def test_search_parameters_find_what_they_say(v8, query, least):
    a = v8("GET", "/fhir/Patient", query=query + "&_count=5")
    total = a.json["total"]
    assert a.status == 200 and (total >= least if least else total == 0), a.text[:300]
    assert len(a.json.get("entry", [])) == min(total, 5)


def test_unknown_parameter_is_left_out_or_refused(v8):
    a = v8("GET", "/fhir/Patient?nosuch=1&_count=1")
    assert a.status == 200 and "nosuch" not in a.json["link"][0]["url"]
    a = v8("GET", "/fhir/Patient?nosuch=1", headers={"prefer": "handling=strict"})
    assert a.status == 400 and a.json["resourceType"] == "OperationOutcome"


def test_list_without_limit_is_streamed_whole(classic, v8, stores):
    for probe in (classic, v8):
        a = probe("GET", "/api/patient")
        assert a.status == 200 and a.stream
        ids = [p["id"] for p in a.json["data"]]
        assert len(ids) == len(set(ids)) == int(rows(stores, "SELECT COUNT(*) FROM patient_data")[0][0]) >= PATIENTS
    assert list(a.json) == ["validationErrors", "internalErrors", "data", "links"]
    assert ids == [p["id"] for p in v8("GET", "/api/patient?_sort=id").json["data"]]


HOSTILE = ["'", "\"", "\\", "%", "_", "!", "x' OR '1'='1", "1; DROP TABLE users", "a" * 3000, "\u0000".strip("\u0000") or "é😀", "(((", "NULL"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_never_break_a_statement(v8, value):
    for name in ("fname", "sex", "DOB", "ss", "email"):
        assert v8("GET", "/api/patient", query=urllib.parse.urlencode({name: value})).status == 200
    for name in ("name", "identifier", "gender", "phone", "address", "birthdate", "_id", "_lastUpdated", "_sort", "_count", "_page"):
        assert v8("GET", "/fhir/Patient", query=urllib.parse.urlencode({name: value})).status in (200, 400), name
    body = dict(PATIENT, lname="Lo" + value, street=value)
    assert v8("POST", "/api/patient", body).status in (201, 400)


# --- reads ------------------------------------------------------------------------------------------------------------------------------
def test_a_plain_patient_is_one_statement(v8):
    u = v8("POST", "/api/patient", PATIENT).json["data"]["uuid"]
    assert v8("GET", f"/api/patient/{u}").statements == 1
    a = v8("GET", f"/fhir/Patient/{u}")
    assert a.statements == 1 and a.patient == u


def test_children_come_with_the_patient(v8):
    full = [e["resource"] for e in v8("GET", "/fhir/Patient?family=Belford").json["entry"]]
    assert [n["use"] for n in full[0]["name"]] == ["official", "old"]
    one = v8("GET", f"/fhir/Patient/{full[0]['id']}").json
    assert one == full[0]
    rest = v8("GET", f"/api/patient/{full[0]['id']}").json["data"]
    assert rest["previous_names"][0]["previous_name_last"] == one["name"][1]["family"]
    assert len(rest["addresses"]) == len(one["address"])


def test_conditional_read(v8):
    u = v8("GET", "/fhir/Patient?_count=1").json["entry"][0]["resource"]["id"]
    a = v8("GET", f"/fhir/Patient/{u}")
    b = v8("GET", f"/fhir/Patient/{u}", headers={"if-none-match": a.fields["ETag"]})
    assert (b.status, b.text) == (304, "") and b.fields["ETag"] == a.fields["ETag"]
    v8("PUT", f"/api/patient/{u}", {"mname": "Q" if a.json.get("name", [{}])[0].get("given", [""])[-1] != "Q" else "R"})
    assert v8("GET", f"/fhir/Patient/{u}", headers={"if-none-match": a.fields["ETag"]}).status == 200


def test_row_filter_holds_for_reads_searches_and_counts(v8):
    two = [e["resource"]["id"] for e in v8("GET", "/fhir/Patient?_count=2").json["entry"]]
    assert v8("GET", f"/fhir/Patient/{two[0]}", patient=two[0]).status == 200
    assert v8("GET", f"/fhir/Patient/{two[1]}", patient=two[0]).status == 404
    for query in ("", f"_id={two[1]}", f"_id={two[0]},{two[1]}", "gender:missing=false", "_summary=count"):
        b = v8("GET", "/fhir/Patient", query=query, patient=two[0]).json
        assert b["total"] == (0 if query == f"_id={two[1]}" else 1)
        assert [e["resource"]["id"] for e in b.get("entry", [])] in ([], [two[0]])
    assert v8("GET", f"/api/patient/{two[1]}", patient=two[0]).status == 400
    assert v8("GET", "/fhir/Practitioner", patient=two[0]).json["total"] > 0


@pytest.mark.parametrize("path,status", [("/fhir/Patient/x", 400), (f"/fhir/Patient/{NOBODY}", 404), (f"/fhir/Organization/{NOBODY}", 404),
                                         ("/api/patient/x", 400), (f"/api/facility/{NOBODY}", 400)])
def test_what_is_not_there_is_told_in_the_dialect(v8, path, status):
    a = v8("GET", path)
    assert a.status == status
    assert "issue" in a.json if path.startswith("/fhir") else "uuid" in a.json["validationErrors"]


def test_practitioner_that_is_hidden_is_404_unknown_is_400(stores, v8):
    hidden = rows(stores, "SELECT LOWER(CONCAT_WS('-', SUBSTR(HEX(uuid),1,8), SUBSTR(HEX(uuid),9,4), SUBSTR(HEX(uuid),13,4), "
                          "SUBSTR(HEX(uuid),17,4), SUBSTR(HEX(uuid),21))) FROM users WHERE username='oe-system'")[0][0]
    assert v8("GET", f"/api/practitioner/{hidden}").status == 404
    assert v8("GET", f"/api/practitioner/{NOBODY}").status == 400


def test_metadata_tells_what_is_answered(v8):
    c = v8("GET", "/fhir/metadata").json
    types = {r["type"]: r for r in c["rest"][0]["resource"]}
    assert set(types) == {"Patient", "Practitioner", "Organization"}
    assert {i["code"] for i in types["Patient"]["interaction"]} >= {"read", "search-type"}
    for t, r in types.items():
        for p in r["searchParam"]:
            value = {"date": "2000", "reference": NOBODY, "string": "x", "token": NOBODY}[p["type"]]
            assert v8("GET", f"/fhir/{t}", query=f"{p['name']}={value}", headers={"prefer": "handling=strict"}).status == 200, (t, p)


# --- other sites ------------------------------------------------------------------------------------------------------------------------
def test_site_that_lacks_columns_and_tables_serves_the_rest(stores):
    load(stores, "older", ["ALTER TABLE patient_data DROP COLUMN pronoun, DROP COLUMN last_updated, CHANGE interpreter interpretter varchar(255) "
                           "NOT NULL DEFAULT ''", "DROP TABLE contact_address", "DROP TABLE uuid_mapping", "DROP TABLE procedure_providers",
                           "ALTER TABLE users DROP COLUMN npi"])
    p = Probe(stores, "older", "v8")
    a = p("GET", "/api/patient?_limit=1").json["data"][0]
    assert a["pronoun"] is None and a["interpreter"] == "" and len(a["addresses"]) == 1
    created = p("POST", "/api/patient", PATIENT)
    assert created.status == 201
    refused = p("POST", "/api/patient", dict(PATIENT, pronoun="they"))
    assert refused.status == 400 and list(refused.json["validationErrors"]) == ["pronoun"]
    assert p("GET", "/fhir/Organization").status == 200
    assert p("GET", "/fhir/Practitioner").status == 404 and p("GET", "/api/practitioner").status == 404
    types = {r["type"] for r in p("GET", "/fhir/metadata").json["rest"][0]["resource"]}
    assert types == {"Patient", "Organization"}
    log = p.close()
    assert "direct.missing" in log and "users.npi" in log


def test_rows_without_a_uuid_get_one_before_they_are_served(stores):
    load(stores, "nouuid", ["UPDATE patient_data SET uuid = NULL WHERE id % 2 = 0", "UPDATE facility SET uuid = NULL", "DELETE FROM uuid_registry"])
    p = Probe(stores, "nouuid", "v8")
    uuids = [f["uuid"] for f in p("GET", "/api/facility").json["data"]]
    assert None not in uuids and len(set(uuids)) == len(uuids)
    assert stores.sql("SELECT COUNT(*) FROM patient_data WHERE uuid IS NULL", "nouuid") == [["0"]]
    assert int(stores.sql("SELECT COUNT(*) FROM uuid_registry WHERE table_name = 'patient_data'", "nouuid")[0][0]) >= PATIENTS // 2
    assert stores.sql("SELECT COUNT(*) FROM facility f JOIN uuid_registry r ON r.uuid = f.uuid AND r.table_name = 'facility' AND "
                      "r.table_id = 'id'", "nouuid") == [[str(len(uuids))]]
    p.close()


LATER = """
SET sql_mode='';
INSERT INTO facility (id, name, color) VALUES (77, 'Later', '');
INSERT INTO lists (id, type, title, pid, date, activity) SELECT 5000 + seq, 'medical_problem', CONCAT('x', seq), 1, NOW(), 1 FROM seq_1_to_150;
INSERT INTO lists (id, type, title, pid, date, activity, uuid) VALUES (6000, 'medication', 'y', 1, NOW(), 1, REPEAT('\\0', 16)), (6001, 'medication', 'z', 1, NOW(), 1, NULL);
"""


def test_rows_that_others_add_later_have_a_uuid_when_they_are_read(stores):
    """Page, single row, and no second write; the rest in the background. A row that is given a uuid is registered."""
    load(stores, "later")
    p = Probe(stores, "later", "classic")
    puuid = next(x["uuid"] for x in p("GET", "/api/patient?_limit=1").json["data"])
    stores.sql(LATER, "later")
    stores.sql("UPDATE lists SET modifydate = '2020-01-02 03:04:05' WHERE uuid IS NULL", "later")
    first = p("GET", f"/api/patient/{puuid}/medical_problem")
    uuids = [x["uuid"] for x in first.json["data"]]
    assert len(uuids) >= 150 and None not in uuids and len(set(uuids)) == len(uuids)
    assert [x["condition_uuid"] for x in first.json["data"]] == uuids
    assert stores.sql("SELECT COUNT(*) FROM lists WHERE modifydate = '2020-01-02 03:04:05' AND uuid IS NOT NULL", "later") != [["0"]]  # as it was
    again = p("GET", f"/api/patient/{puuid}/medical_problem")
    assert again.text == first.text and again.statements == 3
    assert stores.sql("SELECT COUNT(*) FROM lists l JOIN uuid_registry r ON r.uuid = l.uuid AND r.table_name = 'lists' AND r.table_id = 'id' "
                      "WHERE l.type = 'medical_problem'", "later") == [[str(len(uuids))]]
    one = p("GET", "/api/patient/1/medication/6000").json
    assert one["uuid"] and one == p("GET", "/api/patient/1/medication/6000").json
    assert [[one["uuid"].replace("-", "").upper()]] == stores.sql("SELECT HEX(uuid) FROM lists WHERE id = 6000", "later")
    assert stores.sql("SELECT uuid FROM lists WHERE id = 6001", "later") == [["NULL"]]
    p.refresh()
    assert "Later" in p("GET", "/api/facility").text
    assert stores.sql("SELECT COUNT(*) FROM lists WHERE uuid IS NULL UNION ALL SELECT COUNT(*) FROM facility WHERE uuid IS NULL", "later") == [["0"], ["0"]]
    p.close()


def test_an_account_that_may_only_read_serves_rows_without_a_uuid(stores):
    load(stores, "readonly", ["UPDATE lists SET uuid = NULL", "INSERT INTO lists (id, type, title, pid, date, activity) VALUES (7000, 'medication', 'x', 1, NOW(), 1)"])
    stores.sql("CREATE OR REPLACE USER reader@localhost; GRANT SELECT ON readonly.* TO reader@localhost")
    p = Probe(stores, "readonly", "classic", user="reader")
    for _ in range(2):
        a = p("GET", "/api/patient/1/medication/7000")
        assert a.status == 200 and a.json["uuid"] is None
    assert p.close().count("none may be given") == 1
    assert stores.sql("SELECT uuid FROM lists WHERE id = 7000", "readonly") == [["NULL"]]


def test_database_that_goes_away_is_503_with_retry_after_and_comes_back(stores):
    load(stores, "gone")
    p = Probe(stores, "gone", "v8")
    assert p("GET", "/api/patient?_limit=1").status == 200
    stores.stop_one("mariadb")
    a = p("GET", "/api/patient?_limit=1")
    assert a.status == 503 and int(a.fields["Retry-After"]) > 0
    f = p("GET", f"/fhir/Patient/{NOBODY}")
    assert f.status == 503 and f.json["resourceType"] == "OperationOutcome"
    w = p("POST", "/api/patient", PATIENT)
    assert w.status == 503
    stores.start_mariadb()
    end = time.monotonic() + 60  # refused at once while the pool rests between tries: time counts, not how often it is asked
    while p("GET", "/api/patient?_limit=1").status != 200 and time.monotonic() < end:
        time.sleep(0.02)
    assert p("GET", "/api/patient?_limit=1").status == 200
    p.close()
