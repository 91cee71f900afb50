/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole vocabulary of the resource tables: what a row of rest/, fhir/ and portal/ may say. Reading, searching, writing, the
 * checks at start and the CapabilityStatement all come from these rows. Column and table names are literals of the tables;
 * values of a request are only ever bound. Not for behaviour: what rows cannot say is a named function in fixups.c.
 * docs/add-a-resource.md shows a resource from first row to answer.                                                        */
#ifndef BACKENDS_DIRECT_ENGINE_MAPPING_H
#define BACKENDS_DIRECT_ENGINE_MAPPING_H

#include "gateway/loop/step.h"
#include "gateway/net/http_head.h"

/* A row says what differs from nothing; the members that it leaves out are zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct render;
struct json_write;
struct db_cell;

/* What a field is. "cols" names its columns in the order given here; codec.c has a pair of functions per kind. A value that is NULL
 * is null in the Standard API and absent in FHIR.                                                                          */
/* clang-format off */
#define KINDS(X) \
	X(INT)          /* integer; a string where the dialect says so */ \
	X(FLOAT)        /* FLOAT, DOUBLE */ \
	X(TEXT)         /* text, decimals, enums, times */ \
	X(DATE)         /* YYYY-MM-DD, whether the site stores DATE or DATETIME */ \
	X(DATETIME)     /* Standard: YYYY-MM-DD HH:MM:SS; FHIR: ISO 8601 with offset */ \
	X(UUID)         /* 16 bytes as text */ \
	X(BOOL)         /* 0 and '' are false; arg "not": inverted */ \
	X(CONST)        /* arg: JSON text */ \
	X(HIDDEN)       /* always null: a column that clients expect and may not see */ \
	X(LIST_TITLE)   /* title of the option (arg: list) in the column */ \
	X(LIST_CODES)   /* its codes */ \
	X(LIST_NOTES)   /* its notes */ \
	X(LIST_ID)      /* the column's value, where it is an option of the list */ \
	X(OBJECT)       /* an object of the fields in sub */ \
	X(CHILDREN)     /* array elements from the rows of child number arg_n; in a child's row: those whose column "within" has the value of \
	                   this field's column */ \
	X(KEYED)        /* an object of the rows of child number arg_n, each under its field arg; absent when there are none */ \
	X(FIXUP)        /* fixup writes the value */ \
	X(CODE)         /* code through map; an unmapped value takes the map's last row */ \
	X(NARRATIVE)    /* generated text of the columns */ \
	X(NAME)         /* HumanName: prefix given given family suffix [end]; arg: use */ \
	X(ADDRESS)      /* Address: line line city district state postalCode country start [end use type]; arg: use, arg2: type */ \
	X(TELECOM)      /* ContactPoint: value, of several columns put together; arg: system, arg2: use */ \
	X(IDENTIFIER)   /* Identifier; arg: system, arg2: type code of v2-0203, F_OFFICIAL: use */ \
	X(REFERENCE)    /* Reference to arg */ \
	X(CONCEPT)      /* constant CodeableConcept list element: arg system, arg2 "code display" */ \
	X(LIST_CONCEPT) /* {arg2: CodeableConcept} of an option of list arg, arg3: system; unknown: data absent */ \
	X(EXT_CODE)     /* extension arg with valueCode through map */ \
	X(EXT_OMB)      /* US Core race and ethnicity: extension arg, list arg2 */ \
	X(EXT_LIST)     /* extension arg with a coding of list arg2; arg3: value[x] name */
/* clang-format on */
enum kind {
#define X(id) K_##id,
	KINDS(X)
#undef X
	    K_N
};

enum {
	F_WRITE = 1 << 0,    /* accepted in bodies                                                   */
	F_REQUIRED = 1 << 1, /* bodies that create must have it; in a body it may not be empty       */
	F_LIST = 1 << 2,     /* consecutive rows of one name are the elements of one array           */
	F_NEEDED = 1 << 3,   /* without its columns the resource is not served (default: left out)   */
	F_OFFICIAL = 1 << 4, /* Identifier.use                                                       */
	F_CREATE_ONLY = 1 << 5,
	F_CLASSIC = 1 << 6,      /* a member of classic answers alone */
	F_V8 = 1 << 7,           /* a member of 8.x answers alone     */
	F_UPDATE_ONLY = 1 << 16, /* bodies that change alone; F_REQUIRED then means those */
	F_CLEARABLE = 1 << 17,   /* with F_REQUIRED: an update may empty it               */
	F_CODES = 1 << 19,  /* sql is the text of the first of the codes in its column; those of the others: codes.h */
	F_SPARSE = 1 << 18, /* no member (in place of null) when the last of its columns is NULL */
	/* rules of a body's value beside the column's own type and length */
	R_NUMERIC = 1 << 8,
	R_EMAIL = 1 << 9,         /* a text and a mail address; failure code is the field's name      */
	R_EMAIL_STRICT = 1 << 10, /* Email::INVALID_VALUE                                            */
	R_URL = 1 << 11,
	R_DATE = 1 << 12,     /* exactly YYYY-MM-DD                                               */
	R_EXISTS = 1 << 13,   /* the value is a key of exists_in ("facility.id")                  */
	R_DATETIME = 1 << 14, /* exactly YYYY-MM-DD HH:MM:SS; with R_DATE: one of the two        */
	R_ANY = 1 << 15,      /* no rule: what stands in classic_rules then takes a rule away   */
};
#define RULES (R_NUMERIC | R_EMAIL | R_EMAIL_STRICT | R_URL | R_DATE | R_DATETIME | R_EXISTS | R_ANY)
enum { FIELD_COLS_MAX = 11 };

struct codemap {
	const char *stored, *code; /* stored NULL: any other value; code NULL: absent */
};
typedef bool fixup_fn(struct json_write *w, const struct render *r, const struct db_cell *const *cells);

struct field {
	const char *name; /* member of the Standard API's object, or element of the FHIR resource             */
	enum kind kind;
	const char *
	    cols; /* "p.fname - p.lname": alias.column of the source; - where the kind has a part and no table a column */
	unsigned flags;
	const char *arg, *arg2, *arg3;
	const struct codemap *map;
	const char *was;     /* the column's name in older generations: "p.interpretter"                        */
	const char *classic; /* the member's name under compat classic                                          */
	const char *sql; /* an expression whose value comes behind those of cols; it may name aliases of the source */
	const struct field *sub;
	unsigned n_sub, arg_n;
	fixup_fn *fixup;
	/* bodies */
	const char *label;       /* in messages; NULL: the name with _ as spaces */
	unsigned short min, max; /* length in bytes; max 0: no rule              */
	const char *exists_in;
	const char *exists_text; /* of a value that is not there, with the field's name as code; NULL: x is invalid */
	const char *in;          /* the allowed values, with blanks between */
	const char *option_of;   /* the value is an option of this list     */
	const char *option_setting; /* ... of the list that this setting of OpenEMR names: "state_list" */
	unsigned classic_rules;     /* R_ bits that replace those of flags under compat classic; 0: the same */
};

/* A search parameter or filter. */
enum match {
	M_EXACT,    /* byte for byte, as OpenEMR's BINARY =                             */
	M_CONTAINS, /* LIKE %v%                                                         */
	M_UUID,     /* token: uuid list                                                 */
	M_TOKEN,    /* [system|]code, columns ORed                                      */
	M_STRING,   /* starts with; :contains, :exact                                   */
	M_DATE,     /* prefixes eq ne gt lt ge le sa eb over a DATE or DATETIME         */
	M_REFERENCE /* Type/uuid or uuid; arg: Type                                     */
};
struct param {
	const char *name;
	enum match match;
	const char *cols;
	const char *arg;
	const struct codemap *map; /* tokens: code of the client to stored values (several rows may share a code) */
	const char *child_cols;    /* or one of these columns in a row of child number child_n */
	unsigned child_n;
	const char *sql; /* M_EXACT: or the text of this expression, which may name aliases of the source */
};

struct join {
	const char *table, *alias, *on; /* of a source: LEFT JOIN; a table that the site lacks joins nothing */
};
/* What a value in the path is compared with, by its form. A form without a column is a malformed value. A source without keys is
 * read by its uuid. The parameters puuid and pid (the patient), euuid and eid (the encounter) in front of the last one need no
 * row: the engine looks the patient or the encounter up, and the source's pid and encounter columns tie its rows to them.  */
struct key {
	const char *param;                /* name of the path parameter: "muuid" */
	const char *uuid, *number, *text; /* "l.uuid", "l.id", "o.list_id"       */
};
/* A 1:n table of a source: fetched in one read for all rows of an answer, and only for rows that have some. */
struct child {
	const char *name;          /* statement name                                                        */
	const struct join *tables; /* the first with its tie to the parent in on, the others inner-joined */
	unsigned n_tables;         /* a site that lacks one has no such rows                                */
	const char *where;         /* NULL: all                                                             */
	const char *order;
	const char *within; /* its rows stand in those of another child: the column that K_CHILDREN's names there */
	const struct field *fields; /* one field with name NULL: elements are plain, not objects     */
	unsigned n_fields;
};
/* A table that a resource comes from. */
struct source {
	const char *table, *alias;
	const char *id; /* unique integer: paging and hydrating; NULL: a small table, its lists are one statement */
	const char
	    *clustered;      /* the unique integer by which the table is stored, where that is not id: lists go by it */
	const char *uuid;    /* 16 bytes, unique: reads; NULL: the rows have none */
	const char *updated; /* last change; NULL or missing column: none   */
	const char *created; /* stands in for updated where that is missing */
	const char *patient; /* uuid of the patient whose data these are    */
	const char *pid;     /* number of that patient; ties rows to the patient of the path    */
	const char *encounter; /* number of the encounter; ties rows to the encounter of the path */
	const char *where;     /* rows that do not fulfil it do not exist for the API             */
	const char *also;      /* a further condition, on sites that have the columns which it names */
	/* Of lists: "-l.date l.title", - downwards; ~i.date_end: rows whose date is not past (or that have none) first; ties by id. */
	const char *order;
	bool list_only; /* its rows appear in lists, and are not found by reads            */
	bool no_list;   /* the other way round                                             */
	const struct key *keys;
	unsigned n_keys;
	const struct join *joins;
	unsigned n_joins;
	const struct field *fields;
	unsigned n_fields;
	const struct param *params;
	unsigned n_params;
	const struct child *children;
	unsigned n_children;
};

/* A uuid_mapping row that belongs to each new row. */
struct mapped {
	const char *resource, *path; /* "Observation", "category=social-history&code=76690-7" */
};
/* Values that the server sets. */
enum server_value {
	SV_NONE,      /* the value is sql alone                                                 */
	SV_UUID,      /* a new uuid, the row's; on update the row's                             */
	SV_NOW,       /* NOW()                                                                  */
	SV_USER_ID,   /* users.id of the caller                                                 */
	SV_USER,      /* users.username of the caller                                           */
	SV_GROUP,     /* the caller's group (groups.name)                                       */
	SV_NEXT,      /* locked MAX+1 of the column itself                                      */
	SV_SEQUENCE,  /* the next number of OpenEMR's table sequences                           */
	SV_NUMBER,    /* the number that SV_NEXT or SV_SEQUENCE gave                            */
	SV_COPY,      /* the body's value, where it gave none: that number                      */
	SV_USERNAME,  /* the body's value, where it gave none: the row's uuid as text           */
	SV_CONST,     /* of: the text                                                           */
	SV_PATH,      /* of: name of a path parameter                                           */
	SV_PID,       /* number of the patient of the path                                      */
	SV_ENCOUNTER, /* number of the encounter of the path                                    */
	SV_BODY,      /* of: name of a field of the body; not given: the default, on update no change */
	SV_ROW_ID     /* id of the row (in further tables: of the resource's row)               */
};
struct server_set {
	const char *col;
	enum server_value what;
	const char *of;
	enum { SET_CREATE = 1, SET_UPDATE = 2, SET_ALWAYS = 3, SET_IF_EMPTY = 4 } when;
	const char *sql;      /* an expression in place of the value, which is its ? (if it has one) */
	const char *if_given; /* only when the body gives this field; else NULL, on update no change */
};
/* A row of another table that a write makes (SET_CREATE) or changes (SET_UPDATE), in the same transaction. */
struct further {
	const char *table;
	const char *alias; /* for fields of the body: "a.line1" */
	unsigned when;
	const char *key;      /* on update: the column that holds the resource's id */
	const char *if_given; /* only when the body gives this field, and not empty */
	const char *where;    /* on update: a further condition               */
	bool replace; /* on update as on create: the row is put in the place of the one that has its key (REPLACE) */
	const struct server_set *sets;
	unsigned n_sets;
};
struct call;
struct write_rule {
	const char *table; /* base table of source 0                                   */
	const struct server_set *sets;
	unsigned n_sets;
	const struct mapped *mapped;
	unsigned n_mapped;
	const struct further *further; /* in this order, behind the row itself */
	unsigned n_further;
	/* Statements of the same transaction that rows cannot say, behind the further rows, on sites that have these tables: also(c, i) for i = 0,
	 * 1, ... n_also - 1 binds c->vals and returns transaction_query(), or STEP_NEXT where it has none. c->done: what the statement
	 * before it brought. Writers of one patient take turns then. n_uuids: new uuids that they may use, behind the mapped ones. */
	const char *also_tables; /* words */
	enum step (*also)(struct call *c, unsigned i);
	unsigned n_also, n_uuids;
	unsigned n_numbers; /* how many SV_SEQUENCE takes (0: one), for further rows: SV_NUMBER with sql "? + 1" */
	/* What the creation answers: words "name=value" or "name"; value: id, uuid, number (SV_NEXT, SV_SEQUENCE), or the name of a further
	 * table (its row's id). "*" first: the row as it reads, then the words. answer_v8: where 8.x differs. */
	const char *answer, *answer_v8;
	const char *soft_delete; /* DELETE makes this assignment: "active = 0"; NULL: it takes the row away */
	const char *log;         /* class of OpenEMR's log row; NULL: patient-record for rows of patients, else other */
	const char *rule_order;  /* fields checked first, in OpenEMR's order                 */
	bool update_needs_required; /* F_REQUIRED holds for updates too */
	bool updates_hidden; /* takes a row that the source's where hides too, as OpenEMR; else it is not there */
	bool no_defaults;    /* what a new row's body does not give is NULL, whatever the column's default */
	/* A row that another with its unique key forbids: member, code and text of the error. NULL: a race, tried again. */
	const char *duplicate_field, *duplicate_code, *duplicate_text;
	const char *
	    required_text; /* {field: this text} for a required field that is absent or empty; NULL: by rule and label */
	/* The fields of bodies, where they are not the answer's. cols NULL: stored by no column of its own (SV_BODY uses it by name). */
	const struct field *inputs;
	unsigned n_inputs;
	/* FHIR: rules of columns whose fields hold several; what a body may hold besides the fields' names */
	const struct field *rules;
	unsigned n_rules;
	const char *elements;
	const char *uuid_label; /* "Facility UUID" is invalid; NULL: UUID x does not exist  */
	const char *uuid_field; /* the member of that error; NULL: uuid */
	/* A read of what prepare compares the body with: its values in c->vals (COMPARE_VALS_MAX), c->n_vals of them; its rows are c->compared.
	 * NULL: none this time. */
	const struct db_stmt *(*compare)(struct call *c);
	/* What rows cannot say: sees the accepted body (and on update the old row, c->one), may change values and add errors. No I/O. */
	void (*prepare)(struct call *c);
};

enum compartment { COMPARTMENT_UNSET, COMPARTMENT_PATIENT, COMPARTMENT_OPEN }; /* open: rows are nobody's data */
struct resource {
	const char *name; /* "patient"; FHIR: the type */
	enum compartment compartment;
	const struct source *sources;
	unsigned n_sources;
	const struct write_rule *write;
	const char *const *profiles; /* FHIR: canonicals of CapabilityStatement, NULL-ended   */
	const char *const *meta;     /* FHIR: meta.profile, NULL-ended                        */
};

/* --- how the answers of a route look (the Standard API; FHIR's style is its dialect alone) ------------------------------------- */
struct dialect_ops;
enum envelope {
	ENV_NEW, /* {"validationErrors","internalErrors","data"[,"links"]}, the statuses are effective           */
	ENV_OLD, /* the same members; 8.x sends 200 whatever the outcome, classic the effective status         */
	ENV_BARE /* the payload alone; nothing found: 404, no body. 8.x sends refused bodies with 200        */
};
enum shape {
	SHAPE_PLAIN,  /* one row: an object. A list: an array                                                  */
	SHAPE_ARRAY,  /* one row: an array with one element                                                    */
	SHAPE_NESTED, /* a list: an array with one array in it                                                 */
	SHAPE_KEYED   /* a list: an object with the members "1", "2" ...                                       */
};
/* What a path that names nothing is answered. Statuses 0: as the envelope says (400 with an error, 404 without). */
struct refusal {
	unsigned short classic, v8;
	const char *field, *code,
	    *text; /* {field: {code: text}}; % in text: the value of the path. code NULL: {field: [text]}; "":
	                                  * {field: text}. field NULL: no error, data [] (bare: no body)                   */
	const char *code2, *text2; /* a second error of the field */
};
struct style {
	const struct dialect_ops *ops;
	enum envelope envelope;
	enum shape shape;
	/* The patient or encounter of the path: unknown, malformed (NULL: as unknown; unknown NULL: as no_row) ... and the row itself. */
	const struct refusal *no_parent, *bad_parent, *no_row, *bad_row;
	bool hidden_404;         /* a row outside the source's where is 404 with empty data, an unknown one no_row */
	bool strings_unfiltered; /* a list without filter has numbers as strings */
	bool strings_unfiltered_classic; /* the same under classic alone */
	bool paging;                     /* _limit, _offset, _sort */
	const char *sorts;               /* columns of _sort */
	bool empty_ok;                   /* bare: an empty list is [] and not 404 */
	bool no_links_when_empty;
	unsigned short created_classic, created_v8; /* status of a creation; 0: as the envelope says */
	const char *created; /* a creation answers this JSON text; % in it: the value of the path */
	const char *echo;    /* PUT answers {echo: the path's value as text}; NULL: the row */
	const char *deleted; /* DELETE answers this JSON text; % in it: the value of the path */
	bool gone_ok;        /* DELETE of what is not there answers as if it had been */
};

/* What a route with a function of its own takes and answers, for the OpenAPI document. JSON texts. */
struct told_answer { /* those of one status stand together */
	unsigned short status;
	unsigned flags;     /* F_CLASSIC, F_V8: under that compat alone */
	const char *text;   /* of the status                            */
	const char *type;   /* media type; NULL: application/json       */
	const char *schema; /* NULL: no body                            */
	const char *fields; /* an object of Header Objects              */
};
#define TOLD_ERROR   "{\"$ref\":\"#/components/schemas/Error\"}" /* the gateway's own */
#define TOLD_NOTHING "{\"type\":\"string\",\"maxLength\":0}"     /* of text/html          */
struct told {
	const char *parameters; /* Parameter Objects of query and header, with commas between */
	const char *body;       /* a Request Body Object; NULL: it takes none */
	const struct told_answer *answers;
	unsigned n_answers;
	bool numbers;     /* the parameters of its path are numbers */
	bool takes_key;   /* Idempotency-Key                        */
	const char *rows; /* an action's answer has these members, each a row or null: "src target" */
};

/* Who answers a route: joined at start with the scope file's row by method and pattern. */
enum op { OP_LIST, OP_READ, OP_CREATE, OP_UPDATE, OP_DELETE, OP_SPECIAL };
struct request;
struct direct;
struct direct_route {
	enum http_method method;
	const char *pattern; /* below /apis/{site} */
	const struct resource *res;
	enum op op;
	const struct style *style;
	enum step (*special)(struct request *r, struct direct *d); /* OP_SPECIAL without a resource */
	enum step (*action)(struct call *c); /* OP_SPECIAL with one: what is neither read nor written by rows */
	const struct field
	    *answer; /* OP_SPECIAL: it answers an object with these members, for the OpenAPI document ... */
	unsigned n_answer;
	const struct told *told; /* ... or what stands here */
	bool streams_body;       /* OP_SPECIAL: it reads the request body itself */
};

#endif
