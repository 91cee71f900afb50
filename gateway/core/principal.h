/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks: the outcome of the bearer check, and what the policy decides about. Not for credentials.                       */
#ifndef GATEWAY_CORE_PRINCIPAL_H
#define GATEWAY_CORE_PRINCIPAL_H

#include "gateway/base/uuid.h"

enum role { ROLE_NONE, ROLE_USERS, ROLE_PATIENT, ROLE_SYSTEM }; /* OpenEMR's user_role; system: the oe-system user */

struct scope_set; /* policy/scope_set.h */

struct principal {
	enum role role;
	struct str client_id;
	struct uuid user_uuid; /* users.uuid or patient_data.uuid: the token's sub                    */
	struct str sub;        /* its text                                                            */
	int64_t user_id;       /* users.id; 0 for patients                                            */
	struct str username;   /* users.username; .n 0 for patients                                   */
	int64_t pid;           /* patient_data.pid of a patient login; 0                              */
	bool has_patient;      /* a patient is bound: own login, or the token's launch context        */
	struct uuid patient_uuid;
	const struct scope_set *scopes;
	struct str token_id; /* jti                                                                 */
	char token_hash[17]; /* first 16 hex digits of SHA-256 of the jti: for the audit journal    */
	int64_t expires_s;
};
struct str role_text(enum role r);

#endif
