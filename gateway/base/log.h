/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structured log: events with fields, not sentences. Text or JSON lines on a file descriptor, one write(2) per event, at most
 * 2 KiB. Secrets and patient data have no field type here. Not the audit journal (gateway/audit/).                        */
#ifndef GATEWAY_BASE_LOG_H
#define GATEWAY_BASE_LOG_H

#include "gateway/base/clock.h"
#include "gateway/base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
	int fd;
	bool json;
	enum log_level least;
	const struct clock *clock;
	char process[24]; /* "worker 1" */
};
struct log_field {
	const char *name;
	enum { LOG_F_STR, LOG_F_INT, LOG_F_ERR } kind;
	struct str s;
	int64_t i;
	const struct err *e;
};
#define F_STR(k, v) ((struct log_field){ .name = (k), .kind = LOG_F_STR, .s = (v) })
#define F_INT(k, v) ((struct log_field){ .name = (k), .kind = LOG_F_INT, .i = (int64_t)(v) })
#define F_ERR(v)    ((struct log_field){ .name = "error", .kind = LOG_F_ERR, .e = (v) })

/* Control characters and invalid UTF-8 in values are escaped: a value cannot forge a line. Never blocks longer than the write. */
void log_write(
    const struct log *log, enum log_level level, const char *event, const struct log_field *fields, size_t n);
#define LOG(log, level, event, ...)                                                                                    \
	log_write((log), (level), (event), (const struct log_field[]){ { .name = NULL }, __VA_ARGS__ } + 1,            \
	    sizeof((const struct log_field[]){ { .name = NULL }, __VA_ARGS__ }) / sizeof(struct log_field) - 1)

#endif
