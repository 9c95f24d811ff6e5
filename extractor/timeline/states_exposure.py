"""LHRH analogue, orchiectomy, exposure to immunotherapy and DLL3-directed agents (I6, E5, E8)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import depot, drug_name, is_in
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import happened
from extractor.timeline.treatment import (
    courses,
    drug_facts,
    facts_of,
    given,
    history_is_complete,
    names_of,
    never_given,
    status,
    stop_reason,
)
from extractor.truth import Answer, Truth

#: what a note may call a trial drug whose name it does not give (specification 3.10: trial names, kinds)
UNNAMED_ENGAGERS = ("bite", "t-cell engager", "t cell engager", "bispecific", "trispecific", "dellphi", "dll3")


@state("bilateral_orchiectomy")
def bilateral_orchiectomy(patient: Patient, settings: Settings) -> Answer:
    facts = [
        fact
        for fact in patient.facts("orchiectomy", "therapy")
        if fact.attributes.get("side", "both") in ("both", "bilateral")
    ]
    done = [fact for fact in facts if fact.assertion == "present" and status(fact) not in ("planned", "declined")]
    if done:
        return time.say(Truth.T, "Bilateral orchiectomy.", done)
    if facts:
        return time.say(Truth.F, "No bilateral orchiectomy.", facts)
    return Answer(Truth.F, "No orchiectomy is written.", asserted=False)


@state("lhrh_ongoing")
def lhrh_ongoing(patient: Patient, settings: Settings) -> Answer:
    """I6: an LHRH analogue (antagonists accepted, R6) goes on; a depot past its interval and grace is open."""
    facts = [fact for fact in patient.facts("lhrh_analogue", "medication")]
    facts += [fact for fact in patient.facts(family="therapy") if is_in(fact, "lhrh_analogue", "lhrh_antagonist")]
    named = [fact for fact in facts if fact.family == "therapy" or fact.value_text]
    if named:  # a word for the class beside a named drug is advice or the protocol's demand
        facts = named + [fact for fact in facts if fact not in named and status(fact) in ("declined", "not_given")]
    facts.sort(key=lambda fact: (fact.note_date or datetime.date.min, time.last_day(fact), fact.fact_id))
    if not facts:
        vague = patient.facts("hormone_therapy", "therapy")
        told = [fact for fact in vague if fact.note_date == vague[-1].note_date]
        refused = [
            fact for fact in told if status(fact) in ("declined", "not_given") or fact.attributes.get("end_date")
        ]
        if refused and not any(status(fact) == "ongoing" for fact in told):
            return time.say(Truth.F, "Hormone therapy was stopped, refused or never given.", refused, correctable=True)
        if vague:
            return time.say(
                Truth.U, "Hormone therapy is mentioned without drug and state.", vague, missing="LHRH analogue"
            )
        return time.silent("an LHRH analogue", missing="LHRH analogue")
    review = ["R6"] if any(is_in(drug_name(fact), "lhrh_antagonist") for fact in facts) else []
    newest_note = facts[-1].note_date
    told = [fact for fact in facts if fact.note_date == newest_note]
    stopped = [
        fact
        for fact in told
        if status(fact) in ("declined", "not_given", "discontinued", "stopped", "held") or stop_reason(fact)
    ]
    ongoing = [fact for fact in told if status(fact) == "ongoing"]
    # the same drug, told on in the note: "leuprolide since 2018 ... it was stopped in June" has ended
    ended = {(drug_name(fact), fact.note_id, fact.start) for fact in stopped}
    ongoing = [
        fact
        for fact in ongoing
        if not any(
            name == drug_name(fact) and note == fact.note_id and start > fact.start for name, note, start in ended
        )
    ]
    if stopped and not ongoing:
        return time.say(Truth.F, "The LHRH analogue was stopped or refused.", stopped, review=review, correctable=True)
    if ongoing:
        return time.say(Truth.T, "The LHRH analogue goes on.", ongoing, review=review)
    doses = [fact for fact in facts if status(fact) in ("received", "held", "completed") and time.is_dated(fact)]
    if doses:
        last = max(happened(fact)[1] for fact in doses)
        interval = max((30 * int(fact.attributes.get("interval_months") or 0) for fact in doses), default=0) or depot(
            "default_days"
        )
        if last + datetime.timedelta(days=interval + depot("grace_days")) >= patient.index_date:
            return time.say(Truth.T, f"Depot of {time.day(last)} is still working.", doses, review=review)
        return time.say(
            Truth.U,
            f"The last depot of {time.day(last)} is past its interval.",
            doses,
            review=review,
            missing="date of the next LHRH injection",
        )
    planned = [fact for fact in facts if status(fact) == "planned"]
    if any(fact.section == "medications" for fact in told):
        return time.say(Truth.T, "The LHRH analogue is on the medication list.", told, review=review)
    return time.say(
        Truth.U,
        "The LHRH analogue is mentioned without its present state.",
        planned or facts,
        review=review,
        missing="is the LHRH analogue going on",
    )


def _unnamed_engagers(patient: Patient) -> list[Fact]:
    """Trial drugs that the notes call by their kind or trial only: a T-cell engager, an arm of a DLL3 programme."""
    return [
        fact
        for course in given(patient)
        if course.drug == "clinical_trial_drug"
        for fact in course.facts
        if any(word in (fact.value_text or "").lower() for word in UNNAMED_ENGAGERS) and fact.assertion == "present"
    ]


def _exposure(patient: Patient, classes: tuple[str, ...], topics: tuple[str, ...], what: str) -> Answer:
    found = given(patient, *classes)
    if found:
        return time.say(Truth.T, f"{what} was given: {names_of(found)}.", facts_of(found)[-6:])
    maybe = given(patient, *classes, at_least=Truth.U)
    if maybe:
        return time.say(Truth.U, f"{what} may have been given.", facts_of(maybe), review=("R5",))
    engagers = _unnamed_engagers(patient)
    if engagers and "t_cell_engager" in classes:
        sure = [fact for fact in engagers if "dellphi" not in (fact.value_text or "").lower()]
        return time.say(
            Truth.T if sure else Truth.U,
            f"{what}: a T-cell engager of a trial.",
            sure or engagers,
            review=("R5",),
            missing="" if sure else "arm of the other trial",
        )
    denied = never_given(patient, *topics)
    if denied:
        return time.say(Truth.F, f"{what} was never given, as stated.", denied)
    refused = [course for course in courses(patient) if is_in(course.drug, *classes)]
    if history_is_complete(patient) is Truth.T:
        return time.say(Truth.F, f"The complete history has no {what.lower()}.", facts_of(refused))
    if refused:
        return time.say(Truth.F, f"{what} was planned or declined, not given.", facts_of(refused))
    if given(patient) and not any(is_in(course.drug, "unnamed") for course in given(patient)):
        return time.say(Truth.F, f"The drugs that were given hold no {what.lower()}.", facts_of(given(patient))[-6:])
    return time.silent(what.lower(), missing="treatment history")


@state("immunotherapy_exposed")
def immunotherapy_exposed(patient: Patient, settings: Settings) -> Answer:
    """E5 applies: a checkpoint inhibitor, T-cell engager, CAR-T or IL-2 was given."""
    return _exposure(
        patient, ("checkpoint_inhibitor", "t_cell_engager", "other_immune_therapy"), ("io", "systemic"), "Immunotherapy"
    )


@state("immune_therapy_exposed")
def immune_therapy_exposed(patient: Patient, settings: Settings) -> Answer:
    """E25 applies: any immune-mediated therapy, prophylactic vaccines aside."""
    return immunotherapy_exposed(patient, settings)


@state("dll3_agent_given")
def dll3_agent_given(patient: Patient, settings: Settings) -> Answer:
    """E8: one dose of tarlatamab or another DLL3-directed agent, whenever."""
    found = given(patient, "dll3")
    if found:
        return time.say(Truth.T, f"A DLL3-directed agent was given: {names_of(found)}.", facts_of(found))
    maybe = [course for course in given(patient, "dll3", at_least=Truth.U)]
    if maybe:
        return time.say(
            Truth.U,
            "A DLL3-directed agent may have been given.",
            facts_of(maybe),
            review=("R5",),
            missing="arm or drug of the other trial",
        )
    denied = never_given(patient, "dll3", "systemic")
    engagers = _unnamed_engagers(patient)
    by_name = [
        fact
        for fact in drug_facts(patient)
        if is_in(fact, "dll3") and fact.concept != "dll3-directed agent" and status(fact) == "not_given"
    ]
    newest_denial = max((fact.note_date or datetime.date.min for fact in by_name), default=datetime.date.min)
    if any((fact.note_date or datetime.date.min) > newest_denial for fact in engagers):
        arms = [
            fact
            for fact in patient.facts("clinical_trial_drug", "therapy")
            if fact.value_text == "experimental arm" and fact.assertion == "present"
        ]
        if arms and any("dellphi" in (fact.value_text or "").lower() for fact in engagers):
            return time.say(Truth.T, "The experimental arm of a trial of tarlatamab.", engagers + arms, review=("R5",))
        return time.say(
            Truth.U,
            "A T-cell engager or a drug of a DLL3 trial was given; arm or name is not written.",
            engagers + denied,
            review=("R1", "R5") if denied else ("R5",),
            missing="arm or drug of the other trial",
        )
    denied = denied or by_name
    if denied:
        return time.say(Truth.F, "No DLL3-directed agent was given, as stated.", denied)
    blinded = [course for course in given(patient, at_least=Truth.U) if course.drug == "clinical_trial_drug"]
    refused = [course for course in courses(patient) if is_in(course.drug, "dll3")]
    if blinded:
        return time.say(
            Truth.U,
            "The drug of an earlier trial is not named.",
            facts_of(blinded),
            review=("R5",),
            missing="drug of the other trial",
        )
    if refused:
        not_given = [fact for fact in facts_of(refused) if status(fact) in ("declined", "not_given")]
        if not_given or history_is_complete(patient) is Truth.T:
            return time.say(
                Truth.F, "A DLL3-directed agent was considered, never given.", not_given or facts_of(refused)
            )
        if given(patient):
            return Answer(
                Truth.U,
                "A DLL3-directed agent is planned or discussed; no earlier dose is written.",
                time.ids(facts_of(refused)),
                asserted=False,
                missing="treatment history",
            )
    return time.silent("DLL3-directed agents", missing="treatment history")
