/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scopes in plain words, for consent and manage pages. */
#ifndef GATEWAY_OAUTH_PAGES_WORDS_H
#define GATEWAY_OAUTH_PAGES_WORDS_H

#include "gateway/base/arena.h"
#include "gateway/oauth/pages/html.h"
#include "policy/scope.h"

/* "see and change allergies and intolerances", "see your email address". offline_access has no words here: its end is the page's to tell. */
void words_scope(struct html *h, struct arena *a, const struct scope *s);
/* "only vital signs", of a category "system|code". */
void words_category(struct html *h, struct str category);

#endif
