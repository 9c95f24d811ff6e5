"""Prior lines, platinum, progression, ARSI, RET inhibitor (I5)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline import tumour as t
from extractor.timeline.knowledge import is_in
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import derived, state
from extractor.timeline.settings import Settings
from extractor.timeline.states_biomarkers import ret_status
from extractor.timeline.states_platinum import planned_platinum
from extractor.timeline.treatment import (
    REGIMEN_DAYS,
    courses,
    drug_facts,
    facts_of,
    given,
    history_is_complete,
    lines,
    names_of,
    never_given,
    stop_reason,
)
from extractor.truth import Answer, Truth


@derived("lines_count")
def lines_count(patient: Patient, settings: Settings) -> Measure | None:
    """Lines of systemic therapy that were given; a stated number of lines widens the interval (R1 where they differ)."""
    derived_lines = lines(patient)
    stated = [fact for fact in patient.facts("lines_stated") if fact.assertion == "present" and fact.value is not None]
    naive = never_given(patient, "systemic")
    if not derived_lines and not stated:
        return Measure(0, 0, evidence=time.ids(naive), name="lines_count") if naive else None
    evidence = time.ids(stated + facts_of(given(patient)))
    if not stated:
        return Measure(len(derived_lines), len(derived_lines), evidence=evidence, name="lines_count")
    number = from_value(stated[-1].value, stated[-1].value_high, stated[-1].comparator)
    differs = number.compare("==", len(derived_lines)) is not Truth.T
    low = min(number.low, len(derived_lines)) if derived_lines else number.low
    return Measure(
        low,
        max(number.high, len(derived_lines)),
        evidence=evidence,
        name="lines_count",
        review=("R1",) if differs and derived_lines else (),
    )


@state("prior_systemic_line")
def prior_systemic_line(patient: Patient, settings: Settings) -> Answer:
    """I5.line: at least one administered dose of a systemic anticancer regimen."""
    found = [course for course in given(patient) if not is_in(course.drug, "no_line", "supportive")]
    nepc = t.tumour(patient, settings).prostate is not Truth.F
    if not nepc:
        found = [course for course in found if not is_in(course.drug, "androgen_deprivation", "aromatase_or_oestrogen")]
    stated = [fact for fact in patient.facts("lines_stated") if fact.assertion == "present" and (fact.value or 0) >= 1]
    stated += [fact for fact in patient.facts("platinum_exposed") if fact.assertion == "present"]
    if found or stated:
        count = len(lines(patient))
        return time.say(
            Truth.T,
            f"Systemic therapy was given: {names_of(found) or 'prior lines are stated'}"
            f"{f' ({count} lines)' if count else ''}.",
            facts_of(found)[-6:] + stated,
        )
    naive = never_given(patient, "systemic")
    maybe = given(patient, at_least=Truth.U)
    if naive:
        soon = bool(planned_platinum(patient))
        return time.say(
            Truth.F,
            "No systemic therapy was ever given" + (", platinum is planned." if soon else "."),
            naive,
            correctable=soon,
        )
    planned = [course for course in courses(patient) if course.planned]
    if maybe:
        return time.say(
            Truth.U,
            "Systemic therapy may have been given.",
            facts_of(maybe),
            review=("R5",),
            missing="treatment history",
        )
    if history_is_complete(patient) is Truth.T:
        return time.say(Truth.F, "The complete history has no systemic therapy.", facts_of(planned))
    if planned:
        return time.say(
            Truth.U,
            f"{names_of(planned)} was only planned.",
            facts_of(planned),
            missing="treatment history",
            notes={"planned": True},
        )
    return time.silent("systemic therapy", missing="treatment history")


def _spread_since(patient: Patient, begun: list[datetime.date]) -> list[Fact]:
    """Limited disease that was treated and is extensive or metastatic at a later date has relapsed."""
    limited = [fact for fact in patient.facts("limited_stage", "stage") if fact.assertion == "present"]
    if not limited or not begun:
        return []
    names = ("extensive_stage", "metastatic", "metastatic_site", "liver_metastases", "brain_metastases")
    return [
        fact
        for fact in patient.facts(names)
        if fact.assertion == "present"
        and time.is_dated(fact)
        and time.known(fact)[0] > min(begun) + datetime.timedelta(days=REGIMEN_DAYS)
    ]


@state("progression_on_or_after_standard")
def progression_on_or_after_standard(patient: Patient, settings: Settings) -> Answer:
    """I5.progression: progression or relapse on or after systemic therapy, in the eyes of the treating physician.

    A radiology report alone against a clinician who calls it stable or pseudoprogression is open (R1).
    """
    events = [fact for fact in patient.facts("progression", "response") if not fact.attributes.get("other_cancer")]
    firm = [fact for fact in events if fact.assertion == "present"]
    denied = [fact for fact in events if fact.assertion == "absent"]
    denied += [fact for fact in patient.facts("progression_denied") if fact.assertion == "present"]
    good = [
        fact
        for fact in patient.facts(("stable_disease", "partial_response", "complete_response"), "response")
        if fact.assertion == "present"
    ]
    possible = [fact for fact in events if fact.assertion == "possible"]
    started = [
        course.start[0]
        for course in given(patient)
        if course.start and not is_in(course.drug, "androgen_deprivation", "supportive", "no_line")
    ]
    stopped = [fact for fact in drug_facts(patient) if stop_reason(fact) == "progression"]
    # growth told without the word: of a scan after the therapy began, never of the first staging
    begun = [
        span[0]
        for course in given(patient)
        if (span := course.start or course.last)
        and not is_in(course.drug, "androgen_deprivation", "supportive", "no_line")
    ]
    firm += [
        fact
        for fact in patient.facts("growth")
        if fact.assertion == "present" and begun and (span := time.when(fact)) and span[0] > min(begun)
        and (not fact.note_date or fact.note_date > min(begun))
    ]  # fmt: skip
    firm += _spread_since(patient, begun)
    since = [fact for fact in patient.facts("progression_denied") if fact.assertion == "present"]
    treated = given(patient, at_least=Truth.U)
    second = [fact for fact in patient.facts("lines_stated") if (fact.value or 0) >= 2]
    usable = [fact for fact in firm if not started or not time.is_dated(fact) or time.known(fact)[1] >= min(started)]
    if not treated and never_given(patient, "systemic"):
        return time.say(
            Truth.F,
            "No systemic therapy after which the disease could have progressed.",
            never_given(patient, "systemic"),
            correctable=bool(planned_platinum(patient)),
        )
    last_event = max((time.last_day(fact) for fact in usable + stopped), default=None)
    if (
        since
        and last_event
        and max(time.last_day(fact) for fact in since) > last_event
        and any(begun > last_event for begun in started)
    ):
        return time.say(Truth.F, "The notes say that the disease has not progressed since the last therapy.", since)
    if usable or stopped:
        radiology = [
            fact
            for fact in usable
            if "radiol" in fact.note_type.lower()
            or "imaging" in fact.note_type.lower()
            or "ct" in fact.note_type.lower().split()
        ]
        clinician = [fact for fact in usable if fact not in radiology]
        newest = max(time.last_day(fact) for fact in usable + stopped)
        against = [
            fact
            for fact in denied + good + possible + patient.facts("stable_disease", "response")
            if time.last_day(fact) >= newest and "radiol" not in fact.note_type.lower()
        ]
        quoting = {(fact.note_id, time.last_day(fact)) for fact in against}
        # a note that quotes the report's "progression" and calls it stable in the same breath is no second witness
        clinician = [fact for fact in clinician if (fact.note_id, time.last_day(fact)) not in quoting]
        if against and radiology and not clinician and not stopped:
            return time.say(
                Truth.U,
                "Radiology reports progression, the treating physician does not agree.",
                usable + against,
                review=("R1",),
                missing="progression as judged by the investigator",
            )
        return time.say(
            Truth.T, f"Progression or relapse {time.day(newest)}.", (stopped + usable)[-4:], review=("R11",)
        )
    several = lines(patient)
    if second:
        return time.say(Truth.T, "More than one prior line is stated.", second, review=("R9", "R11"))
    if denied:
        return time.say(Truth.F, "The notes say that the disease has not progressed since the last therapy.", denied)
    if good and treated:
        return time.say(
            Truth.U,
            "Response or stable disease; progression after therapy is not written.",
            time.newest(good),
            missing="progression after the last therapy",
        )
    if possible:
        return time.say(
            Truth.U,
            "Progression is only suspected.",
            possible,
            review=("R5",),
            missing="progression after the last therapy",
        )
    if len(several) >= 2:
        return time.say(
            Truth.U,
            f"{len(several)} lines of therapy; progression is not written.",
            facts_of(given(patient))[-6:],
            missing="progression after the last therapy",
        )
    if firm:
        return time.say(
            Truth.U,
            "Progression is dated before the therapy.",
            firm,
            review=("R4",),
            missing="progression after the last therapy",
        )
    if treated:
        return time.say(
            Truth.U,
            "Therapy was given; progression is not written.",
            facts_of(treated)[-6:],
            missing="progression after the last therapy",
        )
    return time.silent("progression", missing="progression after the last therapy")


def nepc_origin(patient: Patient, settings: Settings) -> Answer:
    """T treatment-emergent, F de novo, U not known (I5; criteria 4)."""
    stated = [fact for fact in patient.facts("nepc_origin") if fact.assertion == "present"]
    values = {str(fact.value_text) for fact in stated}
    values |= {
        str(fact.attributes.get("origin")) for fact in patient.facts("nepc", "histology") if fact.assertion == "present"
    }
    values &= {"de_novo", "treatment_emergent"}
    if len(values) == 1:
        emergent = values == {"treatment_emergent"}
        return time.say(Truth.T if emergent else Truth.F, f"NEPC {values.pop().replace('_', ' ')}.", stated)
    adeno = [
        fact
        for fact in patient.facts("adenocarcinoma", "histology")
        if fact.assertion == "present" and t._site(fact) in ("prostate", "")
    ]
    hormonal = given(patient, "androgen_deprivation", "arsi")
    if adeno and hormonal and not values:
        return time.say(Truth.T, "Adenocarcinoma and androgen deprivation came first.", adeno + facts_of(hormonal))
    if not t.tumour(patient, settings).cohorts:
        return time.silent("the origin of the NEPC", missing="origin of the NEPC")
    return time.say(Truth.U, "De novo or treatment-emergent is not stated.", stated, missing="origin of the NEPC")


@state("nepc_treatment_emergent")
def nepc_treatment_emergent(patient: Patient, settings: Settings) -> Answer:
    return nepc_origin(patient, settings)


@state("nepc_de_novo")
def nepc_de_novo(patient: Patient, settings: Settings) -> Answer:
    origin = nepc_origin(patient, settings)
    return Answer(
        Truth(2 - origin.truth),
        origin.reason,
        origin.evidence,
        origin.review,
        asserted=origin.asserted,
        missing=origin.missing,
    )


@state("arsi_given")
def arsi_given(patient: Patient, settings: Settings) -> Answer:
    """I5.arsi: an androgen receptor signalling inhibitor was given; platinum without one is open (policy A-5)."""
    found = given(patient, "arsi")
    if found:
        return time.say(Truth.T, f"Given: {names_of(found)}.", facts_of(found))
    platinum = given(patient, "platinum")
    if platinum:
        return time.say(
            Truth.U,
            "Platinum was given, an androgen signalling inhibitor is not written.",
            facts_of(platinum),
            review=("R6",),
            missing="androgen signalling inhibitor",
        )
    maybe = given(patient, "arsi", at_least=Truth.U)
    if maybe:
        return time.say(
            Truth.U, "An androgen signalling inhibitor may have been given.", facts_of(maybe), review=("R5",)
        )
    denied = never_given(patient, "arsi", "systemic")
    refused = [fact for fact in drug_facts(patient) if is_in(fact, "arsi")]
    if denied or history_is_complete(patient) is Truth.T:
        return time.say(
            Truth.F,
            "No androgen signalling inhibitor and no platinum was given.",
            denied or refused or facts_of(given(patient))[-6:],
        )
    if refused:
        return time.say(
            Truth.U, "The androgen signalling inhibitor was planned or declined.", refused, missing="treatment history"
        )
    return time.silent("androgen signalling inhibitors", missing="treatment history")


@state("ret_selective_given")
def ret_selective_given(patient: Patient, settings: Settings) -> Answer:
    """A selective RET inhibitor was given; one that is only planned is open unless the history is complete."""
    found = given(patient, "ret_selective")
    if found:
        return time.say(Truth.T, f"Given: {names_of(found)}.", facts_of(found))
    mentioned = [course for course in courses(patient) if is_in(course.drug, "ret_selective")]
    denied = never_given(patient, "ret", "systemic")
    if denied or history_is_complete(patient) is Truth.T:
        return time.say(Truth.F, "No selective RET inhibitor was given.", denied or facts_of(mentioned))
    if mentioned:
        return time.say(
            Truth.U,
            "A selective RET inhibitor was planned or not started.",
            facts_of(mentioned),
            missing="treatment history",
        )
    return time.silent("selective RET inhibitors", missing="treatment history")


@state("ret_requirement_met")
def ret_requirement_met(patient: Patient, settings: Settings) -> Answer:
    """I5.ret: RET-mutated MTC needs a selective RET inhibitor, wild type any systemic therapy; unknown RET is open."""
    inhibitor = ret_selective_given(patient, settings)
    if inhibitor.truth is Truth.T:
        return inhibitor
    line = prior_systemic_line(patient, settings)
    ret = ret_status(patient)
    if line.truth is Truth.F:
        return line
    if ret.truth is Truth.F and line.truth is Truth.T:
        return Answer(Truth.T, f"{ret.reason} {line.reason}", ret.evidence + line.evidence)
    if ret.truth is Truth.T and inhibitor.truth is Truth.F:
        return Answer(Truth.F, f"{ret.reason} {inhibitor.reason}", ret.evidence + inhibitor.evidence)
    if not (ret.asserted or line.asserted or inhibitor.asserted):
        return time.silent("RET and prior therapy", missing="RET status of the tumour")
    return Answer(
        Truth.U,
        f"{ret.reason} {inhibitor.reason}".strip(),
        ret.evidence + inhibitor.evidence + line.evidence,
        ret.review,
        missing=ret.missing or inhibitor.missing or "treatment history",
    )
