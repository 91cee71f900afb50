/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small macros that every file uses: sizes, contracts, checked aborts. Not for anything that does work.                     */
#ifndef GATEWAY_BASE_MACROS_H
#define GATEWAY_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#ifdef NDEBUG
#error "checks stay on in production: do not define NDEBUG"
#endif

#define NITEMS(a)         (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))
#define MUSTUSE           __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define UNUSED            __attribute__((unused))

/* The struct that holds member at ptr. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* A free function as cleanup: AUTO(arena) a = arena_new(...). Needs void NAME_free(struct NAME **), taking NULL inside. */
#define AUTO(name) __attribute__((cleanup(name##_free))) struct name *

/* Programming error: prints file, line and the expression text (never data) to stderr and aborts. No foreign byte may decide
 * the outcome of a CHECK. CHECK_OBJ proves that p is a live object of the type whose magic is given.                        */
NORETURN void check_failed(const char *file, int line, const char *expr);
#define CHECK(cond)       ((cond) ? (void)0 : check_failed(__FILE__, __LINE__, #cond))
#define CHECK_OBJ(p, mag) CHECK((p) != NULL && (p)->magic == (mag))

#endif
