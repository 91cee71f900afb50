# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents: what is uploaded is found by OpenEMR (rows through SQL, the file on disk in its block format), what OpenEMR wrote is read, and
nothing is left of an upload that did not succeed."""
import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import os
import pathlib
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from gateway import wait_until

SCOPE = "openid api:oemr user/document.read user/document.write user/document.crs"
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40
LAB, LIVING_WILL = 2, 9
MAC = {"001": None, "002": hashlib.sha256, "003": hashlib.sha256}
KEYS = {"001": "one", "002": "two", "003": "two", "004": "four", "005": "five", "006": "six", "007": "seven"}


def path(pid=1, did=None, site="default", **query):
    tail = "" if did is None else f"/{did}"
    q = "?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else ""
    return f"/apis/{site}/api/patient/{pid}/document{tail}{q}"


def folder(g, pid=1, site="default"):
    return g.dir / "sites" / site / "documents" / str(pid)


def files(g, pid=1):
    return sorted(p.name for p in folder(g, pid).iterdir()) if folder(g, pid).is_dir() else []


def documents(g, pid=1):
    return int(g.sql(f"SELECT COUNT(*) FROM documents WHERE foreign_id={pid}")[0][0])


def upload(g, token, name, content, pid=1, where="/Lab Report", claimed="application/octet-stream", **query):
    return g.post(path(pid, path=where, **query), token, files={"document": (name, content, claimed)})


def newest(g, pid=1):
    return int(g.sql(f"SELECT MAX(id) FROM documents WHERE foreign_id={pid}")[0][0])


def database_keys(g, number="seven"):
    rows = dict(g.sql(f"SELECT name, value FROM `keys` WHERE name IN ('{number}a','{number}b')"))
    return [base64.b64decode(rows[number + half]) for half in "ab"]


def openssl(*argv, data):
    return subprocess.run(["openssl", "enc", "-aes-256-cbc", *argv], input=data, stdout=subprocess.PIPE, check=True).stdout


def seal(version, keys, plain):
    """As CryptoGen of that version does."""
    iv, mac = secrets.token_bytes(16), MAC.get(version, hashlib.sha384)
    sealed = iv + openssl("-K", keys[0].hex(), "-iv", iv.hex(), data=plain)
    return version.encode() + base64.b64encode((hmac.new(keys[1], sealed, mac).digest() if mac else b"") + sealed)


def unseal(keys, text):
    raw = base64.b64decode(text[3:], validate=True)
    assert hmac.new(keys[1], raw[48:], hashlib.sha384).digest() == raw[:48]
    return openssl("-d", "-K", keys[0].hex(), "-iv", raw[48:64].hex(), data=raw[64:])


def php_document(g, content, pid=1, category=LAB, url=None, where=None, **columns):
    """A document as OpenEMR leaves one: the file and its rows. Returns its id."""
    did = 1 + int(g.sql("SELECT MAX(id) FROM sequences")[0][0])
    g.sql(f"UPDATE sequences SET id={did}")
    where = where or folder(g, pid) / f"php{did}"
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(content)
    row = dict(id=did, type="file_url", url=url or f"file:///var/www/openemr/sites/default/documents/{pid}/{where.name}", mimetype="application/pdf",
               foreign_id=pid, name="from php.pdf", hash=hashlib.sha3_512(content).hexdigest(), storagemethod=0, path_depth=1, encrypted=0, deleted=0,
               revision="2026-01-02 03:04:05")
    row.update(columns)
    values = ",".join("NULL" if v is None else "'" + str(v).replace("'", "''") + "'" for v in row.values())
    g.sql(f"INSERT INTO documents ({','.join(row)}) VALUES ({values}); INSERT INTO categories_to_documents VALUES ({category},{did})")
    return did


def filed(g):
    for p in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if p.name.isdigit() and (p / "comm").read_text().strip() == "filed":
                if int((p / "stat").read_text().rsplit(")", 1)[1].split()[1]) == g.proc.pid:
                    return int(p.name)
    raise AssertionError("no filed")


@pytest.fixture(scope="module")
def g(gateway):
    return gateway


@pytest.fixture
def fresh(make_gateway):
    """fresh(extra): a gateway without documents; its database is shared, its folder new."""
    def make(extra=None, **kw):
        made = make_gateway(extra=extra, **kw)
        made.sql("DELETE FROM categories_to_documents; DELETE FROM documents")
        shutil.rmtree(folder(made), ignore_errors=True)
        return made
    return make


@pytest.fixture(scope="module")
def token(g):
    return g.staff_token(SCOPE)


# --- upload: what OpenEMR finds -------------------------------------------------------------------------------------------------
def test_an_upload_leaves_the_rows_and_the_sealed_file_that_openemr_expects(g, token):
    before = int(g.sql("SELECT id FROM sequences")[0][0])
    eid = g.sql("SELECT encounter FROM form_encounter WHERE pid=1 LIMIT 1")
    encounter = eid[0][0] if eid else "0"
    r = upload(g, token, "scan 1.pdf", PDF, where="/Advance Directive/living_will", **({"eid": encounter} if eid else {}))
    assert (r.status_code, r.text, r.headers["Content-Type"]) == (200, "true", "application/json")
    did = newest(g)
    assert did == before + 1 == int(g.sql("SELECT id FROM sequences")[0][0])
    row = g.sql("SELECT type,size,url,mimetype,owner,foreign_id,docdate=DATE(date),hash,name,storagemethod,path_depth,encounter_id,encrypted,deleted,"
                f"LOWER(HEX(drive_uuid)),LOWER(HEX(uuid)),date>NOW()-INTERVAL 60 SECOND FROM documents WHERE id={did}")[0]
    name = row[2].rsplit("/", 1)[1]
    assert row[:2] == ["file_url", str(len(PDF))] and row[2] == f"file://{folder(g)}/{name}"
    assert row[3:14] == ["application/pdf", "1", "1", "1", hashlib.sha3_512(PDF).hexdigest(), "scan 1.pdf", "0", "1", encounter, "1", "0"]
    assert name.replace("-", "") == row[14] and row[16] == "1"
    assert g.sql(f"SELECT category_id FROM categories_to_documents WHERE document_id={did}") == [[str(LIVING_WILL)]]
    assert g.sql(f"SELECT table_name,table_id,document_drive,mapped FROM uuid_registry WHERE uuid=UNHEX('{row[14]}')") == [["", "", "1", "0"]]
    assert g.sql(f"SELECT table_name,table_id,document_drive,mapped FROM uuid_registry WHERE uuid=UNHEX('{row[15]}')") == [["documents", "id", "0", "0"]]
    on_disk = (folder(g) / name).read_bytes()
    assert on_disk[:3] == b"007" and unseal(database_keys(g), on_disk) == PDF
    assert g.get(path(did=did), token).content == PDF


def test_without_drive_encryption_the_file_is_as_it_was_sent(g, token):
    g.sql("UPDATE globals SET gl_value='0' WHERE gl_name='drive_encryption'")
    try:
        assert upload(g, token, "plain.txt", b"007 rooms\n").status_code == 200
    finally:
        g.sql("UPDATE globals SET gl_value='1' WHERE gl_name='drive_encryption'")
    did = newest(g)
    url, encrypted = g.sql(f"SELECT url, encrypted FROM documents WHERE id={did}")[0]
    assert encrypted == "0" and (folder(g) / url.rsplit("/", 1)[1]).read_bytes() == b"007 rooms\n"
    assert g.get(path(did=did), token).content == b"007 rooms\n"


@pytest.mark.parametrize("name, content, mime", [
    ("a.pdf", PDF, "application/pdf"), ("a.exe", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "image/png"), ("x", b"\xff\xd8\xff\xe0" + b"\0" * 9, "image/jpeg"),
    ("a.gif", b"GIF89a" + b"\0" * 9, "image/gif"), ("d.dcm", b"\0" * 128 + b"DICM" + b"\1" * 99, "application/dicom"),
    ("z.zip", b"PK\x03\x04" + b"\0" * 40, "application/zip"), ("t", "Grüße\n".encode(), "text/plain"), ("l", b"Gr\xfc\xdfe\n", "text/plain"),
])
def test_the_content_decides_the_type_whatever_is_claimed(g, token, name, content, mime):
    assert upload(g, token, name, content, claimed="application/x-msdownload").status_code == 200
    assert g.sql(f"SELECT mimetype FROM documents WHERE id={newest(g)}") == [[mime]]
    assert g.get(path(did=newest(g)), token).headers["Content-Type"] == mime


@pytest.mark.parametrize("sent, stored", [
    ("../../../etc/passwd", "passwd"), ("C:\\Users\\x\\scan.pdf", "scan.pdf"), ("...hidden", "hidden"), ("..", "document"), ("", "document"),
    ("Befund für Zoë.pdf", "Befund für Zoë.pdf"), ("q\"uo'te.pdf", "q\"uo'te.pdf"), ("n" * 300, "n" * 200),
])
def test_file_names_are_made_safe(g, token, sent, stored):
    body = b"--b\r\nContent-Disposition: form-data; name=\"document\"; filename=\"" + sent.replace("\\", "\\\\").replace('"', '\\"').encode() + \
        b"\"\r\n\r\nhello\r\n--b--\r\n"
    r = g.post(path(path="/Lab Report"), token, data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert r.status_code == 200, r.text
    assert g.sql(f"SELECT name FROM documents WHERE id={newest(g)}") == [[stored]]
    shown = g.get(path(did=newest(g)), token).headers["Content-Disposition"]
    assert shown.startswith("attachment; filename=\"") and "/" not in shown and "\r" not in shown and shown.isascii()


# --- upload: refused, and nothing left ----------------------------------------------------------------------------------------------
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="document"; filename="a.txt"\r\n\r\n'


@pytest.mark.parametrize("data, headers, status", [
    (b"", FORM, 400), (b"hello", {"Content-Type": "text/plain"}, 400), (b"{}", {"Content-Type": "application/json"}, 400),
    (PART + b"x\r\n--b--\r\n", {"Content-Type": "multipart/form-data"}, 400), (PART + b"x\r\n--b--\r\n", {"Content-Type": "multipart/mixed; boundary=b"}, 400),
    (PART + b"x", FORM, 400), (PART + b"x\r\n--b", FORM, 400), (PART + b"x\r\n--b--\r\nmore", FORM, 400), (b"pre" + PART + b"x\r\n--b--", FORM, 400),
    (b'--b\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\nx\r\n--b--', FORM, 400),
    (b'--b\r\nContent-Disposition: form-data; name="document"\r\n\r\nx\r\n--b--', FORM, 400), (b"--b--\r\n", FORM, 400),
    (PART + b"x\r\n" + PART + b"y\r\n--b--", FORM, 400), (PART.replace(b"a.txt", b"a\x01.txt") + b"x\r\n--b--", FORM, 400),
    (PART.replace(b"a.txt", b"a\xff.txt") + b"x\r\n--b--", FORM, 400), (PART.replace(b"\r\n\r\n", b"\n\n") + b"x\r\n--b--", FORM, 400),
    (PART + b"\r\n--b--", FORM, 400), (PART + b"MZ\x90\0\3" + b"\0" * 60 + b"\r\n--b--", FORM, 400), (PART + b"<html><script>\r\n--b--", FORM, 400),
    (PART + b"\x00\x01\x02\r\n--b--", FORM, 400), (PART.replace(b"form-data", b"form-data; x=" + b"y" * 5000) + b"x\r\n--b--", FORM, 400),
], ids=range(21))
def test_what_is_no_allowed_file_is_refused_whole(g, token, data, headers, status):
    before = documents(g), files(g), g.sql("SELECT COUNT(*) FROM uuid_registry")
    r = g.post(path(path="/Lab Report"), token, data=data, headers=headers)
    assert r.status_code == status, r.text
    wait_until(lambda: (documents(g), files(g), g.sql("SELECT COUNT(*) FROM uuid_registry")) == before, "nothing is left")


@pytest.mark.parametrize("query, status", [
    ("", 404), ("path=", 404), ("path=/", 404), ("path=/Nowhere", 404), ("path=Lab Report", 404), ("path=/Lab Report/Living Will", 404),
    ("path=/Lab Report/", 404), ("path=//Lab Report", 404), ("path=/Lab%25", 404), ("path=/' OR 1=1 -- ", 404), ("path=/" + "a/" * 40 + "b", 404),
    ("path=/Lab Report&eid=999999", 404), ("path=/Lab Report&eid=abc", 400), ("path=/Lab Report&eid=1 OR 1=1", 400),
])
def test_unknown_places_are_refused(g, token, query, status):
    before = documents(g), files(g)
    assert g.post(path() + "?" + query, token, files={"document": ("a.pdf", PDF)}).status_code == status
    if "eid" not in query:
        assert g.get(path() + "?" + query, token).status_code == 404
    wait_until(lambda: (documents(g), files(g)) == before, "nothing is left")


@pytest.mark.parametrize("pid", ["999999", "0", "abc", "1%27", "-1", "1e0", "99999999999999999999"])
def test_unknown_patients_are_not_found(g, token, pid):
    assert g.post(path(pid, path="/Lab Report"), token, files={"document": ("a.pdf", PDF)}).status_code == 404
    assert g.get(path(pid, path="/Lab Report"), token).status_code == 404
    assert not folder(g, pid).exists()


def test_scopes_and_roles_are_asked_for(g, token):
    did = newest(g)
    for scope in ("openid api:oemr user/patient.read", "openid api:oemr user/document.write"):
        assert g.get(path(did=did), g.staff_token(scope)).status_code == 401
    assert upload(g, g.staff_token("openid api:oemr user/document.read"), "a.pdf", PDF).status_code == 401
    assert g.get(path(did=did)).status_code == 401


def test_too_large_a_file_is_413_with_and_without_a_length(fresh):
    g = fresh(extra={"sites.default.documents.file_max": "100KiB"})
    token = g.staff_token(SCOPE)
    assert upload(g, token, "a.pdf", PDF * 9).status_code == 200
    head = f"POST {path(path='/Lab%20Report')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 10000000000\r\n" \
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    assert g.raw(head.encode() + PART).startswith(b"HTTP/1.1 413 ")

    def chunks():
        yield PART
        for _ in range(12):
            yield PDF
        yield b"\r\n--b--\r\n"
    assert g.post(path(path="/Lab Report"), token, data=chunks(), headers=FORM).status_code == 413
    wait_until(lambda: len(files(g)) == 1 and documents(g) == 1, "one file and one row")


def test_quotas_hold(fresh):
    g = fresh(extra={"sites.default.documents.patient_max": f"{len(PDF) * 2 // 1024 + 1}KiB",
                            "sites.default.documents.site_max": f"{len(PDF) * 3 // 1024 + 1}KiB"})
    token = g.staff_token(SCOPE)
    assert [upload(g, token, "a.pdf", PDF, pid).status_code for pid in (1, 1, 1, 2, 2)] == [200, 200, 413, 200, 413]
    wait_until(lambda: (len(files(g)), documents(g), len(files(g, 2)), documents(g, 2)) == (2, 2, 1, 1), "what was refused is gone")


def test_the_demos_own_documents_are_read(g, token):
    names = {d["filename"]: d["id"] for d in g.get(path(path="/Lab Report"), token).json()}
    assert g.get(path(did=names["lab report.txt"]), token).content == b"Glucose 5.4 mmol/L\n"
    assert g.get(path(did=names["letter.txt"]), token).content == b"Dear colleague,\n"


# --- list -----------------------------------------------------------------------------------------------------------------------------
def test_the_list_has_the_documented_members_in_order(g, token):
    assert upload(g, token, "listed.pdf", PDF, pid=2, where="/Categories/Medical_Record").status_code == 200
    r = g.get(path(2, path="/MEDICAL record"), token)
    assert r.status_code == 200 and r.headers["Content-Type"] == "application/json"
    assert [list(d) for d in r.json()] == [["filename", "hash", "id", "mimetype", "docdate"]]
    d = r.json()[0]
    assert (d["filename"], d["hash"], d["id"], d["mimetype"]) == ("listed.pdf", hashlib.sha3_512(PDF).hexdigest(), newest(g, 2), "application/pdf")


def test_an_empty_category_is_404_in_both_dialects(g, token, fresh):
    r = g.get(path(path="/CCDA"), token)
    assert (r.status_code, r.headers["Content-Type"], r.text) == (404, "application/json", "null")
    v8 = fresh(extra={"sites.default.compat": "v8"})
    t = v8.staff_token(SCOPE)
    r = v8.get(path(path="/CCDA"), t)
    assert (r.status_code, r.headers["Content-Type"], r.content) == (404, "text/html; charset=utf-8", b"")
    assert upload(v8, t, "a.pdf", PDF).text == "true"
    for content in (b"", b"MZ\0\0"):
        r = upload(v8, t, "a.exe", content)
        assert (r.status_code, r.content) == (404, b"")
    r = v8.post(path(path="/Lab Report"), t, files={"document": ("a.pdf", PDF), "more": ("b", b"x")})
    assert r.status_code == 404


# --- download ---------------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def sealed(g, token):
    """{sealed or clear: id} of the same content."""
    content = PDF * 20
    return {"sealed": php_document(g, seal("007", database_keys(g), content), encrypted=1, hash=hashlib.sha3_512(content).hexdigest()),
            "clear": php_document(g, content)}


SIZE = len(PDF) * 20


@pytest.mark.parametrize("kind", ["sealed", "clear"])
@pytest.mark.parametrize("value, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=0-15", 0, 15), ("bytes=15-17", 15, 17), ("bytes=100-", 100, SIZE - 1), ("bytes=-1", SIZE - 1, SIZE - 1),
    ("bytes=-999999999", 0, SIZE - 1), (f"bytes=49151-{SIZE * 2}", 49151, SIZE - 1), ("bytes=65536-150000", 65536, 150000),
])
def test_a_range_is_exact(g, token, sealed, kind, value, first, last):
    r = g.get(path(did=sealed[kind]), token, headers={"Range": value})
    assert r.status_code == 206 and r.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert r.content == (PDF * 20)[first:last + 1] and r.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("value", ["bytes=5-4", "bytes=a-b", "bytes=0-1,4-5", "items=0-1", "bytes", "bytes=", "bytes=-", "bytes=0x1-2", "bytes=1"])
def test_a_range_that_cannot_be_read_is_ignored(g, token, sealed, value):
    r = g.get(path(did=sealed["sealed"]), token, headers={"Range": value})
    assert r.status_code == 200 and r.content == PDF * 20


@pytest.mark.parametrize("value", [f"bytes={SIZE}-", "bytes=-0", "bytes=99999999999-"])
def test_a_range_outside_is_416(g, token, sealed, value):
    r = g.get(path(did=sealed["sealed"]), token, headers={"Range": value})
    assert (r.status_code, r.headers["Content-Range"], r.content) == (416, f"bytes */{SIZE}", b"")


def test_conditions_follow_the_entity_tag(g, token, sealed):
    whole = g.get(path(did=sealed["clear"]), token)
    tag = whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["X-Content-Type-Options"] == "nosniff"
    r = g.get(path(did=sealed["clear"]), token, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (r.status_code, r.content, r.headers["ETag"]) == (304, b"", tag)
    for if_range, status in ((tag, 206), ('"other"', 200), ("Tue, 24 Nov 2026 00:00:00 GMT", 200)):
        assert g.get(path(did=sealed["clear"]), token, headers={"Range": "bytes=0-3", "If-Range": if_range}).status_code == status


def not_found(r):
    return (r.status_code, r.content) == (400, b"")


def test_only_the_patients_own_live_documents_are_found(g, token, sealed):
    did = sealed["clear"]
    assert not_found(g.get(path(2, did), token))
    assert g.get(path(did=did, site="alternate"), token).status_code in (400, 401)
    for what in ("abc", "999999", "0", "-1", "1%20OR%201=1", "99999999999"):
        assert g.get(path(did=what), token).status_code in (400, 404), what
    for column in ("deleted=1", "date_expires='2020-01-01'", "type='web_url'", "foreign_id=2"):
        other = php_document(g, PDF)
        g.sql(f"UPDATE documents SET {column} WHERE id={other}")
        assert not_found(g.get(path(did=other), token)), column
    couch = php_document(g, PDF, storagemethod=1)
    assert g.get(path(did=couch), token).status_code == 501


@pytest.mark.parametrize("url, depth, found", [
    ("file:///anywhere/at/all/1/{n}", 1, True), ("/anywhere/1/{n}", 1, True), ("file:///x/documents/1/{n}", 3, True), ("file:///x/sub/1/{n}", 2, False),
    ("file:///x/documents/1/../../../../../../etc/hostname", 1, False), ("file:///etc/hostname", 1, False), ("file://../{n}", 1, False),
    ("file:///x/1/..", 1, False), ("file:///x/1/", 1, False), ("", 1, False), ("file:///x/link/hostname", 1, False), ("file:///x/1/linked", 1, False),
    ("file:///x/1/pipe", 1, False), ("file:///x/logs_and_misc/methods/sevena", 9, False),
])
def test_stored_paths_lead_to_files_of_the_documents_folder_only(g, token, url, depth, found):
    base = folder(g).parent
    did = php_document(g, PDF, where=folder(g) / "target")
    with contextlib.suppress(FileExistsError):
        (base / "link").symlink_to("/etc")
    with contextlib.suppress(FileExistsError):
        (folder(g) / "linked").symlink_to("/etc/hostname")
    with contextlib.suppress(FileExistsError):
        os.mkfifo(folder(g) / "pipe")
    g.sql(f"UPDATE documents SET url='{url.format(n='target')}', path_depth={depth} WHERE id={did}")
    r = g.get(path(did=did), token)
    assert r.content == PDF if found else not_found(r), r.content[:100]


@pytest.mark.parametrize("damage", [lambda b: b[:200] + (b"A" if b[200:201] != b"A" else b"B") + b[201:], lambda b: b[:-8], lambda b: b"007", lambda b: b[:3] + b"!" + b[4:],
                                    lambda b: b"003" + b[3:]])
def test_a_sealed_file_that_was_changed_is_not_sent(g, token, damage):
    did = php_document(g, damage(seal("007", database_keys(g), PDF)), encrypted=1)
    r = g.get(path(did=did), token)
    assert r.status_code == 503 and PDF[:20] not in r.content


def test_a_category_with_an_acl_of_its_own_is_closed_to_others(g, token):
    assert upload(g, token, "export.pdf", PDF, where="/FHIR Export Document").status_code == 200  # admin|super
    did = newest(g)
    doctor = g.staff_token(SCOPE, username="physician")
    assert g.get(path(did=did), doctor).status_code == 403
    assert g.get(path(path="/FHIR Export Document"), doctor).status_code == 403
    assert upload(g, doctor, "a.pdf", PDF, where="/FHIR Export Document").status_code == 403
    assert upload(g, doctor, "a.pdf", PDF).status_code == 200


@pytest.mark.parametrize("compat", ["classic", "v8"])
def test_what_is_not_there_is_400_and_empty(fresh, compat):
    """As OpenEMR 7 answers (contract/standard/document.json): 400, not 404, without a word of why; a patient that is not there is 404."""
    g = fresh(extra={"sites.default.compat": compat})
    token = g.staff_token(SCOPE)
    gone = php_document(g, PDF)
    (folder(g) / f"php{gone}").unlink()
    other = php_document(g, PDF, pid=2)
    deleted = php_document(g, PDF, deleted=1)
    a_folder = php_document(g, PDF)
    (folder(g) / f"php{a_folder}").unlink()
    (folder(g) / f"php{a_folder}").mkdir()
    for did in (gone, other, deleted, a_folder, 999999):
        for headers in ({}, {"Range": "bytes=0-3"}, {"If-None-Match": "*"}):
            r = g.get(path(did=did), token, headers=headers)
            assert (r.status_code, r.content, r.headers["Content-Type"]) == (400, b"", "text/html; charset=utf-8"), did
            assert not {"ETag", "Content-Disposition", "Accept-Ranges"} & set(r.headers)
    assert g.get(path(999999, 1), token).status_code == 404
    lines = g.log_lines("document.gone")
    assert any(f'"{gone}"' in line for line in lines) and any(f'"{a_folder}"' in line for line in lines) and "from php" not in "".join(lines)
    shutil.rmtree(folder(g))
    assert not_found(g.get(path(did=php_document(g, PDF, where=folder(g, 2) / "elsewhere", url="file:///x/1/elsewhere")), token))


def test_formats_001_to_007_are_read_under_the_keys_of_the_database_and_of_the_drive(fresh):
    g = fresh()
    methods = folder(g).parent / "logs_and_misc" / "methods"
    db, drive = {}, {}
    for n in set(KEYS.values()):
        db[n], drive[n] = [secrets.token_bytes(32) for _ in "ab"], [secrets.token_bytes(32) for _ in "ab"]
        for half, key, disk in zip("ab", db[n], drive[n]):
            g.sql(f"REPLACE INTO `keys` (name, value) VALUES ('{n}{half}', '{base64.b64encode(key).decode()}')")
            (methods / f"{n}{half}").write_text(base64.b64encode(disk).decode())
    g.reload()
    token = g.staff_token(SCOPE)
    for version, number in KEYS.items():
        for where, keys in (("database", db), ("drive", drive)):
            if version == "001" and where == "database":
                continue  # 001 has no MAC that tells; OpenEMR's own was on the drive
            did = php_document(g, seal(version, keys[number], PDF), encrypted=1, hash=hashlib.sha3_512(PDF).hexdigest(), size=len(PDF))
            assert wait_until(lambda d=did: g.get(path(did=d), token), "an answer").content == PDF, (version, where)
    assert upload(g, token, "a.pdf", PDF).status_code == 200
    name = g.sql(f"SELECT url FROM documents WHERE id={newest(g)}")[0][0].rsplit("/", 1)[1]
    assert unseal(db["seven"], (folder(g) / name).read_bytes()) == PDF


def all_keys(g):
    """The site has every pair; {version: pair}."""
    pairs = {n: [secrets.token_bytes(32) for _ in "ab"] for n in set(KEYS.values())}
    for n, pair in pairs.items():
        for half, key in zip("ab", pair):
            g.sql(f"REPLACE INTO `keys` (name, value) VALUES ('{n}{half}', '{base64.b64encode(key).decode()}')")
            (folder(g).parent / "logs_and_misc" / "methods" / f"{n}{half}").write_text(base64.b64encode(key).decode())
    g.reload()
    return {version: pairs[n] for version, n in KEYS.items()}


def flip(b, at):
    return b[:at] + (b"A" if b[at:at + 1] != b"A" else b"B") + b[at + 1:]


DAMAGE = {
    "empty": lambda b: b"", "two bytes": lambda b: b[:2], "the version alone": lambda b: b[:3], "one group": lambda b: b[:7], "MAC and IV alone": lambda b: b[:3 + 88],
    "half": lambda b: b[:3 + len(b) // 8 * 4], "a group less": lambda b: b[:-4], "a block less": lambda b: b[:-64], "no group's end": lambda b: b[:-3],
    "the first byte": lambda b: flip(b, 3), "the middle": lambda b: flip(b, len(b) // 2), "the end": lambda b: flip(b, len(b) - 6),
    "no base64": lambda b: b[:200] + b"!" + b[201:], "more": lambda b: b + b"AAAA", "twice": lambda b: b + b[3:], "no version": lambda b: b[3:],
    "an unknown version": lambda b: b"008" + b[3:], "another's version": lambda b: (b"004" if b[:3] == b"005" else b"005") + b[3:], "clear": lambda b: PDF,
    "another file": lambda b: b"\x7fELF" + b"\0" * 100,
}


def refused_plainly(r):
    """503 in the route's envelope: no byte of the content, no name of a folder or key."""
    body = r.json()
    assert r.status_code == 503 and r.headers["Retry-After"] and body["error"] and not {"ETag", "Content-Disposition"} & set(r.headers), (r.status_code, r.content[:200])
    assert PDF[9:40] not in r.content and not any(word in r.text for word in ("documents/", "php", "sha", "MAC", "openssl", "from php.pdf", "/var/")), r.text
    return True


def test_a_damaged_file_of_every_format_is_refused_before_its_first_byte(fresh):
    g = fresh()
    pairs = all_keys(g)
    token = g.staff_token(SCOPE)
    for version, pair in pairs.items():
        sound = seal(version, pair, PDF)
        row = dict(encrypted=1, size=len(PDF), hash=hashlib.sha3_512(PDF).hexdigest())
        for what, damage in DAMAGE.items():
            did = php_document(g, damage(sound), **row)
            for headers in ({}, {"Range": "bytes=0-9"}):
                assert refused_plainly(g.get(path(did=did), token, headers=headers)), (version, what)
        assert g.get(path(did=php_document(g, sound, **row)), token).content == PDF, version
    assert g.get(path(did=php_document(g, seal("001", pairs["001"], PDF), encrypted=1, hash=hashlib.sha1(PDF).hexdigest())), token).content == PDF  # OpenEMR 5's digest
    assert g.log_lines("OpenEMR file")
    assert not any(PDF[:8].decode() in line or "logs_and_misc" in line for line in g.log_lines("OpenEMR file"))


@pytest.mark.parametrize("kind", ["sealed", "clear"])
@pytest.mark.parametrize("size, served", [(len(PDF), True), (None, True), (0, True), (len(PDF) - 1, False), (1, False), (len(PDF) + 1, False), (2**31 - 1, False)])
def test_a_file_that_is_not_as_long_as_its_row_says_is_not_sent(g, token, kind, size, served):
    content = seal("007", database_keys(g), PDF) if kind == "sealed" else PDF
    did = php_document(g, content, encrypted=int(kind == "sealed"), size=size, hash=hashlib.sha3_512(PDF).hexdigest())
    r = g.get(path(did=did), token)
    assert r.content == PDF if served else refused_plainly(r)
    assert served or any(f'"{did}"' in line for line in g.log_lines("document.changed"))


# --- trouble ----------------------------------------------------------------------------------------------------------------------------------
def begin_upload(g, token, announced, sent, **query):
    """A connection in mid-upload."""
    s = g.connect()
    body = PART + b"%PDF-" + b"x" * sent
    s.sendall(f"POST {path(path='/Lab%20Report', **query)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {announced}\r\n"
              "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode() + body)
    return s, announced - len(body)


def open_files(g):
    """Files under way, which have no name: only filed sees them."""
    n = 0
    for fd in pathlib.Path(f"/proc/{filed(g)}/fd").iterdir():
        with contextlib.suppress(OSError):
            n += os.readlink(fd).startswith(str(folder(g)))
    return n


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_a_client_that_leaves_in_mid_upload_leaves_nothing(g, token, how):
    before = documents(g), files(g), g.sql("SELECT COUNT(*) FROM uuid_registry")
    s, _ = begin_upload(g, token, 4 << 20, 1 << 20)
    wait_until(lambda: open_files(g) > 0, "the file is under way")
    if how == "resets":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.close()
    wait_until(lambda: open_files(g) == 0, "the file is dropped")
    assert (documents(g), files(g), g.sql("SELECT COUNT(*) FROM uuid_registry")) == before


def test_a_killed_worker_leaves_no_file(g, token):
    did = php_document(g, PDF)
    before = files(g)
    s, _ = begin_upload(g, token, 4 << 20, 1 << 20)
    wait_until(lambda: open_files(g) > 0, "the file is under way")
    workers = g.workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: open_files(g) == 0, "the file is dropped")
    wait_until(lambda: len(g.workers()) == len(workers) and not set(workers) & set(g.workers()), "new workers")
    s.close()
    assert files(g) == before
    wait_until(lambda: g.session_new().get(g.origin + path(did=did), headers={"Authorization": f"Bearer {token}"}).status_code == 200, "served again")


def test_a_full_disk_is_503_and_leaves_nothing(g, token):
    before = documents(g), files(g)
    pid = filed(g)
    old = resource.prlimit(pid, resource.RLIMIT_FSIZE, (200 << 10, resource.RLIM_INFINITY))
    try:
        r = upload(g, token, "a.pdf", PDF * 100)
        assert r.status_code == 503 and "Retry-After" in r.headers
        assert upload(g, token, "small.pdf", PDF).status_code == 200
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, old)
    wait_until(lambda: (documents(g), len(files(g))) == (before[0] + 1, len(before[1]) + 1), "only the small one is there")


def test_a_folder_that_is_not_there_is_503_and_check_says_so(fresh):
    g = fresh(extra={"sites.default.documents.dir": "/nonexistent/documents"})
    token = g.staff_token(SCOPE)
    r = upload(g, token, "a.pdf", PDF)
    assert r.status_code == 503 and r.headers["Retry-After"] and r.json()["error"]
    assert documents(g) == 0
    _, out, err = g.cli("check")
    assert "/nonexistent/documents cannot be read and written" in out + err


def slow_download(g, token, did):
    """A connection that has read the head of an answer and some bytes, and stops: (socket, announced length, bytes so far)."""
    s = g.connect()
    s.sendall(f"GET {path(did=did)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 1000:
        got += s.recv(4096)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return s, length, body


def read_out(s, body):
    """What comes until the end of the connection, however it ends."""
    with contextlib.suppress(OSError):
        while piece := s.recv(1 << 16):
            body += piece
    s.close()
    return body


BIG = PDF[:9] + os.urandom(1 << 20) * 32  # more than the buffers of both ends of a connection hold


@pytest.mark.parametrize("kind", ["sealed", "clear"])
@pytest.mark.parametrize("trouble", ["filed is killed", "the file is cut", "the file is overwritten"])
def test_a_download_that_breaks_off_does_not_look_whole(g, token, kind, trouble):
    if (kind, trouble) == ("clear", "the file is overwritten"):
        pytest.skip("bytes of a clear file are whatever is there when they are read")
    content = seal("007", database_keys(g), BIG) if kind == "sealed" else BIG
    did = php_document(g, content, encrypted=int(kind == "sealed"), size=len(BIG), hash=hashlib.sha3_512(BIG).hexdigest())
    file = folder(g) / f"php{did}"
    s, length, body = slow_download(g, token, did)
    assert length == len(BIG)
    if trouble == "filed is killed":
        os.kill(filed(g), signal.SIGKILL)
    elif trouble == "the file is cut":
        os.truncate(file, 4096)
    else:
        with file.open("r+b") as f:
            f.write(b"!" * len(content))
    body = read_out(s, body)
    assert len(body) < length and BIG.startswith(body)
    file.unlink()
    small = php_document(g, PDF)
    wait_until(lambda: g.get(path(did=small), token).content == PDF, "served again")


@pytest.mark.parametrize("kind", ["sealed", "clear"])
def test_filed_killed_before_the_first_byte_is_503(g, token, kind):
    """Each answer is whole or a plain refusal; tried until filed was killed with the request in its hands."""
    content = seal("007", database_keys(g), PDF) if kind == "sealed" else PDF
    did = php_document(g, content, encrypted=int(kind == "sealed"))
    refusals, others = [], iter(range(1, 100))

    def download():
        r = g.session_new().get(g.origin + path(did=did), headers={"Authorization": f"Bearer {token}"}, timeout=60)
        if r.status_code == 200:
            assert r.content == PDF
        else:
            refusals.append(refused_plainly(r))

    def kill():
        pid = filed(g)
        os.kill(pid, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(download)
            for _ in range(next(others)):  # meanwhile others are served
                assert g.get(path(path="/Lab Report"), token).status_code == 200
            os.kill(pid, signal.SIGKILL)
            asked.result(60)
        wait_until(lambda: g.get(path(did=did), token).status_code == 200, "served again")
        return refusals
    wait_until(kill, "a refusal", 240)


def test_a_database_killed_in_mid_upload_leaves_no_half(fresh):
    g = fresh(own_stores=True, extra={"rate.classes.write.limit": 0})
    token = g.staff_token(SCOPE)
    statuses = []

    def load():
        session = g.session_new()
        while not over.is_set():
            with contextlib.suppress(OSError):
                statuses.append(session.post(g.origin + path(path="/Lab Report"), headers={"Authorization": f"Bearer {token}"},
                                             files={"document": ("a.pdf", PDF)}, timeout=30).status_code)
    over = threading.Event()
    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        wait_until(lambda: statuses.count(200) > 10, "uploads run")
        g.stores.stop_one("mariadb", signal.SIGKILL)
        wait_until(lambda: 503 in statuses, "uploads fail")
        g.stores.start_mariadb()
        before = statuses.count(200)
        wait_until(lambda: statuses.count(200) > before + 3, "uploads run again")
    finally:
        over.set()
    for t in threads:
        t.join()
    assert set(statuses) <= {200, 503, 401}, set(statuses)
    rows = {u.rsplit("/", 1)[1] for (u,) in g.sql("SELECT url FROM documents")}
    wait_until(lambda: rows >= set(files(g)) or len(set(files(g)) - rows) <= len(g.log_lines("document.unknown")), "no file without a row")
    assert rows <= set(files(g)), "a row without its file"
    whole = "SELECT COUNT(*) FROM documents d JOIN categories_to_documents l ON l.document_id=d.id JOIN uuid_registry u ON u.uuid=d.uuid JOIN uuid_registry v " \
            "ON v.uuid=d.drive_uuid"
    assert int(g.sql(whole)[0][0]) == len(rows) >= statuses.count(200)


def test_64_mib_pass_both_ways_in_constant_memory(g, token):
    def peak():
        return sum(int(line.split()[1]) for pid in g.workers() for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    content = b"%PDF-" + os.urandom(64 << 20)
    upload(g, token, "warm.pdf", PDF * 50)
    before = peak()
    assert upload(g, token, "big.pdf", content).status_code == 200
    did = newest(g)
    with g.get(path(did=did), token, stream=True) as r:
        digest, n = hashlib.sha256(), 0
        for piece in r.iter_content(1 << 16):
            digest.update(piece)
            n += len(piece)
            if n < 2 << 20:
                time.sleep(0.01)  # a slow reader: the gateway waits, it does not hoard
    assert digest.digest() == hashlib.sha256(content).digest() and r.headers["Content-Length"] == str(len(content))
    assert peak() - before < 8 << 10, f"{peak() - before} KiB more"
