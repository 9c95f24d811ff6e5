"""Performance status, kidney, liver, oxygen (I7, I11.d to I11.g, I12; criteria 3.2, 3.7 and section 11)."""

from __future__ import annotations

import dataclasses

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.labs import cockcroft_gault, ideal_weight, latest_lab, stale_or
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import derived, state
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth


@derived("ecog")
def ecog(patient: Patient, settings: Settings) -> Measure | None:
    """ECOG performance status; Karnofsky by the maps that all agree (70 and more: at most 2; 40 and less: at least 3).

    The newest value wins, then the better source (oncology before others), then the worse value with review.
    """
    facts = [
        fact
        for fact in patient.facts(("ecog", "kps"), "performance")
        if fact.value is not None
        and fact.assertion == "present"
        and (span := time.when(fact))
        and span[0] <= patient.index_date
    ]
    days = settings.window("ecog")
    fresh = [
        fact
        for fact in facts
        if time.is_fresh(fact, patient.index_date, days=days) and fact.temporality != "historical"
    ]
    chosen = time.newest(fresh or [fact for fact in facts if not fact.copied_from] or facts)
    if not chosen:
        return None
    ranked = [fact for fact in chosen if fact.concept == "ecog"] or chosen
    oncology = [fact for fact in ranked if "onc" in fact.note_type.lower()]
    ranked = oncology or ranked
    measures = [_ecog_of(fact) for fact in ranked]
    worst = max(measures, key=lambda item: (item.high, item.low))
    conflict = len({(item.low, item.high) for item in measures}) > 1
    return dataclasses.replace(
        worst,
        date=time.when(ranked[-1]),
        evidence=time.ids(ranked),
        stale=not fresh,
        review=("R1",) if conflict else (),
        name="ecog",
    )


def _ecog_of(fact: Fact) -> Measure:
    if fact.concept == "ecog":
        return from_value(fact.value, fact.value_high, fact.comparator, "{score}")
    value = fact.value or 0.0
    low, high = sorted((value, fact.value_high if fact.value_high is not None else value))
    best = 0 if high >= 70 else 2 if high >= 50 else 3
    worst = 2 if low >= 70 else 3 if low >= 50 else 4
    return Measure(best, worst, unit="{score}")


@state("ecog_at_most_2")
def ecog_at_most_2(patient: Patient, settings: Settings) -> Answer:
    """I7: ECOG at most 2 in the last 28 days."""
    measure = ecog(patient, settings)
    if measure is None:
        return time.silent("the performance status", missing="ECOG performance status")
    truth = measure.compare("<=", 2)
    reason = f"ECOG {measure.text()} ({time.day(measure.date[1] if measure.date else None)}) against at most 2."
    return stale_or(
        truth,
        measure,
        reason,
        "ECOG performance status",
        review=measure.review,
        correctable=True if truth is Truth.F else None,
        missing="ECOG performance status" if truth is Truth.U else "",
    )


def _weight(patient: Patient, settings: Settings) -> tuple[Measure | None, tuple[str, ...]]:
    facts = [fact for fact in patient.facts("weight", "vital") if fact.value and fact.assertion == "present"]
    for key, review in (("weight_for_cg", ()), ("weight_for_cg_review", ("R12",))):
        fresh = [
            fact
            for fact in facts
            if (span := time.when(fact))
            and time.within_days(span, patient.index_date, settings.window(key)) is not Truth.F
        ]
        if fresh:
            fact = time.newest(fresh)[-1]
            return from_value(fact.value, None, None, "kg", evidence=(fact.fact_id,)), review
    return None, ()


@derived("crcl")
def crcl(patient: Patient, settings: Settings) -> Measure | None:
    """Creatinine clearance, mL/min: measured or stated, else Cockcroft-Gault; with a BMI of 30 or more the interval
    between ideal and actual weight. eGFR is never used."""
    measured = latest_lab(patient, "creatinine_clearance", settings)
    if measured is not None and not measured.stale:
        return dataclasses.replace(measured, name="crcl")
    creatinine = latest_lab(patient, "creatinine", settings)
    weight, review = _weight(patient, settings)
    years, who = patient.age, patient.sex
    if creatinine is None or creatinine.unit == "{ULN}" or weight is None or years is None or creatinine.low <= 0:
        return None
    kinds = (who == "female",) if who else (False, True)
    weights = [weight.low]
    heights = [fact.value for fact in patient.facts("height", "vital") if fact.value]
    if heights and weight.low / (heights[-1] / 100) ** 2 >= 30:
        weights += [ideal_weight(heights[-1], female=kind) for kind in kinds]
    values = [
        cockcroft_gault(a, kg, scr, female=kind)
        for a in (years.low, years.high)
        for kg in weights
        for scr in (creatinine.low, creatinine.high)
        for kind in kinds
    ]
    return Measure(
        min(values),
        max(values),
        unit="mL/min",
        date=creatinine.date,
        evidence=creatinine.evidence + weight.evidence + years.evidence,
        stale=creatinine.stale,
        review=tuple(sorted({*review, *(("R6",) if len(weights) > 1 else ())})),
        name="crcl",
    )


@state("on_dialysis")
def on_dialysis(patient: Patient, settings: Settings) -> Answer:
    facts = [fact for fact in patient.facts("dialysis") if fact.assertion in ("present", "absent")]
    present = [fact for fact in facts if fact.assertion == "present" and fact.temporality != "historical"]
    if present:
        return time.say(Truth.T, "On dialysis.", present)
    return time.say(Truth.F, "No dialysis.", facts) if facts else time.silent("dialysis")


@state("kidney_function_adequate")
def kidney_function_adequate(patient: Patient, settings: Settings) -> Answer:
    """I11.d: clearance of 30 mL/min or more; needs confirming only where creatinine is above 1.5 x ULN (A-8)."""
    dialysis = on_dialysis(patient, settings)
    if dialysis.truth is Truth.T:
        return Answer(Truth.F, "On dialysis.", dialysis.evidence, correctable=True)
    creatinine, clearance = latest_lab(patient, "creatinine", settings), crcl(patient, settings)
    if creatinine is None and clearance is None:
        return time.silent("creatinine", missing="creatinine")
    enough = clearance.compare(">=", 30) if clearance is not None else Truth.U
    evidence = (creatinine.evidence if creatinine else ()) + (clearance.evidence if clearance else ())
    told = f"clearance {clearance.text()}" if clearance is not None else "clearance not computable"
    review: tuple[str, ...] = clearance.review if clearance is not None else ()
    if creatinine is None:
        truth = Truth.T if enough is Truth.T else Truth.U
        low = Truth.F
    else:
        low = creatinine.compare_uln("<=", 1.5)
        told = f"Creatinine {creatinine.text()} ({_times(creatinine)}), {told}"
        if low is Truth.T:
            truth = Truth.U if enough is Truth.F else Truth.T
            review += ("R6",) if enough is Truth.F else ()
        elif low is Truth.F:
            truth = enough
        else:
            truth = Truth.T if enough is Truth.T else Truth.U
            review += ("R3",) if creatinine.uln_default and truth is Truth.U else ()
    stale = any(measure.stale for measure in (creatinine or clearance,) if measure is not None)
    reason = f"{told} against 30 mL/min; limit of creatinine 1.5 x ULN."
    missing = (
        ""
        if truth is not Truth.U
        else "creatinine clearance (weight, sex)"
        if clearance is None
        else "measured clearance"
    )
    if stale:
        return Answer(
            Truth.U, f"{reason} Out of the window.", evidence, ("R12",), provisional=truth, missing="creatinine"
        )
    return Answer(
        truth,
        reason,
        evidence,
        tuple(sorted(set(review))),
        missing=missing,
        correctable=True if truth is Truth.F else None,
    )


def _times(measure: Measure) -> str:
    if measure.uln is None:
        return "no limit of normal"
    low, high = measure.high / measure.uln[1], measure.high / measure.uln[0]
    ratio = f"{low:.2f}" if abs(high - low) < 0.005 else f"{low:.2f} to {high:.2f}"
    return f"{ratio} x ULN{', default limits' if measure.uln_default else ''}"


@state("liver_metastases")
def liver_metastases(patient: Patient, settings: Settings) -> Answer:
    """Liver metastases by imaging or pathology; indeterminate lesions are open; the newest imaging may rule them out."""
    facts = patient.facts("liver_metastases", "condition")
    facts += [fact for fact in patient.facts("metastatic_site", "stage") if fact.value_text == "liver"]
    facts.sort(key=lambda fact: (fact.note_date or time.last_day(fact), fact.fact_id))
    seen = [fact for fact in patient.facts("liver_finding") if fact.assertion == "present"]
    present = [fact for fact in facts if fact.assertion == "present" and fact.attributes.get("status") != "resolved"]
    present += [fact for fact in seen if fact.value_text == "lesions"]
    absent = [fact for fact in facts if fact.assertion == "absent"]
    absent += [fact for fact in seen if fact.value_text == "clear"]
    possible = [fact for fact in facts if fact.assertion == "possible"]
    possible += [fact for fact in seen if fact.value_text == "unsettled"]
    if present:
        newest = max(time.last_day(fact) for fact in present)
        if absent and max(time.last_day(fact) for fact in absent) > newest:
            return time.say(Truth.F, "The newest finding rules liver metastases out.", absent)
        return time.say(Truth.T, "Liver metastases.", present[-4:])
    if possible and not (absent and max(time.last_day(f) for f in absent) > max(time.last_day(f) for f in possible)):
        return time.say(
            Truth.U, "Liver lesions are indeterminate.", possible, review=("R5",), missing="nature of the liver lesions"
        )
    if absent:
        return time.say(Truth.F, "No liver metastases.", absent)
    return time.silent("liver metastases", missing="liver imaging")


@state("gilbert_documented")
def gilbert_documented(patient: Patient, settings: Settings) -> Answer:
    facts = patient.facts("gilbert_syndrome", "condition")
    if not facts:
        return Answer(Truth.F, "Gilbert syndrome is not written.", asserted=False)
    if any(fact.assertion == "present" for fact in facts):
        return time.say(Truth.T, "Gilbert syndrome is documented.", facts)
    if all(fact.assertion == "absent" for fact in facts):
        return time.say(Truth.F, "No Gilbert syndrome.", facts)
    return time.say(Truth.U, "Gilbert syndrome is only suspected.", facts, review=("R5",))


def _panel_normal(patient: Patient, settings: Settings, *names: str) -> list[Fact]:
    return [
        fact
        for fact in patient.facts("labs_normal")
        if fact.value_text in names
        and fact.assertion == "present"
        and time.is_fresh(fact, patient.index_date, days=settings.window("labs_i11"))
    ]


def _under(
    measures: list[tuple[str, Measure | None]], limits: tuple[float, float], metastases: Answer, missing: str
) -> Answer:
    """Each analyte below ``limits[0]`` x ULN, or below ``limits[1]`` x ULN with liver metastases."""
    known = [(label, measure) for label, measure in measures if measure is not None]
    truths: list[Truth] = []
    reasons: list[str] = []
    review: set[str] = set()
    evidence: tuple[str, ...] = ()
    stale = False
    unlike = metastases.truth
    for label, measure in known:
        strict, relaxed = measure.compare_uln("<", limits[0]), measure.compare_uln("<", limits[1])
        if unlike is Truth.T:
            truth, limit = relaxed, limits[1]
        elif unlike is Truth.F or not metastases.asserted:
            truth, limit = strict, limits[0]
            if not metastases.asserted and strict is not Truth.T and relaxed is not Truth.F:
                truth = Truth.U
        else:
            truth, limit = (
                (Truth.T, limits[0])
                if strict is Truth.T
                else (Truth.F, limits[1])
                if relaxed is Truth.F
                else (Truth.U, limits[0])
            )
        if truth is Truth.U and measure.uln_default:
            review.add("R3")
        truths.append(truth)
        reasons.append(f"{label} {measure.text()} ({_times(measure)}) against {limit:g} x ULN")
        evidence += measure.evidence
        stale = stale or measure.stale
    lacking = [label for label, measure in measures if measure is None]
    truth = min(truths)
    if truth is not Truth.F and lacking:
        truth = Truth.U
        reasons.append(f"{', '.join(lacking)} not measured")
    reason = f"{'; '.join(reasons)}."
    if unlike is not Truth.F or truth is not Truth.T:
        evidence += metastases.evidence
    if stale and truth is not Truth.U:
        return Answer(Truth.U, f"{reason} Out of the window.", evidence, ("R12",), provisional=truth, missing=missing)
    return Answer(
        truth,
        reason,
        evidence,
        tuple(sorted(review)),
        correctable=True if truth is Truth.F else None,
        missing=(", ".join(lacking) or missing) if truth is Truth.U else "",
    )


@state("liver_enzymes_adequate")
def liver_enzymes_adequate(patient: Patient, settings: Settings) -> Answer:
    """I11.e: AST and ALT each below 3 x ULN, below 5 x ULN with liver metastases."""
    pair = [("AST", latest_lab(patient, "ast", settings)), ("ALT", latest_lab(patient, "alt", settings))]
    normal = _panel_normal(patient, settings, "lfts", "cmp")
    if all(measure is None or measure.stale for _, measure in pair) and normal:
        return time.say(Truth.T, "The liver tests are called normal.", normal, review=("R9",))
    if all(measure is None for _, measure in pair):
        return time.silent("AST and ALT", missing="AST and ALT")
    return _under(pair, (3, 5), liver_metastases(patient, settings), "AST and ALT")


@state("alp_adequate")
def alp_adequate(patient: Patient, settings: Settings) -> Answer:
    """I11.f: alkaline phosphatase below 3 x ULN, below 5 x ULN with liver metastases; bone gives no relief."""
    value = latest_lab(patient, "alp", settings)
    normal = _panel_normal(patient, settings, "lfts", "cmp")
    if (value is None or value.stale) and normal:
        return time.say(Truth.T, "The liver tests are called normal.", normal, review=("R9",))
    if value is None:
        return time.silent("alkaline phosphatase", missing="alkaline phosphatase")
    return _under([("ALP", value)], (3, 5), liver_metastases(patient, settings), "alkaline phosphatase")


@state("bilirubin_adequate")
def bilirubin_adequate(patient: Patient, settings: Settings) -> Answer:
    """I11.g: bilirubin below 1.5 x ULN, 2 x with liver metastases, 3 x with documented Gilbert syndrome (A-0)."""
    value = latest_lab(patient, "bilirubin_total", settings)
    if value is None:
        return time.silent("bilirubin", missing="total bilirubin")
    base = float(settings.policy("A-0")) if settings.policy("A-0").replace(".", "").isdigit() else 1.5
    gilbert = gilbert_documented(patient, settings)
    if gilbert.truth is Truth.T:
        return _under([("Bilirubin", value)], (3, 3), Answer(Truth.F, evidence=gilbert.evidence), "total bilirubin")
    answer = _under([("Bilirubin", value)], (base, 2), liver_metastases(patient, settings), "total bilirubin")
    if (
        gilbert.asserted
        and gilbert.truth is Truth.U
        and answer.truth is not Truth.T
        and value.compare_uln("<", 3) is not Truth.F
    ):
        return dataclasses.replace(
            answer,
            truth=Truth.U,
            reason=f"{answer.reason} Gilbert syndrome is only suspected.",
            correctable=None,
            missing="is Gilbert syndrome documented",
        )
    return answer


@derived("spo2")
def spo2(patient: Patient, settings: Settings) -> Measure | None:
    """Latest oxygen saturation at rest on room air (or without a device), %; stale outside the window."""
    facts = _saturations(patient)
    room = [fact for fact in facts if fact.attributes.get("oxygen") != "supplemental"]
    rest = [
        fact for fact in room if fact.attributes.get("activity") not in ("exertion", "ambulation", "walking", "sleep")
    ]
    fresh = [fact for fact in rest if time.is_fresh(fact, patient.index_date, days=settings.window("spo2"))]
    chosen = time.newest(fresh or rest)
    if not chosen:
        return None
    stated = [fact for fact in chosen if fact.attributes.get("oxygen") == "room_air"] or chosen
    measures = [from_value(fact.value, fact.value_high, fact.comparator, "%") for fact in stated]
    low = min(measures, key=lambda item: item.low)
    high = max(measures, key=lambda item: item.high)
    return Measure(
        low.low,
        high.high,
        low.low_open,
        high.high_open,
        "%",
        time.when(stated[-1]),
        time.ids(stated),
        stale=not fresh,
        name="spo2",
        review=("R5",) if all(fact.attributes.get("oxygen") is None for fact in stated) else (),
    )


def _saturations(patient: Patient) -> list[Fact]:
    return [
        fact
        for fact in patient.facts("spo2", "vital")
        if fact.value is not None
        and fact.assertion == "present"
        and (span := time.when(fact))
        and span[0] <= patient.index_date
    ]


@state("oxygen_saturation_adequate")
def oxygen_saturation_adequate(patient: Patient, settings: Settings) -> Answer:
    """I12: above 90 % at rest on room air; above 90 % on oxygen is open, 90 % or below on oxygen fails."""
    facts = _saturations(patient)
    days = settings.window("spo2")
    room = spo2(patient, settings)
    supplied = [
        fact
        for fact in facts
        if fact.attributes.get("oxygen") == "supplemental" and time.is_fresh(fact, patient.index_date, days=days)
    ]
    if not facts:
        return time.silent("oxygen saturation", missing="oxygen saturation on room air")
    if (room is None or room.stale) and supplied:
        chosen = time.newest(supplied)
        worst = min(fact.value or 0.0 for fact in chosen)
        if worst <= 90:
            return time.say(Truth.F, f"SpO2 {worst:g} % on oxygen.", chosen, correctable=True)
        return time.say(
            Truth.U,
            f"SpO2 {worst:g} % on oxygen; room air is not known.",
            chosen,
            missing="oxygen saturation on room air",
        )
    if room is None:
        return time.say(
            Truth.U, "No oxygen saturation at rest on room air.", facts[-2:], missing="oxygen saturation on room air"
        )
    truth = room.compare(">", 90)
    review = set(room.review) | ({"R2"} if room.compare("<=", 91) is not Truth.F else set())
    told = {fact.note_id for fact in facts if fact.fact_id in room.evidence}
    home = [
        fact
        for fact in patient.facts("supplemental_oxygen", "medication")
        if fact.assertion == "present"
        and (
            fact.attributes.get("status") in ("ongoing", "continuous")
            or (fact.temporality == "current" and fact.note_id in told and not time.is_dated(fact))
        )
    ]
    if "R5" in room.review and home and truth is Truth.T:
        return time.say(
            Truth.U,
            "The device is not stated and the patient has oxygen at home.",
            home,
            missing="oxygen saturation on room air",
        )
    return stale_or(
        truth,
        room,
        f"SpO2 {room.text()} ({time.day(room.date[1] if room.date else None)}) against more than 90 %.",
        "oxygen saturation on room air",
        review=tuple(sorted(review)),
        correctable=True if truth is Truth.F else None,
    )
