#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the example out of docs/add-a-resource.md, so that a test compiles and serves what the page shows.

usage: documented.py c | yaml   (the C file with its routes table, or a scope file)"""
import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "add-a-resource.md"


def blocks(language):
    return re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE.read_text(), re.M | re.S)


def c_file():
    """The two blocks of the example, with a table of routes that has it alone."""
    rows = "".join(text for _, text in blocks("c")[:2])
    return rows + "\nconst struct direct_routes *const rest_routes[] = { &rest_pharmacy };\nconst unsigned n_rest_routes = 1;\n"


def scope_file():
    indent, text = blocks("yaml")[0]
    rows = "".join(f"    {line[len(indent):]}\n" for line in text.splitlines())
    return f"# SPDX-License-Identifier: GPL-3.0-or-later\nstandard:\n  defaults: {{api_scope: api:oemr, api_roles: [users], roles: [users]}}\n  routes:\n{rows}"


if __name__ == "__main__":
    print({"c": c_file, "yaml": scope_file}[sys.argv[1]]())
