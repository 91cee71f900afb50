/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Media types: one row per magic number. */
#include "gateway/base/file_type.h"

static const struct {
	size_t at;
	struct str magic;
	struct str type;
} magics[] = {
	{ 0, STR_INIT("%PDF-"), STR_INIT("application/pdf") },
	{ 0, STR_INIT("\x89PNG\r\n\x1a\n"), STR_INIT("image/png") },
	{ 0, STR_INIT("\xff\xd8\xff"), STR_INIT("image/jpeg") },
	{ 0, STR_INIT("GIF87a"), STR_INIT("image/gif") },
	{ 0, STR_INIT("GIF89a"), STR_INIT("image/gif") },
	{ 128, STR_INIT("DICM"), STR_INIT("application/dicom") },
	{ 0, STR_INIT("PK\x03\x04"), STR_INIT("application/zip") },
	{ 0, STR_INIT("PK\x05\x06"), STR_INIT("application/zip") },
	{ 0, STR_INIT("II*\0"), STR_INIT("image/tiff") },
	{ 0, STR_INIT("MM\0*"), STR_INIT("image/tiff") },
	{ 8, STR_INIT("WEBP"), STR_INIT("image/webp") },
	{ 8, STR_INIT("WAVE"), STR_INIT("audio/x-wav") },
	{ 4, STR_INIT("ftyp"), STR_INIT("video/mp4") },
	{ 0, STR_INIT("ID3"), STR_INIT("audio/mpeg") },
	{ 0, STR_INIT("OggS"), STR_INIT("application/ogg") },
	{ 0, STR_INIT("{\\rtf"), STR_INIT("text/rtf") },
	{ 0, STR_INIT("\x1f\x8b"), STR_INIT("application/gzip") },
	{ 0, STR_INIT("BZh"), STR_INIT("application/x-bzip2") },
	{ 0, STR_INIT("7z\xbc\xaf\x27\x1c"), STR_INIT("application/x-7z-compressed") },
	{ 0, STR_INIT("Rar!\x1a\x07"), STR_INIT("application/x-rar") },
	{ 0, STR_INIT("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), STR_INIT("application/x-ole-storage") },
	{ 0,
	    STR_INIT("\x7f"
	             "ELF"),
	    STR_INIT("application/x-executable") },
	{ 0, STR_INIT("MZ"), STR_INIT("application/x-dosexec") },
	{ 0, STR_INIT("#!"), STR_INIT("text/x-shellscript") },
	{ 0, STR_INIT("<?php"), STR_INIT("text/x-php") },
	{ 0, STR_INIT("<?xml"), STR_INIT("text/xml") },
	{ 0, STR_INIT("BM"), STR_INIT("image/bmp") },
};
/* Tags that make a browser take a text for HTML, wherever they stand in the head. */
static const struct str html[] = { STR_INIT("<!doctype html"), STR_INIT("<html"), STR_INIT("<head"), STR_INIT("<body"),
	STR_INIT("<script"), STR_INIT("<iframe"), STR_INIT("<svg") };

static bool
text_byte(unsigned char c)
{
	return c >= 0x20 ? c != 0x7f : c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == 0x1b || c == '\b';
}

static void
utf8_byte(struct file_type *t, unsigned char c)
{
	if (t->utf8_left > 0) {
		t->utf8_code = t->utf8_code << 6 | (c & 0x3fu);
		t->not_utf8 |= (c & 0xc0u) != 0x80;
		if (--t->utf8_left == 0)
			t->not_utf8 |= t->utf8_code < t->utf8_least || t->utf8_code > 0x10ffff ||
			               (t->utf8_code >= 0xd800 && t->utf8_code <= 0xdfff);
		return;
	}
	if (c < 0x80)
		return;
	t->utf8_left = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	t->utf8_least = c >= 0xf0 ? 0x10000 : c >= 0xe0 ? 0x800 : 0x80;
	t->utf8_code = c >= 0xf0 ? c & 0x07u : c >= 0xe0 ? c & 0x0fu : c & 0x1fu;
	t->not_utf8 |= c < 0xc2 || c > 0xf4;
}

void
file_type_feed(struct file_type *t, struct str piece)
{
	size_t n = MIN(piece.n, FILE_TYPE_HEAD - t->head_n);
	if (n > 0)
		memcpy(t->head + t->head_n, piece.p, n);
	t->head_n += n;
	for (size_t i = 0; i < piece.n && !t->binary; i++) {
		unsigned char c = (unsigned char)piece.p[i];
		t->binary = !text_byte(c);
		if (!t->not_utf8)
			utf8_byte(t, c);
	}
}

static bool
html_in(struct str head)
{
	for (size_t at = 0; at < head.n; at++)
		for (size_t i = 0; head.p[at] == '<' && i < NITEMS(html); i++)
			if (str_istarts(str_skip(head, at), html[i]))
				return true;
	return false;
}

struct str
file_type_of(const struct file_type *t)
{
	struct str head = { t->head, t->head_n };
	if (head.n == 0)
		return STR("application/x-empty");
	for (size_t i = 0; i < NITEMS(magics); i++)
		if (str_starts(str_skip(head, magics[i].at), magics[i].magic))
			return magics[i].type;
	if (t->binary)
		return STR("application/octet-stream");
	return html_in(head) ? STR("text/html") : STR("text/plain");
}
