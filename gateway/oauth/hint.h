/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id_token_hint: an id_token that this server gave, sent back by a client to say whom it means. OIDC Core 3.1.2.1, RP-Initiated Logout 2. */
#ifndef GATEWAY_OAUTH_HINT_H
#define GATEWAY_OAUTH_HINT_H

#include "gateway/core/request.h"
#include "gateway/core/site.h"

struct id_token_hint {
	struct str client, sub, sid; /* sid .n 0: the token has none */
};
/* An id_token of this issuer, which may have expired: its signature, issuer, and that it is no other kind of token. Arena memory. */
bool id_token_hint_read(struct request *r, struct str token, struct id_token_hint *out);

#endif
