/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evdns behind one callback. */
#include "gateway/loop/resolve.h"

#include "gateway/loop/loop_private.h"

#include <event2/dns.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct resolver {
	struct loop *loop;
	struct evdns_base *dns;
};
struct resolve {
	struct resolver *resolver;
	struct evdns_getaddrinfo_request *request; /* NULL: answered */
	struct loop_defer defer;
	resolve_fn *fn; /* NULL: cancelled while evdns works */
	void *arg;
	uint8_t addrs[RESOLVE_MAX][RESOLVE_ADDR];
	size_t n;
};

struct resolver *
resolver_new(struct loop *l)
{
	struct resolver *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->loop = l;
	r->dns =
	    evdns_base_new(loop_event_base(l), EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (r->dns == NULL) /* no resolv.conf: /etc/hosts alone */
		r->dns = evdns_base_new(loop_event_base(l), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (r->dns == NULL) {
		free(r);
		return NULL;
	}
	(void)evdns_base_load_hosts(r->dns, "/etc/hosts");
	(void)evdns_base_set_option(r->dns, "timeout:", "2");
	(void)evdns_base_set_option(r->dns, "attempts:", "2");
	return r;
}

void
resolver_free(struct resolver **rp)
{
	struct resolver *r = *rp;
	*rp = NULL;
	if (r == NULL)
		return;
	evdns_base_free(r->dns, 1);
	free(r);
}

static void
deliver(void *arg)
{
	struct resolve *q = arg;
	resolve_fn *fn = q->fn;
	if (fn != NULL)
		fn(q->arg, (const uint8_t(*)[RESOLVE_ADDR])q->addrs, q->n);
	free(q);
}

/* evdns may call this before evdns_getaddrinfo() has returned. */
static void
answered(int result, struct evutil_addrinfo *list, void *arg)
{
	struct resolve *q = arg;
	q->request = NULL;
	for (struct evutil_addrinfo *a = result == 0 ? list : NULL; a != NULL && q->n < RESOLVE_MAX; a = a->ai_next) {
		uint8_t *to = q->addrs[q->n];
		if (a->ai_family == AF_INET6) {
			struct sockaddr_in6 in6;
			memcpy(&in6, a->ai_addr, sizeof in6);
			memcpy(to, in6.sin6_addr.s6_addr, RESOLVE_ADDR);
			q->n++;
		} else if (a->ai_family == AF_INET) {
			struct sockaddr_in in;
			memcpy(&in, a->ai_addr, sizeof in);
			memset(to, 0, 10);
			to[10] = to[11] = 0xff;
			memcpy(to + 12, &in.sin_addr, 4);
			q->n++;
		}
	}
	if (list != NULL)
		evutil_freeaddrinfo(list);
	if (q->fn == NULL) /* cancelled: evdns tells it now */
		free(q);
	else
		loop_defer(q->resolver->loop, &q->defer, deliver, q);
}

struct resolve *
resolve_begin(struct resolver *r, const char *host, resolve_fn *fn, void *arg)
{
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP
	};
	struct resolve *q = calloc(1, sizeof *q);
	if (q == NULL)
		return NULL;
	q->resolver = r;
	q->fn = fn;
	q->arg = arg;
	struct evdns_getaddrinfo_request *request = evdns_getaddrinfo(r->dns, host, NULL, &hints, answered, q);
	if (!q->defer.pending)
		q->request = request;
	return q;
}

void
resolve_cancel(struct resolve **qp)
{
	struct resolve *q = *qp;
	*qp = NULL;
	if (q == NULL)
		return;
	q->fn = NULL;
	if (q->request != NULL) {
		evdns_getaddrinfo_cancel(q->request); /* answered() follows from the loop, and frees */
		return;
	}
	loop_defer_cancel(q->resolver->loop, &q->defer);
	free(q);
}
