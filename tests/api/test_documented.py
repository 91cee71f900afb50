# SPDX-License-Identifier: GPL-3.0-or-later
"""What the contract (contract/standard) and the site's OpenAPI document say of each route, taken at their word: every filter filters, every member
of _sort sorts, pages make the whole, a path takes each documented form of an id, a body without its required members is told them all at
once, and a write changes the documented tables, the log and no other."""
import json
import re

import pytest
from generation import at_hand, contract_routes
from routes import ROUTES
from world import body_of

V8, CLASSIC = "hostile8", "hostile"  # both 8.2
BY_NAME = {r.name: r for r in ROUTES}


FACTS = {f"{r['method']} {r['path']}": r for r in contract_routes()}


def rows_of(r):
    assert r.status_code == 200, f"{r.request.url}: {r.status_code} {r.text[:300]}"
    body = r.json()
    data = body["data"] if isinstance(body, dict) and "data" in body else body
    return data[0] if isinstance(data, list) and data and isinstance(data[0], list) else data


def identity(row):
    return next(str(row[k]) for k in ("uuid", "euuid", "id", "pc_eid") if row.get(k) is not None)


# --- filters ---------------------------------------------------------------------------------------------------------------------------
# list route: table, its key, and the keys of a row that is to be found (its columns are changed: not the user who asks) and of one that is not
FILTERED = {"GET /api/facility": ("facility", "id", 20, 3), "GET /api/practitioner": ("users", "id", 11, 1), "GET /api/user": ("users", "id", 11, 1),
            "GET /api/patient": ("patient_data", "pid", 1, 2), "GET /api/immunization": ("immunizations", "id", 1001, 1002),
            "GET /api/patient/:puuid/insurance": ("insurance_data", "id", 901, 911), "GET /api/prescription": ("prescriptions", "id", 1301, 1302),
            "GET /api/patient/:puuid/employer": ("employer_data", "id", 1, 0)}
FIXED = {"type", "id", "pid", "uuid", "patient_id", "drug_id", "provider_id"}  # by these rows are tied: they are asked for as they stand


def value_for(kind, length, n):
    """Something that only one row has, for a column of this type."""
    if kind in ("date", "datetime", "timestamp"):
        return "2019-03-04" if kind == "date" else "2019-03-04 05:06:07"
    if kind in ("tinyint", "smallint", "int", "bigint", "mediumint", "float", "double", "decimal"):
        return str(7 + n % 90)
    return f"Zq{n}x"[:int(length or 9)]


def filters():
    for name, fact in FACTS.items():
        for q in fact.get("query_params", []):
            if name in FILTERED and re.fullmatch(r"[a-zA-Z]\w*", q["name"]) and "500" not in q.get("match", ""):  # of which OpenEMR has no column
                yield name, q["name"], q.get("column") or "", q.get("match") or ""


@pytest.mark.skipif(not FACTS, reason="no contract at hand")
def test_the_openapi_document_has_every_documented_filter(api):
    lacking = [f"{name} {param}" for name, param, column, _ in filters() if column and param not in [p["name"] for p in api.operation(V8, BY_NAME[name])["parameters"]]]
    assert not lacking


@pytest.mark.parametrize("name", FILTERED)
def test_every_filter_finds_the_row_and_leaves_out_the_other(api, name):
    route, site = BY_NAME[name], V8
    table, key, mine, other = FILTERED[name]
    columns = {c: (t, n) for c, t, n in api.sql(f"SELECT column_name, data_type, COALESCE(character_maximum_length, 0) FROM information_schema.columns WHERE table_schema = "
                                               f"'openemr_{site}' AND table_name = '{table}'", site)}
    documented = {param: column.split(".")[-1] for n, param, column, _ in filters() if n == name}
    told = [p["name"] for p in api.operation(V8, route)["parameters"] if p["in"] == "query" and not p["name"].startswith("_")]
    path, found, checked = api.world[site].path(route), [], 0
    for i, param in enumerate(told):
        column = documented.get(param, param)
        column = param if column == "*" else column
        if column not in columns:
            continue
        hexed = api.sql(f"SELECT COALESCE(HEX(`{column}`), '-') FROM `{table}` WHERE `{key}` = {mine}", site)[0][0]
        kind, length = columns[column]
        if column in FIXED:
            value = bytes.fromhex(hexed).hex() if column == "uuid" else bytes.fromhex(hexed).decode() if kind in ("varchar", "enum") else str(int(hexed, 16))
            value = f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}" if column == "uuid" else value
        else:
            value = value_for(kind, length, i)
            api.sql(f"SET sql_mode=''; UPDATE `{table}` SET `{column}` = '{value}' WHERE `{key}` = {mine}", site)
        nobody = "00000000-0000-4000-8000-000000000000" if column == "uuid" else "Nobody has this"
        try:
            hit, miss = (rows_of(api("GET", path, site, params={param: v})) for v in (value, nobody))
        finally:
            if column not in FIXED:
                was = "NULL" if hexed == "-" else f"UNHEX('{hexed}')" if kind not in ("tinyint", "smallint", "int", "bigint", "mediumint") else str(int(hexed, 16))
                api.sql(f"SET sql_mode=''; UPDATE `{table}` SET `{column}` = {was} WHERE `{key}` = {mine}", site)
        checked += 1
        wanted = api.sql(f"SELECT LOWER(HEX(uuid)) FROM `{table}` WHERE `{key}` IN ({mine}, {other}) ORDER BY `{key}` = {mine} DESC", site)
        uuids = [str(h.get("uuid")).replace("-", "") for h in hit]
        if wanted[0][0] not in uuids or (column not in FIXED and len(wanted) > 1 and wanted[1][0] in uuids):
            found.append(f"{param}={value}: {uuids}")
        if miss:
            found.append(f"{param}={nobody}: {len(miss)} rows")
    assert not found, "\n".join(found)
    assert checked > 3, told


@pytest.mark.parametrize("site", [s for s in (V8, "g61", "g70", "g82") if at_hand(s)])
def test_prescriptions_are_filtered_by_what_they_show(api, site):
    """Any member that they have, whichever of the two tables they come from: those that show the value, and no others."""
    rows, route = rows_of(api("GET", "/api/prescription", site)), BY_NAME["GET /api/prescription"]
    assert {r["source_table"] for r in rows} == {"prescriptions", "lists"}
    told = [p["name"] for p in api.operation(site, route)["parameters"] if p["in"] == "query"]
    for member in ("drug", "source_table", "status", "intent", "category", "active", "note", "unit", "route", "drug_dosage_instructions"):
        assert member in told
        for value in {r[member] for r in rows} - {None, ""}:
            got = rows_of(api("GET", "/api/prescription", site, params={member: value}))
            assert {r["uuid"] for r in got} == {r["uuid"] for r in rows if r[member] == value}, (member, value)
        assert rows_of(api("GET", "/api/prescription", site, params={member: "Nobody has this"})) == []


# --- sorting and paging ------------------------------------------------------------------------------------------------------------------
def paged(api):
    for route in ROUTES:
        op = api.operation(V8, route)
        if op and any(p["name"] == "_limit" for p in op["parameters"]):
            yield route, op


def test_pages_make_the_whole_and_every_member_of_sort_sorts(api):
    seen = []
    for route, op in paged(api):
        path = api.world[V8].path(route)
        whole = [identity(r) for r in rows_of(api("GET", path, V8))]
        pages = [rows_of(api("GET", path, V8, params={"_limit": 1, "_offset": i})) for i in range(len(whole) + 1)]
        assert [identity(r) for page in pages for r in page] == whole and pages[-1] == [], route.name
        members = [v for p in op["parameters"] if p["name"] == "_sort" for v in p["schema"]["items"]["enum"]]
        for member in members:
            rows = rows_of(api("GET", path, V8, params={"_sort": member, "_limit": 200}))
            values = [r[member.lstrip("-")] for r in rows if r.get(member.lstrip("-")) is not None]
            keys = [v if isinstance(v, int) else str(v).casefold() for v in values]
            down = member.startswith("-")
            assert keys == sorted(keys, reverse=down), f"{route.name} _sort={member}: {values}"
        seen.append(route.name)
    assert len(seen) >= 1, seen


# --- forms of ids --------------------------------------------------------------------------------------------------------------------------
PAIRS = {"puuid": ("patient_data", "pid"), "pid": ("patient_data", "pid"), "euuid": ("form_encounter", "encounter"), "eid": ("form_encounter", "encounter")}


@pytest.mark.parametrize("site", [V8, "g61"] if at_hand("g61") else [V8])
@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET" and r.parameters and "$" not in r.path], ids=lambda r: r.name)
def test_a_path_takes_each_form_of_an_id_that_is_documented(api, route, site):
    """6.x clients name patients by number where 8.x has uuids, and the other way round."""
    op, world, answers = api.operation(site, route), api.world[site], []
    forms = [p["description"] for p in op["parameters"] if p["in"] == "path" and "description" in p]
    both = [n for n, p in zip(route.parameters, [p for p in op["parameters"] if p["in"] == "path"]) if p.get("description") == "a uuid or a number"]
    if not both:
        assert route.resource in ("document", "list", "background_service") or forms or site == "g61", (route.name, forms)
        return
    values = {p: world.parameter(route, p, 1) for p in route.parameters}
    for name in both:
        table, number = PAIRS.get(name, (None, None))
        if table and not (name == "eid" and route.resource == "appointment"):
            (of, uuid), = api.sql(f"SELECT `{number}`, LOWER(HEX(uuid)) FROM `{table}` WHERE pid = 1 ORDER BY id LIMIT 1", site)
        else:
            one = rows_of(api("GET", route.filled(values), site, who=route.who))
            one = one[0] if isinstance(one, list) else one
            of, uuid = str(one.get("id", one.get("pc_eid"))), str(one.get("uuid", one.get("pc_uuid"))).replace("-", "")
        if uuid in ("None", "NULL") or of == "None":
            continue
        for form in (of, f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"):
            r = api("GET", route.filled({**values, name: form}), site, who=route.who)
            assert r.status_code == 200, f"{route.name} {name}={form}: {r.status_code} {r.text[:300]}"
            answers.append(json.dumps(rows_of(r)))
    assert len(set(answers)) <= 1 and (answers or len(route.parameters) == 1)


# --- required members ----------------------------------------------------------------------------------------------------------------------
# What the contract calls required and OpenEMR does not ask for of an empty body
LATER = {"POST /api/patient/:puuid/insurance": {"date", "date_end", "type"}}
REQUIRED = [BY_NAME[n] for n, f in FACTS.items() if f["method"] == "POST" and [b for b in f.get("body_fields", []) if b.get("required") is True] and n in BY_NAME
            and "document" not in n]


@pytest.mark.parametrize("site", [V8, CLASSIC])
@pytest.mark.parametrize("route", REQUIRED, ids=lambda r: r.name)
def test_a_body_without_its_required_members_is_told_all_of_them(api, route, site):
    wanted = {b["name"] for b in FACTS[route.name]["body_fields"] if b.get("required") is True} - LATER.get(route.name, set())
    r = api("POST", api.world[site].path(route), site, json={})
    body = r.json()
    errors = body.get("validationErrors", body)
    assert wanted <= set(errors), f"{r.status_code} {r.text[:500]}"
    told = FACTS[route.name]["status_by_compat"]["v8" if site == V8 else "classic"]
    documented = FACTS[route.name]["errors"]["validation"]  # of both, where the compat has none of its own; or a text
    status = None if isinstance(told, str) else told.get("validation")
    assert r.status_code == (status or (documented["status"] if isinstance(documented, dict) else r.status_code)), f"{r.status_code} {r.text[:200]}"


@pytest.mark.parametrize("site", [V8, CLASSIC])
def test_whom_an_appointment_names_but_is_not_there_is_told_under_the_members_own_code(api, site):
    route = BY_NAME["POST /api/patient/:pid/appointment"]
    body = dict(body_of(route, "v8" if site == V8 else "classic"), pc_aid="999999")
    for pid, wanted in ((1, {"pc_aid": {"pc_aid": "pc_aid must be for a valid user"}}), (999999, {"pid": {"pid": "pid must be for a valid patient"}})):
        r = api("POST", f"/api/patient/{pid}/appointment", site, json=body)
        assert r.status_code == (200 if site == V8 else 400) and wanted.items() <= r.json().items(), r.text


# --- what a write writes --------------------------------------------------------------------------------------------------------------------
WRITING = sorted((BY_NAME[n] for n, f in FACTS.items() if f["method"] != "GET" and n in BY_NAME and "document" not in n and "background" not in n and "$" not in n),
                 key=lambda r: (("POST", "PUT", "DELETE").index(r.method), r.name))
# route: tables of the contract that this write does not touch, and why
UNTOUCHED = {
    "PUT /api/patient/:pid/encounter/:eid/vital/:vid": {"uuid_mapping"},  # they are there since the creation
}
# route: further ones, and why
MORE = {
    "PUT /api/patient/:pid/encounter/:eid/vital/:vid": {"form_vitals_calculation", "form_vitals_calculation_components"},  # the patient's means follow
}
CHANGES = {"insurance_company": {"phone": "555-111-2222"}, "insurance": {"plan_name": "Another Plan"}}  # what the good bodies leave as it is
LOGGED = {"log", "log_comment_encrypt"}
TIMES = ("api_log", "ip_tracking", "users_secure", "oauth_clients", "oauth_trusted_user", "api_token", "api_refresh_token")


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_a_write_changes_the_documented_tables_and_the_log_and_no_other(api, route):
    site = V8
    before, logged = api.checksums(site, TIMES), int(api.sql("SELECT COALESCE(MAX(id), 0) FROM log", site)[0][0])
    body = body_of(route, "v8")
    body = dict(body, **CHANGES.get(route.resource, {})) if body else body
    r = api(route.method, api.world[site].path(route, 2 if route.method == "DELETE" else 1), site, json=body)
    assert r.status_code in (200, 201) and not (isinstance(r.json(), dict) and r.json().get("validationErrors")), f"{r.status_code} {r.text[:400]}"
    after = api.checksums(site, TIMES)
    changed, told = {t for t in after if after[t] != before[t]}, set(FACTS[route.name]["tables_written"])
    assert told - UNTOUCHED.get(route.name, set()) <= changed, f"not written: {told - changed}"
    assert changed - told - LOGGED <= {"uuid_registry"} | MORE.get(route.name, set()), f"written beside them: {changed - told}"
    rows = api.sql(f"SELECT event, user, success FROM log WHERE id > {logged}", site)
    assert [row[1:] for row in rows] == [["admin", "1"]], rows
    assert api.sql("SELECT COUNT(*) - COUNT(DISTINCT uuid) FROM uuid_registry", site) == [["0"]]
