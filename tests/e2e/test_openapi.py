# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document of a site and what its routes answer are one: it passes a public validator, holds the routes that are served and no other, and
no request made from it, good or hostile, gets a 5xx or an answer outside the declared ones. On databases of each generation of OpenEMR."""
import collections
import contextlib
import json
import re
import shutil
import subprocess
import zlib

import jsonschema
import pytest
import yaml

from gateway import ROOT, wait_until
from generation import SITES, Generations, at_hand
from openapi_walk import Document, Walk
from routes import ROUTES
from stores import running
from world import body_of

GENERATIONS = [g for g in ("g502", "g502p", "g61", "g70", "g82", "hostile") if at_hand(g)]  # the last is 8.2 under classic
VALIDATOR = ROOT / "tests" / "support" / "openapi"
WALKED = ("g502p", "g61", "g70", "g82", "hostile")  # on these requests are made; 5.0.2 as it is has no tables for OAuth
REQUESTS = 1200  # in all, on a site


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with running(tmp_path_factory.mktemp("stores"), fsync=False) as stores, contextlib.closing(Generations(stores)) as made:
        yield made


def get(served, site, name="openapi.json", **kw):
    return wait_until(lambda: (r := served.gateway.get(f"/apis/{site}/swagger/{name}", **kw)).status_code != 503 and [r], "the schema is read")[0]


@pytest.fixture(scope="module", params=GENERATIONS)
def site(request):
    return request.param


@pytest.fixture(scope="module")
def document(served, site):
    return Document(get(served, site).json())


# --- the document ----------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the public validator cannot be fetched")
    folder = tmp_path_factory.mktemp("validator")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(VALIDATOR / name, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder / "node_modules" / ".bin" / "validate-api"


def test_a_public_validator_takes_it(validator, document, tmp_path):
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document.doc))
    done = subprocess.run([str(validator), str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["valid"] is True, done.stdout.decode()


def test_the_validator_refuses_a_broken_one(validator, document, tmp_path):
    broken = json.loads(json.dumps(document.doc))
    next(iter(broken["paths"].values()))["fetch"] = {}
    del broken["info"]["version"]
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(broken))
    assert b'"valid": true' not in subprocess.run([str(validator), str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout


def test_its_schemas_are_schemas_and_its_references_lead_somewhere(document):
    for schema in document.doc["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                document.resolve(node)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)
    walk(document.doc)
    ids = [op["operationId"] for _, _, op in document.operations()]
    assert len(ids) == len(set(ids))


def test_no_object_has_a_member_twice(served, site):
    """json.loads takes the last one; Swagger UI reads the document as YAML and shows nothing."""
    def once(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)
    json.loads(get(served, site).text, object_pairs_hook=once)


BODIES = re.compile(r"_(create|update)(_\d+)?$")  # names of their schemas


def untold(schema, where=""):
    """Where the schema takes anything: a value without a type, an object without members, or with any. Bodies of requests may have more."""
    if isinstance(schema, list):
        return [w for s in schema for w in untold(s, where)]
    if "$ref" in schema or "const" in schema or "enum" in schema:
        return []
    found = [] if schema.keys() & {"type", "anyOf"} or list(schema) == ["required"] else [where]
    if schema.get("type") == "object" and "additionalProperties" not in schema and not where.startswith("body"):
        found.append(f"{where}: more members")
    if schema.get("type") == "object" and "properties" not in schema and "additionalProperties" not in schema:
        found.append(f"{where}: any members")
    for name, member in schema.get("properties", {}).items():
        found += untold(member, f"{where}.{name}")
    return found + [w for k in ("items", "additionalProperties", "anyOf") if isinstance(schema.get(k), (dict, list)) for w in untold(schema[k], where + "[]")]


def test_it_leaves_nothing_untold(document):
    found = []
    for method, path, op in document.operations():
        assert "default" not in op["responses"], f"{method} {path}"
        for where, told in [("body", op.get("requestBody", {})), *op["responses"].items()]:
            for kind, media in document.resolve(told).get("content", {}).items():
                found += [f"{method} {path} {w}" for w in untold(media["schema"], f"{where} {kind}") if kind != "*/*"]
        for p in op["parameters"]:
            found += [f"{method} {path} {w}" for w in untold(p["schema"], f"body {p['name']}")]
    for name, schema in document.doc["components"]["schemas"].items():
        found += untold(schema, f"{'body ' if BODIES.search(name) else ''}{name}")
    assert not found, "\n".join(found)


UNOFFERED = ("user/background_service", "user/run")  # OpenEMR offers no scope for them (contract/standard-api.md 2)


def test_it_holds_the_served_routes_with_their_scopes(served, site, document):
    rules = yaml.safe_load((ROOT / "scopes" / "openemr.yaml").read_text())
    known = set()
    for api in ("standard", "portal"):
        for entry in rules[api]["routes"]:
            (key, row), = entry.items()
            method, path = key.split()
            known.add((method, document.form(path)))
            op = document.operation(method, path)
            if op is None:
                continue
            assert served.served(f"{method} {path}", site), key
            if (row or {}).get("scope"):
                asked = op["security"][0]["oauth2"]
                resource = row["scope"].rsplit(".", 1)[0]
                assert asked[0] == rules[api]["defaults"]["api_scope"], (key, asked)
                assert asked[1:] == [] if resource in UNOFFERED else asked[1].startswith(f"{resource}."), (key, asked)
                assert {"401", "403"} <= set(op["responses"])
            else:
                assert op["security"] == []
    assert set(document.formed) <= known
    assert document.doc["servers"] == [{"url": f"{served.gateway.origin}/apis/{site}"}]


def test_every_served_route_of_the_newest_generation_is_in_it(served):
    doc = Document(get(served, "g82").json())
    rules = yaml.safe_load((ROOT / "scopes" / "openemr.yaml").read_text())
    for api in ("standard", "portal"):
        for entry in rules[api]["routes"]:
            key = " ".join(next(iter(entry)).split())
            method, path = key.split()
            assert (doc.operation(method, path) is not None) == served.served(key, "g82"), key


def test_a_site_behind_the_proxy_tells_every_route(make_gateway, validator, tmp_path):
    """What the proxied server takes is not known: paths, scopes and the gateway's own refusals are."""
    g = make_gateway(whole=False, extra={"sites.default.backend": "proxy", "sites.default.upstream.url": "http://127.0.0.1:1"})
    doc = Document(g.get("/swagger/openapi.json").json())
    operations = list(doc.operations())
    assert len(operations) >= 103 and len({op["operationId"] for _, _, op in operations}) == len(operations)
    shapes = [doc.form(p) for p in doc.paths]
    assert len(shapes) == len(set(shapes)), "OpenAPI has one path for patterns that differ in names only"
    for method, path, op in operations:
        named = re.findall(r"{(\w+)}", path)
        assert [p["name"] for p in op["parameters"] if p["in"] == "path"] == named, path
        assert ("requestBody" in op) == (method in ("POST", "PUT", "PATCH")), (method, path)
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(doc.doc))
    done = subprocess.run([str(validator), str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert json.loads(done.stdout)["valid"] is True, done.stdout.decode()


# --- what is answered ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def open_site(site):
    if site not in WALKED:
        pytest.skip("its document is tested, not its answers")
    return site


def asked(served, site, document, op, method, request, who):
    request = dict(request)
    response = served(method, request.pop("path"), site, who, **request)
    why = document.answers_to(op, response)
    assert why is None, f"{method} {response.request.url[:300]} as {who}: {why}\nbody sent: {str(response.request.body)[:600]}\nanswer: {response.text[:600]}"
    return response


def in_order(document):
    """Lists before what lies below them, so that ids are known; what deletes comes last."""
    return sorted(document.operations(), key=lambda o: (o[0] == "DELETE", o[1].count("{"), o[1], o[0]))


UNGRANTABLE = "background_service"
OLDER = {"prescription": {"rxnorm_drugcode": "314076"}}  # 5.0.2 stores a number


def test_every_operation_succeeds_once_within_the_document(served, open_site, document):
    """With the rows of the world and a body that OpenEMR documents; a deletion of patient 2's."""
    site, unmet = open_site, []
    for route in sorted(ROUTES, key=lambda r: ("$" in r.path, r.method == "DELETE")):
        op = document.operation(route.method, route.path)
        if op is None or route.resource == UNGRANTABLE:
            continue
        path = served.world[site].path(route, 2 if route.method == "DELETE" else 1)
        request = {"path": path, "json": {**(body_of(route, SITES[site][1]) or {}), **(OLDER.get(route.resource, {}) if site == "g502p" else {})}} if route.method in ("POST", "PUT") else {"path": path}
        if route.resource == "document":
            request = {"path": path, "params": {"path": "/Medical Record"}, **({"files": {"document": ("a.txt", b"some text\n")}} if route.method == "POST" else {})}
        if "$" in path:
            request = {"path": path, "params": {"type": "secondary", "uuid": served.world[site].values[1][("insurance", "uuid")]}}
        r = asked(served, site, document, op, route.method, request, route.who)
        refused = r.status_code >= 300 or r.headers["Content-Type"] == "application/json" and isinstance(r.json(), dict) and r.json().get("validationErrors")
        if refused and "None" not in path:  # the generation's row has no uuid
            unmet.append(f"{route.name}: {r.status_code} {r.text[:200]}")
    assert not unmet, "\n".join(unmet)


def test_no_answer_is_outside_the_document(served, open_site, document):
    site = open_site
    walk, seen = Walk(document, zlib.crc32(site.encode())), collections.Counter()
    each = max(REQUESTS // len(list(document.operations())), 6)
    for method, path, op in in_order(document):
        who = "Phil1" if path.startswith("/portal") else "admin"
        for _ in range(each // 3):
            request = walk.good(path, op)
            if request is not None:
                r = asked(served, site, document, op, method, request, who)
                walk.learn(path, r)
                seen[r.status_code // 100] += 1
        if method != "DELETE":
            example = (walk.body_schema(op) or {}).get("example")
            at = walk.path_of(path, True)
            if example and at:
                walk.learn(path, asked(served, site, document, op, method, {"path": at, "json": example}, who))
        for _ in range(each - each // 3):
            request = walk.hostile(path, op)
            try:
                seen[asked(served, site, document, op, method, request, who).status_code // 100] += 1
            except UnicodeError:
                continue
        for other in (None, "receptionist", "Zoe2"):
            asked(served, site, document, op, method, walk.good(path, op) or walk.hostile(path, op), other)
    assert seen[2] > 50 and seen[4] > 50, seen  # both kinds of answers were compared


def test_what_it_gives_as_example_is_taken(served, open_site, document):
    """A list answers rows; the example of a create makes one."""
    site, taken = open_site, 0
    for method, path, op in in_order(document):
        if "{" in path or not path.startswith("/api/") or "background_service" in path:
            continue
        if method == "GET":
            assert served("GET", path, site).status_code == 200, path
            taken += 1
        example = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        if method == "POST" and example is not None:
            response = served("POST", path, site, json=example)
            assert response.status_code in (200, 201), f"{path}: {response.status_code} {response.text[:300]}"
            taken += 1
    assert taken >= 3


# --- how it is served ----------------------------------------------------------------------------------------------------------------
def test_it_is_served_to_caches_and_compressed(served):
    whole = get(served, "g82", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in whole.headers and whole.headers["Content-Type"] == "application/json"
    zipped = get(served, "g82", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert zipped.headers["Content-Encoding"] == "gzip" and zipped.content == whole.content and zipped.headers["ETag"] == whole.headers["ETag"]
    assert "Content-Encoding" not in get(served, "g82", headers={"Accept-Encoding": "gzip;q=0.0"}).headers
    tag = whole.headers["ETag"]
    for matches in (tag, f'"x", {tag}', "*", tag.removeprefix("W/")):
        again = get(served, "g82", headers={"If-None-Match": matches})
        assert again.status_code == 304 and again.content == b"", matches
    assert get(served, "g82", headers={"If-None-Match": 'W/"other"'}).status_code == 200
    assert yaml.safe_load(get(served, "g82", "openemr-api.yaml").text) == whole.json()


@pytest.mark.parametrize("method, status", [("POST", 404), ("DELETE", 404), ("OPTIONS", 204), ("HEAD", 200)])
def test_other_methods(served, method, status):
    get(served, "g82")
    assert served(method, "/swagger/openapi.json", "g82", None).status_code == status


def test_an_api_that_is_off_is_not_in_it(make_gateway):
    g = make_gateway(extra={"sites.default.apis.portal": False, "sites.alternate.apis.portal": False, "sites.alternate.apis.standard": False,
                            "sites.alternate.oauth.password_users": False, "sites.alternate.swagger.client_id": "abc"})
    doc = wait_until(lambda: (r := g.get("/swagger/openapi.json")).status_code == 200 and r, "document").json()
    assert doc["paths"] and not any(p.startswith("/portal") for p in doc["paths"])
    assert "password" in doc["components"]["securitySchemes"]["oauth2"]["flows"]
    assert g.get("/apis/default/swagger/settings.json").json()["scopes"] == ["openid", "api:oemr"]
    assert g.get("/apis/alternate/swagger/openapi.json").status_code == 501
    assert g.get("/apis/nosuch/swagger/openapi.json").status_code == 400
    assert g.get("/swaggerx").status_code == 404 and g.get("/swagger/nosuch").status_code == 404
