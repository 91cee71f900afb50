/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target over every file of a corpus folder, and over each file cut short and with single bytes changed, so that a
 * plain gcc build exercises the parsers. Not a fuzzer: the fuzz preset builds the same targets with libFuzzer.               */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { FILE_MAX_BYTES = 1 << 20, MUTATE_MAX_BYTES = 2048 };

/* An exact-size copy, so that a read past the end is seen by the address sanitizer. */
static void
run_copy(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	if (copy == NULL)
		exit(2);
	if (n > 0)
		memcpy(copy, p, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
run_mutations(uint8_t *p, size_t n)
{
	static const uint8_t bytes[] = { 0x00, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x7f, 0x80, 0xff };
	run_copy(p, n);
	if (n > MUTATE_MAX_BYTES)
		return;
	for (size_t cut = 0; cut < n; cut++)
		run_copy(p, cut);
	for (size_t i = 0; i < n; i++) {
		uint8_t keep = p[i];
		for (size_t b = 0; b < sizeof bytes; b++) {
			p[i] = bytes[b];
			run_copy(p, n);
		}
		p[i] = keep;
	}
}

int
main(int argc, char **argv)
{
	size_t files = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (dir == NULL) {
		fprintf(stderr, "usage: %s CORPUS_DIR (which must exist)\n", argv[0]);
		return 2;
	}
	static uint8_t data[FILE_MAX_BYTES];
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		char path[4096];
		struct stat st;
		(void)snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
		if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		FILE *f = fopen(path, "rb");
		if (f == NULL)
			return 2;
		size_t n = fread(data, 1, sizeof data, f);
		(void)fclose(f);
		run_mutations(data, n);
		files++;
	}
	(void)closedir(dir);
	printf("%zu corpus files replayed\n", files);
	return files > 0 ? 0 : 1;
}
