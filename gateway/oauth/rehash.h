/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The site's settings for password hashes (globals gbl_auth_*) and the upgrade of a hash after a right password. Private to
 * gateway/oauth.                                                                                                           */
#ifndef GATEWAY_OAUTH_REHASH_H
#define GATEWAY_OAUTH_REHASH_H

#include "gateway/oauth/endpoint.h"

/* PHP's defaults; then one call per row of globals (other names change nothing; values out of range keep the default). */
void hash_params_begin(struct hash_params *p);
void hash_params_global(struct hash_params *p, struct str name, struct str value);

/* Frame struct login with ok and an outdated hash. Goes on (STEP_NEXT) whatever comes of it. */
extern const struct step_table rehash_steps;

#endif
