#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""DDL of one OpenEMR generation from the facts in ../shared/contract/schema/<generation>.json: for tests against older generations,
and how docker/schema/openemr-8.sql was made (--tables FILE limits to the tables that the APIs touch).

usage: schema_from_contract.py GENERATION.json [--tables FILE]"""
import json
import sys


def column(c):
    parts = [f"`{c['name']}`", c["type"], "NULL" if c["null"] else "NOT NULL"]
    default = c.get("default")
    if c.get("auto_increment"):
        parts.append("AUTO_INCREMENT")
    elif isinstance(default, dict):
        parts.append(f"DEFAULT {default['expression']}")
        if c.get("on_update"):
            parts.append(f"ON UPDATE {c['on_update']}")
    elif default is not None:
        parts.append("DEFAULT '" + str(default).replace("'", "''") + "'")
    elif c["null"] and c["type"].startswith("timestamp"):
        parts.append("DEFAULT NULL")
    return " ".join(parts)


def index(i, types):
    def part(col):
        name, length = (col["name"], col.get("length")) if isinstance(col, dict) else (col, None)
        if length is None and types.get(name, "").split("(")[0] in ("text", "longtext", "mediumtext", "tinytext", "blob", "longblob"):
            length = 255
        return f"`{name}`" + (f"({length})" if length else "")
    kind = "UNIQUE KEY" if i.get("unique") else "KEY"
    if i.get("type", "").upper() == "FULLTEXT":
        kind = "FULLTEXT KEY"
    return f"{kind} `{i['name']}` ({', '.join(part(c) for c in i['columns'])})"


def table(name, t):
    types = {c["name"]: c["type"] for c in t["columns"]}
    lines = [column(c) for c in t["columns"]]
    if t.get("primary_key"):
        lines.append(index({"name": "x", "columns": t["primary_key"]}, types).replace("KEY `x`", "PRIMARY KEY"))
    lines += [index(i, types) for i in t.get("indexes", [])]
    collation = t.get("collation") or "utf8mb4_general_ci"
    return f"CREATE TABLE `{name}` (\n  " + ",\n  ".join(lines) + f"\n) ENGINE={t.get('engine') or 'InnoDB'} COLLATE={collation};\n"


def main():
    tables = json.load(open(sys.argv[1], encoding="utf-8"))["tables"]
    wanted = None
    if "--tables" in sys.argv:
        wanted = {w for w in open(sys.argv[sys.argv.index("--tables") + 1], encoding="utf-8").read().split()}
    print("SET sql_mode='';")
    for name in sorted(tables):
        if wanted is None or name in wanted:
            print(table(name, tables[name]))


if __name__ == "__main__":
    main()
