# SPDX-License-Identifier: GPL-3.0-or-later
"""A running gateway for tests: quickstart's own functions in a folder of its own, on a free port, over private stores. Speaks HTTPS to the
real binary. Used by tests/e2e and tests/bench; not for production.

GATEHOUSE_BINARY names the binary (ctest sets it)."""
import contextlib
import http.client
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BINARY", ROOT / "build" / "dev" / "gatehouse"))
WAIT_S = 60  # for what is promised in no time, or in less: a machine may be busy with other things
KEYS = {}  # site: PEM
PUBLISH_S = 0.25  # how often a worker tells its state (gateway/process/worker.c)
CLASSES = ("default", "public", "read", "search", "write", "token", "page", "login", "register", "export")
# What a test is about, not how busy or how fast the machine is, decides: long deadlines of the stores, no limits of rates.
PATIENT = {**{f"rate.classes.{name}.limit": 0 for name in CLASSES}, "redis.timeout": "10s", "sites.default.database.timeout": "15s", "sites.alternate.database.timeout": "15s"}
# What a process says on its way down: a failed CHECK, a sanitizer's report (the preset asan-ubsan). They go to serve.log.
REPORT = ("CHECK failed", "runtime error:", "Sanitizer")


def _quickstart():
    loader = importlib.machinery.SourceFileLoader("quickstart", str(ROOT / "docker" / "demo" / "quickstart.py"))
    spec = importlib.util.spec_from_loader("quickstart", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


quickstart = _quickstart()


def held_port():
    """A socket bound to a free port of 127.0.0.1. While it is open nobody else is given the port, and a server that reuses addresses may listen there."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    return s


def wait_until(condition, what, seconds=WAIT_S):
    """Polls until condition() is true and returns its value; fails with what. It is asked once more when the time is over: this process may have rested."""
    end = time.monotonic() + seconds
    while True:
        last = time.monotonic() >= end
        value = condition()
        if value:
            return value
        if last:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Gateway:
    """extra: settings by path, {"sites.default.compat": "v8"}. With stores given, they are shared and not stopped here. whole=False: some store or
    upstream is meant to be missing; else the gateway is given when every worker reaches all of them."""

    # What all of them have: the tests' conftest.py makes stores that need not outlive a power cut, and deadlines that a busy machine does not miss.
    fsync, settings = True, {}

    def __init__(self, extra=None, patients=30, stores=None, binary=None, records=0, whole=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-"))
        self.binary = pathlib.Path(binary or BINARY)
        self.extra = {**self.settings, **(extra or {})}
        self.whole = whole
        self.own_stores = stores is None
        self.stores = stores or quickstart.Stores(self.dir, self.fsync)
        self.proc = None
        self.held = held_port()
        self.clients = {}
        self.session = None
        if not self.binary.exists():
            raise AssertionError(f"no binary {self.binary}; build first")
        try:
            if self.own_stores:
                self.stores.start()
            else:
                self.redis("FLUSHALL")  # the last gateway's tokens and rates are not this one's
            quickstart.databases(self.dir, self.stores, patients, records)
            quickstart.certificates(self.dir)
            self.signing_keys()
            self.port = self.held.getsockname()[1]
            self.origin = f"https://localhost:{self.port}"
            self.config = self.dir / "gatehouse.yaml"
            self.ca = str(self.dir / "tls" / "ca.pem")
            self.session = self.session_new()
            self.start()
        except BaseException:
            self.close()
            raise

    # --- life --------------------------------------------------------------------------------------------------------------
    def signing_keys(self):
        """The sites' keys: made once in a process, since that takes long."""
        for site in quickstart.SITES:
            path = self.dir / "keys" / f"{site}.pem"
            path.parent.mkdir(exist_ok=True)
            if site in KEYS:
                path.touch(0o600)
                path.write_bytes(KEYS[site])
            else:
                KEYS[site] = quickstart.signing_key(self.dir, site).read_bytes()

    def configure(self, extra=None):
        """Writes the configuration anew; extra settings are added to the earlier ones."""
        self.extra.update(extra or {})
        quickstart.config_write(self.dir, self.stores, self.port, self.extra)

    def start(self):
        self.configure()
        self.proc = quickstart.serve(self.dir, self.binary, self.config, *([WAIT_S] if self.whole else []))

    def stop(self, how=signal.SIGTERM):
        if self.proc is None:
            return None
        self.session.close()
        if self.proc.poll() is None:
            self.proc.send_signal(how)
        code = self.proc.wait(WAIT_S)
        self.proc = None
        self.session = self.session_new()
        return code

    def kill(self):
        """SIGKILL for all processes at once; returns when none is left."""
        os.killpg(self.proc.pid, signal.SIGKILL)
        self.proc.wait(WAIT_S)
        wait_until(lambda: not self.processes(), "all are dead")
        self.proc = None
        self.session.close()
        self.session = self.session_new()

    def close(self):
        if self.session is not None:
            self.session.close()
        if self.proc is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.proc.terminate()
                self.proc.wait(WAIT_S)
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.proc.wait(WAIT_S)
        self.held.close()
        if self.own_stores:
            self.stores.stop()
        reports = self.reports()
        if os.environ.get("GATEHOUSE_KEEP"):
            print(f"kept: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        assert not reports, "a process ended by a programming error:\n" + reports

    def reports(self):
        """serve.log from the first failed CHECK or sanitizer report on; "" when there is none."""
        text = (self.dir / "serve.log").read_text(errors="replace") if (self.dir / "serve.log").exists() else ""
        at = [text.find(word) for word in REPORT if word in text]
        return text[max(0, min(at) - 200):][:8000] if at else ""

    def log_lines(self, word=""):
        text = (self.dir / "gatehouse.log").read_text(errors="replace") if (self.dir / "gatehouse.log").exists() else ""
        return [line for line in text.splitlines() if word in line]

    def reload(self, settle=True):
        """SIGHUP; returns when the log says how it ended: the new line. settle: and, when it was done, the workers of before have left, so that each
        request from now on meets the new configuration; not where a test holds a connection."""
        before, old = len(self.log_lines("reload.")), set(self.workers())
        self.proc.send_signal(signal.SIGHUP)
        line = wait_until(lambda: [x for x in self.log_lines("reload.")[before:] if "reload.begin" not in x], "reload ended")[-1]
        if settle and "reload.done" in line:
            self.session.close()  # its connections are of the old workers
            wait_until(lambda: not old & set(self.workers()), "the old workers leave")
        return line

    def processes(self):
        """{process id: name} of what runs, from /proc: the group of the master. What has ended and waits for its parent is none."""
        found = {}
        for p in pathlib.Path("/proc").iterdir():
            if not p.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                state, _, group = (p / "stat").read_text().rsplit(")", 1)[1].split()[:3]
                if int(group) == self.proc.pid and state not in "ZX":
                    found[int(p.name)] = (p / "comm").read_text().strip()
        return found

    def workers(self):
        return sorted(pid for pid, name in self.processes().items() if name == "worker")

    def process_list(self):
        """What the system's list of processes tells of them: their command lines."""
        text = ""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                text += pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace") + "\n"
        return text

    def rss_mb(self):
        """Resident memory of the largest worker, in MiB."""
        return max(int(line.split()[1]) // 1024 for w in self.workers() for line in pathlib.Path(f"/proc/{w}/status").read_text().splitlines()
                   if line.startswith("VmRSS"))

    def cli(self, *argv, check=True):
        """gatehouse COMMAND --config FILE …: (exit status, output, errors)."""
        done = subprocess.run([str(self.binary), argv[0], "--config", str(self.config), *argv[1:]], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert not check or done.returncode == 0, f"{argv}: {done.returncode}\n{out}{err}"
        return done.returncode, out, err

    def session_new(self):
        """A client of its own (a browser, a second person): keeps connections and cookies."""
        s = requests.Session()
        s.trust_env = False  # a proxy or CA of the machine's environment is not meant for this server
        s.verify = self.ca
        return s

    # --- HTTP --------------------------------------------------------------------------------------------------------------
    def request(self, method, path, token=None, headers=None, **kw):
        all_headers = dict(headers or {})
        if token is not None:
            all_headers["Authorization"] = f"Bearer {token}"
        kw.setdefault("timeout", WAIT_S)
        kw.setdefault("allow_redirects", False)
        return self.session.request(method, self.origin + path, headers=all_headers, **kw)

    def get(self, path, token=None, **kw):
        return self.request("GET", path, token, **kw)

    def post(self, path, token=None, **kw):
        return self.request("POST", path, token, **kw)

    def connect(self):
        """A TLS connection, for bytes that no HTTP library sends."""
        ctx = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection(("localhost", self.port), timeout=WAIT_S)
        return ctx.wrap_socket(raw, server_hostname="localhost")

    def raw(self, data, half_close=False):
        """Sends bytes, returns everything until the server closes (b"" when it only closed)."""
        got = b""
        with self.connect() as s:
            s.settimeout(WAIT_S)
            with contextlib.suppress(OSError):
                s.sendall(data)
            if half_close:
                s.unwrap()
            while True:
                try:
                    part = s.recv(65536)
                except (ConnectionError, ssl.SSLError):
                    break
                if not part:
                    break
                got += part
        return got

    def control(self, path):
        """GET on the control socket: (status, text)."""
        class Unix(http.client.HTTPConnection):
            def connect(inner):
                inner.sock = socket.socket(socket.AF_UNIX)
                inner.sock.settimeout(WAIT_S)
                inner.sock.connect(str(self.dir / "control.sock"))
        c = Unix("localhost")
        c.request("GET", path)
        r = c.getresponse()
        return r.status, r.read().decode()

    def metric(self, name, word=""):
        """The sum of a metric's lines that have this word, as the workers last said, at most PUBLISH_MS ago (gateway/process/worker.c)."""
        lines = self.control("/metrics")[1].splitlines()
        assert any(line.startswith(f"# TYPE {name} ") for line in lines), name
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + "{", name + " ")) and word in line)

    def store_up(self, name):
        """Do all workers reach this store (redis, mariadb)? As they last said, at most PUBLISH_S ago."""
        up = json.loads(self.control("/readyz")[1])["dependencies"]
        return up["redis"] == "up" if name == "redis" else {s["database"] for s in up["sites"].values()} == {"up"}

    def store_kill(self, name, how=signal.SIGTERM):
        """Ends a store; returns when a worker has said so."""
        self.stores.stop_one(name, how)
        wait_until(lambda: not self.store_up(name), f"{name} is missed")

    def store_start(self, name):
        """Starts a store again; returns when each worker uses it: each waits by itself between its tries to connect. "up" must last: a worker may have
        said it before it missed the store, and speaks again after PUBLISH_S."""
        (self.stores.start_redis if name == "redis" else self.stores.start_mariadb)()
        since = None

        def lasts():
            nonlocal since
            since = (since or time.monotonic()) if self.store_up(name) else None
            return since is not None and time.monotonic() - since > 3 * PUBLISH_S
        wait_until(lasts, f"{name} is used again by every worker")

    # --- OAuth ---------------------------------------------------------------------------------------------------------------
    def scopes(self, site="default"):
        doc = self.get(f"/oauth2/{site}/.well-known/openid-configuration").json()
        return doc["scopes_supported"]

    def register(self, site="default", scope=None, enable=True, **members):
        """A registered client (its registration answer); confidential and enabled unless told."""
        body = {"application_type": "private", "redirect_uris": ["https://client.example.org/callback"],
                "post_logout_redirect_uris": ["https://client.example.org/logout/callback"], "client_name": "Test client",
                "token_endpoint_auth_method": "client_secret_post", "contacts": ["me@example.org"],
                "scope": scope or " ".join(s for s in self.scopes(site) if not s.startswith("system/") and "?" not in s)}
        body.update(members)
        body = {k: v for k, v in body.items() if v is not None}
        r = self.post(f"/oauth2/{site}/registration", json=body)
        assert r.status_code in (200, 201), f"registration: {r.status_code} {r.text}"
        made = r.json()
        if enable:
            self.cli("client", "enable", "--site", site, made["client_id"])
        return made

    def client(self, site="default"):
        """The site's one client with all scopes of users and patients."""
        if site not in self.clients:
            # the documentation's registration names no grant types; a strict site wants to know
            grants = None if site == "default" else ["authorization_code", "refresh_token", "password"]
            self.clients[site] = self.register(site, grant_types=grants)
        return self.clients[site]

    def token_request(self, site="default", **form):
        return self.post(f"/oauth2/{site}/token", data=form)

    def token(self, scope, role="users", username="admin", password="pass", site="default", email=None, client=None):
        """The token answer of the password grant."""
        made = client or self.client(site)
        form = {"grant_type": "password", "client_id": made["client_id"], "scope": scope, "user_role": role, "username": username,
                "password": password}
        if made.get("client_secret"):
            form["client_secret"] = made["client_secret"]
        if email:
            form["email"] = email
        r = self.token_request(site, **form)
        assert r.status_code == 200, f"token for {username}: {r.status_code} {r.text}"
        return r.json()

    def staff_token(self, scope, username="admin", site="default"):
        return self.token(scope, username=username, site=site)["access_token"]

    def patient_token(self, scope, username="Phil1", password="phil", email="heya@invalid.email.com", site="default"):
        return self.token(scope, "patient", username, password, site, email)["access_token"]

    def ends(self, token, path, within_s=5, times=12):
        """An act has just ended a token: each request that begins later than within_s from now is refused. Connections of their own reach every worker;
        returns when so many in a row were refused."""
        begin, refused = time.monotonic(), 0
        while refused < times:
            after_s = time.monotonic() - begin
            with self.session_new() as s:
                status = s.get(self.origin + path, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_S).status_code
            refused = refused + 1 if status == 401 else 0
            assert refused or after_s < within_s, f"{status} to a request {after_s:.1f} s after the end"

    # --- what it left ----------------------------------------------------------------------------------------------------------
    def sql(self, text, site="default"):
        return self.stores.sql(text, f"openemr_{site}")

    def redis(self, *argv):
        out = subprocess.run(["redis-cli", "-s", self.stores.redis_socket, *argv], stdout=subprocess.PIPE, check=True).stdout
        return out.decode(errors="replace").strip()

    def journal(self):
        """The audit records, oldest first."""
        records = []
        for f in sorted((self.dir / "audit").glob("*.journal")):
            for line in f.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    records.append(json.loads(line[line.index("{"):]))
        return records

    def audit_of(self, request_id):
        return [r for r in self.journal() if r.get("request_id") == request_id]
