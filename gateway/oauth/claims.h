/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claims about a person (staff of users, patients of patient_data) by granted scope: for the id_token and for userinfo. One table says
 * which scope opens which claim; types are those of OIDC Core 5.1. A claim without a value is left out (5.3.2).            */
#ifndef GATEWAY_OAUTH_CLAIMS_H
#define GATEWAY_OAUTH_CLAIMS_H

#include "gateway/base/json_write.h"
#include "gateway/core/request.h"
#include "gateway/core/site.h"

struct scope_set;

/* Whose claims: role and uuid text of the token's sub; row as person_read() left it. */
struct person {
	enum role role;
	struct str sub;
	const struct db_result *row; /* DB_OK; without rows the person is gone and has no claims */
};
/* Reads the person's row. *out as in db.h; a sub that is no uuid gives STEP_FAIL. */
enum step person_read(struct task *t, enum role role, struct str sub, struct db_result **out);
/* Members for every granted scope, without sub. */
void claims_put(struct json_write *w, struct request *r, const struct person *p, const struct scope_set *granted);
/* {api}/fhir/{Practitioner|Person|Patient}/{uuid}; staff with an NPI are Practitioner. contract/oauth2.md 3.3. */
struct str person_fhir_user(struct request *r, const struct person *p);
/* The names that claims_put() can give, as string values of an open array. */
void claims_names_put(struct json_write *w);

#endif
