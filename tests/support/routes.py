# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the scope files of the Standard and the Portal API as tests see them: read anew from YAML, without the program's own code."""
import dataclasses
import re

import yaml
from gateway import ROOT

PARAMETER = r"[A-Za-z0-9_$:.-]+"


@dataclasses.dataclass(frozen=True)
class Route:
    api: str       # standard or portal
    method: str
    path: str      # "/api/patient/:puuid"
    row: dict = dataclasses.field(hash=False, compare=False)

    @property
    def name(self):
        return f"{self.method} {self.path}"

    @property
    def resource(self):
        """The last fixed segment that is no operation: the resource file of the contract."""
        fixed = [s for s in self.path.split("/")[2:] if s[0] not in ":$" and s != "run"]
        return fixed[-1]

    @property
    def parameters(self):
        return [s[1:] for s in self.path.split("/") if s.startswith(":")]

    @property
    def who(self):
        """A user who may: of staff, or a patient."""
        return "Phil1" if self.api == "portal" else "admin"

    def filled(self, values):
        """The path with each :name replaced by values[name]."""
        return re.sub(r":(\w+)", lambda m: str(values[m[1]]), self.path)


def read():
    doc = yaml.safe_load((ROOT / "scopes" / "openemr.yaml").read_text())
    routes = []
    for api in ("standard", "portal"):
        for entry in doc[api]["routes"]:
            (key, row), = entry.items()
            method, path = key.split()
            routes.append(Route(api, method, path, {**doc[api]["defaults"], **(row or {})}))
    return routes


ROUTES = read()
ADDED = {"POST /api/patient/:puuid/insurance/$swap-insurance", "POST /api/patient/:pid/insurance/:type"}  # beyond the contract's 103 routes


def match(method, path):
    """The row that a request meets; a fixed segment wins over a parameter."""
    path = path.split("?")[0]
    found = [r for r in ROUTES if r.method == method and re.fullmatch(re.sub(r":\w+", lambda _: PARAMETER, re.escape(r.path).replace(r"\:", ":")), path)]
    return min(found, key=lambda r: len(r.parameters)) if found else None
