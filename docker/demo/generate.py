#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQL of invented people for a demo site, on standard output. Deterministic: the same arguments give the same rows. Patient 1 of every site is
Phil Belford (portal login Phil1 / phil); the first rows carry every awkward value that a real database has.

usage: generate.py --site default --patients 100 [--records 2]"""
import argparse
import hashlib
import random
import sys

# bcrypt ($2y$, cost 10) of the demo passwords, made once: the hash is no secret, the passwords are printed in the README
HASHES = {
    "pass": "$2y$10$OiQETFXz3ioEtkh1PdnLZOGpe9xCzfFxKgs1Ru7LuJxtm2kzO1H2C",
    "phil": "$2y$10$ekjBItpqUQS.d/pWN5r58eZHssgBPdhK9WA.pdu3doTHSLLb4EVV2",
}
BASE_UNITS = 1_700_000_000 * 100_000  # uuid timestamps: 10 us units since 1970
GROUPS = {"admin": 11, "clin": 12, "doc": 13, "front": 14, "back": 15}  # gacl_aro_groups of a fresh installation
# username, fname, lname, gacl group, active, npi
STAFF = [
    ("admin", "Billy", "Smith", "admin", 1, "1234567893"),
    ("physician", "Donna", "Lee", "doc", 1, "1184848485"),
    ("clinician", "Ivan", "Petrov", "clin", 1, ""),
    ("receptionist", "Zoë", "O'Neill", "front", 1, ""),
    ("accountant", "Ali", "Ben Saïd", "back", 1, ""),
    ("inactive", "Gone", "Away", "doc", 0, ""),
]
FIRST = ["Ada", "Boris", "Chloé", "Dmitri", "Elif", "Fatima", "Goran", "Hana", "Igor", "José", "Kofi", "Lena", "Mei", "Noor", "Olga", "Pedro",
         "Quinn", "Rosa", "Søren", "Tomás", "Uma", "Vera", "Wim", "Ximena", "Yusuf", "Zoë"]
LAST = ["Abbott", "Baker", "Çelik", "Dvořák", "Eriksson", "Fernández", "García", "Haas", "Ivanova", "Jones", "Kowalski", "Lindqvist", "Müller",
        "Nguyễn", "O'Brien", "Pérez", "Quist", "Rossi", "Smith", "Tanaka", "Ueda", "Varga", "Weiß", "Xu", "Yılmaz", "Żak"]
CITIES = [("Springfield", "MA", "01101"), ("La Mesa", "CA", "91942"), ("Austin", "TX", "73301"), ("Portland", "OR", "97035")]
# What real databases hold: quotes, backslashes, markup, LIKE metacharacters, other scripts, beyond U+FFFF, right to left, long, empty
AWKWARD = [
    {"lname": "O'Malley-\"Quote\"", "street": "1 Back\\slash Rd", "sex": "Female"},
    {"lname": "Null", "mname": None, "street": None, "city": None, "state": None, "postal_code": None, "email": None, "sex": "Male"},
    {"lname": "<script>alert(1)</script>", "fname": "&amp;", "city": "A&B", "sex": "Female"},
    {"lname": "100%_sure", "fname": "Wild_card", "sex": "Male"},
    {"lname": "王", "fname": "小明", "city": "北京", "sex": "Male"},
    {"lname": "Emoji😀", "fname": "𝔘nicode", "sex": "Female"},
    {"lname": "כהן", "fname": "דוד", "city": "ירושלים", "sex": "Male"},
    {"lname": "Long" + "x" * 250, "fname": "Very", "street": "y" * 2000, "sex": "UNK"},
    {"lname": "Zero", "fname": "Date", "DOB": "0000-00-00", "sex": "Male"},
    {"lname": "Nobirth", "fname": "Day", "DOB": None, "sex": ""},
    {"lname": "Empty", "fname": "Strings", "street": "", "city": "", "state": "", "postal_code": "", "email": "", "phone_home": "",
     "sex": "Female"},
    {"lname": "Deceased", "fname": "Late", "deceased_date": "2020-02-29 12:30:00", "deceased_reason": "natural", "sex": "Male"},
]


def sql(v):
    if v is None:
        return "NULL"
    if isinstance(v, (int, float)):
        return str(v)
    if isinstance(v, bytes):
        return "0x" + v.hex()
    return "'" + v.replace("\\", "\\\\").replace("'", "''") + "'"


class Writer:
    """Multi-row INSERTs: rows of one table and column list are gathered."""

    def __init__(self, site):
        self.site = site
        self.rows = {}
        self.n_uuid = 0

    def uuid(self, table, mapped=None):
        """OpenEMR's timestamp-first form: 48 bits of time, then 10 bytes with version and variant bits; registered as OpenEMR does."""
        self.n_uuid += 1
        tail = bytearray(hashlib.sha256(f"{self.site}:{table}:{self.n_uuid}".encode()).digest()[:10])
        tail[0] = tail[0] & 0x0F | 0x40
        tail[2] = tail[2] & 0x3F | 0x80
        u = (BASE_UNITS + self.n_uuid).to_bytes(6, "big") + bytes(tail)
        self.add("uuid_registry", uuid=u, table_name="uuid_mapping" if mapped else table, table_id="id", table_vertical="", couchdb="",
                 document_drive=0, mapped=1 if mapped else 0, created="2024-01-02 03:04:05")
        return u

    def add(self, into, **row):
        key = (into, tuple(row))
        rows = self.rows.setdefault(key, [])
        rows.append("(" + ",".join(sql(v) for v in row.values()) + ")")
        if len(rows) == 500:
            self.flush(key)

    def flush(self, key):
        table, columns = key
        if self.rows[key]:
            names = ",".join(f"`{c}`" for c in columns)
            sys.stdout.write(f"INSERT INTO `{table}` ({names}) VALUES\n" + ",\n".join(self.rows[key]) + ";\n")
            self.rows[key] = []

    def end(self):
        for key in self.rows:
            self.flush(key)


def facilities(w, rnd):
    w.add("facility", id=10, uuid=w.uuid("facility"), name=f"{w.site.capitalize()} Clinic", phone="555-0100", fax="555-0101",
          street="1 Main St", city="Springfield", state="MA", postal_code="01101", country_code="US", federal_ein="12-3456789",
          service_location=1, billing_location=1, accepts_assignment=1, color="#99FFFF", primary_business_entity=1,
          facility_npi="1245319599", email="clinic@example.org", oid="", info="")
    w.add("facility", id=11, uuid=w.uuid("facility"), name="Côte d'Azur <North> & \"Annex\"", phone=None, fax=None, street=None,
          city=None, state=None, postal_code=None, country_code="", federal_ein=None, service_location=0, billing_location=0,
          accepts_assignment=0, color="", primary_business_entity=0, facility_npi=None, email=None, oid="", info=None)
    print("UPDATE facility SET uuid=" + sql(w.uuid("facility")) + " WHERE id=3;")


def staff(w):
    print("DELETE FROM users WHERE username='admin'; DELETE FROM `groups`; DELETE FROM gacl_aro WHERE id=10;"
          " DELETE FROM gacl_groups_aro_map WHERE aro_id=10;")
    for name in ("phimail-service", "portal-user", "oe-system"):
        print(f"UPDATE users SET uuid={sql(w.uuid('users'))} WHERE username='{name}';")
    for i, (name, fname, lname, group, active, npi) in enumerate(STAFF):
        uid = 1 if name == "admin" else 10 + i
        aro = 10 if name == "admin" else 20 + i
        w.add("users", id=uid, uuid=w.uuid("users"), username=name, password="NoLongerUsed", authorized=1, fname=fname, mname="", lname=lname,
              suffix="", active=active, npi=npi, facility_id=10, facility=f"{w.site.capitalize()} Clinic", title="", specialty="",
              email=f"{name}@example.org", street="2 Side St", city="Springfield", state="MA", zip="01101", phone="555-0110", see_auth=1,
              calendar=1, info="", source=0, taxonomy="207Q00000X", abook_type="", main_menu_role="standard", patient_menu_role="standard")
        w.add("users_secure", id=uid, username=name, password=HASHES["pass"], last_update_password="2099-01-01 00:00:00",
              last_update="2024-01-02 03:04:05")
        w.add("groups", name="Default", user=name)
        w.add("gacl_aro", id=aro, section_value="users", value=name, order_value=10, name=f"{fname} {lname}", hidden=0)
        w.add("gacl_groups_aro_map", group_id=GROUPS[group], aro_id=aro)
    # practitioners without a login, as OpenEMR's address book has them
    for i, (fname, lname, npi) in enumerate([("Émile", "Zola", "1003000126"), ("Grace", "O'Hopper", "1053303347"), ("No", "Npi", "")]):
        w.add("users", id=40 + i, uuid=w.uuid("users"), username="", password="", authorized=0, fname=fname, mname="", lname=lname, suffix="",
              active=1, npi=npi, facility_id=0, facility=None, title="Dr.", specialty="General", email=None, street="", city="", state="",
              zip="", phone="", see_auth=1, calendar=0, info=None, source=None, taxonomy="207Q00000X", abook_type="", main_menu_role="standard",
              patient_menu_role="standard")


def patient(w, rnd, pid):
    city, state, code = rnd.choice(CITIES)
    row = {"fname": rnd.choice(FIRST), "mname": "", "lname": rnd.choice(LAST), "title": rnd.choice(["Mr.", "Ms.", "", "Dr."]),
           "DOB": f"{rnd.randrange(1930, 2020)}-{rnd.randrange(1, 13):02}-{rnd.randrange(1, 29):02}", "sex": rnd.choice(["Male", "Female"]),
           "street": f"{rnd.randrange(1, 9999)} {rnd.choice(LAST)} Street", "city": city, "state": state, "postal_code": code,
           "country_code": "US", "phone_home": f"555-{rnd.randrange(1000, 9999)}", "phone_cell": "", "email": f"patient{pid}@example.org",
           "deceased_date": None, "deceased_reason": ""}
    if pid == 1:
        row.update(fname="Phil", lname="Belford", title="Mr", DOB="1972-02-09", sex="Male", street="2100 Anyhow Lane", city="San Diego",
                   state="CA", postal_code="92101", phone_home="333-444-2222", email="heya@invalid.email.com")
    elif 2 <= pid < 2 + len(AWKWARD):
        row.update({"fname": "Awk"}, **AWKWARD[pid - 2])
    uuid = w.uuid("patient_data")
    w.add("patient_data", id=pid, pid=pid, pubpid=str(pid), uuid=uuid, **row, language="english", race=rnd.choice(["white", "Asian", ""]),
          ethnicity=rnd.choice(["not_hisp_or_latin", ""]), status=rnd.choice(["single", "married", ""]), ss="",
          providerID=10 + rnd.randrange(1, 3) if pid % 3 else None, date="2024-01-02 03:04:05", regdate="2024-01-02 00:00:00",
          last_updated=f"2024-{1 + pid % 12:02}-{1 + pid % 28:02} {pid % 24:02}:00:00", allow_patient_portal="YES" if pid % 2 else "NO",
          hipaa_allowsms="NO", hipaa_allowemail="NO", financial="", genericname1="", genericval1="", genericname2="", genericval2="",
          squad="", fitness=0, created_by=1, updated_by=1)
    w.add("uuid_mapping", uuid=w.uuid("patient_data", mapped=True), resource="Observation",
          resource_path="category=social-history&code=76690-7", table="patient_data", target_uuid=uuid, created="2024-01-02 03:04:05")
    if pid == 1:
        w.add("patient_access_onsite", id=1, pid=1, portal_username="Phil1", portal_pwd=HASHES["phil"], portal_pwd_status=1,
              portal_login_username="Phil1", portal_onetime=None)
        w.add("patient_access_onsite", id=2, pid=3, portal_username="Unverified3", portal_pwd=HASHES["phil"], portal_pwd_status=0,
              portal_login_username="Unverified3", portal_onetime=None)
    if pid <= 4:
        w.add("patient_history", id=pid, pid=pid, uuid=w.uuid("patient_history"), history_type_key="name_history", previous_name_first=row["fname"],
              previous_name_last="Born", previous_name_middle="", previous_name_prefix="", previous_name_suffix="",
              previous_name_enddate="2001-01-01", date="2024-01-02 03:04:05", created_by=1)
        w.add("contact", id=pid, foreign_table_name="patient_data", foreign_id=pid)
        w.add("addresses", id=pid, line1=f"{pid} Old Road", line2="", city="Oldtown", state="MA", zip="01102", plus_four="", country="USA",
              foreign_id=pid, district="")
        w.add("contact_address", id=pid, contact_id=pid, address_id=pid, priority=0, type="physical", use="home", status="A", is_primary="N",
              created_date="2024-01-02 03:04:05", period_start="2001-01-01 00:00:00", notes="", inactivated_reason="")


# Records of each patient, as INSERTs that the server multiplies: one per patient p and number r of 1 to {n}. i counts them all.
UUID = "UNHEX(CONCAT('0060A24181', LPAD(HEX({k} + r.i), 6, '0'), INSERT(INSERT(SUBSTR(MD5(CONCAT('{table}', r.i)), 1, 16), 1, 1, '4'), 5, 1, '8')))"
AT = "'2023-01-02 09:00:00' + INTERVAL r.i % 700 DAY"
RECORDS = {  # table, number: columns, values; {n} are the records that a patient has of it
    ("form_encounter", 1): ("id, uuid, date, reason, facility, facility_id, pid, encounter, class_code, pc_catid, provider_id, billing_facility",
                            f"r.i, {UUID}, {AT}, ELT(1 + r.i % 3, 'Annual check', 'Cough', 'Follow-up'), '{{clinic}}', 10, r.pid, r.i, 'AMB', 5, 11, 10"),
    ("form_vitals", 2): ("id, uuid, date, pid, user, groupname, authorized, activity, bps, bpd, weight, height, temperature, pulse, respiration, BMI, note",
                         f"r.i, {UUID}, {AT}, r.pid, 'physician', 'Default', 1, 1, 100 + r.i % 60, 60 + r.i % 30, 120 + r.i % 90, 60 + r.i % 15, 98.6, 60 + r.i % 40, 12 + r.i % 8, 25, ''"),
    ("lists", 3): ("uuid, date, type, title, begdate, activity, pid, user, groupname, diagnosis, comments",
                   f"{UUID}, {AT}, 'medical_problem', 'Essential hypertension', {AT}, 1, r.pid, 'physician', 'Default', 'ICD10:I10', ''"),
    ("lists", 4): ("uuid, date, type, title, begdate, activity, pid, user, groupname, diagnosis, comments, reaction, severity_al",
                   f"{UUID}, {AT}, 'allergy', 'Penicillin', {AT}, 1, r.pid, 'physician', 'Default', 'RXCUI:7980', '', 'hives', 'mild'"),
    ("lists", 5): ("uuid, date, type, title, begdate, activity, pid, user, groupname, diagnosis, comments",
                   f"{UUID}, {AT}, 'medication', 'Lisinopril 10 mg', {AT}, 1, r.pid, 'physician', 'Default', '', ''"),
    ("prescriptions", 6): ("uuid, patient_id, drug, dosage, quantity, active, date_added, provider_id, rxnorm_drugcode, note",
                           f"{UUID}, r.pid, 'Lisinopril 10 mg', '1', '30', 1, {AT}, 11, '314076', ''"),
    ("openemr_postcalendar_events", 7): ("uuid, pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_time, pc_eventDate, pc_startTime, pc_endTime, pc_duration, pc_facility, "
                                         "pc_billing_location, pc_apptstatus, pc_hometext",
                                         f"{UUID}, 5, 0, '11', r.pid, 'Office visit', {AT}, DATE({AT}), '09:00', '09:15', 900, 10, 10, '-', ''"),
    ("immunizations", 8): ("uuid, patient_id, administered_date, cvx_code, administered_by_id, note, completion_status", f"{UUID}, r.pid, {AT}, '140', 11, '', 'Completed'"),
}
FORMS = "INSERT INTO forms (date, encounter, form_name, form_id, pid, user, groupname, authorized, deleted, formdir) SELECT date, id, '{0}', id, pid, 'physician', 'Default', 1, 0, '{1}' FROM {2};"


def records(site, patients, n):
    """n records of each kind per patient; the first {n} encounters are patient 1's. Encounters have a vitals form each."""
    print(f"CREATE TEMPORARY TABLE r (i INT PRIMARY KEY, pid INT NOT NULL); INSERT INTO r SELECT seq, 1 + (seq - 1) DIV {n} FROM seq_1_to_{n * patients};")
    for (table, number), (columns, values) in RECORDS.items():
        text = values.replace("{k}", str(number << 20)).replace("{table}", f"{site}{number}").replace("{clinic}", f"{site.capitalize()} Clinic")
        print(f"INSERT INTO {table} ({columns}) SELECT {text} FROM r;")
    for name, folder, table in (("New Patient Encounter", "newpatient", "form_encounter"), ("Vitals", "vitals", "form_vitals")):
        print(FORMS.format(name, folder, table))
    for table in sorted({t for t, _ in RECORDS}):
        key = "pc_eid" if table == "openemr_postcalendar_events" else "id"
        print(f"INSERT IGNORE INTO uuid_registry (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped, created) SELECT uuid, '{table}', '{key}', '', '', 0, 0, "
              f"'2024-01-02 03:04:05' FROM {table} WHERE uuid IS NOT NULL;")
    print(f"UPDATE sequences SET id = GREATEST(id, {n * patients}); DROP TEMPORARY TABLE r;")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--site", default="default")
    ap.add_argument("--patients", type=int, default=100)
    ap.add_argument("--records", type=int, default=0, help="encounters with vitals, problems, allergies, medications, prescriptions, appointments and immunizations of each patient")
    args = ap.parse_args()
    rnd = random.Random(f"gatehouse {args.site}")
    w = Writer(args.site)
    print("-- invented people; SET autocommit=0 makes a large load quick\nSET sql_mode='', autocommit=0, NAMES utf8mb4;"
          .replace(", NAMES utf8mb4", "") + "\nSET NAMES utf8mb4;")
    facilities(w, rnd)
    staff(w)
    for pid in range(1, args.patients + 1):
        patient(w, rnd, pid)
    w.end()
    if args.records > 0:
        records(args.site, args.patients, args.records)
    print("COMMIT;")


if __name__ == "__main__":
    main()
