/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The anchor of the read benchmarks: libmariadb alone. Runs the statements of FILE (one a line) in their order, again and again, prepared, and
 * discards the rows, on 4 connections (a thread each). Prints how often per second, and the CPU microseconds of this process for
 * each time. usage: db_loop SOCKET DATABASE FILE SECONDS                                                                     */
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { THREADS = 4, STATEMENTS_MAX = 16, COLUMNS = 256, CELL_BYTES = 512 };

static const char *socket_path, *database;
static char *statements[STATEMENTS_MAX];
static size_t lengths[STATEMENTS_MAX];
static unsigned n_statements;
static double seconds;
static atomic_ulong runs;

static double
now_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void __attribute__((noreturn))
broken(MYSQL_STMT *s, const char *sql)
{
	fprintf(stderr, "db_loop: %s: %s\n", mysql_stmt_error(s), sql);
	exit(1);
}

/* Every row is fetched into bound buffers, as any program does that reads it. */
static void
run_one(MYSQL_STMT *s, MYSQL_BIND *out, const char *sql)
{
	int rc;
	if (mysql_stmt_execute(s) != 0 || mysql_stmt_bind_result(s, out) != 0 || mysql_stmt_store_result(s) != 0)
		broken(s, sql);
	while ((rc = mysql_stmt_fetch(s)) == 0 || rc == MYSQL_DATA_TRUNCATED)
		;
	if (rc != MYSQL_NO_DATA || mysql_stmt_free_result(s) != 0)
		broken(s, sql);
}

static void *
run(void *arg)
{
	MYSQL *my = mysql_init(NULL);
	MYSQL_STMT *s[STATEMENTS_MAX];
	MYSQL_BIND out[COLUMNS] = { 0 };
	unsigned long done = 0;
	static _Thread_local char cells[COLUMNS][CELL_BYTES];
	(void)arg;
	if (mysql_real_connect(my, NULL, "root", NULL, database, 0, socket_path, 0) == NULL ||
	    mysql_set_character_set(my, "utf8mb4") != 0) {
		fprintf(stderr, "db_loop: %s\n", mysql_error(my));
		exit(1);
	}
	for (int i = 0; i < COLUMNS; i++) {
		out[i].buffer_type = MYSQL_TYPE_STRING;
		out[i].buffer = cells[i];
		out[i].buffer_length = CELL_BYTES;
	}
	for (unsigned i = 0; i < n_statements; i++) {
		s[i] = mysql_stmt_init(my);
		if (mysql_stmt_prepare(s[i], statements[i], lengths[i]) != 0 || mysql_stmt_field_count(s[i]) > COLUMNS)
			broken(s[i], statements[i]);
	}
	for (double end = now_s() + seconds; now_s() < end; done++)
		for (unsigned i = 0; i < n_statements; i++)
			run_one(s[i], out, statements[i]);
	atomic_fetch_add(&runs, done);
	return NULL;
}

static int
statements_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t cap = 0;
	ssize_t n;
	if (f == NULL)
		return -1;
	while (n_statements < STATEMENTS_MAX && (n = getline(&statements[n_statements], &cap, f)) > 0) {
		lengths[n_statements] = (size_t)n - (statements[n_statements][n - 1] == '\n');
		n_statements++;
		cap = 0;
	}
	fclose(f);
	return n_statements == 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	pthread_t t[THREADS];
	struct rusage used;
	if (argc != 5 || statements_read(argv[3]) != 0 || mysql_library_init(0, NULL, NULL) != 0)
		return 2;
	socket_path = argv[1];
	database = argv[2];
	seconds = atof(argv[4]);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_create(&t[i], NULL, run, NULL);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	(void)getrusage(RUSAGE_SELF, &used);
	double cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
	                (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	printf("%.1f %.2f\n", (double)runs / seconds, cpu_us / (double)runs);
	return 0;
}
