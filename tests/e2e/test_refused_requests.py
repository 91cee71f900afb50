# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that no one may get through: whatever could be read two ways is answered 400 and the connection closed; limits have clear
statuses. RFC 9112, RFC 9110 7.2. Rows over TLS to the real binary; the parser's own rows are in the unit tests."""
import socket

import pytest

GOOD = b"GET /apis/default/fhir/metadata HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(*fields, body=b""):
    return b"POST /oauth2/default/token HTTP/1.1\r\nHost: localhost\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


REFUSED = {
    "CL with TE": (post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "TE with CL": (post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"), 400),
    "two Content-Length": (post(b"Content-Length: 1", b"Content-Length: 1", body=b"a"), 400),
    "Content-Length list": (post(b"Content-Length: 1, 1", body=b"a"), 400),
    "Content-Length sign": (post(b"Content-Length: +1", body=b"a"), 400),
    "Content-Length hex": (post(b"Content-Length: 0x1", body=b"a"), 400),
    "Content-Length negative": (post(b"Content-Length: -1"), 400),
    "Content-Length empty": (post(b"Content-Length: "), 400),
    "Content-Length huge": (post(b"Content-Length: 99999999999999999999999"), 400),
    "TE identity": (post(b"Transfer-Encoding: identity"), (400, 501)),
    "TE gzip": (post(b"Transfer-Encoding: gzip, chunked"), (400, 501)),
    "TE chunked twice": (post(b"Transfer-Encoding: chunked, chunked"), (400, 501)),
    "TE chunked not last": (post(b"Transfer-Encoding: chunked, gzip"), (400, 501)),
    "TE odd case and blank": (post(b"Transfer-Encoding:\x0bchunked"), (400, 501)),
    "TE in two fields": (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), (400, 501)),
    "chunk size sign": (post(b"Transfer-Encoding: chunked", body=b"+1\r\na\r\n0\r\n\r\n"), 400),
    "chunk size 0x": (post(b"Transfer-Encoding: chunked", body=b"0x1\r\na\r\n0\r\n\r\n"), 400),
    "chunk size blank": (post(b"Transfer-Encoding: chunked", body=b" 1\r\na\r\n0\r\n\r\n"), 400),
    "chunk size none": (post(b"Transfer-Encoding: chunked", body=b"\r\na\r\n0\r\n\r\n"), 400),
    "chunk size huge": (post(b"Transfer-Encoding: chunked", body=b"ffffffffffffffffff\r\na\r\n0\r\n\r\n"), 400),
    "chunk without end": (post(b"Transfer-Encoding: chunked", body=b"1\r\nab\r\n0\r\n\r\n"), 400),
    "chunk bare LF": (post(b"Transfer-Encoding: chunked", body=b"1\na\n0\n\n"), 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    "bare CR": (b"GET / HTTP/1.1\r\nHost: local\rhost\r\n\r\n", 400),
    "NUL in value": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n", 400),
    "NUL in target": (b"GET /a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "control byte in target": (b"GET /a\x01b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "obs-fold": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n b\r\n\r\n", 400),
    "space before colon": (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n", 400),
    "empty name": (b"GET / HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    "HTTP/2 by line": (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", (400, 505)),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", (400, 505)),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "lower version": (b"GET / http/1.1\r\nHost: localhost\r\n\r\n", (400, 505)),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "dot dot": (b"GET /apis/default/api/../../x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "encoded dot dot": (b"GET /apis/default/%2e%2e/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "encoded slash": (b"GET /apis/default%2Fapi/patient HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "encoded NUL": (b"GET /apis/default/api/patient%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "invalid UTF-8 in path": (b"GET /apis/default/api/%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "bad percent": (b"GET /apis/default/api/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),
    "long target": (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, 431)),
    "long head": (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 60000 + b"\r\n\r\n", 431),
    "many fields": (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(2000)) + b"\r\n", 431),
    "unknown method": (b"FOO /apis/default/api/patient HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", (400, 401, 405, 404, 501)),
    "CONNECT": (b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 405, 501)),
}


def statuses(answer):
    return [int(part.split(b" ", 1)[0]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_and_nothing_behind_it_is_answered(gateway, name):
    data, want = REFUSED[name]
    got = statuses(gateway.raw(data + GOOD))
    assert got and got[0] in (want if isinstance(want, tuple) else (want,)), got
    if name not in ("unknown method",):
        assert len(got) == 1, f"a request behind it was answered: {got}"


def test_a_plain_http_client_on_the_tls_port_is_told(gateway):
    with socket.create_connection(("localhost", gateway.port), timeout=60) as s:
        s.sendall(GOOD)
        assert statuses(s.recv(4096)) == [400]


def test_pipelined_requests_are_answered_in_order(gateway):
    last = GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert statuses(gateway.raw(GOOD * 3 + last)) == [200] * 4


def test_a_body_over_the_limit_is_413(gateway):
    head = post(b"Content-Length: 999999999", b"Content-Type: application/x-www-form-urlencoded")
    assert statuses(gateway.raw(head))[0] == 413
    chunks = b"".join(b"10000\r\n" + b"a" * 0x10000 + b"\r\n" for _ in range(20))
    assert 413 in statuses(gateway.raw(post(b"Transfer-Encoding: chunked", b"Content-Type: application/x-www-form-urlencoded", body=chunks)))


@pytest.mark.parametrize("path, status", [("/apis/default/api/patient", 401), ("/oauth2/default/token", 413), ("/oauth2/default/registration", 413), ("/nowhere", 404)])
def test_who_sends_a_large_body_before_reading_sees_why_it_was_not_taken(gateway, path, status):
    with gateway.session_new() as s:
        for _ in range(3):
            assert s.post(gateway.origin + path, data=b"a" * (20 << 20), headers={"Content-Type": "application/x-www-form-urlencoded"}, timeout=30).status_code == status


def test_expect_100_continue_is_sent_before_the_body_is_wanted(gateway):
    with gateway.connect() as s:
        s.sendall(post(b"Content-Length: 3", b"Expect: 100-continue", b"Content-Type: application/x-www-form-urlencoded"))
        assert s.recv(4096).startswith(b"HTTP/1.1 100 ")
        s.sendall(b"a=b")
        assert s.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_head_has_the_fields_of_get_and_no_body(gateway):
    got = gateway.raw(b"HEAD /apis/default/fhir/metadata HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert b" 200 " in head and b"Content-Length: " in head and body == b""


def test_other_clients_are_served_while_one_sends_nonsense(gateway):
    before = gateway.workers()
    for name in list(REFUSED)[:10]:
        gateway.raw(REFUSED[name][0])
    assert gateway.get("/apis/default/fhir/metadata").status_code == 200
    assert gateway.workers() == before


def test_slow_heads_are_cut_and_do_not_hold_others(make_gateway):
    g = make_gateway(extra={"http.header_timeout": "3s"})
    with g.connect() as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert g.get("/apis/default/fhir/metadata").status_code == 200
        assert statuses(s.recv(4096)) == [408]


def test_connections_per_address_are_limited(make_gateway):
    g = make_gateway(extra={"http.connections_per_address_max": 3, "process.workers": 1})
    held = [g.connect() for _ in range(3)]
    with pytest.raises(OSError):
        g.connect().recv(1)
    for s in held:
        s.close()


TLS_REFUSED = [("-tls1_1",), ("-tls1_2", "-cipher", "AES128-SHA@SECLEVEL=0"), ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA@SECLEVEL=0")]


@pytest.mark.parametrize("argv", TLS_REFUSED, ids=[" ".join(a) for a in TLS_REFUSED])
def test_old_tls_is_refused(gateway, argv):
    import subprocess
    done = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{gateway.port}", "-CAfile", gateway.ca, *argv], input=b"",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert b"Cipher is (NONE)" in done.stdout or done.returncode != 0
