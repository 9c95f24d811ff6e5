"""Autoimmune and inflammatory disease (E20; table of criteria 3.15)."""

from __future__ import annotations

import re

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import drug_name, is_in
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_immune import grade_of, immune_events
from extractor.timeline.states_medication import held
from extractor.truth import Answer, Truth

AUTOIMMUNE = ("ibd", "celiac_disease", "lupus", "sarcoidosis", "vasculitis", "rheumatoid_arthritis", "myasthenia_gravis",
              "other_autoimmune")  # fmt: skip
BY_EVENT = ("hypophysitis", "uveitis", "diverticulitis")
#: diseases that commonly run once: an old date in the history is their end; others last until they are said to rest
SELF_LIMITED = frozenset({"polymyalgia rheumatica", "pmr", "guillain-barre", "guillain-barre syndrome", "gbs",
                          "reactive arthritis", "erythema nodosum", "rheumatic fever", "immune thrombocytopenia", "itp",
                          "immune thrombocytopenic purpura", "glomerulonephritis", "transverse myelitis"})  # fmt: skip
#: conditions that E5 and E25 judge first where immunotherapy caused them
IMMUNE_CAUSED = frozenset({"colitis", "other_autoimmune", "myasthenia_gravis", "diabetes"})
SKIN_THYROID = ("psoriasis", "vitiligo", "graves_disease")
#: conditions that never count (autoimmune alopecia is an exception of the protocol, the others are look-alikes)
NEVER = frozenset({"alopecia_areata", "hashimoto", "hypothyroidism"})
LOOK_ALIKE = frozenset({"gout", "osteoarthritis", "fibromyalgia", "asthma", "allergic rhinitis", "eczema", "gerd", "ibs",
                        "irritable bowel syndrome", "diverticulosis"})  # fmt: skip
NOT_NEUROLOGICAL = frozenset({"siadh", "cushing", "hypercalcemia", "hypercalcaemia", "ectopic acth", "ectopic cushing"})
HISTORY_SECTIONS = frozenset({"past_medical_history", "problem_list", "past_surgical_history", "history_present_illness",
                              "medications", "oncologic_history", "social_history", "assessment"})  # fmt: skip
UNNAMED_PARANEOPLASTIC = re.compile(
    r"(?:paraneoplastic (?:syndrome|process|phenomenon|manifestation|disorder)s?|syndrome paran[eé]oplasique)"
)
LOOK_BACK_MONTHS, TREATMENT_MONTHS = 36, 24


def _is_not_immune(fact: Fact) -> bool:
    text = fact.text.lower()
    return "osteoarthropathy" in text or "carcinoid" in text


def _past_and_quiet(patient: Patient, fact: Fact) -> Truth:
    """Dated more than 3 years ago and inactive: T; dated within: F; undated: U."""
    event = time.past_event(fact)
    if event is None:
        return Truth.U
    return Truth(2 - time.within_months(event, patient.index_date, LOOK_BACK_MONTHS))


@state("autoimmune_disease")
def autoimmune_disease(patient: Patient, settings: Settings) -> Answer:
    """E20: autoimmune or inflammatory disease, active or in the last 3 years (A-13), with the protocol's exceptions.

    An undated chronic disease is active. Paraneoplastic neurological syndromes count (R6). Dated events clear with
    time; active or chronic disease is lasting.
    """
    answers = []
    every = patient.facts(
        (*AUTOIMMUNE, *BY_EVENT, *SKIN_THYROID, *NEVER, "paraneoplastic_syndrome", "colitis"), "condition"
    )
    every += [fact for fact in patient.facts("diabetes", "condition") if fact.attributes.get("type") == 1]
    for fact in every:
        name = (fact.value_text or fact.concept).replace("_", " ").lower()
        if fact.concept == "paraneoplastic_syndrome" and (name in NOT_NEUROLOGICAL or _is_not_immune(fact)):
            continue
        if fact.assertion == "absent":
            answers.append((fact, time.say(Truth.F, f"No {name}.", [fact])))
            continue
        if fact.assertion == "hypothetical":
            continue
        answer = _autoimmune(patient, fact, name)
        if answer is not None and fact.assertion == "possible" and answer.truth is Truth.T:
            answer = Answer(Truth.U, f"{name} is suspected.", answer.evidence, ("R5",), missing=f"is {name} confirmed")
        if answer is not None:
            answers.append((fact, answer))
    # the newest word on each disease counts: dated and quiet in one note settles an undated mention in another
    settled: dict[tuple[str, str], list[tuple[Fact, Answer]]] = {}
    for fact, answer in answers:
        settled.setdefault((fact.concept, (fact.value_text or "").lower()), []).append((fact, answer))
    chosen = []
    for _, group in sorted(settled.items()):
        dated = [
            answer
            for fact, answer in group
            if time.is_dated(fact) or fact.attributes.get("status") in ("resolved", "inactive")
        ]
        present = [answer for fact, answer in group if fact.assertion != "absent"]
        chosen += dated if dated and present else present or [answer for _, answer in group]
    events = [
        fact
        for fact in immune_events(patient)
        if fact.family == "toxicity" and fact.assertion == "present" and fact.concept == "immune_related_ae"
    ]
    chosen += [_immune_event(patient, fact) for fact in events]
    stated = [fact for fact, _ in answers]
    if (
        stated
        and not events
        and all(fact.assertion == "absent" for fact in stated)
        and not any(fact.concept == "other_autoimmune" for fact in stated)
    ):
        # "no lupus" says nothing of the others: the absence policy decides
        return Answer(Truth.F, chosen[0].reason, time.ids(stated), asserted=False, missing="autoimmune history")
    return time.any_answer(
        chosen,
        time.silent("autoimmune disease", missing="autoimmune history"),
    )


def _immune_event(patient: Patient, fact: Fact) -> Answer:
    organ = f"{fact.value_text or ''} {fact.text}".lower()
    if "thyro" in organ:
        return time.say(Truth.F, "Hypothyroidism on replacement is an exception.", [fact])
    if "hypophys" in organ or "pituitar" in organ:
        past = _past_and_quiet(patient, fact)
        return time.say(
            Truth.F if past is Truth.T else Truth.T, "Hypophysitis on immunotherapy.", [fact], correctable=False
        )
    grade = grade_of(fact)
    resolved = fact.attributes.get("status") == "resolved" or fact.temporality == "historical"
    if resolved and (grade is None or grade.compare("<=", 2) is Truth.T):
        return time.say(Truth.F, "A resolved immune-related event.", [fact], review=("R6",))
    return time.say(
        Truth.U,
        "An immune-related event; E5 and E25 come first.",
        [fact],
        review=("R6",),
        missing="is the immune-related event resolved",
    )


def _autoimmune(patient: Patient, fact: Fact, name: str) -> Answer | None:
    quiet = fact.attributes.get("status") in ("resolved", "inactive", "remission", "quiescent")
    past = _past_and_quiet(patient, fact)
    event = time.past_event(fact)
    if (
        event is None
        and fact.concept in BY_EVENT
        and fact.temporality == "current"
        and fact.note_date
        and (fact.section or "") not in HISTORY_SECTIONS
    ):
        event = fact.note_date, fact.note_date  # seen on the day of the note
        past = Truth(2 - time.within_months(event, patient.index_date, LOOK_BACK_MONTHS))
    clear = time.months_before(event[1], -LOOK_BACK_MONTHS) if event else None
    if fact.concept in NEVER or name in LOOK_ALIKE:
        if fact.attributes.get("status") in ("active", "uncontrolled") or (
            fact.concept in ("hypothyroidism", "hashimoto") and _is_titrated(patient)
        ):
            return time.say(Truth.U, f"{name} not stable on replacement.", [fact], missing="TSH on a stable dose")
        return time.say(Truth.F, f"{name} is an exception of the criterion.", [fact])
    if fact.concept == "colitis" and fact.attributes.get("cause") != "immune":
        return None
    if fact.attributes.get("cause") == "immune" and fact.concept in IMMUNE_CAUSED:
        return time.say(Truth.F if quiet else Truth.U, f"{name} on immunotherapy.", [fact], review=("R6",))
    if fact.concept in BY_EVENT:
        if past is Truth.T:
            return time.say(
                Truth.F, f"{name} {time.span(event or held(fact))}, more than 3 years ago.", [fact], review=("R6",)
            )
        if past is Truth.F:
            return time.say(
                Truth.T,
                f"{name} {time.span(event or held(fact))}, clear on {time.day(clear)}.",
                [fact],
                clear_date=clear,
            )
        if event is not None:
            return time.say(
                Truth.U,
                f"{name} {time.span(event or held(fact))}.",
                [fact],
                review=("R4",),
                missing=f"date of the {name}",
            )
        return time.say(
            Truth.T if fact.concept != "diverticulitis" else Truth.U,
            f"{name}, no date.",
            [fact],
            review=("R4",),
            missing=f"date of the {name}",
        )
    if fact.concept in SKIN_THYROID:
        return _skin_thyroid(patient, fact, name)
    if fact.concept == "paraneoplastic_syndrome":
        if quiet and past is Truth.T:
            return time.say(Truth.F, f"{name} more than 3 years ago.", [fact], review=("R6",))
        if UNNAMED_PARANEOPLASTIC.fullmatch(fact.text.strip().lower()):
            return time.say(
                Truth.U,
                "A paraneoplastic syndrome without a name.",
                [fact],
                review=("R6",),
                missing="which paraneoplastic syndrome",
            )
        return time.say(Truth.T, f"Paraneoplastic syndrome ({name}).", [fact], review=("R6",), correctable=False)
    if past is Truth.T and (quiet or (fact.temporality == "historical" and name in SELF_LIMITED)):
        return time.say(
            Truth.F,
            f"{name} inactive since {time.span(event or held(fact))}, more than 3 years.",
            [fact],
            review=("R6",),
        )
    if quiet and event is None:
        return time.say(
            Truth.U, f"{name} resolved, no date.", [fact], review=("R4",), missing=f"when {name} was last active"
        )
    if quiet and past is Truth.F:
        return time.say(
            Truth.T, f"{name} {time.span(event or held(fact))}, clear on {time.day(clear)}.", [fact], clear_date=clear
        )
    return time.say(Truth.T, f"{name}, active or of unknown date.", [fact], correctable=False)


TSH_HIGH, TSH_DAYS = 10.0, 90


def _is_titrated(patient: Patient) -> bool:
    """A newest TSH that is far above any range: the replacement is not stable yet."""
    tests = [fact for fact in patient.facts("tsh", "lab") if fact.value is not None]
    newest = time.newest(tests)
    value = newest[-1].value if newest else None
    return value is not None and value > TSH_HIGH and time.is_fresh(newest[-1], patient.index_date, days=TSH_DAYS)


def _skin_thyroid(patient: Patient, fact: Fact, name: str) -> Answer:
    """Graves disease, vitiligo, psoriasis: no where without systemic treatment for 2 years; unknown treatment is open."""
    treated = patient.facts("antithyroid" if fact.concept == "graves_disease" else "systemic_immunotherapy_skin")
    if fact.concept == "psoriasis":
        treated += [
            item
            for item in patient.facts("immunosuppressant", "medication")
            if item.attributes.get("indication") == "psoriasis"
            or (
                is_in(drug_name(item), "immunosuppressant")
                and drug_name(item)
                in ("adalimumab", "ustekinumab", "secukinumab", "ixekizumab", "guselkumab", "methotrexate")
            )
        ]
    present = [item for item in treated if item.assertion == "present"]
    absent = [item for item in treated if item.assertion == "absent"]
    recent = []
    for item in present:
        event = time.past_event(item)
        current = item.temporality == "current" and not time.is_dated(item)
        inside = (
            Truth.T
            if current
            else time.within_months(event, patient.index_date, TREATMENT_MONTHS)
            if event
            else Truth.U
        )
        recent.append((inside, item, event))
    worst = max((inside for inside, _, _ in recent), default=None)
    if worst is Truth.T:
        items = [(item, event) for inside, item, event in recent if inside is Truth.T]
        event = items[-1][1]
        return time.say(
            Truth.T,
            f"{name} with systemic treatment in the last 2 years.",
            [fact] + [item for item, _ in items],
            clear_date=time.months_before(event[1], -TREATMENT_MONTHS) if event else None,
        )
    if worst is Truth.U:
        return time.say(
            Truth.U,
            f"{name}; the date of its systemic treatment is not settled.",
            [fact],
            missing=f"treatment of the {name}",
        )
    topical = fact.attributes.get("treatment") in ("topical", "none") or absent or worst is Truth.F
    if topical:
        return time.say(Truth.F, f"{name} without systemic treatment in the last 2 years.", [fact, *absent])
    return time.say(Truth.U, f"{name}; its treatment is not written.", [fact], missing=f"treatment of the {name}")
