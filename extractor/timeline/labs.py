"""Laboratory values: the latest in the window, with its upper limit of normal (I11).

The latest value inside the window decides, not the best; an older value is given as stale. Source: criteria 1.5, 3.1,
3.2, 3.7, I11, I12 and the rulings of section 11.
"""

from __future__ import annotations

from dataclasses import replace

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import uln
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import derived
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth

LABS = ("platelets", "hemoglobin", "anc", "wbc", "alc", "creatinine", "ast", "alt", "alp", "bilirubin_total",
        "bilirubin_direct", "albumin", "inr", "pt", "aptt", "tsh", "creatinine_clearance", "egfr")  # fmt: skip


def cockcroft_gault(age: float, weight_kg: float, creatinine_mg_dl: float, *, female: bool) -> float:
    """Creatinine clearance in mL/min (Cockcroft and Gault 1976).

    >>> round(cockcroft_gault(68, 70, 1.4, female=False), 1)
    50.0
    """
    return (140 - age) * weight_kg / (72 * creatinine_mg_dl) * (0.85 if female else 1.0)


def ideal_weight(height_cm: float, *, female: bool) -> float:
    """Ideal body weight in kg (Devine)."""
    return (45.5 if female else 50.0) + 2.3 * (height_cm / 2.54 - 60)


def _usable(fact: Fact) -> bool:
    return (
        fact.value is not None and fact.assertion in ("present", "possible") and not fact.attributes.get("ratio_only")
    )


def _time_of_day(fact: Fact) -> str:
    return str(fact.attributes.get("time") or "")


def latest_lab(patient: Patient, concept: str, settings: Settings, *, days: int | None = None) -> Measure | None:
    """Latest value of an analyte inside the window, else the latest of all, marked stale.

    Two values of one day without times make one interval (a threshold between them leaves the rule open, R1); with
    times the later one wins. Multiples of the upper limit keep their unit ``{ULN}``.
    """
    key = ("lab", concept, days)
    if key not in patient.cache:
        days = days or settings.window("labs_i11")
        found = _latest_lab(patient, concept, days)
        if concept == "anc" and (found is None or found.stale):
            found = _from_differential(patient, days, found)
        patient.cache[key] = found
    return patient.cache[key]


def _from_differential(patient: Patient, days: int, counted: Measure | None) -> Measure | None:
    """Absolute neutrophils where none are counted: white cells times the share of neutrophils and bands (R9)."""
    white = _latest_lab(patient, "wbc", days)
    if white is None or white.unit != "10*9/L" or (counted is not None and white.stale):
        return counted
    notes = {fact.note_id for fact in patient.facts("wbc", "lab") if fact.fact_id in white.evidence}
    shares: dict[str, list[Fact]] = {}
    for fact in patient.facts("neutrophil_share"):
        if fact.value is not None and fact.note_id in notes and time.when(fact) == white.date:
            shares.setdefault(str(fact.value_text), []).append(fact)
    segmented = {fact.value or 0.0 for fact in shares.get("segmented", ())}
    bands = {fact.value or 0.0 for fact in shares.get("band", ())}
    if len(segmented) != 1 or len(bands) > 1:
        return counted
    share = (segmented.pop() + (bands.pop() if bands else 0.0)) / 100
    return replace(
        white,
        low=white.low * share,
        high=white.high * share,
        evidence=white.evidence + time.ids(fact for facts in shares.values() for fact in facts),
        ref_low=None,
        ref_high=None,
        uln=None,
        review=(*white.review, "R9"),
        name="anc",
    )


def _latest_lab(patient: Patient, concept: str, days: int) -> Measure | None:
    facts = [fact for fact in patient.facts(concept, "lab") if _usable(fact) and fact.assertion == "present"]
    dated = [fact for fact in facts if (span := time.when(fact)) and span[0] <= patient.index_date]
    # a value without a date of its own that repeats an older dated value is that value
    fresh = [fact for fact in dated if time.is_fresh(fact, patient.index_date, days=days)]
    own = {(fact.value, time.known(fact)) for fact in dated if time.is_dated(fact)}
    fresh = [
        fact
        for fact in fresh
        if time.is_dated(fact)
        or not any(
            value == fact.value and when[1] < time.known(fact)[0] and when[1] < time.last_day(fact)
            for value, when in own
        )
        or not fact.copied_from
    ]
    pool = fresh or dated
    if not pool:
        return None
    chosen = time.newest(pool)
    if all(_time_of_day(fact) for fact in chosen):
        newest = max(_time_of_day(fact) for fact in chosen)
        chosen = [fact for fact in chosen if _time_of_day(fact) == newest]
    tables = [fact for fact in chosen if fact.attributes.get("table") in (True, "yes")]
    chosen = tables or chosen
    printed = [fact for fact in chosen if fact.ref_high is not None or fact.ref_low is not None]
    distinct = {fact.value for fact in chosen}
    measures = [
        from_value(fact.value, fact.value_high, fact.comparator, fact.unit)
        for fact in chosen
        if fact.unit == chosen[-1].unit
    ]
    low = min(measures, key=lambda item: (item.low, not item.low_open))
    high = max(measures, key=lambda item: (item.high, item.high_open))
    limit, default = _upper_limit(patient, concept, chosen, dated)
    return Measure(
        low.low,
        high.high,
        low.low_open,
        high.high_open,
        chosen[-1].unit or "",
        time.when(chosen[-1]),
        time.ids(chosen),
        ref_low=next((fact.ref_low for fact in printed if fact.ref_low is not None), None),
        ref_high=next((fact.ref_high for fact in printed if fact.ref_high is not None), None),
        uln=limit,
        uln_default=default,
        stale=not fresh,
        review=("R1",) if len(distinct) > 1 else (),
        name=concept,
    )


def _upper_limit(
    patient: Patient, concept: str, chosen: list[Fact], every: list[Fact]
) -> tuple[tuple[float, float] | None, bool]:
    """Upper limit of normal: printed beside the value, else printed elsewhere for the analyte, else the default."""
    if chosen[-1].unit == "{ULN}":
        return (1.0, 1.0), False
    for facts in (chosen, every[::-1]):
        printed = [fact.ref_high for fact in facts if fact.ref_high]
        if printed:
            return (printed[0], printed[0]), False
    limit = uln(concept, patient.sex)
    flagged = [fact for fact in chosen if str(fact.attributes.get("flag", "")).upper() in ("H", "HH")]
    if limit and flagged:
        top = min(limit[1], max(fact.value or 0.0 for fact in flagged))
        limit = (min(limit[0], top), top)
    return limit, limit is not None


def _register(concept: str) -> None:
    @derived(concept)
    def read(patient: Patient, settings: Settings) -> Measure | None:
        return latest_lab(patient, concept, settings)


for _concept in LABS:
    _register(_concept)


def stale_or(answer_truth: Truth, measure: Measure, reason: str, missing: str, /, **more) -> Answer:
    """A stale value answers provisionally."""
    if measure.stale:
        return Answer(
            Truth.U,
            f"{reason} The value is out of its window.",
            measure.evidence,
            ("R12",),
            provisional=answer_truth,
            missing=missing,
        )
    return Answer(answer_truth, reason, measure.evidence, **more)
