# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy backend: an existing OpenEMR answers behind the gateway's checks; bodies stream in constant memory both ways; fields of the
hop are not passed on; a bad upstream is 502 or 504 in the caller's dialect."""
import threading

import pytest

from gateway import wait_until
from upstream import PIECE, Upstream

SCOPE = "openid api:oemr api:fhir user/patient.read user/patient.write user/Patient.read user/facility.read"
LIST = "/apis/default/api/patient"
SIZE = 256 << 20  # many times what the gateway may grow by


def settings(url, **more):
    return {"sites.default.backend": "proxy", "sites.default.upstream.url": url,
            "rate.classes.search.limit": 0, "rate.classes.write.limit": 0, **more}


@pytest.fixture
def up():
    u = Upstream()
    yield u
    u.close()


@pytest.fixture
def g(make_gateway, up):
    gateway = make_gateway(extra=settings(up.url))
    gateway.t = gateway.staff_token(SCOPE)
    return gateway


def test_an_allowed_request_reaches_the_upstream_with_the_right_fields(g, up):
    r = g.get(LIST + "?fname=Phil&_limit=2", g.t, headers={
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "ftp", "Forwarded": "for=6.6.6.6", "Connection": "keep-alive, X-Secret-Hop",
        "X-Secret-Hop": "1", "TE": "trailers", "X-Request-Id": "abc-1", "Accept-Language": "de"})
    assert r.status_code == 200 and r.headers["X-From"] == "upstream"
    assert "Keep-Alive" not in r.headers and r.headers["X-Request-Id"] == "abc-1"
    head = up.heads[-1].lower()
    assert head.startswith(f"get {LIST}?fname=phil&_limit=2 http/1.1") and "accept-language: de" in head and "x-request-id: abc-1" in head
    assert "6.6.6.6" not in head and "x-secret-hop" not in head and "proto: ftp" not in head
    assert "x-forwarded-for: 127.0.0.1" in head and "x-forwarded-proto: https" in head and "forwarded: for=127.0.0.1" in head


def test_no_other_route_or_method_reaches_the_upstream_than_policy_allowed(g, up):
    """OpenEMR takes its route from a parameter where there is one, and Symfony its method from a field."""
    before = len(up.heads)
    for kw in ({"params": {"_REWRITE_COMMAND": "default/api/practitioner"}}, {"headers": {"Cookie": "_REWRITE_COMMAND=default/api/practitioner"}}):
        assert g.get(LIST, g.t, **kw).status_code == 400
    assert len(up.heads) == before
    r = g.post(LIST, g.t, data={"fname": "A", "_REWRITE_COMMAND": "default/api/practitioner"}, headers={"X-Request-Id": "reroute-1"})
    assert r.status_code == 400 and g.audit_of("reroute-1")[0]["reason"] == "a parameter names another route"
    r = g.post(LIST, g.t, json={"fname": "A"}, headers={"X-HTTP-Method-Override": "DELETE", "X_HTTP_Method_Override": "DELETE"})
    assert r.status_code == 200 and "delete" not in up.heads[-1].lower()


@pytest.mark.parametrize("token, path, status", [
    (None, LIST, 401), ("t", "/apis/default/api/practitioner", 403), ("t", "/apis/default/api/nothing", 404)])
def test_what_policy_refuses_never_reaches_the_upstream(g, up, token, path, status):
    before = len(up.heads)
    r = g.get(path, g.t if token else None)
    assert r.status_code in (status, 401, 403) and len(up.heads) == before


def test_connections_are_kept(g, up):
    session = g.session_new()
    for _ in range(20):
        assert session.get(g.origin + LIST, headers={"Authorization": f"Bearer {g.t}"}).status_code == 200
    assert up.connections <= 4


def requests_counted(g):
    return g.metric("gatehouse_requests_total", "patient")


def test_a_proxied_request_is_one_record_and_one_count(g):
    before = requests_counted(g)
    sent = {f"one-{i}": g.get(LIST, g.t, headers={"X-Request-Id": f"one-{i}"}) for i in range(3)}
    for request_id, r in sent.items():
        (record,) = g.audit_of(request_id)
        assert (record["event"], record["status"], record.get("reason")) == ("request", 200, None)
        assert record["bytes"] == len(r.content)
    wait_until(lambda: requests_counted(g) >= before + 3, "each is counted")


def test_an_answer_of_unknown_length_has_a_second_record_with_its_bytes(g):
    r = g.get(LIST + "?mark=chunked", g.t, headers={"X-Request-Id": "long-1"})
    assert r.status_code == 200
    wait_until(lambda: len(g.audit_of("long-1")) == 2, "its end is recorded")
    first, end = g.audit_of("long-1")
    assert (first["event"], end["event"]) == ("request", "stream_end") and end["bytes"] >= len(r.content)


def test_a_large_answer_streams_in_constant_memory(g, up):
    g.get(LIST, g.t)
    before = g.rss_mb()
    up.big_pieces = SIZE // len(PIECE)
    got, peak = 0, 0
    with g.session.get(g.origin + LIST + "?mark=big", headers={"Authorization": f"Bearer {g.t}"}, stream=True, timeout=60) as r:
        for n, part in enumerate(r.iter_content(1 << 20)):
            got += len(part)
            if n % 16 == 0:
                peak = max(peak, g.rss_mb())
    assert got == SIZE and peak - before < 16, (before, peak)


def test_a_large_body_streams_in_constant_memory(g, up):
    g.get(LIST, g.t)
    before, peak = g.rss_mb(), 0

    def body():
        nonlocal peak
        for n in range(SIZE // len(PIECE)):
            if n % 512 == 0:
                peak = max(peak, g.rss_mb())
            yield PIECE
    r = g.post(LIST, g.t, data=body(), headers={"Content-Type": "application/octet-stream"}, timeout=120)
    assert r.status_code == 200 and up.body_bytes == SIZE and peak - before < 16, (before, peak)


def test_a_slow_reader_does_not_fill_the_gateways_memory(g, up):
    before = g.rss_mb()
    up.big_pieces = SIZE // len(PIECE)
    with g.session.get(g.origin + LIST + "?mark=big", headers={"Authorization": f"Bearer {g.t}"}, stream=True) as r:
        r.raw.read(1)
        for _ in range(20):
            assert g.rss_mb() - before < 16
            assert g.session_new().get(g.origin + "/apis/default/fhir/metadata").status_code in (200, 401, 404)


def test_chunked_answers_pass(g):
    assert g.get(LIST + "?mark=chunked", g.t).text == "hello world"


def test_an_upstreams_own_error_passes_as_it_is(g):
    r = g.get(LIST + "?mark=error", g.t)
    assert r.status_code == 418 and r.text == "upstream says no"


@pytest.mark.parametrize("mark, status", [("silent", 504), ("gone", 502), ("nonsense", 502)])
@pytest.mark.parametrize("path, member", [(LIST, "error"), ("/apis/default/fhir/Patient", "resourceType")])
def test_a_bad_upstream_is_told_in_the_callers_dialect(g, mark, status, path, member):
    if mark == "silent":
        g.configure({"sites.default.upstream.header_timeout": "1s"})
        assert "reload.done" in g.reload()
    r = g.get(f"{path}?mark={mark}", g.t)
    assert r.status_code == status and member in r.json(), r.text


def test_an_answer_that_is_cut_is_not_taken_for_whole(g):
    got = g.raw(f"GET {LIST}?mark=short HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {g.t}\r\n\r\n".encode())
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: 100" in head and len(body) < 100  # and the connection ended: a client knows that it is not whole


def test_no_upstream_is_502_and_others_are_served(make_gateway):
    g = make_gateway(extra=settings("http://127.0.0.1:9"), whole=False)
    t = g.staff_token(SCOPE)
    assert g.get(LIST, t).status_code == 502
    assert g.get("/oauth2/default/jwk").status_code == 200
    assert g.staff_token("openid api:oemr user/patient.read", site="alternate")


def test_routes_say_which_backend_answers(make_gateway, up):
    g = make_gateway(extra={"sites.default.upstream.url": up.url, "sites.default.routes": [
        {"backend": "proxy", "api": "api"}, {"backend": "direct", "route": "GET /api/facility"}]})
    t = g.staff_token(SCOPE)
    assert g.get(LIST, t).headers.get("X-From") == "upstream"
    assert "data" in g.get("/apis/default/api/facility", t).json()
    assert g.get("/apis/default/fhir/Patient", t).json()["resourceType"] == "Bundle"


def test_a_unix_socket_upstream(make_gateway, tmp_path):
    up = Upstream(unix=tmp_path / "up.sock")
    g = make_gateway(extra=settings(up.url))
    assert g.get(LIST, g.staff_token(SCOPE)).headers["X-From"] == "upstream"
    up.close()


def test_a_tls_upstream_is_verified(make_gateway, gateway):
    tls = gateway.dir / "tls"
    up = Upstream(tls=(tls / "server.pem", tls / "server.key"))
    patient = {"sites.default.upstream.header_timeout": "30s"}  # a handshake on a busy machine
    g = make_gateway(extra=settings(up.url, **patient, **{"sites.default.upstream.tls_ca": str(tls / "ca.pem")}))
    assert g.get(LIST, g.staff_token(SCOPE)).headers["X-From"] == "upstream"
    other = make_gateway(extra=settings(up.url, **patient, **{"sites.default.upstream.tls_ca": str(g.dir / "tls" / "ca.pem")}))
    assert other.get(LIST, other.staff_token(SCOPE)).status_code == 502
    up.close()


def test_a_client_that_leaves_frees_the_upstream(g, up):
    up.big_pieces = SIZE // len(PIECE)
    done = threading.Event()

    def leave():
        r = g.session_new().get(g.origin + LIST + "?mark=big", headers={"Authorization": f"Bearer {g.t}"}, stream=True)
        r.raw.read(1000)
        r.close()
        done.set()
    threading.Thread(target=leave).start()
    assert done.wait(20)
    assert g.get(LIST, g.t).status_code == 200
    wait_until(lambda: [r for r in g.journal() if r["event"] == "stream_end" and r.get("reason") == "client gone"], "its record")
