# SPDX-License-Identifier: GPL-3.0-or-later
"""Staff whose password is a directory's: OpenEMR's gbl_ldap_* settings against a small LDAP server that answers binds. contract/oauth2.md
6.1.8."""
import socket
import threading
import time

import pytest

DN = "uid={login},ou=people,dc=example,dc=org"


class Directory:
    """Answers simple binds (RFC 4511 4.2): success, invalidCredentials (49), or silence."""

    def __init__(self):
        self.people, self.asked, self.silent = {}, [], False
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
        with conn:
            data = conn.recv(65536)
            while data and not self.silent:
                at, _ = self.tlv(data, 0)
                at, n = self.tlv(data, at)
                number = data[at:at + n]
                at += n
                if data[at] != 0x60:  # no bind: unbind
                    return
                at, _ = self.tlv(data, at)
                at, n = self.tlv(data, at)  # version
                at, n = self.tlv(data, at + n)
                dn = data[at:at + n].decode()
                at, n = self.tlv(data, at + n)
                password = data[at:at + n].decode()
                self.asked.append(dn)
                code = 0 if self.people.get(dn) == password else 49
                body = bytes([2, len(number)]) + number + bytes([0x61, 7, 0x0a, 1, code, 4, 0, 4, 0])
                conn.sendall(bytes([0x30, len(body)]) + body)
                data = conn.recv(65536)
            time.sleep(10 if self.silent else 0)


@pytest.fixture(scope="module")
def world(shared_stores):
    from gateway import Gateway
    d = Directory()
    g = Gateway(stores=shared_stores, extra={"process.workers": 1, "rate": {"classes": {n: {"limit": 0} for n in ("token", "register", "public")}}})
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
    ("receptionist", "of the directory", 400), ("nobody", "of the directory", 400), ("inactive", "of the directory", 400),
    ("admin,ou=x", "of the directory", 400)])
def test_whose_password_counts(world, username, password, status):
    g, d = world
    before = len(d.asked)
    assert ask(g, username, password).status_code == status
    assert (len(d.asked) > before) == (username == "admin"), "only people of the directory are asked there"


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
    d.silent = True
    other = g.session_new()
    done = []
    th = threading.Thread(target=lambda: done.append(ask(g, "admin", "of the directory").status_code))
    th.start()
    time.sleep(0.3)
    begin = time.monotonic()
    assert other.get(g.origin + "/oauth2/default/jwk", timeout=30).status_code == 200
    assert time.monotonic() - begin < 1
    th.join()
    d.silent = False
    assert done == [503]
