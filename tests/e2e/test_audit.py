# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: sound after kill -9 and a torn record; a changed, removed or reordered record is found and named; no answer leaves
unrecorded when the disk is full; queries."""
import json
import os
import signal

import pytest

from gateway import wait_until

PATH = "/apis/default/api/patient?_limit=1"


@pytest.fixture
def g(make_gateway):
    gateway = make_gateway()
    gateway.t = gateway.staff_token("openid api:oemr user/patient.read")
    for _ in range(5):
        assert gateway.get(PATH, gateway.t).status_code == 200
    return gateway


def journal(g):
    (f,) = sorted((g.dir / "audit").glob("*.journal"))[-1:]
    return f


def test_a_sound_journal_verifies(g):
    code, out, _ = g.cli("audit", "verify")
    assert code == 0 and "sound" in out


def test_after_kill_9_every_answered_request_is_there_and_the_chain_goes_on(g):
    ids = []
    for n in range(30):
        ids.append(f"kill-{n}")
        assert g.get(PATH, g.t, headers={"X-Request-Id": ids[-1]}).status_code == 200
    os.killpg(g.proc.pid, signal.SIGKILL)
    g.proc.wait()
    assert {r.get("request_id") for r in g.journal()} >= set(ids)
    with open(journal(g), "ab") as f:
        f.write(b"0123abcd torn rec")  # as if the machine had died within a write
    g.start()
    assert g.session_new().get(g.origin + "/apis/default/fhir/metadata").status_code == 200
    code, out, _ = g.cli("audit", "verify")
    assert code == 0, out
    assert {r.get("request_id") for r in g.journal()} >= set(ids)


def change(lines):
    return lines[:3] + [lines[3].replace(b'"status":200', b'"status":403')] + lines[4:]


CHANGES = {
    "changed": change,
    "removed": lambda lines: lines[:3] + lines[4:],
    "reordered": lambda lines: lines[:3] + [lines[4], lines[3]] + lines[5:],
    "cut in the middle": lambda lines: lines[:3] + [lines[3][:20]] + lines[4:],
}


@pytest.mark.parametrize("what", CHANGES)
def test_verify_names_the_record_that_was(g, what):
    g.stop()
    path = journal(g)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) > 5
    seq = json.loads(lines[3][lines[3].index(b"{"):])["seq"]
    path.write_bytes(b"".join(CHANGES[what](lines)))
    code, out, err = g.cli("audit", "verify", check=False)
    assert code != 0 and str(seq) in out + err, out + err


def test_an_end_that_was_cut_off_is_missed(g):
    g.stop()
    path = journal(g)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]))
    code, out, err = g.cli("audit", "verify", check=False)
    assert code != 0, out + err


def test_the_longest_record_is_written(g):
    """A record as long as a client can make it: it was once refused, and requests of others with it."""
    path = "/apis/default/api/" + '"' * 900
    got = g.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {g.t}\r\nX-Request-Id: {'l' * 64}\r\nConnection: close\r\n\r\n".encode())
    assert got.split(b" ", 2)[1] == b"404", got[:200]
    (record,) = g.audit_of("l" * 64)
    assert record["path"] == path[:512]
    assert g.get(PATH, g.t).status_code == 200


def test_query_filters(g):
    uuid = g.get(PATH, g.t).json()["data"][0]["uuid"]
    assert g.get(f"/apis/default/api/patient/{uuid}", g.t).status_code == 200
    _, out, _ = g.cli("audit", "query", "--patient", uuid, "--since", "1h")
    found = [json.loads(line) for line in out.splitlines()]
    assert found and all(r["patient"] == uuid for r in found)
    _, out, _ = g.cli("audit", "query", "--user", "admin", "--site", "default", "--since", "1h")
    assert len(out.splitlines()) >= 6
    _, out, _ = g.cli("audit", "query", "--site", "alternate", "--since", "1h")
    assert out == ""
    _, out, _ = g.cli("audit", "query", "--user", "nobody", "--since", "1h")
    assert out == ""


def test_without_space_for_the_journal_durable_requests_get_503(make_gateway, tmp_path):
    """A file size limit of the audit process stands for a full disk."""
    g = make_gateway(extra={"audit.segment_ahead": "8KiB"})  # soon used up
    t = g.staff_token("openid api:oemr user/patient.read")
    assert g.get(PATH, t).status_code == 200
    import resource
    from test_life import helper
    size = journal(g).stat().st_size
    resource.prlimit(helper(g, "auditd"), resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    wait_until(lambda: g.get(PATH, t).status_code == 503, "503 when nothing can be recorded")
    r = g.get(PATH, t)
    assert r.status_code == 503
    assert "Retry-After" in r.headers and "data" not in r.json()
    resource.prlimit(helper(g, "auditd"), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: g.get(PATH, t).status_code == 200, "answers again when there is space")
    g.stop()
    code, out, _ = g.cli("audit", "verify", check=False)
    assert code == 0, out
