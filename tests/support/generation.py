# SPDX-License-Identifier: GPL-3.0-or-later
"""One gateway that serves a site per generation of OpenEMR (5.0.2 as it is and prepared by conf/openemr-5.0.2.sql, 6.1, 7.0, 7.0.3, 8.2), each over a database made from the facts in
../shared/contract (CONTRACT names the folder): tables of that generation, its stock rows, some staff and two patients. Used by tests/api.
Where the contract is not at hand only 8.2 is made, from docker/schema."""
import functools
import importlib.util
import json
import os
import pathlib
import re
import tempfile

from gateway import ROOT, Gateway, quickstart, wait_until
from openapi_walk import Document
from probe import Probe
from schema_from_contract import table as table_ddl
from world import AWKWARD, World, text

SHARED = ROOT.parent / "shared"
CONTRACT = pathlib.Path(os.environ.get("CONTRACT", SHARED / "contract"))
GOLDEN = pathlib.Path(os.environ.get("GOLDEN", SHARED / "golden-7.0"))

PREPARED = "5.0.2 prepared"
# site: (generation, compat). "recorded" is what the recordings of golden-7.0 began with.
SITES = {
    "g502": ("5.0.2", "classic"), "g502p": (PREPARED, "classic"), "g61": ("6.1", "classic"), "g70": ("7.0", "classic"), "g703": ("7.0.3", "classic"), "g82": ("8.2", "v8"),
    "recorded": ("7.0", "classic"), "access": ("8.2", "v8"), "hostile": ("8.2", "classic"), "hostile8": ("8.2", "v8"), "many": ("8.2", "classic"),
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
    return SITES[site][0] == "8.2" or (CONTRACT / "schema").is_dir()


def contract_routes():
    """What the contract says of each route of the Standard and the Portal API, with its file's name; nothing where it is not at hand."""
    return [dict(r, file=p.stem) for p in sorted((CONTRACT / "standard").glob("*.json")) if p.name != "index.json" for r in json.loads(p.read_text())["routes"]]


@functools.lru_cache(None)
def ddl(generation):
    """CREATE TABLE statements of a generation, of the tables that the APIs touch."""
    if generation == PREPARED:
        return ddl("5.0.2") + (ROOT / "conf/openemr-5.0.2.sql").read_text()
    newest = (ROOT / "docker/schema/openemr-8.sql").read_text()
    touched = set(re.findall(r"^CREATE TABLE `(\w+)`", newest, re.M))
    path = CONTRACT / "schema" / f"{generation}.json"
    if not path.exists():
        return newest
    tables = json.loads(path.read_text())["tables"]
    return "SET sql_mode='';\n" + "".join(table_ddl(name, tables[name]) for name in sorted(touched & set(tables)))


@functools.lru_cache(None)
def columns(generation):
    """{table: names of its columns}"""
    tables = re.findall(r"^CREATE TABLE (?:IF NOT EXISTS )?`(\w+)` \(\n(.*?)^\)", ddl(generation), re.M | re.S)
    found = {name: re.findall(r"^  `(\w+)` ", body, re.M) for name, body in tables}
    for name, column in re.findall(r"^ALTER TABLE `(\w+)` ADD COLUMN `(\w+)`", ddl(generation), re.M):
        found[name].append(column)
    return found


class Rows:
    """INSERT statements; of a row only what the generation has: a table or column that it lacks is left out."""

    def __init__(self, generation, part):
        self.columns = columns(generation)
        self.writer = DEMO.Writer(f"{generation} {part}")
        self.made = {}  # table or user name: the last uuid
        self.out = ["SET sql_mode='', foreign_key_checks=0;"]

    def add(self, table, **row):
        """A row; without a given uuid it gets a registered one where the table has uuids."""
        have = self.columns.get(table)
        if have is None:
            return None
        if "uuid" in have and "uuid" not in row:
            row["uuid"] = self.made[table] = self.uuid(table)
        row = {k: v for k, v in row.items() if k in have}
        self.out.append(f"INSERT INTO `{table}` ({','.join(f'`{c}`' for c in row)}) VALUES ({','.join(DEMO.sql(v) for v in row.values())});")
        return row.get("uuid")

    def add_all(self, table, some):
        """Many rows by one statement."""
        if "uuid" in self.columns[table]:
            some = [dict(row, uuid=self.uuid(table)) for row in some]
        names = [c for c in self.columns[table] if any(c in row for row in some)]
        values = (",".join(DEMO.sql(row[c]) if c in row else "DEFAULT" for c in names) for row in some)
        self.out.append(f"INSERT INTO `{table}` ({','.join(f'`{c}`' for c in names)}) VALUES ({'),('.join(values)});")

    def uuid(self, table):
        u = self.writer.uuid(table)
        if "uuid_registry" not in self.columns:
            return u
        self.out.append("INSERT INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped, created) VALUES "
                        f"({DEMO.sql(u)}, '{table}', 'id', '', '', 0, 0, '2024-01-02 03:04:05');")
        return u

    def text(self):
        return "\n".join(self.out) + "\n"


@functools.lru_cache(None)
def stock(generation):
    """Rows of a fresh installation; a column that a row does not name has its default."""
    rows = Rows(generation, "stock")
    folder = CONTRACT / "stock" / {"7.0.3": "7.0", PREPARED: "5.0.2"}.get(generation, generation)
    for path in sorted(folder.glob("*.json")):
        for table, some in json.loads(path.read_text()).items():
            if table in rows.columns and some:
                rows.add_all(table, some)
    return rows.text()


def people(generation):
    """Staff of each stock group (password: pass), two patients with portal accounts (password: phil)."""
    rows = Rows(generation, "people")
    rows.out.append("UPDATE users SET fname='Billy', lname='Smith', npi='1234567893', taxonomy='207Q00000X' WHERE id=1;")
    for i, (name, fname, lname, group, active, npi) in enumerate(DEMO.STAFF):
        uid = 1 if name == "admin" else 10 + i
        if name != "admin":
            rows.made[name] = rows.add("users", id=uid, username=name, authorized=1, fname=fname, lname=lname, active=active, npi=npi, facility_id=3,
                     see_auth=1, calendar=1, abook_type="")
            rows.add("groups", name="Default", user=name)
            rows.add("gacl_aro", id=20 + i, section_value="users", value=name, order_value=10, name=f"{fname} {lname}", hidden=0)
            rows.add("gacl_groups_aro_map", group_id=DEMO.GROUPS[group], aro_id=20 + i)
        rows.add("users_secure", id=uid, username=name, password=DEMO.HASHES["pass"], last_update_password="2099-01-01 00:00:00")
    return rows


def patients(rows, documents):
    """Two patients with their portal accounts and records: the World of them."""
    world = World(rows, documents)
    for p in (PHIL, ZOE):
        made = rows.add("patient_data", **p)
        world.note(p["pid"], "patient", pid=p["pid"], puuid=text(made))
    for account in ACCOUNTS.values():
        rows.add("patient_access_onsite", **account)
    facility = rows.add("facility", id=20, name=f"Second Clinic {AWKWARD}", phone="555-0100", service_location=1, billing_location=1)
    world.make(facility, rows.made["physician"])
    return world


def database_make(stores, site):
    """Makes the database openemr_SITE; answers the World of its patients (None for "recorded")."""
    generation = SITES[site][0]
    name = f"openemr_{site}"
    rows, world = people(generation), None
    if site == "recorded":
        # What that installation had done before: locations of its facilities, six events in its calendar.
        rows.out += ["INSERT INTO uuid_mapping (uuid, resource, resource_path, `table`, target_uuid, created) SELECT UNHEX(REPLACE(UUID(), '-', '')), "
                     "'Location', '', 'facility', uuid, NOW() FROM facility;", "ALTER TABLE openemr_postcalendar_events AUTO_INCREMENT = 7;"]
    else:
        world = patients(rows, stores.dir / "sites" / site)
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / n for n in ("ddl.sql", "stock.sql", "people.sql")]
        of_contract = (CONTRACT / "stock").is_dir()
        for file, some in zip(files, (ddl(generation), stock(generation) if of_contract else (ROOT / "docker/schema/stock.sql").read_text(), rows.text())):
            file.write_text("SET autocommit=0;\n" + some + "COMMIT;\n")
        stores.load(name, files)
    stores.sql("UPDATE globals SET gl_value = '1' WHERE gl_name IN ('rest_api', 'rest_fhir_api', 'rest_portal_api');"
               "REPLACE INTO globals (gl_name, gl_index, gl_value) VALUES ('enable_auditlog', 0, '1'), ('audit_events_patient-record', 0, '1')", name)
    return world


class Generations:
    """The gateway with its sites; tokens and bodies are kept."""

    def __init__(self, stores):
        self.sites = [s for s in SITES if at_hand(s)]
        extra, self.world = dict(FREE), {}
        for site in self.sites:
            self.world[site] = database_make(stores, site)
            stores.sql(quickstart.site_keys(stores.dir, site) or "SELECT 1", f"openemr_{site}")
            at = f"sites.{site}."
            extra |= {at + "database.socket": stores.db_socket, at + "database.name": f"openemr_{site}", at + "database.user": "gatehouse", at + "database.timeout": "15s",
                      at + "database.password": {"file": str(stores.dir / "database.secret")}, at + "compat": SITES[site][1],
                      at + "oauth.password_users": True, at + "oauth.password_patients": True, at + "oauth.client_auth": "documented",
                      at + "oauth.signing_key": str(quickstart.signing_key(stores.dir, site)), at + "oauth.openemr_rows": False,
                      at + "openemr_sites_dir": str(stores.dir / "sites" / site)}
        extra["sites.access.database.connections_max"] = 1  # who holds a connection and waits for another waits for ever
        secret = stores.dir / "database.secret"
        secret.write_text("gatehouse\n")
        secret.chmod(0o600)
        self.gateway = Gateway(stores=stores, extra=extra, patients=1)
        self.tokens, self.probes, self.documents = {}, {}, {}
        _, out, _ = self.gateway.cli("check", check=False)
        self.unserved = set(re.findall(r"^site (\w+): unserved (\w+ \S+)", out, re.M))

    def close(self):
        try:
            for probe in self.probes.values():
                probe.close()
        finally:
            self.gateway.close()

    def served(self, route, site="g82"):
        """Whether a backend of the site answers the row "GET /api/patient/:puuid"."""
        return (site, route) not in self.unserved

    def database(self, site):
        return f"openemr_{site}"

    def sql(self, text, site="g82"):
        return self.gateway.sql(text, site)

    def checksums(self, site, without=()):
        """{table: checksum}: equal ones say that a request changed nothing."""
        tables = [t for (t,) in self.sql("SHOW TABLES", site) if t not in without]
        return {t.split(".")[1]: c for t, c in self.sql("CHECKSUM TABLE " + ",".join(f"`{t}`" for t in tables), site)}

    def document(self, site):
        """The site's OpenAPI document."""
        if site not in self.documents:
            get = functools.partial(self.gateway.get, f"/apis/{site}/swagger/openapi.json")
            self.documents[site] = Document(wait_until(lambda: (r := get()).status_code == 200 and r, "the document").json())
        return self.documents[site]

    def operation(self, site, route):
        return self.document(site).operation(route.method, route.path)

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
        """A request below /apis/{site}; who None: without a token. 5.0.2 has no OAuth rows, so its backend is asked without the gateway."""
        if site == "g502":
            return self.without_gateway(method, path, site, kw.get("json"))
        return self.gateway.request(method, f"/apis/{site}{path}", who and self.token(site, who), **kw)

    def without_gateway(self, method, path, site, body=None):
        if site not in self.probes:
            self.probes[site] = Probe(self.gateway.stores, self.database(site), SITES[site][1])
        a = self.probes[site](method, path, body)
        a.status_code = a.status
        return a
