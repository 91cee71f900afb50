/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of the page, read once from swagger.dir into memory: no worker touches the disk afterwards. Only names of the table are
 * ever opened; a request's path is compared with the table, not joined to a folder.                                        */
#ifndef GATEWAY_SWAGGER_UI_FILES_H
#define GATEWAY_SWAGGER_UI_FILES_H

#include "gateway/swagger/blob.h"

enum { UI_FILES = 8 };

struct ui_files {
	unsigned refs;
	struct blob v[UI_FILES]; /* .plain.p NULL: not there */
};

/* Number of the file that a path below the site names ("/swagger/": index.html); -1: none. */
int ui_file_of(struct str path);
/* What is wrong with the folder, in e: -1. Blocking: start, reload, gatehouse check. */
int ui_files_check(struct str dir, struct err *e) MUSTUSE;
/* Reads what is there; the missing ones are told in e (the first), and their routes answer 404. NULL: out of memory. Blocking. */
struct ui_files *ui_files_read(struct str dir, struct err *e);
void ui_files_free(struct ui_files **f);

#endif
