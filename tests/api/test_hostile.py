# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile input to every route and parameter: never a 5xx, the refusal in the route's envelope, and nothing written that the route does not
document. What is a good value for a member (a quote in a name) is stored as it is."""
import json
import re
import urllib.parse

import pytest
from generation import CONTRACT
from routes import ROUTES
from world import body_of

SITE = "hostile"
WORDS = ["'", '"', "\\", "%", "_", "x' OR '1'='1", "1; DROP TABLE users", "0x41", "1e308", "-1", "99999999999999999999", "a" * 3000, "é😀", "(((", "NULL", "../..",
         "2026-02-30", "0000-00-00", "[]", "{}", "true", "\x00", "a\x00b", "\r\nX-Evil: 1", "<script>", "${jndi:x}", "%s%n", "x'/*", "1 UNION SELECT 1"]
RAW_QUERY = ["%ff%fe", "%c0%af", "%", "%zz", "a[]=1", "a[b]=1", "&&&", "=", "x=%00", "_limit=-1", "_limit=abc", "_limit=999999999999", "_offset=-1",
             "_sort=id;drop", "_sort=(select 1)", "_limit=1&_limit=2", "fname[]=a", "fname[0]=a"]
VALUES = {"array": ["a"], "nested": {"a": {"b": ["c"]}}, "true": True, "huge number": 10**30, "float": 1e308, "negative": -1, "long": "x" * 70000, "quote": "a' OR 1=1 -- ",
          "like": "100%_\\", "NUL": "a\x00b", "lone surrogate": "\ud800", "impossible date": "2026-02-30", "month 13": "2026-13-01", "zero date": "0000-00-00", "null": None, "empty": "",
          "emoji": "😀" * 10, "markup": "<script>alert(1)</script>", "line breaks": "a\r\nb: c"}
BODIES = {"nothing": b"", "a word": b"x", "invalid UTF-8": b'{"fname": "\xff\xfe"}', "cut": b'{"fname": "a"', "deep": b"[" * 20000, "deep object": b'{"a":' * 5000, "NUL": b"\x00" * 10,
          "form": b"fname=a&lname=b", "array": b"[1,2]", "twice": b'{"title":1,"title":2}', "number": b"1e999", "BOM": b"\xef\xbb\xbf{}", "many": json.dumps({f"m{i}": i for i in range(5000)}).encode()}
EVIL = {"id": 99999, "uuid": "11111111-1111-4111-8111-111111111111", "pid": 2, "deleted": 1, "created_by": 99, "updated_by": 99, "authorized": 9, "activity": 9,
        "user_id": 99, "portal_pwd": "x", "password": "x", "encounter_id": 4, "1=1": "x", "fname=fname,lname": "x", "`id`": 1, "type; DROP TABLE users": "x"}
WRITING = [r for r in ROUTES if r.method in ("POST", "PUT") and body_of(r, "classic") is not None and r.resource != "background_service" and "$" not in r.path]
LISTS = [r for r in ROUTES if r.method == "GET" and r.resource != "background_service" and "$" not in r.path]
WITH_ID = [r for r in ROUTES if r.parameters and r.resource != "background_service"]
# every request leaves these
EVERY = {"log", "log_comment_encrypt", "api_log", "extended_log", "ip_tracking", "users_secure", "api_token", "oauth_trusted_user", "oauth_clients", "uuid_registry", "uuid_mapping", "sequences"}


def facts():
    return {f"{r['method']} {r['path']}": r for p in sorted((CONTRACT / "standard").glob("*.json")) if p.name != "index.json" for r in json.loads(p.read_text())["routes"]}


FACTS = facts()


def skip_unserved(api, route):
    if not api.served(route.name, SITE):
        pytest.skip("not served by direct yet")


def who(route):
    return "Phil1" if route.api == "portal" else "admin"


def checksums(api):
    tables = [t for (t,) in api.sql("SHOW TABLES", SITE)]
    return {t.split(".")[1]: c for t, c in api.sql("CHECKSUM TABLE " + ",".join(f"`{t}`" for t in tables), SITE)}


def good(r, what):
    """Not a 5xx, and JSON or the empty body of a 404; an error is in an envelope of the API."""
    assert r.status_code < 500, f"{what}: {r.status_code} {r.text[:300]}"
    assert "SQL" not in r.text and "mysql" not in r.text.lower() and "MariaDB" not in r.text, f"{what}: {r.text[:300]}"
    if r.headers["Content-Type"].startswith("application/json"):
        r.json()
    else:
        assert r.text == "" or r.status_code == 200, f"{what}: {r.status_code} {r.headers['Content-Type']} {r.text[:200]}"


# OpenEMR's PUT fails before it gets to these (contract standard/vital.json); a changed reading changes its means as a new one does.
MORE = {"PUT /api/patient/:pid/encounter/:eid/vital/:vid": set(FACTS.get("POST /api/patient/:pid/encounter/:eid/vital", {}).get("tables_written", ()))}


def undocumented(route, changed):
    """Those of the changed tables that the route does not write; none is told where the contract is not at hand."""
    return set(changed) - set(FACTS[route.name]["tables_written"]) - EVERY - MORE.get(route.name, set()) if route.name in FACTS else set()


@pytest.mark.parametrize("route", WITH_ID, ids=lambda r: r.name)
def test_a_hostile_path_parameter(api, route):
    skip_unserved(api, route)
    world, before = api.world[SITE], checksums(api)
    for name in route.parameters:
        values = {p: world.parameter(route, p, 1) for p in route.parameters}
        for word in [w for w in WORDS if len(w) < 3000] + ["9" * 400, "-", "$", "00000000-0000-4000-8000-00000000000g", "1 ", "٣"]:
            path = route.filled({**values, name: "HERE"}).replace("HERE", urllib.parse.quote(word, safe=""))
            r = api(route.method, path, SITE, who=who(route), json={} if route.method in ("POST", "PUT") else None)
            good(r, path)
            assert r.status_code != 201, path
    after = checksums(api)
    assert {t for t in after if after[t] != before[t]} <= EVERY


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.name)
def test_a_hostile_query(api, route):
    skip_unserved(api, route)
    path, fact = api.world[SITE].path(route), FACTS.get(route.name, {})
    names = [q["name"] for q in fact.get("query_params", []) if re.fullmatch(r"\w+", q["name"])][:6]
    names = names or [c["key"] for c in (fact.get("response", {}).get("columns") or []) if c["json_type"].startswith(("string", "integer"))][:3] or ["id"]
    before = checksums(api)
    for name in [*names, "_sort", "path"]:
        for word in WORDS:
            good(api("GET", path + "?" + urllib.parse.urlencode({name: word}), SITE, who=who(route)), f"{name}={word[:40]!r}")
    for query in RAW_QUERY:
        good(api("GET", f"{path}?{query}", SITE, who=who(route)), query)
    after = checksums(api)
    assert {t for t in after if after[t] != before[t]} <= EVERY


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_a_hostile_member(api, route):
    """Each member of a good body in turn with each hostile value; a list or an object is refused."""
    skip_unserved(api, route)
    path, base = api.world[SITE].path(route), body_of(route, "classic")
    before = checksums(api)
    for name in list(base)[:12]:
        for kind, value in VALUES.items():
            r = api(route.method, path, SITE, data=json.dumps({**base, name: value}).encode(), headers={"Content-Type": "application/json"})
            good(r, f"{name}: {kind}")
            if kind in ("array", "nested"):
                assert r.status_code == 400, f"{name}: {kind}: {r.status_code} {r.text[:300]}"
            if kind in ("impossible date", "month 13") and re.search(r"date|DOB", name, re.I) and "facil" not in name:
                assert r.status_code == 400, f"{name}: {kind}: {r.status_code} {r.text[:300]}"
    after = checksums(api)
    assert not undocumented(route, {t for t in after if after[t] != before[t]})


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_a_hostile_body(api, route):
    skip_unserved(api, route)
    path = api.world[SITE].path(route)
    for kind, raw in BODIES.items():
        good(api(route.method, path, SITE, data=raw, headers={"Content-Type": "application/json"}), kind)


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_members_that_are_not_documented_are_not_written(api, route):
    skip_unserved(api, route)
    path, base = api.world[SITE].path(route), body_of(route, "classic")
    allowed = {f["name"] for f in FACTS.get(route.name, {}).get("body_fields", [])}
    evil = {k: v for k, v in EVIL.items() if k not in allowed and k not in base}
    before = checksums(api)
    r = api(route.method, path, SITE, json={**base, **evil})
    assert r.status_code in (200, 201, 400), r.text[:300]
    after = checksums(api)
    changed = {t for t in after if after[t] != before[t]}
    assert not undocumented(route, changed)
    for table in changed - EVERY:
        for column, value in (("id", 99999), ("uuid", "UNHEX('11111111111141118111111111111111')"), ("created_by", 99), ("updated_by", 99), ("authorized", 9), ("activity", 9)):
            if column in evil and api.sql(f"SELECT 1 FROM information_schema.columns WHERE table_schema = 'openemr_{SITE}' AND table_name = '{table}' AND column_name = '{column}'", SITE):
                assert api.sql(f"SELECT COUNT(*) FROM `{table}` WHERE `{column}` = {value}", SITE) == [["0"]], f"{table}.{column}"


def test_the_tables_are_all_there_at_the_end(api):
    assert len(api.sql("SHOW TABLES", SITE)) > 100 and int(api.sql("SELECT COUNT(*) FROM users", SITE)[0][0]) >= 5
