# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded exchanges of a live OpenEMR 7.0.1 with its authorization server (golden-7.0/oauth.json), replayed in their order, compat
classic: status, error members and the names of the members. DIFFERENT lists what Gatehouse answers otherwise on purpose, with the
section that says so. Skipped where the recordings are not at hand (GOLDEN names their folder)."""
import json
import os
import pathlib

import pytest

GOLDEN = pathlib.Path(os.environ.get("GOLDEN", pathlib.Path(__file__).resolve().parents[3] / "shared" / "golden-7.0")) / "oauth.json"
ROWS = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else []
pytestmark = pytest.mark.skipif(not ROWS, reason="no recordings")

# n: (why, status, error or None)
DIFFERENT = {
    3: ("OpenEMR gave no answer to a registration without scope; RFC 7591 3.2.2", 400, "invalid_scope"),
    8: ("a missing client_name is bad metadata, not a server error; RFC 7591 3.2.2", 400, "invalid_client_metadata"),
    26: ("what is no token is {\"active\": false}; RFC 7662 2.2", 200, None),
    28: ("within the grace window the client gets the same answer again; RFC 9700 4.14.2", 200, None),
}
# members that OpenEMR sends and Gatehouse does not, or the other way round
MEMBERS = {
    22: "discovery names what is served, no more and no less; RFC 8414 2",
    23: "keys have kid, alg and use; RFC 7517 4",
    24: "smart-configuration names what is served; SMART App Launch 2.2",
    25: "introspection tells iat and token_type too; RFC 7662 2.2",
}


@pytest.fixture(scope="module")
def world(shared_stores):
    from gateway import Gateway
    g = Gateway(stores=shared_stores, extra={"sites.default.compat": "classic", "process.workers": 1})
    yield g, {"named": {}}
    g.close()


def filled(value, names):
    if isinstance(value, dict):
        return {k: filled(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, names) for v in value]
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
    return value


def remember(state, row, answer):
    """What later exchanges name by {placeholders}."""
    names = state["named"]
    if row["name"] == "register private client":
        names.update(client_id=answer["client_id"], client_secret=answer["client_secret"])
    if row["name"] in ("password grant users, as documented", "refresh, as documented"):
        state["tokens"] = answer


def placeholders(state, row):
    names, t = dict(state["named"]), state.get("tokens", {})
    if "refresh" in row["name"]:
        # both recordings send the same token: the second is the rotated one
        state.setdefault("used", t.get("refresh_token", ""))
        names["opaque"] = state["used"]
    names["jwt"] = t.get("id_token" if row["name"] == "logout" else "access_token", "")
    return names


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['n']} {r['name']}" for r in ROWS])
def test_answered_as_recorded(world, row):
    g, state = world
    if row["n"] == 11:  # the recording's administrator enabled the client here
        g.cli("client", "enable", "--site", "default", state["named"]["client_id"])
    ask = filled(row["request"], placeholders(state, row))
    if ask.get("form", {}).get("email") == "phil@example.org":  # the recording's patient; ours is the demo's
        ask["form"]["email"] = "heya@invalid.email.com"
    kw = {"json": ask["json"]} if "json" in ask else {"data": ask["form"]} if "form" in ask else {}
    if "raw" in ask:
        kw = {"data": ask["raw"], "headers": {"Content-Type": "application/json"}}
    r = g.request(ask["method"], ask["path"], **kw)
    want = row["response"]
    body = r.json() if r.text.startswith(("{", "[")) else None
    if isinstance(body, dict):
        remember(state, row, body)
    if row["n"] in DIFFERENT:
        _, status, error = DIFFERENT[row["n"]]
        assert status is None or r.status_code == status, r.text
        assert error is None or body["error"] == error
        return
    assert r.status_code == want["status"], r.text
    if want.get("location"):
        assert r.headers["Location"] == want["location"]
    if not isinstance(want["body"], dict):
        return
    if "error" in want["body"]:
        assert body == filled(want["body"], state["named"])
        assert r.headers["Content-Type"] == want["content_type"]
    elif row["n"] not in MEMBERS:
        assert set(want["body"]) - set(body) == set(), "members that clients may read"
        for name in ("scope", "token_type", "expires_in"):
            assert name not in want["body"] or type(body[name]) is type(want["body"][name])
