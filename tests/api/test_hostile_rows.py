# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the database is not always what OpenEMR would have written: imports, old bugs, other programs. Every column of every record
in turn is NULL, empty, too long, negative, a date that is none, bytes that are no text; on every generation each GET is answered whole and
never by a 5xx and as the site's OpenAPI document says, and no worker dies."""
import json

import pytest
from generation import SITES, at_hand
from routes import ROUTES

GENERATIONS = [s for s in SITES if s.startswith("g") and at_hand(s)]
READS = [r for r in ROUTES if r.method == "GET" and r.resource != "background_service" and "$" not in r.path]
FHIR = ("Patient", "Practitioner", "Organization")
RECORDS = ("patient_data form_encounter forms form_vitals form_soap lists openemr_postcalendar_events openemr_postcalendar_categories insurance_data "
           "insurance_companies addresses phone_numbers employer_data documents categories categories_to_documents pnotes transactions lbt_data immunizations "
           "procedure_order procedure_order_code procedure_report procedure_result procedure_providers prescriptions drugs drug_inventory facility "
           "codes version product_registration users patient_history form_vital_details issue_encounter").split()
# By these a row is found and tied to its patient; a staff member's own stand in for the sign-in.
KEYS = {"id", "uuid", "pid", "patient_id", "encounter", "encounter_id", "form_id", "formdir", "foreign_id", "type", "deleted", "activity", "active", "pc_eid", "pc_pid",
        "username", "list_id", "option_id", "field_id", "category_id", "document_id", "procedure_order_id", "procedure_report_id", "drug_id", "inventory_id",
        "npi", "authorized", "facility_id"}
TIMES = ("date", "datetime", "timestamp")
NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "decimal", "year")
# kind: (for times, for numbers, for texts and bytes)
KINDS = {
    "NULL": ("NULL", "NULL", "NULL"),
    "empty": ("'0000-00-00 00:00:00'", "0", "''"),
    "long": ("'9999-12-31 23:59:59'", "99999999999999999999999", "REPEAT('x', 3000)"),
    "negative": ("'1000-01-01 00:00:00'", "-99999999999999999999999", "'-1'"),
    "no date": ("'2024-00-00 00:00:00'", "-1", "'0000-00-00 00:00:00'"),
    "bytes": ("'2024-02-00 23:59:59'", "1", "UNHEX('00010AFF225C27FEC328E2')"),
    "letters": ("'0001-01-01 00:00:00'", "2", "'\\'\"<|^;,/../%s{[🩺'"),
    "numbers": ("'2038-01-19 03:14:08'", "9223372036854775807", "'1e309'"),
}



class Spoiled:
    """The record tables of a site with their rows spoiled, put back at the end."""

    def __init__(self, api, site, kind, every, records=RECORDS):
        self.api, self.site, self.name = api, site, api.database(site)
        known = {}
        for table, column, data in api.sql("SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE() AND "
                                           "extra NOT LIKE '%auto_increment%' AND COALESCE(generation_expression, '') = ''", site):
            known.setdefault(table, {})[column] = data
        unique = {(t, c) for t, c in api.sql("SELECT table_name, column_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND non_unique = 0", site)}
        self.tables = [t for t in records if t in known]
        keep = "".join(f"CREATE TABLE keep_{t} AS SELECT * FROM `{t}`;" for t in self.tables)
        time, number, text = KINDS[kind]
        spoil = [(table, c, time if d in TIMES else number if d in NUMBERS else text) for table in self.tables for c, d in known[table].items()
                 if (table, c) not in unique and (c not in KEYS or every and table != "users")]
        if every:
            spoil += [(t, "uuid", "NULL") for t in self.tables if "uuid" in known[t] and t not in ("users", "patient_data")]
        # a statement per column: what the table refuses leaves the others
        self.run(keep + "".join(f"UPDATE IGNORE `{table}` SET `{column}` = {value};" for table, column, value in spoil))

    def run(self, text):
        self.api.gateway.stores.sql("SET sql_mode='', foreign_key_checks=0;" + text, self.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("".join(f"DELETE FROM `{t}`; INSERT INTO `{t}` SELECT * FROM keep_{t}; DROP TABLE keep_{t};" for t in self.tables))


def paths(api, site):
    """(who, route or None, path)"""
    for route in READS:
        if api.served(route.name, site) and not (site == "g502" and route.path.endswith("/document/:did")):
            path = api.world[site].path(route)
            yield route.who, route, path + ("?path=/Medical Record" if path.endswith("/document") else "")
    for kind in FHIR if site != "g502" else ():
        yield "admin", None, f"/fhir/{kind}"


def outside(api, site, route, answer):
    """None, or why the answer is not what the document says of the route."""
    op = api.operation(site, route)
    return None if op is None else api.document(site).answers_to(op, answer)


def read_all(api, site):
    """The paths that were answered with rows."""
    found = []
    for who, route, path in paths(api, site):
        r = api("GET", path, site, who=who)
        if r.status_code == 501 and "/document/" in path:
            continue  # the row says that its file is in CouchDB
        assert r.status_code < 500, f"{path}: {r.status_code} {r.text[:300]}"
        if r.text and r.text[0] in "[{":
            json.loads(r.text)
        if r.status_code == 200:
            found.append(path)
        if route is not None and site != "g502":  # which is asked without the gateway
            why = outside(api, site, route, r)
            assert why is None, f"{path}: {why}\n{r.text[:300]}"
    return found


# the middle generations once: their tables are those of the others but for some columns
ROWS = [(site, kind, every) for site in GENERATIONS for kind in KINDS for every in (False, True) if every or site in ("g502", "g82")]


@pytest.mark.parametrize("site,kind,every", ROWS, ids=lambda v: v if isinstance(v, str) else ("and keys" if v else "records"))
def test_whatever_the_rows_hold_every_get_is_answered(api, site, kind, every):
    for who in ("admin", "Phil1") if site != "g502" else ():
        api.token(site, who)
    workers = api.gateway.workers()
    with Spoiled(api, site, kind, every):
        found = read_all(api, site)
    assert every or len(found) > 15, found
    assert api.gateway.workers() == workers, "a worker died"


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_lists_hold_every_get_is_answered(api, kind):
    """Lists are read again every minute: spoiled ones could stay until another test, so they are those of a site that no later file uses."""
    workers = api.gateway.workers()
    with Spoiled(api, "hostile", kind, False, ["list_options"]):
        assert len(read_all(api, "hostile")) > 15
    assert api.gateway.workers() == workers, "a worker died"


def test_a_vital_without_a_uuid_has_its_details_at_the_first_read(api):
    """Rows of other programs get their uuid when a read meets them: its children must not wait for that."""
    site, path = "g82", api.world["g82"].path(next(r for r in ROUTES if r.name == "GET /api/patient/:pid/encounter/:eid/vital/:vid"))
    vid = path.rsplit("/", 1)[1]
    api.sql(f"INSERT INTO form_vital_details (form_id, vitals_column, reason_code) VALUES ({vid}, 'bps', '123'); UPDATE form_vitals SET uuid = NULL WHERE id = {vid}", site)
    try:
        r = api("GET", path, site)
        assert r.status_code == 200 and '"reason_code":"123"' in r.text, r.text
        assert api("GET", path, site).text.count('"reason_code":"123"') == 1
    finally:
        api.sql(f"DELETE FROM form_vital_details WHERE form_id = {vid}", site)


@pytest.mark.parametrize("kind", ("VARCHAR(40) NULL", "DATE NULL", "DATETIME NULL"))
def test_a_table_altered_under_its_statements_is_read_as_it_is(api, kind):
    """An upgrade of OpenEMR alters tables while prepared statements stand: no bytes of the old type in an answer."""
    site, path = "g82", api.world["g82"].path(next(r for r in ROUTES if r.name == "GET /api/patient/:pid/encounter/:eid/soap_note/:sid"))
    api.sql("UPDATE form_soap SET date = '2024-01-02 03:04:05'", site)  # other tests have written it
    try:
        for _ in range(12):  # on each of the pool's connections
            assert "2024-01-02 03:04:05" in api("GET", path, site).text
        api.sql(f"ALTER TABLE form_soap MODIFY date {kind}", site)
        for _ in range(12):
            r = api("GET", path, site)
            assert r.status_code == 200 and '"date":"2024-01-02 0' in r.text, r.text
    finally:
        api.sql("ALTER TABLE form_soap MODIFY date DATETIME NULL; UPDATE form_soap SET date = '2024-01-02 03:04:05'", site)
