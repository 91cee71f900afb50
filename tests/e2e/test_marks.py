# SPDX-License-Identifier: GPL-3.0-or-later
"""Marked secrets and marked patient data go through every route of the scope files and every endpoint of the authorization server, at the highest log
level, rightly and wrongly, with the stores there and gone: no mark stands in a log line, an audit record, a process list, a metric or an
error's body. A record may name what docs/audit.md says: the path as it was asked for, the client's id and the user's name; and OpenEMR's validation
errors (contract) tell the caller the uuid that stood in its own path."""
import contextlib
import json

import pytest
import requests

from person import Person
from routes import ROUTES

# What a client sends: {place: mark}. Marks are told apart, so that a failure says what leaked.
PHI = {"name": "Qzmarkname", "ssn": "987-65-4320", "query": "Qzmarkquery", "body": "Qzmarkbody", "file": "Qzmarkfile"}
HEADERS = {"Cookie": "PHPSESSID=Qzmarkcookie", "X-Patient-Name": "Qzmarkheader", "User-Agent": "Qzmarkagent", "Referer": "https://x/?patient=Qzmarkreferer",
           "Idempotency-Key": "Qzmarkkey-0123456789", "DPoP": "Qzmarkdpop"}
PATH_MARK = "Qzmarkpath"  # may stand in a record's path, and in the body that answers it
BODY = {"fname": PHI["name"], "lname": PHI["body"], "ss": PHI["ssn"], "DOB": PHI["body"], "sex": PHI["body"], "title": PHI["body"], "begdate": PHI["body"],
        "pc_title": PHI["body"], "body": PHI["body"], "password": "Qzmarkpassinbody", "resourceType": "Patient", "name": [{"family": PHI["name"]}],
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": PHI["ssn"]}], "birthDate": PHI["body"]}
GOOD = {**BODY, "DOB": "1990-02-28", "sex": "Female", "birthDate": "1990-02-28", "gender": "female", "begdate": "2020-01-01"}
QUERY = {"fname": PHI["name"], "ss": PHI["ssn"], "name": PHI["query"], "identifier": PHI["ssn"], "_sort": PHI["query"], "DOB": PHI["query"], "birthdate": PHI["query"],
         "_id": PHI["query"], "q": PHI["query"]}
FHIR = [("GET", "/fhir/Patient"), ("POST", "/fhir/Patient"), ("GET", f"/fhir/Patient/{PATH_MARK}"), ("PUT", f"/fhir/Patient/{PATH_MARK}"),
        ("POST", "/fhir/Patient/_search"), ("GET", "/fhir/Practitioner"), ("GET", f"/fhir/Organization/{PATH_MARK}"), ("GET", f"/fhir/Nothing/{PATH_MARK}"),
        ("PUT", f"/fhir/Practitioner/{PATH_MARK}"), ("POST", "/fhir/Organization")]
API = {"standard": "api", "portal": "portal"}


def calls(pid):
    """(method, path) of each route, once with marks for its parameters and once with a patient that is there."""
    for r in ROUTES:
        for value in (PATH_MARK, pid):
            yield r.method, f"/{API[r.api]}" + r.filled(dict.fromkeys(r.parameters, value)).removeprefix("/" + API[r.api])
    yield from FHIR


class Watch:
    """Sends, and keeps what must not hold a mark: bodies of refusals."""

    def __init__(self, g):
        self.g, self.secrets, self.refusals, self.statuses = g, {}, [], set()
        self.session = g.session_new()

    def secret(self, name, value):
        assert value and len(value) > 7, name
        self.secrets[name] = value
        return value

    def send(self, method, path, **kw):
        with contextlib.suppress(requests.RequestException):
            r = self.session.request(method, self.g.origin + path, timeout=30, allow_redirects=False, **kw)
            self.statuses.add(r.status_code)
            if r.status_code >= 400:
                self.refusals.append((f"{method} {path} {r.status_code}", r.text))
            return r
        return None

    def api(self, token, pid, site="default"):
        """Every route with marks everywhere: as JSON, as JSON that is broken, as a form, as a file."""
        auth = {"Authorization": f"Bearer {token}", **HEADERS}
        for n, (method, path) in enumerate(calls(pid)):
            kinds = {"json": BODY}, {"json": GOOD}, {"data": json.dumps(BODY)[:-9], "headers": {"Content-Type": "application/json"}}, {"data": BODY}, \
                {"files": {"document": (PHI["file"] + ".txt", PHI["body"])}}
            body = dict(kinds[n % len(kinds)]) if method in ("POST", "PUT", "PATCH") else {}
            headers = {**auth, **body.pop("headers", {})}
            if n % 7 == 3:  # each is another way to be refused
                headers["Authorization"] = f"Bearer {token[:-6]}Qzmark"
            self.send(method, f"/apis/{site}{path}", params=QUERY, headers=headers, **body)

    # --- the authorization server -----------------------------------------------------------------------------------------------
    def oauth(self):
        g = self.g
        made = g.register(contacts=[f"{PHI['name']}@example.org"])
        client = {"client_id": made["client_id"], "client_secret": self.secret("client secret", made["client_secret"])}
        own = made.get("registration_access_token")
        if own:
            self.secret("registration token", own)
            self.send("GET", made["registration_client_uri"].removeprefix(g.origin), headers={"Authorization": f"Bearer {own}", **HEADERS})
            self.send("PUT", made["registration_client_uri"].removeprefix(g.origin), headers={"Authorization": f"Bearer {own}x"}, json={"client_name": PHI["name"]})
        person = Person(g)
        person.authorize(made, "openid offline_access api:oemr user/patient.read", nonce=self.secret("nonce", "Qzmarknonce"), login_hint=PHI["name"],
                         state=self.secret("state", "Qzmarkstate"))
        self.secret("pkce verifier", person.verifier)
        for more in ({"id_token_hint": self.secret("hint", "Qzmarkhint")}, {"launch": self.secret("launch", "Qzmarklaunch")}, {"request": "Qzmarkrequest"}):
            Person(g).authorize(made, "openid launch offline_access api:oemr user/patient.read", **more)
        person.login(password=self.secret("wrong password", "Qzmark-wrong-password"))
        person.login()
        person.allow()
        code = self.secret("code", person.answer()["code"])
        got = person.redeem(made)
        assert got.status_code == 200, got.text
        fresh = got.json()
        self.token(client, grant_type="authorization_code", code=code, redirect_uri=person.asked["redirect_uri"], code_verifier="Qzmarkverifier" * 4)
        for name in ("access_token", "refresh_token", "id_token"):
            self.secret(name, fresh[name])
        for form in ({"grant_type": "password", "username": "admin", "password": self.secret("password", "Qzmark-password"), "user_role": "users", "scope": "openid"},
                     {"grant_type": "refresh_token", "refresh_token": fresh["refresh_token"]},
                     {"grant_type": "refresh_token", "refresh_token": self.secret("unknown refresh token", "Qzmarkrefresh0123")},
                     {"grant_type": "authorization_code", "code": self.secret("unknown code", "Qzmarkcode0123"), "code_verifier": "Qzmarkverifier" * 4},
                     {"grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                      "client_assertion": self.secret("assertion", "Qzmark.assertion.sig")},
                     {"grant_type": self.secret("grant type", "Qzmarkgrant")}):
            self.token(client, **form)
            self.token({**client, "client_secret": "Qzmark-wrong-secret"}, **form)
        self.send("POST", "/oauth2/default/token", data={"grant_type": "password"}, auth=(client["client_id"], "Qzmark-basic"), headers=HEADERS)
        for endpoint in ("introspect", "revoke"):
            for token in (fresh["access_token"], "Qzmarkunknowntoken"):
                self.send("POST", f"/oauth2/default/{endpoint}", data={**client, "token": token}, headers=HEADERS)
        for token in (fresh["access_token"], "Qzmarkunknowntoken"):
            self.send("GET", "/oauth2/default/userinfo", headers={"Authorization": f"Bearer {token}", **HEADERS})
        self.send("GET", "/oauth2/default/logout", params={"id_token_hint": fresh["id_token"], "state": "Qzmarkstate"}, headers=HEADERS)
        self.send("GET", "/oauth2/default/authorize", params={"client_id": "Qzmarkclient", "state": "Qzmarkstate", "nonce": "Qzmarknonce"}, headers=HEADERS)
        self.send("POST", "/oauth2/default/registration", json={"client_name": PHI["name"], "redirect_uris": ["Qzmarkuri"]}, headers=HEADERS)
        self.send("POST", "/oauth2/default/registration", data='{"client_name": "Qzmarkbroken', headers={**HEADERS, "Content-Type": "application/json"})
        return fresh["access_token"]

    def token(self, client, **form):
        return self.send("POST", "/oauth2/default/token", data={**client, **form}, headers=HEADERS)

    # --- what is left behind -------------------------------------------------------------------------------------------------------
    def marks(self):
        return {**PHI, **self.secrets, "any": "Qzmark", "any in base64": "UXptYXJr"}

    def leaks(self):
        """(where, which mark, the line) of each."""
        marks, g = self.marks(), self.g
        found = []

        def look(where, text):
            for name, mark in marks.items():
                if mark in text:
                    found.append((where, name, text[:300]))
        for name in ("gatehouse.log", "serve.log"):
            for line in (g.dir / name).read_text(errors="replace").splitlines():
                look(name, line)
        for record in g.journal():
            for member, mark in (("path", PATH_MARK), ("resource", PATH_MARK), ("client", "Qzmarkclient")):
                record[member] = record.get(member, "").replace(mark, "")
            look("audit", json.dumps(record))
        look("process list", g.process_list())
        for what, text in self.refusals:
            look("body of " + what, text.replace(f"value {PATH_MARK}", ""))
        for path in ("/metrics", "/readyz"):
            look(path, g.control(path)[1])
        return found


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    from gateway import Gateway
    g = Gateway(whole=False, extra={"log.level": "debug", "rate.classes.search.limit": 0, "rate.classes.write.limit": 0, "rate.classes.read.limit": 0,
                       "rate.classes.auth.limit": 0, "sites.alternate.backend": "proxy", "sites.alternate.upstream.url": "http://127.0.0.1:9"})
    yield g
    g.close()


def test_no_mark_is_left_anywhere(marked):
    g, w = marked, Watch(marked)
    w.oauth()
    every = " ".join(s for s in g.scopes() if not s.startswith(("system/", "patient/")) and "?" not in s and "launch" not in s)
    token = w.secret("staff token", g.staff_token(every))
    uuid = g.sql("SELECT LOWER(HEX(uuid)) FROM patient_data WHERE pid = 1")[0][0]
    w.api(token, "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:])))
    w.api(g.staff_token("openid api:oemr api:fhir user/patient.read user/Patient.read", site="alternate"), "1", site="alternate")
    assert {200, 201, 400, 401, 404, 502} <= w.statuses and any(line for line in g.log_lines("DEBUG") or g.log_lines("debug"))
    g.stores.stop_one("mariadb")
    w.api(token, "1")
    w.token(g.client() if "default" in g.clients else {}, grant_type="password", username="admin", password="Qzmark-password", scope="openid")
    g.stores.stop_one("redis")
    for method, path in FHIR + [("GET", "/api/patient"), ("POST", "/api/patient")]:
        w.send(method, "/apis/default" + path, params=QUERY, headers={"Authorization": f"Bearer {token}", **HEADERS}, json=BODY if method != "GET" else None)
    assert 503 in w.statuses
    leaks = w.leaks()
    assert not leaks, f"{len(leaks)} leaks, of {sorted({(where.split(' ')[0], name) for where, name, _ in leaks})}:\n" + "\n".join(map(str, leaks[:12]))
