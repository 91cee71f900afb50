# SPDX-License-Identifier: GPL-3.0-or-later
"""The direct backend without the gateway before it: tests/integration/direct_probe over one database. DIRECT_PROBE names the binary. No
policy is checked here."""
import json
import os
import pathlib
import select
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROBE = os.environ.get("DIRECT_PROBE", str(ROOT / "build" / "dev" / "tests" / "integration" / "direct_probe"))
SCOPES = [str(ROOT / "scopes" / f) for f in ("openemr.yaml", "fhir.yaml", "oauth2.yaml")]
ANSWER_S = 60


class Answer:
    def __init__(self, line):
        a = json.loads(line)
        self.status, self.type, self.text = a["status"], a["type"], a["body"]
        self.statements, self.patient, self.stream = a["statements"], a["patient"], a["stream"]
        self.resource_id = a["resource_id"]
        self.fields = dict(f.split(": ", 1) for f in a["fields"].split("\r\n") if f)
        self.ok = a["ok"]

    @property
    def json(self):
        return json.loads(self.text)


class Probe:
    def __init__(self, stores, database, compat, user="root"):
        self.proc = subprocess.Popen([PROBE, stores.db_socket, database, compat, *SCOPES], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, DIRECT_PROBE_USER=user))

    def __call__(self, method, path, body=None, query="", **more):
        if "?" in path:
            path, query = path.split("?", 1)
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        request = {"method": method, "path": path, "query": query, **({} if body is None else {"body": body}), **more}
        self.proc.stdin.write(json.dumps(request) + "\n")
        self.proc.stdin.flush()
        assert select.select([self.proc.stdout], [], [], ANSWER_S)[0], f"no answer within {ANSWER_S} s"
        line = self.proc.stdout.readline()
        assert line, self.proc.stderr.read()
        answer = Answer(line)
        assert answer.ok
        return answer

    def refresh(self):
        """The next request is answered after what the backend does every minute."""
        self.proc.stdin.write('{"refresh": true}\n')

    def close(self):
        self.proc.stdin.close()
        try:
            self.proc.wait(ANSWER_S)
        finally:
            self.proc.kill()  # one that does not end by itself is left to nobody
        return self.proc.stderr.read()
