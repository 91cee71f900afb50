# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that leave while their request waits for Redis, the database, hashd, keyd, or somebody else's key server: at any moment, many times.
Nothing ends by it, nothing is left waiting, and the next request is answered."""
import contextlib
import json
import random
import secrets
import socket
import struct
import time
import urllib.parse

import pytest
from app import FREE
from gateway import Gateway, wait_until
from jwcrypto import jwk, jwt
from person import REDIRECT, Person
from tokens import secret_of

SCOPE = "openid offline_access api:fhir user/Patient.rs"
DELAYS_MS = (0, 1, 2, 4, 8, 16, 40)
KEY = jwk.JWK.generate(kty="EC", crv="P-384", kid="k1")


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, "sites.default.oauth.openemr_rows": True, "sites.default.openemr_log": True, "process.workers": 1,
                                             "sites.default.apis.system_scopes": True, "outbound.allow": ["127.0.0.0/8"], "outbound.timeout": "1s"})
    yield g
    g.close()


@pytest.fixture(scope="module")
def client(gw):
    return gw.register(scope=SCOPE, grant_types=["authorization_code", "refresh_token", "password"])


@pytest.fixture(scope="module")
def service(gw):
    """A backend service whose keys lie at a place that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        yield gw.register(scope="system/Patient.rs", grant_types=["client_credentials"], token_endpoint_auth_method="private_key_jwt",
                          jwks_uri=f"https://127.0.0.1:{mute.getsockname()[1]}/jwks")


def leave(gw, data, delay_ms):
    """Sends a request and is gone, with a reset, after so long."""
    with contextlib.suppress(OSError):
        s = gw.connect()
        s.sendall(data)
        time.sleep(delay_ms / 1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


def http(method, path, form=None, cookie=None, token=None, body=None, kind="application/x-www-form-urlencoded"):
    body = (urllib.parse.urlencode(form) if form is not None else body or "").encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: text/html"]
    head += [f"Cookie: {cookie}"] if cookie else []
    head += [f"Authorization: Bearer {token}"] if token else []
    head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if method != "GET" else []
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def cookie_of(p):
    return "; ".join(f"{c.name}={c.value}" for c in p.session.cookies)


# Each gives the bytes of one request, made ready so that it goes all the way.
def authorize(gw, client):
    q = urllib.parse.urlencode({"response_type": "code", "client_id": client["client_id"], "redirect_uri": REDIRECT, "scope": "openid", "state": "x"})
    return http("GET", "/oauth2/default/authorize?" + q)


def login(gw, client):
    p = Person(gw).authorize(client, "openid")
    return http("POST", "/oauth2/default/login", {**p.page.form["fields"], "username": "admin", "password": "pass", "user_role": "api"}, cookie_of(p))


def login_patient(gw, client):
    p = Person(gw).authorize(client, "openid")
    return http("POST", "/oauth2/default/login", {**p.page.form["fields"], "username": "Phil1", "password": "phil", "email": "heya@invalid.email.com",
                                                  "user_role": "portal-api"}, cookie_of(p))


def consent(gw, client):
    p = Person(gw).authorize(client, "openid").login()
    return http("POST", "/oauth2/default/device/code", {**p.page.form["fields"], "proceed": "1"}, cookie_of(p))


def code(gw, client):
    p = Person(gw).authorize(client, SCOPE).login().allow()
    return http("POST", "/oauth2/default/token", {"grant_type": "authorization_code", "code": p.answer()["code"], "redirect_uri": REDIRECT, "code_verifier": p.verifier,
                                                  **secret_of(client)})


def password(gw, client):
    return http("POST", "/oauth2/default/token", {"grant_type": "password", "username": "admin", "password": "pass", "user_role": "users", "scope": SCOPE, **secret_of(client)})


def refresh(gw, client):
    return http("POST", "/oauth2/default/token", {"grant_type": "refresh_token", "refresh_token": gw.token(SCOPE, client=client)["refresh_token"], **secret_of(client)})


def introspect(gw, client):
    return http("POST", "/oauth2/default/introspect", {"token": gw.token(SCOPE, client=client)["access_token"], **secret_of(client)})


def revoke(gw, client):
    return http("POST", "/oauth2/default/revoke", {"token": gw.token(SCOPE, client=client)["refresh_token"], **secret_of(client)})


def userinfo(gw, client):
    return http("GET", "/oauth2/default/userinfo", token=gw.token(SCOPE, client=client)["access_token"])


def logout(gw, client):
    return http("GET", "/oauth2/default/logout?id_token_hint=" + gw.token(SCOPE, client=client)["id_token"])


def manage(gw, client):
    return http("GET", "/oauth2/default/manage", cookie=cookie_of(Person(gw).authorize(client, "openid").login()))


def registration(gw, client):
    return http("POST", "/oauth2/default/registration", kind="application/json", body=json.dumps(
        {"application_type": "private", "client_name": "x", "redirect_uris": [REDIRECT], "scope": "openid", "token_endpoint_auth_method": "client_secret_post"}))


KINDS = [authorize, login, login_patient, consent, code, password, refresh, introspect, revoke, userinfo, logout, manage, registration]


def fine(gw, client):
    assert not gw.reports()
    assert Person(gw).authorize(client, "openid").login().allow().redeem(client).status_code == 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_client_that_leaves_at_any_moment_harms_nobody(gw, client, kind):
    before = gw.workers()
    for ms in DELAYS_MS:
        leave(gw, kind(gw, client), ms)
    assert gw.workers() == before
    fine(gw, client)


def test_many_that_leave_while_keys_are_fetched_harm_nobody(gw, client, service):
    before = gw.workers()
    for i in range(30):
        claims = {"iss": service["client_id"], "sub": service["client_id"], "aud": f"{gw.origin}/oauth2/default/token", "exp": int(time.time()) + 60, "jti": secrets.token_hex(8)}
        t = jwt.JWT(header={"alg": "ES384", "typ": "JWT", "kid": f"k{i}"}, claims=claims)
        t.make_signed_token(KEY)
        leave(gw, http("POST", "/oauth2/default/token", {"grant_type": "client_credentials", "scope": "system/Patient.rs", "client_assertion": t.serialize(),
                                                         "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}), i % 3 * 10)
    wait_until(lambda: gw.log_lines("jwks_uri.failed"), "the fetch ended")
    assert gw.workers() == before
    fine(gw, client)


def test_many_that_leave_in_any_order_harm_nobody(gw, client):
    """Several requests on one connection, cut anywhere: also in the middle of their bytes."""
    before = gw.workers()
    rnd = random.Random(4)
    for _ in range(40):
        data = b"".join(rnd.choice((authorize, password, registration, introspect))(gw, client) for _ in range(rnd.randint(1, 3)))
        leave(gw, data[:rnd.randint(1, len(data))], rnd.choice(DELAYS_MS))
    assert gw.workers() == before
    fine(gw, client)
