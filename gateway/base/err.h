/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong, for the log: a kind that code may switch on, and a text with context. First error wins. The text is never
 * sent to a client and holds no secret and no patient data. Not for programming errors (CHECK).                            */
#ifndef GATEWAY_BASE_ERR_H
#define GATEWAY_BASE_ERR_H

#include "gateway/base/str.h"

#define ERR_KINDS(X)                                                                                                   \
	X(NONE, "none")                                                                                                \
	X(PARSE, "parse")                                                                                              \
	/* bytes that break their grammar                                     */ X(                                    \
	    INVALID, "invalid") /* well formed, but a value is not acceptable                         */ X(LIMIT,      \
	    "limit") /* over a limit: size, count, depth, arena cap                        */ X(NOT_FOUND,             \
	    "not_found") X(DENIED, "denied") X(CONFLICT,                                                               \
	    "conflict") /* duplicate key, replay                                              */ X(TIMEOUT, "timeout") \
	    X(UNAVAILABLE, "unavailable") /* a store or upstream is down, a breaker is open                     */ X(  \
	        IO, "io") X(DB, "db") X(REDIS, "redis") X(CRYPTO, "crypto") X(CONFIG, "config") X(MEMORY, "memory")    \
	        X(INTERNAL, "internal")

enum err_kind {
#define X(id, text) E_##id,
	ERR_KINDS(X)
#undef X
	    E_N
};

struct err {
	enum err_kind kind;
	int line;
	const char *file;
	char text[232];
};

/* Records the error unless one is there already; returns -1 always. e may be NULL (nobody wants the reason). */
int err_set(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...) PRINTF_LIKE(5, 6);
#define ERR(e, kind, ...) err_set((e), (kind), __FILE__, __LINE__, __VA_ARGS__)
const char *err_kind_text(enum err_kind kind);

#endif
