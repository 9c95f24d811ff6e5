"""What the packet of notes would have shown: the documents on which a presumed absence rests.

Source: clinical specification 1.6 with the rulings of section 11 (a follow-up note that carries history, past history
and medications counts as a full oncology note; brain imaging means MRI or contrast CT; a medication list of 14 days).
"""

from __future__ import annotations

from extractor.timeline import chronology as time
from extractor.timeline.patient import Patient
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth

#: context → (support concepts, window, months?)
DOCUMENTS = {
    "onc_full": (("doc_onc_full",), "onc_full", False),
    "pmh": (("doc_pmh", "doc_onc_full"), "pmh_months", True),
    "ros_exam": (("doc_ros_exam",), "ros_exam", False),
    "ros_exam_infection": (("doc_ros_exam",), "ros_exam_infection", False),
    "brain_img": (("doc_brain_mri",), "brain_imaging", False),
    "chest_ct": (("doc_chest_ct",), "chest_ct", False),
    "meds": (("doc_med_list",), "medication_list", False),
}

LABELS = {
    "onc_full": "a full oncology note",
    "pmh": "a past medical history",
    "ros_exam": "a review of systems or an examination",
    "ros_exam_infection": "a review of systems or an examination",
    "brain_img": "a brain MRI or contrast CT",
    "chest_ct": "a chest CT",
    "meds": "a medication list",
    "rx_history": "a complete treatment history",
    "allergy": "an allergy entry",
}


def context_window(name: str, settings: Settings) -> int | None:
    """Length of the window of a document; None where it has none."""
    return settings.window(DOCUMENTS[name][1]) if name in DOCUMENTS else None


def context(patient: Patient, name: str, settings: Settings) -> Answer:
    """T with the newest document inside the window; F where there is none (evidence: older ones)."""
    if name == "rx_history":
        return _treatment_history(patient)
    if name == "allergy":
        found = patient.facts(("doc_allergies", "no_known_allergies"))
        return time.say(
            Truth.T if found else Truth.F, f"{LABELS[name]} is {'' if found else 'not '}in the packet.", found
        )
    if name not in DOCUMENTS:
        raise KeyError(f"context: expected one of {', '.join(sorted(LABELS))}, found {name!r}")
    concepts, window, months = DOCUMENTS[name]
    found = [
        fact
        for fact in patient.facts(concepts)
        if fact.assertion == "present" and fact.attributes.get("reconciled") != "no"
    ]
    length = settings.window(window)
    study = name in ("brain_img", "chest_ct")
    fresh = []
    for fact in found:
        # a report is as old as its study; every other document is as old as the note that it is
        interval = time.known(fact) if study or not fact.note_date else (fact.note_date, fact.note_date)
        inside = (
            time.within_months(interval, patient.index_date, length)
            if months
            else time.within_days(interval, patient.index_date, length)
        )
        if inside is not Truth.F and not fact.copied_from:
            fresh.append(fact)
    limit = f"{length} {'months' if months else 'days'}"
    if fresh:
        newest = time.newest(fresh)
        day = time.last_day(newest[-1]) if study else max(fact.note_date or time.last_day(fact) for fact in fresh)
        return time.say(Truth.T, f"{LABELS[name]} of {time.day(day)} (window {limit}).", newest)
    return time.say(Truth.F, f"No {LABELS[name][2:]} of the last {limit} is in the packet.", time.newest(found))


def _treatment_history(patient: Patient) -> Answer:
    """Complete where the notes say so, or say what was never given beside dated regimens that all have an end."""
    from extractor.timeline.treatment import courses, history_is_complete

    truth = history_is_complete(patient)
    facts = patient.facts("doc_treatment_history") + [fact for course in courses(patient) for fact in course.facts]
    if truth is Truth.T:
        return time.say(truth, "The treatment history is complete: every regimen has a start and an end.", facts)
    return time.say(Truth.F, "The treatment history is not known to be complete.", facts)
