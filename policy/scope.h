/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One scope name: its grammar (OpenEMR and SMART v1 and v2), and when one contains another. Pure. Not for sets of scopes
 * (scope_set.h), nor for which names a server offers (catalog.h).
 *
 *   scope    := special | context "/" resource "." permission [ "?category=" system "|" code ]
 *   context  := "patient" | "user" | "system"            resource := [A-Za-z0-9_-]+ | "*"
 *   permission := "read" (= rs) | "write" (= cud) | some of c r u d s in this order | "$" [a-z0-9-]+
 *   special  := name [ ("/" | ":") name ]                 openid, launch/patient, api:oemr, ...; equal or not, nothing more
 *
 * SMART App Launch 2.2 "Scopes"; RFC 6749 3.3; OpenEMR's rules as Gatehouse keeps them.                                     */
#ifndef POLICY_SCOPE_H
#define POLICY_SCOPE_H

#include "gateway/base/err.h"

enum scope_context { SCOPE_SPECIAL, SCOPE_PATIENT, SCOPE_USER, SCOPE_SYSTEM, SCOPE_CONTEXT_N }; /* weakest first */
enum { SCOPE_C = 1, SCOPE_R = 2, SCOPE_U = 4, SCOPE_D = 8, SCOPE_S = 16, SCOPE_OPERATION = 32 };
enum { SCOPE_TEXT_MAX = 512 }; /* bytes of one scope */

struct scope {
	enum scope_context context;
	unsigned permissions; /* SCOPE_C.. bits; SCOPE_OPERATION alone when operation is set; 0: special   */
	struct str text;      /* as spelled, whole                                                         */
	struct str resource;  /* "Patient", "soap_note", "*"; .n 0: special                                */
	struct str operation; /* "$export"; .n 0: none                                                     */
	struct str
	    category; /* "system|code"; .n 0: unrestricted. OpenEMR's misspelt social-history system is read as the
	                        * right one                                                                 */
};

/* What a route demands; made by route_table, one per row that is not public. */
struct scope_need {
	struct str resource;
	struct str operation;             /* .n 0: letters                                                          */
	struct str special;               /* "openid": this very scope and nothing else; .n 0: a resource's         */
	unsigned permissions;             /* one SCOPE_ bit; 0: special                                             */
	unsigned contexts;                /* bits 1 << enum scope_context that the row allows                       */
	unsigned api_roles;               /* bits 1 << enum role that the whole API admits; narrower is route.roles */
	uint32_t resource_hash, key_hash; /* of scope_hash()                                                 */
	struct str rule_scope[SCOPE_CONTEXT_N]; /* "scope user/patient.r (openemr.yaml:37)": for audit and explain */
	struct str rule_api, rule_role, rule_acl, rule_patient;
};

/* out borrows from text (or from static text). -1 with e (E_PARSE) when malformed; nothing of a malformed scope is used. */
int scope_parse(struct str text, struct scope *out, struct err *e) MUSTUSE;
/* Does holding a include b? Same context; same resource, or a's "*" over a FHIR type; same operation or letters(b) within
 * letters(a); a unrestricted or the same category. Specials: the same text. A partial order up to spelling.               */
bool scope_contains(const struct scope *a, const struct scope *b);
/* "*" stands for FHIR types (names that begin with a capital) and for itself, never for resources of the Standard API. */
bool scope_wildcard_covers(struct str resource);
/* "cruds" letters of permissions, in order, into text[6] with a final NUL. */
void scope_letters(unsigned permissions, char text[6]);
struct str scope_context_text(enum scope_context c); /* "patient", "user", "system", "" */
/* Hash of a resource and, for an operation, its name: what a scope_set looks up. */
uint32_t scope_hash(struct str resource, struct str operation);

#endif
