/* SPDX-License-Identifier: GPL-3.0-or-later */
/* multipart/form-data: what is a form gives its parts, however it is cut; what is not is refused. RFC 7578, RFC 2046 5.1. */
#include "gateway/net/multipart.h"

#include "gateway/base/buf.h"
#include "harness.h"

static struct multipart m;

/* All events as text: [name|filename|type]data; */
static struct str
run(struct str body, const char *boundary, size_t step, struct buf *out)
{
	buf_clear(out);
	multipart_begin(&m, str_of(boundary), 3);
	for (size_t at = 0; at < body.n || at == 0;) {
		struct str piece = str_sub(body, at, at + step), data;
		size_t used;
		enum multipart_event e = multipart_feed(&m, piece, &used, &data);
		at += used;
		if (e == MULTIPART_PART)
			buf_printf(out, "[%.*s|%.*s|%.*s]", STR_ARG(m.name), STR_ARG(m.filename), STR_ARG(m.type));
		else if (e == MULTIPART_DATA)
			buf_str_put(out, data);
		else if (e == MULTIPART_PART_END)
			buf_char(out, ';');
		else if (e == MULTIPART_END)
			buf_char(out, '.');
		else if (e == MULTIPART_BAD || e == MULTIPART_TOO_MUCH) {
			buf_char(out, e == MULTIPART_BAD ? '!' : '>');
			break;
		} else if (used == 0 && piece.n == 0)
			break;
	}
	return buf_str(out);
}

#define HEAD(n) "Content-Disposition: form-data; name=\"" n "\"\r\n\r\n"

static const struct {
	const char *body, *events;
} rows[] = {
	{ "--b\r\n" HEAD("a") "x\r\n--b--", "[a||]x;." },
	{ "--b\r\n" HEAD("a") "x\r\n--b--\r\n", "[a||]x;." },
	{ "--b\r\n" HEAD("a") "\r\n--b--", "[a||];." },
	{ "--b\r\n" HEAD("a") "1\r\n--b\r\n" HEAD("b") "2\r\n--b--", "[a||]1;[b||]2;." },
	{ "--b\r\n" HEAD("a") "\r\r\n\n--b\r\n--c\r\n-\r\n--\r\n--b--", "[a||]\r\r\n\n--b\r\n--c\r\n-\r\n--;." },
	{ "--b--", "." },
	{ "--b\r\ncontent-disposition: FORM-DATA; FileName=\"f\"; name=a\r\nContent-Type: text/x\r\n\r\nx\r\n--b--",
	    "[a|f|text/x]x;." },
	{ "--b\r\n" HEAD("a\\\"b\\\\c\\d") "x\r\n--b--", "[a\"b\\c\\d||]x;." },
	{ "--b\r\nContent-Disposition: form-data; name=a; filename=\"f\"; filename*=UTF-8''evil\r\n\r\nx\r\n--b--",
	    "[a|f|]x;." },
	{ "--b\r\nX-More: 1\r\n" HEAD("a") "x\r\n--b--", "[a||]x;." },
	{ "--b\r\nContent-Transfer-Encoding: binary\r\n" HEAD("a") "x\r\n--b--", "[a||]x;." },
	/* refused */
	{ "\r\n--b\r\n" HEAD("a") "x\r\n--b--", "!" },
	{ "pre\r\n--b\r\n", "!" },
	{ "--b \r\n" HEAD("a") "x\r\n--b--", "!" },
	{ "--b\n" HEAD("a") "x\r\n--b--", "!" },
	{ "--c\r\n", "!" },
	{ "--b--x", ".!" },
	{ "--b--\r\nx", ".!" },
	{ "--b\r\n\r\nx\r\n--b--", "!" },
	{ "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "!" },
	{ "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data name=a\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data; name=a;\r\n\r\n", "!" },
	{ "--b\r\n" HEAD("a\x01") "", "!" },
	{ "--b\r\n" HEAD("a\xff") "", "!" },
	{ "--b\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition: form-data; name=a\nX: 1\r\n\r\n", "!" },
	{ "--b\r\nContent-Disposition : form-data; name=a\r\n\r\n", "!" },
	{ "--b\r\nContent-Transfer-Encoding: base64\r\n" HEAD("a") "", "!" },
	{ "--b\r\n" HEAD("a") "1\r\n--bx", "[a||]1;!" },
	{ "--b\r\n" HEAD("a") "\r\n--b\r\n" HEAD("a") "\r\n--b\r\n" HEAD("a") "\r\n--b\r\n" HEAD("a") "",
	    "[a||];[a||];[a||];>" },
	/* cut: not refused, and not ended */
	{ "--b\r\n" HEAD("a") "x\r\n--b", "[a||]x;" },
	{ "--b\r\n" HEAD("a") "x", "[a||]x" },
	{ "", "" },
};

static void
test_rows__give_their_events_however_they_are_cut(void)
{
	struct buf out;
	buf_init(&out, NULL, 256, 4096);
	for (size_t i = 0; i < NITEMS(rows); i++)
		for (size_t step = 1; step < 70; step += step < 8 ? 1 : 13) {
			struct str body = str_of(rows[i].body);
			EXPECT_IDX(str_eq(run(body, "b", step, &out), str_of(rows[i].events)), i * 100 + step);
			struct str end = str_of(rows[i].events);
			EXPECT_IDX(multipart_ended(&m) == (end.n > 0 && end.p[end.n - 1] == '.'), i);
		}
	buf_done(&out);
}

static void
test_a_head__over_the_limit__is_too_much(void)
{
	static char body[MULTIPART_HEAD_MAX + 64];
	struct buf out;
	buf_init(&out, NULL, 256, 4096);
	memset(body, 'x', sizeof body);
	memcpy(body, "--b\r\nX: ", 8);
	EXPECT(str_eq(run((struct str){ body, sizeof body }, "b", 999, &out), STR(">")));
	buf_done(&out);
}

static void
test_boundary__only_of_multipart_form_data(void)
{
	static const struct {
		const char *value, *boundary; /* NULL: refused */
	} cases[] = {
		{ "multipart/form-data; boundary=abc", "abc" },
		{ "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", "a b" },
		{ "multipart/form-data;boundary=----WebKitFormBoundaryx", "----WebKitFormBoundaryx" },
		{ "multipart/form-data", NULL },
		{ "multipart/form-data; boundary=", NULL },
		{ "multipart/form-data; boundary=\"\"", NULL },
		{ "multipart/form-data; boundary=\"a \"", NULL },
		{ "multipart/form-data; boundary=a; boundary=b", NULL },
		{ "multipart/form-data; boundary=\"a\\\"b\"", NULL },
		{ "multipart/form-data; boundary=a;", NULL },
		{ "multipart/mixed; boundary=a", NULL },
		{ "application/json", NULL },
		{ "", NULL },
		{ "multipart/form-data; "
		  "boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
		    NULL },
	};
	for (size_t i = 0; i < NITEMS(cases); i++) {
		char to[MULTIPART_BOUNDARY_MAX];
		struct str got = STR_NULL;
		int rc = multipart_boundary(str_of(cases[i].value), to, &got);
		EXPECT_IDX(rc == (cases[i].boundary == NULL ? -1 : 0), i);
		EXPECT_IDX(rc != 0 || str_eq(got, str_of(cases[i].boundary)), i);
	}
}

TESTS(T(test_rows__give_their_events_however_they_are_cut), T(test_a_head__over_the_limit__is_too_much),
    T(test_boundary__only_of_multipart_form_data))
