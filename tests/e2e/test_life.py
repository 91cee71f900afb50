# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, reload, replacement of dead processes, stop: under load, and no request is dropped. The control plane tells the truth meanwhile."""
import contextlib
import json
import os
import resource
import signal
import subprocess
import threading
import time

import pytest
import requests

from gateway import WAIT_S, wait_until

PATH = "/apis/default/api/patient?_limit=1"
RESTED_S = 0.2  # while draining the gateway closes what has rested for 0.5 s (gateway/net/listener.c)


class Load:
    """Clients that each keep a connection and ask again and again; counts statuses and broken requests. A client that could not ask for a while takes a
    new connection, since one that rests may be closed."""

    def __init__(self, gateway, token, clients=4, path=PATH):
        self.gateway, self.token, self.path = gateway, token, path
        self.statuses, self.broken, self.longest_s = {}, [], 0.0
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]

    def run(self):
        session, end = self.gateway.session_new(), time.monotonic()
        while not self.over.is_set():
            begin = time.monotonic()
            if begin - end > RESTED_S:
                session.close()
            try:
                status = session.get(self.gateway.origin + self.path, headers={"Authorization": f"Bearer {self.token}"}, timeout=60).status_code
            except requests.RequestException as e:
                with self.lock:
                    self.broken.append(repr(e))
                session.close()
                self.over.wait(0.01)  # where nobody listens any more
                continue
            end = time.monotonic()
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
                self.longest_s = max(self.longest_s, end - begin)

    def __enter__(self):
        for t in self.threads:
            t.start()
        wait_until(lambda: self.count() > 20, "load runs")
        return self

    def __exit__(self, *exc):
        self.over.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), "a request hangs"

    def count(self, status=None):
        with self.lock:
            return sum(self.statuses.values()) if status is None else self.statuses.get(status, 0)

    def more(self, n=50):
        have = self.count(200)
        wait_until(lambda: self.count(200) >= have + n, f"{n} more answers")


@pytest.fixture
def g(make_gateway):
    return make_gateway(extra={"rate.classes.search.limit": 0, "rate.classes.read.limit": 0})


@pytest.fixture
def token(g):
    return g.staff_token("openid api:oemr user/patient.read")


def test_reload_under_load_drops_no_request(g, token):
    with Load(g, token) as load:
        for _ in range(3):
            old = g.workers()
            assert "reload.done" in g.reload()
            assert not set(old) & set(g.workers())
            load.more()
    assert load.broken == [] and set(load.statuses) == {200}, (load.broken[:3], load.statuses)


def test_a_wrong_configuration_is_kept_out_with_the_reason(g, token):
    good = g.config.read_text()
    tree = json.loads(good)
    tree["http"] = {"head_max": "soon", "nonsense": 1}
    g.config.write_text(json.dumps(tree))
    with Load(g, token) as load:
        assert "reload.refused" in g.reload()
        load.more()
    assert load.broken == [] and set(load.statuses) == {200}
    assert any("http.head_max" in line for line in g.log_lines("config")) and any("nonsense" in line for line in g.log_lines("config"))
    g.config.write_text(good)
    assert "reload.done" in g.reload()


def test_reload_changes_what_the_new_configuration_says(g, token):
    assert g.get("/apis/default/fhir/metadata").status_code == 200
    g.configure({"sites.default.apis.fhir": False})
    g.reload()
    wait_until(lambda: g.session_new().get(g.origin + "/apis/default/fhir/metadata").status_code != 200, "FHIR is off")
    assert g.session_new().get(g.origin + PATH, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_killed_worker_is_replaced_and_its_death_logged(g, token):
    with Load(g, token) as load:
        before = g.workers()
        victim = before[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(g.workers()) == len(before) and victim not in g.workers(), "a new worker")
        load.more()
    assert set(load.statuses) == {200}, load.statuses
    assert len(load.broken) <= 4, load.broken  # what the dead worker was answering
    assert any("process=\"worker\"" in line for line in g.log_lines("process.died")), g.log_lines()[-5:]


def helper(g, name):
    return next((pid for pid, what in g.processes().items() if what == name), None)


@pytest.mark.parametrize("name, meanwhile", [("keyd", {200}), ("hashd", {200}), ("filed", {200}), ("auditd", {200, 503})])
def test_a_killed_helper_process_comes_back(g, token, name, meanwhile):
    """Who needs it not does not notice; without auditd nothing is answered that could not be recorded."""
    victim = helper(g, name)
    assert victim, f"no process {name}"
    with Load(g, token) as load:
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: helper(g, name) not in (None, victim), f"a new {name}")
        wait_until(lambda: any("reload.done" in line for line in g.log_lines()), "new workers")
        load.more()
    assert set(load.statuses) <= meanwhile and load.broken == [], (load.statuses, load.broken[:3])

    def works():
        with contextlib.suppress(AssertionError, requests.RequestException):
            t = g.staff_token("openid api:oemr user/patient.read")
            return g.session_new().get(g.origin + PATH, headers={"Authorization": f"Bearer {t}"}).status_code == 200
        return False
    wait_until(works, f"tokens and requests after the death of {name}")


@pytest.mark.parametrize("name", ["auditd", "hashd", "filed"])
def test_a_worker_that_a_living_helper_could_not_take_is_replaced(make_gateway, name):
    """The helper is out of descriptors when a worker starts: the worker's socket to it is closed, and neither process ends by that."""
    g = make_gateway(extra={"process.workers": 1})
    token = g.staff_token("openid api:oemr user/patient.read user/document.read")
    pid, (victim,) = helper(g, name), g.workers()
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: g.workers() not in ([], [victim]), "a new worker")
    wait_until(lambda: g.log_lines("worker.cut"), "it is told")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    def works():
        with contextlib.suppress(AssertionError, requests.RequestException):
            g.staff_token("openid api:oemr user/patient.read")
            return all(g.session_new().get(g.origin + path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
                       for path in (PATH, "/apis/default/api/patient/1/document/11"))
        return False
    wait_until(works, f"everything works again after {name} could take no more")
    assert helper(g, name) == pid


def test_sigterm_answers_what_is_under_way_and_leaves_nothing(g, token):
    workers = g.workers()
    with Load(g, token) as load:
        g.proc.send_signal(signal.SIGTERM)
        assert g.proc.wait(WAIT_S) == 0
        load.over.set()
    assert set(load.statuses) == {200}, load.statuses
    assert all("Connection aborted" in b or "Max retries" in b for b in load.broken), load.broken[:3]
    assert workers and not g.processes()


def test_health_ready_and_metrics_tell_the_truth(make_gateway):
    g = make_gateway(own_stores=True)
    token = g.staff_token("openid api:oemr user/patient.read")
    assert g.control("/healthz")[0] == 200 and g.control("/readyz")[0] == 200
    g.get(PATH, token)
    status, text = g.control("/metrics")
    assert status == 200 and "# TYPE " in text
    for word in ("requests", "seconds_bucket", "audit", "redis", "db"):
        assert word in text, word
    assert "Belford" not in text
    g.stores.stop_one("redis")
    wait_until(lambda: g.control("/readyz")[0] == 503, "not ready without Redis")
    assert g.control("/healthz")[0] == 200
    g.store_start("redis")
    assert g.control("/readyz")[0] == 200


def test_secrets_are_in_no_process_list_log_or_error(g, token):
    made = g.client()
    g.token_request(grant_type="password", client_id=made["client_id"], client_secret=made["client_secret"], username="admin",
                    password="WrongSecret77", user_role="users", scope="openid")
    g.get("/apis/default/api/patient?fname=Phil", token)
    text = (g.dir / "gatehouse.log").read_text() + (g.dir / "serve.log").read_text()
    text += "".join(f.read_text(errors="replace") for f in (g.dir / "audit").glob("*.journal"))
    assert "gatehouse" in g.process_list()
    text += g.process_list()
    for secret in (token, made["client_secret"], "WrongSecret77", "Belford", "fname=Phil"):
        assert secret not in text


def test_a_start_that_fails_says_why_where_it_was_started(g, tmp_path):
    """Also when the log is a file; a log file that cannot be made is told, and the log goes to standard error."""
    mine = json.loads(g.config.read_text())
    for log, word in ((tmp_path / "own.log", "gatehouse: not started: "), (tmp_path / "none" / "own.log", "log.file_failed")):
        config = tmp_path / "gatehouse.yaml"
        config.write_text(json.dumps(mine | {"log": {"file": str(log)}, "audit": mine["audit"] | {"journal_dir": str(tmp_path / "audit")},
                                             "control": {"listen": f"unix:{tmp_path}/c.sock"}, "process": {"workers": 1}}))
        done = subprocess.run([str(g.binary), "serve", "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60)
        assert done.returncode == 1 and word in done.stdout.decode() and "cannot bind" in done.stdout.decode(), done.stdout.decode()
