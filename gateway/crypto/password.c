/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Password hashes. */
#include "gateway/crypto/password.h"

#include "gateway/base/rng.h"
#include "gateway/base/secret.h"
#include "gateway/base/text.h"

#include <argon2.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	PASSWORD_MAX = 4096,
	STORED_MAX = 255,
	BCRYPT_LEN = 60,
	BCRYPT_SEES = 72,
	ARGON_SALT = 16,
	ARGON_HASH = 32,
	CRYPT_SALT = 16,
	BCRYPT_COST_MAX = 16,
	SHA512_ROUNDS_MAX = 5000000,
	ARGON_MEMORY_MAX_KIB = 1 << 20,
	ARGON_TIME_MAX = 64
};

enum hash_form { FORM_UNKNOWN, FORM_BCRYPT, FORM_LEGACY, FORM_ARGON2I, FORM_ARGON2ID, FORM_SHA512 };

static bool
bcrypt_text(struct str s)
{
	for (size_t i = 7; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
		        c == '/'))
			return false;
	}
	return true;
}

static enum hash_form
form_of(struct str s)
{
	if (s.n > STORED_MAX)
		return FORM_UNKNOWN;
	bool cost =
	    s.n == BCRYPT_LEN && s.p[6] == '$' && s.p[4] >= '0' && s.p[4] <= '1' && s.p[5] >= '0' && s.p[5] <= '9';
	if (str_starts(s, STR("$2y$")) && cost && bcrypt_text(s) &&
	    (s.p[4] - '0') * 10 + s.p[5] - '0' <= BCRYPT_COST_MAX)
		return FORM_BCRYPT;
	/* OpenEMR before 5.0: cost 05, a salt of 21 characters whose 29th character is "." */
	if (str_starts(s, STR("$2a$05$")) && s.n == BCRYPT_LEN && s.p[28] == '.' && bcrypt_text(s))
		return FORM_LEGACY;
	if (str_starts(s, STR("$argon2i$")))
		return FORM_ARGON2I;
	if (str_starts(s, STR("$argon2id$")))
		return FORM_ARGON2ID;
	return str_starts(s, STR("$6$rounds=")) ? FORM_SHA512 : FORM_UNKNOWN;
}

/* m=..,t=..,p=.. of an argon2 text; false: absent or beyond what a stored row may make us spend. */
static bool
argon_costs(const char *text, unsigned *m, unsigned *t, unsigned *p)
{
	const char *at = strstr(text, "$m=");
	return at != NULL && sscanf(at, "$m=%9u,t=%9u,p=%9u$", m, t, p) == 3 && *m <= ARGON_MEMORY_MAX_KIB && *t >= 1 &&
	       *t <= ARGON_TIME_MAX && *p >= 1 && *p <= 16;
}

static enum hash_verdict
argon_verify(const char *stored, struct str password, argon2_type type)
{
	unsigned m, t, p;
	if (!argon_costs(stored, &m, &t, &p))
		return HASH_INVALID;
	int rc = argon2_verify(stored, password.p, password.n, type);
	return rc == ARGON2_OK ? HASH_MATCH : rc == ARGON2_VERIFY_MISMATCH ? HASH_MISMATCH : HASH_INVALID;
}

static enum hash_verdict
crypt_verify(const char *stored, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	enum hash_verdict v = HASH_INVALID;
	if (data == NULL)
		return HASH_DOWN;
	const char *made = crypt_r(password, stored, data);
	if (made != NULL && made[0] != '*')
		v = secret_eq_str(str_of(made), str_of(stored)) ? HASH_MATCH : HASH_MISMATCH;
	secret_wipe(data, sizeof *data);
	free(data);
	return v;
}

static bool
up_to_date(enum hash_form form, const char *stored, const struct hash_params *want)
{
	unsigned m = 0, t = 0, p = 0;
	switch (form) {
	case FORM_BCRYPT:
		return want->algo == HASH_BCRYPT &&
		       (unsigned)((stored[4] - '0') * 10 + stored[5] - '0') == want->bcrypt_cost;
	case FORM_ARGON2I:
	case FORM_ARGON2ID:
		return want->algo == (form == FORM_ARGON2I ? HASH_ARGON2I : HASH_ARGON2ID) &&
		       argon_costs(stored, &m, &t, &p) && m == want->argon_memory_kib && t == want->argon_time &&
		       p == want->argon_threads;
	case FORM_SHA512:
		return want->algo == HASH_SHA512 && sscanf(stored, "$6$rounds=%9u$", &m) == 1 &&
		       m == want->sha512_rounds;
	case FORM_LEGACY:
	case FORM_UNKNOWN:
		break;
	}
	return false;
}

enum hash_verdict
password_verify(struct str password, struct str stored, const struct hash_params *params, bool *outdated)
{
	char text[STORED_MAX + 1], clear[PASSWORD_MAX + 1];
	enum hash_form form = form_of(stored);
	enum hash_verdict v = HASH_INVALID;
	unsigned rounds = 0;
	if (form == FORM_UNKNOWN || str_cstr(stored, text, sizeof text) != 0)
		return HASH_INVALID;
	if (str_cstr(password, clear, sizeof clear) != 0)
		return HASH_MISMATCH; /* NUL, or longer than any password */
	switch (form) {
	case FORM_BCRYPT:
	case FORM_LEGACY:
		clear[MIN(password.n, (size_t)BCRYPT_SEES)] = 0;
		v = crypt_verify(text, clear);
		break;
	case FORM_SHA512:
		if (sscanf(text, "$6$rounds=%9u$", &rounds) == 1 && rounds <= SHA512_ROUNDS_MAX)
			v = crypt_verify(text, clear);
		break;
	case FORM_ARGON2I:
		v = argon_verify(text, password, Argon2_i);
		break;
	case FORM_ARGON2ID:
		v = argon_verify(text, password, Argon2_id);
		break;
	case FORM_UNKNOWN:
		break;
	}
	secret_wipe(clear, sizeof clear);
	if (outdated != NULL)
		*outdated = v == HASH_MATCH && !up_to_date(form, text, params);
	return v;
}

static int
salt_text(char *out, size_t chars)
{
	static const char letters[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char raw[32];
	if (chars > sizeof raw)
		return -1;
	rng_bytes(&rng_system, raw, chars);
	for (size_t i = 0; i < chars; i++)
		out[i] = letters[raw[i] & 63];
	out[chars] = 0;
	return 0;
}

static int
crypt_make(const char *password, const struct hash_params *p, char *out, size_t n)
{
	char setting[64], salt[CRYPT_SALT + 1], raw[16];
	struct crypt_data *data = calloc(1, sizeof *data);
	int rc = -1;
	if (data == NULL)
		return -1;
	if (p->algo == HASH_BCRYPT) {
		rng_bytes(&rng_system, raw, sizeof raw);
		rc =
		    crypt_gensalt_rn("$2y$", p->bcrypt_cost, raw, sizeof raw, setting, sizeof setting) == NULL ? -1 : 0;
	} else if (salt_text(salt, CRYPT_SALT) == 0) {
		rc = snprintf(setting, sizeof setting, "$6$rounds=%u$%s$", p->sha512_rounds, salt) > 0 ? 0 : -1;
	}
	const char *made = rc != 0 ? NULL : crypt_r(password, setting, data);
	rc = made != NULL && made[0] != '*' ? str_cstr(str_of(made), out, n) : -1;
	secret_wipe(data, sizeof *data);
	free(data);
	return rc;
}

int
password_make(struct str password, const struct hash_params *p, char *out, size_t n)
{
	char clear[PASSWORD_MAX + 1];
	unsigned char salt[ARGON_SALT];
	int rc;
	if (str_cstr(password, clear, sizeof clear) != 0)
		return -1;
	if (p->algo == HASH_ARGON2I || p->algo == HASH_ARGON2ID) {
		rng_bytes(&rng_system, salt, sizeof salt);
		rc = p->algo == HASH_ARGON2I
		         ? argon2i_hash_encoded(p->argon_time, p->argon_memory_kib, p->argon_threads, clear, password.n,
		               salt, sizeof salt, ARGON_HASH, out, n)
		         : argon2id_hash_encoded(p->argon_time, p->argon_memory_kib, p->argon_threads, clear,
		               password.n, salt, sizeof salt, ARGON_HASH, out, n);
		rc = rc == ARGON2_OK ? 0 : -1;
	} else {
		if (p->algo == HASH_BCRYPT)
			clear[MIN(password.n, (size_t)BCRYPT_SEES)] = 0;
		rc = crypt_make(clear, p, out, n);
	}
	secret_wipe(clear, sizeof clear);
	return rc;
}

void
password_dummy(struct str password, const struct hash_params *params)
{
	char made[STORED_MAX + 1];
	struct str text = password.n > PASSWORD_MAX || (password.n > 0 && memchr(password.p, 0, password.n) != NULL)
	                      ? STR("x")
	                      : password;
	if (password_make(text, params, made, sizeof made) == 0)
		secret_wipe(made, sizeof made);
}
