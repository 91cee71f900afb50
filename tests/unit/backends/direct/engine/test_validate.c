/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of writes: all errors at once, in the words that clients know. */
#include "backends/direct/engine/validate.h"

#include "harness.h"

static const struct {
	bool (*holds)(struct str);
	const char *text;
	bool is;
} words[] = {
	{ is_numeric, "12", true },
	{ is_numeric, "-1.5e3", true },
	{ is_numeric, ".5", true },
	{ is_numeric, "5.", true },
	{ is_numeric, "", false },
	{ is_numeric, "-", false },
	{ is_numeric, "1e", false },
	{ is_numeric, "0x1", false },
	{ is_numeric, "1 ", false },
	{ is_email, "a@b.org", true },
	{ is_email, "a.b+c@x.y.org", true },
	{ is_email, "a@b", false },
	{ is_email, "a..b@x.org", false },
	{ is_email, ".a@x.org", false },
	{ is_email, "@x.org", false },
	{ is_email, "a@-x.org", false },
	{ is_email, "a b@x.org", false },
	{ is_email, "\xc3\xa9@x.org", true },
	{ is_email, "\xff@x.org", false },
	{ is_url, "https://x.org/a?b", true },
	{ is_url, "http://localhost:80", true },
	{ is_url, "x.org", false },
	{ is_url, "http://", false },
	{ is_url, "http://a b", false },
	{ is_date, "2024-02-29", true },
	{ is_date, "2023-02-29", false },
	{ is_date, "0000-00-00", false },
	{ is_date, "2024-2-9", false },
	{ is_date, "2024-02-29 00:00:00", false },
	{ is_date, "02/02/1992", false },
};

static void
test_words__of_each_kind__are_told_apart(void)
{
	for (size_t i = 0; i < NITEMS(words); i++)
		EXPECT_IDX(words[i].holds(str_of(words[i].text)) == words[i].is, i);
}

static const struct schema_column text10 = { .type = COL_TEXT, .max_chars = 10, .nullable = true };
static const struct schema_column old_text = { .type = COL_TEXT, .utf8mb3 = true };
static const struct schema_column number = { .type = COL_INT };
static const struct schema_column bytes10 = { .type = COL_TEXT, .max_chars = 10, .in_bytes = true };
static const struct schema_column tiny = { .type = COL_INT, .least = -128, .most = 127 };
static const struct schema_column weight = { .type = COL_DECIMAL, .least = -999.99, .most = 999.99 };
static const struct schema_column day = { .type = COL_DATE };

static const struct {
	struct field f;
	const struct schema_column *column;
	const char *value, *code, *message; /* code NULL: accepted */
} rules[] = {
	{ { "lname", K_TEXT, .label = "Last Name", .min = 2, .max = 5 }, &text10, "B", "LengthBetween::TOO_SHORT",
	    "Last Name must be 2 characters or longer" },
	{ { "lname", K_TEXT, .label = "Last Name", .min = 2, .max = 5 }, &text10, "Belford", "LengthBetween::TOO_LONG",
	    "Last Name must be 5 characters or shorter" },
	{ { "street_line_2", K_TEXT }, &text10, "12345678901", "LengthBetween::TOO_LONG",
	    "street line 2 must be 10 characters or shorter" },
	{ { "x", K_TEXT }, &text10, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
	    NULL, NULL },
	{ { "x", K_INT }, &number, "12abc", "Numeric::NOT_NUMERIC", "x must be numeric" },
	{ { "x", K_TEXT }, &bytes10, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", NULL, NULL },
	{ { "x", K_TEXT }, &bytes10, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9-", "LengthBetween::TOO_LONG",
	    "x must be 10 characters or shorter" },
	{ { "x", K_TEXT, .max = 20 }, &text10, "12345678901", "LengthBetween::TOO_LONG",
	    "x must be 10 characters or shorter" },
	{ { "x", K_INT }, &tiny, "127", NULL, NULL },
	{ { "x", K_INT }, &tiny, "-128", NULL, NULL },
	{ { "x", K_INT }, &tiny, "128", "Between::TOO_BIG", "x must be less than or equal to 127" },
	{ { "x", K_INT }, &tiny, "-129", "Between::TOO_SMALL", "x must be greater than or equal to -128" },
	{ { "x", K_INT }, &tiny, "1e400", "Between::TOO_BIG", "x must be less than or equal to 127" },
	{ { "x", K_TEXT }, &weight, "999.99", NULL, NULL },
	{ { "x", K_TEXT }, &weight, "1000", "Between::TOO_BIG", "x must be less than or equal to 999.99" },
	{ { "x", K_DATE }, &day, "2024-02-30", "DateTime::INVALID_VALUE", "x must be a valid date" },
	{ { "x", K_DATE }, &day, "2024-02-29", NULL, NULL },
	{ { "x", K_TEXT }, &old_text, "\xf0\x9f\x98\x80", "Charset::INVALID_VALUE",
	    "x has characters that the database cannot hold" },
	{ { "x", K_TEXT }, NULL, "y", "Column::NOT_AVAILABLE", "x is not available in the database of this site" },
	{ { "email", K_TEXT, .flags = R_EMAIL, .label = "Email" }, &old_text, "no", "email",
	    "Email is not a valid email" },
};

static void
test_value__against_rules_and_column__gets_openemrs_message(void)
{
	struct arena *a = arena_new("test", 1 << 16);
	for (size_t i = 0; i < NITEMS(rules); i++) {
		struct violations v = { .arena = a };
		validate_value(&rules[i].f, rules[i].f.flags, rules[i].column, NULL, str_of(rules[i].value), &v);
		if (rules[i].code == NULL) {
			EXPECT_IDX(v.n == 0, i);
			continue;
		}
		EXPECT_IDX(v.n == 1 && str_eq(v.v[0].code, str_of(rules[i].code)) &&
		               str_eq(v.v[0].message, str_of(rules[i].message)),
		    i);
	}
	arena_free(&a);
}

TESTS(T(test_words__of_each_kind__are_told_apart), T(test_value__against_rules_and_column__gets_openemrs_message))
