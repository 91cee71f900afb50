# SPDX-License-Identifier: GPL-3.0-or-later
"""Each endpoint of the authorization server, as the scope file lists them: its methods and no other, its path and none like it, no-store where an
answer is for one alone, permission for scripts of registered origins at what browsers call and never at a page. RFC 9700 2.6, RFC 9110 15.5.6."""
import pytest
import yaml
from app import FREE
from gateway import ROOT, Gateway

ORIGIN, EVIL = "https://client.example.org", "https://evil.example.net"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What is the same for everybody may be kept: documents, keys, style.
PUBLIC = {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwk", "/pages/style.css", "/pages/icon.svg", "/smart/smart-style"}


def rows():
    """path: (its methods, is it a page) by the scope file."""
    found = {}
    for row in yaml.safe_load((ROOT / "scopes" / "oauth2.yaml").read_text())["oauth"]["routes"]:
        (key, value), = row.items()
        method, path = key.split()
        methods, page = found.setdefault(path.replace(":path", "AAAAAAAAAAAAAAAAAAAAAA"), (set(), value.get("page", False)))
        methods.add(method)
    return found


ROWS = rows()
# Documents that an app reads before it has registered: for scripts of every origin (SMART App Launch 2.2, CORS).
DOCUMENTS = {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwk"}


@pytest.fixture(scope="module")
def g(shared_stores):
    more = {f"rate.classes.{name}.limit": 0 for name in ("public", "read", "search", "write", "default")}
    g = Gateway(stores=shared_stores, extra={**FREE, **more})
    g.register(scope="openid", redirect_uris=[ORIGIN + "/cb"])
    yield g
    g.close()


def send(g, method, path, **headers):
    return g.request(method, "/oauth2/default" + path, headers=headers, data={} if method in ("POST", "PUT", "PATCH") else None)


@pytest.mark.parametrize("path", ROWS)
def test_methods_are_enforced(g, path):
    methods, page = ROWS[path]
    for method in METHODS:
        r = send(g, method, path)
        if method in methods:
            assert r.status_code not in (404, 405) or path.startswith("/client/"), (method, r.status_code)
            assert r.status_code < 500 or path == "/token", (method, r.status_code)
        else:
            assert r.status_code == 405 and methods <= {m.strip() for m in r.headers["allow"].split(",")} <= methods | {"HEAD", "OPTIONS"}, (method, r.status_code, r.headers.get("allow"))
    for method in ("TRACE", "CONNECT", "FOO", "get"):
        raw = g.raw(f"{method} /oauth2/default{path} HTTP/1.1\r\nHost: localhost:{g.port}\r\nConnection: close\r\n\r\n".encode())
        assert raw.split()[1] in (b"400", b"404", b"405", b"501"), (method, raw[:80])


@pytest.mark.parametrize("path", ROWS)
def test_only_the_exact_path_is_the_endpoint(g, path):
    method = sorted(ROWS[path][0])[0]
    for other in (path + "/", "/" + path, path + "/x", path + ".", path + ";x=1", path + "%00", path[:-1], "/x" + path, path + "%2e", path.replace("/", "/./", 1), path + "%2F"):
        raw = g.raw(f"{method} /oauth2/default{other} HTTP/1.1\r\nHost: localhost:{g.port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        status = raw.split()[1]
        if path.startswith("/client/"):
            assert status in (b"400", b"401", b"403", b"404"), (other, status)
        else:
            assert status in (b"400", b"404"), (other, status)
    if path.swapcase() != path and not path.startswith("/client/"):
        assert send(g, method, path.swapcase()).status_code == 404


@pytest.mark.parametrize("path", ROWS)
def test_no_answer_for_one_alone_is_kept(g, path):
    for method in ROWS[path][0]:
        r = send(g, method, path)
        kept = r.headers.get("cache-control", "")
        assert ("no-store" in kept) == (path not in PUBLIC), (method, r.status_code, kept)
        assert path not in PUBLIC or ("public" in kept and 0 < int(kept.split("max-age=")[1]) <= 3600), kept
        assert r.headers["x-content-type-options"] == "nosniff" and r.headers["strict-transport-security"]


@pytest.mark.parametrize("path", ROWS)
def test_scripts_of_registered_origins_may_call_what_is_no_page(g, path):
    methods, page = ROWS[path]
    for method in methods:
        for origin in (ORIGIN, EVIL):
            preflight = send(g, "OPTIONS", path, Origin=origin, **{"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization, content-type"})
            real = send(g, method, path, Origin=origin)
            for what, r in (("preflight", preflight), ("answer", real)):
                given = {k.lower(): v for k, v in r.headers.items() if k.lower().startswith("access-control-")}
                if path in DOCUMENTS:
                    assert given["access-control-allow-origin"] == origin and "Origin" in r.headers["vary"], (what, method, given)
                elif page or origin == EVIL:
                    assert "access-control-allow-origin" not in given, (what, method, origin, given)
                else:
                    assert given["access-control-allow-origin"] == ORIGIN and "Origin" in r.headers["vary"], (what, method, given)
                assert "access-control-allow-credentials" not in given, (what, method)
                assert given.get("access-control-allow-origin") != "*", (what, method)


@pytest.mark.parametrize("path", ["/apis/default/fhir/metadata", "/apis/default/fhir/.well-known/smart-configuration",
                                  "/.well-known/oauth-authorization-server/oauth2/default"])
def test_a_document_is_for_scripts_of_every_origin(g, path):
    for method in ("GET", "OPTIONS"):
        r = g.request(method, path, headers={"Origin": EVIL, "Access-Control-Request-Method": "GET"})
        assert r.headers["access-control-allow-origin"] == EVIL and "Origin" in r.headers["vary"], (method, r.status_code)


@pytest.mark.parametrize("path", [p for p, (_, page) in ROWS.items() if page])
def test_pages_and_their_refusals_are_protected(g, path):
    for method in ROWS[path][0]:
        r = g.request(method, "/oauth2/default" + path, headers={"Accept": "text/html"}, data={} if method == "POST" else None)
        if r.headers.get("content-type", "").startswith("text/html"):
            policy = r.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy and "unsafe" not in policy, (method, policy)
            assert r.headers["x-frame-options"] == "DENY" and "<script" not in r.text, method
