/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON text written straight into a buf, commas placed by the writer. The nesting of calls is the caller's duty (CHECKed);
 * running out of room is the buf's (buf_ok). Not for reading (json_in.h).                                                  */
#ifndef GATEWAY_BASE_JSON_WRITE_H
#define GATEWAY_BASE_JSON_WRITE_H

#include "gateway/base/buf.h"

enum json_escape {
	JSON_PLAIN,   /* what RFC 8259 demands: UTF-8 kept, '/' kept                                        */
	JSON_PHP,     /* PHP json_encode default: "\/" and \uXXXX for non-ASCII (surrogate pairs)           */
	JSON_PHP_HEX, /* as JSON_PHP, and < > & ' " as \u003C \u003E \u0026 \u0027 \u0022                */
};
enum { JSON_DEPTH = 32 };

struct json_write {
	struct buf *out;
	enum json_escape escape;
	int depth;
	uint32_t comma; /* bit per level: a member was written */
};

void json_begin(struct json_write *w, struct buf *out, enum json_escape escape);
void json_obj(struct json_write *w);                 /* {  as a value            */
void json_obj_end(struct json_write *w);             /* }                        */
void json_arr(struct json_write *w);                 /* [                        */
void json_arr_end(struct json_write *w);             /* ]                        */
void json_key(struct json_write *w, struct str key); /* escaped like a string                                  */
/* Values. Invalid UTF-8 in json_str is written as U+FFFD, so the output is always valid JSON. */
void json_str(struct json_write *w, struct str s);
void json_i64(struct json_write *w, int64_t v);
void json_f64(struct json_write *w, double v); /* shortest form that reads back the same; NaN, Inf: null        */
void json_bool(struct json_write *w, bool v);
void json_nil(struct json_write *w);
void json_raw(struct json_write *w, struct str value); /* already JSON */
/* key and value in one call */
void json_kv_str(struct json_write *w, struct str key, struct str v); /* v.p NULL: null */
void json_kv_i64(struct json_write *w, struct str key, int64_t v);
void json_kv_bool(struct json_write *w, struct str key, bool v);
/* For hot paths: the comma (if due) and a prepared piece such as "\"id\":" ; a value must follow. */
void json_key_raw(struct json_write *w, struct str quoted_key_and_colon);
/* json_key_raw() and json_str() in one piece; v.p NULL: null. */
void json_member_raw(struct json_write *w, struct str quoted_key_and_colon, struct str v);
/* Only the characters, no quotes. */
void json_escape_put(struct buf *b, struct str s, enum json_escape escape);

#endif
