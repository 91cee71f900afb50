# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that several requests of one moment ask for come with one statement: each request gets its own rows, as many as alone, and a connection
that dies meanwhile fails none of them."""
import concurrent.futures
import subprocess

import pytest

from gateway import Gateway, wait_until

PEOPLE = 40
SCOPES = "openid api:oemr api:fhir " + " ".join(f"user/{x}" for x in (
    "patient.read", "encounter.read", "medication.read", "medical_problem.read", "prescription.read", "appointment.read", "Encounter.read"))
# One path per way in which a page's rows are found: patients by number, by uuid, two sources, children, FHIR.
PATHS = ("patient/{n}/medication", "patient/{u}/encounter", "patient/{u}/medical_problem", "prescription?patient_id={n}", "patient/{n}/appointment", "patient/{u}")
# One row by the path's patient and its own uuid: the patient's rows, and (of the next patient) rows that are not theirs.
ROWS = (("encounter", "form_encounter", "TRUE"), ("medical_problem", "lists", "type = 'medical_problem'"))


@pytest.fixture(scope="module")
def g():
    gateway = Gateway(patients=PEOPLE, records=3, extra={f"rate.classes.{c}.limit": 100000 for c in ("read", "search")})
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def token(g):
    return g.staff_token(" ".join(s for s in SCOPES.split() if s in g.scopes()))


def dashed(u):
    return f"{u[:8]}-{u[8:12]}-{u[12:16]}-{u[16:20]}-{u[20:]}"


@pytest.fixture(scope="module")
def alone(g, token):
    """{path: answer}, each asked for when nothing else is under way."""
    people = [(pid, dashed(u)) for pid, u in g.sql("SELECT pid, LOWER(HEX(uuid)) FROM patient_data ORDER BY pid")]
    found = {}
    for n, (pid, uuid) in enumerate(people[:PEOPLE]):
        other = people[(n + 1) % PEOPLE][1]
        rows = [(kind, dashed(row[0])) for kind, table, where in ROWS for row in g.sql(f"SELECT LOWER(HEX(uuid)) FROM {table} WHERE pid = {pid} AND {where} ORDER BY id LIMIT 1")]
        for p in PATHS + tuple(f"patient/{who}/{kind}/{row}" for kind, row in rows for who in (uuid, other)):
            path = "/apis/default/api/" + p.format(n=pid, u=uuid)
            r = g.get(path, token)
            assert r.status_code in (200, 400, 404), f"{path}: {r.status_code} {r.text}"
            found[path] = (r.status_code, r.json())
            assert not p.startswith(f"patient/{other}/") or not r.json().get("data"), p
            assert not p.startswith(f"patient/{uuid}/") or r.status_code == 200, p
    assert sum(status == 200 and len(str(body)) > 300 for status, body in found.values()) > len(found) / 2
    return found


def ask_all(g, token, paths, clients):
    """Every client asks for its share, all at once; {path: answer}."""
    def some(mine):
        with g.session_new() as s:
            got = [(p, s.get(g.origin + p, headers={"Authorization": f"Bearer {token}"}, timeout=60)) for p in mine]
            return [(p, (r.status_code, r.json())) for p, r in got]
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return dict(x for part in pool.map(some, [paths[i::clients] for i in range(clients)]) for x in part)


def test_each_request_gets_its_own_rows(g, token, alone):
    wrong = [(p, a, alone[p]) for _ in range(3) for p, a in ask_all(g, token, list(alone), 24).items() if a != alone[p]]
    assert not wrong, wrong[0]


class Locked:
    """A session that holds a table: whoever reads it waits."""

    def __init__(self, g, table):
        self.p = subprocess.Popen(["mariadb", "-uroot", "-S", g.stores.db_socket, "openemr_default", "-N", "--unbuffered"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.say(f"LOCK TABLES {table} WRITE; SELECT 'held';")
        assert self.p.stdout.readline() == b"held\n"

    def say(self, text):
        self.p.stdin.write(text.encode() + b"\n")
        self.p.stdin.flush()

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def waiting(g):
    """Connections of the gateway whose statement waits for the table."""
    return [row[0] for row in g.sql("SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'")]


@pytest.mark.parametrize("table, path", [("lists_medication", "prescription?patient_id={n}"), ("lists", "patient/{n}/medication"), ("patient_data", "patient/{n}/medication")])
def test_a_connection_that_dies_fails_no_read(g, token, alone, table, path):
    paths = ["/apis/default/api/" + path.format(n=n) for n in range(2, 10)]
    lock = Locked(g, table)
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answers = pool.submit(ask_all, g, token, paths, len(paths))
            killed = wait_until(lambda: waiting(g), "reads wait for the table")
            g.sql("; ".join(f"KILL CONNECTION {number}" for number in killed))
            wait_until(lambda: set(waiting(g)) - set(killed), "they are read again on other connections")
            lock.close()
            got = answers.result(60)
    finally:
        if lock.p.poll() is None:
            lock.close()
    assert {p: a for p, a in got.items()} == {p: alone[p] for p in paths}
