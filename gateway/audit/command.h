/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where auditd takes the records of an operator's commands: a socket in the journal's folder, for the folder's owner (and root) alone.
 * Frames as the workers'. Private to gateway/audit.                                                                        */
#ifndef GATEWAY_AUDIT_COMMAND_H
#define GATEWAY_AUDIT_COMMAND_H

#include "gateway/base/err.h"

#define COMMAND_SOCKET "writer.sock"

/* The listening socket, non-blocking; what an earlier writer left is replaced: the caller holds the journal's lock. -1: e. */
int command_listen(const char *dir, struct err *e) MUSTUSE;

#endif
