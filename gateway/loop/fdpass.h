/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passing descriptors between the program's own processes over a unix socket: how the master gives keyd, hashd and auditd a new
 * worker's connection. Blocking by the socket's own mode. unix(7) SCM_RIGHTS.                                              */
#ifndef GATEWAY_LOOP_FDPASS_H
#define GATEWAY_LOOP_FDPASS_H

#include "gateway/base/err.h"

/* A SOCK_STREAM pair, both ends non-blocking and close-on-exec. */
int fdpass_pair(int fds[2], struct err *e) MUSTUSE;
/* Sends fd with one byte; the caller still owns fd. */
int fdpass_send(int sock, int fd, struct err *e) MUSTUSE;
/* Takes one descriptor: the fd (close-on-exec), -1 when nothing is there now, -2 when the other side has closed. Bytes without a
 * descriptor are ignored.                                                                                                  */
int fdpass_receive(int sock) MUSTUSE;

#endif
