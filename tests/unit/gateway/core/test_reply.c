/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors in the caller's dialect, and fields that cannot split a response. */
#include "gateway/core/reply.h"

#include "gateway/base/json_in.h"
#include "harness.h"

static void
test_errors__in_each_dialect__have_its_status_and_shape(void)
{
	static const char *const member[DIALECT_N] = { [DIALECT_OAUTH] = "error_description",
		[DIALECT_OPENEMR] = "message",
		[DIALECT_CLASSIC] = "message",
		[DIALECT_FHIR] = "resourceType" };
	for (unsigned d = 0; d < DIALECT_N; d++)
		for (unsigned which = 0; which < REPLY_ERROR_N; which++) {
			AUTO(arena) a = arena_new("test", 1 << 16);
			struct reply rp;
			size_t row = d * 100 + which;
			if (d == DIALECT_PAGE) /* a page is a person's: gateway/oauth writes it */
				continue;
			reply_init(&rp, a, 1 << 14);
			reply_error(&rp, (enum dialect)d, (enum reply_error)which, STR_NULL);
			EXPECT_IDX(rp.status >= 400 && rp.status < 600 && buf_ok(&rp.body) && buf_ok(&rp.fields), row);
			if (rp.body.n == 0) { /* the empty 401 of 6.x and 7.x */
				EXPECT_IDX(d == DIALECT_CLASSIC && rp.status == 401, row);
				continue;
			}
			json_t *doc = json_in(buf_str(&rp.body), 1 << 14, &(struct err){ 0 });
			EXPECT_IDX(json_is_object(doc) && json_object_get(doc, member[d]) != NULL, row);
			json_decref(doc);
		}
}

static void
test_bearer_errors__carry_a_challenge(void)
{
	static const struct {
		enum dialect d;
		enum reply_error which;
		const char *field;
	} rows[] = { { DIALECT_OPENEMR, REPLY_UNAUTHENTICATED, "error=\"invalid_token\"" },
		{ DIALECT_CLASSIC, REPLY_NO_TOKEN, "realm=\"OpenEMR\"\r\n" },
		{ DIALECT_FHIR, REPLY_SCOPE, "error=\"insufficient_scope\"" }, { DIALECT_FHIR, REPLY_ACL, NULL },
		{ DIALECT_OPENEMR, REPLY_RATE, NULL } };
	for (size_t i = 0; i < NITEMS(rows); i++) {
		AUTO(arena) a = arena_new("test", 1 << 16);
		struct reply rp;
		reply_init(&rp, a, 1 << 14);
		reply_error(&rp, rows[i].d, rows[i].which, STR_NULL);
		struct str f = buf_str(&rp.fields);
		EXPECT_IDX((str_find_str(f, STR("WWW-Authenticate: Bearer")) < f.n) == (rows[i].field != NULL), i);
		EXPECT_IDX(rows[i].field == NULL || str_find_str(f, str_of(rows[i].field)) < f.n, i);
	}
}

static void
test_field__with_a_line_break__breaks_the_reply_not_the_protocol(void)
{
	static const struct str bad[] = { STR_INIT("a\r\nSet-Cookie: x"), STR_INIT("a\nb"), STR_INIT("a\rb"),
		STR_INIT("a\0b") };
	for (size_t i = 0; i < NITEMS(bad); i++) {
		AUTO(arena) a = arena_new("test", 1 << 16);
		struct reply rp;
		reply_init(&rp, a, 1 << 14);
		reply_field(&rp, STR("Location"), bad[i]);
		EXPECT_IDX(!buf_ok(&rp.fields), i);
	}
}

TESTS(T(test_errors__in_each_dialect__have_its_status_and_shape), T(test_bearer_errors__carry_a_challenge),
    T(test_field__with_a_line_break__breaks_the_reply_not_the_protocol))
