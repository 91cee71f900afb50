# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the scope files is refused to whoever lacks what the row names: no token, a token of another site, no API scope, another
resource's scope, the wrong role, an ACL object that the user lacks. What a route answers when all is right is its own test's."""
import pathlib
import re

import pytest
import yaml

SCOPES = pathlib.Path(__file__).resolve().parents[2] / "scopes"
UUID = "9a9d359c-a010-4a95-9317-4bdb17caf8f6"
REFUSED = (401, 403)


def rows():
    """(API, method, path below the site, row) of each route; :names are filled with a uuid."""
    for name in ("openemr.yaml", "fhir.yaml"):
        doc = yaml.safe_load((SCOPES / name).read_text())
        for api in ("standard", "portal", "fhir"):
            part = doc.get(api) or {}
            for entry in part.get("routes", []):
                (key, row), = entry.items()
                method, path = key.split()
                yield api, method, re.sub(r":\w+", UUID, path), {**part.get("defaults", {}), **(row or {})}


ALL = list(rows())
CLOSED = [r for r in ALL if not r[3].get("public")]
NAMES = {"standard": "api:oemr", "portal": "api:port", "fhir": "api:fhir"}


def ident(row):
    return f"{row[1]} {row[2].replace(UUID, ':id')}"


def scopes_of(row):
    value = row[3].get("scope")
    return value if isinstance(value, list) else [value] if value else []


@pytest.fixture(scope="session")
def tokens(gateway):
    every = " ".join(s for s in gateway.scopes() if not s.startswith(("system/", "patient/")) and "?" not in s and "launch" not in s)
    user = [s for s in every.split() if s.startswith("user/")]
    apis = "openid api:oemr api:fhir api:port "
    own = "openid api:oemr api:fhir api:port " + " ".join(s for s in gateway.scopes() if s.startswith("patient/") and "?" not in s)
    return {
        "staff": gateway.staff_token(every),
        "other site": gateway.staff_token("openid api:oemr api:fhir user/patient.read user/Patient.read", site="alternate"),
        # classic refuses the Standard API's scopes without api:oemr already at the token endpoint
        "no api scope": gateway.staff_token("openid " + " ".join(x for x in user if x[5].isupper())),
        "no resource scope": gateway.staff_token(apis),
        "accountant": gateway.staff_token(every, "accountant"),
        "receptionist": gateway.staff_token(every, "receptionist"),
        "patient": gateway.patient_token(own),
    }


def ask(gateway, row, token):
    return gateway.request(row[1], f"/apis/default{row[2]}", token, json={} if row[1] in ("POST", "PUT") else None)


def refused(gateway, row, token):
    """A row that no backend of the site serves is an unknown path to everybody with a token."""
    r = ask(gateway, row, token)
    return r.status_code in REFUSED or (r.status_code == 404 and "Route not found" in r.text)


def test_the_scope_files_hold_every_route():
    count = {api: sum(r[0] == api for r in ALL) for api in ("standard", "portal", "fhir")}
    assert count["standard"] >= 98 and count["portal"] == 5 and count["fhir"] > 100, count


@pytest.mark.parametrize("row", CLOSED, ids=ident)
def test_without_a_token_401_in_the_dialect_of_the_api(gateway, row):
    r = ask(gateway, row, None)
    assert r.status_code == 401 and r.headers["WWW-Authenticate"].startswith("Bearer")
    body = r.json()
    assert body["resourceType"] == "OperationOutcome" if row[0] == "fhir" else "error" in body


@pytest.mark.parametrize("row", CLOSED, ids=ident)
def test_a_token_of_another_site_is_401(gateway, tokens, row):
    assert ask(gateway, row, tokens["other site"]).status_code == 401


@pytest.mark.parametrize("row", CLOSED, ids=ident)
def test_without_the_scopes_refused(gateway, tokens, row):
    if row[3].get("api_scope"):  # FHIR asks for none, as in OpenEMR
        assert refused(gateway, row, tokens["no api scope"])
    if scopes_of(row):
        assert refused(gateway, row, tokens["no resource scope"])


@pytest.mark.parametrize("row", [r for r in CLOSED if "patient" not in r[3].get("roles", [])], ids=ident)
def test_a_patient_is_refused_where_the_row_does_not_name_the_role(gateway, tokens, row):
    assert refused(gateway, row, tokens["patient"])


@pytest.mark.parametrize("row", [r for r in CLOSED if "users" not in r[3].get("roles", [])], ids=ident)
def test_staff_is_refused_where_the_row_does_not_name_the_role(gateway, tokens, row):
    assert refused(gateway, row, tokens["staff"])


# What OpenEMR's stock ACL does not give (contract, stock rows of phpGACL).
LACKS = {"accountant": ("patients/med", "admin/super", "patients/rx", "patients/docs"), "receptionist": ("admin/super", "admin/users", "encounters/auth_a")}


@pytest.mark.parametrize("user", LACKS)
@pytest.mark.parametrize("row", [r for r in CLOSED if r[3].get("acl") and "users" in r[3].get("roles", [])], ids=ident)
def test_a_user_without_the_acl_object_is_refused(gateway, tokens, row, user):
    if row[3]["acl"] in LACKS[user]:
        assert refused(gateway, row, tokens[user])


@pytest.mark.parametrize("user", ["accountant", "receptionist", "staff"])
def test_explain_and_the_server_decide_alike(gateway, tokens, user):
    """For one row of each ACL object: `gatehouse explain` says what a request then meets."""
    seen, compared = set(), 0
    every = " ".join(s for s in gateway.scopes() if not s.startswith(("system/", "patient/")) and "?" not in s)
    for row in CLOSED:
        key = (row[0], row[3].get("acl"))
        if key in seen or row[1] != "GET" or "users" not in row[3].get("roles", []):
            continue
        seen.add(key)
        _, out, _ = gateway.cli("explain", row[1], row[2], "--site", "default", "--user", "admin" if user == "staff" else user, "--scope", every,
                                check=False)
        decided = re.search(r"^decision (\w+)", out, re.M)
        assert decided, out
        r = ask(gateway, row, tokens[user])
        if "Route not found" in r.text:
            continue
        compared += 1
        assert (decided[1] != "allow") == (r.status_code in REFUSED), f"{ident(row)}: {decided[0]}, status {r.status_code}"
    assert compared >= 2
