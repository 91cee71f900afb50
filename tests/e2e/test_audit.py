# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: sound after kill -9 and a torn record; a changed, removed or reordered record is found and named; no answer leaves
unrecorded when the disk is full; queries; commands that change rights."""
import fcntl
import json
import os
import pwd
import resource
import shutil
import subprocess

import pytest
from test_life import helper

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
    g.kill()
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
    wait_until(lambda: g.metric("gatehouse_audit_records_total") >= 1, "durable records are counted")
    assert g.metric("gatehouse_audit_failures_total") == 0
    size = journal(g).stat().st_size
    resource.prlimit(helper(g, "auditd"), resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    wait_until(lambda: g.get(PATH, t).status_code == 503, "503 when nothing can be recorded")
    wait_until(lambda: g.metric("gatehouse_audit_failures_total") >= 1, "failures are counted")
    r = g.get(PATH, t)
    assert r.status_code == 503
    assert "Retry-After" in r.headers and "data" not in r.json()
    resource.prlimit(helper(g, "auditd"), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: g.get(PATH, t).status_code == 200, "answers again when there is space")
    g.stop()
    code, out, _ = g.cli("audit", "verify", check=False)
    assert code == 0, out


# --- commands that change rights: client enable and disable, key rotate --------------------------------------------------------


def commands(g):
    return [r for r in g.journal() if r.get("rule", "").startswith("gatehouse ")]


def enabled(g, client_id):
    return g.sql(f"SELECT is_enabled FROM oauth_clients WHERE client_id='{client_id}'") == [["1"]]


@pytest.mark.parametrize("life", ["running", "stopped", "killed"])
def test_a_command_is_recorded_whether_the_gateway_runs_or_not(make_gateway, life):
    g = make_gateway()
    who = g.register(enable=False)["client_id"]
    if life == "stopped":
        g.stop()
    elif life == "killed":  # its socket's file stays
        g.kill()
        assert (g.dir / "audit" / "writer.sock").exists()
    for verb in ("enable", "disable"):
        g.cli("client", verb, "--site", "default", who)
    told = commands(g)
    assert [(r["event"], r["rule"], r["reason"]) for r in told] == [("client_changed", "gatehouse client enable", "enabled"),
                                                                    ("client_changed", "gatehouse client disable", "disabled")]
    me = pwd.getpwuid(os.getuid()).pw_name
    assert all((r["client"], r["site"], r["username"], r["uid"], r["role"], r["allowed"]) == (who, "default", me, os.getuid(), "operator", True)
               for r in told)
    if life != "running":
        g.start()
    assert g.get("/apis/default/fhir/metadata").status_code == 200
    code, out, _ = g.cli("audit", "verify")
    assert code == 0, out
    assert g.cli("audit", "query", "--user", me, "--since", "1h")[1].count('"client_changed"') == 2


def test_commands_and_requests_at_once_are_one_chain(make_gateway):
    g = make_gateway(extra={"process.workers": 2})
    t = g.staff_token("openid api:oemr user/patient.read")
    ids = [g.register(enable=False)["client_id"] for _ in range(4)]
    processes = [subprocess.Popen([str(g.binary), "client", "enable", "--config", str(g.config), "--site", "default", who]) for who in ids]
    for _ in range(30):
        assert g.get(PATH, t).status_code == 200
    assert [p.wait(60) for p in processes] == [0] * 4
    assert sorted(r["client"] for r in commands(g) if r["client"] in ids) == sorted(ids)
    assert g.cli("audit", "verify")[0] == 0


def test_a_record_that_cannot_be_written_leaves_everything_as_it_was(make_gateway):
    g = make_gateway(extra={"process.workers": 1, "audit.segment_ahead": "0"})
    who = g.register(enable=False)["client_id"]
    keys = sorted(p.name for p in (g.dir / "keys").iterdir())
    auditd = helper(g, "auditd")
    resource.prlimit(auditd, resource.RLIMIT_FSIZE, (journal(g).stat().st_size + 100, resource.RLIM_INFINITY))

    def refused(*argv):
        code, _, err = g.cli(*argv, check=False)
        return code == 1 and "nothing changed: it could not be recorded" in err
    try:
        assert refused("client", "enable", "--site", "default", who)
        assert refused("key", "rotate", "--site", "default")
    finally:
        resource.prlimit(auditd, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert not enabled(g, who) and sorted(p.name for p in (g.dir / "keys").iterdir()) == keys
    wait_until(lambda: g.cli("client", "enable", "--site", "default", who, check=False)[0] == 0, "there is room again")
    g.stop()
    with open(g.dir / "audit" / "writer.lock", "w") as lock:  # a writer that takes no commands
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refused("client", "disable", "--site", "default", who)
    assert enabled(g, who)
    assert g.cli("audit", "verify")[0] == 0


def test_a_change_that_failed_after_its_record_is_recorded_as_failed(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    who = g.register(enable=False)["client_id"]
    g.sql("CREATE TRIGGER no_change BEFORE UPDATE ON oauth_clients FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='no'")
    try:
        assert g.cli("client", "enable", "--site", "default", who, check=False)[0] == 1
    finally:
        g.sql("DROP TRIGGER no_change")
    assert [(r["reason"], r["allowed"]) for r in commands(g)] == [("enabled", True), ("the database did not do it", False)]
    assert not enabled(g, who)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may be somebody else")
def test_root_s_command_leaves_no_file_that_the_gateway_s_user_cannot_write(make_gateway):
    """process.user is who writes the journal, with the gateway or without it; anybody else is refused."""
    g = make_gateway(extra={"process.workers": 1})
    who = g.register(enable=False)["client_id"]
    g.stop()
    shutil.rmtree(g.dir / "audit")
    for d in (g.dir, g.dir / "keys"):
        d.chmod(0o777)
    (g.dir / "keys" / "audit.pem").unlink()
    g.configure({"process.user": "nobody"})
    g.cli("client", "enable", "--site", "default", who)
    nobody = pwd.getpwnam("nobody").pw_uid
    made = [g.dir / "audit", *(g.dir / "audit").iterdir(), g.dir / "keys" / "audit.pem"]
    assert len(made) > 3 and {p.stat().st_uid for p in made} == {nobody}
    assert [r["username"] for r in commands(g)] == ["root"]
