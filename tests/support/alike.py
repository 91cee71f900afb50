# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an answer is like a recorded one: member names, their order, JSON types, nulls and values; what a run chooses (ids, uuids, the
time) is matched by shape, and a uuid that was met once must be the same wherever it was the same in the recording."""
import json
import re

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\{\w+\}")
IDS = {"id", "pid", "eid", "encounter", "vid", "fid", "sid", "mid", "iid", "form_id", "pc_eid", "patient_id"}


def shape(text):
    return re.sub(r"\d", "9", text)


class Likeness:
    """now: dates that begin so are the time of the recording. skip: member names that are not compared (deliberate). loose: values are not
    compared, only names, order and types."""

    def __init__(self, now=(), skip=(), loose=False):
        self.now, self.skip, self.loose = tuple(now), set(skip), loose
        self.uuids = {}

    def path(self, text):
        """A recorded path with this run's values for the names in braces."""
        return re.sub(r"\{\w+\}", lambda m: self.uuids.get(m[0], m[0]), text)

    def compare(self, want, got, at=""):
        """Differences as text, none when alike."""
        if isinstance(want, dict) and isinstance(got, dict):
            return self.members(want, got, at)
        if isinstance(want, list) and isinstance(got, list):
            out = [] if self.loose or len(want) == len(got) else [f"{at}: {len(got)} elements instead of {len(want)}"]
            return out + [d for i, (w, g) in enumerate(zip(want, got)) for d in self.compare(w, g, f"{at}[{i}]")]
        return self.value(want, got, at)

    def members(self, want, got, at):
        out = [f"{at}.{k}: missing" for k in want if k not in got]
        # a column that this generation lacks is answered as null (contract, schema/differences.md)
        out += [f"{at}.{k}: unexpected {got[k]!r}" for k in got if k not in want and got[k] is not None]
        order, wanted = [k for k in got if k in want], [k for k in want if k in got]
        if order != wanted:
            first = next(i for i, (a, b) in enumerate(zip(order, wanted)) if a != b)
            out.append(f"{at}: {order[first]} stands where {wanted[first]} is expected")
        return out + [d for k in wanted if k not in self.skip for d in self.compare(want[k], got[k], f"{at}.{k}")]

    def value(self, want, got, at):
        if self.loose and (want is None or got is None):
            return []
        if type(want) is not type(got):
            return [f"{at}: {got!r} instead of {want!r}"]
        if isinstance(want, str) and UUID.fullmatch(want):
            if not UUID.fullmatch(got):
                return [f"{at}: {got!r} is no uuid"]
            known = self.uuids.setdefault(want, got)
            return [] if known == got or self.loose else [f"{at}: {got} instead of {known}, met before"]
        if self.loose or at.rsplit(".", 1)[-1].split("[")[0] in IDS and isinstance(want, int):
            return []
        if isinstance(want, str) and want.startswith(self.now):
            return [] if shape(want) == shape(got) else [f"{at}: {got!r} is not formed like {want!r}"]
        return [] if want == got else [f"{at}: {got!r} instead of {want!r}"]


def php_text(value, legacy):
    """The bytes that PHP's json_encode gives: / and non-ASCII escaped; legacy writers also escape < > & ' and "."""
    text = json.dumps(value, separators=(",", ":")).replace("/", "\\/")
    if legacy:
        for c in "<>&'":
            text = text.replace(c, f"\\u{ord(c):04X}")
        text = text.replace('\\"', "\\u0022")
    return text
