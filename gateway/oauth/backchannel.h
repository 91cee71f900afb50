/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Telling a client's server that a person has signed out: a logout token, signed by keyd, posted to the address that the client registered.
 * Off the request's path: nobody waits for it. OpenID Connect Back-Channel Logout 1.0.                                     */
#ifndef GATEWAY_OAUTH_BACKCHANNEL_H
#define GATEWAY_OAUTH_BACKCHANNEL_H

#include "gateway/core/site.h"

/* Nothing for a client that registered no backchannel_logout_uri or is disabled. sid .n 0: none. Tried twice; a failure is logged. Strings
 * are copied.                                                                                                              */
void backchannel_logout(struct site *site, struct str client_id, struct str sub, struct str sid);

#endif
