# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource of docs/add-a-resource.md, compiled from the page: it is listed, filtered, read, made and changed, and its rules hold."""
import os
import pathlib
import subprocess
import sys

import pytest

from test_direct import NOBODY, ROOT, stores  # noqa: F401 (stores is a fixture)

import probe  # behind test_direct, which knows where it is

ROW = "b0000000-0000-4000-8000-000000000001"
COLUMNS = "id INT AUTO_INCREMENT PRIMARY KEY, uuid BINARY(16) UNIQUE, name VARCHAR(255), email VARCHAR(255), transmit_method INT DEFAULT 0"


@pytest.fixture(scope="module")
def pharmacies(stores, tmp_path_factory):  # noqa: F811
    stores.load("documented", [ROOT / "docker/schema/openemr-8.sql", ROOT / "docker/schema/stock.sql"])
    stores.sql(f"DROP TABLE IF EXISTS pharmacies; CREATE TABLE pharmacies ({COLUMNS}); INSERT INTO pharmacies (uuid, name, email) VALUES "
               f"(UNHEX(REPLACE('{ROW}', '-', '')), 'Corner', 'corner@example.org')", "documented")
    scopes = pathlib.Path(tmp_path_factory.mktemp("scopes")) / "documented.yaml"
    scopes.write_bytes(subprocess.run([sys.executable, pathlib.Path(__file__).with_name("documented.py"), "yaml"], stdout=subprocess.PIPE, check=True).stdout)
    probe.PROBE, before = os.environ["DOCUMENTED_PROBE"], (probe.PROBE, probe.SCOPES)
    probe.SCOPES = [str(scopes)]
    p = probe.Probe(stores, "documented", "v8")
    yield p
    p.close()
    probe.PROBE, probe.SCOPES = before


@pytest.mark.parametrize("method, path, body, status, holds", [
    ("GET", "/api/pharmacy", None, 200, lambda d: [p["name"] for p in d] == ["Corner"]),
    ("GET", "/api/pharmacy?name=orn", None, 200, lambda d: len(d) == 1),
    ("GET", "/api/pharmacy?email=other@example.org", None, 200, lambda d: d == []),
    ("GET", f"/api/pharmacy/{ROW}", None, 200, lambda d: d == {"id": 1, "uuid": ROW, "name": "Corner", "email": "corner@example.org", "transmit_method": 0}),
    ("GET", f"/api/pharmacy/{NOBODY}", None, 400, lambda d: d == []),
    ("POST", "/api/pharmacy", {"name": "x"}, 400, lambda d: d == []),
    ("POST", "/api/pharmacy", {"email": "a@example.org"}, 400, lambda d: d == []),
    ("POST", "/api/pharmacy", {"name": "Station", "transmit_method": 2}, 201, lambda d: d["id"] == 2 and len(d["uuid"]) == 36),
    ("PUT", f"/api/pharmacy/{ROW}", {"email": "no address"}, 400, lambda d: d == []),
    ("PUT", f"/api/pharmacy/{ROW}", {"name": "Corner Drugs"}, 200, lambda d: (d["name"], d["email"]) == ("Corner Drugs", "corner@example.org")),
], ids=lambda v: v if isinstance(v, str) else "")
def test_the_documented_resource_is_served(pharmacies, method, path, body, status, holds):
    a = pharmacies(method, path, body)
    assert a.status == status and holds(a.json["data"]), a.text
