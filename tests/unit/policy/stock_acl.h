/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grants of OpenEMR's installed groups, as the rows that the ACL statement would give. Not for other tests than policy's. */
#ifndef TESTS_UNIT_POLICY_STOCK_ACL_H
#define TESTS_UNIT_POLICY_STOCK_ACL_H

#include "policy/acl.h"

#include "harness.h"

#define EVERYTHING                                                                                                     \
	"acct/bill acct/disc acct/eob acct/rep acct/rep_a admin/acl admin/batchcom admin/calendar admin/database "     \
	"admin/drugs admin/forms admin/language admin/manage_modules admin/menu admin/practice admin/super "           \
	"admin/superbill admin/users encounters/auth encounters/auth_a encounters/coding encounters/coding_a "         \
	"encounters/date_a encounters/notes encounters/notes_a encounters/relaxed groups/gadd groups/gcalendar "       \
	"groups/gdlog groups/glog groups/gm inventory/adjustments inventory/consumption inventory/destruction "        \
	"inventory/lots inventory/purchases inventory/reporting inventory/sales inventory/transfers lists/country "    \
	"lists/default lists/ethrace lists/language lists/state menus/modle nationnotes/nn_configure "                 \
	"patientportal/portal patients/alert patients/amendment patients/appt patients/demo patients/disclosure "      \
	"patients/docs patients/docs_rm patients/lab patients/med patients/notes patients/pat_rep patients/reminder "  \
	"patients/rx patients/sign patients/trans sensitivities/high sensitivities/normal"

static const struct {
	const char *group, *returns, *objects;
} stock_rules[] = {
	{ "admin", "write", EVERYTHING },
	{ "doc", "view", "patients/pat_rep" },
	{ "doc", "addonly", "placeholder/filler" },
	{ "doc", "wsome", "placeholder/filler" },
	{ "doc", "write",
	    "acct/disc acct/rep admin/drugs encounters/auth encounters/auth_a encounters/coding encounters/coding_a "
	    "encounters/date_a encounters/notes encounters/notes_a encounters/relaxed groups/gcalendar groups/glog "
	    "patients/alert patients/amendment patients/appt patients/demo patients/disclosure patients/docs "
	    "patients/lab "
	    "patients/med patients/notes patients/reminder patients/rx patients/sign patients/trans sensitivities/high "
	    "sensitivities/normal" },
	{ "clin", "view", "patients/pat_rep" },
	{ "clin", "addonly",
	    "encounters/notes encounters/relaxed patients/alert patients/amendment patients/demo patients/disclosure "
	    "patients/docs patients/lab patients/notes patients/reminder patients/rx patients/trans "
	    "sensitivities/normal" },
	{ "clin", "write", "patients/med" },
	{ "clin", "wsome", "placeholder/filler" },
	{ "clin", "write",
	    "admin/drugs encounters/auth encounters/coding encounters/notes groups/gcalendar groups/glog "
	    "patients/appt" },
	{ "front", "view", "patients/alert" },
	{ "front", "addonly", "placeholder/filler" },
	{ "front", "wsome", "placeholder/filler" },
	{ "front", "write", "groups/gcalendar patients/appt patients/demo" },
	{ "back", "view", "patients/alert" },
	{ "back", "addonly", "placeholder/filler" },
	{ "back", "wsome", "placeholder/filler" },
	{ "back", "write",
	    "acct/bill acct/disc acct/eob acct/rep acct/rep_a admin/practice admin/superbill encounters/auth_a "
	    "encounters/coding_a encounters/date_a patients/appt patients/demo" },
};

/* group: "" for nobody. More rows ("-section/value:return" denies, "+..." allows) may follow in also. */
static inline const struct acl_grants *
stock_grants(struct arena *a, const char *group, const char *also)
{
	enum { ROWS_MAX = 256 };
	struct acl_row *rows = arena_array(a, ROWS_MAX, sizeof *rows);
	struct str word, rest;
	size_t n = 0;
	REQUIRE(rows != NULL);
	for (size_t i = 0; i < NITEMS(stock_rules); i++) {
		if (!str_eq(str_of(group), str_of(stock_rules[i].group)))
			continue;
		rest = str_of(stock_rules[i].objects);
		while (str_next(&rest, ' ', &word) && n < ROWS_MAX) {
			size_t slash = str_find(word, '/');
			rows[n++] = (struct acl_row){ str_sub(word, 0, slash), str_skip(word, slash + 1),
				str_of(stock_rules[i].returns), true };
		}
	}
	rest = str_of(also);
	while (str_next(&rest, ' ', &word) && n < ROWS_MAX) {
		size_t slash = str_find(word, '/'), colon = str_find(word, ':');
		rows[n++] = (struct acl_row){ str_sub(word, 1, slash), str_sub(word, slash + 1, colon),
			str_skip(word, colon + 1), word.p[0] == '+' };
	}
	const struct acl_grants *g = acl_grants_new(a, rows, n);
	REQUIRE(g != NULL);
	return g;
}

#endif
