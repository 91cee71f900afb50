/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log's two forms: text for people, JSON lines for machines. */
#include "gateway/base/log.h"

#include "gateway/base/date.h"
#include "gateway/base/json_write.h"

#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, TAIL = 64 };
static const char *const levels[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"
};

static void
time_put(struct buf *b, const struct log *log)
{
	struct date d;
	date_from_epoch_us(clock_real_us(log->clock), &d);
	date_put_iso(b, &d);
}

static void
text_field(struct buf *b, const struct log_field *f)
{
	buf_printf(b, " %s=", f->name);
	switch (f->kind) {
	case LOG_F_INT:
		buf_i64(b, f->i);
		break;
	case LOG_F_STR:
		buf_char(b, '"');
		json_escape_put(b, f->s, JSON_PLAIN);
		buf_char(b, '"');
		break;
	case LOG_F_ERR:
		buf_char(b, '"');
		json_escape_put(b, str_of(f->e->text), JSON_PLAIN);
		buf_printf(b, "\" kind=%s at=%s:%d", err_kind_text(f->e->kind), f->e->file == NULL ? "-" : f->e->file,
		    f->e->line);
		break;
	}
}

static void
json_field(struct json_write *w, const struct log_field *f)
{
	switch (f->kind) {
	case LOG_F_INT:
		json_kv_i64(w, str_of(f->name), f->i);
		break;
	case LOG_F_STR:
		json_kv_str(w, str_of(f->name), f->s);
		break;
	case LOG_F_ERR:
		json_kv_str(w, str_of(f->name), str_of(f->e->text));
		json_kv_str(w, STR("kind"), str_of(err_kind_text(f->e->kind)));
		break;
	}
}

static void
json_line(struct buf *b, const struct log *log, enum log_level level, const char *event, const struct log_field *fields,
    size_t n)
{
	struct json_write w;
	json_begin(&w, b, JSON_PLAIN);
	json_obj(&w);
	json_key(&w, STR("time"));
	json_raw(&w, STR("\""));
	time_put(b, log);
	buf_char(b, '"');
	json_kv_str(&w, STR("level"), str_of(levels[level]));
	json_kv_str(&w, STR("process"), str_of(log->process));
	json_kv_str(&w, STR("event"), str_of(event));
	for (size_t i = 0; i < n; i++)
		if (fields[i].kind != LOG_F_ERR || fields[i].e != NULL)
			json_field(&w, &fields[i]);
	json_obj_end(&w);
}

void
log_write(const struct log *log, enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct buf b;
	if (log == NULL || level < log->least)
		return;
	buf_init(&b, NULL, 512, LINE_MAX_BYTES);
	if (log->json) {
		json_line(&b, log, level, event, fields, n);
	} else {
		time_put(&b, log);
		buf_printf(&b, " %-5s [%s] %s", levels[level], log->process, event);
		for (size_t i = 0; i < n; i++)
			if (fields[i].kind != LOG_F_ERR || fields[i].e != NULL)
				text_field(&b, &fields[i]);
	}
	if (!buf_ok(&b)) { /* too long: the event without its fields says more than nothing */
		buf_clear(&b);
		if (log->json)
			json_line(&b, log, level, event, NULL, 0);
		else
			buf_printf(&b, "%-5s [%s] %s (fields too long)", levels[level], log->process, event);
	}
	buf_char(&b, '\n');
	if (b.p != NULL && write(log->fd, b.p, b.n) < 0) {
		/* nowhere left to tell it */
	}
	buf_done(&b);
}
