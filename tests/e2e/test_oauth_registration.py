# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may register what, per site: kinds of redirect addresses, scopes that wait for an administrator, the limit of open registration. Each row is a
site of its own over one database. Then RFC 7591 and OIDC Registration by a client that speaks their words: defaults, what is refused, what is told; and that
it reads back and replaces what it registered (RFC 7592). oauth.registration: test_oauth_clients.py."""
import json

import pytest
from app import FREE
from gateway import Gateway
from jwcrypto import jwk

REGISTRATION = {"application_type": "private", "redirect_uris": ["https://client.example.org/cb"], "client_name": "x", "scope": "openid",
                "token_endpoint_auth_method": "client_secret_post"}
PUBLIC = {"application_type": "web", "token_endpoint_auth_method": "none"}
KEY = jwk.JWK.generate(kty="EC", crv="P-384", kid="k")
URIS = ["https://a.example.org/cb", "http://127.0.0.1/cb", "org.example.app:/cb", "myapp://cb", "other:/cb", "http://a.example.org/cb", "javascript:alert(1)"]
SCHEMES = [  # what the site lists, which of URIS a client may register there
    ([], "1110000"), (["https"], "1000000"), (["loopback"], "0100000"), (["private-use"], "0010000"), (["https", "myapp"], "1001000"), (["https", "org.example.app"], "1010000")]
WAITS = [  # settings of the site, members of the registration, whether it waits
    ({}, {"scope": "openid patient/Patient.read"}, False), ({}, {"scope": "openid user/Patient.read"}, True),
    ({}, {"scope": "system/Patient.read", "jwks": {"keys": [json.loads(KEY.export_public())]}}, True), ({}, {"scope": "openid launch patient/Patient.read"}, False),
    ({}, {"scope": "openid launch patient/Patient.read", **PUBLIC}, True), ({}, {"scope": "openid launch/patient patient/Patient.read", **PUBLIC}, False),
    ({"approval": "all"}, {"scope": "openid"}, True), ({"approval": "all"}, {"scope": "openid launch/patient", **PUBLIC}, True),
    ({"approval_scopes": ["patient/Observation"]}, {"scope": "openid patient/Observation.read"}, True),
    ({"approval_scopes": ["patient/Observation"]}, {"scope": "openid patient/Observation.rs"}, True),
    ({"approval_scopes": ["patient/Observation"]}, {"scope": "openid patient/Patient.read user/Patient.read"}, False),
    ({"approval_scopes": ["offline_access"]}, {"scope": "openid offline_access"}, True)]


@pytest.fixture(scope="module")
def g():
    g = Gateway(extra=FREE)
    g.stop()
    settings = [{"redirect_schemes": listed} if listed else {} for listed, _ in SCHEMES] + [s for s, _, _ in WAITS]
    sites = {}
    for n, oauth in enumerate(settings):
        sites[f"sites.row{n}"] = {"database": {"socket": g.stores.db_socket, "name": "openemr_default", "user": "gatehouse", "password": {"file": str(g.dir / "secrets" / "database")}},
                                  "oauth": {"signing_key": str(g.dir / "keys" / "default.pem"), "openemr_rows": False, **oauth}, "openemr_sites_dir": str(g.dir / "sites" / "default")}
    g.configure(sites)
    g.start()
    yield g
    g.close()


@pytest.mark.parametrize("member", ["redirect_uris", "post_logout_redirect_uris"])
@pytest.mark.parametrize("n", range(len(SCHEMES)), ids=lambda n: " ".join(SCHEMES[n][0]) or "none listed")
def test_redirect_schemes_are_the_sites_to_choose(g, n, member):
    taken = SCHEMES[n][1]
    for uri, want in zip(URIS, taken):
        body = {**REGISTRATION, "redirect_uris": [URIS[taken.index("1")]], member: [uri]}
        r = g.post(f"/oauth2/row{n}/registration", json=body)
        assert (r.status_code in (200, 201)) == (want == "1"), (uri, r.text)
        if want == "0":
            assert r.json()["error"] == ("invalid_redirect_uri" if member == "redirect_uris" else "invalid_client_metadata"), uri


@pytest.mark.parametrize("word", ["javascript", "data", "http", "file", "HTTPS", "", "a b", "x:", "1a"])
def test_a_scheme_that_browsers_serve_is_no_setting(g, word):
    before = g.config.read_text()
    tree = json.loads(before)
    tree["sites"]["default"]["oauth"]["redirect_schemes"] = [word]
    g.config.write_text(json.dumps(tree))
    try:
        code, out, err = g.cli("check", check=False)
        assert code != 0 and "redirect_schemes" in out + err
    finally:
        g.config.write_text(before)


@pytest.mark.parametrize("n", range(len(WAITS)))
def test_which_scopes_wait_for_approval(g, n):
    _, members, waits = WAITS[n]
    site = f"row{len(SCHEMES) + n}"
    r = g.post(f"/oauth2/{site}/registration", json={**REGISTRATION, **members})
    assert r.status_code in (200, 201), r.text
    made = r.json()
    assert g.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{made['client_id']}'") == [["0" if waits else "1"]]
    if waits:
        form = {"client_id": made["client_id"], "grant_type": "refresh_token", "refresh_token": "x"}
        if made.get("client_secret"):
            form["client_secret"] = made["client_secret"]
        assert g.token_request(site, **form).status_code == 401
        assert g.get(f"/oauth2/{site}/authorize", params={"client_id": made["client_id"], "response_type": "code"}).status_code in (400, 401)


def test_open_registration_is_limited_by_address(make_gateway):
    g = make_gateway(own_stores=True, extra={**FREE, "rate.classes.register": {"limit": 6, "window": "1m", "burst": 3, "by": "address"}})
    got = [g.post("/oauth2/default/registration", json=REGISTRATION).status_code for _ in range(6)]
    assert got[:3] == [200] * 3 and set(got[3:]) == {429}
    r = g.post("/interface/smart/register-app.php", data={"client_name": "x", "redirect_uris": "https://a.example.org/cb", "scope[openid]": "1"})
    assert r.status_code == 429 and int(r.headers["retry-after"]) > 0, "the page is counted with it"


# --- RFC 7591, OpenID Connect Registration -----------------------------------------------------------------------------------------------------
CB = {"redirect_uris": ["https://client.example.org/cb"]}
TOLD = [  # members of a registration, of its answer; None: not there, ...: something
    ({}, {"token_endpoint_auth_method": "client_secret_basic", "client_secret": ..., "client_secret_expires_at": 0, "grant_types": ["authorization_code"],
          "response_types": ["code"], "scope": "openid profile email address phone offline_access", "application_type": None, "client_name": ...}),
    ({"application_type": "native"}, {"token_endpoint_auth_method": "client_secret_basic", "client_secret": ...}),
    ({"token_endpoint_auth_method": "none"}, {"client_secret": None, "token_endpoint_auth_method": "none"}),
    ({"token_endpoint_auth_method": "none", "application_type": "native"}, {"client_secret": None, "application_type": "native"}),
    ({"scope": "openid", "client_name": "x", "contacts": None, "logo_uri": None}, {"scope": "openid", "client_name": "x", "contacts": None, "logo_uri": None}),
    ({"response_types": ["code", "code id_token", "token"]}, {"response_types": ["code"]}), ({"response_types": []}, {"response_types": []}),
    ({"grant_types": ["authorization_code", "implicit", "refresh_token"]}, {"grant_types": ["authorization_code", "refresh_token"]}),
    ({"subject_type": "public"}, {"subject_type": "public"}), ({"require_auth_time": True}, {"require_auth_time": True}),
    ({"default_max_age": 60, "sector_identifier_uri": "https://x.example.org/s", "request_uris": ["https://x.example.org/r"], "software_id": "x", "foo": [1]},
     {"default_max_age": None, "sector_identifier_uri": None, "request_uris": None, "foo": None}),
    ({"id_token_signed_response_alg": "none"}, {"id_token_signed_response_alg": "RS256"})]
REFUSED = [({"redirect_uris": uris}, "invalid_redirect_uri") for uris in (
    None, [], "https://client.example.org/cb", ["/cb"], ["https://client.example.org/cb#"], ["https://u@client.example.org/"], ["https://cli\u00e9nt.example.org/"],
    ["https://client.example.org/a b"], ["https://client.example.org/%zz"], ["https:\\\\client.example.org"], [1])] + [(m, "invalid_client_metadata") for m in (
        {"response_types": ["token"]}, {"response_types": ["code"] + ["token"] * 20}, {"response_types": ["id_token", "code token"]}, {"response_types": "code"}, {"response_types": [1]},
        {"grant_types": ["implicit"]}, {"grant_types": "authorization_code"}, {"grant_types": [None]}, {"subject_type": "pairwise"}, {"subject_type": 1}, {"token_endpoint_auth_method": 5},
        {"token_endpoint_auth_method": "client_secret_jwt"}, {"token_endpoint_auth_method": "private_key_jwt"}, {"application_type": ["web"]}, {"logo_uri": 7}, {"jwks_uri": {}},
        {"dpop_bound_access_tokens": "yes"}, {"backchannel_logout_session_required": 1}, {"client_name": 5}, {"client_name": ""}, {"contacts": "me@example.org"})]


def fits(answer, told):
    return all(name not in answer if want is None else bool(answer[name]) if want is ... else answer[name] == want for name, want in told.items())


@pytest.mark.parametrize("members, told", TOLD, ids=lambda v: json.dumps(v, default=str)[:60])
def test_a_registration_is_told_as_it_is(g, members, told):
    r = g.post("/oauth2/default/registration", json={**CB, **members})
    assert r.status_code == 201 and fits(r.json(), told), r.text


@pytest.mark.parametrize("members, error", REFUSED, ids=lambda v: json.dumps(v)[:60])
def test_metadata_that_is_none_is_refused(g, members, error):
    r = g.post("/oauth2/default/registration", json={**CB, **members})
    assert (r.status_code, r.json()["error"]) == (400, error), r.text


@pytest.mark.parametrize("members, error", [({"scope": None}, "invalid_scope"), ({"scope": ""}, "invalid_scope"), ({"client_name": None}, "invalid_client_metadata")], ids=str)
def test_openemr_s_words_need_scope_and_name(g, members, error):
    r = g.post("/oauth2/default/registration", json={**REGISTRATION, **members})
    assert (r.status_code, r.json()["error"]) == (400, error), r.text


@pytest.mark.parametrize("members", [{}, {"application_type": "native"}, {"token_endpoint_auth_method": "none", "application_type": "native"}, {**REGISTRATION, **PUBLIC},
                                     REGISTRATION], ids=lambda v: json.dumps(v)[:60])
def test_what_a_client_reads_it_may_write(g, members):
    made = g.post("/oauth2/default/registration", json={**CB, **members}).json()
    path, token = made["registration_client_uri"][len(g.origin):], made["registration_access_token"]
    read = g.get(path, token).json()
    assert fits(read, {name: made.get(name) for name in ("client_id", "application_type", "token_endpoint_auth_method", "scope", "redirect_uris", "id_token_signed_response_alg")
                       if name in made or name == "application_type"})
    written = g.request("PUT", path, token, json={**read, "client_name": "Another", "contacts": None})
    assert written.status_code == 200 and written.json() == {**{k: v for k, v in read.items() if k != "contacts"}, "client_name": "Another"}
