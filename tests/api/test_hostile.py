# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile input to every route and parameter, in both compat modes: never a 5xx, the refusal in the route's envelope as the site's OpenAPI document
tells it, and nothing written that the route does not document. What is a good value for a member (a quote in a name) is stored as it is."""
import json
import re
import urllib.parse

import pytest
from generation import SITES, contract_routes
from routes import ROUTES
from world import body_of

HOSTILE = ("hostile", "hostile8")  # classic, v8
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
MEANS = {"form_vitals_calculation", "form_vitals_calculation_components", "form_vitals_calculation_form_vitals"}  # of a patient's vitals


FACTS = {f"{r['method']} {r['path']}": r for r in contract_routes()}


def body_at(route, site):
    return body_of(route, SITES[site][1])


@pytest.fixture(params=HOSTILE)
def site(request):
    return request.param


class Asked:
    """Requests to one route of a site; each answer is as the document says, and tells nothing of the database."""

    def __init__(self, api, site, route):
        self.api, self.site, self.route = api, site, route
        self.path, self.op = api.world[site].path(route), api.operation(site, route)

    def __call__(self, path, what, **kw):
        r = self.api(self.route.method, path, self.site, who=self.route.who, **kw)
        assert r.status_code < 500, f"{what}: {r.status_code} {r.text[:300]}"
        assert "SQL" not in r.text and "mysql" not in r.text.lower() and "MariaDB" not in r.text, f"{what}: {r.text[:300]}"
        why = self.api.document(self.site).answers_to(self.op, r)
        assert why is None, f"{what}: {why}\n{r.text[:300]}"
        return r

    def send(self, body, what):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self(self.path, what, data=raw, headers={"Content-Type": "application/json"})


def refused_for(r, name):
    """Whether the answer is an error of this member, or (a body that cannot be read) of the whole request. 8.x sends 200 with some of them."""
    body = r.json()
    if "message" in body or "error_description" in body:
        return r.status_code == 400
    return name in body.get("validationErrors", body) and (r.status_code == 400 or r.status_code == 200)


def undocumented(route, changed):
    """Those of the changed tables that the route does not write; none is told where the contract is not at hand."""
    return set(changed) - set(FACTS[route.name]["tables_written"]) - EVERY - MEANS if route.name in FACTS else set()


@pytest.mark.parametrize("route", WITH_ID, ids=lambda r: r.name)
def test_a_hostile_path_parameter(api, site, route):
    ask, world, before = Asked(api, site, route), api.world[site], api.checksums(site)
    for name in route.parameters:
        values = {p: world.parameter(route, p, 1) for p in route.parameters}
        for word in [w for w in WORDS if len(w) < 3000] + ["9" * 400, "-", "$", "00000000-0000-0000-0000-00000000000g", "1 ", "٣"]:
            path = route.filled({**values, name: "HERE"}).replace("HERE", urllib.parse.quote(word, safe=""))
            r = ask(path, path, json={} if route.method in ("POST", "PUT") else None)
            assert r.status_code != 201, path
    after = api.checksums(site)
    assert {t for t in after if after[t] != before[t]} <= EVERY


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.name)
def test_a_hostile_query(api, site, route):
    """Each documented parameter; text that matches nothing finds nothing."""
    ask, before = Asked(api, site, route), api.checksums(site)
    names = [p["name"] for p in ask.op["parameters"] if p["in"] == "query"]
    for i, name in enumerate([*names, "_sort", "path", "undocumented"]):
        for word in WORDS if i < 6 else WORDS[i % 5::5]:
            r = ask(ask.path + "?" + urllib.parse.urlencode({name: word}), f"{name}={word[:40]!r}")
            if name in ("_limit", "_offset") and not word.isdigit():
                assert r.status_code == 400 and refused_for(r, name), f"{name}={word[:40]!r}: {r.status_code} {r.text[:300]}"
    for query in RAW_QUERY:
        r = ask(f"{ask.path}?{query}", query)
        assert r.status_code == 400 or query not in ("%ff%fe", "%c0%af", "x=%00"), query  # no UTF-8, or no text
    after = api.checksums(site)
    assert {t for t in after if after[t] != before[t]} <= EVERY


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_a_hostile_member(api, site, route):
    """Each member of a good body in turn with each hostile value; a list or an object is refused, and so is a date that is none."""
    ask, base, before = Asked(api, site, route), body_at(route, site), api.checksums(site)
    for name in base:
        for kind, value in VALUES.items():
            r = ask.send({**base, name: value}, f"{name}: {kind}")
            if kind in ("array", "nested") or kind in ("impossible date", "month 13") and re.search(r"date|DOB", name, re.I) and "facil" not in name:
                assert refused_for(r, name), f"{name}: {kind}: {r.status_code} {r.text[:300]}"
    after = api.checksums(site)
    assert not undocumented(route, {t for t in after if after[t] != before[t]})


# route, member, what its column would store as something else: the nearest number that fits, a text cut short
BEYOND = [("PUT /api/patient/:puuid/encounter/:euuid", "pos_code", 99999), ("PUT /api/patient/:puuid/encounter/:euuid", "facility_id", "99999999999"),
          ("PUT /api/patient/:puuid/encounter/:euuid", "stmt_count", 1e30), ("PUT /api/patient/:puuid/encounter/:euuid", "billing_note", "é" * 40000),
          ("PUT /api/patient/:puuid", "providerID", -1e15), ("PUT /api/patient/:puuid", "suffix", "é" * 200),
          ("POST /api/patient/:pid/encounter/:eid/vital", "weight", "99999999999"), ("PUT /api/patient/:pid/encounter/:eid/vital/:vid", "pulse", "1" + "0" * 600),
          ("POST /api/patient/:pid/encounter/:eid/soap_note", "plan", "é" * 40000)]


@pytest.mark.parametrize("name, member, value", BEYOND, ids=[f"{n} {m}" for n, m, _ in BEYOND])
def test_what_a_column_cannot_hold_is_refused_and_not_stored_as_something_else(api, site, name, member, value):
    route = next(r for r in ROUTES if r.name == name)
    ask, before = Asked(api, site, route), api.checksums(site)
    r = ask.send({**body_at(route, site), member: value}, member)
    assert refused_for(r, member), f"{r.status_code} {r.text[:300]}"
    after = api.checksums(site)
    assert {t for t in after if after[t] != before[t]} <= EVERY


# PHP reads each of these as JSON: they may not pass for the empty body that text which is no JSON counts as, with nothing written and nothing said
READABLE = {"a number beyond 64 bits": (rb'{"providerID": 1000000000000000000000000000000}', "providerID"), "NUL": (rb'{"mname": "a\u0000b"}', "mname"),
            "NUL beside good ones": (rb'{"city": "Bern", "mname": "a\u0000b"}', "mname"), "no number": (rb'{"mname": 1e999}', None), "NUL in a name": (rb'{"a\u0000b": 1}', None),
            "deep": (rb'{"mname": ' + b"[" * 100 + b"]" * 100 + b"}", None)}


@pytest.mark.parametrize("what", READABLE)
def test_json_that_is_not_taken_is_not_an_empty_body(api, site, what):
    route, (raw, member) = next(r for r in ROUTES if r.name == "PUT /api/patient/:puuid"), READABLE[what]
    before = api.sql("CHECKSUM TABLE patient_data", site)
    r = Asked(api, site, route).send(raw, what)
    assert r.status_code == 400 and (member is None or member in r.json()["validationErrors"]), f"{r.status_code} {r.text[:300]}"
    assert api.sql("CHECKSUM TABLE patient_data", site) == before


def test_the_last_of_a_repeated_member_counts(api, site):
    route = next(r for r in ROUTES if r.name == "PUT /api/patient/:puuid")
    r = Asked(api, site, route).send(b'{"occupation": "one", "occupation": "two"}', "twice")
    assert (r.status_code, r.json()["data"]["occupation"]) == (200, "two")


def test_every_member_that_is_wrong_is_told(api, site):
    """However many they are: a patient has more than a hundred members."""
    lengths = dict(api.sql(f"SELECT column_name, character_maximum_length FROM information_schema.columns WHERE table_schema = 'openemr_{site}' AND table_name = 'patient_data' "
                           "AND character_maximum_length < 300 AND data_type = 'varchar'", site))
    route = next(r for r in ROUTES if r.name == "POST /api/patient")
    members = [b["name"] for b in FACTS[route.name]["body_fields"] if b["name"] in lengths] if FACTS else ["title", "language", "city"]
    errors = Asked(api, site, route).send({m: "x" * 300 for m in members}, "long").json()["validationErrors"]
    assert set(members) <= set(errors) and (len(members) > 64 or not FACTS)


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_a_hostile_body(api, site, route):
    ask = Asked(api, site, route)
    for kind, raw in BODIES.items():
        ask.send(raw, kind)


@pytest.mark.parametrize("route", WRITING, ids=lambda r: r.name)
def test_members_that_are_not_documented_are_not_written(api, site, route):
    ask, base, before = Asked(api, site, route), body_at(route, site), api.checksums(site)
    allowed = {f["name"] for f in FACTS.get(route.name, {}).get("body_fields", [])}
    evil = {k: v for k, v in EVIL.items() if k not in allowed and k not in base}
    r = ask.send({**base, **evil}, "undocumented members")
    assert r.status_code in (200, 201, 400), r.text[:300]
    after = api.checksums(site)
    changed = {t for t in after if after[t] != before[t]}
    assert not undocumented(route, changed)
    for table in changed - EVERY:
        for column, value in (("id", 99999), ("uuid", "UNHEX('11111111111141118111111111111111')"), ("created_by", 99), ("updated_by", 99), ("authorized", 9), ("activity", 9)):
            if column in evil and api.sql(f"SELECT 1 FROM information_schema.columns WHERE table_schema = 'openemr_{site}' AND table_name = '{table}' AND column_name = '{column}'", site):
                assert api.sql(f"SELECT COUNT(*) FROM `{table}` WHERE `{column}` = {value}", site) == [["0"]], f"{table}.{column}"


def test_the_tables_are_all_there_at_the_end(api, site):
    assert len(api.sql("SHOW TABLES", site)) > 100 and int(api.sql("SELECT COUNT(*) FROM users", site)[0][0]) >= 5
