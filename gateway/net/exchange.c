/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handler's side of a connection: handing on bodies, writing answers. Calls from the handler only queue bytes and mark the
 * exchange; what follows from that happens in conn_run().                                                                  */
#include "gateway/net/conn.h"

static struct slot *
slot_of(struct exchange *x)
{
	CHECK_OBJ(x, EXCHANGE_MAGIC);
	return CONTAINER_OF(x, struct slot, x);
}

/* Nothing that is written now can reach the client. */
static bool
is_over(const struct slot *s)
{
	return s->answer.aborted || s->conn->broken;
}

void
exchange_begin(struct conn *c)
{
	struct slot *s = c->slot;
	struct listener *l = c->listener;
	const char *sni = c->ssl == NULL ? NULL : SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	s->conn = c;
	s->x = (struct exchange){
		.magic = EXCHANGE_MAGIC,
		.loop = l->loop,
		.arena = s->x.arena,
		.head = &s->head,
		.peer = &c->peer,
		.sni = str_of(sni),
		.tls_version = c->ssl == NULL ? NULL : SSL_get_version(c->ssl),
	};
	memset(&s->body, 0, sizeof s->body);
	memset(&s->answer, 0, sizeof s->answer);
	http_body_of_request(&s->body.coding, &s->head);
	c->client_closes = !s->head.keep_alive;
	c->requests++;
	c->state = CONN_EXCHANGE;
	l->stats.requests++;
	l->handler->request(&s->x, l->handler->ctx);
}

void
exchange_finish(struct conn *c, bool ok)
{
	struct slot *s = c->slot;
	CHECK_OBJ(&s->x, EXCHANGE_MAGIC);
	c->listener->handler->closed(&s->x, ok);
	s->x.magic = 0;
	if (s->body.collected.p != NULL)
		buf_done(&s->body.collected);
	arena_reset(s->x.arena);
}

/* --- the request's body --- */

static bool
body_wanted(const struct slot *s)
{
	const struct intake *b = &s->body;
	return (b->collect != NULL || b->stream != NULL) && !b->told && !b->paused && !s->answer.ended;
}

bool
exchange_body_waits(const struct slot *s)
{
	return body_wanted(s) && !http_body_ended(&s->body.coding);
}

/* The last call of the body's function: everything is there, or status says why not. */
static void
body_tell(struct slot *s, struct str last, unsigned status)
{
	struct intake *b = &s->body;
	b->told = true;
	if (status != 0)
		s->conn->close_after = true;
	if (b->collect != NULL)
		b->collect(&s->x, status == 0 ? last : STR_NULL, status);
	else
		b->stream(&s->x, last, status == 0, status);
}

/* A piece for the collected body. One that is the whole body stays where it was read. */
static void
body_collect_piece(struct slot *s, struct str piece)
{
	struct intake *b = &s->body;
	if (b->collected.n == 0 && http_body_ended(&b->coding)) {
		s->in.base = s->in.pos; /* later reads go behind it */
		body_tell(s, piece, 0);
		return;
	}
	if (b->collected.max == 0) {
		size_t known = s->head.chunked ? 0 : (size_t)s->head.content_length;
		buf_init(&b->collected, NULL, MIN(MAX(known, 4096u), (size_t)SLOT_IN_BYTES), b->max_bytes);
		b->collected.wipe = true;
	}
	buf_str_put(&b->collected, piece);
	if (!buf_ok(&b->collected))
		b->status = 413;
	else if (http_body_ended(&b->coding))
		body_tell(s, buf_str(&b->collected), 0);
}

static void
body_piece(struct slot *s, struct str piece)
{
	struct intake *b = &s->body;
	s->x.body_bytes_in += piece.n;
	if (b->max_bytes != 0 && s->x.body_bytes_in > b->max_bytes)
		b->status = 413;
	else if (b->collect != NULL)
		body_collect_piece(s, piece);
	else if (http_body_ended(&b->coding))
		body_tell(s, piece, 0);
	else
		b->stream(&s->x, piece, false, 0);
}

void
exchange_body_pump(struct slot *s)
{
	struct intake *b = &s->body;
	while (body_wanted(s) && !is_over(s)) {
		struct str in = { s->in.p + s->in.pos, slot_unread(s) }, piece;
		size_t used;
		if (b->status != 0) {
			body_tell(s, STR_NULL, b->status);
			return;
		}
		switch (http_body_feed(&b->coding, in, &used, &piece)) {
		case HTTP_BODY_DATA:
			s->in.pos += used;
			body_piece(s, piece);
			break;
		case HTTP_BODY_MORE:
			s->in.pos += used;
			s->conn->broken |= s->conn->eof;
			return;
		case HTTP_BODY_END:
			s->in.pos += used;
			body_tell(s, b->collect != NULL ? buf_str(&b->collected) : STR(""), 0);
			return;
		case HTTP_BODY_BAD:
			b->status = 400;
			break;
		}
	}
}

static void
body_begin(struct slot *s, uint64_t max_bytes)
{
	struct intake *b = &s->body;
	CHECK(b->collect == NULL && b->stream == NULL);
	b->max_bytes = max_bytes;
	if (max_bytes != 0 && !s->head.chunked && s->head.content_length > max_bytes)
		b->status = 413;
	else if (s->head.expect_continue && !b->continue_sent && !s->answer.begun && slot_unread(s) == 0 &&
	         !http_body_ended(&b->coding)) {
		b->continue_sent = true;
		buf_lit(&s->out, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	conn_wake(s->conn);
}

void
exchange_body_collect(struct exchange *x, size_t max_bytes, exchange_body_fn *fn)
{
	struct slot *s = slot_of(x);
	CHECK(max_bytes > 0);
	body_begin(s, max_bytes);
	s->body.collect = fn;
}

void
exchange_body_stream(struct exchange *x, uint64_t max_bytes, exchange_piece_fn *fn)
{
	struct slot *s = slot_of(x);
	body_begin(s, max_bytes);
	s->body.stream = fn;
}

void
exchange_body_pause(struct exchange *x)
{
	slot_of(x)->body.paused = true;
}

void
exchange_body_resume(struct exchange *x)
{
	struct slot *s = slot_of(x);
	s->body.paused = false;
	s->conn->touched = true;
	conn_wake(s->conn);
}

bool
exchange_has_body(const struct exchange *x)
{
	CHECK_OBJ(x, EXCHANGE_MAGIC);
	return x->head->chunked || x->head->content_length > 0;
}

/* --- the answer --- */

/* Whether another request may follow on this connection. */
static bool
answer_keeps(const struct slot *s)
{
	const struct conn *c = s->conn;
	const struct listener *l = c->listener;
	const struct intake *b = &s->body;
	unsigned max = l->conf->requests_per_connection_max;
	if (!s->head.keep_alive || c->close_after || l->draining || (max != 0 && c->requests >= max))
		return false;
	if (c->eof && slot_unread(s) == 0)
		return false;
	if (http_body_ended(&b->coding))
		return true;
	/* An unread body: nobody knows whether a client that waits for 100 Continue will send it; a long one is not worth it. */
	bool awaited = s->head.expect_continue && !b->continue_sent && slot_unread(s) == 0;
	bool lengthy = !s->head.chunked && b->coding.left > slot_unread(s) + SKIP_BYTES;
	return !awaited && !lengthy;
}

/* length -1: unknown. */
static void
answer_head(struct slot *s, unsigned status, struct str fields, int64_t length)
{
	struct answer *a = &s->answer;
	struct buf *b = &s->out;
	CHECK(!a->begun && status >= 200);
	bool bodiless = status == 204 || status == 304;
	a->begun = true;
	a->announced = length;
	a->no_body = bodiless || s->head.method == HTTP_HEAD;
	a->chunked = length < 0 && !bodiless && s->head.minor == 1;
	a->keep = answer_keeps(s) && (length >= 0 || a->chunked || a->no_body);
	http_status_put(b, status);
	buf_str_put(b, listener_date_line(s->conn->listener));
	buf_str_put(b, fields);
	if (a->chunked) {
		buf_lit(b, "Transfer-Encoding: chunked\r\n");
	} else if (length >= 0 && !bodiless) {
		buf_lit(b, "Content-Length: ");
		buf_u64(b, (uint64_t)length);
		buf_lit(b, "\r\n");
	}
	if (!a->keep)
		buf_lit(b, "Connection: close\r\n");
	else if (s->head.minor == 0)
		buf_lit(b, "Connection: keep-alive\r\n");
	buf_lit(b, "\r\n");
}

/* Fills the queue to one TLS record; what is beyond goes straight from the caller's memory to the socket, as far as it takes it. */
static void
answer_bytes(struct slot *s, struct str bytes)
{
	struct conn *c = s->conn;
	size_t queued = slot_queued(s), first = MIN(bytes.n, RECORD_BYTES - MIN(queued, (size_t)RECORD_BYTES));
	buf_put(&s->out, bytes.p, first);
	if (first == bytes.n)
		return;
	bytes = str_skip(bytes, first);
	conn_flush(c);
	while (bytes.n > 0 && !c->broken && c->write_wants == 0 && slot_queued(s) == 0) {
		ssize_t r = tls_write(c, bytes.p, bytes.n);
		if (r > 0) {
			s->x.bytes_out += (size_t)r;
			c->touched = true;
			bytes = str_skip(bytes, (size_t)r);
		} else if (r != IO_BLOCKED) {
			c->broken = true;
		}
	}
	buf_str_put(&s->out, bytes);
}

/* The queue could not grow: the answer cannot be completed. */
static void
answer_settle(struct slot *s)
{
	if (!buf_ok(&s->out))
		s->answer.aborted = true;
	conn_wake(s->conn);
}

void
exchange_reply(struct exchange *x, unsigned status, struct str fields, struct str body)
{
	struct slot *s = slot_of(x);
	if (is_over(s)) {
		conn_wake(s->conn);
		return;
	}
	answer_head(s, status, fields, (int64_t)body.n);
	s->answer.ended = true;
	s->answer.written = body.n;
	if (!s->answer.no_body)
		answer_bytes(s, body);
	answer_settle(s);
}

void
exchange_reply_begin(struct exchange *x, unsigned status, struct str fields, int64_t content_length)
{
	struct slot *s = slot_of(x);
	if (!is_over(s))
		answer_head(s, status, fields, content_length);
	answer_settle(s);
}

static void
chunk_put(struct slot *s, struct str piece)
{
	char line[2 + 16 + 2];
	int n = snprintf(line, sizeof line, "%zx\r\n", piece.n);
	answer_bytes(s, (struct str){ line, (size_t)n });
	answer_bytes(s, piece);
	answer_bytes(s, STR("\r\n"));
}

size_t
exchange_reply_write(struct exchange *x, struct str piece)
{
	struct slot *s = slot_of(x);
	struct answer *a = &s->answer;
	if (is_over(s) || piece.n == 0)
		return slot_queued(s);
	CHECK(a->begun && !a->ended);
	a->written += piece.n;
	if (a->announced >= 0 && a->written > (uint64_t)a->announced)
		a->aborted = true;
	else if (!a->no_body && a->chunked)
		chunk_put(s, piece);
	else if (!a->no_body)
		answer_bytes(s, piece);
	if (slot_queued(s) > QUEUE_MAX_BYTES)
		a->aborted = true;
	if (slot_queued(s) > EXCHANGE_HIGH_WATER)
		a->drain_due = true;
	answer_settle(s);
	return slot_queued(s);
}

void
exchange_on_drain(struct exchange *x, void (*drain)(struct exchange *x))
{
	slot_of(x)->answer.drain = drain;
}

void
exchange_reply_end(struct exchange *x)
{
	struct slot *s = slot_of(x);
	struct answer *a = &s->answer;
	if (is_over(s)) {
		conn_wake(s->conn);
		return;
	}
	CHECK(a->begun && !a->ended);
	if (a->announced >= 0 && !a->no_body && a->written != (uint64_t)a->announced)
		a->aborted = true;
	else if (a->chunked && !a->no_body)
		buf_lit(&s->out, "0\r\n\r\n");
	a->ended = true;
	answer_settle(s);
}

void
exchange_abort(struct exchange *x)
{
	struct slot *s = slot_of(x);
	s->answer.aborted = true;
	conn_wake(s->conn);
}

void
exchange_close_after(struct exchange *x)
{
	slot_of(x)->conn->close_after = true;
}
