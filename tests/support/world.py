# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of each resource for two patients, put into the tables as OpenEMR leaves them, and a good request for each writing route. Not for
how the API itself writes: tests do that."""
import datetime
import itertools
import uuid as uuid_module

OWNERS = (1, 2)  # pids
WHEN = "2024-01-02 03:04:05"
LISTS = {"medical_problem": 410, "allergy": 420, "medication": 430, "surgery": 440, "dental": 450}
COMPANY, DRUG, LAB = 1400, 1200, 1500
AWKWARD = "<b>&'\"/é"  # what the writers of JSON escape differently
POLICY = {"type": "primary", "provider": str(COMPANY), "plan_name": "Some Plan", "policy_number": "12345", "group_number": "252412", "subscriber_lname": "Tester",
          "subscriber_mname": "", "subscriber_fname": "Foo", "subscriber_relationship": "other", "subscriber_ss": "234231234", "subscriber_DOB": "2018-10-03",
          "subscriber_street": "183 Cool St", "subscriber_postal_code": "23418", "subscriber_city": "Cooltown", "subscriber_state": "AZ",
          "subscriber_country": "USA", "subscriber_phone": "234-598-2123", "subscriber_employer": "Some Employer", "subscriber_employer_street": "123 Heather Lane",
          "subscriber_employer_postal_code": "23415", "subscriber_employer_state": "AZ", "subscriber_employer_country": "USA",
          "subscriber_employer_city": "Cooltown", "copay": "35", "date": "2018-10-15", "subscriber_sex": "Female",
          "accept_assignment": "TRUE", "policy_type": "12"}
ENTRY = {"title": "Thing", "begdate": "2013-04-13 00:00:00", "enddate": None, "diagnosis": ""}
MESSAGE = {"body": "Test 456", "groupname": "Default", "from": "admin", "to": "admin", "title": "Other", "message_status": "New"}
COMPANY_BODY = {"name": "Cigna", "attn": "Attn", "cms_id": "", "ins_type_code": "2", "x12_receiver_id": "", "x12_default_partner_id": "", "alt_cms_id": "",
                "line1": "123 Cigna Lane", "line2": "", "city": "Cayucos", "state": "CA", "zip": "12345", "country": "USA"}

DAYS = itertools.count()
# A request that each writing route takes; what else it needs stands in the path.
BODIES = {
    "POST /api/facility": {"name": "Gatehouse Clinic", "facility_npi": "1234567893", "phone": "555-0100", "city": "Springfield"},
    "PUT /api/facility/:fuuid": {"phone": "5551"},
    "POST /api/practitioner": {"title": "Dr.", "fname": "Doc", "lname": "Tor", "npi": "1234567899", "username": "dtor", "email": "d@example.org"},
    "PUT /api/practitioner/:pruuid": {"fname": "Doc2"},
    "POST /api/patient": {"title": "Mr", "fname": "Ada", "lname": "King", "DOB": "1990-02-28", "sex": "Female", "city": "Springfield"},
    "PUT /api/patient/:puuid": {"city": "San Diego"},
    "POST /api/patient/:puuid/encounter": {"date": "2026-01-02", "onset_date": "", "reason": "Follow-up", "facility": "Your Clinic Name Here", "pc_catid": "5",
                                           "facility_id": "3", "billing_facility": "3", "sensitivity": "normal", "referral_source": "", "pos_code": "0",
                                           "external_id": "", "provider_id": "1", "class_code": "AMB"},
    "PUT /api/patient/:puuid/encounter/:euuid": {"reason": "Changed", "class_code": "AMB", "pc_catid": "5", "user": "admin", "group": "Default"},
    "POST /api/patient/:pid/encounter/:eid/soap_note": {"subjective": "feels well", "objective": "nothing", "assessment": "healthy", "plan": "come again"},
    "PUT /api/patient/:pid/encounter/:eid/soap_note/:sid": {"subjective": "feels worse", "objective": "fever", "assessment": "flu", "plan": "rest"},
    "POST /api/patient/:pid/encounter/:eid/vital": {"bps": "130", "bpd": "80", "weight": "220.1", "height": "70", "temperature": "98", "temp_method": "Oral",
                                                    "pulse": "60", "respiration": "20", "note": "ok", "oxygen_saturation": "80"},
    "PUT /api/patient/:pid/encounter/:eid/vital/:vid": {"bps": "131", "bpd": "81"},
    "POST /api/patient/:puuid/medical_problem": {"title": "Dermatochalasis", "begdate": "2010-10-13", "enddate": None, "diagnosis": "ICD10:H02.839"},
    "PUT /api/patient/:puuid/medical_problem/:muuid": {"title": "Changed", "begdate": "2010-10-13", "enddate": "2018-10-13", "diagnosis": "ICD10:H02.839"},
    "POST /api/patient/:puuid/allergy": {"title": "Iodine", "begdate": "2010-10-13 00:00:00", "enddate": None},
    "PUT /api/patient/:puuid/allergy/:auuid": {"title": "Iodine2", "begdate": "2010-10-13 00:00:00"},
    **{f"POST /api/patient/:pid/{r}": ENTRY for r in ("medication", "surgery", "dental_issue")},
    "PUT /api/patient/:pid/medication/:mid": {"title": "Changed", "begdate": "2013-04-13 00:00:00"},
    "PUT /api/patient/:pid/surgery/:sid": {"title": "Changed", "begdate": "2013-04-13 00:00:00"},
    "PUT /api/patient/:pid/dental_issue/:did": {"title": "Changed", "begdate": "2013-04-13 00:00:00"},
    "POST /api/patient/:pid/appointment": {"pc_catid": "5", "pc_title": "Office Visit", "pc_duration": "900", "pc_hometext": "Test", "pc_apptstatus": "-",
                                           "pc_eventDate": "2026-10-19", "pc_startTime": "09:00", "pc_facility": "3", "pc_billing_location": "3", "pc_aid": "1"},
    "POST /api/insurance_company": COMPANY_BODY,
    "PUT /api/insurance_company/:iid": dict(COMPANY_BODY, name="Cigna 2"),
    "POST /api/patient/:puuid/insurance": dict(POLICY, date="2019-10-15"),  # one of a type and day is there
    "PUT /api/patient/:puuid/insurance/:insuranceUuid": POLICY,
    "POST /api/patient/:pid/insurance/:type": {k: v for k, v in POLICY.items() if k not in ("type", "date_end")},
    "POST /api/patient/:puuid/insurance/$swap-insurance": {},
    "POST /api/patient/:pid/message": MESSAGE,
    "PUT /api/patient/:pid/message/:mid": dict(MESSAGE, body="Test 789"),
    "POST /api/patient/:pid/transaction": {"type": "LBTref", "groupname": "Default", "body": "Reason 1", "referralDate": "2022-01-01", "referByNpi": "9999999999",
                                           "referToNpi": "9999999999", "referDiagnosis": "Diag 1", "riskLevel": "Low", "includeVitals": "1",
                                           "authorization": "Auth_123", "visits": "1", "validFrom": "2022-01-02", "validThrough": "2022-01-03"},
    "PUT /api/transaction/:tid": {"body": "new", "referralDate": "2023-01-01", "riskLevel": "High"},
    "POST /api/prescription": {"drug": "Lisinopril 10mg", "patient_id": "1", "quantity": "30", "note": "take", "rxnorm_drugcode": "RXCUI:314076", "active": 1,
                               "start_date": "2024-01-01"},
    "POST /api/background_service/:name/run": {},
    "POST /api/background_service/$run": {},
}

# What classic wants as a date 8.x wants with a time, and the other way round (golden-7.0/README.md, contract/standard).
CLASSIC = {**{name: dict(body, begdate="2013-04-13") for name, body in BODIES.items() if name.split("/")[-1] in ("medication", "surgery", "dental_issue")
              or name.split("/")[-2] in ("medication", "surgery", "dental_issue")}}
V8 = {name: dict(BODIES[name], begdate="2010-10-13") for name in ("POST /api/patient/:puuid/allergy", "PUT /api/patient/:puuid/allergy/:auuid")}


def body_of(route, compat):
    """A good body for the writing route, None where it takes none. A policy has a day of its own each time: one of a type and day is all."""
    body = (CLASSIC if compat == "classic" else V8).get(route.name, BODIES.get(route.name))
    if route.name.startswith("POST") and body and "policy_number" in body:
        body = dict(body, date=(datetime.date(2000, 1, 1) + datetime.timedelta(days=next(DAYS))).isoformat())
    return body


def text(raw):
    return str(uuid_module.UUID(bytes=raw)) if raw else None


class World:
    """rows: generation.Rows. values[pid][(resource, parameter)] is what a path takes for that patient's record."""

    def __init__(self, rows, documents):
        self.rows, self.documents = rows, documents
        self.values = {pid: {} for pid in OWNERS}
        self.shared = {}

    def note(self, pid, resource, /, **parameters):
        self.values[pid].update({(resource, k): v for k, v in parameters.items()})

    def parameter(self, route, name, pid):
        """The value of :name in the route, for a record of the patient."""
        mine = self.values[pid]
        for resource in (route.resource, "encounter", "patient"):
            if (resource, name) in mine:
                return mine[(resource, name)]
        return self.shared[name if (name != "uuid" and name != "name") else (route.resource, name)]

    def path(self, route, pid=1, of=None):
        """The route's path for pid's record; of: parameters below the patient are of this other patient's record."""
        def value(name):
            whose = pid if of is None or name in ("pid", "puuid") else of
            return self.parameter(route, name, whose)
        return route.filled({p: value(p) for p in route.parameters})

    # --- rows ----------------------------------------------------------------------------------------------------------------
    def make(self, facility_uuid, practitioner_uuid):
        self.shared |= {"fuuid": text(facility_uuid), "pruuid": text(practitioner_uuid), ("user", "uuid"): text(practitioner_uuid), "iid": COMPANY, "list_name": "race",
                        ("background_service", "name"): "phimail", "type": "secondary"}
        self.common()
        for pid in OWNERS:
            for part in (self.encounter, self.lists, self.appointment, self.insurance, self.document, self.notes, self.clinical):
                part(pid)

    def common(self):
        add = self.rows.add
        add("insurance_companies", id=COMPANY, name="Aetna", attn="", cms_id="", ins_type_code=2, alt_cms_id="", inactive=0)
        add("addresses", id=COMPANY, line1="1 Road", line2="", city="Town", state="CA", zip="12345", plus_four="", country="USA", foreign_id=COMPANY)
        add("phone_numbers", id=COMPANY, country_code="+1", area_code="555", prefix="123", number="4567", type=2, foreign_id=COMPANY)
        self.shared[("drug", "uuid")] = text(add("drugs", drug_id=DRUG, name="aspirin", ndc_number="0012504", form="1", size="325", unit="1", route="1", active=1,
                                                 related_code="RXCUI:1191"))
        add("drug_inventory", inventory_id=DRUG, drug_id=DRUG, lot_number="L1", on_hand=5, warehouse_id="", vendor_id=0)
        add("procedure_providers", ppid=LAB, name="Lab", npi="1234567893", active=1)

    def form(self, pid, name, folder, form_id):
        self.rows.add("forms", date=WHEN, encounter=100 + pid, form_name=name, form_id=form_id, pid=pid, user="admin", groupname="Default", authorized=1, deleted=0,
                      formdir=folder, provider_id=1)

    def encounter(self, pid):
        add = self.rows.add
        euuid = add("form_encounter", id=pid, date="2024-01-02 00:00:00", reason=f"Cough {AWKWARD}", facility="Your Clinic Name Here", facility_id=3, pid=pid, encounter=100 + pid,
                    sensitivity="normal", pc_catid=5, provider_id=1, billing_facility=3, class_code="AMB", pos_code=0, external_id="", referral_source="",
                    invoice_refno="", last_update=WHEN)
        self.note(pid, "encounter", eid=100 + pid, euuid=text(euuid))
        self.form(pid, "New Patient Encounter", "newpatient", pid)
        add("form_vitals", id=200 + pid, date=WHEN, pid=pid, user="admin", groupname="Default", authorized=1, activity=1, bps="120", bpd="70", weight=150, height=66,
            pulse=70, note=AWKWARD, external_id=None)
        self.form(pid, "Vitals", "vitals", 200 + pid)
        self.note(pid, "vital", vid=200 + pid)
        add("form_soap", id=300 + pid, date=WHEN, pid=pid, user="admin", groupname="Default", authorized=1, activity=1, subjective=AWKWARD, objective="o", assessment="a",
            plan="p")
        self.form(pid, "SOAP", "soap", 300 + pid)
        self.note(pid, "soap_note", sid=300 + pid)

    def lists(self, pid):
        made = {kind: self.rows.add("lists", id=first + pid, date=WHEN, type=kind, subtype="", title=f"{kind} of {pid} {AWKWARD}", begdate="2023-01-02 00:00:00", activity=1,
                                    pid=pid, user="admin", groupname="Default", diagnosis="ICD10:H02.839" if kind == "medical_problem" else "", outcome=0,
                                    comments="", injury_part="", injury_type="", injury_grade="", reaction="", verification="", modifydate=WHEN)
                for kind, first in LISTS.items()}
        self.note(pid, "medical_problem", muuid=text(made["medical_problem"]))
        self.note(pid, "allergy", auuid=text(made["allergy"]))
        self.note(pid, "medication", mid=LISTS["medication"] + pid)
        self.note(pid, "surgery", sid=LISTS["surgery"] + pid)
        self.note(pid, "dental_issue", did=LISTS["dental"] + pid)

    def appointment(self, pid):
        made = self.rows.add("openemr_postcalendar_events", pc_eid=500 + pid, pc_catid=5, pc_multiple=0, pc_aid="1", pc_pid=str(pid), pc_title="Office Visit", pc_time=WHEN,
                             pc_hometext=AWKWARD, pc_topic=1, pc_informant="1", pc_eventDate="2026-05-06", pc_endDate="2026-05-06", pc_duration=900, pc_recurrtype=0,
                             pc_startTime="09:00:00", pc_endTime="09:15:00", pc_alldayevent=0, pc_eventstatus=1, pc_sharing=1, pc_apptstatus="-", pc_facility=3,
                             pc_billing_location=3, pc_prefcatid=0, pc_sendalertsms="NO", pc_sendalertemail="NO", pc_room="")
        self.note(pid, "appointment", eid=500 + pid, auuid=text(made))

    def insurance(self, pid):
        policy = {k: v for k, v in POLICY.items() if k != "date_end"}
        made = self.rows.add("insurance_data", id=900 + pid, pid=pid, **policy)
        other = self.rows.add("insurance_data", id=910 + pid, pid=pid, **dict(policy, type="secondary", plan_name="Other Plan"))
        self.note(pid, "insurance", uuid=text(made), insuranceUuid=text(made), other=text(other))
        self.rows.add("employer_data", id=pid, name="Acme", street="1 st", city="Town", state="CA", postal_code="1", country="USA", date=WHEN, pid=pid)

    def document(self, pid):
        folder = self.documents / "documents" / str(pid)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.txt").write_text("hello")
        self.rows.add("documents", id=800 + pid, type="file_url", size=5, date=WHEN, url=f"file://{folder}/a.txt", mimetype="text/plain", owner=1, revision=WHEN,
                      docdate="2024-01-02", hash="x", list_id=0, foreign_id=pid, name="a.txt", encrypted=0, deleted=0, storagemethod=0, path_depth=1,
                      couch_docid="", couch_revid="", imported=0, encounter_id=0, encounter_check=0, audit_master_approval_status=1)
        self.rows.add("categories_to_documents", category_id=3, document_id=800 + pid)
        self.note(pid, "document", did=800 + pid)

    def notes(self, pid):
        self.rows.add("pnotes", id=600 + pid, date=WHEN, body="old", pid=pid, user="admin", groupname="Default", activity=1, authorized=1, title="Other",
                      assigned_to="admin", deleted=0, message_status="New", portal_relation="", is_msg_encrypted=0)
        self.note(pid, "message", mid=600 + pid)
        self.rows.add("transactions", id=700 + pid, date=WHEN, title="LBTref", pid=pid, user="admin", groupname="Default", authorized=1)
        for field, value in (("body", "Reason"), ("refer_date", "2022-01-01"), ("refer_risk_level", "low")):
            self.rows.add("lbt_data", form_id=700 + pid, field_id=field, field_value=value)
        self.note(pid, "transaction", tid=700 + pid)

    def clinical(self, pid):
        add = self.rows.add
        made = add("immunizations", id=1000 + pid, patient_id=pid, administered_date=WHEN, cvx_code="24", manufacturer="", lot_number="1", administered_by_id=1,
                   administered_by="", note="", create_date=WHEN, update_date=WHEN, created_by=1, updated_by=1, added_erroneously=0, completion_status="Completed")
        self.note(pid, "immunization", uuid=text(made))
        made = add("procedure_order", procedure_order_id=1100 + pid, provider_id=1, patient_id=pid, encounter_id=100 + pid, date_ordered=WHEN, lab_id=LAB, activity=1,
                   order_status="complete", procedure_order_type="laboratory_test")
        self.note(pid, "procedure", uuid=text(made))
        add("procedure_order_code", procedure_order_id=1100 + pid, procedure_order_seq=1, procedure_code="C1", procedure_name="Lipid", procedure_order_title="Lipid")
        add("procedure_report", procedure_report_id=1100 + pid, procedure_order_id=1100 + pid, procedure_order_seq=1, date_report=WHEN, date_collected=WHEN,
            report_status="complete", review_status="reviewed", specimen_num="", report_notes="")
        add("procedure_result", procedure_result_id=1100 + pid, procedure_report_id=1100 + pid, result_code="R1", result_text="HDL", date=WHEN, units="mg/dl",
            result="50", range="40-60", abnormal="", comments="", result_status="final")
        made = add("prescriptions", id=1300 + pid, patient_id=pid, provider_id=1, encounter=100 + pid, start_date="2024-01-02", drug="aspirin", drug_id=DRUG,
                   rxnorm_drugcode="1191", quantity="30", active=1, date_added=WHEN, date_modified=WHEN, txDate="2024-01-02", usage_category_title="",
                   request_intent_title="", note="")
        self.note(pid, "prescription", uuid=text(made))
