/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal on a real folder: what was synced is there after any end, and every touch is found. */
#include "gateway/audit/journal.h"

#include "gateway/audit/audit.h"
#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 25, TEXT_MAX = 1 << 16 };

static struct journal *abandoned[32]; /* kept, so that the leak checker sees them as meant */
static size_t n_abandoned;

struct box {
	char dir[64], journal[80], key[80];
	struct journal_conf conf;
};

static void
box_make(struct box *b)
{
	memcpy(b->dir, "/tmp/journal-XXXXXX", 20);
	REQUIRE(mkdtemp(b->dir) != NULL);
	(void)snprintf(b->journal, sizeof b->journal, "%s/audit", b->dir);
	(void)snprintf(b->key, sizeof b->key, "%s/key.pem", b->dir);
	b->conf = (struct journal_conf){ b->journal, b->key, 1 << 20, 10 };
}

static void
box_drop(struct box *b)
{
	static const char *const names[] = { "", "/checkpoint.pub", "/checkpoint.last" };
	AUTO(arena) a = arena_new("test", 1 << 16);
	struct str *segments;
	size_t n;
	char path[200];
	if (journal_segments(a, b->journal, &segments, &n, &(struct err){ 0 }) == 0)
		for (size_t i = 0; i < n; i++) {
			(void)snprintf(path, sizeof path, "%s/%.*s", b->journal, STR_ARG(segments[i]));
			(void)unlink(path);
			(void)snprintf(path, sizeof path, "%s/%.*s.torn", b->journal, STR_ARG(segments[i]));
			(void)unlink(path);
		}
	for (size_t i = 1; i < NITEMS(names); i++) {
		(void)snprintf(path, sizeof path, "%s%s", b->journal, names[i]);
		(void)unlink(path);
	}
	(void)unlink(b->key);
	(void)rmdir(b->journal);
	(void)rmdir(b->dir);
}

static void
fill(struct box *b, unsigned records, bool close_well)
{
	struct err e = { 0 };
	bool torn;
	struct journal *j = journal_open(&b->conf, &torn, &e);
	REQUIRE(j != NULL);
	for (unsigned i = 0; i < records; i++) {
		char text[64];
		(void)snprintf(text, sizeof text, "{\"event\":\"request\",\"n\":%u}", i);
		EXPECT_IDX(journal_add(j, str_of(text)) == 0, i);
		EXPECT_IDX(journal_sync(j, &e) == 0, i);
	}
	if (close_well)
		journal_close(&j);
	else
		abandoned[n_abandoned++ % NITEMS(abandoned)] = j; /* as after kill -9: nobody closes it */
}

/* The first segment's path and text. */
static size_t
segment_read(struct box *b, char path[200], char *text)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	struct str *segments;
	size_t n;
	REQUIRE(journal_segments(a, b->journal, &segments, &n, &(struct err){ 0 }) == 0 && n > 0);
	(void)snprintf(path, 200, "%s/%.*s", b->journal, STR_ARG(segments[0]));
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, text, TEXT_MAX);
	(void)close(fd);
	REQUIRE(got > 0 && got < TEXT_MAX);
	return (size_t)got;
}

static void
segment_write(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	REQUIRE(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	(void)close(fd);
}

static int
verify(struct box *b, struct audit_finding *f, bool *torn)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	uint64_t records = 0;
	struct err e = { 0 };
	*f = (struct audit_finding){ 0 };
	return audit_verify(b->journal, NULL, a, f, &records, torn, &e);
}

static char *
line_at(char *text, unsigned n)
{
	while (n-- > 0)
		text = strchr(text, '\n') + 1;
	return text;
}

enum touch { CHANGED, CHECKSUM_TOO, REMOVED, SWAPPED, REPEATED, CUT_END, BEGINNING };

static size_t
touch(char *text, size_t n, enum touch how)
{
	char *five = line_at(text, 5), *six = line_at(text, 6), *seven = line_at(text, 7);
	static char copy[TEXT_MAX];
	size_t five_n = (size_t)(six - five), six_n = (size_t)(seven - six);
	switch (how) {
	case CHANGED:
		*strstr(five, "request") = 'R';
		return n;
	case CHECKSUM_TOO: { /* a record that is right by itself, from a hand that can compute checksums: copied from elsewhere */
		memmove(six, five, five_n);
		memcpy(six + five_n, seven, n - (size_t)(seven - text));
		return n - six_n + five_n;
	}
	case REMOVED:
		memmove(five, six, n - (size_t)(six - text));
		return n - five_n;
	case SWAPPED:
		memcpy(copy, five, five_n);
		memmove(five, six, six_n);
		memcpy(five + six_n, copy, five_n);
		return n;
	case REPEATED:
		memmove(six + five_n, six, n - (size_t)(six - text));
		memcpy(six, five, five_n);
		return n + five_n;
	case CUT_END:
		return (size_t)(line_at(text, 20) - text);
	case BEGINNING:
		memmove(text, five, n - (size_t)(five - text));
		return n - (size_t)(five - text);
	}
	return n;
}

static void
test_verify__of_a_touched_journal__finds_it(void)
{
	static const struct {
		enum touch how;
		const char *says;
	} rows[] = { { CHANGED, "changed" }, { CHECKSUM_TOO, "re" }, { REMOVED, "removed" }, { SWAPPED, "re" },
		{ REPEATED, "re" }, { CUT_END, "removed" }, { BEGINNING, "begin" } };
	static char text[2 * TEXT_MAX];
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct box b;
		struct audit_finding f;
		char path[200];
		bool torn;
		box_make(&b);
		fill(&b, RECORDS, true);
		EXPECT_IDX(verify(&b, &f, &torn) == 0 && !torn, i);
		memset(text, 0, sizeof text);
		size_t n = segment_read(&b, path, text);
		n = touch(text, n, rows[i].how);
		segment_write(path, text, n);
		EXPECT_IDX(verify(&b, &f, &torn) == 1 && strstr(f.what, rows[i].says) != NULL && f.record > 0, i);
		box_drop(&b);
	}
}

static void
test_open__after_a_torn_record__goes_on_with_a_sound_chain(void)
{
	static char text[TEXT_MAX];
	for (size_t cut = 1; cut < LINE_HEAD + 30; cut += 13) { /* shorter than any record */
		struct box b;
		struct audit_finding f;
		struct err e = { 0 };
		char path[200];
		bool torn = false;
		box_make(&b);
		fill(&b, 5, false);
		size_t n = segment_read(&b, path, text);
		memcpy(text + n, text, cut); /* the beginning of a record: not finished when power went */
		segment_write(path, text, n + cut);
		EXPECT_IDX(verify(&b, &f, &torn) == 0 && torn, cut);
		struct journal *j = journal_open(&b.conf, &torn, &e);
		REQUIRE(j != NULL);
		EXPECT_IDX(torn && journal_add(j, STR("{\"event\":\"after\"}")) == 0 && journal_sync(j, &e) == 0, cut);
		journal_close(&j);
		EXPECT_IDX(verify(&b, &f, &torn) == 0 && !torn, cut);
		box_drop(&b);
	}
}

static void
test_add__of_what_is_no_record__is_refused(void)
{
	static const char *const bad[] = { "", "{}", "x", "{\"a\":1}\n", "{\"a\":\n1}", "[\"a\"]" };
	struct box b;
	struct err e = { 0 };
	bool torn;
	box_make(&b);
	struct journal *j = journal_open(&b.conf, &torn, &e);
	REQUIRE(j != NULL);
	for (size_t i = 0; i < NITEMS(bad); i++)
		EXPECT_IDX(journal_add(j, str_of(bad[i])) == -1, i);
	journal_close(&j);
	box_drop(&b);
}

static void
test_segments__full_ones__are_followed_and_the_chain_goes_on(void)
{
	AUTO(arena) a = arena_new("test", 1 << 16);
	struct box b;
	struct audit_finding f;
	struct str *names;
	size_t n;
	bool torn;
	box_make(&b);
	b.conf.segment_bytes = 1500;
	fill(&b, 40, true);
	fill(&b, 40, false); /* opened again */
	REQUIRE(journal_segments(a, b.journal, &names, &n, &(struct err){ 0 }) == 0);
	EXPECT(n > 3 && verify(&b, &f, &torn) == 0);
	char path[200];
	(void)snprintf(path, sizeof path, "%s/%.*s", b.journal, STR_ARG(names[1]));
	(void)unlink(path);
	EXPECT(verify(&b, &f, &torn) == 1 && strstr(f.what, "removed") != NULL);
	box_drop(&b);
}

TESTS(T(test_verify__of_a_touched_journal__finds_it), T(test_open__after_a_torn_record__goes_on_with_a_sound_chain),
    T(test_add__of_what_is_no_record__is_refused), T(test_segments__full_ones__are_followed_and_the_chain_goes_on))
