"""Radiotherapy, surgery, live vaccines (E7.1, E7.2, E7.4, E7.5)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import is_in
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import held
from extractor.timeline.treatment import never_given, status
from extractor.truth import Answer, Truth

BRAIN = frozenset({"wbrt", "pci", "srs"})
RADIOTHERAPY = ("radiotherapy", "wbrt", "pci", "srs", "sbrt")
WIDE = frozenset({"wide", "tbi", "craniospinal", "hemibody", "pelvis_spine", "pelvis", "mediastinum_wide"})
NARROW = frozenset({"palliative", "bone", "single_site", "other_small"})
#: E7.1 14 days, E7.2 28 days for a wide field and 7 days for palliative fields, E7.4 21 days, E7.5 28 days: the trial
BRAIN_DAYS, WIDE_DAYS, PALLIATIVE_DAYS, SURGERY_DAYS, VACCINE_DAYS = 14, 28, 7, 21, 28


def _is_brain(fact: Fact) -> bool:
    return (
        fact.concept in BRAIN
        or fact.attributes.get("field") == "brain"
        or (fact.concept == "sbrt" and fact.attributes.get("site") == "brain")
    )


def _given(fact: Fact) -> bool:
    return (
        fact.assertion in ("present", "possible")
        and status(fact) not in ("planned", "declined", "not_given", "ordered")
        and fact.temporality != "future"
    )


def _end(fact: Fact) -> time.Interval | None:
    """When the last fraction, operation or dose was: the stated end, else the day, else from the start to the note.

    A course of n fractions that has only a start may have run for n working days.
    """
    end = time.ended(fact)
    if end:
        return end
    if fact.attributes.get("start_date") is None:
        event = time.past_event(fact)
        return time.end_of(event, fact.date_precision) if event else None
    start = time.begun(fact) or held(fact)
    single = fact.concept in ("srs", "surgery", "orchiectomy", "transplant", "live_vaccine")
    fractions = fact.attributes.get("fractions")
    if (single and not (fractions and int(fractions) > 1)) or fractions in (1, "1"):
        return start
    length = int(fractions) * 7 // 5 + 3 if fractions else 60
    high = start[1] + datetime.timedelta(days=length)
    if fact.note_date:
        high = max(start[0], min(high, fact.note_date))
    return start[0], high


def _may_have_begun(fact: Fact) -> bool:
    """A plan whose first day is not after its own note and whose last day is not before it."""
    if fact.attributes.get("status") in ("received", "ongoing") and fact.temporality == "future":
        # "RT L1 8/31-9/4 planned (2 done so far)"
        return bool(time.is_dated(fact) and fact.note_date and fact.date_start and fact.date_start <= fact.note_date)
    if status(fact) not in ("planned", "ordered") or not time.is_dated(fact) or fact.copied_from or not fact.note_date:
        return False
    start, end = held(fact)
    return start < fact.note_date <= end


def elapsed_answer(patient: Patient, facts: list[Fact], days: int, what: str) -> Answer:
    """Did the newest of the events happen less than ``days`` days before the index date (one answer for each event)?"""
    answers = []
    for fact in facts:
        once = fact.attributes.get("fractions") in (1, "1")
        if (status(fact) == "ongoing" and not once) or (status(fact) == "received" and time.runs_past_note(fact)):
            later = [
                item
                for item in facts
                if (item.note_date or datetime.date.min) > (fact.note_date or datetime.date.min)
                and item.concept == fact.concept
                and status(item) != "ongoing"
                and not time.runs_past_note(item)
            ]
            if later or fact.copied_from:
                continue
            answers.append(time.say(Truth.T, f"{what} is going on.", [fact]))
            continue
        event = _end(fact)
        if event is None:
            known = [
                item for item in facts if item is not fact and item.concept == fact.concept and time.is_dated(item)
            ]
            old = fact.note_date and (patient.index_date - fact.note_date).days >= days
            if known:
                continue
            if old:
                answers.append(time.say(Truth.F, f"{what} was before {time.day(fact.note_date)}.", [fact]))
            elif fact.temporality == "historical":
                answers.append(time.say(Truth.F, f"{what} in the past, no date.", [fact], review=("R4",)))
            else:
                answers.append(
                    time.say(
                        Truth.U, f"{what} has no date.", [fact], review=("R4",), missing=f"date of the {what.lower()}"
                    )
                )
            continue
        truth = time.within_days(event, patient.index_date, days - 1)
        clear = event[1] + datetime.timedelta(days=days)
        text = f"{what} {time.span(event)}, {days} days needed, clear on {time.day(clear)}."
        answers.append(
            time.say(
                Truth.U if truth is Truth.T and fact.assertion == "possible" else truth,
                text,
                [fact],
                review=("R4",) if truth is Truth.U else (),
                clear_date=clear if truth is Truth.T else None,
                missing=f"date of the {what.lower()}" if truth is Truth.U else "",
            )
        )
    return time.any_answer(answers, time.silent(what.lower(), missing=f"date of the {what.lower()}"))


@state("recent_brain_radiotherapy")
def recent_brain_radiotherapy(patient: Patient, settings: Settings) -> Answer:
    """E7.1: whole brain (prophylactic included) or stereotactic brain radiotherapy less than 14 days ago."""
    every = [fact for fact in patient.facts(RADIOTHERAPY, "therapy") if _is_brain(fact)]
    given = [fact for fact in every if _given(fact)]
    if given:
        return elapsed_answer(patient, given, BRAIN_DAYS, "Brain radiotherapy")
    denied = [fact for fact in every if fact.assertion == "absent" or status(fact) in ("declined", "not_given")]
    denied += never_given(patient, "radiotherapy")
    if denied:
        return time.say(Truth.F, "No brain radiotherapy was given.", denied)
    if every:
        return time.say(Truth.F, "Brain radiotherapy is planned, none was given.", every)
    return time.silent("brain radiotherapy", missing="radiotherapy history")


@state("recent_other_radiotherapy")
def recent_other_radiotherapy(patient: Patient, settings: Settings) -> Answer:
    """E7.2: any field less than 7 days ago; a wide field less than 28 days ago; an unknown field between is open (A-15)."""
    every = [fact for fact in patient.facts(RADIOTHERAPY, "therapy") if not _is_brain(fact)]
    given = [fact for fact in every if _given(fact)]
    under_way = [fact for fact in every if fact not in given and _may_have_begun(fact)]
    begun = time.say(
        Truth.U,
        "A planned course of radiotherapy had begun by its dates.",
        under_way,
        review=("R4",),
        missing="was the radiotherapy given, and its last day",
    )
    if not given and under_way:
        return begun
    if not given:
        denied = [fact for fact in every if fact.assertion == "absent" or status(fact) in ("declined", "not_given")]
        denied += never_given(patient, "radiotherapy")
        if denied or every:
            return time.say(Truth.F, "No radiotherapy outside the brain was given.", denied or every)
        return time.silent("radiotherapy", missing="radiotherapy history")
    recent = elapsed_answer(patient, given, PALLIATIVE_DAYS, "Radiotherapy")
    if recent.truth is Truth.T:
        return recent
    wider = []
    for fact in given:
        field = str(fact.attributes.get("field") or "").lower()
        small = field in NARROW or fact.concept == "sbrt" or fact.attributes.get("intent") == "palliative"
        if field not in WIDE and small:
            continue
        answer = elapsed_answer(
            patient,
            [fact],
            WIDE_DAYS,
            "Radiotherapy of a wide field" if field in WIDE else "Radiotherapy of an unstated field",
        )
        if field not in WIDE and answer.truth is Truth.T:
            answer = Answer(
                Truth.U,
                answer.reason,
                answer.evidence,
                tuple(sorted({*answer.review, "R6"})),
                missing="field of the radiotherapy",
            )
        wider.append(answer)
    return time.any_answer([recent, *wider, *([begun] if under_way else [])], recent)


MAJOR = (
    "thoracotomy", "lobectomy", "pneumonectomy", "craniotomy", "laparotomy", "fusion", "nail", "vats", "wedge",
    "thyroidectomy", "neck dissection", "bowel", "colectomy", "resection", "hepatectomy", "nephrectomy", "cystectomy",
    "prostatectomy", "hysterectomy", "oophorectomy", "gastrectomy", "pancreat", "whipple", "splenectomy", "cholecystectomy",
    "laparoscop", "appendectomy", "bypass", "cabg", "laminectomy", "decompression", "arthroplasty", "replacement", "orif",
    "mastectomy", "esophagectomy", "oesophagectomy", "amputation", "sternotomy", "hernia", "adrenalectomy", "debulking",
    "window", "embolectomy", "endarterectomy", "metastasectomy",
)  # fmt: skip
UNDECIDED = ("mediastinoscopy", "pleural biopsy", "kyphoplasty", "vertebroplasty", "pleurodesis", "lumpectomy")
MINOR = (
    "port", "picc", "central line", "hickman", "biopsy", "ebus", "core", "fna", "thoracentesis", "paracentesis", "pleurx",
    "catheter", "bronchoscopy", "endoscop", "colonoscopy", "stent", "skin", "excision of", "dental", "extraction",
    "cataract", "turbt", "drain", "nephrostomy", "cystoscopy", "pericardiocentesis", "lumbar puncture", "mohs",
)  # fmt: skip


#: words for an operation that name none
BARE = frozenset({"excised", "resected", "removed", "surgery", "operation", "resection", "excision", "operated"})
SKIN = ("basal cell", "skin", "scalp", "cutaneous", "melanoma", "naevus", "nevus", "lipoma", "under local")


def surgery_kind(fact: Fact) -> Truth:
    """T major, F minor, U for a person to say (mediastinoscopy, VATS pleural biopsy, kyphoplasty)."""
    text = f"{fact.value_text or ''} {fact.text}".lower()
    if "excision" in text and any(word in text for word in SKIN):
        return Truth.F
    stated = fact.attributes.get("major")
    if stated in (True, "yes"):
        return Truth.T
    if stated in (False, "no"):
        return Truth.F
    if any(word in text for word in UNDECIDED):
        return Truth.U
    if any(word in text for word in MAJOR):
        return Truth.T
    if any(word in text for word in MINOR):
        return Truth.F
    return Truth.U


@state("recent_major_surgery")
def recent_major_surgery(patient: Patient, settings: Settings) -> Answer:
    """E7.4: major surgery less than 21 days ago; vascular access, biopsies, endoscopy and stents are not major."""
    every = patient.facts(("surgery", "orchiectomy", "transplant"), "therapy")
    given = [fact for fact in every if _given(fact)]
    answers = []
    for fact in given:
        kind = surgery_kind(fact)
        if not time.is_dated(fact) and (fact.value_text or "").lower() in BARE and any(
            item.note_id == fact.note_id and time.is_dated(item) for item in given
        ):
            continue  # a word back to the operation that the note dates
        if kind is Truth.F:
            answers.append(time.say(Truth.F, "The procedure is no major surgery.", [fact]))
            continue
        same = [item for item in given if item is fact or (item.value_text or "") == (fact.value_text or "")]
        answer = elapsed_answer(patient, same if not time.is_dated(fact) else [fact], SURGERY_DAYS, "Surgery")
        if not answer.asserted:
            continue
        if answer.truth is Truth.T and kind is Truth.U:
            answer = Answer(
                Truth.U,
                f"{answer.reason} Major or not is for a person to say.",
                answer.evidence,
                ("R6",),
                missing="was the surgery major",
            )
        elif answer.truth is Truth.U and not time.is_dated(fact) and (fact.section or "").startswith("past"):
            answer = time.say(Truth.F, "Surgery of the past history, no date.", [fact], review=("R4",))
        answers.append(answer)
    answers += [
        time.say(Truth.F, "Port or line placement is no major surgery.", [fact])
        for fact in patient.facts("vascular_access")
    ]
    denied = [fact for fact in every if fact.assertion == "absent"]
    if not answers and denied:
        return time.say(Truth.F, "No surgery, as stated.", denied)
    return time.any_answer(answers, time.silent("surgery", missing="surgical history"))


@state("recent_live_vaccine")
def recent_live_vaccine(patient: Patient, settings: Settings) -> Answer:
    """E7.5: a live or live-attenuated vaccine less than 28 days ago; non-replicating vaccinia is open (R6)."""
    facts = patient.facts("live_vaccine", "medication")
    bcg = [fact for fact in patient.facts(("bcg", "bcg intravesical"), "therapy") if _given(fact)]
    given = [fact for fact in facts if _given(fact)]
    answers = []
    for fact in given:
        name = (fact.value_text or "").lower()
        if "intravesical" in name:
            bcg.append(fact)
            continue
        answer = elapsed_answer(patient, [fact], VACCINE_DAYS, f"Live vaccine ({name or 'unnamed'})")
        doubtful = is_in(name, "live_vaccine_review") or fact.attributes.get("live") == "unclear"
        if doubtful and answer.truth is Truth.T:
            answer = Answer(
                Truth.U, f"{answer.reason} It does not replicate: for a person to say.", answer.evidence, ("R6",)
            )
        answers.append(answer)
    if bcg and not answers:
        return time.say(Truth.F, "Intravesical BCG is treatment, not vaccination.", bcg, review=("R6",))
    if not answers and facts:
        return time.say(Truth.F, "No live vaccine was given.", facts)
    return time.any_answer(answers, time.silent("live vaccines", missing="vaccination history"))
