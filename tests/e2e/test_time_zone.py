# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose OpenEMR lives in another time zone than UTC: its DATETIME columns are local time, which FHIR tells and searches with the offset of the day,
and in which this program writes and compares. A row per zone, given by OpenEMR's setting or by ours."""
import datetime
import email.utils
import zoneinfo

import pytest
from gateway import Gateway, wait_until

PATIENT = "9a9d359c-a010-4a95-9317-4bdb17caf8f6"
WINTER, SUMMER = "2024-01-15 23:30:00", "2024-07-15 23:30:00"
# where it is said, zone, what the two times are in FHIR, and in UTC
ZONES = [("setting", "America/New_York", "-05:00", "-04:00", "2024-01-16T04:30:00", "2024-07-16T03:30:00"),
         ("openemr", "Asia/Kolkata", "+05:30", "+05:30", "2024-01-15T18:00:00", "2024-07-15T18:00:00"),
         ("openemr", "", "+00:00", "+00:00", "2024-01-15T23:30:00", "2024-07-15T23:30:00"),
         ("openemr", "Nowhere/Town", "+00:00", "+00:00", "2024-01-15T23:30:00", "2024-07-15T23:30:00")]


@pytest.fixture(params=ZONES, ids=lambda z: f"{z[0]}-{z[1] or 'none'}", scope="module")
def site(request):
    where, name = request.param[:2]
    g = Gateway(extra={"process.workers": 1, "sites.default.openemr_log": True, **({"sites.default.database.time_zone": name} if where == "setting" else {})})
    try:
        g.sql("DELETE FROM globals WHERE gl_name IN ('enable_auditlog', 'audit_events_patient-record'); INSERT INTO globals (gl_name, gl_index, gl_value) VALUES "
              "('enable_auditlog', 0, '1'), ('audit_events_patient-record', 0, '1')")
        if where == "openemr":
            g.sql(f"DELETE FROM globals WHERE gl_name = 'gbl_time_zone'; INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_time_zone', 0, '{name}')")
        g.stop()
        g.start()  # connections read the zone when they are opened, the audit's settings are read at start
        yield g, request.param
    finally:
        g.close()


def last_updated(g, text):
    g.sql(f"UPDATE patient_data SET last_updated = '{text}', date = '{text}' WHERE uuid = UNHEX('{PATIENT.replace('-', '')}')")


def test_fhir_tells_and_finds_local_times_by_their_offset(site):
    g, (_, _, winter, summer, *utc) = site
    token = g.staff_token("openid api:fhir user/Patient.rs")
    for text, offset, moment in ((WINTER, winter, utc[0]), (SUMMER, summer, utc[1])):
        last_updated(g, text)
        told = g.get(f"/apis/default/fhir/Patient/{PATIENT}", token)
        assert told.json()["meta"]["lastUpdated"] == text.replace(" ", "T") + offset
        assert email.utils.parsedate_to_datetime(told.headers["Last-Modified"]).strftime("%Y-%m-%dT%H:%M:%S") == moment
        at = datetime.datetime.fromisoformat(moment)
        near = {"eq" + moment + "Z": 1, "ge" + moment + "Z": 1, "gt" + moment + "Z": 0, text.replace(" ", "T"): 1, text[:10]: 1,
                "lt" + (at + datetime.timedelta(seconds=1)).isoformat() + "Z": 1, "lt" + moment + "Z": 0,
                "eq" + (at + datetime.timedelta(hours=3)).isoformat() + "%2B03:00": 1, "eq" + (at + datetime.timedelta(hours=1)).isoformat() + "Z": 0}
        for asked, n in near.items():
            got = g.get(f"/apis/default/fhir/Patient?_id={PATIENT}&_lastUpdated={asked}", token)
            assert (got.status_code, got.json()["total"]) == (200, n), asked


def test_what_is_written_is_local_time(site):
    g, (where, name, *_) = site
    zone = datetime.timezone.utc if name in ("", "Nowhere/Town") else zoneinfo.ZoneInfo(name)
    g.sql("UPDATE users_secure SET last_login_fail = NULL, login_fail_counter = 0; DELETE FROM log")
    g.staff_token("openid api:oemr")
    client = g.client()
    g.token_request(grant_type="password", client_id=client["client_id"], client_secret=client["client_secret"], scope="openid", user_role="users",
                    username="admin", password="wrong")
    wait_until(lambda: g.sql("SELECT COUNT(*) FROM log")[0][0] != "0", "log row")
    now = datetime.datetime.now(zone).replace(tzinfo=None)
    for text in ("MAX(last_login_fail) FROM users_secure", "MAX(register_date) FROM oauth_clients", "MAX(date) FROM log"):
        told = datetime.datetime.fromisoformat(g.sql("SELECT " + text)[0][0])
        assert abs((told - now).total_seconds()) < 120, text
    said = {"body": "Test 456", "groupname": "Default", "from": "admin", "to": "admin", "title": "Other", "message_status": "New"}
    made = g.post("/apis/default/api/patient/1/message", g.staff_token("openid api:oemr user/message.write"), json=said)
    assert made.status_code == 201, made.text
    path = f"/apis/default/api/patient/1/message/{made.json()['mid']}"
    assert g.request("PUT", path, g.staff_token("openid api:oemr user/message.write"), json=said).status_code == 200
    logged = g.sql("SELECT date FROM log WHERE event IN ('patient-record-insert', 'patient-record-update')")
    assert len(logged) == 2
    for (when,) in logged:
        assert abs((datetime.datetime.fromisoformat(when) - now).total_seconds()) < 180, when
    (whole,), = g.sql("SELECT HEX(body) FROM pnotes ORDER BY id DESC LIMIT 1")
    lines = bytes.fromhex(whole).decode().split("\n")
    assert lines[0] == "" and len(lines) == 3
    for line in lines[1:]:
        told = datetime.datetime.fromisoformat(line[:16])
        assert line[16:] == " (admin to admin) Test 456" and abs((told - now).total_seconds()) < 180, line
