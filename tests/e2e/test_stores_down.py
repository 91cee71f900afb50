# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and MariaDB die, hang and come back under load: no request hangs, none gets a wrong answer, each refused one says 503 with
Retry-After in the caller's dialect within the deadline, and all is well again without anybody's help."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import tempfile
import threading
import uuid

import pytest

from gateway import Gateway, wait_until
from test_life import Load

PATH = "/apis/default/api/patient?_limit=1"
FREE = {"rate.classes.search.limit": 0, "rate.classes.read.limit": 0}
DEADLINES = {"redis.timeout": "500ms", "sites.default.database.timeout": "2s"}
DEADLINE_S = 12  # theirs, several in a row, with room for a busy machine; a request that waits for nothing but its own end waits 30 s


@pytest.fixture(scope="module")
def lost():
    """A gateway whose stores the tests of this file end."""
    gateway = Gateway(extra={**FREE, **DEADLINES})
    yield gateway
    gateway.close()


@pytest.fixture
def g(lost):
    for store in ("redis", "mariadb"):
        lost.store_start(store)
    return lost


@pytest.mark.parametrize("store", ["redis", "mariadb"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_store_that_dies_under_load_and_comes_back(g, store, how):
    token = g.staff_token("openid api:oemr user/patient.read")
    with Load(g, token, path=PATH) as load:
        g.stores.stop_one(store, how)
        wait_until(lambda: load.count(503) > 5, "503 while it is down")
        r = g.session_new().get(g.origin + PATH, headers={"Authorization": f"Bearer {token}"}, timeout=DEADLINE_S)
        assert r.status_code == 503 and int(r.headers["Retry-After"]) > 0, r.text
        (g.stores.start_redis if store == "redis" else g.stores.start_mariadb)()
        load.more(100)
    assert load.broken == [] and set(load.statuses) <= {200, 503}, (load.broken[:3], load.statuses)
    assert load.longest_s < DEADLINE_S


@pytest.mark.parametrize("store", ["redis", "mariadb"])
def test_a_store_that_hangs_is_503_within_the_deadline(g, store):
    token = g.staff_token("openid api:oemr user/patient.read")
    assert g.get(PATH, token).status_code == 200
    pid = g.stores._pid(store)
    with Load(g, token, path=PATH) as load:
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: load.count(503) > 3, "503 while it hangs")
        finally:
            os.kill(pid, signal.SIGCONT)
        load.more(100)
    assert load.broken == [] and set(load.statuses) <= {200, 503}, (load.broken[:3], load.statuses)
    assert load.longest_s < DEADLINE_S


def test_connections_that_the_server_ends_cost_no_read_its_answer(g):
    """wait_timeout, an administrator's KILL, a restarted proxy of MariaDB: a read that was under way goes out once more."""
    token = g.staff_token("openid api:oemr user/patient.read")
    with Load(g, token, path=PATH) as load:
        for _ in range(3):
            ids = [row[0] for row in g.sql("SELECT id FROM information_schema.processlist WHERE user LIKE 'gatehouse%'")]
            assert ids
            for n in ids:
                with contextlib.suppress(RuntimeError):  # it has ended by itself
                    g.sql(f"KILL {n}")
            load.more(30)
    assert load.broken == [] and set(load.statuses) == {200}, (load.broken[:3], load.statuses)


def test_a_server_that_keeps_few_prepared_statements_is_asked_all_the_same(make_gateway):
    """max_prepared_stmt_count is reached: the pool keeps fewer, and no kind of request is refused for ever."""
    g = make_gateway(own_stores=True, extra={**FREE, "process.workers": 1})
    token = g.staff_token("openid api:oemr user/patient.read user/facility.read user/practitioner.read user/insurance_company.read user/encounter.read "
                          "user/medical_problem.read user/allergy.read user/medication.read user/appointment.read")
    uuid = g.get(PATH, token).json()["data"][0]["uuid"]
    paths = ["/patient?_limit=1", f"/patient/{uuid}", f"/patient/{uuid}/encounter", f"/patient/{uuid}/medical_problem", f"/patient/{uuid}/allergy",
             f"/patient/{uuid}/medication", "/facility", "/practitioner", "/insurance_company", "/appointment"]
    g.sql("SET GLOBAL max_prepared_stmt_count = 12")

    def round_trip():
        answers = [g.get("/apis/default/api" + path, token) for path in paths]
        assert all(a.status_code < 500 or a.status_code == 503 and "Retry-After" in a.headers for a in answers), [a.text for a in answers]
        return all(a.status_code != 503 for a in answers)
    wait_until(lambda: g.log_lines("db.statements") or not round_trip(), "the server has no room for all of them")
    wait_until(lambda: all(round_trip() for _ in range(5)), "nothing is refused any more")
    assert int(dict(g.stores.sql("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'"))["Prepared_stmt_count"]) <= 12


DIALECTS = {"/apis/default/api/patient": "error", "/apis/default/fhir/Patient": "resourceType", "/apis/default/portal/patient": "error"}


@pytest.mark.parametrize("path", DIALECTS)
def test_503_speaks_the_callers_dialect(g, path):
    token = g.staff_token("openid api:oemr api:fhir user/patient.read user/Patient.read")
    g.stores.stop_one("redis")
    r = g.get(path, token)
    assert r.status_code == 503 and DIALECTS[path] in r.json() and "Retry-After" in r.headers, r.text


def test_without_redis_public_documents_are_served_and_tokens_are_not_given(g):
    made = g.client()
    g.stores.stop_one("redis")
    assert g.get("/oauth2/default/.well-known/openid-configuration").status_code == 200
    assert g.get("/apis/default/fhir/metadata").status_code == 200
    r = g.token_request(grant_type="password", client_id=made["client_id"], client_secret=made["client_secret"], username="admin",
                        password="pass", user_role="users", scope="openid")
    assert r.status_code == 503 and "error" in r.json()


def test_on_failure_open_and_local_go_on_without_redis(make_gateway):
    g = make_gateway(own_stores=True, extra={"redis.on_failure": "local", "rate.classes.search.limit": 3, "rate.classes.search.burst": 3,
                                             "rate.classes.search.window": "60s", "process.workers": 1})
    token = g.staff_token("openid api:oemr user/patient.read")
    g.stores.stop_one("redis")
    got = [g.get(PATH, token).status_code for _ in range(6)]
    assert got[0] == 200 and 429 in got and set(got) <= {200, 429}, got
    g.configure({"redis.on_failure": "open"})
    g.reload()
    assert [g.session_new().get(g.origin + PATH, headers={"Authorization": f"Bearer {token}"}).status_code for _ in range(8)] == [200] * 8, "signature only, no limits"


def test_one_sites_database_down_leaves_the_other_site_alone(make_gateway):
    g = make_gateway(whole=False, extra={"sites.alternate.database.socket": "/nowhere/mariadb.sock"})
    wait_until(lambda: json.loads(g.control("/readyz")[1])["dependencies"]["sites"]["default"]["database"] == "up", "the other site's")
    token = g.staff_token("openid api:oemr user/patient.read")
    assert g.get(PATH, token).status_code == 200
    assert g.get("/apis/alternate/fhir/Patient").status_code == 401
    r = g.token_request("alternate", grant_type="password", client_id="x", username="admin", password="pass", user_role="users", scope="openid")
    assert r.status_code == 503
    assert g.get(PATH, token).status_code == 200


class Relay:
    """A Redis socket before the real one. Answers are kept back from the first command on that holds `word`, until go()."""

    def __init__(self, path, behind, word):
        self.behind, self.word, self.seen, self.free = behind, word, threading.Event(), threading.Event()
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                a = self.listening.accept()[0]
                b = socket.socket(socket.AF_UNIX)
                b.connect(self.behind)
                for one, other, asks in ((a, b, True), (b, a, False)):
                    threading.Thread(target=self.carry, args=(one, other, asks), daemon=True).start()

    def carry(self, one, other, asks):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if asks and self.word in data:
                    self.seen.set()
                if not asks and self.seen.is_set():
                    self.free.wait()
                other.sendall(data)
        for s in (one, other):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def go(self):
        self.free.set()


@pytest.mark.parametrize("who", ["Redis is late", "the client leaves"])
def test_an_idempotency_key_whose_taking_got_no_answer_is_given_back(make_gateway, who):
    """Nothing was written, so a retry with the key writes, once, and does not wait for the key's 24 hours."""
    with tempfile.TemporaryDirectory() as d:
        g = make_gateway(own_stores=True, extra=FREE)
        relay = Relay(str(pathlib.Path(d) / "redis.sock"), g.stores.redis_socket, b"idem:")
        g.stop()
        g.configure({"redis.socket": str(pathlib.Path(d) / "redis.sock"), "redis.timeout": "1s" if who == "Redis is late" else "30s"})
        g.start()
        token = g.staff_token("openid api:oemr user/facility.crus")
        name, key = "Once Clinic", uuid.uuid4().hex

        def post(timeout=60):
            return g.session_new().post(g.origin + "/apis/default/api/facility", json={"name": name, "facility_npi": "1234567893"},
                                        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key}, timeout=timeout)
        if who == "Redis is late":
            assert post().status_code == 503
        else:
            with contextlib.suppress(OSError):
                assert not post(timeout=1)
        assert relay.seen.is_set()
        relay.go()
        wait_until(lambda: g.store_up("redis"), "Redis is used again")
        assert wait_until(lambda: (r := post()).status_code != 503 and [r], "an answer")[0].status_code in (200, 201)
        assert post().status_code in (200, 201)
        assert g.sql(f"SELECT COUNT(*) FROM facility WHERE name = '{name}'") == [["1"]]
