/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is this the password of that directory entry? A simple bind by libldap, over TLS where a CA is given. Blocks for up to some seconds: only
 * hashd calls this. RFC 4511 4.2, RFC 4513 5.1.                                                                            */
#ifndef GATEWAY_CRYPTO_LDAP_BIND_H
#define GATEWAY_CRYPTO_LDAP_BIND_H

#include "gateway/base/buf.h"
#include "gateway/crypto/hashd.h"

/* host: ldap://, ldaps:// or a bare name; ca: PEM file, used (StartTLS on ldap://, verification compulsory) when it exists, .n 0: none. An
 * empty password is wrong: the server would take it as an anonymous bind (RFC 4513 5.1.2). HASH_DOWN: no answer.           */
enum hash_verdict ldap_bind_check(struct str host, struct str dn, struct str ca, struct str password);
/* The DN of a login: {login} in pattern replaced by the name, escaped so that it stays one value (RFC 4514 2.4). -1: out failed. */
int ldap_dn_put(struct buf *out, struct str pattern, struct str login) MUSTUSE;

#endif
