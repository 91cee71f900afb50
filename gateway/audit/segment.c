/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading the journal's files, line by line: see segment.h. */
#include "gateway/audit/segment.h"

#include "gateway/base/text.h"
#include "gateway/crypto/hash.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

enum { NAMES_MAX = 100000 };

void
chain_next(const uint8_t before[CHAIN_BYTES], struct str json, uint8_t out[CHAIN_BYTES])
{
	struct buf b;
	buf_init(&b, NULL, CHAIN_BYTES + json.n, CHAIN_BYTES + JOURNAL_LINE_MAX);
	buf_put(&b, before, CHAIN_BYTES);
	buf_str_put(&b, json);
	sha256(buf_str(&b), out);
	buf_done(&b);
}

int
journal_line_parse(struct str line, struct journal_line *out)
{
	uint8_t crc[4];
	struct str rest = str_skip(line, CRC_HEAD), seq = STR("{\"seq\":");
	if (line.n < LINE_HEAD + seq.n + 3 || line.n > JOURNAL_LINE_MAX || line.p[CRC_HEAD - 1] != ' ' ||
	    line.p[LINE_HEAD - 1] != ' ' || hex_get(str_sub(line, 0, CRC_HEAD - 1), crc, sizeof crc) != 0)
		return -1;
	uint32_t want = (uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3];
	out->chain = str_sub(line, CRC_HEAD, LINE_HEAD - 1);
	out->json = str_skip(line, LINE_HEAD);
	if (crc32c(0, rest.p, rest.n) != want || !str_starts(out->json, seq))
		return -1;
	struct str number = str_skip(out->json, seq.n);
	return str_to_u64(str_sub(number, 0, str_find(number, ',')), UINT64_MAX, &out->seq);
}

bool
segment_next(struct segment *s, struct str *line)
{
	bool ended = false;
	for (ssize_t n; (n = getline(&s->text, &s->cap, s->f)) > 0;) {
		size_t used = (size_t)n;
		while (used > 0 && s->text[used - 1] == 0)
			used--;
		if (used > 0)
			s->bytes = s->at + (off_t)used;
		s->at += (off_t)n;
		ended = ended || memchr(s->text, 0, (size_t)n) != NULL || s->text[n - 1] != '\n';
		s->torn = s->torn || (ended && used > 0);
		if (ended)
			continue; /* what stands behind the end is looked at, and not told */
		*line = (struct str){ s->text, (size_t)n - 1 };
		return true;
	}
	return false;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	return str_cmp(*x, *y);
}

int
journal_segments(struct arena *a, const char *dir, struct str **names, size_t *n, struct err *e)
{
	DIR *d = opendir(dir);
	size_t cap = 64;
	*n = 0;
	*names = arena_array(a, cap, sizeof **names);
	if (d == NULL)
		return ERR(e, E_IO, "%s: cannot be opened: %s", dir, strerror(errno));
	for (struct dirent *entry; *names != NULL && (entry = readdir(d)) != NULL;) {
		struct str name = str_of(entry->d_name);
		if (!str_ends(name, STR(".journal")) || name.n != 16 + 8)
			continue;
		if (*n == cap) {
			struct str *more = cap >= NAMES_MAX ? NULL : arena_array(a, cap * 2, sizeof **names);
			if (more != NULL)
				memcpy(more, *names, cap * sizeof **names);
			*names = more;
			cap *= 2;
			if (more == NULL)
				break;
		}
		(*names)[(*n)++] = arena_str(a, name);
	}
	(void)closedir(d);
	if (*names == NULL)
		return ERR(e, E_LIMIT, "journal: too many segments");
	qsort(*names, *n, sizeof **names, name_cmp);
	return 0;
}
