# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from an OpenAPI document, good ones and hostile ones, and the comparison of each answer with what the document declares. Seeded: the
same document gives the same requests. Used by tests/e2e/test_openapi.py."""
import json
import random
import re
import urllib.parse

import jsonschema

HOSTILE = ["", "0", "-1", "1", "99999999999999999999", "1e309", "' OR '1'='1", "\"; DROP TABLE patient_data; --", "%", "_", "\\", "%_\\'\"", "null", "true", "[]",
           "{}", "<script>alert(1)</script>", "../../etc/passwd", "2020-02-31", "0000-00-00", "2020-01-01T00:00:00Z", "é\U0001f600", "x" * 300, "x" * 3000,
           "00000000-0000-0000-0000-000000000000", "9a9d359c-a010-4a95-9317-4bdb17caf8f6", "a\x00b", "\r\nX-Evil: 1", "\u202e", " "]
RAW_QUERIES = ["%ff%fe", "a=%zz", "&&&=&", "=1", "x[]=1&x[]=2", "fname[a][b]=c"]
RAW_BODIES = [b"", b"{", b"[]", b"null", b"\"text\"", b"{\"fname\":\"\xff\xfe\"}", b"[" * 200 + b"]" * 200, b"{\"a\":" * 100 + b"1" + b"}" * 100, b"\x00\x01\x02",
              b"{\"fname\":1,\"fname\":2}", b"fname=Ada&lname=King"]
KINDS = ["application/json", "text/plain", "x/y", "multipart/form-data", "multipart/form-data; boundary=x"]
WRONG = [None, True, False, 0, -1, 1.5, 10**18, 1e300, [], {}, [1], {"a": {"b": []}}]


MANDATORY = ("WWW-Authenticate", "Retry-After", "Content-Range", "Content-Disposition")
ROWS_MAX = 5  # of a list: its rows are alike, and each is long


class Document:
    def __init__(self, doc):
        self.doc = doc
        self.paths = doc["paths"]
        self.validators = {}
        self.formed = {(method, self.form(path)): op for method, path, op in self.operations()}

    @staticmethod
    def form(path):
        """"/api/patient/{puuid}" or "/api/patient/:pid" with the parameters' names left out."""
        return re.sub(r":\w+|{\w+}", "{}", path)

    def operations(self):
        """(method, path, operation)"""
        for path, item in self.paths.items():
            for method, op in item.items():
                yield method.upper(), path, op

    def operation(self, method, path):
        """What the document says of a path, whatever either calls its parameters; None: nothing."""
        return self.formed.get((method, self.form(path)))

    def resolve(self, node):
        while "$ref" in node:
            at = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            node = at
        return node

    def answers_to(self, op, response):
        """None, or why the answer is not one that the operation declares."""
        if response.status_code >= 500:
            return f"status {response.status_code}"
        declared = op["responses"].get(str(response.status_code), op["responses"].get("default"))
        if declared is None:
            return f"status {response.status_code} is not declared"
        declared = self.resolve(declared)
        lacking = [f for f in declared.get("headers", {}) if f in MANDATORY and f not in response.headers]
        if lacking:
            return f"status {response.status_code}: the declared fields {lacking} are not there"
        content = declared.get("content")
        if content is None:
            return None if response.content == b"" or op["responses"].get("default") is declared else f"status {response.status_code}: no body is declared"
        kind = response.headers.get("Content-Type", "").split(";")[0]
        if kind not in content and "*/*" not in content:
            return f"status {response.status_code}: content type {kind!r} is not declared"
        schema = content.get(kind, content.get("*/*")).get("schema", {})
        value = response.json() if kind.endswith("json") else response.text
        if isinstance(value, dict) and isinstance(value.get("data"), list):
            value["data"] = value["data"][:ROWS_MAX]
        elif isinstance(value, list):
            value = value[:ROWS_MAX]
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = dict(schema, components=self.doc["components"])
            self.validators[key] = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker(["uuid", "date"]))
        worst = jsonschema.exceptions.best_match(self.validators[key].iter_errors(value))
        if worst is None:
            return None
        where = "/".join(str(p) for p in worst.absolute_path)
        return f"status {response.status_code}: {where}: {worst.message[:300]}"


class Walk:
    """ids: what lists told so far, by name of the resource: values for :params."""

    def __init__(self, document, seed):
        self.document = document
        self.random = random.Random(seed)
        self.ids = {}

    # --- values ------------------------------------------------------------------------------------------------------------
    def path_of(self, path, good):
        """The path filled in; good: with ids of rows that exist (None when none is known)."""
        out, before = [], ""
        for segment in path.strip("/").split("/"):
            if not segment.startswith("{"):
                before = segment
                out.append(segment)
                continue
            known = self.ids.get(before, [])
            if good and not known:
                return None
            if good or (known and self.random.random() < 0.5):
                out.append(self.random.choice(known))
            else:
                out.append(urllib.parse.quote(self.random.choice([h for h in HOSTILE if h.strip("./")]), safe=""))
        return "/" + "/".join(out)

    def value_of(self, schema, depth=0):
        """A value that the schema allows."""
        schema = self.document.resolve(schema)
        if "enum" in schema or "const" in schema:
            return self.random.choice(schema.get("enum", [schema.get("const")]))
        if "anyOf" in schema:
            return self.value_of(self.random.choice(schema["anyOf"]), depth + 1)
        types = schema.get("type", "string")
        kind = self.random.choice(types) if isinstance(types, list) else types
        if kind == "object":
            members = schema.get("properties", {})
            chosen = [m for m in members if m in schema.get("required", []) or self.random.random() < 0.3]
            return {m: self.value_of(members[m], depth + 1) for m in chosen}
        if kind == "array":
            return [] if depth > 4 else [self.value_of(schema.get("items", {}), depth + 1) for _ in range(self.random.randint(1, 3))]
        if kind == "string":
            return self.text_of(schema)
        return {"integer": lambda: self.random.randint(0, 100), "number": lambda: self.random.randint(0, 1000) / 4, "boolean": lambda: self.random.random() < 0.5,
                "null": lambda: None}[kind]()

    def text_of(self, schema):
        if schema.get("format") in ("email", "uri", "date", "uuid"):
            return {"email": "ada@example.org", "uri": "https://example.org/", "date": "1990-02-28", "uuid": HOSTILE[-6]}[schema["format"]]
        if "description" in schema and schema["description"].startswith("YYYY"):
            return "2026-01-31 10:30:00"[:len(schema["description"])]
        if "bytes=" in schema.get("pattern", ""):
            return self.random.choice(["bytes=0-0", "bytes=1-", "bytes=-2", "bytes=99999-"])
        if " [0-9]{2}:" in schema.get("pattern", ""):
            return "2026-01-31 10:30:00"
        low, high = schema.get("minLength", 1), min(schema.get("maxLength", 20), 60)
        n = self.random.randint(min(low, high), max(low, min(high, 12)))
        return "".join(self.random.choice("0123456789" if "pattern" in schema else "Abcdé fghij-klm") for _ in range(n)).strip() or "1"

    def spoiled(self, body):
        """The body with a few members made wrong, and one that is not documented."""
        body = dict(body, undocumented=self.random.choice(HOSTILE))
        for name in self.random.sample(sorted(body), min(3, len(body))):
            body[name] = self.random.choice(HOSTILE + WRONG)
        return body

    # --- requests ----------------------------------------------------------------------------------------------------------
    def body_schema(self, op):
        return op.get("requestBody", {}).get("content", {}).get("application/json")

    def fields(self, op, hostile):
        """Some of the header's parameters. A hostile one is a field that HTTP itself allows."""
        told = [p for p in op["parameters"] if p["in"] == "header" and self.random.random() < 0.2]
        values = {p["name"]: self.random.choice(HOSTILE) if hostile else str(self.value_of(p["schema"])) for p in told}
        return {k: v for k, v in values.items() if v.isascii() and v.isprintable() and v == v.strip() and v}

    def query(self, op):
        told = [p for p in op["parameters"] if p["in"] == "query" and (p.get("required") or self.random.random() < 0.2)]
        values = {p["name"]: p.get("example", self.value_of(p["schema"])) for p in told}
        return {k: ",".join(v) if isinstance(v, list) else v for k, v in values.items()}

    def good(self, path, op):
        """Keyword arguments of a request that the document allows, or None where no row is known."""
        at = self.path_of(path, True)
        if at is None:
            return None
        request = {"path": at, "params": self.query(op), "headers": self.fields(op, False)}
        form = op.get("requestBody", {}).get("content", {}).get("multipart/form-data")
        if form:
            return {**request, "files": {m: (f"{m}.txt", b"some text\n", "text/plain") for m in self.document.resolve(form["schema"])["properties"]}}
        media = self.body_schema(op)
        return {**request, "json": self.value_of(media["schema"])} if media else request

    def hostile(self, path, op):
        at = self.path_of(path, False)
        query = {p["name"]: self.random.choice(HOSTILE) for p in op["parameters"] if p["in"] == "query" and self.random.random() < 0.3}
        raw = self.random.choice(RAW_QUERIES) if self.random.random() < 0.1 else ""
        fields = self.fields(op, True)
        request = {"path": at + (f"?{raw}" if raw else ""), "params": {} if raw else query, "headers": fields}
        if "requestBody" not in op:
            return request
        media = self.body_schema(op)
        if media is None or self.random.random() < 0.4:
            return {**request, "data": self.random.choice(RAW_BODIES), "headers": {**fields, "Content-Type": self.random.choice(KINDS)}}
        return {**request, "data": json.dumps(self.spoiled(self.value_of(media["schema"]))).encode(), "headers": {**fields, "Content-Type": "application/json"}}

    def learn(self, path, response):
        """Keeps the ids of the rows of an answer for the paths below it."""
        if response.status_code not in (200, 201) or not response.headers.get("Content-Type", "").startswith("application/json"):
            return
        name = [s for s in path.strip("/").split("/") if not s.startswith("{")][-1]
        body = response.json()
        data = body.get("data", body) if isinstance(body, dict) else body
        for row in (data if isinstance(data, list) else [data])[:20]:
            if isinstance(row, dict):
                found = [str(row[k]) for k in ("uuid", "id") if row.get(k) is not None][:1]
                self.ids.setdefault(name, []).extend(v for v in found if re.fullmatch(r"[A-Za-z0-9_$:-]+", v) and v not in self.ids.get(name, []))
