/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection under TLS: certificates by name, resumption, garbage, truncation, big answers, closing in order. */
#include "gateway/crypto/tls_ctx.h"
#include "net_fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char dir[] = "/tmp/gatehouse-test-XXXXXX";
static char paths[2][2][96]; /* [certificate][chain, key] */
static struct tls_set *set;
static struct clock ticket_clock;
enum { TICKET_PERIOD_S = 3600 };
static SSL_CTX *client_ctx;

static void
certificate_write(unsigned i, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	REQUIRE(key != NULL && cert != NULL);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)i + 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	REQUIRE(X509_sign(cert, key, EVP_sha256()) > 0);
	(void)snprintf(paths[i][0], sizeof paths[i][0], "%s/%u.pem", dir, i);
	(void)snprintf(paths[i][1], sizeof paths[i][1], "%s/%u.key", dir, i);
	FILE *c = fopen(paths[i][0], "w"), *k = fopen(paths[i][1], "w");
	REQUIRE(c != NULL && k != NULL && PEM_write_X509(c, cert) == 1);
	REQUIRE(PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1);
	(void)fclose(c);
	(void)fclose(k);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
setup(void)
{
	static const uint8_t secret[32] = { 7 };
	struct err e = { 0 };
	if (set != NULL)
		return;
	REQUIRE(mkdtemp(dir) != NULL);
	certificate_write(0, "one.example");
	certificate_write(1, "two.example");
	struct tls_cert certs[] = {
		{ .name = STR(""), .certificate = str_of(paths[0][0]), .key = str_of(paths[0][1]) },
		{ .name = STR("two.example"), .certificate = str_of(paths[1][0]), .key = str_of(paths[1][1]) },
	};
	struct tls_set_conf conf = { .certs = certs,
		.n_certs = 2,
		.ticket_period_s = TICKET_PERIOD_S,
		.ticket_secret = secret,
		.clock = &ticket_clock };
	clock_fake(&ticket_clock, clock_real_us(&clock_system));
	set = tls_set_new(&conf, &e);
	REQUIRE(set != NULL);
	client_ctx = SSL_CTX_new(TLS_client_method());
	REQUIRE(client_ctx != NULL);
	for (int i = 0; i < 2; i++)
		(void)(unlink(paths[i][0]), unlink(paths[i][1]));
	(void)rmdir(dir);
}

static void
test_release(void)
{
	SSL_CTX_free(client_ctx);
	tls_set_free(&set);
	EXPECT(set == NULL);
}

/* A TLS client on a connected descriptor, the handshake done. */
static SSL *
client_new(struct fx *f, int fd, const char *sni, int version, SSL_SESSION *session)
{
	SSL *ssl = SSL_new(client_ctx);
	int64_t until = 0;
	int r;
	REQUIRE(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
	(void)SSL_set_max_proto_version(ssl, version);
	(void)SSL_set_min_proto_version(ssl, version);
	char name[64];
	if (sni != NULL) { /* the macro for this casts const away */
		(void)snprintf(name, sizeof name, "%s", sni);
		(void)SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
	}
	if (session != NULL)
		(void)SSL_set_session(ssl, session);
	while ((r = SSL_connect(ssl)) != 1 && SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ && fx_turn(f, &until))
		;
	EXPECT(r == 1);
	return ssl;
}

static bool
client_take(SSL *ssl, struct seen *s)
{
	static char bytes[32 << 10];
	ERR_clear_error();
	int n = SSL_read(ssl, bytes, sizeof bytes);
	if (n <= 0) {
		int why = SSL_get_error(ssl, n);
		s->end = why == SSL_ERROR_ZERO_RETURN ? FX_EOF : why == SSL_ERROR_WANT_READ ? s->end : FX_RESET;
		return false;
	}
	size_t keep = MIN((size_t)n, sizeof s->text - 1 - s->n);
	memcpy(s->text + s->n, bytes, keep);
	s->n += keep;
	s->text[s->n] = '\0';
	s->total += (size_t)n;
	return true;
}

static bool
client_sees(struct fx *f, SSL *ssl, struct seen *s, const char *text)
{
	int64_t until = 0;
	for (;;) {
		while (client_take(ssl, s))
			;
		if (strstr(s->text, text) != NULL)
			return true;
		if (s->end != FX_OPEN || !fx_turn(f, &until))
			return false;
	}
}

static void
client_send(SSL *ssl, struct str s)
{
	EXPECT(SSL_write(ssl, s.p, (int)s.n) == (int)s.n);
}

static void
test_request__each_version_and_name__right_certificate(void)
{
	static const struct {
		int version;
		const char *sni, *common_name, *text;
	} rows[] = {
		{ TLS1_3_VERSION, NULL, "one.example", "TLSv1.3" },
		{ TLS1_3_VERSION, "one.example", "one.example", "TLSv1.3" },
		{ TLS1_3_VERSION, "two.example", "two.example", "TLSv1.3" },
		{ TLS1_3_VERSION, "Two.Example", "two.example", "TLSv1.3" },
		{ TLS1_3_VERSION, "other.example", "one.example", "TLSv1.3" },
		{ TLS1_2_VERSION, "two.example", "two.example", "TLSv1.2" },
	};
	setup();
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fx f = { 0 };
		char name[64] = "";
		SEEN(s);
		fx_start(&f, set);
		int fd = fx_connect(&f);
		SSL *ssl = client_new(&f, fd, rows[i].sni, rows[i].version, NULL);
		for (int k = 0; k < 3; k++) {
			memset(&s, 0, sizeof s);
			client_send(ssl, STR("GET /x HTTP/1.1\r\n" HOST "\r\n"));
			EXPECT_IDX(client_sees(&f, ssl, &s, "/x"), i);
		}
		X509 *cert = SSL_get1_peer_certificate(ssl);
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
		X509_free(cert);
		EXPECT_IDX(strcmp(name, rows[i].common_name) == 0 && strcmp(f.version, rows[i].text) == 0, i);
		EXPECT_IDX(strcmp(f.sni, rows[i].sni == NULL ? "" : rows[i].sni) == 0, i);
		EXPECT_IDX(f.requests == 3 && f.closed_ok == 3 && fx_stats(&f).tls_failures == 0, i);
		SSL_free(ssl);
		(void)close(fd);
		fx_stop(&f);
	}
}

static void
test_resumption__second_connection__reuses_session_and_keeps_name(void)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	setup();
	for (size_t i = 0; i < NITEMS(versions); i++) {
		struct fx f = { 0 };
		SSL_SESSION *session = NULL;
		fx_start(&f, set);
		for (int k = 0; k < 2; k++) {
			SEEN(s);
			int fd = fx_connect(&f);
			SSL *ssl = client_new(&f, fd, "two.example", versions[i], session);
			client_send(ssl, STR("GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
			EXPECT_IDX(client_sees(&f, ssl, &s, "/x"), i);
			EXPECT_IDX(SSL_session_reused(ssl) == k && strcmp(f.sni, "two.example") == 0, i);
			FX_UNTIL(&f, (client_take(ssl, &s), s.end != FX_OPEN));
			EXPECT_IDX(s.end == FX_EOF, i); /* close_notify, not a cut */
			SSL_SESSION_free(session);
			session = SSL_get1_session(ssl);
			(void)SSL_shutdown(ssl);
			SSL_free(ssl);
			(void)close(fd);
		}
		SSL_SESSION_free(session);
		fx_stop(&f);
	}
}

/* One connection with what a session remembers; whether it was taken up. out (may be NULL) gets the new session. */
static bool
resumes(SSL_SESSION *session, SSL_SESSION **out)
{
	struct fx f = { 0 };
	SEEN(s);
	fx_start(&f, set);
	int fd = fx_connect(&f);
	SSL *ssl = client_new(&f, fd, "two.example", TLS1_3_VERSION, session);
	client_send(ssl, STR("GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
	EXPECT(client_sees(&f, ssl, &s, "/x"));
	bool reused = SSL_session_reused(ssl) == 1;
	if (out != NULL)
		*out = SSL_get1_session(ssl);
	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	(void)close(fd);
	fx_stop(&f);
	return reused;
}

static void
test_ticket_keys__rotate__the_former_period_is_still_read(void)
{
	SSL_SESSION *first = NULL;
	setup();
	/* the middle of a period */
	ticket_clock.fake_us = (int64_t)TICKET_PERIOD_S * 1000000 * 500000 + (int64_t)TICKET_PERIOD_S * 500000;
	EXPECT(!resumes(NULL, &first));
	static const struct {
		int periods;
		bool reused;
	} rows[] = { { 0, true }, { 1, true }, { 2, false }, { 3, false }, { -1, false } };
	int64_t begin = ticket_clock.fake_us;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		ticket_clock.fake_us = begin + (int64_t)rows[i].periods * TICKET_PERIOD_S * 1000000;
		SSL_SESSION *copy = SSL_SESSION_dup(first); /* one use of a ticket marks the session as used up */
		EXPECT_IDX(resumes(copy, NULL) == rows[i].reused, i);
		SSL_SESSION_free(copy);
	}
	SSL_SESSION_free(first);
}

static void
test_handshake__garbage__is_closed(void)
{
	static const struct {
		struct str send;
		const char *has;
	} rows[] = {
		{ STR_INIT("GET / HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 400 Bad Request\r\n" },
		{ STR_INIT("CONNECT a:1 HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n" },
		{ STR_INIT("\x16\x03\x01\x00\x05hello"), "" },
		{ STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "" },
		{ STR_INIT("SSH-2.0-x\r\n"), "" },
	};
	setup();
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct fx f = { 0 };
		SEEN(s);
		fx_start(&f, set);
		int fd = fx_connect(&f);
		fx_send(&f, fd, rows[i].send);
		EXPECT_IDX(fx_end(&f, fd, &s) != FX_OPEN, i);
		EXPECT_IDX(strstr(s.text, rows[i].has) != NULL && f.requests == 0, i);
		EXPECT_IDX(fx_stats(&f).tls_failures == 1, i);
		(void)close(fd);
		FX_UNTIL(&f, fx_stats(&f).open == 0);
		fx_stop(&f);
	}
}

static void
test_handshake__silent_or_leaving_client__is_closed(void)
{
	struct fx f = { .conf = { .handshake_ms = 100 } };
	SEEN(s);
	setup();
	fx_start(&f, set);
	int a = fx_connect(&f), b = fx_connect(&f), c = fx_connect(&f);
	fx_send(&f, b, STR("\x16\x03\x01\x02\x00\x01"));
	(void)close(c);
	EXPECT(fx_end(&f, a, &s) != FX_OPEN && s.n == 0);
	s.end = FX_OPEN;
	EXPECT(fx_end(&f, b, &s) != FX_OPEN && s.n == 0);
	FX_UNTIL(&f, fx_stats(&f).open == 0);
	EXPECT(fx_stats(&f).tls_failures == 3 && fx_stats(&f).timeouts == 2);
	(void)close(a);
	(void)close(b);
	fx_stop(&f);
}

static void
test_big_answers_and_bodies__pass_whole(void)
{
	static const char *const targets[] = { "/big", "/whole" };
	static char body[16 << 10];
	setup();
	for (size_t i = 0; i < NITEMS(targets); i++) {
		struct fx f = { .big_left = 8 << 20 };
		char req[64];
		SEEN(s);
		fx_start(&f, set);
		int fd = fx_connect(&f);
		SSL *ssl = client_new(&f, fd, NULL, TLS1_3_VERSION, NULL);
		client_send(ssl, (struct str){ req, (size_t)snprintf(req, sizeof req, "GET %s HTTP/1.1\r\n" HOST "\r\n",
		                                        targets[i]) });
		for (int n = 0; n < 50; n++) /* the client reads nothing: the answer must wait */
			loop_run_once(f.loop, false);
		EXPECT_IDX(client_sees(&f, ssl, &s, "Content-Length: 8388608\r\n\r\n"), i);
		size_t head = (size_t)(strstr(s.text, "\r\n\r\n") - s.text) + 4;
		FX_UNTIL(&f, (client_take(ssl, &s), s.total == head + (8 << 20)));
		client_send(ssl, STR("POST /count HTTP/1.1\r\n" HOST "Content-Length: 4194304\r\n\r\n"));
		size_t sent = 0;
		int64_t until = 0;
		while (sent < 4 << 20 && fx_turn(&f, &until))
			for (int n; sent < 4 << 20 && (n = SSL_write(ssl, body, sizeof body)) > 0;)
				sent += (size_t)n;
		s.n = 0;
		EXPECT_IDX(client_sees(&f, ssl, &s, "\r\n\r\n4194304"), i);
		EXPECT_IDX(f.closed_ok == 2, i);
		SSL_free(ssl);
		(void)close(fd);
		fx_stop(&f);
	}
}

static void
test_pipelining__two_requests_in_one_record__both_answered(void)
{
	struct fx f = { 0 };
	SEEN(s);
	setup();
	fx_start(&f, set);
	int fd = fx_connect(&f);
	SSL *ssl = client_new(&f, fd, NULL, TLS1_3_VERSION, NULL);
	client_send(ssl, STR("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\nGET /3 HT"));
	client_send(ssl, STR("TP/1.1\r\n" HOST "\r\n"));
	EXPECT(client_sees(&f, ssl, &s, "/3") && strstr(s.text, "/1") < strstr(s.text, "/2"));
	(void)SSL_shutdown(ssl);
	FX_UNTIL(&f, fx_stats(&f).open == 0);
	EXPECT(f.closed_ok == 3);
	SSL_free(ssl);
	(void)close(fd);
	fx_stop(&f);
}

/* A connection cut without close_notify has lost its client; one that was closed for writing still wants its answer. */
static void
test_client__cut_or_half_closed__while_the_handler_works(void)
{
	setup();
	for (int notify = 0; notify < 2; notify++) {
		struct fx f = { 0 };
		SEEN(s);
		fx_start(&f, set);
		int fd = fx_connect(&f);
		SSL *ssl = client_new(&f, fd, NULL, TLS1_3_VERSION, NULL);
		client_send(ssl, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
		FX_UNTIL(&f, f.held != NULL);
		if (notify)
			(void)SSL_shutdown(ssl);
		(void)shutdown(fd, SHUT_WR);
		if (notify) {
			for (int n = 0; n < 20; n++)
				loop_run_once(f.loop, false);
			REQUIRE(f.held != NULL);
			exchange_reply(f.held, 200, STR(""), STR("still"));
			EXPECT(client_sees(&f, ssl, &s, "Connection: close\r\n\r\nstill"));
		}
		FX_UNTIL(&f, f.held == NULL);
		EXPECT_IDX(f.gone == (notify ? 0 : 1) && f.closed_ok == (unsigned)notify, notify);
		SSL_free(ssl);
		(void)close(fd);
		fx_stop(&f);
	}
}

TESTS(T(test_request__each_version_and_name__right_certificate),
    T(test_resumption__second_connection__reuses_session_and_keeps_name),
    T(test_ticket_keys__rotate__the_former_period_is_still_read), T(test_handshake__garbage__is_closed),
    T(test_handshake__silent_or_leaving_client__is_closed), T(test_big_answers_and_bodies__pass_whole),
    T(test_pipelining__two_requests_in_one_record__both_answered),
    T(test_client__cut_or_half_closed__while_the_handler_works), T(test_release))
