# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may register what, per site: kinds of redirect addresses, scopes that wait for an administrator, the limit of open registration. Each row is a
site of its own over one database. oauth.registration and RFC 7591 itself: test_oauth_clients.py."""
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
