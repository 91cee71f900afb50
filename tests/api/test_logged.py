# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenEMR's log row of the writes that are no plain resource: an upload and the exchange of two policies. In the write's own transaction, once,
with a checksum that OpenEMR verifies, by table and id and never with a value. Not for the rows of requests (e2e/test_openemr_log.py)."""
import base64
import hashlib

import pytest
from generation import at_hand
from probe import Probe
from routes import ROUTES

BY_NAME = {r.name: r for r in ROUTES}
SWAP = "/api/patient/:puuid/insurance/$swap-insurance"
COLUMNS = ("date", "event", "category", "user", "groupname", "comments", "user_notes", "patient_id", "success", "crt_user", "log_from", "menu_item_id", "ccda_doc_id")
SITES = [s for s in ("access", "many", "g61", "g703") if at_hand(s)]  # 8.2 under v8, 7.0 under classic, and the generations between


def last_log(api, site):
    return int(api.sql("SELECT COALESCE(MAX(id), 0) FROM log", site)[0][0])


def logged(api, site, since):
    """Rows that came since, each with the text of its comments; the checksums are verified here."""
    rows = []
    for row in api.sql(f"SELECT {', '.join('l.' + c for c in COLUMNS)}, c.checksum, c.encrypt FROM log l LEFT JOIN log_comment_encrypt c ON c.log_id = l.id "
                       f"WHERE l.id > {since} ORDER BY l.id", site):
        values = dict(zip((*COLUMNS, "checksum", "encrypt"), ["" if v == "NULL" else v for v in row]))
        assert values["checksum"] == hashlib.sha3_512("".join(values[c] for c in COLUMNS).encode()).hexdigest(), values
        values["text"] = base64.b64decode(values["comments"]).decode()
        rows.append(values)
    return rows


def upload(api, site, content=b"%PDF-1.4 secret", name="secret name.pdf", query="path=/Medical Record", **headers):
    return api.gateway.post(f"/apis/{site}/api/patient/1/document?{query}", api.token(site), files={"document": (name, content)}, headers=headers or None)


def swap(api, site, to, method="POST", which="uuid"):
    world = api.world[site]
    route = BY_NAME[f"{method} {SWAP}"]
    return api(method, f"{world.path(route)}?type={to}&uuid={world.values[1][('insurance', which)]}", site)


@pytest.mark.parametrize("site", SITES)
def test_an_upload_is_logged_once_by_table_and_id(api, site):
    since = last_log(api, site)
    assert upload(api, site).status_code == 200
    did = api.sql("SELECT MAX(id) FROM documents WHERE name = 'secret name.pdf'", site)[0][0]
    (row,) = logged(api, site, since)
    assert {k: row[k] for k in ("event", "category", "user", "patient_id", "success", "log_from", "encrypt")} == {
        "event": "patient-record-insert", "category": "patient-record-insert", "user": "admin", "patient_id": "1", "success": "1", "log_from": "open-emr", "encrypt": "No"}
    assert row["text"] == f"insert documents id {did} (POST /api/patient/:pid/document, Gatehouse)" and row["groupname"]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_exchange_is_logged_for_each_policy_that_it_changed(api, site, method):
    types = dict(api.sql("SELECT id, type FROM insurance_data WHERE id IN (901, 911)", site))
    since = last_log(api, site)
    assert swap(api, site, types["911"], method).status_code == 200
    rows = logged(api, site, since)
    assert [r["text"] for r in rows] == [f"update insurance_data id {n} ({method} {SWAP}, Gatehouse)" for n in (901, 911)]
    assert {(r["event"], r["user"], r["patient_id"]) for r in rows} == {("patient-record-update", "admin", "1")} and all(r["groupname"] for r in rows)
    since = last_log(api, site)
    assert swap(api, site, types["901"], method).status_code == 200
    assert len(logged(api, site, since)) == 2


@pytest.mark.parametrize("what", ["an empty file", "a refused type", "an unknown category", "an unknown type of policy", "an unknown policy"])
def test_what_is_refused_is_not_logged(api, what):
    site, since = "many", last_log(api, "many")
    r = {"an empty file": lambda: upload(api, site, b""), "a refused type": lambda: upload(api, site, b"MZ\x90\0\3"),
         "an unknown category": lambda: upload(api, site, query="path=/Nowhere"), "an unknown type of policy": lambda: swap(api, site, "fourth"),
         "an unknown policy": lambda: api("POST", f"{api.world[site].path(BY_NAME['POST ' + SWAP])}?type=primary&uuid=00000000-0000-4000-8000-000000000000", site)}[what]()
    assert r.status_code in (400, 404) and logged(api, site, since) == []


def test_a_write_that_cannot_be_logged_is_not_made(api):
    """Both are one transaction: without its log row there is no document and no file, and the policies stay."""
    site = "many"
    types = api.sql("SELECT id, type FROM insurance_data WHERE id IN (901, 911)", site)
    folder = api.gateway.stores.dir / "sites" / site / "documents" / "1"
    before = api.sql("SELECT COUNT(*) FROM documents", site), sorted(folder.iterdir()) if folder.is_dir() else []
    api.sql("RENAME TABLE log_comment_encrypt TO log_comment_away", site)
    try:
        assert upload(api, site).status_code >= 500
        assert swap(api, site, "secondary").status_code >= 500
    finally:
        api.sql("RENAME TABLE log_comment_away TO log_comment_encrypt", site)
    assert api.sql("SELECT id, type FROM insurance_data WHERE id IN (901, 911)", site) == types
    assert (api.sql("SELECT COUNT(*) FROM documents", site), sorted(folder.iterdir()) if folder.is_dir() else []) == before
    assert upload(api, site).status_code == 200


@pytest.mark.parametrize("setting", ["enable_auditlog", "audit_events_patient-record"])
def test_a_site_that_logs_no_writes_has_none(api, setting):
    """Settings are read once a minute: a backend of its own reads them anew."""
    site = SITES[-1]
    since, world = last_log(api, site), api.world[site]
    api.sql(f"UPDATE globals SET gl_value = '0' WHERE gl_name = '{setting}'", site)
    probe = Probe(api.gateway.stores, api.database(site), "classic")
    try:
        types = dict(api.sql("SELECT id, type FROM insurance_data WHERE id IN (901, 911)", site))
        for to in (types["911"], types["901"]):
            assert probe("POST", f"{world.path(BY_NAME['POST ' + SWAP])}?type={to}&uuid={world.values[1][('insurance', 'uuid')]}", None).status == 200
    finally:
        probe.close()
        api.sql(f"UPDATE globals SET gl_value = '1' WHERE gl_name = '{setting}'", site)
    assert logged(api, site, since) == []
