# SPDX-License-Identifier: GPL-3.0-or-later
"""The access matrix: every route of the Standard and the Portal API, asked by everyone. What is expected follows from the scope file and the
stock groups (grants.py), not from the program. And ownership: what belongs to another patient is not found, and stays as it is."""
from uuid import UUID

import pytest
from generation import ACCOUNTS
from grants import GROUP_OF, granted
from routes import ROUTES
from world import LISTS as LIST_IDS, body_of

SITE = "access"
STAFF = tuple(GROUP_OF)
ACTORS = ("nobody", "other site", "no scope", "wrong scope", *STAFF, *ACCOUNTS)
# v8: 401 without a token or scope, 403 for the API, the role or the ACL
ALLOWED, UNKNOWN, FORBIDDEN = "allowed", 401, 403
UNGRANTABLE = "background_service"  # OpenEMR offers no scope for these routes


class Row:
    def __init__(self, route, actor):
        self.route, self.actor, self.resource = route, actor, route.resource

    def __str__(self):
        return f"{self.route.name} by {self.actor}"

    @property
    def expected(self):
        route, actor = self.route, self.actor
        if route.row.get("public"):
            return ALLOWED if actor != "other site" else (ALLOWED, UNKNOWN)
        if actor in ("nobody", "other site"):
            return UNKNOWN
        standard, patient = route.api == "standard", actor in ACCOUNTS or actor == "wrong scope" and route.api == "portal"
        if actor == "no scope" or standard == patient:
            return FORBIDDEN  # the API's own scope, or its role
        if actor == "wrong scope" or self.resource == UNGRANTABLE:
            return UNKNOWN
        return ALLOWED if patient or granted(actor, route.row.get("acl")) else FORBIDDEN


MATRIX = [Row(route, actor) for route in ROUTES for actor in ACTORS]


def token(api, row):
    if row.actor == "nobody":
        return None
    if row.actor == "other site":
        return api.token("hostile", "admin")
    if row.actor == "no scope":
        return api.token(SITE, "admin", "openid api:fhir user/Patient.read")
    if row.actor == "wrong scope":
        patient = row.route.api == "portal"
        if patient:
            other = "patient/encounter.rs" if row.resource == "patient" else "patient/patient.s"
            return api.token(SITE, "Phil1", f"openid api:port {other}")
        return api.token(SITE, "admin", "openid api:oemr " + ("user/facility.rs" if row.resource != "facility" else "user/patient.rs"))
    return api.token(SITE, row.actor)


def owner(row):
    return 2 if row.actor == "Zoe2" else 1


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_who_may_use_the_route(api, row):
    if not api.served(row.route.name, SITE):
        pytest.skip("not served by direct yet")
    # nothing is deleted: the last number of the path is unknown
    path = api.world[SITE].path(row.route, owner(row))
    if row.route.method == "DELETE":
        path = path.rsplit("/", 1)[0] + ("/99999" if path.rsplit("/", 1)[1].isdigit() else "/00000000-0000-4000-8000-000000000000")
    r = api.gateway.request(row.route.method, f"/apis/{SITE}{path}", token(api, row), **({"json": {}} if row.route.method in ("POST", "PUT") else {}))
    expected = row.expected if isinstance(row.expected, tuple) else (row.expected,)
    got = r.status_code if r.status_code in (401, 403) else ALLOWED
    assert got in expected, f"{path}: {r.status_code} {r.text[:300]}"
    assert r.status_code < 500 and "Route not found" not in r.text, f"{path}: {r.status_code} {r.text[:300]}"
    if got == ALLOWED and row.route.method == "GET" and "$" not in path and row.actor in ("admin", *ACCOUNTS) and not path.endswith("/document"):
        assert r.status_code == 200, f"{path}: {r.status_code} {r.text[:300]}"


# --- letters of scopes ---------------------------------------------------------------------------------------------------------------------
def letter(route):
    """The one permission that the row names: a letter, or an operation."""
    return route.row["scope"].rpartition(".")[2]


@pytest.mark.parametrize("held", ["c", "r", "u", "d", "s", "$swap-insurance"])
def test_a_permission_opens_the_routes_that_name_it_and_no_other(api, held):
    """A token with this permission on every resource that offers it: reading is not searching, writing is not reading."""
    closed = [r for r in ROUTES if not r.row.get("public") and r.resource != UNGRANTABLE and api.served(r.name, SITE)]
    for part, who, name in (("standard", "admin", "api:oemr"), ("portal", "Phil1", "api:port")):
        routes = [r for r in closed if r.api == part]
        scopes = sorted({r.row["scope"] for r in routes if letter(r) == held})
        if not scopes:
            continue
        token, wrong = api.token(SITE, who, " ".join(["openid", name, *scopes])), []
        for route in routes:
            path = route.filled({p: 99999 if p in ("pid", "eid") or p[1:] == "id" else "00000000-0000-4000-8000-000000000000" for p in route.parameters})
            r = api.gateway.request(route.method, f"/apis/{SITE}{path}", token, **({"json": {}} if route.method in ("POST", "PUT") else {}))
            if (r.status_code in (401, 403)) != (letter(route) != held) or r.status_code >= 500:
                wrong.append(f"{route.name}: {r.status_code}")
        assert wrong == []


# --- ownership -----------------------------------------------------------------------------------------------------------------------------
class Nested:
    """A route below a patient, with one of its parameters naming a record of the other patient."""

    def __init__(self, route, parameter):
        self.route, self.parameter, self.resource = route, parameter, route.resource

    def __str__(self):
        return f"{self.route.name} with another's :{self.parameter}"

    def path(self, world, mine, other):
        values = {p: world.parameter(self.route, p, other if p == self.parameter else mine) for p in self.route.parameters}
        return self.route.filled(values)


PATIENT = ("pid", "puuid")
NESTED = [Nested(r, p) for r in ROUTES if set(PATIENT) & set(r.parameters) for p in r.parameters if p not in (*PATIENT, "type")]
# what every request may write
VOLATILE = ("log", "api_log", "log_comment_encrypt", "ip_tracking", "users_secure", "api_token", "oauth_clients", "oauth_trusted_user", "extended_log")


def is_not_found(r):
    """400, 404, or the 8.x answer 200 without data."""
    if r.status_code in (400, 404):
        return True
    body = r.json()
    if body in (True, {"message": "record deleted"}):
        return True  # DELETE answers so whether or not there was a record; the tables tell
    if isinstance(body, dict) and "data" in body:
        return r.status_code == 200 and body["data"] in ([], None) or bool(body["validationErrors"])
    return isinstance(body, dict) and any(isinstance(v, dict) for v in body.values())


@pytest.mark.parametrize("row", NESTED, ids=str)
def test_a_record_of_another_patient_is_not_found_and_not_changed(api, row):
    if not api.served(row.route.name, SITE):
        pytest.skip("not served by direct yet")

    before = api.checksums(SITE, VOLATILE)
    path = row.path(api.world[SITE], 1, 2)
    r = api(row.route.method, path, SITE, json=body_of(row.route, "v8"))
    assert is_not_found(r) or row.route.method == "PUT" and list(r.json()) in (["mid"], ["id"], ["sid"], ["vid"]), f"{path}: {r.status_code} {r.text[:400]}"
    after = api.checksums(SITE, VOLATILE)
    assert {t for t in after if after[t] != before[t]} == set(), path


KINDS = {"dental_issue": "dental"}  # what a resource's rows are called in the table lists
OF_LISTS = [r for r in ROUTES if KINDS.get(r.resource, r.resource) in LIST_IDS and len(r.parameters) == 2]


@pytest.mark.parametrize("route", OF_LISTS, ids=lambda r: r.name)
def test_an_entry_of_another_kind_of_the_same_patient_is_not_found_and_not_changed(api, route):
    """The kinds have a scope each and a table in common."""
    if not api.served(route.name, SITE):
        pytest.skip("not served by direct yet")
    before = api.checksums(SITE, VOLATILE)
    for kind, first in LIST_IDS.items():
        if kind == KINDS.get(route.resource, route.resource):
            continue
        path = route.filled({p: first + 1 if p not in PATIENT else api.world[SITE].parameter(route, p, 1) for p in route.parameters})
        r = api(route.method, path, SITE, json=body_of(route, "v8"))
        assert is_not_found(r) and "of 1" not in r.text, f"{kind}: {path}: {r.status_code} {r.text[:400]}"
    after = api.checksums(SITE, VOLATILE)
    assert {t for t in after if after[t] != before[t]} == set()


DELETED = {"message": "UPDATE pnotes SET deleted = {} WHERE id = 601", "soap_note": "UPDATE forms SET deleted = {} WHERE formdir = 'soap' AND form_id = 301",
           "vital": "UPDATE forms SET deleted = {} WHERE formdir = 'vitals' AND form_id = 201"}


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "PUT" and r.resource in DELETED], ids=lambda r: r.name)
def test_what_was_deleted_is_not_changed(api, route):
    if not api.served(route.name, SITE):
        pytest.skip("not served by direct yet")
    path, delete = api.world[SITE].path(route, 1), DELETED[route.resource]
    api.sql(delete.format(1), SITE)
    try:
        before = api.checksums(SITE, VOLATILE)
        r = api(route.method, path, SITE, json=body_of(route, "v8"))
        after = api.checksums(SITE, VOLATILE)
    finally:
        api.sql(delete.format(0), SITE)
    assert r.status_code == 404, r.text[:300]
    assert {t for t in after if after[t] != before[t]} == set()


@pytest.mark.parametrize("name", ["admin", "ADMIN", "admin ", "physician", "oe-system"])
def test_nobody_takes_the_login_name_of_an_account(api, name):
    """OpenEMR's rights, groups and passwords go by login names: one who may write users had those of the account with the next request."""
    body = {"fname": "Doc", "lname": "Tor", "npi": "1234567899"}
    before = api.checksums(SITE, VOLATILE)
    uuid = api.sql("SELECT LOWER(HEX(uuid)) FROM users WHERE username = 'clinician'", SITE)[0][0]
    path = f"/api/practitioner/{UUID(uuid)}"
    for r in (api("POST", "/api/practitioner", SITE, json=dict(body, username=name)), api("PUT", path, SITE, json={"username": name})):
        assert (r.status_code, list(r.json()["validationErrors"])) == (400, ["username"]), r.text[:300]
    after = api.checksums(SITE, VOLATILE)
    assert {t for t in after if after[t] != before[t]} == set()
    r = api("PUT", path, SITE, json={"username": "clinician"})  # its own
    assert r.status_code == 200 and r.json()["validationErrors"] == [], r.text[:300]


NAMED = (("users", "username"), ("users_secure", "username"), ("`groups`", "user"), ("gacl_aro", "value"))


@pytest.mark.parametrize("name, status", [("日" * 85, 200), ("日" * 85 + "xx", 401)], ids=["255 bytes", "257 bytes"])
def test_a_login_name_is_kept_whole_or_nobodys(api, name, status):
    """Rights are looked up by it: its beginning may be the name of another."""
    def rename(old, new):
        for table, column in NAMED:
            api.sql(f"UPDATE {table} SET {column} = '{new}' WHERE {column} = '{old}'", SITE)
    rename("clinician", name)
    try:
        token = api.gateway.staff_token("openid api:oemr user/patient.rs", name, SITE)
        r = api.gateway.get(f"/apis/{SITE}/api/patient", token)
    finally:
        rename(name, "clinician")
    assert r.status_code == status, r.text[:300]


OWN_PATH = [r for r in ROUTES if set(PATIENT) & set(r.parameters)]


@pytest.mark.parametrize("route", OWN_PATH, ids=lambda r: r.name)
def test_nothing_is_found_or_made_below_an_unknown_patient(api, route):
    if not api.served(route.name, SITE):
        pytest.skip("not served by direct yet")

    world = api.world[SITE]
    unknown = {"pid": 99999, "puuid": "00000000-0000-4000-8000-000000000000"}
    path = route.filled({p: unknown[p] if p in unknown else world.parameter(route, p, 1) for p in route.parameters})
    before = api.checksums(SITE, VOLATILE)
    r = api(route.method, path, SITE, json=body_of(route, "v8"))
    assert r.status_code < 500, r.text[:300]
    assert is_not_found(r) or route.method == "PUT" and list(r.json()) in (["mid"], ["id"], ["sid"], ["vid"]), f"{path}: {r.status_code} {r.text[:400]}"
    after = api.checksums(SITE, VOLATILE)
    assert {t for t in after if after[t] != before[t]} == set(), path


LISTS = [r for r in ROUTES if r.method == "GET" and r.parameters and set(r.parameters) <= {*PATIENT, "eid"} and r.path.split("/")[-1][0] not in ":$"]


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.name)
def test_a_list_below_a_patient_holds_that_patients_records_alone(api, route):
    if not api.served(route.name, SITE):
        pytest.skip("not served by direct yet")
    world, seen = api.world[SITE], []
    for pid in (1, 2):
        path = world.path(route, pid) + ("?path=/Medical Record" if route.resource == "document" else "")
        r = api("GET", path, SITE)
        assert r.status_code == 200, r.text[:300]
        body = r.json()
        found = body["data"] if isinstance(body, dict) else body
        found = found[0] if found and isinstance(found[0], list) else found
        seen.append({str(e.get("uuid") or e.get("euuid") or e.get("pc_eid") or e.get("id") or e.get("form_id")) for e in found})
    assert seen[0] and seen[1] and not seen[0] & seen[1]


@pytest.mark.parametrize("path", ["encounter/:euuid", "appointment/:auuid"])
def test_the_portal_shows_a_patient_nothing_of_another(api, path):
    route = next(r for r in ROUTES if r.path == f"/portal/patient/{path}")
    if not api.served(route.name, SITE):
        pytest.skip("not served by direct yet")
    world = api.world[SITE]
    assert api("GET", world.path(route, 2), SITE, who="Zoe2").status_code == 200
    assert is_not_found(api("GET", world.path(route, 2), SITE, who="Phil1"))


def test_the_portal_patient_is_the_one_who_signed_in(api):
    if not api.served("GET /portal/patient", SITE):
        pytest.skip("not served by direct yet")
    names = [api("GET", "/portal/patient", SITE, who=w).json()["data"]["lname"] for w in ACCOUNTS]
    assert names == ["Belford", "Nguyễn"]
