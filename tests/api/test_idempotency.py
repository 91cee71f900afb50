# SPDX-License-Identifier: GPL-3.0-or-later
"""Idempotency-Key on creations, uploads and the exchange of two policies: a POST that is sent again is answered alike and writes nothing; two at
the same time write once."""
import concurrent.futures

import pytest
from generation import at_hand
from routes import ROUTES

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


# --- documents: the body is told by the file's name and bytes and by where it goes; a client's boundary differs each time -----------------
FILE = ("scan.pdf", b"%PDF-1.4 " + b"x" * 200_000)


def upload(api, key, file=FILE, site=SITE, who="admin", query="path=/Medical Record"):
    return api.gateway.post(f"/apis/{site}/api/patient/1/document?{query}", api.token(site, who), files={"document": file}, headers={"Idempotency-Key": key})


def kept(api, site=SITE):
    """Rows of documents, and files."""
    folder = api.gateway.stores.dir / "sites" / site / "documents" / "1"
    return api.sql("SELECT COUNT(*) FROM documents", site)[0][0], sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("site", [s for s in ("access", "many", "g61") if at_hand(s)])
def test_an_upload_that_is_sent_again_stores_nothing(api, site):
    first = upload(api, "up-1", site=site)
    assert (first.status_code, first.text) == (200, "true")
    after = kept(api, site)
    again = upload(api, "up-1", site=site)
    assert (again.status_code, again.text, again.headers["Content-Type"]) == (200, "true", first.headers["Content-Type"])
    assert kept(api, site) == after


@pytest.mark.parametrize("other", [{"file": ("scan.pdf", FILE[1][:-1] + b"y")}, {"file": ("scan.pdf", FILE[1][:-1])}, {"file": ("other.pdf", FILE[1])},
                                   {"query": "path=/Lab Report"}, {"query": "path=/Medical Record&eid=101"}], ids=["bytes", "length", "name", "category", "encounter"])
def test_the_key_of_another_upload_is_refused(api, other):
    key = f"up-2-{sorted(other.items())}"[:200].encode().hex()[:250]
    assert upload(api, key).status_code == 200
    before = kept(api)
    r = upload(api, key, **other)
    assert (r.status_code, list(r.json())) == (422, ["Idempotency-Key"]) and kept(api) == before
    assert upload(api, key).text == "true" and kept(api) == before


@pytest.mark.parametrize("refused", [{"file": ("a.exe", b"MZ\x90\0\3")}, {"file": ("empty.pdf", b"")}, {"query": "path=/Nowhere"}], ids=["type", "empty", "category"])
def test_an_upload_that_is_refused_gives_the_key_back(api, refused):
    key = f"up-3-{len(str(refused))}"
    assert upload(api, key, **refused).status_code == 404
    assert upload(api, key).text == "true"


def test_an_upload_of_another_user_is_another(api):
    before = int(kept(api)[0])
    assert [upload(api, "up-4", who=who).status_code for who in ("admin", "physician")] == [200, 200] and int(kept(api)[0]) == before + 2


def test_uploads_at_the_same_time_store_once(api):
    api.token(SITE)
    before = kept(api)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: upload(api, "up-5"), range(8)))
    assert {r.status_code for r in got} <= {200, 409} and 200 in {r.status_code for r in got}
    after = kept(api)
    assert int(after[0]) == int(before[0]) + 1 and len(after[1]) == len(before[1]) + 1


def test_a_retried_upload_that_is_broken_off_or_malformed_stays_without_effect(api):
    assert upload(api, "up-6").status_code == 200
    before = kept(api)
    r = api.gateway.post(f"/apis/{SITE}/api/patient/1/document?path=/Medical Record", api.token(SITE), data=b"--b\r\nnothing",
                         headers={"Idempotency-Key": "up-6", "Content-Type": "multipart/form-data; boundary=b"})
    assert r.status_code == 400 and kept(api) == before
    assert upload(api, "up-6").text == "true" and kept(api) == before


def test_a_write_that_fails_gives_the_key_back(api):
    """Nothing was committed: the same request may be tried again, and is then made."""
    site, before = "many", kept(api, "many")
    now = types(api, site)
    api.sql("RENAME TABLE log_comment_encrypt TO log_comment_away", site)
    try:
        assert upload(api, "up-7", site=site).status_code >= 500 and swap(api, "swap-7", now["911"], site).status_code >= 500
    finally:
        api.sql("RENAME TABLE log_comment_away TO log_comment_encrypt", site)
    assert types(api, site) == now and kept(api, site) == before
    assert upload(api, "up-7", site=site).text == "true" and int(kept(api, site)[0]) == int(before[0]) + 1
    assert swap(api, "swap-7", now["911"], site).status_code == 200 and types(api, site) != now
    assert swap(api, "swap-8", now["901"], site).status_code == 200 and types(api, site) == now


@pytest.mark.parametrize("key, status", [("k" * 255, 200), ("k" * 256, 400)])
def test_a_key_that_is_too_long_is_refused(api, key, status):
    assert upload(api, key).status_code == status


# --- the exchange of two policies -----------------------------------------------------------------------------------------------------------
SWAP = "/api/patient/:puuid/insurance/$swap-insurance"
BY_NAME = {r.name: r for r in ROUTES}


def swap(api, key, to, site=SITE, pid=1, method="POST"):
    world = api.world[site]
    path = f"/apis/{site}{world.path(BY_NAME[f'{method} {SWAP}'], pid)}?type={to}&uuid={world.values[pid][('insurance', 'uuid')]}"
    return api.gateway.request(method, path, api.token(site), headers={"Idempotency-Key": key})


def types(api, site, pid=1):
    return dict(api.sql(f"SELECT id, type FROM insurance_data WHERE id IN ({900 + pid}, {910 + pid})", site))


@pytest.mark.parametrize("site", ["access", "many"])
def test_an_exchange_that_is_sent_again_is_answered_alike_and_made_once(api, site):
    before = types(api, site)
    mine, theirs = before["901"], before["911"]
    first = swap(api, "swap-1", theirs, site)
    assert first.status_code == 200 and first.json()["data"]["src"]["type"] == theirs
    assert swap(api, "swap-2", mine, site).status_code == 200  # and back
    again = swap(api, "swap-1", theirs, site)
    assert (again.status_code, again.text) == (200, first.text) and types(api, site) == before
    other = swap(api, "swap-1", mine, site)
    assert (other.status_code, list(other.json()["validationErrors"])) == (422, ["Idempotency-Key"]) and types(api, site) == before


def test_an_exchange_that_is_refused_gives_the_key_back(api):
    before = types(api, SITE)
    assert swap(api, "swap-3", "fourth").json()["validationErrors"]
    assert swap(api, "swap-3", before["911"]).json()["validationErrors"] == [] and types(api, SITE) != before
    assert swap(api, "swap-4", before["901"]).status_code == 200 and types(api, SITE) == before


def test_a_get_takes_no_key(api):
    """Old clients' form: the key is another's, of the POST."""
    before = types(api, SITE)
    for to in (before["911"], before["901"]):
        assert swap(api, "swap-5", to, method="GET").json()["validationErrors"] == []
    assert types(api, SITE) == before
