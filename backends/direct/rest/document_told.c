/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the document routes take and answer, for the OpenAPI document. Not for answering. */
#include "backends/direct/rest/document.h"

#define PATH_PARAMETER                                                                                                 \
	"{\"name\":\"path\",\"in\":\"query\",\"required\":true,\"description\":\"the category, by the names of the "   \
	"folders down to it\",\"schema\":{\"type\":\"string\"},\"example\":\"/Medical Record\"}"
#define REFUSED                                                                                                        \
	"{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":{\"type\":\"object\","  \
	"\"properties\":{\"Callback::INVALID_VALUE\":{\"type\":\"string\"}},\"required\":["                            \
	"\"Callback::INVALID_VALUE\"],\"additionalProperties\":false}}"
#define OR_ERROR(schema) "{\"anyOf\":[" schema "," TOLD_ERROR "]}"
#define NO_PATIENT       "There is no such patient or category."
/* classic null, 8.x no body; the gateway's own of a path that it does not take */
#define MISSING(text_)                                                                                                 \
	{ 404, F_CLASSIC, text_, NULL, OR_ERROR("{\"type\":\"null\"}"), NULL },                                        \
	    { 404, F_V8, text_, NULL, TOLD_ERROR, NULL },                                                              \
	{                                                                                                              \
		404, F_V8, text_, "text/html", TOLD_NOTHING, NULL                                                      \
	}
#define NOT_HERE { 501, .text = "The site keeps its documents in CouchDB.", .schema = TOLD_ERROR }

static const struct told_answer upload_answers[] = {
	{ 200, .text = "The document is stored.", .schema = "{\"const\":true}" },
	{ 400, F_CLASSIC, "The document or eid is not accepted.", NULL, OR_ERROR(REFUSED), NULL },
	{ 400, F_V8, "The body cannot be read, or the Idempotency-Key is too long.", NULL, OR_ERROR(REFUSED), NULL },
	MISSING("There is no such patient, encounter or category; 8.x: or the document is not accepted."),
	{ 409, .text = "A request with this Idempotency-Key is running.", .schema = REFUSED },
	{ 422, .text = "The Idempotency-Key was used with another body.", .schema = REFUSED },
	{ 408, .text = "The body came too slowly.", .schema = TOLD_ERROR },
	NOT_HERE,
};
const struct told document_upload_told = {
	.parameters =
	    PATH_PARAMETER ",{\"name\":\"eid\",\"in\":\"query\",\"description\":\"number of the patient's encounter to "
	                   "which it belongs\",\"schema\":{\"type\":\"integer\",\"minimum\":0}}",
	.body =
	    "{\"required\":true,\"content\":{\"multipart/form-data\":{\"schema\":{\"type\":\"object\","
	    "\"properties\":{\"document\":{\"type\":\"string\",\"format\":\"binary\",\"description\":\"the file; its "
	    "type is told by its bytes\"}},\"required\":[\"document\"],\"additionalProperties\":false}}}}",
	.answers = upload_answers,
	.n_answers = NITEMS(upload_answers),
	.numbers = true,
	.takes_key = true,
};

static const struct told_answer list_answers[] = {
	{ 200, .text = "The documents of the category.",
	    .schema = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\",\"properties\":{\"filename\":{"
	              "\"type\":\"string\"},\"hash\":{\"type\":[\"string\",\"null\"]},\"id\":{\"type\":\"integer\"},"
	              "\"mimetype\":{\"type\":[\"string\",\"null\"]},\"docdate\":{\"type\":[\"string\",\"null\"],"
	              "\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\"}},\"required\":[\"filename\",\"hash\",\"id\","
	              "\"mimetype\",\"docdate\"],\"additionalProperties\":false}}" },
	MISSING(NO_PATIENT " Or it has no documents."),
};
const struct told document_list_told = {
	.parameters = PATH_PARAMETER, .answers = list_answers, .n_answers = NITEMS(list_answers), .numbers = true
};

#define TEXT_FIELD(name) "\"" name "\":{\"schema\":{\"type\":\"string\"}}"
#define FILE_FIELDS      TEXT_FIELD("Content-Disposition") "," TEXT_FIELD("ETag") "," TEXT_FIELD("Accept-Ranges")
static const struct told_answer download_answers[] = {
	{ 200, .text = "The file.", .type = "*/*", .schema = "{}", .fields = "{" FILE_FIELDS "}" },
	{ 206, .text = "The part of the file that Range asks for.", .type = "*/*", .schema = "{}",
	    .fields = "{" FILE_FIELDS "," TEXT_FIELD("Content-Range") "}" },
	{ 304, .text = "The client has it.", .fields = "{" TEXT_FIELD("ETag") "}" },
	{ 400, .text = "There is no such document of the patient.", .type = "text/html", .schema = TOLD_NOTHING },
	{ 400, .schema = TOLD_ERROR },
	MISSING("There is no such patient."),
	{ 416, .text = "The file is shorter.", .fields = "{" TEXT_FIELD("Content-Range") "}" },
	NOT_HERE,
};
const struct told document_download_told = {
	.parameters =
	    "{\"name\":\"Range\",\"in\":\"header\",\"description\":\"one range of bytes\",\"schema\":{\"type\":"
	    "\"string\",\"pattern\":\"^bytes=([0-9]+-[0-9]*|-[0-9]+)$\"}},{\"name\":\"If-None-Match\",\"in\":"
	    "\"header\",\"schema\":{\"type\":\"string\"}}",
	.answers = download_answers,
	.n_answers = NITEMS(download_answers),
	.numbers = true,
};
