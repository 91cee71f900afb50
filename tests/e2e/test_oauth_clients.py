# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: each way of authentication and each way around it, key sets by URI, DPoP, and a client's own registration. RFC 6749 2.3, RFC
7523, RFC 7591, RFC 7592, RFC 9449; contract/oauth2.md 5, 7."""
import base64
import contextlib
import hashlib
import http.server
import json
import ssl
import threading
import time
import uuid

import pytest
from gateway import wait_until
from person import Person
from timing import overtakes
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from jwcrypto import jwk, jwt
from tokens import b64, claims_of, unb64

SYSTEM = "system/Patient.read"
PATIENT = "openid offline_access api:fhir patient/Patient.read"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RSA = jwk.JWK.generate(kty="RSA", size=2048, kid="rsa-1", use="sig", alg="RS384")
EC = jwk.JWK.generate(kty="EC", crv="P-384", kid="ec-1", use="sig", alg="ES384")
OTHER = jwk.JWK.generate(kty="RSA", size=2048, kid="rsa-1", use="sig", alg="RS384")
P256 = jwk.JWK.generate(kty="EC", crv="P-256", kid="p256")


def key_set(*keys):
    return {"keys": [json.loads(k.export_public()) for k in keys]}


class KeyServer:
    """https on the gateway's own test certificate; counts what it was asked."""

    def __init__(self, gateway):
        self.body, self.status, self.asked, self.delay_s = json.dumps(key_set(RSA)), 200, 0, 0
        self.raw = None  # pieces instead of an answer, one each 50 ms
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                time.sleep(outer.delay_s)
                if outer.raw is not None:
                    with contextlib.suppress(OSError):
                        for piece in outer.raw:
                            self.wfile.write(piece)
                            self.wfile.flush()
                            time.sleep(0.05)
                    return
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(outer.body if isinstance(outer.body, bytes) else outer.body.encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(gateway.dir / "tls" / "server.pem", gateway.dir / "tls" / "server.key")
        self.server.socket = ctx.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}/jwks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()


@pytest.fixture(scope="module")
def g(shared_stores):
    from gateway import Gateway
    gw = Gateway(stores=shared_stores, extra={
        "sites.default.oauth.client_auth": "strict", "process.workers": 1, "outbound": {"allow": ["127.0.0.1/32"], "timeout": "2s"}})
    gw.configure({"outbound": {"allow": ["127.0.0.1/32"], "timeout": "2s", "tls_ca": gw.ca}})
    gw.reload()
    yield gw
    gw.close()


@pytest.fixture
def keys(g):
    s = KeyServer(g)
    yield s
    s.close()


def system_client(g, **members):
    body = {"scope": SYSTEM, "token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(RSA, EC), "grant_types": ["client_credentials"]}
    body.update(members)
    return g.register(**body)


def assertion(g, client, key=RSA, head=None, site="default", **change):
    now = int(time.time())
    body = {"iss": client["client_id"], "sub": client["client_id"], "aud": f"{g.origin}/oauth2/{site}/token", "exp": now + 240, "iat": now,
            "jti": uuid.uuid4().hex, **change}
    header = {"alg": "ES384" if key.get("kty") == "EC" else "RS384", "kid": key.get("kid"), "typ": "JWT", **(head or {})}
    t = jwt.JWT({k: v for k, v in header.items() if v is not None}, {k: v for k, v in body.items() if v is not None},
                algs=["RS256", "RS384", "RS512", "ES256", "ES384", "HS256"])
    t.make_signed_token(key)
    return t.serialize()


def credentials(g, text, site="default", **more):
    return g.post(f"/oauth2/{site}/token", data={"grant_type": "client_credentials", "scope": SYSTEM, "client_assertion_type": ASSERTION,
                                                 "client_assertion": text, **more})


# --- private_key_jwt ---------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
def test_backend_service_gets_a_token(g, key):
    client = system_client(g)
    r = credentials(g, assertion(g, client, key))
    assert r.status_code == 200, r.text
    assert r.json()["expires_in"] == 300 and r.json()["scope"] == SYSTEM and "refresh_token" not in r.json()


@pytest.mark.parametrize("change, status", [
    ({}, 200), ({"aud": "ISSUER"}, 200), ({"aud": ["https://elsewhere.example.org", "TOKEN"]}, 200),
    ({"aud": "https://elsewhere.example.org"}, 400), ({"aud": "TOKEN/"}, 400), ({"aud": None}, 400), ({"iss": "nobody"}, 400),
    ({"sub": "nobody"}, 401), ({"sub": None}, 401), ({"exp": None}, 400), ({"exp": -120}, 400), ({"exp": 600}, 400), ({"exp": 86400}, 400),
    ({"iat": -600}, 400), ({"iat": 600}, 400), ({"iat": None}, 200), ({"nbf": 600}, 400), ({"jti": None}, 400), ({"jti": ""}, 400),
    ({"exp": "soon"}, 400), ({"exp": 1e300}, 400),
    ({"exp": 240.75, "iat": -1.25, "nbf": -0.5}, 200), ({"exp": -120.5}, 400), ({"iat": "now"}, 400)], ids=str)
def test_assertion_claims(g, change, status):
    client = system_client(g)
    names = {"ISSUER": f"{g.origin}/oauth2/default", "TOKEN": f"{g.origin}/oauth2/default/token"}
    now = int(time.time())

    def put(name, v):
        if name in ("exp", "iat", "nbf") and isinstance(v, (int, float)) and v < 1e9:
            return now + v
        if isinstance(v, list):
            return [put(name, x) for x in v]
        return v.replace("TOKEN", names["TOKEN"]).replace("ISSUER", names["ISSUER"]) if isinstance(v, str) else v
    r = credentials(g, assertion(g, client, **{k: put(k, v) for k, v in change.items()}))
    assert r.status_code == status, r.text
    assert status == 200 or r.json()["error"] in ("invalid_client", "invalid_request")


def test_an_assertion_works_once(g):
    client = system_client(g)
    text = assertion(g, client)
    assert credentials(g, text).status_code == 200
    r = credentials(g, text)
    assert (r.status_code, r.json()["error"]) == (400, "invalid_client")


def signed(head, payload):
    """A right signature over whatever is given."""
    text = f"{b64(head)}.{b64(payload)}"
    return f"{text}.{b64(RSA.get_op_key('sign').sign(text.encode(), padding.PKCS1v15(), hashes.SHA384()))}"


def forged(g, client, what):
    good = assertion(g, client)
    head, body, sig = good.split(".")
    public = RSA.export_to_pem()
    if what == "alg none":
        return f"{b64({'alg': 'none'})}.{body}."
    if what == "alg none, signature kept":
        return f"{b64({'alg': 'none', 'kid': 'rsa-1'})}.{body}.{sig}"
    if what == "HS256 by the public key":
        h = b64({"alg": "HS256", "kid": "rsa-1"})
        import hmac
        return f"{h}.{body}.{b64(hmac.new(public, f'{h}.{body}'.encode(), hashlib.sha256).digest())}"
    if what == "RS256":
        return assertion(g, client, jwk.JWK(**{**json.loads(RSA.export()), "alg": "RS256"}), {"alg": "RS256"})
    if what == "another key of the same kid":
        return assertion(g, client, OTHER)
    if what == "unknown kid":
        return assertion(g, client, head={"kid": "nobody"})
    if what == "kid of the other key":
        return assertion(g, client, head={"kid": "ec-1"})
    if what == "wrong curve":
        return assertion(g, client, P256, {"alg": "ES256"})
    if what == "own key in the header":
        return assertion(g, client, OTHER, {"jwk": json.loads(OTHER.export_public()), "kid": None})
    if what == "jku":
        return assertion(g, client, OTHER, {"jku": "https://evil.example.org/jwks"})
    if what == "crit":
        return signed({"alg": "RS384", "kid": "rsa-1", "crit": ["exp"], "exp": 1}, unb64(body))
    if what == "changed claim":
        other = json.loads(unb64(body))
        other["jti"] = "changed"
        return f"{head}.{b64(other)}.{sig}"
    if what == "duplicated member":
        text = unb64(body).decode()
        return signed({"alg": "RS384", "kid": "rsa-1"}, text.replace("{", '{"sub":"nobody",', 1).encode())
    if what == "two parts":
        return f"{head}.{body}"
    if what == "four parts":
        return good + ".x"
    if what == "oversized":
        return f"{b64({'alg': 'RS384', 'pad': 'x' * 20000})}.{body}.{sig}"
    if what == "signature cut":
        return good[:-8]
    if what == "signature padded":
        return good + "=="
    if what == "zero ES384 signature":
        return f"{b64({'alg': 'ES384', 'kid': 'ec-1'})}.{body}.{b64(bytes(96))}"
    if what == "DER ES384 signature":
        return f"{b64({'alg': 'ES384', 'kid': 'ec-1'})}.{body}.{b64(bytes.fromhex('3006020101020101'))}"
    return ""


FORGERIES = ("alg none", "alg none, signature kept", "HS256 by the public key", "RS256", "another key of the same kid", "unknown kid",
             "kid of the other key", "wrong curve", "own key in the header", "jku", "crit", "changed claim", "duplicated member", "two parts",
             "four parts", "oversized", "signature cut", "signature padded", "zero ES384 signature", "DER ES384 signature", "empty")


@pytest.fixture(scope="module")
def victim(g):
    return system_client(g)


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_assertion_is_refused(g, victim, what):
    r = credentials(g, forged(g, victim, what))
    assert r.status_code in (400, 401) and r.json()["error"] in ("invalid_client", "invalid_request"), r.text


@pytest.mark.parametrize("form, status", [
    ({"client_assertion_type": "urn:wrong"}, 400), ({"client_secret": "x"}, 400), ({"client_assertion_type": None}, 400)])
def test_assertion_form(g, victim, form, status):
    data = {"grant_type": "client_credentials", "scope": SYSTEM, "client_assertion_type": ASSERTION, "client_assertion": assertion(g, victim), **form}
    r = g.post("/oauth2/default/token", data={k: v for k, v in data.items() if v is not None})
    assert r.status_code == status, r.text


def test_an_assertion_of_one_site_is_nothing_on_another(g):
    client = system_client(g)
    assert credentials(g, assertion(g, client), "alternate").status_code == 401


# --- secrets ------------------------------------------------------------------------------------------------------------------------------
def ask(g, client, how, **more):
    """A token by the password grant, the client authenticated that way."""
    data = {"grant_type": "password", "scope": PATIENT, "user_role": "patient", "username": "Phil1", "password": "phil",
            "email": "heya@invalid.email.com", **more}
    headers = {}
    if how in ("post", "both"):
        data.update(client_id=client["client_id"], client_secret=client["client_secret"])
    if how in ("basic", "both", "basic raw"):
        pair = f"{client['client_id']}:{client['client_secret']}"
        if how == "basic":
            pair = "".join(f"%{ord(c):02X}" if c in "-_" else c for c in pair)
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    if how == "none":
        data["client_id"] = client["client_id"]
    return g.post("/oauth2/default/token", data=data, headers=headers)


METHODS = {"client_secret_post": {"post"}, "client_secret_basic": {"basic", "basic raw"}, "none": {"none"}}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["post", "basic", "basic raw", "none", "both"])
def test_only_the_registered_method_passes(g, method, how):
    public = method == "none"
    client = g.register(scope=PATIENT, token_endpoint_auth_method=method, application_type="web" if public else "private",
                        grant_types=["password", "refresh_token"])
    if public:
        client["client_secret"] = "guess"
    r = ask(g, client, how)
    if how in METHODS[method]:
        assert r.status_code == 200, r.text
    else:
        assert r.status_code == (400 if how == "both" else 401), r.text
        assert r.json()["error"] == ("invalid_request" if how == "both" else "invalid_client")
        if how.startswith("basic") and r.status_code == 401:
            assert r.headers["WWW-Authenticate"].startswith("Basic")


def test_a_disabled_client_is_refused_everywhere(g):
    client = g.register(scope=PATIENT, grant_types=["password", "refresh_token"])
    t = ask(g, client, "post").json()
    g.cli("client", "disable", "--site", "default", client["client_id"])
    own = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    for path, form in (("token", {"grant_type": "refresh_token", "refresh_token": t["refresh_token"]}),
                       ("introspect", {"token": t["access_token"]}), ("revoke", {"token": t["access_token"]})):
        r = g.post(f"/oauth2/default/{path}", data={**own, **form})
        assert (r.status_code, r.json()["error"]) == (401, "invalid_client"), path


# --- keys by URI ----------------------------------------------------------------------------------------------------------------------------
def test_keys_by_uri_are_fetched_once_and_kept(g, keys):
    client = system_client(g, jwks=None, jwks_uri=keys.url)
    for _ in range(3):
        assert credentials(g, assertion(g, client)).status_code == 200
    assert keys.asked == 1
    keys.status = 500
    assert credentials(g, assertion(g, client)).status_code == 200


def test_an_unknown_kid_asks_once_more_and_then_rests(g, keys):
    keys.body = json.dumps(key_set(EC))
    client = system_client(g, jwks=None, jwks_uri=keys.url)
    assert credentials(g, assertion(g, client, EC)).status_code == 200
    for _ in range(5):
        assert credentials(g, assertion(g, client, RSA)).status_code == 400
    assert keys.asked == 1, "the cooldown of 30 s has just begun"


def test_parallel_assertions_share_one_fetch(g, keys):
    import concurrent.futures
    keys.delay_s = 0.5
    client = system_client(g, jwks=None, jwks_uri=keys.url)
    sessions = [g.session_new() for _ in range(6)]

    def one(s):
        return s.post(f"{g.origin}/oauth2/default/token", timeout=30, data={
            "grant_type": "client_credentials", "scope": SYSTEM, "client_assertion_type": ASSERTION,
            "client_assertion": assertion(g, client)}).status_code
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert set(pool.map(one, sessions)) == {200}
    assert keys.asked == 1


def test_a_slow_key_server_holds_up_nobody_else(g, keys):
    keys.delay_s = 10
    other = g.session_new()

    def slow():
        client = system_client(g, jwks=None, jwks_uri=keys.url)
        return other.post(f"{g.origin}/oauth2/default/token", timeout=60, data={
            "grant_type": "client_credentials", "scope": SYSTEM, "client_assertion_type": ASSERTION, "client_assertion": assertion(g, client)}).status_code

    def quick():
        assert g.get("/oauth2/default/jwk").status_code == 200
    assert overtakes(slow, lambda: keys.asked, quick) == 400


@pytest.mark.parametrize("body, status", [("x" * 70000, 200), ("{}", 200), ("not json", 200), ('{"keys":[]}', 200), (None, 302), (None, 404)],
                         ids=["large", "no keys", "no json", "empty", "redirect", "missing"])
def test_what_a_key_server_may_not_answer(g, keys, body, status):
    keys.status = status
    keys.body = keys.body if body is None else body
    client = system_client(g, jwks=None, jwks_uri=keys.url)
    assert credentials(g, assertion(g, client)).status_code == 400
    assert keys.asked == 1


SHAPES = {"deep": "[" * 30000, "deep and whole": '{"keys":' + "[" * 100 + "]" * 100 + "}", "keys is an object": '{"keys":{"0":{}}}', "keys of other types": '{"keys":[1,"x",null,[],{},{"kty":1}]}',
          "members of other types": json.dumps({"keys": [dict(key_set(RSA)["keys"][0], n=[1], kid=7)]}), "a name twice": '{"keys":[],"keys":' + json.dumps(key_set(RSA)["keys"]) + "}",
          "too many": json.dumps({"keys": key_set(RSA)["keys"] * 90}), "a huge exponent": json.dumps({"keys": [dict(key_set(RSA)["keys"][0], e="A" * 1000)]}),
          "a small modulus": json.dumps({"keys": [dict(key_set(RSA)["keys"][0], n="sXch")]}), "a point off the curve": json.dumps({"keys": [dict(key_set(EC)["keys"][0], y=key_set(EC)["keys"][0]["x"])]}),
          "a secret": '{"keys":[{"kty":"oct","k":"AAAA"}]}', "not utf-8": '{"keys":"\udcff"}', "zero bytes": '{"keys":"\\u0000"}', "an array": "[]"}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_document_that_is_no_key_set_is_none(g, keys, shape):
    keys.body = SHAPES[shape].encode(errors="surrogateescape")
    client = system_client(g, jwks=None, jwks_uri=keys.url)
    assert credentials(g, assertion(g, client, EC if "curve" in shape else RSA)).status_code == 400
    assert keys.asked == 1


OK = b"HTTP/1.1 200 OK\r\n"
RAW = {"a byte at a time": [bytes([b]) for b in OK + b"Content-Length: 100000\r\n\r\n" + b" " * 500], "chunks without end": [OK + b"Transfer-Encoding: chunked\r\n\r\n"] + [b"1000\r\n" + b" " * 4096 + b"\r\n"] * 60,
       "a length that lies": [OK + b"Content-Length: 5000\r\n\r\n" + b"{}"], "two lengths": [OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"],
       "a field without end": [OK + b"X: " + b"a" * 40000], "fields without end": [OK] + [b"X: y\r\n" * 500] * 50, "no HTTP": [b"\x15\x03\x03\x00\x02\x02\x28" * 100], "nothing": [],
       "an interim answer alone": [b"HTTP/1.1 103 Early Hints\r\n\r\n"], "half an answer": [OK + b"Content-Type: application/json\r\n"]}


@pytest.mark.parametrize("how", RAW)
def test_a_key_server_that_misbehaves_costs_no_more_than_its_time(g, keys, how):
    keys.raw = RAW[how]
    client = system_client(g, jwks=None, jwks_uri=keys.url)
    before, begin = g.workers(), time.monotonic()
    assert credentials(g, assertion(g, client)).status_code == 400
    assert time.monotonic() - begin < 15 and g.workers() == before, "outbound.timeout is 2 s"


@pytest.mark.parametrize("uri", ["https://[::1]:{port}/jwks", "https://10.0.0.1/jwks", "https://169.254.169.254/x",
                                 "https://[::ffff:10.0.0.1]/jwks", "https://no-such-host.invalid/jwks"])
def test_addresses_that_are_not_public_are_not_called(g, keys, uri):
    client = system_client(g, jwks=None, jwks_uri=uri.format(port=keys.server.server_port))
    assert credentials(g, assertion(g, client)).status_code == 400
    assert keys.asked == 0
    assert "no-such" in uri or any("address not allowed" in x for x in g.log_lines("jwks_uri.failed"))


@pytest.mark.parametrize("uri", ["http://keys.example.org/jwks", "file:///etc/passwd", "https://u:p@keys.example.org/", "ftp://x/", "keys"])
def test_a_key_uri_that_is_no_https_is_not_registered(g, uri):
    r = g.post("/oauth2/default/registration", json={"application_type": "private", "redirect_uris": ["https://client.example.org/cb"],
                                                     "client_name": "x", "scope": SYSTEM, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri})
    assert (r.status_code, r.json()["error"]) == (400, "invalid_client_metadata")


# --- DPoP ------------------------------------------------------------------------------------------------------------------------------------
DKEY = jwk.JWK.generate(kty="EC", crv="P-256")
DKEY2 = jwk.JWK.generate(kty="EC", crv="P-256")


def proof(url, method="POST", key=DKEY, token=None, head=None, **change):
    body = {"htm": method, "htu": url, "iat": int(time.time()), "jti": uuid.uuid4().hex}
    if token:
        body["ath"] = b64(hashlib.sha256(token.encode()).digest())
    body.update(change)
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": json.loads(key.export_public()), **(head or {})}
    t = jwt.JWT(header, {k: v for k, v in body.items() if v is not None}, algs=["ES256", "HS256"])
    t.make_signed_token(key)
    return t.serialize()


@pytest.fixture(scope="module")
def bound(g):
    """A public client whose tokens are bound."""
    return g.register(scope=PATIENT, application_type="web", token_endpoint_auth_method="none", grant_types=["password", "refresh_token"],
                      dpop_bound_access_tokens=True)


def dpop_token(g, client, *proofs, **form):
    data = {"grant_type": "password", "client_id": client["client_id"], "scope": PATIENT, "user_role": "patient", "username": "Phil1",
            "password": "phil", "email": "heya@invalid.email.com", **form}
    return g.post("/oauth2/default/token", data=data, headers={"DPoP": p for p in proofs})


def test_a_bound_token_needs_its_key(g, bound):
    token_url, path = f"{g.origin}/oauth2/default/token", "/apis/default/fhir/Patient"
    r = dpop_token(g, bound, proof(token_url))
    assert r.status_code == 200 and r.json()["token_type"] == "DPoP", r.text
    t = r.json()["access_token"]
    cnf = claims_of(t)["cnf"]
    assert cnf == {"jkt": DKEY.thumbprint()}
    url = g.origin + path

    def get(p=None, scheme="DPoP", query=""):
        return g.get(path + query, headers={"Authorization": f"{scheme} {t}", **({"DPoP": p} if p else {})}).status_code
    good = proof(url, "GET", token=t)
    assert get(good) == 200
    assert get(good) == 401, "a proof works once"
    assert get(proof(url, "GET", token=t), query="?_count=1") == 200
    for bad in (None, proof(url, "POST", token=t), proof(url + "/x", "GET", token=t), proof(url, "GET"), proof(url, "GET", token=t + "x"),
                proof(url, "GET", DKEY2, t), proof(url, "GET", token=t, iat=int(time.time()) - 600), proof(url, "GET", token=t, jti=None),
                proof(url, "GET", token=t, iat=int(time.time()) + 600), proof(url, "GET", token=t, head={"typ": "JWT"}),
                proof("https://elsewhere.example.org" + path, "GET", token=t), "rubbish"):
        assert get(bad) == 401
    assert get(None, "Bearer") == 401 and get(proof(url, "GET", token=t), "Bearer") == 401


def test_a_bearer_token_is_no_dpop_token(g):
    client = g.register(scope=PATIENT, grant_types=["password", "refresh_token"])
    t = ask(g, client, "post").json()["access_token"]
    path = "/apis/default/fhir/Patient"
    r = g.get(path, headers={"Authorization": f"DPoP {t}", "DPoP": proof(g.origin + path, "GET", token=t)})
    assert r.status_code == 401 and "DPoP" in r.headers["WWW-Authenticate"]


@pytest.mark.parametrize("change", [{"method": "GET"}, {"url": "https://elsewhere.example.org/token"}, {"head": {"typ": "JWT"}}, {"iat": 1}, {"jti": None}, None],
                         ids=str)
def test_the_token_endpoint_refuses_a_bad_proof(g, bound, change):
    url = f"{g.origin}/oauth2/default/token"
    r = dpop_token(g, bound) if change is None else dpop_token(g, bound, proof(**{"url": url, **change}))
    assert (r.status_code, r.json()["error"]) == (400, "invalid_dpop_proof")


def test_the_proof_s_key_must_be_a_public_one(g, bound):
    url = f"{g.origin}/oauth2/default/token"
    private = proof(url, head={"jwk": json.loads(DKEY.export())})
    assert dpop_token(g, bound, private).json()["error"] == "invalid_dpop_proof"


def test_a_public_client_s_refresh_token_is_bound_too(g, bound):
    url = f"{g.origin}/oauth2/default/token"
    t = dpop_token(g, bound, proof(url)).json()
    form = {"grant_type": "refresh_token", "client_id": bound["client_id"], "refresh_token": t["refresh_token"]}
    for p in ({}, {"DPoP": proof(url, key=DKEY2)}):
        assert g.post("/oauth2/default/token", data=form, headers=p).json()["error"] == "invalid_dpop_proof"
    r = g.post("/oauth2/default/token", data=form, headers={"DPoP": proof(url)})
    assert r.status_code == 200 and r.json()["token_type"] == "DPoP"


# --- RFC 7592 ------------------------------------------------------------------------------------------------------------------------------------
def manage(g, client, method="GET", token=None, **kw):
    path = client["registration_client_uri"][len(g.origin):]
    return g.request(method, path, token or client["registration_access_token"], **kw)


def test_a_client_reads_its_registration(g):
    client = g.register(scope=PATIENT, backchannel_logout_uri="https://client.example.org/back", policy_uri="https://client.example.org/policy")
    r = manage(g, client)
    assert r.status_code == 200 and r.headers["Cache-Control"] == "no-store"
    got = r.json()
    for name in ("client_id", "client_secret", "client_name", "redirect_uris", "scope", "token_endpoint_auth_method", "contacts", "policy_uri",
                 "registration_client_uri", "registration_access_token", "backchannel_logout_uri", "post_logout_redirect_uris"):
        assert got[name] == client[name], name


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("token", ["wrong", "", "other client's"])
def test_a_registration_needs_its_own_token(g, method, token):
    client, other = g.register(scope=PATIENT), g.register(scope=PATIENT)
    token = other["registration_access_token"] if token.startswith("other") else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    path = client["registration_client_uri"][len(g.origin):]
    r = g.request(method, path, headers=headers, json={"client_id": client["client_id"]} if method == "PUT" else None)
    assert (r.status_code, r.json()["error"]) == (401, "invalid_token")
    assert r.headers["WWW-Authenticate"] == 'Bearer realm="OAuth"' + (', error="invalid_token"' if token else ""), "RFC 6750 3"
    assert manage(g, client).status_code == 200
    assert g.get("/oauth2/default/client/nothing", token or "x").status_code == 401


def test_a_client_replaces_its_registration(g):
    client = g.register(scope=PATIENT)
    body = {"client_id": client["client_id"], "client_secret": client["client_secret"], "application_type": "private", "client_name": "Renamed",
            "redirect_uris": ["https://client.example.org/new"], "scope": "openid patient/Patient.read api:fhir",
            "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["password"]}
    r = manage(g, client, "PUT", json=body)
    assert r.status_code == 200, r.text
    got = r.json()
    assert got["client_name"] == "Renamed" and got["redirect_uris"] == ["https://client.example.org/new"] and "contacts" not in got
    assert got["token_endpoint_auth_method"] == "client_secret_basic" and got["client_secret"] == client["client_secret"]
    assert ask(g, client, "post").status_code == 401 and ask(g, client, "basic", scope="openid").status_code == 200


@pytest.mark.parametrize("change, error", [
    ({"client_id": "other"}, "invalid_client_metadata"), ({"client_secret": "other"}, "invalid_client_metadata"),
    ({"application_type": "web"}, "invalid_client_metadata"), ({"redirect_uris": ["http://evil.example.org/"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://x.example.org/#f"]}, "invalid_redirect_uri"), ({"redirect_uris": None}, "invalid_redirect_uri"),
    ({"scope": "no/such"}, "invalid_scope"), ({"token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
    ({"policy_uri": "javascript:alert(1)"}, "invalid_client_metadata"), ({"backchannel_logout_uri": "http://x.example.org"}, "invalid_client_metadata")], ids=str)
def test_an_update_is_checked_like_a_registration(g, change, error):
    client = g.register(scope=PATIENT)
    body = {"client_id": client["client_id"], "application_type": "private", "client_name": "x", "redirect_uris": ["https://client.example.org/cb"],
            "scope": PATIENT, "token_endpoint_auth_method": "client_secret_post", **change}
    r = manage(g, client, "PUT", json={k: v for k, v in body.items() if v is not None})
    assert (r.status_code, r.json()["error"]) == (400, error)
    assert manage(g, client).json()["client_name"] == client["client_name"]


@pytest.mark.parametrize("scope, redirect, enabled", [
    ("openid api:oemr user/patient.read", "https://client.example.org/callback", True), ("openid", "https://client.example.org/callback", True),
    ("openid api:oemr user/patient.read user/facility.read", "https://client.example.org/callback", False),
    ("openid api:oemr user/patient.read", "https://evil.example.org/", False)])
def test_an_approved_client_that_widens_itself_waits_again(g, scope, redirect, enabled):
    client = g.register(scope="openid api:oemr user/patient.read")
    body = {"client_id": client["client_id"], "application_type": "private", "client_name": "x", "redirect_uris": [redirect], "scope": scope,
            "token_endpoint_auth_method": "client_secret_post"}
    assert manage(g, client, "PUT", json=body).status_code == 200
    assert g.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{client['client_id']}'") == [["1" if enabled else "0"]]


def test_an_update_does_not_enable_what_an_administrator_disabled(g):
    client = g.register(scope=PATIENT)
    g.cli("client", "disable", "--site", "default", client["client_id"])
    body = {"client_id": client["client_id"], "application_type": "private", "client_name": "x", "redirect_uris": ["https://client.example.org/cb"],
            "scope": "openid", "token_endpoint_auth_method": "client_secret_post"}
    assert manage(g, client, "PUT", json=body).status_code == 200
    assert g.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{client['client_id']}'") == [["0"]]


def test_a_deleted_client_is_gone_with_its_tokens(g):
    client = g.register(scope=PATIENT, grant_types=["password", "refresh_token"])
    t = ask(g, client, "post").json()
    assert manage(g, client, "DELETE").status_code == 204
    assert manage(g, client).status_code == 401 and ask(g, client, "post").status_code == 401
    g.ends(t["access_token"], "/apis/default/fhir/Patient", 5)


@pytest.fixture(scope="module")
def coded(g):
    return g.register(scope="openid patient/Patient.read", grant_types=["authorization_code"])


BOUND = [  # the key named at authorize, the key that proves itself with the code, status
    (DKEY, DKEY, 200), (DKEY, DKEY2, 400), (DKEY, None, 400), (None, DKEY, 200), (None, None, 200)]


@pytest.mark.parametrize("named, proved, status", BOUND)
def test_a_code_is_bound_to_the_key_named_before(g, coded, named, proved, status):
    p = Person(g).authorize(coded, "openid", dpop_jkt=named and named.thumbprint()).login_patient().allow()
    form = {"grant_type": "authorization_code", "code": p.answer()["code"], "redirect_uri": p.asked["redirect_uri"], "code_verifier": p.verifier, "client_id": coded["client_id"],
            "client_secret": coded["client_secret"]}
    url = g.origin + "/oauth2/default/token"
    r = g.post("/oauth2/default/token", data=form, headers={"DPoP": proof(url, key=proved)} if proved else {})
    assert r.status_code == status, r.text
    if status == 200:
        assert r.json()["token_type"] == ("DPoP" if proved else "Bearer")
    else:
        assert r.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("value", ["x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "+", "A" * 42 + "B"])
def test_a_thumbprint_that_is_none_is_refused(g, coded, value):
    assert Person(g).authorize(coded, "openid", dpop_jkt=value).answer()["error"] == "invalid_request"


# --- registration policy ------------------------------------------------------------------------------------------------------------------------
REGISTRATION = {"application_type": "private", "redirect_uris": ["https://client.example.org/cb"], "client_name": "x", "scope": "openid",
                "token_endpoint_auth_method": "client_secret_post"}


@pytest.mark.parametrize("uri, status", [
    ("https://client.example.org/cb", 200), ("http://127.0.0.1/cb", 200), ("http://[::1]:8080/cb", 200), ("http://localhost/cb", 200),
    ("org.example.app:/cb", 200), ("http://client.example.org/cb", 400), ("https://client.example.org/cb#x", 400),
    ("https://u@client.example.org/cb", 400), ("myapp:/cb", 400), ("javascript:alert(1)", 400), ("data:text/html,x", 400), ("/cb", 400), ("", 400)])
def test_redirect_schemes(g, uri, status):
    r = g.post("/oauth2/default/registration", json={**REGISTRATION, "redirect_uris": [uri]})
    assert r.status_code == status, r.text


def test_openemr_s_manual_approval_makes_all_wait(g):
    g.sql("REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('oauth_app_manual_approval', 0, '1')")
    try:
        made = g.post("/oauth2/default/registration", json=REGISTRATION).json()
        assert g.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{made['client_id']}'") == [["0"]]
    finally:
        g.sql("UPDATE globals SET gl_value='0' WHERE gl_name='oauth_app_manual_approval'")


@pytest.mark.parametrize("settings, headers, status", [
    ({"registration": "closed"}, {}, 403), ({"registration": "token"}, {}, 401), ({"registration": "token"}, {"Authorization": "Bearer wrong"}, 401),
    ({"registration": "token"}, {"Authorization": "Bearer let-me-in"}, 200), ({"approval": "all"}, {}, 200),
    ({"approval_scopes": ["openid"]}, {}, 200)], ids=str)
def test_registration_policy(g, settings, headers, status):
    secret = g.dir / "secrets" / "initial"
    secret.write_text("let-me-in\n")
    secret.chmod(0o600)
    names = {f"sites.default.oauth.{k}": v for k, v in settings.items()}
    if settings.get("registration") == "token":
        names["sites.default.oauth.registration_token"] = {"file": str(secret)}
    before = dict(g.extra)
    g.configure(names)
    try:
        assert "reload.done" in g.reload()

        def registered():  # a connection may still be taken by a worker of the old configuration
            g.session = g.session_new()
            r = g.post("/oauth2/default/registration", json=REGISTRATION, headers=headers)
            if r.status_code != status:
                return False
            waits = "approval" in settings or "approval_scopes" in settings
            return not waits or g.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{r.json()['client_id']}'") == [["0"]]
        wait_until(registered, f"registration answered {status}")
        if settings.get("registration") == "closed":
            assert "registration_endpoint" not in g.get("/oauth2/default/.well-known/openid-configuration").json()
    finally:
        g.extra = before
        g.configure()
        g.reload()
