/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Launch tokens of an EHR launch: Gatehouse's own (random, five minutes, once, for one client and one member of staff) and OpenEMR's
 * (encrypted under the site's drive keys; accepted as they are). SMART App Launch 2.2 "EHR launch", contract/oauth2.md 8.1.
 * What the token binds becomes the flow's launch context; who may use it is judged when a person has signed in (context.c). */
#ifndef GATEWAY_OAUTH_LAUNCH_TOKEN_H
#define GATEWAY_OAUTH_LAUNCH_TOKEN_H

#include "gateway/oauth/endpoint.h"

/* Frame of launch_open_steps. Goes on (STEP_NEXT) with ok set or not; replies itself only when Redis is down. An own token is used up
 * by its own client alone: another client that shows it learns nothing and spoils nothing.                                 */
struct launch_open {
	struct str token, client_id; /* in */
	bool ok;                     /* out */
	struct launch_context context;
	const char *reason; /* when not ok: static, for log and audit */
	struct redis_result *redis;
};
extern const struct step_table launch_open_steps;

/* POST {issuer}/smart/launch: an EHR's program, with a staff access token that may read patients (scopes/oauth2.yaml), asks for a launch
 * token: client_id, patient, and if wanted encounter and intent (form or JSON). 200 {"launch","expires_in"[,"launch_url"]}.  */
enum step launch_create_endpoint(struct request *r, struct oauth_state *s);

#endif
