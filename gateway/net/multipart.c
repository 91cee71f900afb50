/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parser. A delimiter is CRLF "--" boundary; the first one comes without its CRLF, so the parser begins with two bytes matched.
 *
 *   begin --delimiter--> after --CRLF--> head --empty line--> data --delimiter--> after
 *                        after --"--"--> closed --CRLF--> over                                                              */
#include "gateway/net/multipart.h"

#include "gateway/base/text.h"

enum { S_BEGIN, S_AFTER, S_AFTER_CR, S_AFTER_DASH, S_HEAD, S_DATA, S_CLOSED, S_CLOSED_CR, S_OVER, S_BAD, S_TOO_MUCH };

static enum multipart_event
bad(struct multipart *m, const char *why)
{
	m->why = why;
	m->state = S_BAD;
	return MULTIPART_BAD;
}

static enum multipart_event
too_much(struct multipart *m, const char *why)
{
	m->why = why;
	m->state = S_TOO_MUCH;
	return MULTIPART_TOO_MUCH;
}

/* --- parameters: ; name=token or ; name="quoted" ------------------------------------------------------------------------------ */

static bool
token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       str_find(STR("!#$%&'*+-.^_`|~"), c) < 15;
}

/* One parameter off the front of *rest. 1: taken, 0: nothing left, -1: malformed. A quoted value is unescaped in place: a backslash
 * counts only before a quote or a backslash, since old browsers send Windows paths as they are.                            */
static int
parameter_next(char **rest, const char *end, struct str *name, struct str *value)
{
	char *p = *rest;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end)
		return 0;
	if (*p++ != ';')
		return -1;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	name->p = p;
	while (p < end && token_char(*p))
		p++;
	name->n = (size_t)(p - name->p);
	if (name->n == 0 || p == end || *p++ != '=')
		return -1;
	value->p = p;
	if (p < end && *p == '"') {
		char *to = ++p;
		value->p = to;
		for (; p < end && *p != '"'; p++) {
			if (*p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\'))
				p++;
			*to++ = *p;
		}
		if (p == end)
			return -1;
		value->n = (size_t)(to - value->p);
		p++;
	} else {
		while (p < end && token_char(*p))
			p++;
		value->n = (size_t)(p - value->p);
		if (value->n == 0)
			return -1;
	}
	*rest = p;
	return 1;
}

static bool
boundary_ok(struct str b)
{
	if (b.n == 0 || b.n > MULTIPART_BOUNDARY_MAX || b.p[b.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < b.n; i++) {
		char c = b.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!alnum && str_find(STR("'()+_,-./:=? "), c) == 13)
			return false;
	}
	return true;
}

int
multipart_boundary(struct str content_type, char *to, struct str *boundary)
{
	char copy[512];
	struct str name, value;
	bool found = false;
	int more;
	size_t semi = str_find(content_type, ';');
	struct str rest_text = str_skip(content_type, semi);
	if (!str_ieq(str_trim(str_sub(content_type, 0, semi)), STR("multipart/form-data")) || rest_text.n > sizeof copy)
		return -1;
	memcpy(copy, rest_text.p, rest_text.n);
	char *rest = copy;
	while ((more = parameter_next(&rest, copy + rest_text.n, &name, &value)) > 0) {
		if (!str_ieq(name, STR("boundary")))
			continue;
		if (found || !boundary_ok(value))
			return -1;
		found = true;
		memcpy(to, value.p, value.n);
		*boundary = (struct str){ to, value.n };
	}
	return more == 0 && found ? 0 : -1;
}

/* --- a part's head ------------------------------------------------------------------------------------------------------------- */

/* Valid UTF-8 without control bytes. */
static bool
text_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static const char *
disposition_take(struct multipart *m, char *value, char *end)
{
	struct str name, v;
	char *p = value;
	int more;
	while (p < end && token_char(*p))
		p++;
	if (!str_ieq((struct str){ value, (size_t)(p - value) }, STR("form-data")))
		return "Content-Disposition is not form-data";
	while ((more = parameter_next(&p, end, &name, &v)) > 0) {
		struct str *to = str_ieq(name, STR("name"))       ? &m->name
		                 : str_ieq(name, STR("filename")) ? &m->filename
		                                                  : NULL;
		if (to == NULL)
			continue; /* filename* among them: RFC 7578 4.2 */
		if (to->p != NULL)
			return "a parameter comes twice";
		if (v.n > MULTIPART_NAME_MAX)
			return "a name is too long";
		if (!text_ok(v))
			return "a name has control bytes or is not UTF-8";
		*to = v;
	}
	return more < 0 ? "Content-Disposition cannot be read" : NULL;
}

static const char *
field_take(struct multipart *m, char *line, size_t n, bool *has_disposition)
{
	struct str s = { line, n };
	size_t colon = str_find(s, ':');
	struct str name = str_sub(s, 0, colon), value = str_trim(str_skip(s, colon + 1));
	if (colon == n || colon == 0)
		return "a line of a part's head has no name";
	for (size_t i = 0; i < name.n; i++)
		if (!token_char(name.p[i]))
			return "a line of a part's head has no name";
	if (str_ieq(name, STR("content-disposition"))) {
		if (*has_disposition)
			return "two Content-Disposition lines";
		*has_disposition = true;
		return value.n == 0 ? "Content-Disposition is empty"
		                    : disposition_take(m, line + (value.p - line), line + (value.p - line) + value.n);
	}
	if (str_ieq(name, STR("content-type"))) {
		if (m->type.n > 0)
			return "two Content-Type lines";
		m->type = value;
		return text_ok(value) ? NULL : "Content-Type has control bytes";
	}
	if (str_ieq(name, STR("content-transfer-encoding")) && !str_ieq(value, STR("binary")) &&
	    !str_ieq(value, STR("8bit")) && !str_ieq(value, STR("7bit")))
		return "a transfer encoding";
	return NULL;
}

/* m->head is complete, the last empty line not included. */
static const char *
head_parse(struct multipart *m)
{
	bool has_disposition = false;
	size_t at = 0;
	m->name = m->filename = m->type = STR_NULL;
	while (at < m->head_n) {
		struct str rest = { m->head + at, m->head_n - at };
		size_t n = str_find_str(rest, STR("\r\n"));
		for (size_t i = 0; i < n; i++)
			if (rest.p[i] == '\r' || rest.p[i] == '\n' || rest.p[i] == 0)
				return "a bare CR, LF or NUL in a part's head";
		if (n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
			return "a folded line in a part's head";
		const char *why = field_take(m, m->head + at, n, &has_disposition);
		if (why != NULL)
			return why;
		at += n + 2;
	}
	if (!has_disposition || m->name.p == NULL || m->name.n == 0)
		return "a part without a name";
	return NULL;
}

static enum multipart_event
head_feed(struct multipart *m, struct str in, size_t *used)
{
	while (*used < in.n) {
		if (m->head_n == MULTIPART_HEAD_MAX)
			return too_much(m, "a part's head is too long");
		m->head[m->head_n++] = in.p[(*used)++];
		bool empty = m->head_n == 2 && memcmp(m->head, "\r\n", 2) == 0;
		bool over = m->head_n >= 4 && memcmp(m->head + m->head_n - 4, "\r\n\r\n", 4) == 0;
		if (!empty && !over)
			continue;
		if (++m->parts > m->parts_max)
			return too_much(m, "too many parts");
		m->head_n -= 2;
		const char *why = head_parse(m);
		if (why != NULL)
			return bad(m, why);
		m->state = S_DATA;
		m->matched = 0;
		return MULTIPART_PART;
	}
	return MULTIPART_MORE;
}

/* --- a part's data ------------------------------------------------------------------------------------------------------------- */

/* Bytes up to the next CR are data; from there on the delimiter is matched byte by byte. The CR at its begin is its only one, so that
 * after a mismatch the search goes on at the byte that did not match.                                                     */
static enum multipart_event
data_feed(struct multipart *m, struct str in, size_t *used, struct str *data)
{
	struct str rest = str_skip(in, *used);
	if (m->matched == 0) {
		size_t n = str_find(rest, '\r');
		if (n > 0) {
			*data = str_sub(rest, 0, n);
			*used += n;
			return rest.n == 0 ? MULTIPART_MORE : MULTIPART_DATA;
		}
	}
	while (*used < in.n && m->matched < m->delimiter_n && in.p[*used] == m->delimiter[m->matched]) {
		m->matched++;
		++*used;
	}
	if (m->matched == m->delimiter_n) {
		m->state = S_AFTER;
		return MULTIPART_PART_END;
	}
	if (*used == in.n)
		return MULTIPART_MORE;
	*data = (struct str){ m->delimiter, m->matched };
	m->matched = 0;
	return MULTIPART_DATA;
}

static enum multipart_event
begin_feed(struct multipart *m, struct str in, size_t *used)
{
	while (*used < in.n && m->matched < m->delimiter_n) {
		if (in.p[*used] != m->delimiter[m->matched])
			return bad(m, "the body does not begin with its boundary");
		m->matched++;
		++*used;
	}
	if (m->matched == m->delimiter_n)
		m->state = S_AFTER;
	return MULTIPART_MORE;
}

/* States that one byte moves on. */
static enum multipart_event
byte_feed(struct multipart *m, char c)
{
	static const struct {
		int from;
		char byte;
		int to;
	} moves[] = {
		{ S_AFTER, '\r', S_AFTER_CR },
		{ S_AFTER, '-', S_AFTER_DASH },
		{ S_AFTER_CR, '\n', S_HEAD },
		{ S_AFTER_DASH, '-', S_CLOSED },
		{ S_CLOSED, '\r', S_CLOSED_CR },
		{ S_CLOSED_CR, '\n', S_OVER },
	};
	for (size_t i = 0; i < NITEMS(moves); i++)
		if (moves[i].from == m->state && moves[i].byte == c) {
			m->state = moves[i].to;
			m->head_n = 0;
			return m->state == S_CLOSED ? MULTIPART_END : MULTIPART_MORE;
		}
	return bad(
	    m, m->state >= S_CLOSED ? "bytes behind the last boundary" : "neither CRLF nor -- behind a boundary");
}

void
multipart_begin(struct multipart *m, struct str boundary, unsigned parts_max)
{
	CHECK(boundary.n > 0 && boundary.n <= MULTIPART_BOUNDARY_MAX);
	memset(m, 0, sizeof *m);
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.p, boundary.n);
	m->delimiter_n = 4 + boundary.n;
	m->matched = 2;
	m->parts_max = parts_max;
	m->state = S_BEGIN;
}

enum multipart_event
multipart_feed(struct multipart *m, struct str in, size_t *used, struct str *data)
{
	*used = 0;
	*data = STR_NULL;
	while (m->state != S_BAD && m->state != S_TOO_MUCH && *used < in.n) {
		enum multipart_event e;
		if (m->state == S_BEGIN)
			e = begin_feed(m, in, used);
		else if (m->state == S_HEAD)
			e = head_feed(m, in, used);
		else if (m->state == S_DATA)
			e = data_feed(m, in, used, data);
		else
			e = byte_feed(m, in.p[(*used)++]);
		if (e != MULTIPART_MORE)
			return e;
	}
	return m->state == S_BAD ? MULTIPART_BAD : m->state == S_TOO_MUCH ? MULTIPART_TOO_MUCH : MULTIPART_MORE;
}

bool
multipart_ended(const struct multipart *m)
{
	return m->state == S_CLOSED || m->state == S_OVER;
}
