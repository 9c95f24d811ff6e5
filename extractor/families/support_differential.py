"""Shares of neutrophils and bands in a differential count, in per cent of the white cells.

They are no count: the timeline multiplies them with the white cells of the same day (specification 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader", "act"})

_SHARE = re.compile(r"\s*(?:\([a-z%]{1,12}\)|%|[:=.]|of){0,6}\s*(?P<n>\d{1,3}(?:[.,]\d{1,2})?)\s?(?P<sign>%)?")
#: the shares in one-letter form, as South Asian notes write them: "DLC N48 L41", "TLC 6,700 (P 72, L 20)"
_LETTERS = re.compile(
    r"[\s:=(-]{0,4}(?:[\d.,]{1,9}\s?(?:k|/?\s?(?:cu\.?\s?mm|cumm|c\.?mm|mm3|ul))?[\s,(;-]{0,4})?"
    r"[np]\s?[-:=]?\s?(?P<n>\d{1,2})(?![\d.])(?=\s?%?\s?[,/ ]\s?[lme]\s?[-:=]?\s?\d)"
)
_BEFORE = re.compile(r"(?P<n>\d{1,3}(?:[.,]\d{1,2})?)\s?%\s*(?:of\s+)?$")


def read(note: NoteText) -> Iterable[Draft]:
    for hit in note.hits.get(FAMILY, ()):
        if hit.get("reader") != "support_differential":
            continue
        after = note.folded[hit.end : hit.end + 40]
        lettered = hit.get("act") == "letters"
        found = (_LETTERS if lettered else _SHARE).match(after)
        start, end = hit.start, hit.end + (found.end() if found else 0)
        if lettered:
            if found is None:
                continue
        elif found is None or not (found["sign"] or "%" in after[: found.start("n")]):
            found = _BEFORE.search(note.folded, max(0, hit.start - 12), hit.start)
            if found is None:
                continue
            start, end = found.start(), hit.end
        value = float(found["n"].replace(",", "."))
        if value <= 100:
            yield Draft(
                FAMILY, hit.key, start, end, hit.concept.rule_id, anchor=(hit.start, hit.end), value=value, unit="%",
                value_text=hit.get("value_text"), comparator="=", assertion="present",
            )  # fmt: skip
