/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared ways for steps and backends to end a request. Not the pipeline (gateway/pipeline/). */
#include "gateway/core/request.h"

enum { RETRY_AFTER_S = 2 };

enum step
request_refuse(struct request *r, enum reply_error which)
{
	reply_error(&r->reply, r->dialect, which, STR_NULL);
	return STEP_REPLY;
}

enum step
request_unavailable(struct request *r, const char *what)
{
	(void)ERR(&r->task.err, E_UNAVAILABLE, "%s", what);
	reply_error(&r->reply, r->dialect, REPLY_UNAVAILABLE, STR_NULL);
	reply_retry_after(&r->reply, RETRY_AFTER_S);
	r->audit.reason = str_of(what);
	return STEP_REPLY;
}
