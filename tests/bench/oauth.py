# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorization server's works of tests/bench/run: each grant, introspection, the pages, and what a storm of sign-ins does to the API. The anchor is
what Keycloak 26's sizing guide plans per vCPU, with its clients' secrets: 120 client_credentials/s, 120 refreshes/s, 15 password logins/s. "Per core" is
requests by CPU second of all of Gatehouse's processes; MariaDB's, Redis' and wrk's are not in it, as the guide leaves its database out."""
import re
import subprocess
import sys
import pathlib
import urllib.parse

ROUNDS, SECONDS, CONNECTIONS, REFRESHERS = 3, 2, 20, 60
KEYCLOAK = {"client_credentials": 120, "refresh": 120, "password": 15}
SCOPE = "openid offline_access api:oemr user/patient.read"
PATIENT = "/apis/default/api/patient/9a9d359c-a010-4a95-9317-4bdb17caf8f6"
FORM = "wrk.method = 'POST' wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded' wrk.body = {!r}\n"
# each answer's refresh token is the next one to use; more of them than connections, so that no one is used twice at once
REFRESH = """local q, first, last = {}, 1, 0
for l in io.lines('%(tokens)s') do last = last + 1 q[last] = l end
request = function()
  local t = q[first] q[first] = nil first = first + 1
  return wrk.format('POST', nil, {['Content-Type']='application/x-www-form-urlencoded'}, 'grant_type=refresh_token&%(secret)s&refresh_token=' .. (t or 'none'))
end
response = function(status, headers, body)
  local t = body:match('"refresh_token":"([^"]+)"') if t then last = last + 1 q[last] = t end
end
"""
PACED = "wrk.headers['Authorization'] = 'Bearer %s'\ndelay = function() return 6 end\n"


def ms(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


class Oauth:
    def __init__(self, bench, main):
        self.b, self.m = bench, main
        pages = {f"rate.classes.{c}.{k}": 100000000 if k == "limit" else 1000000 for c in ("page", "login") for k in ("limit", "burst")}
        self.g = main.Gateway(extra={**main.FREE, **pages, **main.QUIET})
        self.client = self.g.register(scope=SCOPE, grant_types=["password", "refresh_token", "authorization_code"])
        self.secret = urllib.parse.urlencode({k: self.client[k] for k in ("client_id", "client_secret")})

    def script(self, name, text):
        path = self.b.folder / f"{name}.lua"
        path.write_text(text)
        return path

    def form(self, name, **fields):
        return self.script(name, FORM.format(urllib.parse.urlencode(fields) + "&" + self.secret))

    def measured(self, name, path, script, fields=(), connections=CONNECTIONS, prepare=None):
        s = self.m.Server(name, self.g.proc.pid, self.g.origin + path, fields, script, None, connections)
        for n in range(ROUNDS + 1):
            if prepare:
                prepare()
            s.round(SECONDS if n else 1)
            if n == 0:
                s.cpu_us, s.per_s, s.p99 = [], [], []
        return s

    def row(self, work, s, anchor=None, reach=None, note=""):
        per_core, p99 = 1e6 / s.cpu(), sorted(s.p99, key=ms)[len(s.p99) // 2]
        have = f"{s.rate():.0f}/s in all, {per_core:.0f}/s per core, p99 {p99}{note}"
        if anchor is None:
            self.b.row(work, have, "", "", "", True)
        else:
            peer = KEYCLOAK[anchor]
            self.b.row(work, have, f"Keycloak 26 {peer}/s per vCPU", f"{per_core / peer:.1f} ×", f"≥ {reach} ×" if reach else "", bool(reach) and per_core >= reach * peer)

    def hash_cost(self, cost):
        """bcrypt of this cost for the demo's administrator: a sign-in makes it so."""
        self.g.sql("REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_auth_hash_algo', 0, 'BCRYPT')")
        self.g.sql(f"REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('gbl_auth_bcrypt_hash_cost', 0, '{cost}')")
        self.g.token("openid", client=self.client)
        stored = self.g.sql("SELECT password FROM users_secure WHERE username = 'admin'")[0][0]
        if not stored.startswith(f"$2y${cost:02}$"):
            raise SystemExit(f"the hash did not become one of cost {cost}: {stored[:7]}")

    # --- works -------------------------------------------------------------------------------------------------------------------
    def credentials(self):
        url, script = self.b.assertions(self.g, 24000)
        self.row("client_credentials (RS384 assertion)", self.measured("credentials", url[len(self.g.origin):], script), "client_credentials", 5)

    def refresh(self):
        tokens = self.b.folder / "refresh"

        def prepare():
            tokens.write_text("\n".join(self.g.token(SCOPE, client=self.client)["refresh_token"] for _ in range(REFRESHERS)))
        script = self.script("refresh", REFRESH % {"tokens": tokens, "secret": self.secret})
        self.row("refresh_token", self.measured("refresh", "/oauth2/default/token", script, prepare=prepare), "refresh", 5)

    def password(self, cost, work, with_hash):
        self.hash_cost(cost)
        script = self.form("password", grant_type="password", scope="openid api:oemr", user_role="users", username="admin", password="pass")
        before = self.m.cpu_s(self.g.proc.pid, "hashd"), self.m.cpu_s(self.g.proc.pid)
        s = self.measured("password", "/oauth2/default/token", script, connections=4)
        hashd, total = (self.m.cpu_s(self.g.proc.pid, "hashd") - before[0], self.m.cpu_s(self.g.proc.pid) - before[1])
        if not with_hash:
            s.cpu_us = [us * (1 - hashd / total) for us in s.cpu_us]
        self.row(work, s, "password", None, f"; hashd has {100 * hashd / total:.0f} % of the CPU")

    def introspect(self):
        script = self.form("introspect", token=self.g.token(SCOPE, client=self.client)["access_token"])
        self.row("introspection", self.measured("introspect", "/oauth2/default/introspect", script))

    def pages(self):
        person = self.person()
        query = urllib.parse.urlencode(person.asked)
        self.row("authorize (a session, a request under way, 303)", self.measured("authorize", "/oauth2/default/authorize?" + query, None))
        cookie = "; ".join(f"{c.name}={c.value}" for c in person.session.cookies)
        self.row("sign-in page", self.measured("page", person.page.url[len(self.g.origin):], None, ("Cookie: " + cookie,)))

    def person(self):
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
        from person import Person
        return Person(self.g).authorize(self.client, "openid")

    def storm(self):
        """p99 of a steady stream of API reads, alone and while 30 browsers send wrong passwords as fast as they can."""
        self.hash_cost(10)
        read = self.script("read", PACED % self.g.staff_token("openid api:oemr user/patient.read"))
        person = self.person()
        fields = {**person.page.form["fields"], "username": "admin", "password": "wrong", "user_role": "api"}
        storm = self.script("storm", FORM.format(urllib.parse.urlencode(fields)) + "wrk.headers['Cookie'] = "
                            + repr("; ".join(f"{c.name}={c.value}" for c in person.session.cookies)) + "\n")
        p99, logins = {False: [], True: []}, 0
        for n in range(2 * (ROUNDS + 6)):
            stormy = n % 2 == 1
            argv = ["wrk", "-t1", "-c30", "-d30s", "--timeout", "10s", "-s", str(storm), f"{self.g.origin}/oauth2/default/login"]
            other = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if stormy else None
            before = self.m.cpu_s(self.g.proc.pid, "hashd")
            try:
                self.m.wrk(self.g.origin + PATIENT, 1, (), read, 4)
                p99[stormy].append(ms(self.m.wrk(self.g.origin + PATIENT, 3, (), read, 4)[2]))
            finally:
                if other:
                    other.terminate()
                    other.wait()
                    logins += self.m.cpu_s(self.g.proc.pid, "hashd") - before
        calm, rough = (sorted(p99[k])[len(p99[k]) // 2] for k in (False, True))
        if logins < 1:
            raise SystemExit("the storm did not reach hashd")
        self.b.row("GET /api/patient/{uuid} (4 connections, paced), p99 during a bcrypt storm", f"{rough:.2f} ms", f"without it {calm:.2f} ms", f"{rough / calm:.2f} ×", "≤ 1.2 ×", rough <= 1.2 * calm)


def run(bench, main):
    o = Oauth(bench, main)
    try:
        o.credentials()
        o.hash_cost(4)
        o.refresh()
        o.password(4, "password, bcrypt cost 4, hashd's CPU excluded", False)
        o.password(10, "password, bcrypt cost 10, hashd's CPU included", True)
        o.introspect()
        o.pages()
        o.storm()
    finally:
        o.g.close()
