# SPDX-License-Identifier: GPL-3.0-or-later
"""The strict client libraries of npm, openid-client 6 and oauth4webapi, with all their checks on: from discovery and registration to logout.
The programs are in npm_clients/; a person's browser (support/person.py) does what they ask for."""
import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest
from app import FREE
from gateway import Gateway
from npm import node_folder
from person import Person

PROGRAMS = pathlib.Path(__file__).resolve().parent / "npm_clients"
# version and SHA-512 of the archive
PACKAGES = {
    "openid-client": ("6.9.0", "2IvamJR8PAnWHngaCsGGA8TYfcLI2egvuqa9cOQYHIISwIUhxJwwwcCnkgVX95fzZ6J0TAna0aVGUMOxnPeRqg=="),
    "oauth4webapi": ("3.8.8", "8N28E+a/oxfXWBgOMt+ZP/JUf/XR+IFbvkAEPP3gznXOMv9BpAAwiIj0TFNz3tGTPc0ZQ8zmWBNgN1nAys0gng=="),
    "jose": ("6.2.18", "doV4thUwgkrycJH4yLeqwTGIIZphHl+pk7CPReuMIhYhncmgzdko85MaCG4YQFTxqMFr1/oEH32tZuKKovcDEg=="),
}
pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
STAFF = "openid fhirUser offline_access api:fhir user/Patient.rs"
PATIENT = "openid fhirUser offline_access api:fhir launch/patient patient/Patient.rs"


@pytest.fixture(scope="module")
def gw(shared_stores):
    g = Gateway(stores=shared_stores, extra={**FREE, "sites.alternate.compat": "v8", "sites.alternate.oauth.signing_alg": "ES256",
                                             "sites.alternate.oauth.signing_key": "keys/es256.pem"})
    yield g
    g.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = node_folder(tmp_path_factory.mktemp("node"), PACKAGES)
    for program in PROGRAMS.glob("*.mjs"):
        shutil.copy(program, made)
    return made


def run(gw, folder, program, patient=False, site="default", **settings):
    """Runs the program to its end and does what it asks."""
    settings = {"issuer": f"{gw.origin}/oauth2/{site}", "resource": f"{gw.origin}/apis/{site}/fhir/Patient?_count=1",
                "compat": "v8" if site == "alternate" else "classic", **settings}
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    proc = subprocess.Popen(["node", program, json.dumps(settings)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**env, "NODE_EXTRA_CA_CERTS": gw.ca})
    timer = threading.Timer(120, proc.kill)
    timer.start()
    person = Person(gw, site)

    def sign_in(url):
        person.get(url)
        if person.left is None and person.page.title == "Sign in":
            person.login_patient() if patient else person.login()
        return person.allow().left if person.left is None else person.left
    does = {"enable": lambda v: gw.cli("client", "enable", "--site", site, v)[0], "sign in": sign_in, "go": lambda v: person.get(v).left,
            "go elsewhere": lambda v: Person(gw, site).get(v).left}
    last = None
    for line in proc.stdout:
        asked = json.loads(line)
        last = asked["ask"]
        if last == "end":
            break
        proc.stdin.write(json.dumps(does[last](asked["value"])) + "\n")
        proc.stdin.flush()
    _, errors = proc.communicate()
    timer.cancel()
    assert last == "end" and proc.returncode == 0, f"{program} after {last!r}: {errors[:1200]}"


@pytest.mark.parametrize("settings", [
    {"method": "client_secret_basic"}, {"method": "client_secret_post", "site": "alternate"}, {"method": "none", "patient": True},
    {"method": "private_key_jwt", "alg": "RS384"}, {"method": "private_key_jwt", "alg": "ES384", "site": "alternate"},
    {"method": "client_secret_basic", "dpop": True}, {"method": "none", "dpop": True, "patient": True}],
    ids=lambda s: " ".join(str(v) for v in s.values()))
def test_openid_client(gw, folder, settings):
    run(gw, folder, "openid_client.mjs", scope=PATIENT if settings.get("patient") else STAFF, **settings)


@pytest.mark.parametrize("alg, site", [("RS384", "default"), ("ES384", "alternate")])
def test_backend_services(gw, folder, alg, site):
    run(gw, folder, "backend.mjs", alg=alg, site=site)


@pytest.mark.parametrize("discovery, site", [("oidc", "default"), ("oauth2", "alternate")])
def test_oauth4webapi(gw, folder, discovery, site):
    run(gw, folder, "oauth4webapi.mjs", discovery=discovery, site=site, scope=STAFF)
