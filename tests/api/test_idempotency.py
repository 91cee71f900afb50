# SPDX-License-Identifier: GPL-3.0-or-later
"""Idempotency-Key on creations: a POST that is sent again is answered alike and writes nothing; two at the same time write once."""
import concurrent.futures

SITE = "access"
PATH = f"/apis/{SITE}/api/patient/1/surgery"


def post(api, key, body, token):
    return api.gateway.request("POST", PATH, token, json=body, headers={"Idempotency-Key": key})


def count(api, title):
    return api.sql(f"SELECT COUNT(*) FROM lists WHERE title = '{title}'", SITE)[0][0]


def test_the_same_body_is_answered_alike_and_another_is_refused(api):
    token = api.token(SITE, "admin")
    first, again = (post(api, "retry-1", {"title": "Once only"}, token) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    other = post(api, "retry-1", {"title": "Something else"}, token)
    assert (other.status_code, list(other.json())) == (422, ["Idempotency-Key"])
    assert (count(api, "Once only"), count(api, "Something else")) == ("1", "0")


def test_a_refused_body_gives_the_key_back(api):
    token = api.token(SITE, "admin")
    assert "title" in post(api, "retry-2", {}, token).json()
    assert post(api, "retry-2", {"title": "Second try"}, token).status_code == 201


def test_the_key_of_one_user_is_not_that_of_another(api):
    made = [post(api, "retry-3", {"title": "Of each"}, api.token(SITE, who)) for who in ("admin", "physician")]
    assert made[0].json() != made[1].json() and count(api, "Of each") == "2"


def test_two_at_the_same_time_write_once(api):
    token = api.token(SITE, "admin")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: post(api, "retry-4", {"title": "At once"}, token), range(8)))
    assert {r.status_code for r in got} <= {201, 409} and count(api, "At once") == "1"
