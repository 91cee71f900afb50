/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal on a real folder: what was synced is there after any end, and every touch is found. */
#include "gateway/audit/journal.h"

#include "gateway/audit/audit.h"
#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORDS = 25, TEXT_MAX = 1 << 16 };

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
	b->conf = (struct journal_conf){ b->journal, b->key, 1 << 20, 4096, 10 };
}

static void
box_drop(struct box *b)
{
	static const char *const names[] = { "", "/checkpoint.pub", "/checkpoint.last", "/writer.lock" };
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

static int
write_records(struct box *b, unsigned records, struct journal **j)
{
	struct err e = { 0 };
	bool torn;
	*j = journal_open(&b->conf, &torn, &e);
	for (unsigned i = 0; *j != NULL && i < records; i++) {
		char text[64];
		(void)snprintf(text, sizeof text, "{\"event\":\"request\",\"n\":%u}", i);
		if (journal_add(*j, str_of(text)) != 0 || journal_sync(*j, &e) != 0)
			return -1;
	}
	return *j == NULL ? -1 : 0;
}

/* By a writer that ends well, or as after kill -9. */
static void
fill(struct box *b, unsigned records, bool close_well)
{
	struct journal *j;
	if (close_well) {
		REQUIRE(write_records(b, records, &j) == 0);
		journal_close(&j);
		return;
	}
	int status = -1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_records(b, records, &j) == 0 ? 0 : 1);
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
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

/* What the records of a segment take, NUL bytes behind them not counted. */
static size_t
records_n(const char *text, size_t n)
{
	const char *end = memchr(text, 0, n);
	return end == NULL ? n : (size_t)(end - text);
}

static off_t
file_size(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* Opens after a crash, adds a record and closes; the journal must be sound, with a torn record moved aside or not. */
static void
expect_goes_on(struct box *b, const char *path, bool want_torn, size_t row)
{
	struct audit_finding f;
	struct err e = { 0 };
	bool torn = false;
	EXPECT_IDX(verify(b, &f, &torn) == 0 && torn == want_torn, row); /* as it is found */
	struct journal *j = journal_open(&b->conf, &torn, &e);
	REQUIRE(j != NULL);
	EXPECT_IDX(torn == want_torn, row);
	EXPECT_IDX(journal_add(j, STR("{\"event\":\"after\"}")) == 0 && journal_sync(j, &e) == 0, row);
	journal_close(&j);
	EXPECT_IDX(verify(b, &f, &torn) == 0 && !torn, row);
	static char text[TEXT_MAX];
	size_t n = segment_read(b, (char[200]){ 0 }, text);
	EXPECT_IDX(
	    records_n(text, n) == n && file_size(path) == (off_t)n, row); /* closed: the file ends with its records */
}

static void
test_sync__lays_the_segment_out__within_its_bounds(void)
{
	static const struct {
		size_t ahead, segment;
		off_t at_most, at_least;
	} rows[] = { { 0, 1 << 20, 0, 0 }, { 4096, 1 << 20, 4096, 1 }, { 1 << 16, 4096, 4096, 1 } };
	static char text[2 * TEXT_MAX];
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct box b;
		char path[200];
		box_make(&b);
		b.conf.ahead_bytes = rows[i].ahead;
		b.conf.segment_bytes = rows[i].segment;
		fill(&b, 3, false);
		size_t n = segment_read(&b, path, text), used = records_n(text, n);
		EXPECT_IDX(text[used - 1] == '\n' && (off_t)(n - used) >= rows[i].at_least &&
		               (off_t)(n - used) <= rows[i].at_most,
		    i);
		expect_goes_on(&b, path, false, i);
		box_drop(&b);
	}
}

/* Power goes within a sync: of the bytes that were being written any blocks are there and any are not. */
static void
test_open__after_a_write_of_which_any_part_is_there__goes_on(void)
{
	enum { BLOCK = 16, BLOCKS = 8 };
	static char text[2 * TEXT_MAX], whole[2 * TEXT_MAX];
	for (unsigned there = 0; there + 1 < 1u << BLOCKS; there += 5) {
		struct box b;
		char path[200];
		box_make(&b);
		b.conf.ahead_bytes = 8192;
		fill(&b, 5, false);
		size_t n = segment_read(&b, path, text), used = records_n(text, n);
		memcpy(whole, text, n);
		REQUIRE(n - used > BLOCK * BLOCKS);
		memcpy(text + used, line_at(whole, 2), BLOCK * BLOCKS); /* two records of a batch */
		for (unsigned k = 0; k < BLOCKS; k++)
			if ((there & 1u << k) == 0)
				memset(text + used + k * BLOCK, 0, BLOCK);
		segment_write(path, text, n);
		expect_goes_on(&b, path, there != 0, there);
		box_drop(&b);
	}
}

/* Records behind the first NUL belong to a sync that did not end: whole as they are, they are not told and not chained to. */
static void
test_open__whole_records_behind_a_gap__do_not_count(void)
{
	static char text[2 * TEXT_MAX];
	struct box b;
	char path[200];
	box_make(&b);
	fill(&b, 8, false);
	size_t n = segment_read(&b, path, text);
	char *six = line_at(text, 6), *seven = line_at(text, 7);
	memset(six, 0, (size_t)(seven - six));
	segment_write(path, text, n);
	(void)snprintf(text, sizeof text, "%s/checkpoint.last", b.journal);
	(void)unlink(text);
	expect_goes_on(&b, path, true, 0);
	box_drop(&b);
}

static void
test_open__while_another_writes__is_refused(void)
{
	struct box b;
	struct err e = { 0 };
	bool torn;
	box_make(&b);
	struct journal *j = journal_open(&b.conf, &torn, &e);
	REQUIRE(j != NULL);
	EXPECT(journal_open(&b.conf, &torn, &e) == NULL && e.kind == E_CONFLICT);
	journal_close(&j);
	j = journal_open(&b.conf, &torn, &e);
	EXPECT(j != NULL);
	journal_close(&j);
	box_drop(&b);
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

static bool
add_sync(struct journal *j)
{
	struct err e = { 0 };
	return journal_add(j, STR("{\"event\":\"request\"}")) == 0 && journal_sync(j, &e) == 0;
}

/* What is written after the file was removed or moved away stands in a new file, and verify tells what is missing. */
static void
test_sync__after_the_file_was_taken_away__begins_a_new_one(void)
{
	for (int moved = 0; moved < 2; moved++) {
		AUTO(arena) a = arena_new("test", 1 << 16);
		struct box b;
		struct audit_finding f;
		struct err e = { 0 };
		struct str *names;
		char path[200], aside[200];
		size_t n;
		bool torn;
		box_make(&b);
		struct journal *j = journal_open(&b.conf, &torn, &e);
		REQUIRE(j != NULL && add_sync(j) && add_sync(j) && !journal_was_removed(j));
		REQUIRE(journal_segments(a, b.journal, &names, &n, &e) == 0 && n == 1);
		(void)snprintf(path, sizeof path, "%s/%.*s", b.journal, STR_ARG(names[0]));
		(void)snprintf(aside, sizeof aside, "%s/moved", b.journal);
		REQUIRE((moved ? rename(path, aside) : unlink(path)) == 0);
		EXPECT_IDX(
		    add_sync(j) && journal_was_removed(j) && !journal_was_removed(j) && add_sync(j), (size_t)moved);
		journal_close(&j);
		REQUIRE(journal_segments(a, b.journal, &names, &n, &e) == 0 && n == 1);
		EXPECT_IDX(
		    str_eq(names[0], STR("0000000000000003.journal")) && verify(&b, &f, &torn) == 1, (size_t)moved);
		if (moved) { /* put back, nothing is missing */
			REQUIRE(rename(aside, path) == 0);
			EXPECT_IDX(verify(&b, &f, &torn) == 0, (size_t)moved);
		}
		box_drop(&b);
	}
}

static void
test_sync__without_its_folder__is_an_error_until_it_is_there(void)
{
	struct box b;
	struct err e = { 0 };
	char aside[100];
	bool torn;
	box_make(&b);
	struct journal *j = journal_open(&b.conf, &torn, &e);
	REQUIRE(j != NULL && add_sync(j));
	(void)snprintf(aside, sizeof aside, "%s/aside", b.dir);
	REQUIRE(rename(b.journal, aside) == 0);
	EXPECT(!add_sync(j) && !add_sync(j));
	REQUIRE(rename(aside, b.journal) == 0);
	EXPECT(add_sync(j));
	journal_close(&j);
	EXPECT(verify(&b, &(struct audit_finding){ 0 }, &torn) == 0);
	box_drop(&b);
}

/* More records than there is memory for between two syncs: those that were taken stand whole. */
static void
test_add__beyond_what_one_sync_takes__is_refused_and_leaves_no_half_line(void)
{
	static char text[60 << 10];
	struct box b;
	struct audit_finding f;
	struct err e = { 0 };
	bool torn;
	unsigned taken = 0;
	memset(text, 'x', sizeof text);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + sizeof text - 2, "\"}", 2);
	box_make(&b);
	b.conf.segment_bytes = 1 << 30;
	b.conf.checkpoint_records = 1 << 30;
	struct journal *j = journal_open(&b.conf, &torn, &e);
	REQUIRE(j != NULL);
	while (taken < 2000 && journal_add(j, (struct str){ text, sizeof text }) == 0)
		taken++;
	EXPECT(taken > 100 && taken < 2000 && journal_sync(j, &e) == 0 && add_sync(j));
	journal_close(&j);
	EXPECT(verify(&b, &f, &torn) == 0 && !torn);
	box_drop(&b);
}

TESTS(T(test_verify__of_a_touched_journal__finds_it), T(test_sync__lays_the_segment_out__within_its_bounds),
    T(test_open__after_a_write_of_which_any_part_is_there__goes_on),
    T(test_open__whole_records_behind_a_gap__do_not_count), T(test_open__while_another_writes__is_refused),
    T(test_open__after_a_torn_record__goes_on_with_a_sound_chain), T(test_add__of_what_is_no_record__is_refused),
    T(test_sync__after_the_file_was_taken_away__begins_a_new_one),
    T(test_sync__without_its_folder__is_an_error_until_it_is_there),
    T(test_add__beyond_what_one_sync_takes__is_refused_and_leaves_no_half_line),
    T(test_segments__full_ones__are_followed_and_the_chain_goes_on))
