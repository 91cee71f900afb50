# SPDX-License-Identifier: GPL-3.0-or-later
"""One gateway that serves a site per generation of OpenEMR (5.0.2, 6.1, 7.0, 7.0.3, 8.2), each over a database made from the facts in
../shared/contract (CONTRACT names the folder): tables of that generation, its stock rows, some staff and two patients. Used by tests/api.
Where the contract is not at hand only 8.2 is made, from docker/schema."""
import functools
import importlib.util
import json
import os
import pathlib
import re
import tempfile

from gateway import ROOT, Gateway, quickstart
from schema_from_contract import table as table_ddl

SHARED = ROOT.parent / "shared"
CONTRACT = pathlib.Path(os.environ.get("CONTRACT", SHARED / "contract"))
GOLDEN = pathlib.Path(os.environ.get("GOLDEN", SHARED / "golden-7.0"))

# site: (schema, stock rows, compat). "recorded" is what the recordings of golden-7.0 began with.
SITES = {
    "g502": ("5.0.2", "5.0.2", "classic"), "g61": ("6.1", "6.1", "classic"), "g70": ("7.0", "7.0", "classic"), "g703": ("7.0.3", "7.0", "classic"),
    "g82": ("8.2", "8.2", "v8"), "recorded": ("7.0", "7.0", "classic"),
}
FREE = {f"rate.classes.{c}.limit": 0 for c in ("read", "search", "write", "token", "public", "default", "register", "export")}


def _demo():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docker" / "demo" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DEMO = _demo()
PHIL = dict(id=1, pid=1, pubpid="1", title="Mr", fname="Phil", lname="Belford", mname="", DOB="1992-02-02", sex="Male", street="2100 Anyhow Lane", city="La Mesa",
            state="CA", postal_code="94117", country_code="US", email="heya@invalid.email.com", allow_patient_portal="YES", date="2024-01-02 03:04:05",
            regdate="2024-01-02 03:04:05", created_by=1, updated_by=1)
ZOE = dict(PHIL, id=2, pid=2, pubpid="2", fname="Zoë", lname="Nguyễn", sex="Female", DOB="1980-12-31", email="zoe@example.org")
PORTAL = dict(portal_pwd=DEMO.HASHES["phil"], portal_pwd_status=1)
ACCOUNTS = {"Phil1": dict(id=1, pid=1, portal_username="Phil1", portal_login_username="Phil1", **PORTAL),
            "Zoe2": dict(id=2, pid=2, portal_username="Zoe2", portal_login_username="Zoe2", **PORTAL)}
EMAILS = {"Phil1": PHIL["email"], "Zoe2": ZOE["email"]}


def at_hand(site):
    return site == "g82" or (CONTRACT / "schema").is_dir()


@functools.lru_cache(None)
def schema(generation):
    """{table: contract facts} of a generation, of the tables that the APIs touch."""
    touched = set(re.findall(r"^CREATE TABLE `(\w+)`", (ROOT / "docker/schema/openemr-8.sql").read_text(), re.M))
    path = CONTRACT / "schema" / f"{generation}.json"
    if not path.exists():
        return {}
    return {name: t for name, t in json.loads(path.read_text())["tables"].items() if name in touched}


class Rows:
    """INSERT statements; of a row only what the generation has: a table or column that it lacks is left out."""

    def __init__(self, generation, part):
        self.columns = {name: [c["name"] for c in t["columns"]] for name, t in schema(generation).items()}
        self.writer = DEMO.Writer(f"{generation} {part}")
        self.out = ["SET sql_mode='', foreign_key_checks=0;"]

    def add(self, table, **row):
        """A row; without a given uuid it gets a registered one where the table has uuids."""
        have = self.columns.get(table) if self.columns else list(row) + (["uuid"] if "uuid" in row else [])
        if have is None:
            return None
        if "uuid" in have and "uuid" not in row:
            row["uuid"] = self.uuid(table)
        row = {k: v for k, v in row.items() if k in have}
        self.out.append(f"INSERT INTO `{table}` ({','.join(f'`{c}`' for c in row)}) VALUES ({','.join(DEMO.sql(v) for v in row.values())});")
        return row.get("uuid")

    def uuid(self, table):
        if self.columns and "uuid_registry" not in self.columns:
            return self.writer.uuid(table)
        u = self.writer.uuid(table)
        self.out.append("INSERT INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped, created) VALUES "
                        f"({DEMO.sql(u)}, '{table}', 'id', '', '', 0, 0, '2024-01-02 03:04:05');")
        return u

    def text(self):
        return "\n".join(self.out) + "\n"


def stock(generation):
    rows = Rows(generation, "stock")
    folder = CONTRACT / "stock" / {"7.0.3": "7.0"}.get(generation, generation)
    for path in sorted(folder.glob("*.json")):
        for table, some in json.loads(path.read_text()).items():
            if table not in rows.columns:
                continue
            for row in some:
                rows.add(table, **(row if "uuid" in row or table not in ("facility", "users") else dict(row, uuid=rows.uuid(table))))
    return rows.text()


def people(generation):
    """Staff of each stock group (password: pass), two patients with portal accounts (password: phil)."""
    rows = Rows(generation, "people")
    rows.out.append("UPDATE users SET fname='Billy', lname='Smith', npi='1234567893', taxonomy='207Q00000X' WHERE id=1;")
    for i, (name, fname, lname, group, active, npi) in enumerate(DEMO.STAFF):
        uid = 1 if name == "admin" else 10 + i
        if name != "admin":
            rows.add("users", id=uid, uuid=rows.uuid("users"), username=name, authorized=1, fname=fname, lname=lname, active=active, npi=npi, facility_id=3,
                     see_auth=1, calendar=1, abook_type="")
            rows.add("groups", name="Default", user=name)
            rows.add("gacl_aro", id=20 + i, section_value="users", value=name, order_value=10, name=f"{fname} {lname}", hidden=0)
            rows.add("gacl_groups_aro_map", group_id=DEMO.GROUPS[group], aro_id=20 + i)
        rows.add("users_secure", id=uid, username=name, password=DEMO.HASHES["pass"], last_update_password="2099-01-01 00:00:00")
    return rows


def patients(rows):
    for p in (PHIL, ZOE):
        rows.add("patient_data", uuid=rows.uuid("patient_data"), **p)
    for account in ACCOUNTS.values():
        rows.add("patient_access_onsite", **account)


def database_make(stores, site):
    """The database openemr_SITE."""
    generation, of_stock, _ = SITES[site]
    name = f"openemr_{site}"
    rows = people(generation)
    if site == "recorded":
        # What that installation had done before: locations of its facilities, six events in its calendar.
        rows.out += ["INSERT INTO uuid_mapping (uuid, resource, resource_path, `table`, target_uuid, created) SELECT UNHEX(REPLACE(UUID(), '-', '')), "
                     "'Location', '', 'facility', uuid, NOW() FROM facility;", "ALTER TABLE openemr_postcalendar_events AUTO_INCREMENT = 7;"]
    else:
        patients(rows)
    with tempfile.TemporaryDirectory() as folder:
        ddl, stocked, made = (pathlib.Path(folder) / n for n in ("ddl.sql", "stock.sql", "people.sql"))
        tables = schema(generation)
        ddl.write_text("SET sql_mode='';\n" + "".join(table_ddl(n, t) for n, t in sorted(tables.items())))
        made.write_text(rows.text())
        if tables:
            stocked.write_text("SET autocommit=0;\n" + stock(of_stock if of_stock == generation else generation) + "COMMIT;\n")
        files = [ddl, stocked] if tables else [ROOT / "docker/schema/openemr-8.sql", ROOT / "docker/schema/stock.sql"]
        stores.load(name, [*files, made])
    stores.sql("UPDATE globals SET gl_value = '1' WHERE gl_name IN ('rest_api', 'rest_fhir_api', 'rest_portal_api')", name)


class Generations:
    """The gateway with its sites; tokens and bodies are kept."""

    def __init__(self, stores):
        self.sites = [s for s in SITES if at_hand(s)]
        extra = dict(FREE)
        for site in self.sites:
            database_make(stores, site)
            stores.sql(quickstart.site_keys(stores.dir, site) or "SELECT 1", f"openemr_{site}")
            at = f"sites.{site}."
            extra |= {at + "database.socket": stores.db_socket, at + "database.name": f"openemr_{site}", at + "database.user": "gatehouse",
                      at + "database.password": {"file": str(stores.dir / "database.secret")}, at + "compat": SITES[site][2],
                      at + "oauth.password_users": True, at + "oauth.password_patients": True, at + "oauth.client_auth": "documented",
                      at + "oauth.signing_key": str(quickstart.signing_key(stores.dir, site)), at + "oauth.openemr_rows": False,
                      at + "openemr_sites_dir": str(stores.dir / "sites" / site)}
        secret = stores.dir / "database.secret"
        secret.write_text("gatehouse\n")
        secret.chmod(0o600)
        self.gateway = Gateway(stores=stores, extra=extra, patients=1)
        self.tokens = {}
        _, out, _ = self.gateway.cli("check", check=False)
        self.unserved = set(re.findall(r"^site (\w+): unserved (\w+ \S+)", out, re.M))

    def close(self):
        self.gateway.close()

    def served(self, route, site="g82"):
        """Whether a backend of the site answers the row "GET /api/patient/:puuid"."""
        return (site, route) not in self.unserved

    def database(self, site):
        return f"openemr_{site}"

    def sql(self, text, site="g82"):
        return self.gateway.sql(text, site)

    def scope(self, site, who="user"):
        """Every offered scope of staff (or of patients) with its API."""
        apis = ["openid", "api:oemr", "api:fhir", "api:port"]
        return " ".join(apis + [s for s in self.gateway.scopes(site) if s.startswith(f"{who}/") and "?" not in s])

    def token(self, site="g82", who="admin", scope=None):
        key = (site, who, scope)
        if key not in self.tokens:
            if who in ACCOUNTS:
                self.tokens[key] = self.gateway.patient_token(scope or self.scope(site, "patient"), who, "phil", EMAILS[who], site)
            else:
                self.tokens[key] = self.gateway.staff_token(scope or self.scope(site), who, site)
        return self.tokens[key]

    def __call__(self, method, path, site="g82", who="admin", **kw):
        """A request below /apis/{site}; who None: without a token."""
        return self.gateway.request(method, f"/apis/{site}{path}", who and self.token(site, who), **kw)
