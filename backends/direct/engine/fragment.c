/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fragments of SQL that rows hold, read by the names in them: see fragment.h. */
#include "backends/direct/engine/fragment.h"

bool
words_next(struct str *rest, struct str *word)
{
	while (str_next(rest, ' ', word))
		if (word->n > 0)
			return true;
	return false;
}

struct str
alias_table(const struct source *s, const struct child *c, struct str alias)
{
	if (s != NULL && str_eq(alias, str_of(s->alias)))
		return str_of(s->table);
	for (unsigned i = 0; s != NULL && i < s->n_joins; i++)
		if (str_eq(alias, str_of(s->joins[i].alias)))
			return str_of(s->joins[i].table);
	for (unsigned i = 0; c != NULL && i < c->n_tables; i++)
		if (str_eq(alias, str_of(c->tables[i].alias)))
			return str_of(c->tables[i].table);
	return STR_NULL;
}

static bool
join_absent(const struct schema *schema, const struct source *s, struct str alias)
{
	for (unsigned i = 0; s != NULL && i < s->n_joins; i++)
		if (str_eq(alias, str_of(s->joins[i].alias)))
			return !join_present(schema, s, &s->joins[i]);
	return false;
}

const struct schema_column *
column_of(const struct schema *schema, const struct source *s, const struct child *c, struct str name)
{
	size_t dot = str_find(name, '.');
	struct str table = alias_table(s, c, str_sub(name, 0, dot));
	CHECK(dot < name.n && table.n > 0); /* rows: mapping_check */
	if (join_absent(schema, s, str_sub(name, 0, dot)))
		return NULL;
	return schema_column(schema, table, str_skip(name, dot + 1));
}

void
column_put(struct buf *b, struct str name)
{
	size_t dot = str_find(name, '.');
	buf_str_put(b, str_sub(name, 0, dot));
	buf_lit(b, ".`");
	buf_str_put(b, str_skip(name, dot + 1));
	buf_char(b, '`');
}

void
table_put(struct buf *b, const struct join *t)
{
	buf_char(b, '`');
	buf_str_put(b, str_of(t->table));
	buf_lit(b, "` ");
	buf_str_put(b, str_of(t->alias));
}

void
source_from_put(struct buf *b, const struct schema *schema, const struct source *s, uint32_t joins)
{
	table_put(b, &(struct join){ s->table, s->alias, NULL });
	for (unsigned i = 0; i < s->n_joins; i++) {
		if (!(joins & UINT32_C(1) << i) || !join_present(schema, s, &s->joins[i]))
			continue;
		buf_lit(b, " LEFT JOIN ");
		table_put(b, &s->joins[i]);
		buf_lit(b, " ON ");
		buf_str_put(b, str_of(s->joins[i].on));
	}
}

void
child_from_put(struct buf *b, const struct child *c, bool tie)
{
	table_put(b, &c->tables[0]);
	for (unsigned i = 1; i < c->n_tables; i++) {
		buf_lit(b, " JOIN ");
		table_put(b, &c->tables[i]);
		buf_lit(b, " ON ");
		buf_str_put(b, str_of(c->tables[i].on));
	}
	if (tie) {
		buf_lit(b, " WHERE ");
		buf_str_put(b, str_of(c->tables[0].on));
		if (c->where != NULL) {
			buf_lit(b, " AND ");
			buf_str_put(b, str_of(c->where));
		}
	}
}

static bool
ident_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool
fragment_names(struct str fragment, struct str alias)
{
	for (size_t i = 0; i + alias.n < fragment.n; i++)
		if (fragment.p[i + alias.n] == '.' && memcmp(fragment.p + i, alias.p, alias.n) == 0 &&
		    (i == 0 || (fragment.p[i - 1] != '.' && !ident_char(fragment.p[i - 1]))))
			return true;
	return false;
}

/* From the last to the first: an ON names only what stands in front of it. */
void
joins_add(uint32_t *joins, const struct source *s, struct str fragment)
{
	CHECK(s->n_joins <= JOINS_MAX);
	for (unsigned i = s->n_joins; i-- > 0;) {
		bool named = fragment_names(fragment, str_of(s->joins[i].alias));
		for (unsigned k = i + 1; !named && k < s->n_joins; k++)
			named = (*joins & UINT32_C(1) << k) &&
			        fragment_names(str_of(s->joins[k].on), str_of(s->joins[i].alias));
		if (named)
			*joins |= UINT32_C(1) << i;
	}
}

bool
fragment_next(struct str *rest, struct str *name)
{
	while (rest->n > 0) {
		size_t i = 0;
		if (rest->p[0] == '\'') {
			*rest = str_skip(*rest, 2 + str_find(str_skip(*rest, 1), '\''));
			continue;
		}
		while (i < rest->n && ident_char(rest->p[i]))
			i++;
		size_t dot = i;
		if (i > 0 && i < rest->n && rest->p[i] == '.')
			for (i++; i < rest->n && ident_char(rest->p[i]);)
				i++;
		*name = str_sub(*rest, 0, i);
		*rest = str_skip(*rest, MAX(i, (size_t)1));
		if (i > dot + 1 && (name->p[0] < '0' || name->p[0] > '9'))
			return true;
	}
	return false;
}

bool
fragment_lacks(
    struct str *rest, const struct schema *schema, const struct source *s, const struct child *c, struct str *name)
{
	while (fragment_next(rest, name)) {
		struct str table = alias_table(s, c, str_sub(*name, 0, str_find(*name, '.')));
		if (table.n > 0 && column_of(schema, s, c, *name) == NULL)
			return true;
	}
	return false;
}

bool
fragment_present(const struct schema *schema, const struct source *s, const struct child *c, const char *sql)
{
	struct str rest = str_of(sql), name;
	return !fragment_lacks(&rest, schema, s, c, &name);
}

bool
join_present(const struct schema *schema, const struct source *s, const struct join *j)
{
	struct str rest = str_of(j->on), name;
	if (!schema_has_table(schema, str_of(j->table)))
		return false;
	while (fragment_next(&rest, &name)) {
		size_t dot = str_find(name, '.');
		struct str alias = str_sub(name, 0, dot), table = alias_table(s, NULL, alias);
		if (table.n > 0 && schema_column(schema, table, str_skip(name, dot + 1)) == NULL)
			return false;
		for (const struct join *other = s->joins; other < j; other++)
			if (str_eq(alias, str_of(other->alias)) && !join_present(schema, s, other))
				return false;
	}
	return true;
}

const struct key *
key_of(const struct source *s, struct str param)
{
	for (unsigned i = 0; i < s->n_keys; i++)
		if (str_eq(param, str_of(s->keys[i].param)))
			return &s->keys[i];
	return NULL;
}

bool
child_present(const struct schema *schema, const struct child *c)
{
	for (unsigned i = 0; i < c->n_tables; i++)
		if (!schema_has_table(schema, str_of(c->tables[i].table)) ||
		    !fragment_present(schema, NULL, c, c->tables[i].on))
			return false;
	return fragment_present(schema, NULL, c, c->where);
}
