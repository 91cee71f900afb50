# SPDX-License-Identifier: GPL-3.0-or-later
"""Encounters and what hangs on them (vital signs), and background services: what a write leaves in every table, what it refuses, whose rows a
path reaches. Not for the shape of whole answers: tests/api compares those with recordings."""
import datetime
import zoneinfo

import pytest

from test_direct import Probe, stores  # noqa: F401 (stores is a fixture)
from test_direct_families import PATIENTS, PUUID, fill

ENCOUNTERS = f"/api/patient/{PUUID}/encounter"
BODY = {"pc_catid": "5", "class_code": "AMB", "date": "2026-02-03", "reason": "Cough", "facility_id": "3", "provider_id": "1", "user": "nobody", "encounter": 1}
VITALS = "/api/patient/1/encounter/11/vital"
LOINC = {"2708-6", "29463-7", "39156-5", "59408-5", "59576-9", "77606-2", "8289-1", "8302-2", "8310-5", "8327-9", "85353-1", "85354-9", "8867-4", "9279-1", "9843-4"}


@pytest.fixture(scope="module")
def base(stores):  # noqa: F811
    name = fill(stores, "forms")
    stores.sql("INSERT INTO users (id, username, fname, lname) VALUES (77, 'nurse', 'N', 'Urse')", name)
    return name


@pytest.fixture(scope="module")
def probes(stores, base):  # noqa: F811
    both = {compat: Probe(stores, base, compat) for compat in ("classic", "v8")}
    yield both
    for p in both.values():
        p.close()


@pytest.fixture
def classic(probes):
    return probes["classic"]


@pytest.fixture
def v8(probes):
    return probes["v8"]


@pytest.fixture
def sql(stores, base):  # noqa: F811
    return lambda text: stores.sql(text, base)


# --- encounters ---------------------------------------------------------------------------------------------------------------------------
def test_encounter_has_the_next_number_its_form_and_its_uuid(sql, classic):
    sql("UPDATE sequences SET id = 5000")
    a = classic("POST", ENCOUNTERS, BODY)
    assert (a.status, list(a.json["data"])) == (201, ["encounter", "uuid"]) and a.json["data"]["encounter"] == 5001
    hex_uuid = a.json["data"]["uuid"].replace("-", "")
    ((row, *stored),) = sql(f"SELECT id, pid, encounter, date, reason, provider_id, last_level_billed FROM form_encounter WHERE uuid = UNHEX('{hex_uuid}')")
    assert stored == ["1", "5001", "2026-02-03 00:00:00", "Cough", "1", "0"]
    assert sql("SELECT date, form_name, form_id, pid, user, groupname, authorized, formdir, deleted FROM forms WHERE encounter = 5001") == [
        ["2026-02-03 00:00:00", "New Patient Encounter", row, "1", "admin", "Default", "1", "newpatient", "0"]]
    assert sql("SELECT id FROM sequences") == [["5001"]]
    assert sql(f"SELECT table_name FROM uuid_registry WHERE uuid = UNHEX('{hex_uuid}')") == [["form_encounter"]]


def test_encounter_without_a_date_is_of_today(sql, v8):
    a = v8("POST", ENCOUNTERS, {"pc_catid": "5", "class_code": "AMB", "date": ""})
    assert a.status == 200 and a.json["data"]["eid"] == a.json["data"]["encounter"]
    assert sql(f"SELECT e.date IN (CURDATE(), DATE(NOW() - INTERVAL 5 MINUTE)), f.date = e.date FROM form_encounter e JOIN forms f USING (encounter) WHERE e.encounter = {a.json['data']['eid']}") == [["1", "1"]]


def test_update_needs_an_author_and_keeps_the_number(sql, classic):
    path = f"{ENCOUNTERS}/{classic('POST', ENCOUNTERS, BODY).json['data']['uuid']}"
    before = classic("GET", path).json["data"]
    good = {"user": "nurse", "group": "Default"}
    refusals = [({}, {"user": "Required::NON_EXISTENT_KEY", "group": "Required::NON_EXISTENT_KEY"}), ({"user": "ghost", "group": "x"}, {"user": "Callback::INVALID_VALUE"}),
                ({**good, "class_code": "NOSUCH"}, {"class_code": "ListOptionRule::INVALID_LIST_OPTION"}), ({**good, "pc_catid": ""}, {"pc_catid": "NotEmpty::EMPTY_VALUE"}),
                ({**good, "date": "2026-02-30"}, {"date": "DateTime::INVALID_VALUE"})]
    for body, want in refusals:
        a = classic("PUT", path, body)
        assert (a.status, {k: next(iter(v)) for k, v in a.json["validationErrors"].items()}) == (400, want), body
    assert classic("GET", path).json["data"] == before
    a = classic("PUT", path, {**good, "reason": "Changed", "encounter": 1, "pid": 2, "class_code": ""})
    assert a.status == 200 and {k: a.json["data"][k] for k in ("reason", "eid", "pid", "class_code")} == {"reason": "Changed", "eid": before["eid"], "pid": 1, "class_code": ""}


def test_the_facility_of_an_update_brings_its_name(sql, classic):
    sql("INSERT IGNORE INTO facility (id, name) VALUES (900, 'Named Clinic')")
    path = f"{ENCOUNTERS}/{classic('POST', ENCOUNTERS, dict(BODY, facility='Old')).json['data']['uuid']}"
    a = classic("PUT", path, {"user": "nurse", "group": "Default", "facility_id": 900})
    assert (a.status, a.json["data"]["facility_name"]) == (200, "Named Clinic")
    assert sql(f"SELECT facility FROM form_encounter WHERE encounter = {a.json['data']['eid']}") == [["Named Clinic"]]


@pytest.mark.parametrize("method,path,field,codes", [
    ("POST", "/api/patient/00000000-0000-4000-8000-000000000000/encounter", "puuid", ["Callback::INVALID_VALUE"]),
    ("POST", "/api/patient/nonsense/encounter", "puuid", ["Callback::INVALID_VALUE", "Uuid::INVALID_UUID"]),
    ("PUT", "/api/patient/nonsense/encounter/nonsense", "puuid", ["Callback::INVALID_VALUE", "Uuid::INVALID_UUID"]),
    ("PUT", f"{ENCOUNTERS}/nonsense", "euuid", ["Callback::INVALID_VALUE", "Uuid::INVALID_UUID"]),
    ("PUT", f"{ENCOUNTERS}/00000000-0000-4000-8000-000000000000", "euuid", ["Callback::INVALID_VALUE"]),
    ("PUT", f"{ENCOUNTERS}/{PATIENTS[2].replace('a0', 'e0')}", "euuid", ["Callback::INVALID_VALUE"]),  # of another patient
])
def test_an_unknown_patient_or_encounter_is_an_error_of_its_member(sql, classic, v8, method, path, field, codes):
    before = sql("CHECKSUM TABLE form_encounter, forms, sequences")
    body = dict(BODY, user="nurse", group="Default")
    for probe, status in ((classic, 400), (v8, 200)):
        a = probe(method, path, body)
        assert (a.status, list(a.json["validationErrors"]), list(a.json["validationErrors"][field])) == (status, [field], codes)
    assert sql("CHECKSUM TABLE form_encounter, forms, sequences") == before


# --- vital signs --------------------------------------------------------------------------------------------------------------------------
def test_vitals_have_their_form_and_fifteen_observations(sql, classic):
    a = classic("POST", VITALS, {"bps": "130", "weight": 220.1, "note": "ok", "id": 1, "pid": 2})
    assert (a.status, list(a.json)) == (201, ["vid", "fid"])
    vid, fid = a.json["vid"], a.json["fid"]
    assert sql(f"SELECT pid, activity, bps, weight, height IS NULL, user IS NULL FROM form_vitals WHERE id = {vid}") == [["1", "1", "130", "220.100000", "1", "1"]]
    assert sql(f"SELECT encounter, form_name, form_id, pid, user, groupname, authorized, formdir FROM forms WHERE id = {fid}") == [
        ["11", "Vitals", str(vid), "1", "admin", "Default", "1", "vitals"]]
    mapped = sql(f"SELECT m.resource, m.resource_path, r.table_name, r.mapped FROM uuid_mapping m JOIN form_vitals v ON v.uuid = m.target_uuid "
                 f"JOIN uuid_registry r ON r.uuid = m.uuid WHERE v.id = {vid} AND m.`table` = 'form_vitals'")
    assert {m[1] for m in mapped} == {f"category=vital-signs&code={c}" for c in LOINC} and len(mapped) == 15
    assert {(m[0], m[2], m[3]) for m in mapped} == {("Observation", "uuid_mapping", "1")}


def test_vitals_are_changed_in_part_and_stay_with_their_encounter(sql, classic):
    vid = classic("POST", VITALS, {"bps": "130", "bpd": "80", "note": "ok"}).json["vid"]
    uuid = sql(f"SELECT HEX(uuid) FROM form_vitals WHERE id = {vid}")
    a = classic("PUT", f"{VITALS}/{vid}", {"bps": "131"})
    assert (a.status, a.json) == (200, {"vid": str(vid)})
    assert sql(f"SELECT bps, bpd, note FROM form_vitals WHERE id = {vid}") == [["131", "80", "ok"]] and sql(f"SELECT HEX(uuid) FROM form_vitals WHERE id = {vid}") == uuid
    for path in (f"/api/patient/2/encounter/12/vital/{vid}", f"/api/patient/1/encounter/12/vital/{vid}", f"/api/patient/2/encounter/11/vital/{vid}"):
        assert classic("GET", path).status == 404 and classic("PUT", path, {"bps": "1"}).status == 404
    a = classic("PUT", f"{VITALS}/{vid}", {"bps": "high"})
    assert (a.status, a.json) == (400, {"bps": {"Numeric::NOT_NUMERIC": "bps must be numeric"}})
    assert sql(f"SELECT bps FROM form_vitals WHERE id = {vid}") == [["131"]]


def test_a_row_that_cannot_have_a_uuid_is_changed_as_it_is(stores, sql, base, classic):  # noqa: F811
    vid = classic("POST", VITALS, {"bps": "130", "bpd": "80"}).json["vid"]
    sql(f"RENAME TABLE uuid_registry TO away_registry; UPDATE form_vitals SET uuid = NULL WHERE id = {vid}")
    try:
        probe, before = Probe(stores, base, "classic"), sql("SELECT COUNT(*) FROM uuid_mapping")
        assert (probe("PUT", f"{VITALS}/{vid}", {"bps": "131"}).status, probe("PUT", f"{VITALS}/{vid}", {"note": "x"}).status) == (200, 200)
        probe.close()
        assert sql(f"SELECT uuid IS NULL, bps, note FROM form_vitals WHERE id = {vid}") == [["1", "131", "x"]] and sql("SELECT COUNT(*) FROM uuid_mapping") == before
    finally:
        sql("RENAME TABLE away_registry TO uuid_registry")
    assert classic("PUT", f"{VITALS}/{vid}", {"bps": "132"}).status == 200  # and where it can have one, it gets one, registered
    assert sql(f"SELECT r.table_name FROM form_vitals v JOIN uuid_registry r USING (uuid) WHERE v.id = {vid}") == [["form_vitals"]]


def test_vitals_have_details_where_there_are_some(sql, v8):
    vid = v8("POST", VITALS, {"bps": "190", "weight": "200"}).json["vid"]
    assert "details" not in v8("GET", f"{VITALS}/{vid}").json
    sql(f"INSERT INTO form_vital_details (form_id, vitals_column, interpretation_option_id, interpretation_title) VALUES ({vid}, 'bps', 'H', 'High'), ({vid}, 'weight', 'N', 'Normal')")
    details = v8("GET", f"{VITALS}/{vid}").json["details"]
    assert list(details) == ["bps", "weight"] and {k: (d["vitals_column"], d["interpretation_title"]) for k, d in details.items()} == {
        "bps": ("bps", "High"), "weight": ("weight", "Normal")}
    in_list = [v for v in v8("GET", VITALS).json if v["id"] == vid]
    assert in_list[0]["details"] == details


def test_a_metric_site_sees_metric_measures(stores, sql, base):  # noqa: F811
    sql("INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('units_of_measurement', 0, '2') ON DUPLICATE KEY UPDATE gl_value = '2'")
    probe = Probe(stores, base, "v8")
    vid = probe("POST", VITALS, {"weight": "220.1", "height": "70", "temperature": "98", "waist_circ": "0", "pulse": "60"}).json["vid"]
    got = probe("GET", f"{VITALS}/{vid}").json
    probe.close()
    sql("UPDATE globals SET gl_value = '1' WHERE gl_name = 'units_of_measurement'")
    want = {"weight": "99.835681", "weight_unit": "kg", "height": "177.800000", "height_unit": "cm", "temperature": "36.666667", "temperature_unit": "Cel",
            "waist_circ": None, "head_circ": None, "head_circ_unit": "cm", "pulse": "60.000000", "pulse_unit": "/min"}
    assert {k: got[k] for k in want} == want


# --- means of the blood pressure (8.2) -------------------------------------------------------------------------------------------------------
MEANS = """SELECT c.calculation_id, IFNULL(c.encounter, '-'), (SELECT GROUP_CONCAT(CONCAT(vitals_column, '=', value + 0, ' ', value_unit, ' ', component_order) ORDER BY component_order)
 FROM form_vitals_calculation_components k WHERE k.fvc_uuid = c.uuid), (SELECT GROUP_CONCAT(vitals_id ORDER BY vitals_id) FROM form_vitals_calculation_form_vitals l
 WHERE l.fvc_uuid = c.uuid) FROM form_vitals_calculation c WHERE c.pid = %d ORDER BY c.calculation_id, c.encounter"""


class Person:
    """A patient of its own with two encounters: what the means are of is known."""

    def __init__(self, sql, probe, pid):
        self.sql, self.probe, self.pid = sql, probe, pid
        sql(f"INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES ({pid}, {pid}, UNHEX(MD5('m{pid}')), 'M', 'M'); INSERT INTO form_encounter (encounter, pid, uuid, date) "
            f"VALUES ({pid}1, {pid}, UNHEX(MD5('e1{pid}')), NOW()), ({pid}2, {pid}, UNHEX(MD5('e2{pid}')), NOW())")

    def path(self, encounter=1):
        return f"/api/patient/{self.pid}/encounter/{self.pid}{encounter}/vital"

    def post(self, bps=None, bpd=None, encounter=1, **more):
        a = self.probe("POST", self.path(encounter), {k: v for k, v in dict(bps=bps, bpd=bpd, **more).items() if v is not None})
        assert a.status == 201, a.text
        return a.json["vid"]

    def means(self):
        """{(calculation, encounter): (bps, bpd, ids of the readings)}"""
        out = {}
        for name, encounter, components, links in self.sql(MEANS % self.pid):
            bps, bpd = (part.split(" ") for part in components.split(","))
            assert (bps[0][:4], bpd[0][:4], bps[1:], bpd[1:]) == ("bps=", "bpd=", ["mm[Hg]", "0"], ["mm[Hg]", "1"])
            assert (name, encounter) not in out, "a mean stands there twice"
            out[name, encounter] = (float(bps[0][4:]), float(bpd[0][4:]), [int(i) for i in links.split(",")])
        return out


@pytest.fixture
def person(sql, v8):
    pid = int(sql("SELECT MAX(pid) + 1 FROM patient_data")[0][0]) + 100
    return Person(sql, v8, pid)


def test_a_blood_pressure_makes_the_three_means_of_the_patient(sql, person):
    vid = person.post("130", "80")
    e = f"{person.pid}1"
    assert person.means() == {("bp-MeanEncounter", e): (130, 80, [vid]), ("bp-Mean3Day", "-"): (130, 80, [vid]), ("bp-MeanLast5", "-"): (130, 80, [vid])}
    rows = sql(f"SELECT r.table_name, r.table_id, r.table_vertical, r.couchdb, r.mapped, c.created_by, c.updated_by, c.created_at IS NOT NULL, c.date_start = v.date, c.date_end = v.date "
               f"FROM form_vitals_calculation c JOIN uuid_registry r ON r.uuid = c.uuid JOIN form_vitals v ON v.id = {vid} WHERE c.pid = {person.pid}")
    assert rows == [["form_vitals_calculation", "id", "", "", "0", "1", "1", "1", "1", "1"]] * 3
    before = sql(f"SELECT id, HEX(uuid), created_at FROM form_vitals_calculation WHERE pid = {person.pid} ORDER BY id")
    second = person.post("121", "81.05")
    assert person.means() == {("bp-MeanEncounter", e): (125.5, 80.5, [vid, second]), ("bp-Mean3Day", "-"): (125.5, 80.5, [vid, second]),
                              ("bp-MeanLast5", "-"): (125.5, 80.5, [vid, second])}
    assert sql(f"SELECT id, HEX(uuid), created_at FROM form_vitals_calculation WHERE pid = {person.pid} ORDER BY id") == before
    third = person.post("100", "60", encounter=2)
    got = person.means()
    assert got["bp-MeanEncounter", e] == (125.5, 80.5, [vid, second]) and got["bp-MeanEncounter", f"{person.pid}2"] == (100, 60, [third])
    assert got["bp-Mean3Day", "-"] == got["bp-MeanLast5", "-"] == (117, 73.7, [vid, second, third])


def test_means_are_of_three_days_and_of_five_readings(sql, person):
    old = [person.post(str(100 + i), "70", date="2020-01-02 03:04:05") for i in range(6)]
    assert set(person.means()) == {("bp-MeanEncounter", f"{person.pid}1"), ("bp-MeanLast5", "-")}, "none of the last three days"
    assert person.means()["bp-MeanLast5", "-"] == (103, 70, old[1:]) and person.means()["bp-MeanEncounter", f"{person.pid}1"] == (102.5, 70, old)
    assert sql(f"SELECT DISTINCT date_start, date_end FROM form_vitals_calculation WHERE pid = {person.pid}") == [["2020-01-02 03:04:05"] * 2]
    new = person.post("200", "90")
    assert person.means()["bp-Mean3Day", "-"] == (200, 90, [new]) and person.means()["bp-MeanLast5", "-"] == (122.8, 74, [*old[2:], new])
    half = person.post("150")  # the last five of each column: what they have in common
    assert person.means()["bp-MeanLast5", "-"] == (128, 75, [*old[3:], new]) and half not in person.means()["bp-Mean3Day", "-"][2]


def test_means_leave_out_deleted_forms_what_is_no_number_and_other_patients(sql, person):
    deleted, words = person.post("250", "150"), person.post("1", "1")
    sql(f"UPDATE forms SET deleted = 1 WHERE formdir = 'vitals' AND form_id = {deleted}; UPDATE form_vitals SET bps = 'refused' WHERE id = {words}; "
        f"INSERT INTO forms (date, encounter, form_name, form_id, pid, formdir, deleted) VALUES (NOW(), {person.pid}2, 'SOAP', {words}, {person.pid}, 'soap', 0)")
    vid = person.post("120", "80")
    assert {v for v in map(str, person.means().values())} == {str((120.0, 80.0, [vid]))}
    assert sql(f"SELECT COUNT(*) FROM form_vitals_calculation_form_vitals l JOIN form_vitals_calculation c ON c.uuid = l.fvc_uuid JOIN form_vitals v ON v.id = l.vitals_id "
               f"WHERE v.pid <> c.pid") == [["0"]]


def test_a_change_of_the_blood_pressure_changes_the_means_and_another_change_does_not(sql, person):
    vid = person.post("130", "80")
    assert person.probe("PUT", f"{person.path()}/{vid}", {"bpd": "90"}).status == 200
    assert set(map(str, person.means().values())) == {str((130.0, 90.0, [vid]))} and len(person.means()) == 3
    before = sql(f"SELECT id, updated_at FROM form_vitals_calculation WHERE pid = {person.pid}")
    sql(f"UPDATE form_vitals_calculation SET updated_at = '2020-01-01' WHERE pid = {person.pid}")
    assert person.probe("PUT", f"{person.path()}/{vid}", {"note": "x"}).status == 200 and person.post(None, None, weight="1") > vid
    assert sql(f"SELECT DISTINCT updated_at FROM form_vitals_calculation WHERE pid = {person.pid}") == [["2020-01-01 00:00:00"]] and len(before) == 3
    assert list(person.probe("PUT", f"{person.path()}/{vid}", {"bps": "wrong"}).json) == ["bps"]
    assert set(map(str, person.means().values())) == {str((130.0, 90.0, [vid]))}


@pytest.mark.parametrize("bps,bpd", [("99999999999999", "1e99"), ("-5", ".5"), ("0", "0")])
def test_awkward_numbers_are_stored_whatever_their_mean(sql, person, bps, bpd):
    vid = person.post(bps, bpd)
    assert sql(f"SELECT bps, bpd FROM form_vitals WHERE id = {vid}") == [[bps, bpd]]


def test_a_site_without_tables_of_means_has_none(stores, sql, base, classic):  # noqa: F811
    """7.0 and before: nothing is asked for, nothing written."""
    names = ("form_vitals_calculation", "form_vitals_calculation_components", "form_vitals_calculation_form_vitals")
    sql("; ".join(f"RENAME TABLE {n} TO away_{n}" for n in names))
    try:
        probe = Probe(stores, base, "classic")
        assert probe("POST", VITALS, {"bps": "130", "bpd": "80"}).status == 201
        probe.close()
    finally:
        sql("; ".join(f"RENAME TABLE away_{n} TO {n}" for n in names))


def test_the_author_of_vital_signs_is_the_caller_whatever_the_body_says(sql, classic):
    for body, stored in (({}, ["NULL", "NULL"]), ({"user": "nurse", "groupname": "Other"}, ["admin", "Default"]), ({"user": "nurse"}, ["admin", "NULL"])):
        vid = classic("POST", VITALS, dict(body, bps="120")).json["vid"]
        assert sql(f"SELECT IFNULL(user, 'NULL'), IFNULL(groupname, 'NULL') FROM form_vitals WHERE id = {vid}") == [stored]
        assert sql(f"SELECT user, groupname FROM forms WHERE formdir = 'vitals' AND form_id = {vid}") == [["admin", "Default"]]
    sql(f"UPDATE form_vitals SET user = 'nurse', groupname = 'Other' WHERE id = {vid}")
    assert classic("PUT", f"{VITALS}/{vid}", {"bps": "121"}).status == 200
    assert sql(f"SELECT user, groupname FROM form_vitals WHERE id = {vid}") == [["nurse", "Other"]]
    assert classic("PUT", f"{VITALS}/{vid}", {"user": "somebody", "groupname": "x"}).status == 200
    assert sql(f"SELECT user, groupname FROM form_vitals WHERE id = {vid}") == [["admin", "Default"]]


# --- background services --------------------------------------------------------------------------------------------------------------------
SERVICES = "DELETE FROM background_services; INSERT INTO background_services (name, title, active, running, next_run, execute_interval, `function`, sort_order, " \
           "lock_expires_at) VALUES ('due', 'D', 1, 0, NOW() - INTERVAL 1 HOUR, 5, 'f', 3, NULL), ('later', 'L', 1, 0, NOW() + INTERVAL 1 HOUR, 5, 'f', 2, NULL), " \
           "('busy', 'B', 1, 1, NOW() - INTERVAL 1 HOUR, 5, 'f', 1, NOW() + INTERVAL 1 HOUR), ('off', 'O', 0, 0, NOW() + INTERVAL 1 HOUR, 5, 'f', 4, NULL), " \
           "('manual', 'M', 1, 0, NOW(), 0, 'f', 5, NOW() - INTERVAL 1 HOUR)"


def test_services_are_told_with_what_runs(sql, v8):
    sql(SERVICES)
    got = v8("GET", "/api/background_service")
    assert [(s["name"], s["active"], s["running"]) for s in got.json] == [("busy", True, True), ("later", True, False), ("due", True, False), ("off", False, False),
                                                                         ("manual", True, False)]
    assert v8("GET", "/api/background_service/busy").json == got.json[0]
    a = v8("GET", "/api/background_service/nosuch")
    assert (a.status, a.json) == (404, {"error": "Service not found"})
    sql("DELETE FROM background_services")
    assert (v8("GET", "/api/background_service").status, v8("GET", "/api/background_service").json) == (200, [])


@pytest.mark.parametrize("name,body,status,made_due", [("due", {}, "skipped", False), ("later", {}, "not_due", False), ("later", {"force": True}, "skipped", True),
                                                      ("later", {"force": "true"}, "not_due", False), ("busy", {"force": True}, "already_running", False),
                                                      ("off", {"force": True}, "skipped", False)])
def test_a_service_is_never_run_here_but_a_forced_one_is_made_due(sql, v8, name, body, status, made_due):
    sql(SERVICES)
    before = dict(sql("SELECT name, next_run FROM background_services"))
    a = v8("POST", f"/api/background_service/{name}/run", body)
    assert (a.status, a.json) == (409, {"service": name, "status": status})
    after = dict(sql("SELECT name, next_run FROM background_services"))
    assert {n for n in after if after[n] != before[n]} == ({name} if made_due else set())
    assert not made_due or sql(f"SELECT next_run <= NOW() FROM background_services WHERE name = '{name}'") == [["1"]]


def test_run_refuses_what_is_no_object_and_what_is_not_there(sql, v8):
    sql(SERVICES)
    for body in ("[1]", "nonsense", '"force"'):
        a = v8("POST", "/api/background_service/later/run", body)
        assert (a.status, a.json) == (400, {"error": "Invalid JSON payload"})
    a = v8("POST", "/api/background_service/nosuch/run", {})
    assert (a.status, a.json) == (404, {"error": "Service not found"})


def test_run_all_tells_each_that_has_an_interval(sql, v8):
    sql(SERVICES)
    a = v8("POST", "/api/background_service/$run", {})
    assert (a.status, a.json) == (200, {"results": [{"name": "busy", "status": "already_running"}, {"name": "later", "status": "not_due"},
                                                    {"name": "due", "status": "skipped"}, {"name": "off", "status": "skipped"}]})


# OpenEMR's setting, and the minutes that its sessions are ahead of UTC then
NEW_YORK = int(datetime.datetime.now(zoneinfo.ZoneInfo("America/New_York")).utcoffset().total_seconds()) // 60
ZONES = [("", 0), ("+09:30", 570), ("-05:00", -300), ("America/New_York", NEW_YORK), ("Nowhere/Town", 0)]


@pytest.fixture(params=ZONES, ids=lambda z: z[0] or "none")
def zone(sql, v8, request):
    name, minutes = request.param

    def put(value):
        sql(f"DELETE FROM globals WHERE gl_name = 'gbl_time_zone'; INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_time_zone', 0, '{value}')")
        v8.refresh()
    put(name)
    yield minutes
    put("")


def ahead(sql, text):
    """Minutes that a DATETIME which was written now is ahead of UTC."""
    return round(int(sql(f"SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), {text})")[0][0]) / 60)


def test_times_are_written_as_openemr_writes_them(sql, v8, zone):
    made = v8("POST", ENCOUNTERS, {**BODY, "date": ""}).json
    row = f"FROM form_encounter WHERE encounter = {made['data']['encounter'] if 'data' in made else made['encounter']}"
    local = datetime.datetime.now(datetime.timezone(datetime.timedelta(minutes=zone)))
    assert sql(f"SELECT DATE(date) {row}")[0][0] in {local.date().isoformat(), (local - datetime.timedelta(minutes=1)).date().isoformat()}
    assert v8("POST", VITALS, {"bps": "101"}).status == 201
    newest = sql("SELECT MAX(id) FROM form_vitals")[0][0]
    assert ahead(sql, f"(SELECT date FROM form_vitals WHERE id = {newest})") == zone
    assert ahead(sql, f"(SELECT date FROM forms WHERE formdir = 'vitals' AND form_id = {newest})") == zone


def test_a_lock_ends_in_the_time_that_openemr_writes(sql, v8, zone):
    """lock_expires_at is a DATETIME of OpenEMR's session, next_run a TIMESTAMP, which is the same in all of them."""
    sql(SERVICES)
    sql("SET time_zone = '+00:00'; UPDATE background_services SET lock_expires_at = NULL; "
        f"UPDATE background_services SET lock_expires_at = NOW() + INTERVAL {zone} + 20 MINUTE WHERE name = 'busy'; "
        f"UPDATE background_services SET lock_expires_at = NOW() + INTERVAL {zone} - 20 MINUTE WHERE name = 'due'; "
        "UPDATE background_services SET next_run = NOW() + INTERVAL 20 MINUTE WHERE name = 'later'; UPDATE background_services SET next_run = NOW() - INTERVAL 20 MINUTE WHERE name = 'due'")
    got = {s["name"]: s for s in v8("GET", "/api/background_service").json}
    assert {n: s["running"] for n, s in got.items()} == {"busy": True, "later": False, "due": False, "off": False, "manual": False}
    ((local,),) = sql(f"SET time_zone = '+00:00'; SELECT next_run + INTERVAL {zone} MINUTE FROM background_services WHERE name = 'later'")
    assert got["later"]["next_run"] == local
    statuses = {n: v8("POST", f"/api/background_service/{n}/run", {}).json["status"] for n in ("busy", "due", "later")}
    assert statuses == {"busy": "already_running", "due": "skipped", "later": "not_due"}


def test_the_mean_of_three_days_counts_them_in_the_time_that_openemr_writes(sql, person, zone):
    inside, outside = person.post("100", "60"), person.post("200", "90")
    sql(f"SET time_zone = '+00:00'; UPDATE form_vitals SET date = NOW() + INTERVAL {zone} - 3 * 1440 + 20 MINUTE WHERE id = {inside}; "
        f"UPDATE form_vitals SET date = NOW() + INTERVAL {zone} - 3 * 1440 - 20 MINUTE WHERE id = {outside}")
    now = person.post("110", "70")
    sql(f"SET time_zone = '+00:00'; UPDATE form_vitals SET date = NOW() + INTERVAL {zone} - 1 MINUTE WHERE id = {now}")  # as OpenEMR writes it
    own = person.post("120", "80")
    assert person.means()["bp-Mean3Day", "-"][2] == [inside, now, own]
