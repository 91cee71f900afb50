/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every text that a person reads on a page, in one table: a row per text, a column per language. {0}, {1} are holes that the page
 * fills. Another language is a column here, a tag in messages.c, and nothing else. Not for OAuth error texts, which clients read.   */
#ifndef GATEWAY_OAUTH_PAGES_MESSAGES_H
#define GATEWAY_OAUTH_PAGES_MESSAGES_H

#include "gateway/base/str.h"

enum language { LANG_EN, LANG_N };

/* clang-format off: one to a line */
#define MESSAGES(X)                                                                                                    \
	/* frame */                                                                                                    \
	X(FOOTER, "Protected by Gatehouse")                                                                            \
	X(SKIP, "Skip to content")                                                                                     \
	/* login */                                                                                                    \
	X(LOGIN_TITLE, "Sign in")                                                                                      \
	X(LOGIN_TO, "to continue to {0}")                                                                              \
	X(LOGIN_I_AM, "I sign in as")                                                                                  \
	X(LOGIN_STAFF, "Staff")                                                                                        \
	X(LOGIN_PATIENT, "Patient")                                                                                    \
	X(LOGIN_USERNAME, "User name")                                                                                 \
	X(LOGIN_PASSWORD, "Password")                                                                                  \
	X(LOGIN_EMAIL, "Email address")                                                                                \
	X(LOGIN_EMAIL_HINT, "Needed for patients: the address that the practice has on file.")                         \
	X(LOGIN_SUBMIT, "Sign in")                                                                                     \
	X(LOGIN_WRONG, "Sorry, verify the information you have entered is correct")                                    \
	X(CANCEL, "Cancel and return to the app")                                                                      \
	/* second factor */                                                                                            \
	X(FACTOR_TITLE, "Second step")                                                                                 \
	X(FACTOR_TEXT, "Enter the 6-digit code that your authenticator app shows now.")                                \
	X(FACTOR_CODE, "Code")                                                                                         \
	X(FACTOR_SUBMIT, "Continue")                                                                                   \
	X(FACTOR_WRONG, "Sorry, Invalid code!")                                                                        \
	X(FACTOR_UNSUPPORTED, "Your account needs a security key, which this page does not support. Set up an "        \
	                      "authenticator app in OpenEMR, or ask your administrator.")                              \
	/* account choice */                                                                                           \
	X(ACCOUNT_TITLE, "Choose an account")                                                                          \
	X(ACCOUNT_CONTINUE, "Continue as {0}")                                                                         \
	X(ACCOUNT_OTHER, "Use another account")                                                                        \
	/* consent */                                                                                                  \
	X(CONSENT_TITLE, "Allow access?")                                                                              \
	X(CONSENT_ASKS, "{0} asks to:")                                                                                \
	X(CONSENT_SIGNED_IN, "Signed in as {0}")                                                                       \
	X(CONSENT_UNTICK, "Untick what you do not want to allow. You can change your mind later.")                     \
	X(CONSENT_GOES_TO, "You will return to {0}.")                                                                  \
	X(CONSENT_ALLOW, "Allow")                                                                                      \
	X(CONSENT_DENY, "Do not allow")                                                                                \
	X(CONSENT_POLICY, "Privacy policy")                                                                            \
	X(CONSENT_TERMS, "Terms of use")                                                                               \
	X(CONSENT_IDENTITY, "Signing in and staying connected")                                                        \
	X(CONSENT_PATIENT_OWN, "Your health record")                                                                   \
	X(CONSENT_PATIENT, "The record of the selected patient")                                                       \
	X(CONSENT_USER, "Everything you may work with at this practice")                                               \
	X(CONSENT_CATEGORIES, "Or only some kinds: untick the line above, tick these")                                 \
	X(CONSENT_CATEGORY, "only {0}")                                                                                \
	X(CONSENT_NOTHING, "This app asks for nothing but to know that you signed in.")                                \
	X(VERB_SEE, "see")                                                                                             \
	X(VERB_ADD, "add")                                                                                             \
	X(VERB_CHANGE, "change")                                                                                       \
	X(VERB_DELETE, "delete")                                                                                       \
	X(LIST_COMMA, ", ")                                                                                            \
	X(LIST_AND, " and ")                                                                                           \
	X(SCOPE_VERBS, "{0} {1}")                                                                                      \
	X(SCOPE_EXPORT, "export {0} in bulk")                                                                          \
	X(SCOPE_OPERATION, "run \"{0}\" on {1}")                                                                       \
	X(SCOPE_OPENID, "know that you signed in")                                                                     \
	X(SCOPE_PROFILE, "see your name and profile")                                                                  \
	X(SCOPE_NAME, "see your name")                                                                                 \
	X(SCOPE_EMAIL, "see your email address")                                                                       \
	X(SCOPE_PHONE, "see your phone number")                                                                        \
	X(SCOPE_ADDRESS, "see your postal address")                                                                    \
	X(SCOPE_FHIR_USER, "know which person of the practice's records you are")                                      \
	X(SCOPE_OFFLINE, "keep its access when you are away, until {0} or until you withdraw it")                      \
	X(SCOPE_OFFLINE_OPEN, "keep its access when you are away, as long as it is used, until you withdraw it")       \
	X(SCOPE_ONLINE, "keep its access while you are signed in")                                                     \
	X(SCOPE_LAUNCH, "open with the patient that is on your screen")                                                \
	X(SCOPE_LAUNCH_PATIENT, "work with one patient that is selected at sign-in")                                   \
	X(SCOPE_LAUNCH_ENCOUNTER, "work with one visit that is selected at sign-in")                                   \
	X(SCOPE_API_OEMR, "use the practice's standard interface")                                                     \
	X(SCOPE_API_FHIR, "use the practice's FHIR interface")                                                         \
	X(SCOPE_API_PORT, "use the patient portal's interface")                                                        \
	/* kinds of data */                                                                                            \
	X(RES_ALL, "everything in the record")                                                                         \
	X(RES_ALLERGIES, "allergies and intolerances")                                                                 \
	X(RES_APPOINTMENTS, "appointments")                                                                            \
	X(RES_BINARY, "files")                                                                                         \
	X(RES_CARE_PLANS, "care plans")                                                                                \
	X(RES_CARE_TEAMS, "care teams")                                                                                \
	X(RES_CONDITIONS, "health problems and diagnoses")                                                             \
	X(RES_COVERAGE, "insurance coverage")                                                                          \
	X(RES_DEVICES, "implanted devices")                                                                            \
	X(RES_REPORTS, "diagnostic reports")                                                                           \
	X(RES_DOCUMENTS, "documents and clinical notes")                                                               \
	X(RES_ENCOUNTERS, "visits")                                                                                    \
	X(RES_GOALS, "health goals")                                                                                   \
	X(RES_GROUPS, "groups of patients")                                                                            \
	X(RES_IMMUNIZATIONS, "vaccinations")                                                                           \
	X(RES_LOCATIONS, "places of care")                                                                             \
	X(RES_MEDICATIONS, "medications")                                                                              \
	X(RES_DISPENSES, "dispensed medications")                                                                      \
	X(RES_PRESCRIPTIONS, "prescriptions")                                                                          \
	X(RES_OBSERVATIONS, "measurements, lab results and observations")                                              \
	X(RES_VITALS, "vital signs")                                                                                   \
	X(RES_OPERATIONS, "descriptions of the interface")                                                             \
	X(RES_ORGANIZATIONS, "organizations")                                                                          \
	X(RES_PATIENTS, "patient details such as name, birth date and address")                                        \
	X(RES_PERSONS, "details of persons")                                                                           \
	X(RES_PRACTITIONERS, "details of clinicians")                                                                  \
	X(RES_ROLES, "roles of clinicians")                                                                            \
	X(RES_PROCEDURES, "procedures")                                                                                \
	X(RES_SURGERIES, "surgeries")                                                                                  \
	X(RES_PROVENANCE, "where data came from")                                                                      \
	X(RES_QUESTIONNAIRES, "questionnaires")                                                                        \
	X(RES_ANSWERS, "answers to questionnaires")                                                                    \
	X(RES_RELATED, "related persons")                                                                              \
	X(RES_ORDERS, "orders and referrals")                                                                          \
	X(RES_SPECIMENS, "specimens")                                                                                  \
	X(RES_LISTS, "lists of codes")                                                                                 \
	X(RES_DENTAL, "dental issues")                                                                                 \
	X(RES_EMPLOYER, "employer details")                                                                            \
	X(RES_INSURERS, "insurance companies")                                                                         \
	X(RES_MESSAGES, "messages")                                                                                    \
	X(RES_PRODUCTS, "product registration")                                                                        \
	X(RES_NOTES, "visit notes (SOAP)")                                                                             \
	X(RES_USERS, "user accounts of the practice")                                                                  \
	X(CAT_HEALTH_CONCERN, "health concerns")                                                                       \
	X(CAT_ENCOUNTER_DIAGNOSIS, "diagnoses of visits")                                                              \
	X(CAT_PROBLEM_LIST, "the problem list")                                                                        \
	X(CAT_CLINICAL_NOTE, "clinical notes")                                                                         \
	X(CAT_SDOH, "social needs")                                                                                    \
	X(CAT_SOCIAL_HISTORY, "social history")                                                                        \
	X(CAT_LABORATORY, "laboratory results")                                                                        \
	X(CAT_SURVEY, "answers to surveys")                                                                            \
	X(CAT_VITAL_SIGNS, "vital signs")                                                                              \
	/* choice of patient and visit */                                                                              \
	X(PATIENT_TITLE, "Choose a patient")                                                                           \
	X(PATIENT_TEXT, "{0} works with one patient. Choose whose record it gets.")                                    \
	X(PATIENT_LAST, "Last name")                                                                                   \
	X(PATIENT_FIRST, "First name")                                                                                 \
	X(PATIENT_BORN, "Date of birth")                                                                               \
	X(PATIENT_BORN_WRONG, "Enter the date of birth as year, month and day: 1980-12-31.")                           \
	X(PATIENT_SEARCH, "Search")                                                                                    \
	X(PATIENT_NAME, "Name")                                                                                        \
	X(PATIENT_SEX, "Sex")                                                                                          \
	X(PATIENT_SELECT, "Select")                                                                                    \
	X(PATIENT_NONE, "No patient found.")                                                                           \
	X(PAGE_NEXT, "Next page")                                                                                      \
	X(PAGE_PREVIOUS, "Previous page")                                                                              \
	X(VISIT_TITLE, "Choose a visit")                                                                               \
	X(VISIT_TEXT, "Which visit of {0}, born {1}?")                                                                 \
	X(VISIT_DATE, "Date")                                                                                          \
	X(VISIT_REASON, "Reason")                                                                                      \
	X(VISIT_NONE, "No visits on file.")                                                                            \
	X(VISIT_WITHOUT, "Continue without a visit")                                                                   \
	/* manage */                                                                                                   \
	X(MANAGE_TITLE, "Apps with access")                                                                            \
	X(MANAGE_NAME, "the list of apps that have access")                                                            \
	X(MANAGE_TEXT,                                                                                                 \
	    "These apps may use what is yours at this practice. Withdraw what you no longer want: it ends at once.")   \
	X(MANAGE_NONE, "No app has access.")                                                                           \
	X(MANAGE_DONE, "The access was withdrawn.")                                                                    \
	X(MANAGE_USED, "Last signed in or renewed on {0}")                                                             \
	X(MANAGE_ALLOWED, "You allowed it on {0}")                                                                     \
	X(MANAGE_OFFLINE, "keep its access when you are away")                                                         \
	X(MANAGE_WITHDRAW, "Withdraw access of {0}")                                                                   \
	/* registration of apps */                                                                                     \
	X(REGISTER_TITLE, "Register an app")                                                                           \
	X(REGISTER_TEXT,                                                                                               \
	    "For developers of SMART on FHIR apps. What you enter here is kept with the app's registration at "        \
	    "this practice.")                                                                                          \
	X(REGISTER_REFUSED, "The app was not registered. {0}")                                                         \
	X(REGISTER_CLOSED, "This practice registers apps itself. Ask its administrator.")                              \
	X(REGISTER_UNREADABLE, "The form could not be read. Nothing was registered.")                                  \
	X(REGISTER_NAME, "Name of the app")                                                                            \
	X(REGISTER_TYPE, "Where the app runs")                                                                         \
	X(REGISTER_PUBLIC, "In a browser or on a phone: it cannot keep a secret (public)")                             \
	X(REGISTER_PRIVATE, "On a server of its own: it keeps a secret or a key (confidential)")                       \
	X(REGISTER_REDIRECT, "Redirect addresses")                                                                     \
	X(REGISTER_REDIRECT_HINT, "Where people return after signing in. Several: separated by spaces.")               \
	X(REGISTER_LAUNCH, "Launch address")                                                                           \
	X(REGISTER_LAUNCH_HINT, "Opened with iss and launch when the app is started from a patient's chart.")          \
	X(REGISTER_LOGOUT, "Address after signing out")                                                                \
	X(REGISTER_CONTACT, "Contact (email)")                                                                         \
	X(REGISTER_JWKS_URI, "Address of the app's public keys (JWKS)")                                                \
	X(REGISTER_JWKS, "Public keys (JWKS) as text")                                                                 \
	X(REGISTER_JWKS_HINT, "Instead of an address. Needed for signed assertions and for system access.")            \
	X(REGISTER_METHOD, "How a confidential app proves itself")                                                     \
	X(REGISTER_BASIC, "Secret in the Authorization header")                                                        \
	X(REGISTER_POST, "Secret in the form")                                                                         \
	X(REGISTER_KEY_JWT, "Assertion signed with its key")                                                           \
	X(REGISTER_SCOPES, "What the app may ask for (scopes)")                                                        \
	X(REGISTER_SCOPES_GENERAL, "Sign-in, launch and interfaces")                                                   \
	X(REGISTER_SCOPES_PATIENT, "One patient's record")                                                             \
	X(REGISTER_SCOPES_USER, "All that the person may work with (confidential apps)")                               \
	X(REGISTER_SCOPES_SYSTEM, "System access without a person (confidential apps)")                                \
	X(REGISTER_TOKEN, "Initial access token of this practice")                                                     \
	X(REGISTER_SUBMIT, "Register")                                                                                 \
	X(REGISTERED_TITLE, "The app is registered")                                                                   \
	X(REGISTERED_TEXT, "Keep this client id with your app.")                                                       \
	X(REGISTERED_SECRET, "Keep both with your app. The secret is shown this once.")                                \
	X(REGISTERED_ID, "Client id")                                                                                  \
	X(REGISTERED_CLIENT_SECRET, "Client secret")                                                                   \
	X(REGISTERED_ISS, "FHIR base address")                                                                         \
	X(REGISTERED_WAITS, "An administrator of the practice must enable the app before it can be used.")             \
	/* notices */                                                                                                  \
	X(SIGN_OUT_TITLE, "Sign out")                                                                                  \
	X(SIGN_OUT_TEXT, "Do you want to sign out here?")                                                              \
	X(SIGN_OUT_SUBMIT, "Sign out")                                                                                 \
	X(SIGNED_OUT_TITLE, "Signed out")                                                                              \
	X(SIGNED_OUT_TEXT, "You have been signed out. Thank you.")                                                     \
	X(ERROR_TITLE, "This did not work")                                                                            \
	X(ERROR_REQUEST, "The app that sent you here made a request that cannot be answered. Nothing was allowed.")    \
	X(ERROR_CLIENT, "The app that sent you here is not known at this practice, or has been switched off.")         \
	X(ERROR_REDIRECT, "The app that sent you here gave a return address that is not registered for it.")           \
	X(ERROR_STEP, "This page has expired or was already used. Go back to the app and start again.")                \
	X(ERROR_CSRF, "Sorry. This form does not belong to your session. Go back to the app and start again.")         \
	X(ERROR_DETAIL, "Detail for the app's developer: {0}")
/* clang-format on */
enum message {
#define X(id, en) MSG_##id,
	MESSAGES(X)
#undef X
	    MSG_N
};

/* In the language, or in English where it has none; lives for ever. */
struct str message_text(enum language l, enum message m);
/* BCP 47 tag, for lang="" and Content-Language. */
struct str language_tag(enum language l);
/* The best of wanted: ui_locales (space separated) first, then Accept-Language; English when none fits. OIDC Core 3.1.2.1. */
enum language language_choose(struct str ui_locales, struct str accept_language);

#endif
