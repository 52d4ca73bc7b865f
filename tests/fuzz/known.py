"""Ids that exist, and small changes of a request that succeeds.

What belongs here: what needs no API document. What does not: Schemathesis (cases.py).
"""

import re

ID = re.compile(r"(com|per|mem|mrg|dep|crd|prd|art|vid|upl|inv|jrq|dea)_[0-9a-v]{26}")
# Of how many generated ids one is replaced by one that exists, in percent.
KNOWN_PERCENT = 75
KEPT = 40
ODD = (
    None, "", " ", "茶" * 3_000, "\u0000", "\u202e", "🎁", "a\nb", -1, 0, 1, 1.5, 2**31, 2**53, 2**63, 2**64, 1e300,
    True, [], {}, [None], {"a": 1}, "0", "null", "2026-02-30", "2026-11-21T09:00:00+08:00",
)  # fmt: skip


class KnownIds:
    """Ids of the company's things by their prefix, from the answers; also share codes and cursors."""

    def __init__(self):
        self.found, self.reserved = {}, set()

    def add(self, kind, value):
        """Remembers a value, and forgets old ones."""
        values = self.found.setdefault(kind, [])
        if value not in values and value not in self.reserved:
            values.append(value)
            del values[:-KEPT]

    def learn(self, operation, value, name=None):
        """Takes what an answer holds."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.learn(operation, inner, key)
        elif isinstance(value, list):
            for inner in value:
                self.learn(operation, inner)
        elif isinstance(value, str):
            if ID.fullmatch(value):
                self.add(value[:3], value)
            elif name == "share_code":
                self.add(name, value)
            elif name == "next_cursor":
                self.add(f"cursor of {operation}", value)

    def replace(self, rng, operation, value, name=None):
        """The value with many of its ids replaced by known ones of their kind."""
        if isinstance(value, dict):
            return {key: self.replace(rng, operation, inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.replace(rng, operation, inner, name) for inner in value]
        kind = None
        if isinstance(value, str):
            kind = value[:3] if ID.fullmatch(value) else {"share_code": name, "cursor": f"cursor of {operation}"}.get(name)
        known = [found for found in self.found.get(kind, []) if found not in self.reserved]
        return rng.choice(known) if known and rng.randrange(100) < KNOWN_PERCENT else value


def altered(rng, value, other):
    """The value with one thing in it changed: to what stands there in `other`, or to something odd."""
    if isinstance(value, dict) and value:
        key = rng.choice(sorted(value))
        chance = rng.randrange(10)
        if chance == 0:
            return {name: inner for name, inner in value.items() if name != key}
        if chance == 1:
            return {**value, f"{key}_": rng.choice(ODD)}
        there = other.get(key) if isinstance(other, dict) else None
        return {**value, key: altered(rng, value[key], there)}
    if isinstance(value, list) and value and rng.randrange(3):
        place = rng.randrange(len(value))
        return [*value[:place], altered(rng, value[place], None), *value[place + 1 :]]
    return other if other is not None and rng.randrange(2) else rng.choice(ODD)
