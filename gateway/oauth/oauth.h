/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The authorization server: a backend like any other, whose rows are the endpoints below /oauth2/{site} and the discovery documents.
 * docs/oauth.md tells what it does; OpenEMR's rows stay the place of clients and users, Redis the place of tokens.         */
#ifndef GATEWAY_OAUTH_OAUTH_H
#define GATEWAY_OAUTH_OAUTH_H

#include "gateway/core/backend.h"

extern const struct backend_ops backend_oauth;

#endif
