# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of an authorization request as a matrix: in each state each step of every state; each step twice; each from nobody, from another
person and on another site; with the fields of another client; and with Redis killed in each. What is refused changes nothing: the request goes on.
RFC 6749 4.1, contract/oauth2.md 17."""
import signal

import pytest
from app import FREE
from gateway import Gateway
from person import Page, Person
from rows import patient_uuid
from tokens import totp

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SCOPE = "openid offline_access launch/patient launch/encounter patient/Patient.rs"
GRANTS = ["authorization_code", "refresh_token"]
TITLES = {"Choose an account": "account", "Sign in": "login", "Second step": "factor", "Choose a patient": "patient", "Choose a visit": "visit", "Allow access?": "consent"}
# state: the steps that are right in it
PAGES = {"account": "/provider/account", "login": "/provider/login", "factor": "/provider/second-factor", "patient": "/smart/patient-select", "visit": "/smart/patient-select",
         "consent": "/scope-authorize-confirm"}
FORMS = {"account": "/account", "login": "/login", "factor": "/second-factor", "patient": "/smart/patient-select-confirm", "visit": "/smart/patient-select-confirm",
         "consent": "/device/code"}
STATES = list(PAGES)
ENDED = ["allowed", "denied"]


class World:
    def __init__(self, stores=None):
        self.g = Gateway(stores=stores, extra=FREE)
        g = self.g
        g.sql("INSERT INTO form_encounter (uuid, date, reason, pid, encounter) VALUES (UNHEX(MD5('v')), '2024-03-01 10:00:00', 'Visit', 1, 901)")
        g.sql("INSERT INTO login_mfa_registrations (user_id, name, last_challenge, method, var1, var2) "
              f"SELECT id, 'app', NOW(), 'TOTP', '{SECRET}', '' FROM users WHERE username = 'physician'")
        self.client = g.register(scope=SCOPE, grant_types=GRANTS, client_name="Right")
        self.other = g.register(scope=SCOPE + " user/Patient.rs", grant_types=GRANTS, client_name="Wrong", redirect_uris=["https://other.example.org/callback"])
        self.patient = patient_uuid(g, 1)

    def answer(self, state):
        """What a person enters in this state."""
        return {"account": {"account": "same"}, "login": {"username": "physician", "password": "pass", "user_role": "api"}, "factor": {"mfa_token": totp(SECRET)},
                "patient": {"patient_id": self.patient}, "visit": {"encounter_id": "none"}, "consent": {"proceed": "1"}}[state]

    def fresh_codes(self):
        for key in self.g.redis("KEYS", "gh:default:*totp*").split():
            self.g.redis("DEL", key)

    def at(self, p):
        return TITLES.get(p.page.title) if p.left is None and p.page.status == 200 else None

    def reach(self, state):
        """A person whose browser shows the page of this state."""
        self.fresh_codes()
        p = Person(self.g)
        if state == "account":
            self.finish(p.authorize(self.client, SCOPE))
            p.authorize(self.client, SCOPE, prompt="select_account")
        else:
            p.authorize(self.client, SCOPE)
        while self.at(p) != state:
            assert self.at(p), (state, p.page.title, p.page.text)
            p.send(self.answer(self.at(p)), form=form(p))
        return p

    def finish(self, p):
        """Goes on to the tokens."""
        self.fresh_codes()
        while p.left is None:
            assert self.at(p), (p.page.status, p.page.title, p.page.text)
            p.send(self.answer(self.at(p)), form=form(p))
        r = p.redeem(self.client)
        assert r.status_code == 200, r.text
        return r.json()

    def post(self, session, p, state, fields, site="default", headers=None):
        return session.post(f"{self.g.origin}/oauth2/{site}{FORMS[state]}", data=fields, allow_redirects=False, timeout=30, headers={"Accept": "text/html", **(headers or {})})


@pytest.fixture(scope="module")
def world(shared_stores):
    w = World(shared_stores)
    yield w
    w.g.close()


def form(p):
    """The page's form that takes the step: the list of patients has one to search before it."""
    return next(f for f in p.page.forms if f["method"] == "post")


def refused(r, status=(400,)):
    page = Page(r)
    return r.status_code in status and page.title == "This did not work" and "location" not in r.headers


def hidden(p):
    return {k: form(p)["fields"][k] for k in ("flow", "csrf_token_form")}


@pytest.mark.parametrize("state", STATES + ENDED)
def test_a_step_of_another_state_is_refused_and_changes_nothing(world, state):
    p = world.reach("consent" if state in ENDED else state)
    fields, page = hidden(p), p.page
    if state in ENDED:
        (p.allow if state == "allowed" else p.deny)()
    for other in STATES:
        right = state in PAGES and PAGES[other] == PAGES[state]
        r = p.session.get(p.path(PAGES[other]), params={"flow": fields["flow"]}, allow_redirects=False)
        assert (r.status_code == 200 and Page(r).title == page.title) if right else refused(r), (state, "GET", other, r.status_code)
        if other != state:
            assert refused(world.post(p.session, p, other, {**fields, **world.answer(other)})), (state, "POST", other)
    for action in ("cancel", "deny"):
        for other in STATES:
            if state not in FORMS or FORMS[other] != FORMS[state]:
                assert refused(world.post(p.session, p, other, {**fields, action: "1"})), (state, action, other)
    if state == "denied":
        assert p.answer()["error"] == "access_denied"
    elif state == "allowed":
        assert p.redeem(world.client).status_code == 200
    else:
        p.page = page
        assert world.finish(p)["patient"] == world.patient


@pytest.mark.parametrize("state", STATES)
def test_a_step_twice_is_refused_and_changes_nothing(world, state):
    p = world.reach(state)
    cookies = dict(p.session.cookies)
    data = {**form(p)["fields"], **world.answer(state)}
    p.send(world.answer(state), form=form(p))
    now, left = p.page, p.left
    assert refused(world.post(p.session, p, state, data)), "with the cookie of now"
    r = world.post(world.g.session_new(), p, state, data, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())})
    assert refused(r), "with the cookie of then"
    p.page, p.left = now, left
    assert world.finish(p)["patient"] == world.patient


@pytest.mark.parametrize("who", ["nobody", "another", "another with the first's token", "the other site", "without a token"])
@pytest.mark.parametrize("state", STATES)
def test_a_step_of_somebody_else_is_refused_and_changes_nothing(world, state, who):
    p = world.reach(state)
    data = {**form(p)["fields"], **world.answer(state)}
    page, session, site, headers = p.page, world.g.session_new(), "default", {}
    if who.startswith("another"):
        q = Person(world.g).authorize(world.client, "openid").login()
        session = q.session
        if who == "another":
            data["csrf_token_form"] = hidden(q)["csrf_token_form"]
    elif who == "the other site":
        site, headers = "alternate", {"Cookie": f"__Host-gatehouse-alternate={p.session.cookies['__Host-gatehouse-default']}"}
    elif who == "without a token":
        session = p.session
        del data["csrf_token_form"]
    got = world.post(session, p, state, data, site, headers)
    assert refused(got, (403,) if who == "without a token" else (400,)), (got.status_code, got.text[:200])
    if who != "without a token":
        assert refused(session.get(f"{world.g.origin}/oauth2/{site}{PAGES[state]}", params={"flow": data["flow"]}, headers=headers, allow_redirects=False))
    p.page = page
    assert world.finish(p)["patient"] == world.patient


@pytest.mark.parametrize("state", STATES)
def test_fields_of_another_client_change_nothing(world, state):
    p = world.reach(state)
    evil = {"client_id": world.other["client_id"], "redirect_uri": "https://other.example.org/callback", "state": "evil", "scope": "user/Patient.rs", "nonce": "evil", "code_challenge": "x" * 43,
            "scope[user/Patient.rs]": "user/Patient.rs", "aud": "x", "launch": "x", "prompt": "none", "sub": "x"}
    p.send({**evil, **world.answer(state)}, form=form(p))
    while p.left is None:
        p.send({**evil, **world.answer(world.at(p))}, form=form(p))
    assert p.left.startswith("https://client.example.org/callback?") and p.answer()["state"] == p.state
    stranger = world.g.token_request(grant_type="authorization_code", code=p.answer()["code"], redirect_uri="https://other.example.org/callback", code_verifier=p.verifier,
                                     client_id=world.other["client_id"], client_secret=world.other["client_secret"])
    assert stranger.status_code == 400 and stranger.json()["error"] == "invalid_grant"
    t = p.redeem(world.client).json()
    assert "user/" not in t["scope"] and t["patient"] == world.patient


def test_a_client_switched_off_in_any_state_gets_nothing(world):
    for state in STATES:
        p = world.reach(state)
        world.g.cli("client", "disable", "--site", "default", world.client["client_id"])
        try:
            while p.left is None and world.at(p):
                world.fresh_codes()
                p.send(world.answer(world.at(p)), form=form(p))
            if p.left is not None and "code" in p.answer():
                assert p.redeem(world.client).status_code == 401, state
        finally:
            world.g.cli("client", "enable", "--site", "default", world.client["client_id"])


# --- Redis ----------------------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def lonely():
    w = World()
    w.g.redis("CONFIG", "SET", "appendfsync", "always")  # what was answered is on the disk
    yield w
    w.g.close()


@pytest.mark.parametrize("state", STATES)
def test_redis_killed_at_a_page_and_back_loses_nothing(lonely, state):
    p = lonely.reach(state)
    page = p.page
    lonely.g.store_kill("redis", signal.SIGKILL)
    p.send(lonely.answer(state), form=form(p))
    assert p.left is None and p.page.status == 503 and p.page.title == "This did not work" and p.page.response.headers["retry-after"], (p.page.status, p.page.text)
    p.page = page
    lonely.g.store_start("redis")
    lonely.g.redis("CONFIG", "SET", "appendfsync", "always")
    t = lonely.finish(p)
    assert t["patient"] == lonely.patient
    assert lonely.g.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], client_id=lonely.client["client_id"],
                                  client_secret=lonely.client["client_secret"]).status_code == 200
