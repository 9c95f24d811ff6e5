"""Brain metastases, cord compression, leptomeningeal disease (E9, E10; state machine of criteria 3.14)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import drug_name
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import held, is_current, last_taken, medication, told
from extractor.timeline.treatment import status
from extractor.truth import Answer, Truth

STABLE_DAYS, STEROID_DAYS = 14, 7


def _imaging(patient: Patient, settings: Settings) -> Answer:
    return patient.context("brain_img", settings)


def _is_scan(fact: Fact) -> bool:
    kind = fact.note_type.lower()
    return "enhanc" in fact.text.lower() or any(word in kind for word in ("mri", "irm", "ct", "radiol", "imag", "scan"))


def overruled(possible: list[Fact], absent: list[Fact]) -> bool:
    """Is every suspicion answered by a denial: of a later day, or further down in the same note?"""
    return all(
        any(
            time.last_day(no) > time.last_day(maybe)
            or (no.note_id == maybe.note_id and no.start > maybe.start and time.last_day(no) >= time.last_day(maybe))
            for no in absent
        )
        for maybe in possible
    )


def _rests_on_recent_imaging(patient: Patient, settings: Settings, absent: list[Fact]) -> bool:
    """A denial with a day of its own quotes a study of that day; one without needs the study in the packet."""
    days = settings.window("brain_imaging")
    proper = {fact.note_id for fact in patient.facts("doc_brain_mri")}
    return any(
        not ("ct" in fact.note_type.lower().split() and fact.note_id not in proper)  # a CT without contrast
        and time.is_dated(fact)
        and fact.date_precision == "day"
        and time.is_fresh(fact, patient.index_date, days=days)
        for fact in absent
    )


def brain_metastases(patient: Patient, settings: Settings) -> Answer:
    """Ever present: T. Absent counts while the MRI or contrast CT that it rests on is inside the window, else open."""
    facts = patient.facts("brain_metastases", "condition")
    facts += [fact for fact in patient.facts("metastatic_site", "stage") if fact.value_text == "brain"]
    elsewhere = [fact for fact in patient.facts("brain_lesion_other") if fact.assertion == "present"]
    present = [
        fact
        for fact in facts
        if fact.assertion == "present"
        and not any(o.note_id == fact.note_id and o.start < fact.end and fact.start < o.end for o in elsewhere)
    ]
    possible = [fact for fact in facts if fact.assertion == "possible"]
    absent = [fact for fact in facts if fact.assertion == "absent"]
    local = [
        fact
        for fact in patient.facts(("srs", "wbrt"), "therapy")
        if fact.assertion == "present" and status(fact) not in ("planned", "declined", "not_given")
    ]
    if present or local:
        return time.say(Truth.T, "Brain metastases.", (present + local)[-4:])
    imaging = _imaging(patient, settings)
    if possible and not overruled(possible, absent):
        return time.say(Truth.U, "Brain metastases are suspected.", possible, review=("R5",), missing="brain MRI")
    other = [
        fact
        for fact in patient.facts("brain_lesion_other")
        if fact.assertion in ("present", "possible") and "epidural" not in fact.text.lower()  # of the spine: E9.b
    ]
    if other:
        return time.say(
            Truth.U,
            "A skull, dural, pituitary or indeterminate lesion.",
            other,
            review=("R6",),
            missing="nature of the intracranial lesion",
        )
    if absent:
        if imaging.truth is Truth.T or _rests_on_recent_imaging(patient, settings, absent):
            return time.say(Truth.F, "No brain metastases on recent imaging.", absent[-3:])
        return time.say(
            Truth.U,
            "No brain metastases on older imaging only.",
            absent[-3:],
            review=("R12",),
            provisional=Truth.F,
            missing="brain MRI",
        )
    if imaging.truth is Truth.T:
        return Answer(
            Truth.F, f"{imaging.reason} No brain metastases are written.", imaging.evidence, ("R7",), asserted=False
        )
    return time.silent("brain metastases", missing="brain MRI")


def _steroid_for_cns(patient: Patient, settings: Settings) -> Answer:
    """A steroid for the brain or cord now or in the last 7 days; "off steroids" and a list without one are absence."""
    every = medication(patient, "systemic_steroid")
    for_cns = [fact for fact in every if fact.attributes.get("indication") == "cns"]
    unstated = [fact for fact in every if not fact.attributes.get("indication")]
    denied = [fact for fact in every if fact.assertion == "absent"]
    if for_cns:
        return last_taken(
            patient, for_cns + [f for f in denied if f not in for_cns], STEROID_DAYS, "Steroid for the brain"
        )
    if every:
        answer = last_taken(patient, every, STEROID_DAYS, "Steroid")
        if answer.truth is Truth.T and unstated:
            return Answer(
                Truth.U,
                f"{answer.reason} Its indication is not written.",
                answer.evidence,
                missing="indication of the steroid",
            )
        if answer.truth is Truth.T:
            return Answer(Truth.F, "The steroid is for something else.", answer.evidence)
        return answer
    return _not_listed(patient, settings, "steroid")


def _not_listed(patient: Patient, settings: Settings, what: str) -> Answer:
    listed = patient.context("meds", settings)
    if listed.truth is Truth.T:
        return Answer(Truth.F, f"No {what} on the medication list.", listed.evidence)
    return Answer(
        Truth.U, f"Nothing is written about a {what} for the brain.", missing="medication list", asserted=False
    )


def _anticonvulsant(patient: Patient, settings: Settings) -> Answer:
    """An antiseizure drug for brain metastases: T for seizures, U as prophylaxis or unstated, F for pain or none."""
    every = [
        fact
        for fact in medication(patient, "anticonvulsant")
        if (fact.value_text or "").lower() not in ("gabapentin", "pregabalin")
    ]
    facts = [fact for fact in every if is_current(fact) and fact.attributes.get("indication") not in ("pain",)]
    newest_denial = max((told(fact) for fact in every if fact.assertion == "absent"), default=None)
    facts = [fact for fact in facts if newest_denial is None or told(fact) > newest_denial]
    stops = [fact for fact in every if fact.assertion == "present" and not is_current(fact) and time.ended(fact)]
    facts = [  # what the story says was stopped wins over a list of the same note
        fact for fact in facts if not any(drug_name(stop) == drug_name(fact) and told(stop) >= told(fact) for stop in stops)
    ]
    seizures = [
        fact
        for fact in patient.facts("seizure", "condition")
        if fact.assertion == "present" and fact.temporality != "historical"
    ]
    if facts:
        prophylactic = any(fact.attributes.get("indication") == "prophylaxis" for fact in facts)
        if seizures and not prophylactic:
            return time.say(Truth.T, "An anticonvulsant for seizures.", facts + seizures)
        return time.say(
            Truth.U,
            "An anticonvulsant whose need is not settled.",
            facts,
            review=("R6",),
            missing="indication of the anticonvulsant",
        )
    if every:
        return time.say(Truth.F, "No anticonvulsant for brain metastases.", every)
    return _not_listed(patient, settings, "anticonvulsant")


def _symptoms(patient: Patient, settings: Settings) -> Answer:
    """Symptoms or deficits from the brain now or in the last 14 days, or a stated change in that time."""
    index = patient.index_date
    facts = [fact for fact in patient.facts(("neuro_symptoms", "neuro_change"))]
    facts += [
        fact
        for fact in patient.facts("seizure", "condition")
        if fact.temporality != "historical" or time.is_dated(fact)
    ]
    attributed = [
        fact
        for fact in patient.facts("brain_metastases", "condition")
        if fact.attributes.get("symptomatic") in ("yes", "no") and fact.assertion == "present"
    ]
    present = [fact for fact in facts if fact.assertion == "present" and fact.temporality != "future"]
    present += [fact for fact in attributed if fact.attributes["symptomatic"] == "yes"]
    absent = [fact for fact in facts if fact.assertion == "absent"]
    absent += [fact for fact in attributed if fact.attributes["symptomatic"] == "no"]
    absent += [fact for fact in patient.facts("neuro_stable") if fact.assertion == "present"]
    answers = []
    newest_absent = max((told(fact) for fact in absent), default=None)
    for fact in present:
        if fact.copied_from:
            continue
        event = held(fact)
        if fact.attributes.get("status") == "resolved" or fact.temporality == "historical":
            clear = event[1] + datetime.timedelta(days=STABLE_DAYS)
            recent = time.within_days(event, index, STABLE_DAYS - 1) if time.is_dated(fact) else Truth.F
            answers.append(
                time.say(
                    recent,
                    f"Symptoms {time.span(event)} have resolved.",
                    [fact],
                    clear_date=clear if recent is Truth.T else None,
                )
            )
            continue
        recent = time.within_days(event, index, STABLE_DAYS - 1)
        if newest_absent is not None and newest_absent > told(fact) and recent is not Truth.T:
            answers.append(time.say(recent, "Earlier symptoms are gone.", [fact, *absent[-2:]]))
        elif newest_absent is not None and newest_absent > event[1]:
            answers.append(
                time.say(
                    recent,
                    f"Symptoms {time.span(event)}, stable for 14 days is needed.",
                    [fact],
                    clear_date=event[1] + datetime.timedelta(days=STABLE_DAYS) if recent is Truth.T else None,
                )
            )
        else:
            answers.append(
                time.say(
                    Truth.T if fact.concept != "seizure" or recent is not Truth.F else Truth.F,
                    "Neurological symptoms or deficits.",
                    [fact],
                )
            )
    if answers:
        return time.any_answer(answers, answers[0])
    if absent:
        return time.say(Truth.F, "No neurological symptoms.", absent[-3:])
    return Answer(
        Truth.U, "Nothing is written about neurological symptoms.", missing="neurological symptoms", asserted=False
    )


def _grown_after_treatment(patient: Patient) -> list[Fact]:
    """Treated brain metastases beside a word of growth, in the newest note that describes them."""
    lesions = [fact for fact in patient.facts("brain_metastases", "condition") if fact.assertion == "present"]
    treated = [fact for fact in lesions if fact.attributes.get("status") == "treated"]
    grown = [fact for fact in patient.facts("growth") if fact.assertion == "present"]
    newest = max((time.last_day(fact) for fact in lesions), default=None)
    return [
        fact
        for fact in treated
        if time.last_day(fact) == newest
        and any(item.note_id == fact.note_id and fact.start - 20 <= item.start <= fact.end + 20 for item in grown)
    ]


def _grown_on_newest_scan(patient: Patient) -> list[Fact]:
    """After radiosurgery or whole brain radiotherapy: growth that the newest report of a brain MRI tells."""
    treated = [fact for fact in patient.facts(("srs", "wbrt"), "therapy") if fact.assertion == "present"]
    reports = [fact for fact in patient.facts("doc_brain_mri") if "brain" in fact.note_type.lower() or fact.start < 60]
    newest = {fact.note_id for fact in time.newest(reports)}
    grown = [fact for fact in patient.facts("growth") if fact.assertion == "present" and fact.note_id in newest]
    return [fact for fact in grown if any(held(item)[0] < time.last_day(fact) for item in treated)]


@state("active_brain_metastases")
def active_brain_metastases(patient: Patient, settings: Settings) -> Answer:
    """E9.a: brain metastases with symptoms, steroids, seizure drugs or less than two weeks of stability."""
    lesions = brain_metastases(patient, settings)
    if lesions.truth is Truth.F or not lesions.asserted:
        return lesions
    if lesions.truth is Truth.U:
        change = [fact for fact in patient.facts("neuro_change") if fact.assertion == "present"]
        return Answer(
            Truth.U,
            lesions.reason,
            lesions.evidence + time.ids(change),
            lesions.review,
            provisional=lesions.provisional,
            missing=lesions.missing,
        )
    symptoms, steroid, drug = (part(patient, settings) for part in (_symptoms, _steroid_for_cns, _anticonvulsant))
    parts = [symptoms, steroid, drug]
    truth = max(part.truth for part in parts)
    deciding = [part for part in parts if part.truth is truth]
    review = {code for part in deciding for code in part.review}
    evidence = lesions.evidence + tuple(e for part in deciding for e in part.evidence)
    reason = " ".join(part.reason for part in deciding[:3])
    if truth is Truth.T:
        clear = [part.clear_date for part in deciding if part.clear_date]
        return Answer(
            Truth.T,
            f"Brain metastases. {reason}",
            evidence,
            tuple(sorted(review)),
            clear_date=max(clear) if len(clear) == len(deciding) else None,
        )
    growing = [fact for fact in patient.facts("brain_mets_progressing") if fact.assertion == "present"]
    growing = [
        fact
        for fact in growing
        if not any(
            told(item) > told(fact) and item.assertion == "present" and "stable" in item.text.lower()
            for item in patient.facts("neuro_stable")
        )
    ]
    growing += _grown_after_treatment(patient) or _grown_on_newest_scan(patient)
    if growing:
        return Answer(
            Truth.U,
            "Treated brain metastases grow again; are they clinically inactive?",
            evidence + time.ids(growing),
            ("R6",),
            missing="neuro-oncology opinion",
        )
    if truth is Truth.U:
        return Answer(
            Truth.U,
            f"Brain metastases. {reason}",
            evidence,
            tuple(sorted(review)),
            missing=next((part.missing for part in deciding if part.missing), ""),
        )
    treated = [fact for fact in patient.facts(("srs", "wbrt"), "therapy") if fact.assertion == "present"]
    treated += [
        fact
        for fact in patient.facts("brain_metastases", "condition")
        if fact.attributes.get("status") in ("treated", "stable")
    ]
    return Answer(
        Truth.F,
        f"Brain metastases, {'treated and ' if treated else ''}clinically inactive. {reason}",
        evidence,
        () if treated else ("R6",),
    )


@state("active_cord_compression")
def active_cord_compression(patient: Patient, settings: Settings) -> Answer:
    """E9.b: cord compression that is symptomatic or on steroids; treated, stable and off steroids for 14 days: no (R6)."""
    facts = patient.facts("spinal_cord_compression", "condition")
    present = [fact for fact in facts if fact.assertion == "present"]
    possible = [fact for fact in facts if fact.assertion == "possible"]
    absent = [fact for fact in facts if fact.assertion == "absent"]
    if not facts:
        epidural = [
            fact
            for fact in patient.facts("brain_lesion_other")
            if "epidural" in fact.text.lower() and fact.assertion in ("present", "possible")
        ]
        if epidural:
            return time.say(
                Truth.U, "Epidural disease; the state of the cord is not settled.", epidural, missing="MRI of the spine"
            )
        return time.silent("cord compression")
    if present:
        over = [
            fact
            for fact in facts
            if fact.attributes.get("status") in ("treated", "stable", "resolved") or fact.temporality == "historical"
        ]
        newest = time.newest(present)
        old = all((patient.index_date - time.last_day(fact)).days >= STABLE_DAYS for fact in newest)
        later = [fact for fact in absent if time.last_day(fact) >= max(time.last_day(item) for item in present)]
        if over or (later and old):
            steroid = last_taken(patient, medication(patient, "systemic_steroid"), STABLE_DAYS, "Steroid")
            if steroid.truth is Truth.T:
                return Answer(
                    Truth.T,
                    f"Cord compression treated. {steroid.reason}",
                    steroid.evidence + time.ids(over),
                    clear_date=steroid.clear_date,
                )
            symptoms = [
                fact
                for fact in patient.facts("neuro_change")
                if fact.assertion == "present" and time.is_fresh(fact, patient.index_date, days=STABLE_DAYS - 1)
            ]
            if symptoms:
                return time.say(Truth.T, "Cord compression with a recent neurological change.", symptoms + over)
            return time.say(
                Truth.F, "Cord compression treated and stable, off steroids.", over or later, review=("R6",)
            )
        return time.say(Truth.T, "Cord compression.", present)
    if possible and not overruled(possible, absent):
        return time.say(
            Truth.U, "Cord compression is possible or threatened.", possible, review=("R5",), missing="spine MRI"
        )
    return time.say(Truth.F, "No cord compression.", absent)


@state("leptomeningeal_disease")
def leptomeningeal_disease(patient: Patient, settings: Settings) -> Answer:
    """E10: any leptomeningeal disease, ever; suspected is open; ruled out later is no; absence needs recent imaging."""
    facts = patient.facts("leptomeningeal_disease", "condition")
    possible = [fact for fact in facts if fact.assertion == "possible"]
    suspected_on = {time.last_day(fact) for fact in possible}
    # what a study of that day only suspected is no more certain where another note quotes it
    present = [fact for fact in facts if fact.assertion == "present" and time.last_day(fact) not in suspected_on]
    absent = [fact for fact in facts if fact.assertion == "absent"]
    # a later scan without it shows that treatment worked; only a person can take the diagnosis back
    retracted = max((time.last_day(fact) for fact in absent if not _is_scan(fact)), default=None)
    imaging = _imaging(patient, settings)
    if present:
        newest_present = max(time.last_day(fact) for fact in present)
        if retracted and retracted > newest_present:
            return time.say(
                Truth.U,
                "Leptomeningeal disease is stated and later denied.",
                present + absent,
                review=("R1",),
                missing="cerebrospinal fluid or spine MRI",
            )
        return time.say(Truth.T, "Leptomeningeal disease.", present)
    if possible and not overruled(possible, absent):
        return time.say(
            Truth.U,
            "Leptomeningeal disease is suspected.",
            possible,
            review=("R5",),
            missing="cerebrospinal fluid or spine MRI",
        )
    if absent:
        if imaging.truth is Truth.T or _rests_on_recent_imaging(patient, settings, absent):
            return time.say(Truth.F, "No leptomeningeal disease on recent imaging.", absent[-3:])
        return time.say(
            Truth.U,
            "No leptomeningeal disease on older imaging only.",
            absent[-3:],
            review=("R12",),
            provisional=Truth.F,
            missing="brain MRI",
        )
    return time.silent("leptomeningeal disease", missing="brain MRI")
