"""Heart and arteries (E16, E17)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import derived, state
from extractor.timeline.settings import Settings
from extractor.timeline.states_chest import SMALL, is_echo
from extractor.timeline.states_medication import happened, held
from extractor.truth import Answer, Truth

#: an index date this close to the limit asks for a triplicate (R2)
NEAR_LIMIT_MS = 10
QTC_LIMIT = {"male": 450.0, "female": 470.0}


def fridericia(qt_ms: float, heart_rate: float) -> float:
    """QTcF in ms (Fridericia 1920).

    >>> round(fridericia(380, 88), 1)
    431.7
    """
    return qt_ms / (60 / heart_rate) ** (1 / 3)


def bazett(qt_ms: float, heart_rate: float) -> float:
    """QTcB in ms.

    >>> round(bazett(380, 88), 1)
    460.2
    """
    return qt_ms / (60 / heart_rate) ** 0.5


def from_bazett(qtcb: float, heart_rate: float) -> float:
    """QTcF of a QTc by Bazett at a known heart rate: the uncorrected QT is between them."""
    return fridericia(qtcb * (60 / heart_rate) ** 0.5, heart_rate)


def _tracings(patient: Patient, facts: list[Fact]) -> list[tuple[Measure, str]]:
    """QTcF of each tracing of one day: as printed, or from QT and heart rate, or bounded by a Bazett value."""
    out = []
    rates = [fact for fact in patient.facts("heart_rate", "vital") if fact.value]
    printed = [fact for fact in facts if fact.concept == "qtc" and fact.attributes.get("formula") == "fridericia"]
    for fact in printed:
        out.append((from_value(fact.value, fact.value_high, fact.comparator, "ms"), fact.fact_id))
    if out:
        return out
    intervals = [fact for fact in facts if fact.concept == "qt" and fact.value]
    for fact in intervals:
        near = sorted(
            (rate for rate in rates if rate.note_id == fact.note_id),
            key=lambda item: (abs(item.start - fact.start), item.start),
        )
        rate = fact.attributes.get("heart_rate") or (
            near[0].value if near and abs(near[0].start - fact.start) < 200 else None
        )
        if rate and fact.value:
            value = fridericia(fact.value, float(rate))
            out.append((Measure(value, value, unit="ms"), fact.fact_id))
        printed_bazett = [
            item.value
            for item in facts
            if item.concept == "qtc" and item.note_id == fact.note_id and item.attributes.get("formula") == "bazett"
        ]
        if printed_bazett and printed_bazett[-1] and fact.value and not rate:
            rr = (fact.value / printed_bazett[-1]) ** 2  # QTcB = QT / RR^0.5
            value = fact.value / rr ** (1 / 3)
            out.append((Measure(value, value, unit="ms"), fact.fact_id))
    if out:
        return out
    for fact in facts:
        if fact.concept != "qtc" or fact.value is None:
            continue
        near = sorted(
            (rate for rate in rates if rate.note_id == fact.note_id),
            key=lambda item: (abs(item.start - fact.start), item.start),
        )
        rate = fact.attributes.get("heart_rate") or (
            near[0].value if near and abs(near[0].start - fact.start) < 200 else None
        )
        stated = from_value(fact.value, fact.value_high, fact.comparator, "ms")
        if rate and fact.attributes.get("formula") == "bazett":
            exact = from_bazett(fact.value, float(rate))
            out.append((Measure(exact, exact, unit="ms"), fact.fact_id))
        elif rate and float(rate) >= 60:
            out.append((Measure(0, stated.high, unit="ms"), fact.fact_id))
        elif rate:
            out.append((Measure(stated.low, float("inf"), unit="ms"), fact.fact_id))
        else:
            out.append((Measure(0, float("inf"), unit="ms"), fact.fact_id))
    return out


@derived("qtcf")
def qtcf(patient: Patient, settings: Settings) -> Measure | None:
    """QTcF of the newest ECG in the window, ms: mean of its tracings; a QTc by Bazett only bounds it (3.3)."""
    facts = [
        fact
        for fact in patient.facts(("qt", "qtc"), "cardiac")
        if fact.value is not None
        and fact.assertion == "present"
        and time.when(fact) is not None
        and held(fact)[0] <= patient.index_date
    ]
    if not facts:
        return None
    fresh = [fact for fact in facts if time.is_fresh(fact, patient.index_date, days=settings.window("ecg"))]
    chosen = time.newest(fresh or facts)
    tracings = _tracings(patient, chosen)
    if not tracings:
        return None
    means = [fact for fact in chosen if fact.attributes.get("mean") in (True, "yes")]
    if means:
        tracings = [(measure, key) for measure, key in tracings if key in {fact.fact_id for fact in means}] or tracings
    exact = [item for item in tracings if item[0].low == item[0].high]
    if exact:
        tracings = exact
        low = high = sum(measure.low for measure, _ in tracings) / len(tracings)
    else:
        low, high = max(measure.low for measure, _ in tracings), min(measure.high for measure, _ in tracings)
        if low > high:
            low, high = high, low
    return Measure(
        low,
        high,
        unit="ms",
        date=time.when(chosen[-1]),
        evidence=tuple(key for _, key in tracings),
        stale=not fresh,
        name="qtcf",
        notes={"triplicate": len(tracings) >= 3 or bool(means)},
    )


@state("qtcf_prolonged")
def qtcf_prolonged(patient: Patient, settings: Settings) -> Answer:
    """E16.1: QTcF above 450 ms in a man, 470 ms in a woman."""
    measure = qtcf(patient, settings)
    if measure is None:
        words = patient.facts(("qt", "qtc"), "cardiac")
        if words:
            return time.say(
                Truth.U, "The QT interval is mentioned without a usable value.", words, missing="ECG with QTcF"
            )
        return time.silent("the QTc", missing="ECG with QTcF")
    limits = [QTC_LIMIT[patient.sex]] if patient.sex else list(QTC_LIMIT.values())
    truths = {measure.compare(">", limit) for limit in limits}
    truth = truths.pop() if len(truths) == 1 else Truth.U
    review = (
        ["R2"]
        if any(
            measure.low != 0
            and measure.high < 2000
            and measure.low - NEAR_LIMIT_MS <= limit <= measure.high + NEAR_LIMIT_MS
            for limit in limits
        )
        else []
    )
    limit_text = " or ".join(f"{limit:g}" for limit in sorted(limits))
    shown = (
        f"{measure.low:.0f}"
        if measure.low == measure.high
        else (
            f"at most {measure.high:.0f}"
            if measure.low == 0 and measure.high < 2000
            else f"at least {measure.low:.0f}"
            if measure.high > 2000 and measure.low
            else "not determinable"
            if measure.high > 2000
            else f"{measure.low:.0f} to {measure.high:.0f}"
        )
    )
    reason = (
        f"QTcF {shown} ms ({time.day(measure.date[1] if measure.date else None)}) against more than {limit_text} ms."
    )
    if measure.stale:
        return Answer(
            Truth.U,
            f"{reason} Out of the window.",
            measure.evidence,
            ("R12",),
            provisional=truth if truth is not Truth.U else None,
            missing="ECG with QTcF",
        )
    return Answer(
        truth,
        reason,
        measure.evidence,
        tuple(review),
        correctable=True if truth is Truth.T else None,
        missing="QT interval and heart rate" if truth is Truth.U else "",
    )


@derived("lvef")
def lvef(patient: Patient, settings: Settings) -> Measure | None:
    """Newest ejection fraction by echo or MUGA in the window, %; another modality only where there is none (R6)."""
    facts = [
        fact
        for fact in patient.facts("lvef", "cardiac")
        if fact.value is not None
        and fact.assertion == "present"
        and time.when(fact) is not None
        and held(fact)[0] <= patient.index_date
    ]
    months = settings.window("lvef_months")
    fresh = [fact for fact in facts if time.within_months(held(fact), patient.index_date, months) is not Truth.F]
    other = ("mri", "cmr", "cath", "stress", "ct", "spect", "pet")
    proper = [fact for fact in fresh if str(fact.attributes.get("modality", "echo")).lower() not in other]
    chosen = time.newest(proper or fresh or facts)
    if not chosen:
        return None
    measures = [from_value(fact.value, fact.value_high, fact.comparator, "%") for fact in chosen]
    return Measure(
        min(m.low for m in measures),
        max(m.high for m in measures),
        min(measures, key=lambda m: m.low).low_open,
        max(measures, key=lambda m: m.high).high_open,
        "%",
        time.when(chosen[-1]),
        time.ids(chosen),
        stale=not fresh,
        review=() if proper or not fresh else ("R6",),
        name="lvef",
    )


@state("lvef_reduced")
def lvef_reduced(patient: Patient, settings: Settings) -> Answer:
    """E16.2: ejection fraction below 50 %."""
    measure = lvef(patient, settings)
    facts = patient.facts("lvef", "cardiac")
    if measure is None:
        words = [
            fact
            for fact in facts
            if fact.value_text
            and fact.assertion == "present"
            and time.within_months(held(fact), patient.index_date, settings.window("lvef_months")) is not Truth.F
        ]
        if words:
            normal = words[-1].value_text in ("normal", "preserved")
            return time.say(
                Truth.F if normal else Truth.T if "reduced" in (words[-1].value_text or "") else Truth.U,
                f"Ejection fraction {words[-1].value_text}.",
                words[-1:],
                review=("R9",),
            )
        return time.silent("the ejection fraction", missing="echocardiogram")
    truth = measure.compare("<", 50)
    reason = f"LVEF {measure.text()} ({time.day(measure.date[1] if measure.date else None)}) against less than 50 %."
    if measure.stale:
        return Answer(
            Truth.U,
            f"{reason} Out of the window.",
            measure.evidence,
            ("R12",),
            provisional=truth,
            missing="echocardiogram",
        )
    if "R6" in measure.review:
        return Answer(Truth.U, f"{reason} Neither echo nor MUGA.", measure.evidence, ("R6",), missing="echocardiogram")
    return Answer(
        truth,
        reason,
        measure.evidence,
        ("R2",) if measure.near(50, 0.02) else (),
        correctable=True if truth is Truth.T else None,
        missing="echocardiogram" if truth is Truth.U else "",
    )


def _event_months(patient: Patient, facts: list[Fact], months: int, what: str) -> Answer:
    """Did it happen in the last ``months`` calendar months? Undated: by the oldest note that tells it, else open."""
    answers = []
    dated = {fact.concept for fact in facts if time.is_dated(fact)}
    taken_back = {
        fact.concept: fact.note_date
        for fact in sorted(facts, key=lambda fact: fact.note_date or time.LONG_AGO)
        if fact.assertion == "absent" and fact.attributes.get("retracted")
    }
    for fact in facts:
        if fact.assertion == "absent":
            continue
        over = taken_back.get(fact.concept)
        if over and fact.note_date and fact.note_date < over and not (time.is_dated(fact) and (over - time.last_day(fact)).days > 60):
            continue  # the diagnosis of an earlier note was taken back
        if not time.is_dated(fact):
            if fact.concept in dated and (fact.temporality == "historical" or fact.attributes.get("source") != "ecg"):
                continue  # the same event, told elsewhere with its date
            acute = (
                (fact.section or "") not in ("past_medical_history", "problem_list", "family_history")
                and (fact.temporality == "current")
                and fact.attributes.get("status") in ("acute", "active", "new")
            )
            event = (fact.note_date, fact.note_date) if acute and fact.note_date else None
            old = fact.note_date and fact.note_date <= time.months_before(patient.index_date, months)
            if old:
                answers.append(time.say(Truth.F, f"{what} before {time.day(fact.note_date)}.", [fact]))
                continue
            if event is None:
                answers.append(
                    time.say(
                        Truth.U, f"{what} has no date.", [fact], review=("R4",), missing=f"date of the {what.lower()}"
                    )
                )
                continue
        else:
            event = happened(fact)
        truth = time.within_months(event, patient.index_date, months)
        if truth is Truth.T and fact.assertion == "possible":
            truth = Truth.U
        clear = _months_after(event[1], months)
        answers.append(
            time.say(
                truth,
                f"{what} {time.span(event)}, {months} months, clear on {time.day(clear)}.",
                [fact],
                review=("R4",) if truth is Truth.U else (),
                clear_date=clear if truth is Truth.T else None,
                missing=f"exact date of the {what.lower()}" if truth is Truth.U else "",
            )
        )
    if not answers and facts:
        return time.say(Truth.F, f"No {what.lower()}, as stated.", facts[-3:])
    return time.any_answer(answers, time.silent(what.lower(), missing=f"history of {what.lower()}"))


def _months_after(day: datetime.date, months: int) -> datetime.date:
    return time.months_before(day, -months)


def _infarctions(patient: Patient) -> list[Fact]:
    return [fact for fact in patient.facts("myocardial_infarction", "condition") if fact.assertion != "hypothetical"]


@state("recent_myocardial_infarction")
def recent_myocardial_infarction(patient: Patient, settings: Settings) -> Answer:
    """E16.3: myocardial infarction in the last 6 months; type 2 or demand ischaemia is open."""
    facts = _infarctions(patient)
    demand = [fact for fact in facts if str(fact.attributes.get("type", "")) in ("2", "2.0")]
    answer = _event_months(patient, [fact for fact in facts if fact not in demand], 6, "Myocardial infarction")
    if demand and answer.truth is not Truth.T:
        recent = _event_months(patient, demand, 6, "Type 2 infarction")
        if recent.truth is not Truth.F:
            return Answer(Truth.U, recent.reason, recent.evidence, ("R6",), missing="cardiology opinion")
        return answer if answer.asserted else recent
    return answer


@state("nyha_above_2")
def nyha_above_2(patient: Patient, settings: Settings) -> Answer:
    """E16.4: any NYHA class above II in the last 6 months; heart failure without a class in that time is open."""
    months = 6
    classes = [
        fact
        for fact in patient.facts("nyha_class", "cardiac")
        if fact.value is not None and fact.assertion == "present"
    ]
    recent = [
        fact
        for fact in classes
        if time.within_months(held(fact), patient.index_date, months) is not Truth.F
        and not (fact.copied_from and not time.is_dated(fact))
    ]
    answers = []
    for fact in recent:
        measure = from_value(fact.value, fact.value_high, fact.comparator)
        truth = measure.compare(">", 2)
        inside = time.within_months(held(fact), patient.index_date, months)
        answers.append(
            time.say(
                min(truth, inside) if truth is not Truth.F else Truth.F,
                f"NYHA {measure.text()} ({time.day(time.last_day(fact))}) against more than II.",
                [fact],
                clear_date=_months_after(time.last_day(fact), months) if truth is Truth.T else None,
            )
        )
    if answers:
        return time.any_answer(answers, answers[0])
    failure = patient.facts("heart_failure", "condition")
    present = [fact for fact in failure if fact.assertion == "present"]
    if present:
        acute = [fact for fact in present if time.within_months(held(fact), patient.index_date, months) is not Truth.F]
        if acute:
            return time.say(Truth.U, "Heart failure without a NYHA class.", acute, review=("R6",), missing="NYHA class")
        return time.say(
            Truth.U if classes else Truth.F,
            "Heart failure of more than 6 months ago.",
            present,
            review=("R12",),
            missing="NYHA class",
        )
    if failure:
        return time.say(Truth.F, "No heart failure.", failure)
    if classes:
        return time.say(Truth.F, "NYHA class of more than 6 months ago.", classes, review=("R12",))
    return time.silent("heart failure or NYHA class", missing="NYHA class")


@state("significant_pericardial_effusion")
def significant_pericardial_effusion(patient: Patient, settings: Settings) -> Answer:
    """E16.5: by the latest echo: large, tamponade or drained; moderate or only on CT is open; none on CT is no."""
    facts = [fact for fact in patient.facts("pericardial_effusion", "condition") if fact.assertion != "hypothetical"]
    severe = [fact for fact in patient.facts("tamponade") if fact.assertion == "present"]
    severe += [
        fact
        for fact in patient.facts("effusion_drained")
        if fact.value_text == "pericardial" and fact.assertion == "present"
    ]
    if not facts and not severe:
        return time.silent("pericardial effusion", missing="echocardiogram")
    echo = [fact for fact in facts if is_echo(fact)]
    telling = [fact for fact in echo or facts if fact.attributes.get("size") or fact.assertion == "absent"]
    newest = time.newest(telling or echo or facts)
    latest_severe = max((time.last_day(fact) for fact in severe), default=None)
    day = time.last_day(newest[-1]) if newest else None
    sizes = {
        str(fact.attributes.get("size"))
        for fact in newest
        if fact.attributes.get("size") and fact.assertion == "present"
    }
    if "large" in sizes or "significant" in sizes:
        return time.say(
            Truth.T, "A large or significant pericardial effusion.", newest, review=("R11",), correctable=True
        )
    if (
        latest_severe
        and (day is None or latest_severe >= day)
        and not (newest and all(f.assertion == "absent" for f in newest))
    ):
        return time.say(
            Truth.T, "Tamponade or a drained pericardial effusion.", severe, review=("R11",), correctable=True
        )
    if newest and all(fact.assertion == "absent" for fact in newest):
        return time.say(Truth.F, "No pericardial effusion.", newest)
    if sizes and sizes <= SMALL:
        return time.say(Truth.F, f"Pericardial effusion {', '.join(sorted(sizes))}.", newest)
    how = "moderate" if "moderate" in sizes else "size not stated"
    return time.say(
        Truth.U,
        f"Pericardial effusion, {how}{'' if echo else ', no echo'}.",
        newest,
        review=("R6", "R11"),
        missing="echocardiogram",
    )


@state("recent_arterial_thrombosis")
def recent_arterial_thrombosis(patient: Patient, settings: Settings) -> Answer:
    """E17: stroke, TIA or another arterial thrombosis in 12 months; an infarction in that time is open (A-18)."""
    facts = [
        fact
        for fact in patient.facts(("stroke", "tia", "arterial_thrombosis"), "condition")
        if fact.assertion != "hypothetical"
    ]
    bleeding = [fact for fact in facts if fact.attributes.get("type") in ("haemorrhagic", "hemorrhagic")]
    scars = [fact for fact in facts if fact.attributes.get("age") == "old" and fact.assertion == "present"]
    acute = [fact for fact in facts if fact not in bleeding and fact not in scars]
    answers = [_event_months(patient, acute, 12, "Arterial thrombosis")] if acute or not scars else []
    if scars:
        recent = _event_months(patient, scars, 12, "An old infarct seen")
        if recent.truth is Truth.T:
            recent = Answer(Truth.U, recent.reason, recent.evidence, ("R6",), missing="when the old infarct happened")
        answers.append(recent)
    if bleeding:
        recent = _event_months(patient, bleeding, 12, "Haemorrhagic stroke")
        if recent.truth is Truth.T:
            recent = Answer(Truth.U, recent.reason, recent.evidence, ("R6",), missing="type of the stroke")
        answers.append(recent)
    heart = _infarctions(patient)
    if heart:
        recent = _event_months(patient, heart, 12, "Myocardial infarction")
        if recent.asserted and recent.truth is not Truth.F:
            answers.append(
                Answer(
                    Truth.U,
                    f"{recent.reason} A coronary thrombosis?",
                    recent.evidence,
                    ("R6",),
                    missing="was it a coronary thrombosis",
                )
            )
        elif recent.asserted and any(fact.assertion == "present" for fact in heart):
            answers.append(recent)
    venous = [fact for fact in patient.facts("venous_thromboembolism", "condition") if fact.assertion == "present"]
    if not any(answer.asserted for answer in answers) and venous:
        return time.say(Truth.F, "Venous thrombosis only.", venous, review=("R5",))
    return time.any_answer(
        answers, time.silent("arterial thrombosis", missing="history of stroke, TIA or arterial thrombosis")
    )
