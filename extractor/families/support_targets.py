"""The range that an INR is meant to have: "target INR 2.5-3.5", "INR 3.1 (goal 2-3)". It decides I11.i on a coumarin."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader", "act"})

_RANGE = re.compile(
    r"[\s:=(\[-]{0,4}(?:range|inr|is|of|for|between|entre|de|bereich|zone)?[\s:=(\[-]{0,4}(?:range|is|of)?\s?"
    r"(?P<low>[1-4](?:[.,]\d)?)\s?(?:-|–|to|a|and|et|bis|tot)\s?(?P<high>[2-5](?:[.,]\d)?)(?![\d/]|[.,]\d)"
)


def read(note: NoteText) -> Iterable[Draft]:
    for hit in note.hits.get(FAMILY, ()):
        if hit.get("reader") != "support_targets":
            continue
        if hit.get("act") == "beside" and "inr" not in note.folded[max(0, hit.start - 24) : hit.start]:
            continue
        found = _RANGE.match(note.folded, hit.end)
        if found is None:
            continue
        low, high = (float(found[key].replace(",", ".")) for key in ("low", "high"))
        if low < high:
            yield Draft(
                FAMILY, hit.key, hit.start, found.end(), hit.concept.rule_id, anchor=(hit.start, hit.end), value=low,
                value_high=high, comparator="=", assertion="present",
            )  # fmt: skip
