/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages' one style sheet: light and dark, from 320 px up, contrast 4.5:1 and more (WCAG 2.2 AA). Served as a file, so that the CSP
 * needs no inline style.                                                                                                   */
#include "gateway/oauth/pages/page.h"

static const struct str rules[] = {
	STR_INIT(":root{color-scheme:light dark;--back:#eef2f6;--card:#fff;--text:#17212b;--soft:#556270;--line:#d4dbe"
	         "3;--field:#8390a0;--main:#0b5cad;--main-over:#084a8c;--on-main:#fff;--bad:#9e2d2d;--bad-back:#fdf0ef"
	         ";--focus:#0b5cad}"),
	STR_INIT("@media (prefers-color-scheme:dark){:root{--back:#10161d;--card:#1a222c;--text:#e8edf3;--soft:#a5b1be"
	         ";--line:#323d4a;--field:#7f8d9c;--main:#6cb1f5;--main-over:#8cc3f9;--on-main:#0c1a29;--bad:#ffb3ac;-"
	         "-bad-back:#3a2020;--focus:#8cc3f9}}"),
	STR_INIT("*{box-sizing:border-box}"),
	STR_INIT("body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;background:var("
	         "--back);color:var(--text);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\""
	         "DejaVu Sans\",sans-serif}"),
	STR_INIT("header{width:100%;max-width:27rem;padding:3rem 1rem 1.25rem}"),
	STR_INIT(".brand{display:flex;align-items:center;justify-content:center;gap:.65rem;font-weight:600;font-size:1"
	         ".06rem;overflow-wrap:anywhere}"),
	STR_INIT(".brand img{max-height:44px;max-width:180px}"),
	STR_INIT(".mark{flex:none;width:30px;height:30px;border-radius:9px;background:linear-gradient(var(--card),var("
	         "--card)) center/14px 4px no-repeat,linear-gradient(var(--card),var(--card)) center/4px 14px no-repea"
	         "t,var(--main)}"),
	STR_INIT("main{width:calc(100% - 2rem);max-width:27rem;background:var(--card);border:1px solid var(--line);bor"
	         "der-radius:14px;padding:2rem;box-shadow:0 1px 2px rgba(16,24,40,.05),0 8px 24px rgba(16,24,40,.06)}"),
	STR_INIT("main.wide{max-width:52rem}"),
	STR_INIT("h1{margin:0 0 .35rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}"),
	STR_INIT("h2{margin:1.5rem 0 .4rem;font-size:1rem}"),
	STR_INIT("p{margin:0 0 1rem}"),
	STR_INIT(".lead{color:var(--soft);margin-bottom:1.5rem;overflow-wrap:anywhere}"),
	STR_INIT(".lead strong{color:var(--text)}"),
	STR_INIT(".hint,.who{color:var(--soft);font-size:.88rem;margin:0 0 .4rem;overflow-wrap:anywhere}"),
	STR_INIT(".field{margin-bottom:1.15rem}"),
	STR_INIT("label{display:block;font-weight:600;margin-bottom:.3rem}"),
	STR_INIT("input[type=text],input[type=password],input[type=email],input[type=search],input[type=url],textarea,"
	         "select{width:100%;padding:.65rem .75rem;font:inherit;color:inherit;background:var(--card);border:1px"
	         " solid var(--field);border-radius:8px}"),
	STR_INIT("input[inputmode=numeric]{font-size:1.4rem;letter-spacing:.35em;font-variant-numeric:tabular-nums}"),
	STR_INIT("input[type=checkbox],input[type=radio]{accent-color:var(--main);width:1.1rem;height:1.1rem;margin:0;"
	         "flex:none}"),
	STR_INIT(":focus-visible{outline:3px solid var(--focus);outline-offset:2px}"),
	STR_INIT("fieldset{border:0;padding:0;margin:0 0 1.15rem}"),
	STR_INIT("legend{font-weight:600;padding:0;margin-bottom:.3rem}"),
	STR_INIT(".choice{display:flex;gap:.6rem}"),
	STR_INIT(".choice label{flex:1;display:flex;align-items:center;gap:.55rem;margin:0;padding:.65rem .75rem;font-"
	         "weight:500;border:1px solid var(--field);border-radius:8px;cursor:pointer}"),
	STR_INIT(".choice label:has(:checked){border-color:var(--main);box-shadow:inset 0 0 0 1px var(--main)}"),
	STR_INIT(".scopes{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}"),
	STR_INIT(".scopes li{border-bottom:1px solid var(--line)}"),
	STR_INIT(".scopes ul{list-style:none;margin:0 0 .3rem;padding:0 0 0 1.75rem}"),
	STR_INIT(".scopes ul li{border:0}"),
	STR_INIT(".scopes label{display:flex;gap:.65rem;align-items:flex-start;margin:0;padding:.5rem 0;font-weight:40"
	         "0;cursor:pointer;overflow-wrap:anywhere}"),
	STR_INIT(".scopes ul label{padding:.2rem 0;font-size:.92rem}"),
	STR_INIT(".scopes input{margin-top:.2rem}.scopes code{font-size:.88rem;line-height:1.7}"),
	STR_INIT(".scopes .hint{margin:0 0 .1rem}"),
	STR_INIT(".scopes label span{display:block}"),
	STR_INIT(".scopes label span::first-letter{text-transform:uppercase}"),
	STR_INIT(".scopes summary{font-weight:400;font-size:.88rem;color:var(--soft);padding:0 0 .5rem "
	         "1.75rem;cursor:pointer}"),
	STR_INIT(".untick{margin-top:1.25rem}"),
	STR_INIT("form:has(#role-staff:checked) .patients{display:none}"),
	STR_INIT("button{display:block;width:100%;max-width:100%;overflow-wrap:anywhere;margin-top:.75rem;padding:."
	         "7rem 1rem;font:inherit;font-weight:600;bo"
	         "rder-radius:8px;border:1px solid transparent;cursor:pointer}"),
	STR_INIT("button.main{background:var(--main);color:var(--on-main)}"),
	STR_INIT("button.main:hover{background:var(--main-over)}"),
	STR_INIT("button.other{background:transparent;color:var(--text);border-color:var(--field)}"),
	STR_INIT("button.other:hover{border-color:var(--text)}"),
	STR_INIT("button.link{background:none;color:var(--main);font-weight:500;padding:.35rem}"),
	STR_INIT("button.link:hover{text-decoration:underline}"),
	STR_INIT(".actions{margin-top:1.5rem}"),
	STR_INIT("a{color:var(--main)}"),
	STR_INIT(".problem{margin:0 0 1.25rem;padding:.7rem .85rem;border-left:4px solid var(--bad);border-radius:6px;"
	         "background:var(--bad-back);color:var(--bad)}"),
	STR_INIT(".done{margin:0 0 1.25rem;padding:.7rem .85rem;border-left:4px solid var(--main);border-radius:6px;ba"
	         "ckground:var(--back)}"),
	STR_INIT("input[type=date]{width:100%;padding:.6rem "
	         ".75rem;font:inherit;color:inherit;background:var(--card);border:1px solid "
	         "var(--field);border-radius:8px}"),
	STR_INIT(".only-read{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:"
	         "nowrap}"),
	STR_INIT(".search{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:0 "
	         "1rem;align-items:end;margin-bottom:1.25rem}.search button{margin:0 0 1.15rem}"),
	STR_INIT(".app{border-top:1px solid var(--line);padding:1.1rem 0}.app h2{margin:0 0 .25rem}.may{margin:.5rem "
	         "0;padding-left:1.25rem}.app button{width:auto;margin-top:.4rem;padding:.45rem .9rem}"),
	STR_INIT("summary{cursor:pointer;font-weight:600;padding:.5rem 0}"),
	STR_INIT("details .scopes{max-height:22rem;overflow:auto}"),
	STR_INIT("code{font:.92rem ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere}"),
	STR_INIT("dl.result{margin:0 0 1rem}dt{font-weight:600}dd{margin:0 0 .8rem}"),
	STR_INIT("table{width:100%;border-collapse:collapse;margin:0 0 1rem}"),
	STR_INIT(
	    "th,td{text-align:left;padding:.55rem .6rem;border-bottom:1px solid var(--line);vertical-align:middle}"),
	STR_INIT("h2,td.any{overflow-wrap:anywhere}td:not(.any),th{white-space:nowrap}td.any{width:100%}td "
	         "button{position:relative}"),
	STR_INIT("th{font-size:.88rem;color:var(--soft)}"),
	STR_INIT("td button{width:auto;margin:0;padding:.35rem .8rem}"),
	STR_INIT(".links a{display:inline-block;margin-right:.8rem}"),
	STR_INIT(".links{font-size:.88rem;color:var(--soft);margin:1rem 0 0}"),
	STR_INIT("footer{padding:1.5rem 1rem 2.5rem;font-size:.82rem;color:var(--soft)}"),
	STR_INIT(".skip{position:absolute;left:-999rem}"),
	STR_INIT(".skip:focus{left:1rem;top:1rem;padding:.5rem 1rem;background:var(--card);border-radius:8px}"),
	STR_INIT("@media (max-width:30rem){header{padding:1.5rem 1rem 1rem}main{padding:1.35rem "
	         "1.15rem}.choice{flex-direction:column}table,tbody,td{display:block}thead,td:empty{display:none}tr{"
	         "display:grid;grid-template-columns:minmax(0,1fr) auto;column-gap:1rem;border-bottom:1px solid "
	         "var(--line);padding:.6rem 0}td{border:0;padding:.1rem "
	         "0;grid-column:1}td:last-child{grid-column:2;grid-row:1/span "
	         "4;align-self:center}td[data-label]{font-size:.88rem;color:var(--soft)}td[data-label]::before{content:"
	         "attr(data-label) \" \"}}"),
	STR_INIT("@media (forced-colors:active){.choice label:has(:checked){outline:2px solid}}"),
};

/* The mark of the frame, for the browser's tab. */
static const struct str icon = STR_INIT(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 30 30\"><rect width=\"30\" height=\"30\" rx=\"9\" "
    "fill=\"#0b5cad\"/><path d=\"M13 8h4v5h5v4h-5v5h-4v-5H8v-4h5z\" fill=\"#fff\"/></svg>\n");

static enum step
file_reply(struct request *r, struct str content_type)
{
	r->audit.allowed = true;
	r->audit.rule = STR("public");
	r->reply.status = 200;
	r->reply.content_type = content_type;
	reply_field(&r->reply, STR("Cache-Control"), STR("public, max-age=3600"));
	r->reply.cache_control_set = true;
	return STEP_REPLY;
}

enum step
style_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	for (size_t i = 0; i < NITEMS(rules); i++) {
		buf_str_put(&r->reply.body, rules[i]);
		buf_char(&r->reply.body, '\n');
	}
	return file_reply(r, STR("text/css; charset=utf-8"));
}

enum step
icon_endpoint(struct request *r, struct oauth_state *s)
{
	(void)s;
	buf_str_put(&r->reply.body, icon);
	return file_reply(r, STR("image/svg+xml"));
}
