# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limits that count exactly over several workers, and CORS that works for the origins of registered clients and nobody else."""
import concurrent.futures
import time

import pytest
import yaml

from gateway import wait_until
from test_route_matrix import SCOPES, rows

PATH = "/apis/default/api/patient?_limit=1"
CLASS = {"rate.classes.search.limit": 20, "rate.classes.search.burst": 20, "rate.classes.search.window": "1h",
         "rate.classes.search.by": "user"}


def test_the_limit_is_exact_under_concurrency_over_workers(make_gateway):
    g = make_gateway(extra=CLASS)
    t = g.staff_token("openid api:oemr user/patient.read")

    def one(_):
        return g.session_new().get(g.origin + PATH, headers={"Authorization": f"Bearer {t}"}).status_code
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(one, range(60)))
    assert sorted(set(got)) == [200, 429] and got.count(200) == 20, got


def test_fields_tell_what_is_left_and_retry_after_is_true(make_gateway):
    g = make_gateway(extra={"rate.classes.search.limit": 60, "rate.classes.search.burst": 3, "rate.classes.search.window": "1h"})
    t = g.staff_token("openid api:oemr user/patient.read")
    first = g.get(PATH, t)
    assert first.headers["RateLimit-Policy"] == '"search";q=60;w=3600' and first.headers["RateLimit"].startswith('"search";r=2;')
    answers = [g.get(PATH, t) for _ in range(6)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused and all(1 <= int(a.headers["Retry-After"]) <= 60 for a in refused) and "error" in refused[0].json()
    fhir = g.staff_token("openid api:fhir user/Patient.read")
    refused = [a for a in (g.get("/apis/default/fhir/Patient?_count=1", fhir) for _ in range(6)) if a.status_code == 429]
    assert refused and refused[0].json()["resourceType"] == "OperationOutcome"


def test_users_and_sites_have_counters_of_their_own(make_gateway):
    g = make_gateway(extra=CLASS)
    a = g.staff_token("openid api:oemr user/patient.read")
    for _ in range(25):
        g.get(PATH, a)
    assert g.get(PATH, a).status_code == 429
    b = g.staff_token("openid api:oemr user/patient.read", "physician")
    assert g.get(PATH, b).status_code == 200
    other = g.staff_token("openid api:oemr user/patient.read", site="alternate")
    assert g.get("/apis/alternate/api/patient?_limit=1", other).status_code == 200


# --- CORS -----------------------------------------------------------------------------------------------------------------------------
ORIGIN = "https://client.example.org"  # of the test client's redirect URI
ICON = "/oauth2/default/pages/icon.svg"  # public, no document that every origin may read, no statement


@pytest.fixture(scope="module")
def origin(gateway):
    gateway.client()
    return ORIGIN


def preflight(gateway, path, method, origin):
    return gateway.request("OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": method,
                                                     "Access-Control-Request-Headers": "authorization,content-type"})


@pytest.mark.parametrize("row", list(rows()), ids=lambda r: f"{r[1]} {r[2][-40:]}")
def test_the_preflight_of_every_route_is_answered_for_a_registered_origin(gateway, origin, row):
    r = preflight(gateway, f"/apis/default{row[2]}", row[1], origin)
    assert r.status_code == 204, r.text
    assert r.headers["Access-Control-Allow-Origin"] in (origin, "*") and row[1] in r.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "content-type"} <= {x.strip().lower() for x in r.headers["Access-Control-Allow-Headers"].split(",")}


def oauth_rows():
    doc = yaml.safe_load((SCOPES / "oauth2.yaml").read_text())
    for entry in doc["oauth"]["routes"]:
        (key, _row), = entry.items()
        method, path = key.split()
        if ":" not in path and "authorize" not in path:
            yield method, path


@pytest.mark.parametrize("method, path", [r for r in oauth_rows() if r[1] in ("/token", "/.well-known/openid-configuration", "/jwk")])
def test_the_authorization_servers_endpoints_answer_preflights(gateway, origin, method, path):
    assert preflight(gateway, f"/oauth2/default{path}", method, origin).status_code == 204


def test_an_unknown_origin_gets_no_permission(gateway, origin):
    r = preflight(gateway, "/apis/default/api/patient", "GET", "https://evil.example.net")
    assert "Access-Control-Allow-Origin" not in r.headers
    t = gateway.staff_token("openid api:oemr user/patient.read")
    r = gateway.get(PATH, t, headers={"Origin": "https://evil.example.net"})
    assert "Access-Control-Allow-Origin" not in r.headers
    r = gateway.get(PATH, t, headers={"Origin": origin})
    assert r.headers["Access-Control-Allow-Origin"] == origin and "Origin" in r.headers["Vary"]
    r = gateway.get(PATH, headers={"Origin": origin})
    assert r.status_code == 401 and r.headers["Access-Control-Allow-Origin"] == origin  # the browser may read why


def test_configured_origins_and_max_age(make_gateway):
    g = make_gateway(extra={"sites.default.cors": {"origins": ["https://extra.example.org"], "max_age": "7m"}})
    r = preflight(g, "/apis/default/api/patient", "GET", "https://extra.example.org")
    assert r.status_code == 204 and r.headers["Access-Control-Allow-Origin"] == "https://extra.example.org"
    assert r.headers["Access-Control-Max-Age"] == "420"
    assert "Access-Control-Allow-Origin" not in preflight(g, "/apis/alternate/api/patient", "GET", "https://extra.example.org").headers


def allowed(g, origin, path=ICON):
    return g.get(path, headers={"Origin": origin}).headers.get("Access-Control-Allow-Origin") == origin


@pytest.fixture(scope="module")
def many(shared_stores):
    """A site with 3,000 clients: many pages of the list."""
    from gateway import Gateway
    g = Gateway(stores=shared_stores, extra={"process.workers": 2, "rate.classes.public.limit": 0})
    made = g.register()["client_id"]
    columns = [row[0] for row in g.sql("SHOW COLUMNS FROM oauth_clients")]
    own = {"client_id": "CONCAT('many', LPAD(seq, 6, '0'))", "scope": "'openid'",
           "is_enabled": "seq % 100 <> 0", "redirect_uri": "CONCAT('org.app:/back|https://app', seq, '.example.org/back|https://more', seq, '.example.org:8443/x')"}
    g.sql(f"INSERT INTO oauth_clients ({','.join(columns)}) SELECT {','.join(own.get(c, c) for c in columns)} FROM oauth_clients, seq_1_to_3000 "
          f"WHERE client_id='{made}'")
    yield g
    g.sql("DELETE FROM oauth_clients WHERE client_id LIKE 'many%'")
    g.close()


def test_with_thousands_of_clients_each_enabled_ones_origins_are_allowed(many):
    for n in (1, 199, 201, 1501, 2999):
        assert allowed(many, f"https://app{n}.example.org") and allowed(many, f"https://more{n}.example.org:8443")
    for origin in ("https://app100.example.org", "https://app3000.example.org", "https://app3001.example.org", "https://more1.example.org", "org.app:",
                   "https://app1.example.org|https://app2.example.org", "null", "https://app1.example.or"):
        assert not allowed(many, origin), origin


def test_origins_follow_the_rows(many):
    assert not allowed(many, "https://app300.example.org")
    many.cli("client", "enable", "--site", "default", "many000300")

    def everywhere(want):
        return all(allowed(many, "https://app300.example.org") == want for _ in range(8))
    wait_until(lambda: everywhere(True), "both workers know it")
    many.cli("client", "disable", "--site", "default", "many000300")
    wait_until(lambda: everywhere(False), "and both forget it")


def test_strange_origins_cost_no_reading_each(many):
    """Whoever asks: the list is read by one task at a time, and not before policy.live_check (2 s) has passed."""
    pages, workers = 3000 // 200 + 1, 2

    def statements():
        return int(dict(many.stores.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'"))["Com_stmt_execute"])

    def ask(n):
        s = many.session_new()
        return [s.get(many.origin + ICON, headers={"Origin": f"https://strange{n}-{k}.example.org"}, timeout=30).status_code
                for k in range(25)]
    before, begin = statements(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(sum(pool.map(ask, range(16)), [])) == {200}
    readings = (time.monotonic() - begin) / 2 + 2
    others = 40 * readings  # what the pools ask by themselves
    assert statements() - before <= pages * workers * readings + others < 400 * pages


def test_a_list_that_cannot_be_read_holds_up_no_request(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    g.register()
    assert allowed(g, ORIGIN)
    g.sql("RENAME TABLE oauth_clients TO oauth_clients_away")
    try:
        assert not allowed(g, "https://unheard.example.org") and g.get("/oauth2/default/jwk", headers={"Origin": ORIGIN}).status_code == 200
    finally:
        g.sql("RENAME TABLE oauth_clients_away TO oauth_clients")
