"""A number with its uncertainty, its date and its evidence, and the three-valued comparison with a threshold.

A stated value is an interval (``>90 %`` is ``(90, 100]``, ``~20 %`` is 18 to 22); a threshold inside the interval
leaves the comparison unknown. Source: clinical specification, section "everything is an interval".

>>> Measure(80, 90).compare(">", 20).name, Measure(15, 25).compare(">", 20).name
('T', 'U')
>>> from_value(90, None, ">", "%").compare(">", 90).name
'T'
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, field

from extractor.truth import Truth, negate

#: ``approximately 20 %`` is read as 20 plus or minus a tenth of itself.
ABOUT = 0.1
#: concepts that cannot exceed a bound: an open ``>90 %`` ends at 100
_TOP = {"%": 100.0}

NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!="}


@dataclass(frozen=True)
class Measure:
    """A value of one patient: ``low`` to ``high`` in ``unit``, open ends marked.

    ``date``      (earliest, latest) day on which it was measured
    ``evidence``  fact_ids
    ``ref_low``/``ref_high``  reference range printed with the value, same unit
    ``uln``       (lowest, highest) upper limit of normal that applies, None where the concept has none;
                  ``uln_default`` is True where it comes from the table of defaults and not from the note
    ``stale``     measured outside the window that was asked for
    ``review``    review codes R1 … R12
    ``missing``   what would settle it, where the interval is wide because something is not known
    """

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False
    unit: str = ""
    date: tuple[datetime.date, datetime.date] | None = None
    evidence: tuple[str, ...] = ()
    ref_low: float | None = None
    ref_high: float | None = None
    uln: tuple[float, float] | None = None
    uln_default: bool = False
    stale: bool = False
    review: tuple[str, ...] = ()
    name: str = ""
    missing: str = ""
    notes: dict[str, object] = field(default_factory=dict)

    def compare(self, operator: str, threshold: float) -> Truth:
        """``self operator threshold``: T if the whole interval satisfies it, F if no part does, else U."""
        return _compare(self, operator, threshold)

    def compare_uln(self, operator: str, factor: float) -> Truth:
        """``self operator factor x ULN`` where the ULN itself is an interval; U without one.

        >>> Measure(100, 100, uln=(31, 48)).compare_uln("<", 3).name
        'U'
        """
        if self.uln is None:
            return Truth.U
        lowest, highest = (_compare(self, operator, factor * limit) for limit in self.uln)
        return lowest if lowest is highest else Truth.U

    def near(self, threshold: float, share: float = 0.05) -> bool:
        """Within 5 % of the threshold (review code R2)."""
        margin = abs(threshold) * share
        return self.low <= threshold + margin and self.high >= threshold - margin

    def text(self) -> str:
        """The value as a person writes it.

        >>> Measure(90, 100, low_open=True, unit="%").text()
        '>90 %'
        """
        if self.low == self.high:
            number = _number(self.low)
        elif self.low_open and (math.isinf(self.high) or self.high == _TOP.get(self.unit)):
            number = f">{_number(self.low)}"
        elif self.high_open and self.low in (0.0, -math.inf):
            number = f"<{_number(self.high)}"
        elif math.isinf(self.high):
            number = f">={_number(self.low)}"
        else:
            number = f"{_number(self.low)} to {_number(self.high)}"
        return f"{number} {self.unit}".strip() if self.unit not in ("1", "{score}", "{class}", "{grade}") else number


def _number(value: float) -> str:
    return f"{round(value, 2):g}"


def _below(measure: Measure, threshold: float, *, strict: bool) -> Truth:
    """Truth of ``measure < threshold`` (strict) or ``measure <= threshold``."""
    if measure.high < threshold or (measure.high == threshold and (measure.high_open or not strict)):
        return Truth.T
    if measure.low > threshold or (measure.low == threshold and (measure.low_open or strict)):
        return Truth.F
    return Truth.U


def _compare(measure: Measure, operator: str, threshold: float) -> Truth:
    if operator == "<":
        return _below(measure, threshold, strict=True)
    if operator == "<=":
        return _below(measure, threshold, strict=False)
    if operator == ">":
        return negate(_below(measure, threshold, strict=False))
    if operator == ">=":
        return negate(_below(measure, threshold, strict=True))
    if operator in ("==", "="):
        if measure.low == measure.high == threshold:
            return Truth.T
        return Truth.F if measure.high < threshold or measure.low > threshold else Truth.U
    raise ValueError(f"comparison: expected one of < <= > >= ==, found {operator!r}")


def from_value(
    value: float | None, value_high: float | None, comparator: str | None, unit: str | None = "", **more
) -> Measure:
    """The interval of a stated value.

    >>> from_value(20, None, "~", "%").low
    18.0
    """
    if value is None:
        raise ValueError("a measure of a fact without a number")
    unit = unit or ""
    if value_high is not None:
        return Measure(min(value, value_high), max(value, value_high), unit=unit, **more)
    top, bottom = _TOP.get(unit, math.inf), 0.0 if value >= 0 else -math.inf
    if comparator == ">":
        return Measure(value, max(top, value), low_open=True, unit=unit, **more)
    if comparator == ">=":
        return Measure(value, max(top, value), unit=unit, **more)
    if comparator == "<":
        return Measure(bottom, value, high_open=True, unit=unit, **more)
    if comparator == "<=":
        return Measure(bottom, value, unit=unit, **more)
    if comparator == "~":
        return Measure(value - abs(value) * ABOUT, min(value + abs(value) * ABOUT, max(top, value)), unit=unit, **more)
    return Measure(value, value, unit=unit, **more)
