/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's own rows of a request (log, log_comment_encrypt, api_log), where the site asks for them: behind the answer, so that nobody waits;
 * kept and tried again while the database is down; what is lost all the same is told in the log. The audit journal has every
 * request whatever happens here. Never bodies, tokens or query strings. contract/oauth2.md 12.                             */
#ifndef GATEWAY_PIPELINE_OPENEMR_LOG_H
#define GATEWAY_PIPELINE_OPENEMR_LOG_H

struct pipe;

/* After the answer; copies what it needs. */
void openemr_log(struct pipe *p);

#endif
