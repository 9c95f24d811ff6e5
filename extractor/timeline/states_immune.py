"""Immune-related events, hypersensitivity, toxicity (E5, E6, E11, E25)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import is_in
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import told
from extractor.timeline.treatment import drug_facts, stop_reason
from extractor.truth import Answer, Truth

SEVERE_GRADE = 3
IMMUNE = ("immune_related_ae", "crs", "icans")
#: names of organ inflammation that checkpoint inhibitors cause
INFLAMED = frozenset(
    {"colitis", "pneumonitis", "hepatitis", "nephritis", "myocarditis", "hypophysitis", "encephalitis"}
)
#: conditions that are immune events where their cause is immunotherapy
IMMUNE_CONDITIONS = ("pneumonitis", "colitis", "hypophysitis", "uveitis", "myasthenia_gravis")


def grade_of(fact: Fact) -> Measure | None:
    """CTCAE grade of a toxicity or condition, as an interval."""
    value = fact.value if fact.family == "toxicity" and fact.value is not None else fact.attributes.get("grade")
    try:
        number = float(str(value))
    except ValueError:
        return None
    return from_value(
        number,
        fact.value_high if fact.family == "toxicity" else None,
        fact.comparator if fact.family == "toxicity" else None,
        "{grade}",
    )


def immune_events(patient: Patient) -> list[Fact]:
    """Immune-related events of the patient: toxicity facts, and conditions whose cause is immunotherapy."""
    facts = patient.facts(IMMUNE, "toxicity")
    facts += [
        fact
        for fact in patient.facts(IMMUNE_CONDITIONS, "condition")
        if fact.attributes.get("cause") == "immune" or fact.concept == "hypophysitis"
    ]
    return sorted(
        (fact for fact in facts if fact.assertion != "hypothetical"), key=lambda fact: (told(fact), fact.fact_id)
    )


def suspected_immune_events(patient: Patient) -> list[Fact]:
    """Inflammation of an organ after immunotherapy began, of grade 3 or more, whose cause is not written."""
    begun = [
        day
        for fact in drug_facts(patient)
        if fact.assertion == "present" and is_in(fact, "checkpoint_inhibitor") and (day := time.begun(fact)) is not None
    ]
    if not begun:
        return []
    first = min(day[0] for day in begun)
    named = [
        fact
        for fact in patient.facts("other_toxicity", "toxicity")
        if (fact.value_text or "") in INFLAMED and fact.assertion == "present"
    ]
    named += [
        fact
        for fact in patient.facts(("colitis", "pneumonitis"), "condition")
        if fact.assertion == "present" and fact.attributes.get("cause") in (None, "other")
    ]
    return [
        fact
        for fact in named
        if (grade := grade_of(fact)) is not None
        and grade.compare(">=", SEVERE_GRADE) is not Truth.F
        and time.last_day(fact) >= first
    ]


def _tolerated(patient: Patient) -> list[Fact]:
    if any(fact.assertion == "present" for fact in immune_events(patient) + _infusion_reactions(patient)):
        return []
    facts = [fact for fact in patient.facts("io_tolerated") if fact.assertion == "present"]
    return facts + [fact for fact in patient.facts(IMMUNE, "toxicity") if fact.assertion == "absent"]


def _graded(patient: Patient, facts: list[Fact], what: str) -> Answer:
    """Grade 3 or more: T; lower: F; no grade: open."""
    present = [fact for fact in facts if fact.assertion in ("present", "possible")]
    grades = [(fact, grade_of(fact)) for fact in present]
    severe = [fact for fact, grade in grades if grade is not None and grade.compare(">=", SEVERE_GRADE) is Truth.T]
    severe += [
        fact
        for fact, grade in grades
        if grade is None and fact.attributes.get("severity") in ("severe", "life_threatening")
    ]
    if severe:
        firm = [fact for fact in severe if fact.assertion == "present"]
        return time.say(Truth.T if firm else Truth.U, f"{what} of grade 3 or more.", severe, correctable=False)
    known = {(fact.value_text or fact.concept) for fact, grade in grades if grade is not None}
    unknown = [
        fact
        for fact, grade in grades
        if (grade is None or grade.compare(">=", SEVERE_GRADE) is Truth.U)
        and (fact.value_text or fact.concept) not in known
        and not (known and fact.value_text is None)
    ]
    mild = [
        fact
        for fact in unknown
        if fact.value_text in ("thyroiditis", "hypothyroidism", "thyroid")
        or ("thyroid" in fact.text.lower() and "hypophys" not in fact.text.lower())
        or fact.attributes.get("severity") == "mild"
    ]
    unknown = [fact for fact in unknown if fact not in mild]
    if unknown:
        return time.say(Truth.U, f"{what} without a grade.", unknown, missing=f"grade of the {what.lower()}")
    if present:
        return time.say(Truth.F, f"{what} below grade 3.", present)
    absent = [fact for fact in facts if fact.assertion == "absent"]
    if absent:
        return time.say(Truth.F, f"No {what.lower()}, as stated.", absent)
    return time.silent(what.lower(), missing="toxicity of the immunotherapy")


@state("recurrent_pneumonitis")
def recurrent_pneumonitis(patient: Patient, settings: Settings) -> Answer:
    """E5.a: two episodes of immune pneumonitis of grade 2 or more; a single one is no (R6)."""
    facts = [
        fact
        for fact in immune_events(patient)
        if fact.concept == "pneumonitis" or (fact.value_text or "") in ("pneumonitis", "lung")
    ]
    present = [fact for fact in facts if fact.assertion == "present"]
    if not present:
        absent = [fact for fact in facts + patient.facts("pneumonitis", "condition") if fact.assertion == "absent"]
        if absent or _tolerated(patient):
            return time.say(Truth.F, "No pneumonitis on immunotherapy.", absent or _tolerated(patient))
        if mild := _mild_toxicity(patient):
            return time.say(Truth.F, "The toxicities of immunotherapy are others than pneumonitis.", mild)
        if any(fact.assertion == "present" for fact in immune_events(patient)):
            return time.say(Truth.F, "The immune-related events are others than pneumonitis.", immune_events(patient))
        return time.silent("pneumonitis on immunotherapy", missing="toxicity of the immunotherapy")
    grade2 = [fact for fact in present if (grade := grade_of(fact)) is not None and grade.compare(">=", 2) is Truth.T]
    recurrent = [fact for fact in present if fact.attributes.get("recurrent") in (True, "yes")]
    days = sorted({time.last_day(fact) for fact in grade2 if time.is_dated(fact)})
    episodes = sum(1 for i, day in enumerate(days) if i == 0 or (day - days[i - 1]).days > 60)
    if (recurrent and grade2) or episodes >= 2:
        return time.say(Truth.T, "Pneumonitis of grade 2 or more came back.", grade2, correctable=False)
    return time.say(Truth.F, "One episode of pneumonitis.", present, review=("R6",))


@state("severe_immune_event")
def severe_immune_event(patient: Patient, settings: Settings) -> Answer:
    """E5.b: an immune-related event of grade 3 or more (A-14)."""
    answer = _graded(patient, immune_events(patient), "Immune-related event")
    suspected = suspected_immune_events(patient)
    if suspected and answer.truth is not Truth.T:
        return time.say(
            Truth.U,
            "Severe inflammation of an organ after immunotherapy; its cause is not written.",
            suspected,
            review=("R5",),
            missing="cause of the event",
        )
    if not answer.asserted and _tolerated(patient):
        return time.say(Truth.F, "Immunotherapy was tolerated without immune-related toxicity.", _tolerated(patient))
    if not answer.asserted and (mild := _mild_toxicity(patient)):
        return time.say(Truth.F, "The toxicity of immunotherapy that is written was of grade 2 at most.", mild)
    return answer


def _mild_toxicity(patient: Patient) -> list[Fact]:
    """Toxicity that a note gives to a checkpoint inhibitor, each below grade 3; nothing where one has no grade."""
    facts = [
        fact
        for fact in patient.facts(family="toxicity")
        if fact.assertion == "present"
        and any(is_in(drug, "checkpoint_inhibitor") for drug in str(fact.attributes.get("cause") or "").split("/"))
    ]
    grades = [grade_of(fact) for fact in facts]
    return facts if all(grade is not None and grade.compare("<", SEVERE_GRADE) is Truth.T for grade in grades) else []


def _infusion_reactions(patient: Patient) -> list[Fact]:
    immune = patient.facts("infusion_reaction", "toxicity")
    named = [fact for fact in immune if fact.value_text]
    return [
        fact
        for fact in immune
        if fact not in named
        or is_in(fact.value_text or "", "checkpoint_inhibitor", "t_cell_engager", "other_immune_therapy")
    ]


@state("severe_infusion_reaction")
def severe_infusion_reaction(patient: Patient, settings: Settings) -> Answer:
    """E5.c: an infusion reaction of grade 3 or more to immunotherapy."""
    facts = _infusion_reactions(patient)
    answer = _graded(patient, facts, "Infusion reaction")
    if not answer.asserted:
        base = severe_immune_event(patient, settings)
        if base.asserted:
            return Answer(Truth.F, "No infusion reaction is written beside the immune toxicity that is.", base.evidence)
    return answer


@state("immunotherapy_stopped_for_toxicity")
def immunotherapy_stopped_for_toxicity(patient: Patient, settings: Settings) -> Answer:
    """E5.d: immunotherapy permanently stopped for an event: grade 3 or more T, lower open (R6)."""
    stops = [fact for fact in patient.facts("io_stopped_toxicity") if fact.assertion in ("present", "absent")]
    stops += [
        fact
        for fact in drug_facts(patient)
        if stop_reason(fact) == "toxicity" and is_in(fact, "checkpoint_inhibitor", "t_cell_engager")
    ]
    present = [fact for fact in stops if fact.assertion == "present"]
    if present:
        grades = [grade for fact in present if (grade := grade_of(fact)) is not None]
        severe = any(grade.compare(">=", SEVERE_GRADE) is Truth.T for grade in grades)
        if (
            severe
            or severe_immune_event(patient, settings).truth is Truth.T
            or severe_infusion_reaction(patient, settings).truth is Truth.T
        ):
            return time.say(Truth.T, "Immunotherapy was stopped for a severe event.", present, correctable=False)
        return time.say(
            Truth.U,
            "Immunotherapy was stopped for an event below grade 3 or without a grade.",
            present,
            review=("R6",),
            missing="grade of the event",
        )
    if stops:
        return time.say(Truth.F, "Immunotherapy was not stopped for toxicity.", stops)
    if _tolerated(patient):
        return time.say(Truth.F, "Immunotherapy was tolerated.", _tolerated(patient))
    ended = [fact for fact in drug_facts(patient) if is_in(fact, "checkpoint_inhibitor") and stop_reason(fact)]
    if ended:
        return time.say(Truth.F, "Immunotherapy was stopped for another reason than toxicity.", ended)
    base = severe_immune_event(patient, settings)
    if base.asserted and base.truth is not Truth.T:
        grades = [grade for fact in immune_events(patient) if fact.assertion == "present" and (grade := grade_of(fact))]
        reasons = {stop_reason(fact) for fact in drug_facts(patient) if is_in(fact, "checkpoint_inhibitor")} - {""}
        if base.truth is Truth.F and (reasons or all(grade.compare("<=", 1) is Truth.T for grade in grades)):
            return Answer(Truth.F, "Immunotherapy was not stopped for the event.", base.evidence)
        return Answer(
            Truth.U,
            "An immune-related event; why immunotherapy ended is not written.",
            base.evidence,
            missing="why immunotherapy was stopped",
        )
    return time.silent("stopping immunotherapy for toxicity", missing="why immunotherapy was stopped")


@state("severe_immune_therapy_event")
def severe_immune_therapy_event(patient: Patient, settings: Settings) -> Answer:
    """E25: a severe or life-threatening event of any immune-mediated therapy."""
    parts = [severe_immune_event(patient, settings), severe_infusion_reaction(patient, settings)]
    return time.any_answer(
        parts, time.silent("severe events of immune therapy", missing="toxicity of the immunotherapy")
    )


@state("severe_hypersensitivity")
def severe_hypersensitivity(patient: Patient, settings: Settings) -> Answer:
    """E6: anaphylaxis to the study drug or an excipient; to a drug that holds polysorbate 80: open (R6)."""
    facts = patient.facts("hypersensitivity", "condition") + patient.facts("anaphylaxis")
    reactions = [fact for fact in patient.facts("infusion_reaction", "toxicity") if fact.assertion == "present"]
    present = [fact for fact in facts + reactions if fact.assertion == "present"]
    denied = [fact for fact in facts if fact.assertion == "absent"] + patient.facts("no_known_allergies")
    severe = [fact for fact in present if _is_severe(fact)]
    excipient = [fact for fact in severe if is_in(_agent(fact), "study_drug_excipient")]
    polysorbate = [
        fact
        for fact in severe
        if _agent(fact) and any(is_in(word, "polysorbate_80") for word in (_agent(fact), *_agent(fact).split()))
    ]
    sensitised = [fact for fact in present if is_in(_agent(fact), "study_drug_excipient") and fact not in excipient]
    if polysorbate and any("polysorbate" in _agent(fact) for fact in sensitised):
        excipient = excipient + polysorbate + sensitised  # the excipient is proven to be the cause
    if excipient:
        return time.say(
            Truth.T, "A severe reaction to the study drug or one of its excipients.", excipient, correctable=False
        )
    if polysorbate:
        agent = ", ".join(sorted({_agent(fact) for fact in polysorbate}))
        return time.say(
            Truth.U,
            f"A severe reaction to {agent}, which holds polysorbate 80.",
            polysorbate,
            review=("R6",),
            missing="was polysorbate 80 the cause",
        )
    if sensitised:
        return time.say(
            Truth.U,
            "A reaction to an excipient of the study drug, not stated to be severe.",
            sensitised,
            review=("R6",),
            missing="severity of the reaction",
        )
    if present or denied:
        return time.say(Truth.F, "No severe reaction to the study drug or its excipients.", (present + denied)[-4:])
    return time.silent("allergies", missing="allergy list")


def _agent(fact: Fact) -> str:
    return (fact.value_text or str(fact.attributes.get("agent") or "")).lower()


def _is_severe(fact: Fact) -> bool:
    grade = grade_of(fact)
    return (
        fact.concept == "anaphylaxis"
        or fact.attributes.get("severity") in ("severe", "life_threatening", "anaphylaxis")
        or (grade is not None and grade.compare(">=", SEVERE_GRADE) is Truth.T)
    )


#: toxicity that the laboratory limits (I11) or stable replacement (E20) govern instead (policy A-17)
GOVERNED = frozenset({"neutropenia", "thrombocytopenia", "anemia", "lymphopenia"})


@state("unresolved_toxicity")
def unresolved_toxicity(patient: Patient, settings: Settings) -> Answer:
    """E11: toxicity of earlier treatment above grade 1 or baseline, alopecia aside; CTCAE v5.0.

    Laboratory items that I11 governs and replaced endocrinopathies do not count (A-17, R6). A graded value wins over an
    inferred one; the newest statement about each toxicity counts.
    """
    days = settings.window("toxicity")
    facts = [
        fact
        for fact in patient.facts(family="toxicity")
        if fact.assertion != "hypothetical"
        and fact.concept not in ("crs", "icans", "immune_related_ae", "infusion_reaction", "febrile_neutropenia")
        and fact.attributes.get("attribution") != "tumour"
    ]
    resolved = [fact for fact in patient.facts("toxicity_resolved") if fact.assertion == "present"]
    residual = [fact for fact in patient.facts("toxicity_residual") if fact.assertion == "present"]
    newest_resolved = max((told(fact) for fact in resolved), default=None)
    by_term: dict[str, list[Fact]] = {}
    for fact in facts:
        by_term.setdefault(
            f"{fact.concept}:{(fact.value_text or '') if fact.concept == 'other_toxicity' else ''}", []
        ).append(fact)
    answers = []
    for term, group in sorted(by_term.items()):
        name = term.split(":")[1] or term.split(":")[0]
        if name in ("alopecia",):
            continue
        newest_day = max(told(fact) for fact in group)
        newest = [fact for fact in group if told(fact) == newest_day]
        answer = _toxicity(patient, name, newest, newest_resolved, days)
        if answer is not None:
            answers.append(answer)
    for fact in residual:
        if any(
            item.note_id == fact.note_id and 0 <= item.start - fact.start <= 120 and grade_of(item) for item in facts
        ):
            continue  # "residual toxicity: fatigue grade 1": the graded one speaks
        if newest_resolved is not None and newest_resolved > told(fact):
            continue
        answers.append(
            time.say(
                Truth.U, "Residual toxicity without a grade.", [fact], review=("R9",), missing="grade of the toxicity"
            )
        )
    if answers and not resolved and all(fact.assertion == "absent" for fact in facts) and not residual:
        # "no neuropathy" says nothing of other toxicities: the absence policy decides
        return Answer(
            Truth.F, answers[0].reason, time.ids(facts), asserted=False, missing="residual toxicity with grades"
        )
    if resolved:
        answers.append(time.say(Truth.F, "Toxicities resolved or at most grade 1, as stated.", resolved))
    return time.any_answer(
        answers, time.silent("toxicity of earlier treatment", missing="residual toxicity with grades")
    )


def _told_as_past(fact: Fact) -> bool:
    """A toxicity of the past that was mild or has no grade; a graded one of the history lasts until it is said to end."""
    grade = grade_of(fact)
    return fact.temporality == "historical" and (grade is None or grade.compare(">", 1) is Truth.F)


def _told_of_long_ago(fact: Fact, days: int) -> bool:
    """Dated by the text long before its own note, and not said to go on."""
    return bool(
        time.is_dated(fact)
        and fact.note_date
        and (fact.note_date - time.last_day(fact)).days > days
        and fact.attributes.get("status") not in ("ongoing", "worsening")
    )


def _toxicity(
    patient: Patient, name: str, newest: list[Fact], resolved: datetime.date | None, days: int
) -> Answer | None:
    present = [fact for fact in newest if fact.assertion in ("present", "possible")]
    if not present:
        return time.say(Truth.F, f"No {name}.", newest)
    if name in GOVERNED:
        return time.say(Truth.F, f"{name}: the laboratory limits decide.", present, review=("R6",))
    if all(fact.attributes.get("attribution") == "disease" for fact in present):
        return time.say(Truth.F, f"{name} is put down to the disease, not to treatment.", present, review=("R6",))
    over = [fact for fact in present if fact.attributes.get("status") == "resolved" or _told_as_past(fact)]
    if len(over) == len(present):
        return time.say(Truth.F, f"{name} has resolved.", over)
    grades = [grade for fact in present if (grade := grade_of(fact)) is not None]
    if all(fact.temporality == "historical" and (fact.section or "") != "past_medical_history" for fact in present):
        return time.say(
            Truth.U, f"{name} of the past; its end is not written.", present, missing=f"present grade of the {name}"
        )
    if resolved is not None and resolved >= told(present[-1]) and not grades:
        return None
    if grades and all(_told_of_long_ago(fact, 2 * days) for fact in present):
        return time.say(
            Truth.U, f"{name} of the past; its end is not written.", present, missing=f"present grade of the {name}"
        )
    if not grades:
        return time.say(Truth.U, f"{name} without a grade.", present, review=("R9",), missing=f"grade of the {name}")
    lowest = min(grades, key=lambda item: item.high)
    truth = lowest.compare(">", 1)
    told_days = (patient.index_date - told(present[-1])).days
    permanent = any(fact.attributes.get("baseline") == "yes" for fact in present)
    if truth is Truth.T and permanent:
        return time.say(Truth.F, f"{name} grade {lowest.text()} is the baseline.", present, review=("R6",))
    if told_days > 2 * days and not any(
        time.is_dated(fact) and time.is_fresh(fact, patient.index_date, days=days) for fact in present
    ):
        return time.say(
            Truth.U if truth is Truth.T else truth,
            f"{name} grade {lowest.text()} {told_days} d ago.",
            present,
            review=("R12",),
            missing=f"present grade of the {name}",
        )
    return time.say(
        truth,
        f"{name} grade {lowest.text()} against at most 1.",
        present,
        correctable=True if truth is Truth.T else None,
    )
