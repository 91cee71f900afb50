# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing keys: made when missing, published before they sign, kept while their tokens live, changed without a failed request; RFC 7638
thumbprints as kid; encrypted PEM files such as OpenEMR's oaprivate.key; ES256 by setting; a Redis that forgets is refused."""
import json
import os
import pwd
import subprocess
import threading
import time

import pytest
from gateway import wait_until
from jwcrypto import jwk, jwt
from tokens import head_of

FORM = {"grant_type": "password", "scope": "openid api:oemr user/facility.read", "user_role": "users", "username": "admin", "password": "pass"}


def published(g, session=None):
    return jwk.JWKSet.from_json((session or g.session_new()).get(g.origin + "/oauth2/default/jwk", timeout=30).text)


def listed(g):
    return [line.split() for line in g.cli("key", "list", "--site", "default")[1].splitlines()]


def test_rotation_under_load_fails_no_request(make_gateway):
    g = make_gateway(extra={"sites.default.oauth.key_publish": "8s"})
    client = g.client()
    form = {**FORM, "client_id": client["client_id"], "client_secret": client["client_secret"]}
    first = g.token_request(**form).json()["access_token"]
    old = head_of(first)["kid"]
    assert [row[0] for row in listed(g)] == [old] and listed(g)[0][2] == "signs"
    stop, bad, seen, used = threading.Event(), [], {}, []

    def load():
        s = g.session_new()
        while not stop.is_set():
            try:
                r = s.post(g.origin + "/oauth2/default/token", data=form, timeout=30)
                t = r.json()["access_token"]
                seen.setdefault(head_of(t)["kid"], time.monotonic())
                used.append(s.get(g.origin + "/apis/default/api/facility", headers={"Authorization": f"Bearer {t}"}, timeout=30).status_code)
                if r.status_code != 200 or used[-1] != 200:
                    bad.append((r.status_code, used[-1]))
            except Exception as e:  # noqa: BLE001 - any failure of a request is what the test is about
                bad.append(repr(e))
    threads = [threading.Thread(target=load) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        out = g.cli("key", "rotate", "--site", "default")[1]
        assert "was told to read it" in out
        wait_until(lambda: len(published(g)["keys"]) == 2, "the next key is published")
        assert set(seen) == {old}, "published before it signs"
        wait_until(lambda: len(seen) == 2, "the next key signs")
        done = len(used)
        wait_until(lambda: len(used) > done + 20, "and is used")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not bad, bad[:3]
    assert g.get("/apis/default/api/facility", first).status_code == 200, "tokens of the old key live on"
    assert {row[0]: row[2] for row in listed(g)} == {old: "published", next(k for k in seen if k != old): "signs"}


def test_a_change_of_keys_is_an_audit_record(make_gateway):
    g = make_gateway(extra={"process.workers": 2})

    def records():
        return [r for r in g.journal() if r["event"] == "keys_changed" and r["site"] == "default" and r["username"] == "operator"]
    kids = " ".join(k["kid"] for k in g.get("/oauth2/default/jwk").json()["keys"])
    g.reload()
    assert not records(), "the same keys are no news"
    g.cli("key", "rotate", "--site", "default")
    (command,) = [r for r in g.journal() if r.get("rule") == "gatehouse key rotate"]
    assert command["event"] == "keys_changed" and command["username"] == pwd.getpwuid(os.getuid()).pw_name and command["uid"] == os.getuid()
    assert command["reason"] == f"{listed(g)[1][-1]}: the next key" or command["reason"] == f"{listed(g)[0][-1]}: the next key"
    wait_until(lambda: len(published(g)["keys"]) == 2, "the next key is published")
    (told,) = wait_until(records, "and told")
    assert told["username"] == "operator"

    def now():  # a worker of before may still take a connection
        return " ".join(k["kid"] for k in g.session_new().get(g.origin + "/oauth2/default/jwk", timeout=30).json()["keys"])
    wait_until(lambda: told["reason"] == f"published: {now()}; before: {kids}", "the record names the keys before and now")
    assert g.cli("audit", "verify")[0] == 0


def test_a_second_rotation_waits_for_the_first(make_gateway):
    g = make_gateway(extra={"sites.default.oauth.key_publish": "1h", "process.workers": 1})
    g.cli("key", "rotate", "--site", "default")
    code, _, err = g.cli("key", "rotate", "--site", "default", check=False)
    assert code == 1 and "already waits" in err
    assert len(listed(g)) == 2


def test_a_retired_key_is_published_no_more_and_removed(make_gateway):
    g = make_gateway(extra={"sites.default.oauth.key_keep": "1h", "process.workers": 1})
    key = g.dir / "keys" / "default.pem"
    g.stop()
    for age_s in (10 * 86400, 5 * 86400):
        made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True).stdout
        (g.dir / "keys" / f"default.pem.{int(time.time()) - age_s}").write_bytes(made)
    (g.dir / "keys" / "default.pem.bak").write_text("no key, and no number")
    g.start()
    assert len(published(g)["keys"]) == 1
    assert [row[2] for row in listed(g)] == ["retired", "retired", "signs"]
    assert g.cli("key", "rotate", "--site", "default")[1].count("retired, removed") == 1
    assert key.exists() and len(listed(g)) == 3


@pytest.mark.parametrize("alg, kty", [("RS256", "RSA"), ("ES256", "EC")])
def test_a_missing_key_is_made_and_its_kid_is_the_thumbprint(make_gateway, alg, kty):
    g = make_gateway(extra={"sites.default.oauth.signing_alg": alg, "sites.default.oauth.signing_key": "keys/made.pem", "process.workers": 1})
    path = g.dir / "keys" / "made.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    t = g.token("openid api:oemr user/facility.read")
    keys = published(g)
    key = json.loads(keys.export())["keys"][0]
    assert key["kty"] == kty and key["alg"] == alg and key["use"] == "sig"
    assert key["kid"] == jwk.JWK(**{k: v for k, v in key.items() if k not in ("alg", "use", "kid")}).thumbprint() == head_of(t["id_token"])["kid"]
    jwt.JWT(jwt=t["id_token"], key=keys, algs=[alg])
    assert g.get("/apis/default/api/facility", t["access_token"]).status_code == 200
    assert g.get("/oauth2/default/.well-known/openid-configuration").json()["id_token_signing_alg_values_supported"] == [alg]


def test_openemr_s_own_encrypted_key_serves(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    g.stop()
    path, secret = g.dir / "keys" / "oaprivate.key", g.dir / "secrets" / "passphrase"
    secret.write_text("an OpenEMR passphrase of sixty characters")
    secret.chmod(0o600)
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-aes-256-cbc", "-pass", f"file:{secret}", "-out",
                    str(path)], check=True, capture_output=True)
    g.configure({"sites.default.oauth.signing_key": str(path), "sites.default.oauth.signing_passphrase": {"file": str(secret)}})
    g.start()
    t = g.token("openid api:oemr user/facility.read")
    jwt.JWT(jwt=t["id_token"], key=published(g))
    g.cli("key", "rotate", "--site", "default")
    new = next(p for p in path.parent.iterdir() if p.name.startswith("oaprivate.key."))
    assert "ENCRYPTED" in new.read_text() and new.stat().st_mode & 0o777 == 0o600
    assert "passphrase of sixty" not in (g.dir / "gatehouse.log").read_text()


def test_check_refuses_a_redis_that_forgets(make_gateway):
    g = make_gateway(own_stores=True, extra={"process.workers": 1})
    assert g.cli("check")[0] == 0
    g.redis("CONFIG", "SET", "appendonly", "no")
    code, _, err = g.cli("check", check=False)
    assert code == 1 and "redis keeps nothing on disk" in err
    g.redis("CONFIG", "SET", "save", "60 1")
    assert g.cli("check")[0] == 0
    g.redis("CONFIG", "SET", "save", "")
    g.configure({"redis.require_persistence": False})
    assert g.cli("check")[0] == 0


def test_tokens_survive_a_restart_of_redis(make_gateway):
    g = make_gateway(own_stores=True, extra={"process.workers": 1})
    t = g.token("openid offline_access api:oemr user/facility.read")
    g.store_kill("redis")
    g.store_start("redis")
    assert g.get("/apis/default/api/facility", t["access_token"]).status_code == 200, "the token is still known"
    client = g.client()
    r = g.token_request(grant_type="refresh_token", refresh_token=t["refresh_token"], client_id=client["client_id"],
                        client_secret=client["client_secret"])
    assert r.status_code == 200, r.text


def test_key_files_that_cannot_serve_stop_the_start(make_gateway):
    g = make_gateway(extra={"process.workers": 1})
    small = g.dir / "keys" / "small.pem"
    small.write_bytes(subprocess.run(["openssl", "genrsa", "1024"], capture_output=True, check=True).stdout)
    g.configure({"sites.default.oauth.signing_key": str(small)})
    assert "reload.refused" in g.reload()
    assert "at least 2048 bits" in "".join(g.log_lines("keyd.key"))
    assert g.get("/oauth2/default/jwk").status_code == 200
