"""Platinum for this tumour (I5): given, planned, for another cancer, or named only by its class."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline import tumour as t
from extractor.timeline.knowledge import is_in
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.treatment import (
    GIVEN,
    Course,
    courses,
    drug_facts,
    facts_of,
    given,
    history_is_complete,
    is_weak,
    names_of,
    never_given,
    status,
)
from extractor.truth import Answer, Truth

#: a plan whose day passed so long ago without a dose is no plan any more
PLAN_DAYS = 60


def _still_planned(patient: Patient, course: Course) -> bool:
    """A plan that was not refused in the same or a later note and whose day has not long passed."""
    plans = [fact for fact in course.facts if status(fact) in ("planned", "ordered")]
    if not plans:
        return False
    newest = max(fact.note_date or datetime.date.min for fact in plans)
    due = max(time.last_day(fact) for fact in plans)
    refused = [fact for fact in drug_facts(patient) if is_in(fact, "platinum") and status(fact) == "declined"]
    refused += [
        fact
        for fact in patient.facts("treatment_refusal", "administrative")
        if fact.assertion == "present" and fact.value_text == "treatment"
    ]
    if any((fact.note_date or datetime.date.min) >= newest for fact in refused):
        return False
    return (patient.index_date - due).days <= PLAN_DAYS


def planned_platinum(patient: Patient) -> list[Course]:
    """Platinum that is still to come: missing platinum with a plan is no failure for good."""
    return [
        course
        for course in courses(patient)
        if is_in(course.drug, "platinum") and course.given is Truth.F and _still_planned(patient, course)
    ]


def _before_the_tumour(patient: Patient, course: Course) -> bool:
    """Ended more than a year before the first day that any note gives to this tumour: it treated another one."""
    found = t.tumour(patient, Settings())
    facts = [*found.facts, *patient.facts(("extensive_stage", "limited_stage", "tissue_proof"))]
    known = [span[0] for fact in facts if (span := time.when(fact))]  # a note without a date dates nothing
    return bool(known and course.last and course.last[1] < time.months_before(min(known), 12))


def _of_another_tumour(patient: Patient, facts: Iterable[Fact]) -> bool:
    """Does every mention of a dose stand in a sentence on another cancer, as a past history has them?"""
    found = t.tumour(patient, Settings())
    own = {(fact.note_id, fact.sentence_sha) for fact in found.facts}
    others = {
        (fact.note_id, fact.sentence_sha)
        for fact in t.histology(patient)
        if fact.concept in t.OTHER and fact.assertion == "present" and fact.sentence_sha
        and (site := t._site(fact)) and site not in found.sites and site != "prostate"
        and not (site in t.LUNG and found.sites & t.LUNG)
    }  # fmt: skip
    doses = [fact for fact in facts if status(fact) not in ("declined", "not_given", "planned")]
    return bool(doses) and all((fact.note_id, fact.sentence_sha) in others - own for fact in doses)


def _platinum_without_a_name(patient: Patient) -> list[Fact]:
    """ "Platinum doublet", "platinum-refractory": platinum was given, whichever it was."""
    facts = [
        fact
        for fact in patient.facts("chemotherapy", "therapy")
        if fact.value_text == "platinum"
        and fact.assertion == "present"
        and status(fact) in GIVEN
        and fact.attributes.get("cancer") != "other"
    ]
    facts += [fact for fact in patient.facts("platinum_exposed") if fact.assertion == "present"]
    if never_given(patient, "platinum") and all(is_weak(fact) for fact in facts):
        return []  # "platinum-ineligible ... never had platinum"
    return [] if not facts or _of_another_tumour(patient, facts) else facts


@state("platinum_for_this_tumour")
def platinum_for_this_tumour(patient: Patient, settings: Settings) -> Answer:
    """I5.platinum: a platinum drug was given for this tumour, curative intent and one dose included."""
    found = given(patient, "platinum")
    other = [
        fact
        for fact in patient.facts(family="therapy")
        if is_in(fact, "platinum") and fact.attributes.get("cancer") == "other"
    ]
    planned = planned_platinum(patient)
    elsewhere = [course for course in found if _of_another_tumour(patient, course.facts)]
    if elsewhere:
        found = [course for course in found if course not in elsewhere]
        other = other + facts_of(elsewhere)
    earlier = [course for course in found if _before_the_tumour(patient, course)]
    if found and len(earlier) == len(found):
        return time.say(
            Truth.U,
            f"Platinum was given before this tumour was known: {names_of(found)}.",
            facts_of(found),
            review=("R6",),
            missing="tumour that the platinum was given for",
        )
    if found:
        review = ["R6"] if any(fact.attributes.get("cycles") in (1, "1") for fact in facts_of(found)) else []
        return time.say(Truth.T, f"Platinum was given: {names_of(found)}.", facts_of(found), review=review)
    unnamed_platinum = _platinum_without_a_name(patient)
    if unnamed_platinum:
        return time.say(Truth.T, "A platinum-based therapy was given.", unnamed_platinum)
    notes = {"planned": bool(planned)}
    denied = never_given(patient, "platinum", "systemic")
    refused = [
        fact for fact in drug_facts(patient) if is_in(fact, "platinum") and status(fact) in ("declined", "not_given")
    ]
    maybe = [course for course in given(patient, "platinum", at_least=Truth.U)]
    if maybe:
        return time.say(
            Truth.U, "Platinum may have been given.", facts_of(maybe), review=("R5",), missing="treatment history"
        )
    complete = history_is_complete(patient) is Truth.T
    if other:
        return time.say(Truth.U, "Platinum was given for another cancer.", other, review=("R6",))
    named = [course for course in given(patient) if not is_in(course.drug, "unnamed")]
    unnamed = [course for course in given(patient) if is_in(course.drug, "unnamed")]
    if denied or complete:
        return time.say(
            Truth.F,
            "Platinum was never given" + (", it is planned." if planned else "."),
            denied or refused or facts_of(courses(patient))[-6:],
            correctable=bool(planned),
            notes=notes,
        )
    if unnamed and not named:
        return time.say(
            Truth.U,
            "Chemotherapy was given, its drugs are not named.",
            facts_of(unnamed),
            missing="drugs of the chemotherapy",
        )
    if planned:
        return time.say(
            Truth.U, "Platinum was only planned.", facts_of(planned), missing="treatment history", notes=notes
        )
    if refused:
        return time.say(
            Truth.U,
            "Platinum was declined or not given; the history is not known to be complete.",
            refused,
            missing="treatment history",
        )
    if named:
        return time.say(
            Truth.U,
            f"Given: {names_of(named)}; no platinum is named.",
            facts_of(named)[-6:],
            missing="treatment history",
        )
    return time.silent("platinum", missing="treatment history")
