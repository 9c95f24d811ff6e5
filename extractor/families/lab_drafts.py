"""A laboratory reading as a draft: its value settled in the unit of its analyte, in the units that the note prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..pipeline.lexicon import Hit, fold
from ..pipeline.names import Name
from ..pipeline.quantity import Quantity, settle
from ..pipeline.tables import Interval
from ..pipeline.values import Reading
from ..records import Draft

FAMILY_NAME = "lab"
#: "ASAT 3N" (French): three times the normal value
_TIMES_NORMAL = re.compile(r"N(?![\w])")


def settled_of(hit: Hit, reading: Reading, comma: bool, text: str, *, in_row: bool = False) -> Quantity | None:
    """The reading in the unit of its analyte. ``in_row``: a result was read before it in the sentence."""
    if text[reading.end : reading.end + 1] == "+" and not reading.unit:
        return None
    data = hit.concept.data
    if reading.unit is None and "multiples" in data and _TIMES_NORMAL.match(text, reading.number_end):
        low, high = data["multiples"]
        reading = replace(reading, unit="{ULN}", unit_raw="N") if low <= reading.value <= high else reading
    if reading.unit is None and in_row and "bare_in_row" in data:
        data = {**data, "bare": data["bare_in_row"]}
    if reading.unit is None and "bare_marked" in data and text[hit.end : hit.end + 2].lstrip().startswith("#"):
        data = {**data, "bare": data["bare_marked"]}
    if reading.unit is None and "bare_si" in data:
        data = {**data, "bare": _bare_of_note(data, text)}
    return settle(reading, concept=hit.key, unit=hit.concept.unit or "1", data=data, comma=comma)


def draft_of(
    name: Name,
    reading: Reading,
    settled: Quantity,
    start: int,
    end: int,
    *,
    date: Interval | None = None,
    anchor: tuple[int, int] | None = None,
) -> Draft:
    return Draft(
        family=FAMILY_NAME,
        concept=name.hit.key,
        start=start,
        end=end,
        rule_id=name.hit.concept.rule_id,
        anchor=anchor or (name.start, name.end),
        code=name.hit.concept.code,
        value=settled.value,
        value_high=settled.value_high,
        comparator=reading.comparator if settled.value is not None else None,
        unit=settled.unit,
        value_as_written=reading.as_written,
        unit_as_written=reading.unit_raw,
        ref_low=settled.ref_low,
        ref_high=settled.ref_high,
        assertion="present",
        date=date,
        attributes=settled.attributes,
    )


#: what shows that a note prints SI units (Hb 104, creatinine 71, umol/L), or conventional ones (mg/dL, Hgb 10.4)
_SI = re.compile(r"\b(?:hb|hgb|haemoglobin|hemoglobin)\W{0,3}(?:[6-9]\d|1\d\d)\b(?!\.)|\b[ck]reat\w*\W{0,3}(?:[4-9]\d|[1-4]\d\d)\b|[uµ]mol")
_CONVENTIONAL = re.compile(r"mg\s?/\s?dl|\b(?:hb|hgb|hemoglobin)\W{0,3}(?:\d|1\d)\.\d\b|\bcr(?:eat\w*)?\W{0,3}[0-4]\.\d")


@lru_cache(maxsize=4)
def _units_of(text: str) -> str:
    """"si", "conventional" or "" by the units that a note prints."""
    folded = fold(text)
    if _CONVENTIONAL.search(folded):
        return "conventional"
    return "si" if _SI.search(folded) else ""


def _bare_of_note(data: Mapping[str, Any], text: str) -> list[Any]:
    """What a bare number means in this note: "bili 12" is umol/L beside "Hb 104", and nothing where nothing tells, unless
    it is the same in both worlds ("CRP 145")."""
    kind = _units_of(text)
    if kind:
        return list(data["bare" if kind == "conventional" else "bare_si"])
    lowest = data["bare_si"][0][0]
    both = [[max(low, a), min(high, b), unit] for low, high, unit in data["bare"] for a, b, si in data["bare_si"] if si == unit]
    return both or [[low, min(high, lowest), unit] for low, high, unit in data["bare"]]
