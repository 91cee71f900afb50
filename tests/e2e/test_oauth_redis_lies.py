# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis answers what Gatehouse never wrote: values of another type, text that is no JSON, JSON of another shape, too much, too deep. Nobody gets
anything by it, and no process ends. Redis that does not answer: test_stores_down.py."""
import json
import subprocess

import pytest
from app import FREE
from gateway import Gateway
from person import Person
from tokens import secret_of

SCOPE = "openid offline_access api:fhir user/Patient.rs launch/patient"
CODE = ["authorization_code", "refresh_token", "password"]
PATIENTS = "/apis/default/fhir/Patient?_count=1"
VALUES = {"a list": None, "no JSON": "{\"jti\":", "an array": "[1,2]", "an empty object": "{}",
          "members of other types": json.dumps({k: [k] for k in ("client", "sub", "family", "who", "scope", "used", "rotated", "exp", "at", "until", "launch", "session", "csrf", "s")}),
          "numbers for text": json.dumps({k: 1e300 for k in ("client", "sub", "family", "who", "scope", "exp", "at", "until", "started", "session")}),
          "deep": '{"a":' * 100 + "1" + "}" * 100, "huge": json.dumps({"client": "x" * 300000}), "not utf-8": "{\"client\":\"\udcff\udcfe\"}"}


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, "sites.default.oauth.consent_days": 30, "process.workers": 1})
    yield g
    g.close()


@pytest.fixture(scope="module")
def client(gw):
    return gw.register(scope=SCOPE, grant_types=CODE)


@pytest.fixture(autouse=True)
def nobody_ends(gw):
    before = gw.workers()
    yield
    assert gw.workers() == before and not gw.reports()


def put(gw, key, value):
    """The value of a key, or of a field: "key field"."""
    key, _, field = key.partition(" ")
    if value is None:
        gw.redis("DEL", key)
        gw.redis("LPUSH", key, "x")
        return
    if not field:
        gw.redis("DEL", key)
    argv = ["HSET", key, field] if field else ["SET", key]
    subprocess.run(["redis-cli", "-s", gw.stores.redis_socket, "-x", *argv], input=value.encode(errors="surrogateescape"), stdout=subprocess.DEVNULL, check=True)


def the_key(gw, pattern):
    found = gw.redis("KEYS", "gh:default:" + pattern).split()
    assert len(found) == 1, (pattern, found)
    return found[0]


@pytest.fixture
def signed_in(gw, client):
    gw.redis("FLUSHALL")
    gw.redis("HSET", "gh:default:client:" + client["client_id"], "token_endpoint_auth_method", "client_secret_post")
    return Person(gw).authorize(client, "openid").login()


def refused(r):
    assert r.status_code in (400, 401, 500, 503), (r.status_code, r.text[:300])
    assert "access_token" not in r.text and "code=" not in r.headers.get("location", "")


@pytest.mark.parametrize("what", VALUES)
@pytest.mark.parametrize("member", ["s", "flow"])
def test_a_session_of_another_shape_is_none(gw, client, signed_in, what, member):
    key = the_key(gw, "session:*")
    field = member if member == "s" else "f:" + signed_in.page.form["fields"]["flow"]
    put(gw, f"{key} {field}", VALUES[what])
    for r in (signed_in.session.get(signed_in.page.url, allow_redirects=False),
              signed_in.session.post(signed_in.path("/device/code"), data={**signed_in.page.form["fields"], "proceed": "1"}, allow_redirects=False),
              signed_in.session.post(signed_in.path("/login"), data={**signed_in.page.form["fields"], "username": "admin", "password": "pass"}, allow_redirects=False)):
        refused(r)
    signed_in.authorize(client, "openid")
    assert signed_in.left is None, signed_in.left


@pytest.mark.parametrize("what", [w for w in VALUES if w != "a list"])
@pytest.mark.parametrize("field", ["ends", "secret"])
def test_a_session_whose_end_or_secret_is_none_is_none(gw, client, signed_in, what, field):
    put(gw, f"{the_key(gw, 'session:*')} {field}", VALUES[what])
    refused(signed_in.session.get(signed_in.page.url, allow_redirects=False))
    signed_in.authorize(client, "openid")
    assert signed_in.left is None and signed_in.page.title != "Allow access?"


@pytest.mark.parametrize("what", VALUES)
def test_a_consent_of_another_shape_is_asked_for(gw, client, signed_in, what):
    signed_in.allow()
    key = the_key(gw, "consents:*")
    put(gw, f"{key} {client['client_id']}", VALUES[what])
    signed_in.authorize(client, "openid")
    assert signed_in.left is None and (signed_in.page.title == "Allow access?" or signed_in.page.status in (500, 503))
    r = signed_in.session.get(signed_in.path("/manage"))
    assert r.status_code in (200, 500, 503)


@pytest.mark.parametrize("what", VALUES)
def test_a_code_of_another_shape_gives_nothing(gw, client, signed_in, what):
    signed_in.allow()
    put(gw, the_key(gw, "code:*"), VALUES[what])
    for _ in range(2):
        refused(signed_in.redeem(client))


@pytest.mark.parametrize("what", VALUES)
@pytest.mark.parametrize("pattern", ["rt:*", "at:*", "fam:*", "grants:*"])
def test_a_token_of_another_shape_opens_nothing(gw, client, signed_in, pattern, what):
    t = signed_in.authorize(client, SCOPE)
    if not t.left and t.page.title != "Allow access?":
        pid = gw.sql("SELECT LOWER(HEX(uuid)) FROM patient_data WHERE pid = 1")[0][0]
        t.send({"patient_id": f"{pid[:8]}-{pid[8:12]}-{pid[12:16]}-{pid[16:20]}-{pid[20:]}"}, form=t.page.forms[-1])
    t.allow()
    tokens = t.redeem(client).json()
    put(gw, the_key(gw, pattern), VALUES[what])
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **secret_of(client)}
    read = gw.get(PATIENTS, tokens["access_token"])
    if pattern == "rt:*":
        refused(gw.token_request(**refresh))
        r = gw.post("/oauth2/default/introspect", data={"token": tokens["refresh_token"], **secret_of(client)})
        assert r.status_code in (500, 503) or r.json()["active"] is False, r.text
    elif pattern == "at:*":
        bound = read.json().get("entry", []) if read.status_code == 200 else []
        assert read.status_code in (200, 401, 403, 503) and len(bound) <= 1, read.text[:300]
        r = gw.post("/oauth2/default/introspect", data={"token": tokens["access_token"], **secret_of(client)})
        assert r.status_code in (200, 500, 503)
    for r in (gw.post("/oauth2/default/revoke", data={"token": tokens["refresh_token"], **secret_of(client)}), t.session.get(t.path("/manage"))):
        assert r.status_code in (200, 400, 500, 503), r.text[:200]


@pytest.mark.parametrize("what", VALUES)
def test_a_client_record_of_another_shape_lets_nobody_in_who_has_no_secret(gw, client, signed_in, what):
    put(gw, f"gh:default:client:{client['client_id']} token_endpoint_auth_method", VALUES[what])
    signed_in.allow()
    refused(signed_in.redeem(client, client_secret=None))
    put(gw, f"gh:default:client:{client['client_id']}", "x")
    refused(signed_in.redeem(client, client_secret=None))


@pytest.mark.parametrize("what", VALUES)
def test_a_launch_token_of_another_shape_launches_nothing(gw, client, what):
    made = gw.register(scope="openid launch user/Patient.rs", grant_types=CODE)
    ehr = gw.staff_token("openid user/Patient.rs")
    pid = gw.sql("SELECT LOWER(HEX(uuid)) FROM patient_data WHERE pid = 1")[0][0]
    for key in gw.redis("KEYS", "gh:default:launch:*").split():
        gw.redis("DEL", key)
    r = gw.post("/oauth2/default/smart/launch", ehr, data={"client_id": made["client_id"], "patient": f"{pid[:8]}-{pid[8:12]}-{pid[12:16]}-{pid[16:20]}-{pid[20:]}"})
    put(gw, the_key(gw, "launch:*"), VALUES[what])
    p = Person(gw).authorize(made, "openid launch", launch=r.json()["launch"], aud=f"{gw.origin}/apis/default/fhir")
    assert p.page is None or p.page.status in (400, 500, 503) or p.left, p.page.text
    assert not p.left or p.answer()["error"] == "invalid_request"
