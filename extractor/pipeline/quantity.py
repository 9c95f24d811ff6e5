"""From a number as written to a value in the canonical unit of its concept, or a refusal.

What is plausible for a concept and what a bare number means for it are data of its pattern file:
``plausible = [lo, hi]`` in the canonical unit; ``bare = [[lo, hi, unit], ...]`` in that unit; ``misprints`` maps a unit
that cannot be meant to the one that is ("albumin 2.7 mg/dL"); ``refuse`` lists units that make it another measurement;
``doubtful`` maps a unit to a value below which it is taken for another one where the number has decimals ("Hb 15.3 g/L"),
and refused where it has none; ``whole`` lists units of which there are no fractions ("WBC 7.45 /uL": thousands are meant); ``mistaken`` maps a unit that is never meant ("9,400 cells/L");
``bare_decimal`` adds rules for numbers written with a decimal; ``bare_in_row`` counts only behind another result of
the sentence; ``bare_marked`` takes the place of ``bare`` behind "NEUT#",
``bare_si`` in a note that prints SI units; ``mass_factor`` scales mass units (urea to urea nitrogen). Source of the ranges: the clinical specification, 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from .. import units
from ..frozen import dataclass
from .values import Reading

KEYS = frozenset(
    {"plausible", "bare", "bare_si", "bare_decimal", "bare_in_row", "bare_marked", "bare_with_reference", "misprints"}
    | {"refuse", "mass_factor", "letters", "mistaken", "whole", "doubtful"}
)
ULN = "{ULN}"
_COUNTS = frozenset({"/uL", "/mm3", "{cells}/uL", "{cells}/mm3", "[IU]/mL", "{copies}/mL"})
_MASS = re.compile(r"^[munpk]?g/")
_DECIMAL_COMMA = re.compile(r",(?<=\d,)\d{1,2}(?!\d|,\d{3})\s?(?:%|g/|m?g/|[µu]mol|mmol|ng/|UI|U/|G/|s\b|kg|°)")
_DECIMAL_POINT = re.compile(r"\.(?<=\d\.)\d{1,2}(?![\d.])")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in its canonical unit; ``value`` None: kept as written, because its unit cannot be settled."""

    value: float | None
    value_high: float | None = None
    unit: str | None = None
    ref_low: float | None = None
    ref_high: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def decimal_comma(text: str) -> bool:
    """Does this note write decimals with a comma?"""
    return bool(_DECIMAL_COMMA.search(text)) and not _DECIMAL_POINT.search(text)


def settle(
    reading: Reading, *, concept: str, unit: str, data: Mapping[str, Any], comma: bool = False, as_written: bool = True
) -> Quantity | None:
    """The reading as a quantity of the concept; None where it is not one.

    ``comma``: the note writes decimals with a comma, so that "1,234" is read that way.
    ``as_written``: keep a value whose unit is known but cannot be converted.
    """
    low, high = data.get("plausible", (float("-inf"), float("inf")))
    if reading.unit is not None and reading.unit in data.get("refuse", ()):
        return None
    if reading.unit == ULN:
        return Quantity(reading.value, reading.value_high, ULN) if 0 < reading.value < 200 else None
    attributes: dict[str, Any] = {}
    written = reading.unit
    if written in data.get("mistaken", ()):
        written = attributes["unit_corrected"] = data["mistaken"][written]
    if written in data.get("doubtful", ()) and reading.value < data["doubtful"][written][0]:
        if not reading.value % 1:
            return None
        written = attributes["unit_corrected"] = data["doubtful"][written][1]
    choices = [(reading.value, False)]
    if written in data.get("whole", ()) and reading.value < 1000 and reading.value % 1 and reading.other is None:
        written = attributes["unit_corrected"] = "10*3/uL"
    if reading.other is not None and reading.value_high is None:
        choices.append((reading.other, True))
    if written is None:
        settled = {}
        bare_rules = list(data.get("bare", ()))
        for lo, hi, bare, highest in data.get("bare_with_reference", ()):
            if reading.ref_high is not None and reading.ref_high <= highest:
                bare_rules.append([lo, hi, bare])
        if re.search(r"\d[.,]\d", reading.as_written or ""):
            bare_rules += data.get("bare_decimal", ())
        for value, other in choices:
            for lo, hi, bare in bare_rules:
                if lo <= value <= hi:
                    settled[other] = (value, bare)
                    break
        picked = _pick(settled, choices, reading, comma, counts=any(u in _COUNTS for _, u in settled.values()))
        if picked is None:
            return None
        value, written = picked
    else:
        if written in data.get("misprints", {}) and not _in_range(
            reading.value, written, concept, unit, data, low, high
        ):
            attributes["unit_corrected"] = data["misprints"][written]
            written = data["misprints"][written]
        settled = {
            other: (value, written)
            for value, other in choices
            if _in_range(value, written, concept, unit, data, low, high)
        }
        if not settled:
            convertible = to_unit(reading.value, written, unit, concept, data) is not None
            return Quantity(None) if as_written and not convertible else None
        picked = _pick(settled, choices, reading, comma, counts=written in _COUNTS)
        if picked is None:
            return Quantity(None) if as_written else None
        value, written = picked
    if written == ULN:
        return Quantity(value, reading.value_high, ULN, attributes={"ratio": "patient/control"})
    result = to_unit(value, written, unit, concept, data)
    if result is None or not low <= result <= high:
        return None
    upper = None
    if reading.value_high is not None:
        upper = to_unit(reading.value_high, written, unit, concept, data)
        if upper is None or upper > high:
            return None
    ref_low, ref_high = (
        to_unit(r, written, unit, concept, data) if r is not None else None for r in (reading.ref_low, reading.ref_high)
    )
    if reading.flag in ("H", "L"):
        attributes["flag"] = reading.flag
    return Quantity(_tidy(result), _tidy(upper), unit, _tidy(ref_low), _tidy(ref_high), attributes)


def _pick(
    settled: dict[bool, tuple[float, str]],
    choices: list[tuple[float, bool]],
    reading: Reading,
    comma: bool,
    *,
    counts: bool,
) -> tuple[float, str] | None:
    """Of two readings of one separator the plausible one; if both are, thousands for counts, else the note's style."""
    if not settled:
        return None
    if len(settled) == 1:
        return next(iter(settled.values()))
    if counts:
        return max(settled.values(), key=lambda choice: choice[0])
    if "," not in reading.as_written or not comma:
        return settled[False]
    return settled[True]


def _in_range(
    value: float, written: str, concept: str, unit: str, data: Mapping[str, Any], low: float, high: float
) -> bool:
    result = to_unit(value, written, unit, concept, data)
    return result is not None and low <= result <= high


def to_unit(value: float, written: str, unit: str, concept: str, data: Mapping[str, Any]) -> float | None:
    """The value in the canonical unit, None where the units do not convert."""
    factor = data.get("mass_factor", 1.0) if _MASS.match(written) else 1.0
    if written == unit:
        return value * factor
    try:
        return units.convert(value, written, unit, concept=concept) * factor
    except ValueError:
        return None


def _tidy(value: float | None) -> float | None:
    """Conversion leaves 9.100000000000001; ten significant digits are more than any laboratory prints."""
    return None if value is None else float(f"{value:.10g}")
