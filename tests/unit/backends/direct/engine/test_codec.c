/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every kind of column, both ways: bytes from a row to JSON, and JSON to what is bound. */
#include "backends/direct/engine/codec.h"

#include <stdio.h>
#include <string.h>

#include "harness.h"

#define TXT(lit) { .kind = DB_C_TEXT, .s = STR_INIT(lit) }
#define NUM(v)   { .kind = DB_C_INT, .i = (v) }
#define NIL      { .kind = DB_C_NULL }

static const struct codemap gender[] = { { "Male", "male" }, { "UNK", "unknown" }, { NULL, "other" } };

/* What a kind makes of cells; out NULL: absent. */
static const struct {
	struct field f;
	unsigned n;
	struct db_cell c[8];
	bool fhir, strings;
	const char *out;
} writes[] = {
	{ { "x", K_INT }, 1, { NUM(3) }, false, false, "3" },
	{ { "x", K_INT }, 1, { NUM(3) }, false, true, "\"3\"" },
	{ { "x", K_INT }, 1, { TXT("7") }, false, false, "7" },
	{ { "x", K_INT }, 1, { TXT("7 mg") }, false, false, "\"7 mg\"" },
	{ { "x", K_INT }, 1, { NIL }, false, true, "null" },
	{ { "x", K_INT }, 1, { NIL }, true, false, NULL },
	{ { "x", K_FLOAT }, 1, { { .kind = DB_C_FLOAT, .f = 1.5 } }, false, false, "1.5" },
	{ { "x", K_TEXT }, 1, { TXT("a/b") }, false, false, "\"a\\/b\"" },
	{ { "x", K_TEXT }, 1, { TXT("") }, false, false, "\"\"" },
	{ { "x", K_TEXT }, 1, { TXT("") }, true, false, NULL },
	{ { "x", K_TEXT }, 1, { NUM(5) }, false, false, "\"5\"" },
	{ { "x", K_DATE }, 1, { TXT("2024-01-02 03:04:05") }, false, false, "\"2024-01-02\"" },
	{ { "x", K_DATE }, 1, { TXT("0000-00-00") }, true, false, NULL },
	{ { "x", K_DATE }, 1, { TXT("0000-00-00") }, false, false, "\"0000-00-00\"" },
	{ { "x", K_DATETIME }, 1, { TXT("2024-01-02") }, false, false, "\"2024-01-02 00:00:00\"" },
	{ { "x", K_DATETIME }, 1, { TXT("2024-01-02 03:04:05.123") }, false, false, "\"2024-01-02 03:04:05\"" },
	{ { "x", K_DATETIME }, 1, { TXT("2024-01-02 03:04:05") }, true, false, "\"2024-01-02T03:04:05+00:00\"" },
	{ { "x", K_DATETIME }, 1, { TXT("0000-00-00 00:00:00") }, true, false, NULL },
	{ { "x", K_UUID }, 1, { TXT("0123456789abcdef") }, false, false, "\"30313233-3435-3637-3839-616263646566\"" },
	{ { "x", K_UUID }, 1, { TXT("short") }, false, false, "null" },
	{ { "x", K_BOOL }, 1, { NUM(1) }, true, false, "true" },
	{ { "x", K_BOOL, .arg = "not" }, 1, { NUM(1) }, true, false, "false" },
	{ { "x", K_HIDDEN }, 1, { TXT("secret") }, false, false, "null" },
	{ { "x", K_CONST, .arg = "[1]" }, 0, { NIL }, true, false, "[1]" },
	{ { "x", K_CODE, .map = gender }, 1, { TXT("MALE") }, true, false, "\"male\"" },
	{ { "x", K_CODE, .map = gender }, 1, { TXT("whatever") }, true, false, "\"other\"" },
	{ { "x", K_CODE, .map = gender }, 1, { TXT("") }, true, false, NULL },
	{ { "x", K_NAME, .arg = "official" }, 5, { TXT("Dr"), TXT("A"), TXT(""), TXT("B"), NIL }, true, false,
	    "{\"use\":\"official\",\"family\":\"B\",\"given\":[\"A\"],\"prefix\":[\"Dr\"]}" },
	{ { "x", K_NAME, .arg = "official" }, 5, { TXT("Dr"), NIL, NIL, NIL, NIL }, true, false, NULL },
	{ { "x", K_TELECOM, .arg = "phone", .arg2 = "work" }, 3, { TXT("1"), NIL, TXT("23") }, true, false,
	    "{\"system\":\"phone\",\"value\":\"123\",\"use\":\"work\"}" },
	{ { "x", K_TELECOM, .arg = "phone", .arg2 = "work" }, 1, { TXT("") }, true, false, NULL },
	{ { "x", K_IDENTIFIER, .arg = "urn:x" }, 1, { NUM(12) }, true, false,
	    "{\"system\":\"urn:x\",\"value\":\"12\"}" },
	{ { "x", K_NARRATIVE }, 2, { TXT("<b>"), TXT("\"") }, true, false,
	    "{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"> <p>&lt;b&gt; "
	    "&quot;</p></div>\"}" },
	{ { "x", K_ADDRESS, .arg = "home" }, 8,
	    { TXT("1 St"), TXT(""), TXT("C"), NIL, NIL, TXT("9"), NIL, TXT("2024-01-02 00:00:00") }, true, false,
	    "{\"use\":\"home\",\"line\":[\"1 St\"],\"city\":\"C\",\"postalCode\":\"9\",\"period\":{\"start\":"
	    "\"2024-01-02T00:00:00+00:00\"}}" },
	{ { "x", K_ADDRESS }, 8, { NIL, NIL, NIL, NIL, NIL, NIL, TXT("US"), NIL }, true, false, NULL },
};

static void
test_kind__of_cells__writes_its_json_or_nothing(void)
{
	for (size_t i = 0; i < NITEMS(writes); i++) {
		char text[1024];
		struct buf b = { .p = text, .cap = sizeof text, .max = sizeof text };
		struct json_write w;
		struct render r = { .fhir = writes[i].fhir, .strings = writes[i].strings };
		const struct db_cell *cells[9] = { 0 };
		for (unsigned k = 0; k < writes[i].n; k++)
			cells[k] = &writes[i].c[k];
		json_begin(&w, &b, writes[i].fhir ? JSON_PLAIN : JSON_PHP);
		bool wrote = codec_of(writes[i].f.kind)->put(&w, &r, &writes[i].f, cells, writes[i].n);
		EXPECT_IDX(wrote == (writes[i].out != NULL), i);
		EXPECT_IDX(str_eq(buf_str(&b), writes[i].out == NULL ? STR("") : str_of(writes[i].out)), i);
	}
}

struct got {
	struct accept_sink sink;
	char text[256];
};

static void
got_set(struct accept_sink *to, unsigned i, struct str s)
{
	struct got *g = CONTAINER_OF(to, struct got, sink);
	size_t n = strlen(g->text);
	(void)snprintf(
	    g->text + n, sizeof g->text - n, "%u=%.*s;", i, s.p == NULL ? 4 : (int)s.n, s.p == NULL ? "NULL" : s.p);
}

/* What a kind takes from JSON, as "column=text;". */
static const struct {
	struct field f;
	const char *json, *out; /* out NULL: refused */
} reads[] = {
	{ { "x", K_TEXT }, "\"a\"", "0=a;" },
	{ { "x", K_TEXT }, "12", "0=12;" },
	{ { "x", K_TEXT }, "1.5", "0=1.5;" },
	{ { "x", K_TEXT }, "true", "0=1;" },
	{ { "x", K_TEXT }, "false", "0=NULL;" },
	{ { "x", K_TEXT }, "null", "0=NULL;" },
	{ { "x", K_TEXT }, "[1]", NULL },
	{ { "x", K_TEXT }, "{}", NULL },
	{ { "x", K_CODE, .map = gender }, "\"male\"", "0=Male;" },
	{ { "x", K_CODE, .map = gender }, "7", NULL },
	{ { "x", K_NAME, .arg = "official" },
	    "[{\"use\":\"old\",\"family\":\"X\"},{\"use\":\"official\",\"family\":\"B\",\"given\":[\"A\",\"M\"]}]",
	    "3=B;1=A;2=M;" },
	{ { "x", K_NAME, .arg = "official" }, "\"B\"", NULL },
	{ { "x", K_NAME, .arg = "official" }, "[{\"family\":7}]", NULL },
	{ { "x", K_TELECOM, .arg = "phone", .arg2 = "home" },
	    "[{\"system\":\"email\",\"value\":\"e\"},{\"system\":\"phone\",\"use\":\"home\",\"value\":\"1\"}]",
	    "0=1;" },
	{ { "x", K_IDENTIFIER, .arg = "urn:x", .arg2 = "SS" },
	    "[{\"type\":{\"coding\":[{\"code\":\"SS\"}]},\"value\":\"9\"}]", "0=9;" },
	{ { "x", K_IDENTIFIER, .arg = "urn:x" }, "[{\"system\":\"urn:y\",\"value\":\"9\"}]", "" },
	{ { "x", K_ADDRESS }, "[{\"city\":\"Old\",\"period\":{\"end\":\"2001\"}},{\"line\":[\"1\"],\"city\":\"New\"}]",
	    "0=1;2=New;" },
	{ { "x", K_BOOL }, "\"yes\"", NULL },
};

static void
test_kind__from_json__sets_its_columns_or_refuses(void)
{
	struct arena *a = arena_new("test", 1 << 16);
	for (size_t i = 0; i < NITEMS(reads); i++) {
		struct got g = { .sink = { .set = got_set, .arena = a } };
		json_t *v = json_loads(reads[i].json, JSON_DECODE_ANY, NULL);
		REQUIRE(v != NULL);
		codec_of(reads[i].f.kind)->get(&reads[i].f, v, &g.sink);
		EXPECT_IDX(g.sink.refused == (reads[i].out == NULL), i);
		if (reads[i].out != NULL)
			EXPECT_IDX(strcmp(g.text, reads[i].out) == 0, i);
		json_decref(v);
	}
	arena_free(&a);
}

TESTS(T(test_kind__of_cells__writes_its_json_or_nothing), T(test_kind__from_json__sets_its_columns_or_refuses))
