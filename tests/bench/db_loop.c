/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The anchor of the read benchmarks: libmariadb alone, one prepared point read of the same patient row per call, on 4 connections (a thread
 * each). Prints reads per second. usage: db_loop SOCKET DATABASE UUID_HEX SECONDS                                          */
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4, UUID_BYTES = 16, COLUMNS = 256, CELL_BYTES = 512 };

static const char *socket_path, *database;
static unsigned char uuid[UUID_BYTES];
static double seconds;
static atomic_ulong reads;

static double
now_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *
run(void *arg)
{
	static const char sql[] = "SELECT * FROM patient_data WHERE uuid = ?";
	MYSQL *my = mysql_init(NULL);
	MYSQL_STMT *s;
	MYSQL_BIND in = { 0 }, out[COLUMNS] = { 0 };
	static _Thread_local char cells[COLUMNS][CELL_BYTES];
	unsigned long n = UUID_BYTES, done = 0;
	(void)arg;
	if (mysql_real_connect(my, NULL, "root", NULL, database, 0, socket_path, 0) == NULL)
		exit(1);
	s = mysql_stmt_init(my);
	in.buffer_type = MYSQL_TYPE_BLOB;
	in.buffer = uuid;
	in.buffer_length = UUID_BYTES;
	in.length = &n;
	for (int i = 0; i < COLUMNS; i++) {
		out[i].buffer_type = MYSQL_TYPE_STRING;
		out[i].buffer = cells[i];
		out[i].buffer_length = CELL_BYTES;
	}
	if (mysql_stmt_prepare(s, sql, sizeof sql - 1) != 0 || mysql_stmt_field_count(s) > COLUMNS ||
	    mysql_stmt_bind_param(s, &in) != 0)
		exit(1);
	for (double end = now_s() + seconds; now_s() < end; done++)
		if (mysql_stmt_execute(s) != 0 || mysql_stmt_bind_result(s, out) != 0 ||
		    mysql_stmt_store_result(s) != 0 || mysql_stmt_fetch(s) == MYSQL_NO_DATA ||
		    mysql_stmt_free_result(s) != 0)
			exit(1);
	atomic_fetch_add(&reads, done);
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t t[THREADS];
	if (argc != 5 || strlen(argv[3]) != 2 * UUID_BYTES)
		return 2;
	socket_path = argv[1];
	database = argv[2];
	seconds = atof(argv[4]);
	for (int i = 0; i < UUID_BYTES; i++)
		if (sscanf(argv[3] + 2 * i, "%2hhx", &uuid[i]) != 1)
			return 2;
	for (int i = 0; i < THREADS; i++)
		(void)pthread_create(&t[i], NULL, run, NULL);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	printf("%.0f\n", (double)reads / seconds);
	return 0;
}
