/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scopes in plain words: what a consent page calls resources, categories and rights. */
#include "gateway/oauth/pages/words.h"

#include "gateway/base/macros.h"

static const struct {
	struct str name;
	enum message text;
} resources[] = {
	{ STR_INIT("*"), MSG_RES_ALL },
	{ STR_INIT("AllergyIntolerance"), MSG_RES_ALLERGIES },
	{ STR_INIT("Appointment"), MSG_RES_APPOINTMENTS },
	{ STR_INIT("Binary"), MSG_RES_BINARY },
	{ STR_INIT("CarePlan"), MSG_RES_CARE_PLANS },
	{ STR_INIT("CareTeam"), MSG_RES_CARE_TEAMS },
	{ STR_INIT("Condition"), MSG_RES_CONDITIONS },
	{ STR_INIT("Coverage"), MSG_RES_COVERAGE },
	{ STR_INIT("Device"), MSG_RES_DEVICES },
	{ STR_INIT("DiagnosticReport"), MSG_RES_REPORTS },
	{ STR_INIT("Document"), MSG_RES_DOCUMENTS },
	{ STR_INIT("DocumentReference"), MSG_RES_DOCUMENTS },
	{ STR_INIT("Encounter"), MSG_RES_ENCOUNTERS },
	{ STR_INIT("Goal"), MSG_RES_GOALS },
	{ STR_INIT("Group"), MSG_RES_GROUPS },
	{ STR_INIT("Immunization"), MSG_RES_IMMUNIZATIONS },
	{ STR_INIT("Location"), MSG_RES_LOCATIONS },
	{ STR_INIT("Media"), MSG_RES_DOCUMENTS },
	{ STR_INIT("Medication"), MSG_RES_MEDICATIONS },
	{ STR_INIT("MedicationDispense"), MSG_RES_DISPENSES },
	{ STR_INIT("MedicationRequest"), MSG_RES_PRESCRIPTIONS },
	{ STR_INIT("Observation"), MSG_RES_OBSERVATIONS },
	{ STR_INIT("OperationDefinition"), MSG_RES_OPERATIONS },
	{ STR_INIT("Organization"), MSG_RES_ORGANIZATIONS },
	{ STR_INIT("Patient"), MSG_RES_PATIENTS },
	{ STR_INIT("Person"), MSG_RES_PERSONS },
	{ STR_INIT("Practitioner"), MSG_RES_PRACTITIONERS },
	{ STR_INIT("PractitionerRole"), MSG_RES_ROLES },
	{ STR_INIT("Procedure"), MSG_RES_PROCEDURES },
	{ STR_INIT("Provenance"), MSG_RES_PROVENANCE },
	{ STR_INIT("Questionnaire"), MSG_RES_QUESTIONNAIRES },
	{ STR_INIT("QuestionnaireResponse"), MSG_RES_ANSWERS },
	{ STR_INIT("RelatedPerson"), MSG_RES_RELATED },
	{ STR_INIT("ServiceRequest"), MSG_RES_ORDERS },
	{ STR_INIT("Specimen"), MSG_RES_SPECIMENS },
	{ STR_INIT("ValueSet"), MSG_RES_LISTS },
	{ STR_INIT("allergy"), MSG_RES_ALLERGIES },
	{ STR_INIT("appointment"), MSG_RES_APPOINTMENTS },
	{ STR_INIT("dental_issue"), MSG_RES_DENTAL },
	{ STR_INIT("document"), MSG_RES_DOCUMENTS },
	{ STR_INIT("drug"), MSG_RES_MEDICATIONS },
	{ STR_INIT("employer"), MSG_RES_EMPLOYER },
	{ STR_INIT("encounter"), MSG_RES_ENCOUNTERS },
	{ STR_INIT("facility"), MSG_RES_LOCATIONS },
	{ STR_INIT("immunization"), MSG_RES_IMMUNIZATIONS },
	{ STR_INIT("insurance"), MSG_RES_COVERAGE },
	{ STR_INIT("insurance_company"), MSG_RES_INSURERS },
	{ STR_INIT("insurance_type"), MSG_RES_INSURERS },
	{ STR_INIT("list"), MSG_RES_LISTS },
	{ STR_INIT("medical_problem"), MSG_RES_CONDITIONS },
	{ STR_INIT("medication"), MSG_RES_MEDICATIONS },
	{ STR_INIT("message"), MSG_RES_MESSAGES },
	{ STR_INIT("patient"), MSG_RES_PATIENTS },
	{ STR_INIT("practitioner"), MSG_RES_PRACTITIONERS },
	{ STR_INIT("prescription"), MSG_RES_PRESCRIPTIONS },
	{ STR_INIT("procedure"), MSG_RES_PROCEDURES },
	{ STR_INIT("product"), MSG_RES_PRODUCTS },
	{ STR_INIT("soap_note"), MSG_RES_NOTES },
	{ STR_INIT("surgery"), MSG_RES_SURGERIES },
	{ STR_INIT("transaction"), MSG_RES_ORDERS },
	{ STR_INIT("user"), MSG_RES_USERS },
	{ STR_INIT("version"), MSG_RES_OPERATIONS },
	{ STR_INIT("vital"), MSG_RES_VITALS },
};
static const struct {
	struct str code; /* of the category, behind the last '|' */
	enum message text;
} categories[] = {
	{ STR_INIT("health-concern"), MSG_CAT_HEALTH_CONCERN },
	{ STR_INIT("encounter-diagnosis"), MSG_CAT_ENCOUNTER_DIAGNOSIS },
	{ STR_INIT("problem-list-item"), MSG_CAT_PROBLEM_LIST },
	{ STR_INIT("clinical-note"), MSG_CAT_CLINICAL_NOTE },
	{ STR_INIT("sdoh"), MSG_CAT_SDOH },
	{ STR_INIT("social-history"), MSG_CAT_SOCIAL_HISTORY },
	{ STR_INIT("laboratory"), MSG_CAT_LABORATORY },
	{ STR_INIT("survey"), MSG_CAT_SURVEY },
	{ STR_INIT("vital-signs"), MSG_CAT_VITAL_SIGNS },
};
static const struct {
	struct str name;
	enum message text;
} specials[] = {
	{ STR_INIT("openid"), MSG_SCOPE_OPENID },
	{ STR_INIT("profile"), MSG_SCOPE_PROFILE },
	{ STR_INIT("name"), MSG_SCOPE_NAME },
	{ STR_INIT("given_name"), MSG_SCOPE_NAME },
	{ STR_INIT("family_name"), MSG_SCOPE_NAME },
	{ STR_INIT("nickname"), MSG_SCOPE_NAME },
	{ STR_INIT("email"), MSG_SCOPE_EMAIL },
	{ STR_INIT("email_verified"), MSG_SCOPE_EMAIL },
	{ STR_INIT("phone"), MSG_SCOPE_PHONE },
	{ STR_INIT("phone_verified"), MSG_SCOPE_PHONE },
	{ STR_INIT("address"), MSG_SCOPE_ADDRESS },
	{ STR_INIT("fhirUser"), MSG_SCOPE_FHIR_USER },
	{ STR_INIT("online_access"), MSG_SCOPE_ONLINE },
	{ STR_INIT("launch"), MSG_SCOPE_LAUNCH },
	{ STR_INIT("launch/patient"), MSG_SCOPE_LAUNCH_PATIENT },
	{ STR_INIT("launch/encounter"), MSG_SCOPE_LAUNCH_ENCOUNTER },
	{ STR_INIT("api:oemr"), MSG_SCOPE_API_OEMR },
	{ STR_INIT("api:fhir"), MSG_SCOPE_API_FHIR },
	{ STR_INIT("api:port"), MSG_SCOPE_API_PORT },
};
static const struct {
	unsigned permissions; /* any of these */
	enum message verb;
} verbs[] = {
	{ SCOPE_R | SCOPE_S, MSG_VERB_SEE },
	{ SCOPE_C, MSG_VERB_ADD },
	{ SCOPE_U, MSG_VERB_CHANGE },
	{ SCOPE_D, MSG_VERB_DELETE },
};

/* A name without a row (a resource that a site's own scope file adds) stands for itself, '_' as space. */
static struct str
resource_words(struct arena *a, enum language l, struct str name)
{
	for (size_t i = 0; i < NITEMS(resources); i++)
		if (str_eq(resources[i].name, name))
			return message_text(l, resources[i].text);
	struct str copy = arena_str(a, name);
	struct buf b;
	buf_init(&b, a, 64, 512);
	for (size_t i = 0; i < copy.n; i++)
		buf_char(&b, copy.p[i] == '_' ? ' ' : copy.p[i]);
	return buf_ok(&b) ? buf_str(&b) : name;
}

static struct str
verb_words(struct arena *a, enum language l, unsigned permissions)
{
	enum message due[NITEMS(verbs)];
	size_t n = 0;
	struct buf b;
	for (size_t i = 0; i < NITEMS(verbs); i++)
		if ((permissions & verbs[i].permissions) != 0)
			due[n++] = verbs[i].verb;
	buf_init(&b, a, 64, 512);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_str_put(&b, message_text(l, i + 1 == n ? MSG_LIST_AND : MSG_LIST_COMMA));
		buf_str_put(&b, message_text(l, due[i]));
	}
	return buf_ok(&b) && n > 0 ? buf_str(&b) : STR("");
}

void
words_category(struct html *h, struct str category)
{
	size_t bar = str_find(category, '|');
	struct str code = bar < category.n ? str_skip(category, bar + 1) : category;
	for (size_t i = 0; i < NITEMS(categories); i++)
		if (str_eq(categories[i].code, code))
			code = message_text(h->language, categories[i].text);
	HTML_MESSAGE_WORDS(h, MSG_CONSENT_CATEGORY, code);
}

static void
special(struct html *h, struct str name)
{
	for (size_t i = 0; i < NITEMS(specials); i++)
		if (str_eq(specials[i].name, name)) {
			html_message(h, specials[i].text);
			return;
		}
	html_text(h, name);
}

void
words_scope(struct html *h, struct arena *a, const struct scope *s)
{
	struct str what = resource_words(a, h->language, s->resource);
	if (s->context == SCOPE_SPECIAL) {
		special(h, s->text);
	} else if (str_eq(s->operation, STR("$export"))) {
		HTML_MESSAGE_WORDS(h, MSG_SCOPE_EXPORT, what);
	} else if (s->operation.n > 0) {
		HTML_MESSAGE_WORDS(h, MSG_SCOPE_OPERATION, s->operation, what);
	} else {
		HTML_MESSAGE_WORDS(h, MSG_SCOPE_VERBS, verb_words(a, h->language, s->permissions), what);
	}
	if (s->category.n > 0) {
		HTML(h, " (");
		words_category(h, s->category);
		HTML(h, ")");
	}
}
