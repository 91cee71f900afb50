# SPDX-License-Identifier: GPL-3.0-or-later
"""Each route of the contract as OpenEMR 8.2 answers it (contract/standard: columns in order with their JSON types, envelope, status, and an
observed exchange), compat v8 on the 8.2 schema: member names, order, types, escaping. Skipped where the contract is not at hand."""
import json
import re

import pytest
from alike import php_text
from generation import contract_routes
from routes import ROUTES, match
from world import body_of

SITE = "g82"
TYPES = {"integer": int, "string": str, "boolean": bool, "number": (int, float), "array": list, "object": dict}


class Row:
    def __init__(self, fact):
        self.fact, self.resource = fact, fact["file"]
        self.route = match(fact["method"], fact["path"].replace(":", "")) or next(r for r in ROUTES if r.name == f"{fact['method']} {fact['path']}")
        self.response = fact["response"]
        self.example = (fact.get("observed_live") or {}).get("example") or {}

    def __str__(self):
        return f"{self.fact['method']} {self.fact['path']}"


ORDER = ("GET", "POST", "PUT", "DELETE")
ALL = sorted((Row(r) for r in contract_routes()), key=lambda r: (ORDER.index(r.fact["method"]), r.fact["order"]))
# (route or resource, member): why its type or presence differs from the contract's column
DIFFERENT = {
    "password": "never returned: null",
    "diagnosis": "an object keyed by code where codes are stored, the empty string otherwise",
    "reaction": "the coding object where the list option has codes",
}
BROKEN = {"GET /api/patient/:pid/document/:did": "a file, not JSON", "GET /api/background_service": "no scope opens it",
          "GET /api/background_service/:name": "no scope opens it", "POST /api/background_service/:name/run": "no scope opens it",
          "POST /api/background_service/$run": "no scope opens it", "POST /api/patient/:pid/document": "multipart; test_documents has it",
          "GET /api/patient/:puuid/insurance/$swap-insurance": "changes the policies; test_writes has it"}


def records(row, body):
    """The objects that the columns describe."""
    d = body["data"] if row.response["envelope"].startswith("processingResult") else body
    while isinstance(d, list):
        if not d:
            return []
        if not isinstance(d[0], list):
            return d
        d = d[0]
    return [d] if isinstance(d, dict) else []


def type_problems(row, record):
    strings = (row.response.get("value_typing") or "").startswith(("unbound", "no filter"))
    out = []
    for c in row.response["columns"]:
        key, value = c["key"], record.get(c["key"])
        if value is None or key in DIFFERENT:
            continue
        of_sql = "intval" not in c.get("transform", "")  # what PHP computes keeps its own type
        wanted = str if strings and of_sql and c["json_type"].startswith(("integer", "number")) else TYPES.get(re.match(r"\w+", c["json_type"])[0])
        if wanted and (not isinstance(value, wanted) or isinstance(value, bool) and wanted is int):
            out.append(f"{key}: {value!r} is no {'string' if wanted is str else c['json_type']}")
    return out


def ask(api, row):
    world = api.world[SITE]
    # what is deleted is patient 2's, so that it is there to be read
    path = world.path(row.route, 2 if row.fact["method"] == "DELETE" else 1)
    query = "?path=/Medical Record" if row.route.resource == "document" else ""
    return api(row.fact["method"], path + query, SITE, who=row.route.who, json=body_of(row.route, "v8"))


@pytest.mark.skipif(not ALL, reason="no contract at hand")
@pytest.mark.parametrize("row", ALL, ids=str)
def test_answered_as_documented(api, row):
    if not api.served(row.route.name, SITE):
        pytest.skip("not served by direct yet")
    if str(row) in BROKEN:
        pytest.skip(BROKEN[str(row)])
    r = ask(api, row)
    wanted = row.fact["status_by_compat"]["v8"]["success"]
    assert r.status_code == wanted, f"{r.status_code} instead of {wanted}: {r.text[:500]}"
    assert r.headers["Content-Type"].split(";")[0] == "application/json"
    body = r.json()
    envelope = row.response["envelope"]
    if envelope.startswith("processingResult"):
        assert list(body) == ["validationErrors", "internalErrors", "data", "links"], list(body)
        assert body["validationErrors"] == [] and body["internalErrors"] == [], r.text[:500]
        if not row.response.get("links"):
            assert body["links"] == [], body["links"]
        elif row.fact["method"] == "GET":
            assert "first" in body["links"], body["links"]
    sparse = {c["key"] for c in row.response["columns"] or [] if "present only" in c["json_type"]}
    columns = [c["key"] for c in row.response["columns"] or [] if c["key"] not in sparse]
    found = records(row, body)
    if row.route.resource in ("insurance_type",) or not columns:
        assert body if columns else body is True, r.text[:300]
        return
    assert found, r.text[:500]
    keys = [k for k in found[0] if k not in sparse]
    assert keys == columns, first_difference(columns, keys)
    problems = [p for record in found for p in type_problems(row, record)]
    assert not problems, "\n".join(sorted(set(problems))[:20])


def first_difference(want, got):
    return f"missing {[k for k in want if k not in got]}, unexpected {[k for k in got if k not in want]}, order differs at " \
           f"{next(((w, g) for w, g in zip(want, got) if w != g), None)}"


@pytest.mark.skipif(not ALL, reason="no contract at hand")
@pytest.mark.parametrize("row", ALL, ids=str)
def test_bytes_are_escaped_as_php_does(api, row):
    if not api.served(row.route.name, SITE):
        pytest.skip("not served by direct yet")
    if str(row) in BROKEN or row.fact["method"] != "GET":
        pytest.skip("no record to read")
    r = ask(api, row)
    assert r.text == php_text(json.loads(r.text), not row.response["writer"].startswith("new")), row.response["writer"]
