# SPDX-License-Identifier: GPL-3.0-or-later
"""Staff whose password is a directory's: OpenEMR's gbl_ldap_* settings against a small LDAP server that answers binds, in clear, by StartTLS and by
ldaps. contract/oauth2.md 6.1.8."""
import concurrent.futures
import datetime
import pathlib
import re
import shutil
import socket
import ssl
import threading
import time

import pytest
from gateway import wait_until
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from timing import overtakes

DN = "uid={login},ou=people,dc=example,dc=org"


class Directory:
    """Answers simple binds (RFC 4511 4.2): success, invalidCredentials (49), or silence; StartTLS (4.14) and ldaps with the context tls."""

    def __init__(self):
        self.people, self.asked, self.passwords, self.silent, self.unanswered = {}, [], [], False, 0
        self.tls, self.ldaps, self.under_tls, self.seen = None, False, [], b""
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"ldap://127.0.0.1:{self.sock.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(conn,), daemon=True).start()

    @staticmethod
    def tlv(data, at):
        n, at = data[at + 1], at + 2
        if n & 0x80:
            k = n & 0x7f
            n, at = int.from_bytes(data[at:at + k], "big"), at + k
        return at, n

    def one(self, conn):
        secure = False
        if self.ldaps:
            try:
                conn, secure = self.tls.wrap_socket(conn, server_side=True), True
            except OSError:
                return
        with conn:
            data = conn.recv(65536)
            while data and not self.silent:
                self.seen += b"" if secure else data
                at, _ = self.tlv(data, 0)
                at, n = self.tlv(data, at)
                number = data[at:at + n]
                at += n
                if data[at] == 0x77:  # an extended request: StartTLS
                    good = b"1.3.6.1.4.1.1466.20037" in data and self.tls is not None
                    body = bytes([2, len(number)]) + number + bytes([0x78, 7, 0x0a, 1, 0 if good else 2, 4, 0, 4, 0])
                    conn.sendall(bytes([0x30, len(body)]) + body)
                    if good:
                        try:
                            conn, secure = self.tls.wrap_socket(conn, server_side=True), True
                        except OSError:
                            return
                    try:
                        data = conn.recv(65536)
                    except OSError:
                        return
                    continue
                if data[at] != 0x60:  # no bind: unbind
                    return
                at, _ = self.tlv(data, at)
                at, n = self.tlv(data, at)  # version
                at, n = self.tlv(data, at + n)
                dn = data[at:at + n].decode()
                at, n = self.tlv(data, at + n)
                password = data[at:at + n].decode()
                self.asked.append(dn)
                self.passwords.append(password)
                self.under_tls.append(secure)
                code = 0 if self.people.get(dn) == password else 49
                body = bytes([2, len(number)]) + number + bytes([0x61, 7, 0x0a, 1, code, 4, 0, 4, 0])
                conn.sendall(bytes([0x30, len(body)]) + body)
                data = conn.recv(65536)
            if self.silent:
                self.unanswered += 1
                time.sleep(10)


@pytest.fixture(scope="module")
def world(shared_stores):
    from gateway import Gateway
    d = Directory()
    g = Gateway(stores=shared_stores, extra={"process.workers": 1})
    for name, value in (("enabled", "1"), ("host", d.url), ("dn", DN), ("exclusions", "receptionist, nobody")):
        g.sql(f"REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_ldap_{name}', 0, '{value}')")
    d.people[DN.replace("{login}", "admin")] = "of the directory"
    yield g, d
    g.sql("DELETE FROM globals WHERE gl_name LIKE 'gbl_ldap%'")
    g.close()
    d.sock.close()


def ask(g, username, password):
    c = g.client()
    return g.token_request(grant_type="password", client_id=c["client_id"], client_secret=c["client_secret"], scope="openid", user_role="users",
                           username=username, password=password)


@pytest.mark.parametrize("username, password, status", [
    ("admin", "of the directory", 200), ("admin", "pass", 400), ("admin", "wrong", 400), ("receptionist", "pass", 200),
    ("receptionist", "of the directory", 400), ("nobody", "of the directory", 400)])
def test_whose_password_counts(world, username, password, status):
    g, d = world
    before = len(d.asked)
    assert ask(g, username, password).status_code == status
    assert (len(d.asked) > before) == (username == "admin"), "only people of the directory are asked there"


LOCKED = "UPDATE users_secure SET login_fail_counter={}, last_login_fail={} WHERE username='admin'"
NOT_ASKED = [  # what, user name, SQL before, SQL after: who is refused before any password counts
    ("unknown", "unheard-of", "", ""), ("unknown, with a comma", "admin,ou=x", "", ""), ("other case", "ADMIN", "", ""),
    ("inactive", "admin", "UPDATE users SET active=0 WHERE username='admin'", "UPDATE users SET active=1 WHERE username='admin'"),
    ("no group", "admin", "UPDATE `groups` SET user='admin-' WHERE user='admin'", "UPDATE `groups` SET user='admin' WHERE user='admin-'"),
    ("locked", "admin", LOCKED.format(20, "NOW()"), LOCKED.format(0, "NULL"))]


@pytest.mark.parametrize("how", ["answers", "silent", "down"])
@pytest.mark.parametrize("what, username, before, after", NOT_ASKED, ids=[row[0] for row in NOT_ASKED])
def test_who_is_refused_anyway_costs_the_same_bind_as_a_wrong_password_but_is_not_asked_for(world, what, username, before, after, how):
    """One bind with a name and a password of nobody, of the typed password's length; a directory that is silent or down is 503 for all."""
    g, d = world
    typed = "never to be seen " + "x" * 20
    d.seen, d.silent = b"", how == "silent"
    asked, passwords, counter = len(d.asked), len(d.passwords), lambda: int(g.sql("SELECT login_fail_counter FROM users_secure WHERE username='admin'")[0][0])
    if before:
        g.sql(before)
    count = counter()
    if how == "down":
        g.sql("UPDATE globals SET gl_value='ldap://127.0.0.1:1' WHERE gl_name='gbl_ldap_host'")
    try:
        assert ask(g, username, typed).status_code == (400 if how == "answers" else 503)
        assert counter() == count + (how == "answers" and username == "admin"), "a blocked try counts too, one that could not be judged does not"
        if how == "answers":
            assert ask(g, username, "of the directory").status_code == 400
            assert len(d.asked) == asked + 2 and d.asked[-1] != d.asked[-2]
            assert [len(p) for p in d.passwords[passwords:]] == [len(typed), len("of the directory")]
            assert all(re.fullmatch(DN.replace("{login}", "[0-9a-f]{32}"), dn) for dn in d.asked[-2:])
        assert username.encode() not in d.seen and b"never" not in d.seen and b"of the directory" not in d.seen
    finally:
        d.silent = False
        g.sql(f"UPDATE globals SET gl_value='{d.url}' WHERE gl_name='gbl_ldap_host'")
        if after:
            g.sql(after)
        g.sql("UPDATE users_secure SET login_fail_counter=0; DELETE FROM ip_tracking")
    assert ask(g, "admin", "of the directory").status_code == 200


@pytest.mark.parametrize("password", ["", "x" * 2000, "x" * 5000, "pass\0word"], ids=["empty", "2000 bytes", "5000 bytes", "NUL"])
def test_a_password_that_no_bind_could_carry_is_refused_without_one_for_everybody(world, password):
    g, d = world
    before = len(d.asked)
    answers = [ask(g, username, password) for username in ("admin", "unheard-of")]
    assert len(d.asked) == before
    assert answers[0].status_code == answers[1].status_code == 400 and answers[0].text == answers[1].text
    g.sql("UPDATE users_secure SET login_fail_counter=0; DELETE FROM ip_tracking")


def test_the_reason_goes_to_the_audit(world):
    g, _ = world
    ask(g, "admin", "wrong")
    assert [a for a in g.journal() if a.get("reason") == "user failed ldap authentication"]


@pytest.mark.parametrize("what", ["a link to itself", "a link to nothing", "no certificate"])
def test_no_password_goes_out_in_clear_where_openemrs_ca_cannot_be_read(world, what):
    g, d = world
    ca = g.dir / "sites" / "default" / "documents" / "certificates" / "ldap-ca"
    ca.parent.mkdir(parents=True, exist_ok=True)
    before = len(d.asked)
    if what == "no certificate":
        ca.write_text("none")
    else:
        ca.symlink_to(ca if what == "a link to itself" else "/nowhere")
    try:
        assert ask(g, "admin", "of the directory").status_code == 503 and len(d.asked) == before
    finally:
        ca.unlink()
    assert ask(g, "admin", "of the directory").status_code == 200


def test_a_silent_directory_is_503_and_holds_up_no_request(world):
    g, d = world
    other = g.session_new()

    def quick():
        assert other.get(g.origin + "/oauth2/default/jwk", timeout=60).status_code == 200
    d.silent = True
    try:
        assert overtakes(lambda: ask(g, "admin", "of the directory").status_code, lambda: d.unanswered, quick) == 503
    finally:
        d.silent = False


def test_sign_ins_beyond_the_queue_are_503_at_once(make_gateway):
    """process.hash_queue_max: a directory that does not answer holds so many sign-ins and no more; then all is well again."""
    g = make_gateway(own_stores=True, extra={"process.workers": 1, "process.hash_queue_max": 2, "rate": {"classes": {n: {"limit": 0} for n in ("token", "register", "public")}}})
    d = Directory()
    d.people[DN.replace("{login}", "admin")] = "of the directory"
    for name, value in (("enabled", "1"), ("host", d.url), ("dn", DN)):
        g.sql(f"REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_ldap_{name}', 0, '{value}')")
    try:
        assert ask(g, "admin", "of the directory").status_code == 200
        d.silent = True
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: ask(g, "admin", "of the directory"), range(8)))
        assert [a.status_code for a in answers] == [503] * 8 and all(int(a.headers["Retry-After"]) > 0 for a in answers)
        reasons = [r["reason"] for r in g.journal() if r.get("status") == 503]
        assert reasons.count("the directory or hashd does not answer") >= 2 and "too many logins at once" in reasons, reasons
        d.silent = False
        wait_until(lambda: ask(g, "admin", "of the directory").status_code == 200, "signed in again")
    finally:
        g.sql("DELETE FROM globals WHERE gl_name LIKE 'gbl_ldap%'")
        d.sock.close()


# --- TLS ---------------------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def certificates(world, tmp_path_factory):
    """name: context of the server. ours: for 127.0.0.1 (libldap compares "localhost" with the machine's name), by the site's CA; elsewhere: for another
    name, by it; expired: as ours, until yesterday; stranger: for 127.0.0.1, by nobody."""
    from gateway import quickstart
    g, _ = world
    d = tmp_path_factory.mktemp("ldap")

    def past(cert):
        """The same certificate, of the days before yesterday (openssl x509 takes no such dates before 3.4)."""
        ca = x509.load_pem_x509_certificate(pathlib.Path(g.ca).read_bytes())
        key = serialization.load_pem_private_key((g.dir / "tls" / "ca.key").read_bytes(), None)
        made = x509.load_pem_x509_certificate(pathlib.Path(cert).read_bytes())
        now = datetime.datetime.utcnow()
        b = x509.CertificateBuilder(ca.subject, made.subject, made.public_key(), made.serial_number, now - datetime.timedelta(30), now - datetime.timedelta(1))
        for extension in made.extensions:
            b = b.add_extension(extension.value, extension.critical)
        pathlib.Path(cert).write_bytes(b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def make(name, host, by_ca):
        key, cert = str(d / f"{name}.key"), str(d / f"{name}.pem")
        quickstart.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", str(d / "csr"), "-subj", f"/CN={host}")
        (d / "ext").write_text(f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}\n")
        ca = ["-CA", g.ca, "-CAkey", str(g.dir / "tls" / "ca.key"), "-CAcreateserial"] if by_ca else ["-signkey", key]
        quickstart.openssl("x509", "-req", "-in", str(d / "csr"), *ca, "-out", cert, "-days", "30", "-extfile", str(d / "ext"))
        if name == "expired":
            past(cert)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(cert, key)
        return ctx
    return {"ours": make("ours", "127.0.0.1", True), "elsewhere": make("elsewhere", "ldap.elsewhere.example", True), "stranger": make("stranger", "127.0.0.1", False),
            "expired": make("expired", "127.0.0.1", True)}


TLS = [  # what, address, the server's certificate, the site's ldap-ca, right password, wrong password
    ("StartTLS", "ldap", "ours", "ca", 200, 400), ("StartTLS, bare name", "", "ours", "ca", 200, 400), ("StartTLS, another name", "ldap", "elsewhere", "ca", 503, 503),
    ("StartTLS, an expired certificate", "ldap", "expired", "ca", 503, 503), ("ldaps, an expired certificate", "ldaps", "expired", "ca", 503, 503),
    ("StartTLS, nobody's certificate", "ldap", "stranger", "ca", 503, 503), ("StartTLS not offered", "ldap", None, "ca", 503, 503),
    ("StartTLS, a CA that is none", "ldap", "ours", "text", 503, 503), ("StartTLS, a CA that is a folder", "ldap", "ours", "folder", 503, 503),
    ("StartTLS, a CA that points nowhere", "ldap", "ours", "dangling", 503, 503), ("ldaps", "ldaps", "ours", "ca", 200, 400), ("ldaps, another name", "ldaps", "elsewhere", "ca", 503, 503),
    ("ldaps, nobody's certificate", "ldaps", "stranger", "ca", 503, 503), ("ldaps, no CA of the site's", "ldaps", "ours", None, 503, 503), ("in clear", "ldap", None, None, 200, 400)]


@pytest.mark.parametrize("what, scheme, certificate, ca, right, wrong", TLS, ids=[row[0] for row in TLS])
def test_a_password_goes_to_the_verified_directory_alone(world, certificates, what, scheme, certificate, ca, right, wrong):
    g, d = world
    place = g.dir / "sites" / "default" / "documents" / "certificates" / "ldap-ca"
    place.parent.mkdir(parents=True, exist_ok=True)
    host = d.url.split(":")[-1]
    make = {None: lambda: None, "ca": lambda: shutil.copy(g.ca, place), "text": lambda: place.write_text("no certificate"), "folder": place.mkdir, "dangling": lambda: place.symlink_to("/nonexistent")}
    make[ca]()
    d.tls, d.ldaps, d.under_tls, d.seen = certificates.get(certificate), scheme == "ldaps", [], b""
    try:
        g.sql(f"UPDATE globals SET gl_value='{scheme + '://' if scheme else ''}127.0.0.1:{host}' WHERE gl_name='gbl_ldap_host'")
        assert ask(g, "admin", "of the directory").status_code == right
        assert ask(g, "admin", "wrong one").status_code == wrong
        assert d.under_tls == ([certificate is not None] * 2 if right == 200 else []), "who was asked, and how"
        if ca is not None or scheme == "ldaps":
            assert b"of the directory" not in d.seen and b"wrong one" not in d.seen
    finally:
        d.tls, d.ldaps = None, False
        g.sql(f"UPDATE globals SET gl_value='{d.url}' WHERE gl_name='gbl_ldap_host'")
        g.sql("UPDATE users_secure SET login_fail_counter=0; DELETE FROM ip_tracking")
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.is_dir():
            place.rmdir()
