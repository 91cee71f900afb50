/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames between workers and auditd. Private to gateway/audit. */
#ifndef GATEWAY_AUDIT_FRAME_H
#define GATEWAY_AUDIT_FRAME_H

enum { AUDIT_FRAME_HEAD = 8 /* u32 length, u32 id */, AUDIT_FRAME_MAX = 32 << 10, AUDIT_ACK = 5 /* u32 id, u8 ok */ };

#endif
