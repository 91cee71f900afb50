/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenEMR's settings that the answers and writes depend on (table globals), in memory: read when the site opens and again with the
 * lists. Not for secrets: none is read.                                                                                    */
#ifndef BACKENDS_DIRECT_ENGINE_GLOBALS_H
#define BACKENDS_DIRECT_ENGINE_GLOBALS_H

#include "gateway/store/db.h"

/* Now, and a time of this session, as OpenEMR's sessions have them: it sets their time_zone to that of its setting gbl_time_zone, and writes
 * NOW() into DATETIME columns. Sessions here are in UTC, so such a column is compared with this, and a TIMESTAMP told by it. UTC
 * where the setting is empty, or the database does not know the zone by its name (mariadb-tzinfo-to-sql makes it known).     */
#define OPENEMR_ZONE                                                                                                   \
	"(SELECT z.gl_value FROM globals z WHERE z.gl_name = 'gbl_time_zone' AND z.gl_index = 0 AND z.gl_value <> '')"
#define OPENEMR_TIME(utc) "COALESCE(CONVERT_TZ(" utc ", '+00:00', " OPENEMR_ZONE "), " utc ")"
#define OPENEMR_NOW       OPENEMR_TIME("NOW()")

struct globals;
extern const struct db_stmt globals_sql;                   /* no values */
struct globals *globals_new(const struct db_result *rows); /* NULL: out of memory */
void globals_free(struct globals **g);
/* The value of a setting, .n 0 when it is not set or not read (g may be NULL). A name that globals_sql does not read is a CHECK. */
struct str globals_get(const struct globals *g, const char *name);
bool globals_on(const struct globals *g, const char *name);

#endif
