# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the running gateway: a certificate per site name, certificates read again at reload without a dropped connection, sessions that every
worker and the next generation of workers take up again."""
import hashlib
import socket
import ssl

import pytest

from gateway import quickstart
from test_life import Load

PATH = "/apis/default/fhir/metadata"


def certificate(d, stem, name):
    """A certificate of the demo's CA for name: DIR/STEM.pem, DIR/STEM.key."""
    tls = d / "tls"
    (tls / "ext").write_text(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")
    quickstart.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(tls / f"{stem}.key"), "-out",
                       str(tls / "csr"), "-subj", f"/CN={name}")
    quickstart.openssl("x509", "-req", "-in", str(tls / "csr"), "-CA", str(tls / "ca.pem"), "-CAkey", str(tls / "ca.key"), "-CAcreateserial",
                       "-out", str(tls / f"{stem}.pem"), "-days", "30", "-extfile", str(tls / "ext"))
    return {"certificate": str(tls / f"{stem}.pem"), "key": str(tls / f"{stem}.key")}


class Connection:
    """One TLS connection; sni is asked for and checked against the certificate."""

    def __init__(self, g, sni="localhost", ctx=None, session=None):
        self.ctx = ctx or ssl.create_default_context(cafile=g.ca)
        raw = socket.create_connection(("127.0.0.1", g.port), timeout=20)
        self.sock = self.ctx.wrap_socket(raw, server_hostname=sni, session=session)

    def get(self):
        self.sock.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got:
            part = self.sock.recv(65536)
            assert part, "closed"
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")))
        while len(body) < length:
            body += self.sock.recv(65536)
        return int(head.split(b" ")[1])

    def fingerprint(self):
        return hashlib.sha256(self.sock.getpeercert(binary_form=True)).hexdigest()

    def names(self):
        return [v for k, v in self.sock.getpeercert()["subjectAltName"] if k == "DNS"]


@pytest.fixture
def g(make_gateway):
    return make_gateway(extra={"process.workers": 2, "rate.classes.search.limit": 0})


def test_each_name_gets_its_certificate(g):
    default = {"certificate": str(g.dir / "tls" / "server.pem"), "key": str(g.dir / "tls" / "server.key")}
    g.configure({"tls.certificates": [default, {"name": "clinic-a.test", **certificate(g.dir, "a", "clinic-a.test")},
                                      {"name": "*.clinics.test", **certificate(g.dir, "w", "*.clinics.test")}]})
    assert "reload.done" in g.reload()
    for sni, names in (("clinic-a.test", ["clinic-a.test"]), ("b.clinics.test", ["*.clinics.test"]), ("localhost", ["localhost"])):
        c = Connection(g, sni)
        assert c.names() == names and c.get() == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        Connection(g, "unknown.test")


def test_a_new_certificate_is_served_after_reload_and_open_connections_go_on(g):
    old = Connection(g).fingerprint()
    certificate(g.dir, "server", "localhost")
    assert Connection(g).fingerprint() == old  # not before the reload
    token = g.staff_token("openid api:oemr user/patient.read")
    with Load(g, token) as load:
        assert "reload.done" in g.reload()
        load.more()
    assert load.broken == [] and set(load.statuses) == {200}, (load.broken[:3], load.statuses)
    assert Connection(g).fingerprint() != old


def test_a_certificate_that_does_not_fit_its_key_keeps_the_old_one(g):
    old = Connection(g).fingerprint()
    (g.dir / "tls" / "server.key").write_text((g.dir / "tls" / "ca.key").read_text())
    assert "reload.done" not in g.reload()
    assert Connection(g).fingerprint() == old and Connection(g).get() == 200


def test_a_session_is_taken_up_by_every_worker_and_after_a_reload(g):
    first = Connection(g)
    assert first.get() == 200 and not first.sock.session_reused
    session = first.sock.session
    for turn in range(2):
        for _ in range(12):
            c = Connection(g, ctx=first.ctx, session=session)
            assert c.sock.session_reused and c.get() == 200, f"turn {turn}"
        assert "reload.done" in g.reload()
