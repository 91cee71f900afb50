# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists without a limit, of 100,000 patients: streamed in constant memory; clients that read slowly or leave hold neither memory nor a
connection to the database."""
import time

import pytest

from gateway import wait_until

PEOPLE = 100000
SLOW = 24  # clients that do not read: more than a worker has connections to the database
LIST = "/apis/default/api/patient"
GROWTH_MB = 24
BULK = f"""
SET sql_mode='';
INSERT INTO patient_data (id, pid, pubpid, uuid, fname, lname, DOB, sex, date, regdate) SELECT seq, seq, seq, UNHEX(MD5(seq)), CONCAT('F', seq), CONCAT('L', seq), '1990-01-01', 'Male',
 '1990-01-02 03:04:05', '1990-01-02' FROM seq_1001_to_{1000 + PEOPLE};
"""


@pytest.fixture(scope="module")
def g(gateway):
    gateway.sql(BULK)
    gateway.t = gateway.staff_token("openid api:oemr user/patient.read")
    return gateway


def settled(g):
    """Every stream has filled what it may hold: between two of its statements nothing is under way either."""
    before = g.rss_mb()
    time.sleep(0.5)
    return busy(g) == 0 and g.rss_mb() == before


def busy(g):
    return g.metric("gatehouse_db_connections_busy", "default")


def test_the_list_of_all_is_whole_and_takes_constant_memory(g):
    g.get(LIST + "?_limit=200", g.t)
    before, peak, ids, tail = g.rss_mb(), 0, 0, b""
    with g.session.get(g.origin + LIST, headers={"Authorization": f"Bearer {g.t}"}, stream=True, timeout=120) as r:
        assert r.status_code == 200
        for n, part in enumerate(r.iter_content(1 << 20)):
            text = tail + part
            ids += text.count(b'"pubpid":')
            tail = text[-8:]  # a name may be cut
            if n % 16 == 0:
                peak = max(peak, g.rss_mb())
    assert tail.endswith(b"}]}") and ids == PEOPLE + 30
    assert peak - before < GROWTH_MB, (before, peak)


def test_clients_that_do_not_read_hold_no_connection_to_the_database(g):
    """Each has its answer begun and reads no further; others are served meanwhile, and leaving ends it."""
    request = f"GET {LIST} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {g.t}\r\n\r\n".encode()
    slow = [g.connect() for _ in range(SLOW)]
    try:
        for s in slow:
            s.sendall(request)
        for s in slow:
            assert s.recv(12) == b"HTTP/1.1 200"
        wait_until(lambda: settled(g), "no statement is under way, and none follows")
        held = g.rss_mb()
        for _ in range(5):
            assert g.get(LIST + "?_limit=1", g.t).status_code == 200
        wait_until(lambda: busy(g) == 0, "none holds a connection; the number is told four times a second, and may tell of those just served")
        assert g.rss_mb() - held < 4
    finally:
        for s in slow:
            s.close()
    wait_until(lambda: g.metric("gatehouse_connections") <= 1, "the gateway has let them go")
