/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texts, and which language a person gets. */
#include "gateway/oauth/pages/messages.h"

#include "gateway/base/macros.h"

static const struct str tags[LANG_N] = { [LANG_EN] = STR_INIT("en") };

static const struct str texts[MSG_N][LANG_N] = {
#define X(id, en) [MSG_##id] = { [LANG_EN] = STR_INIT(en) },
	MESSAGES(X)
#undef X
};

struct str
message_text(enum language l, enum message m)
{
	CHECK(l < LANG_N && m < MSG_N);
	return texts[m][l].n > 0 ? texts[m][l] : texts[m][LANG_EN];
}

struct str
language_tag(enum language l)
{
	return tags[l];
}

/* "de-CH" asks for "de". */
static bool
tag_fits(struct str want, struct str tag)
{
	return str_istarts(want, tag) && (want.n == tag.n || want.p[tag.n] == '-');
}

static bool
choose(struct str list, char sep, enum language *out)
{
	struct str one;
	while (str_next(&list, sep, &one)) {
		struct str want = str_trim(str_sub(one, 0, str_find(one, ';')));
		for (unsigned l = 0; l < LANG_N; l++)
			if (tag_fits(want, tags[l])) {
				*out = (enum language)l;
				return true;
			}
	}
	return false;
}

enum language
language_choose(struct str ui_locales, struct str accept_language)
{
	enum language l = LANG_EN;
	if (!choose(ui_locales, ' ', &l))
		(void)choose(accept_language, ',', &l);
	return l;
}
