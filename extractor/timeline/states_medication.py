"""Steroids, immunosuppressants, growth factors and transfusions (E7.6, I11.a, I11.c)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import drug_name, is_in, steroids
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.treatment import given, never_given, status
from extractor.truth import Answer, Truth

STEROID_DAYS = 7
NON_SYSTEMIC = frozenset(
    {"inhaled", "nasal", "topical", "ophthalmic", "otic", "intra-articular", "rectal", "mouthwash"}
)
#: given once: before an infusion or a contrast scan
SINGLE = frozenset({"contrast", "antiemetic"})
#: a dose told so long ago has ended where nothing speaks of it since
RECENT_DAYS = 28
#: days before a note after which a drug that its medication list leaves out has ended
LONG_BEFORE = 60
DISCONTINUED = frozenset({"discontinued", "stopped", "completed"})


def medication(patient: Patient, concept: str) -> list[Fact]:
    return [
        fact
        for fact in patient.facts(concept, "medication")
        if str(fact.attributes.get("route", "")).lower() not in NON_SYSTEMIC
    ]


def told(fact: Fact) -> datetime.date:
    return fact.note_date or time.last_day(fact)


def held(fact: Fact) -> time.Interval:
    """Days on which a finding held; as old as can be where neither the text nor the note has a date."""
    return time.when(fact) or (datetime.date.min, datetime.date.min)


def happened(fact: Fact) -> time.Interval:
    """When a dated event happened; as ``held`` where it is undated."""
    return time.past_event(fact) or held(fact)


def written_last(facts: list[Fact]) -> list[Fact]:
    newest = max((told(fact) for fact in facts), default=None)
    return [fact for fact in facts if told(fact) == newest]


def is_current(fact: Fact) -> bool:
    """Is the drug being taken, by what this fact says?"""
    return (
        fact.assertion == "present"
        and (fact.temporality == "current" or status(fact) == "ongoing")
        and status(fact) not in ("planned", "declined", "not_given", "held", *DISCONTINUED)
        and not fact.attributes.get("end_date")
        and (fact.attributes.get("indication") not in SINGLE or status(fact) == "ongoing")
        and (status(fact) != "received" or (fact.section or "") == "medications" or "status" not in fact.attributes)
    )


def last_taken(patient: Patient, facts: list[Fact], days: int, what: str) -> Answer:
    """Was the drug taken less than ``days`` days before the index date? A current medication list that leaves it out
    bounds a course that seems to go on or has no end."""
    answer = _last_taken(patient, facts, days, what)
    if not answer.asserted or answer.truth is Truth.F:
        return answer
    present = [
        fact
        for fact in facts
        if fact.assertion in ("present", "possible") and status(fact) not in ("planned", "declined")
    ]
    left_out = _left_out(patient, present, days, what)
    return answer if left_out is None or answer.truth < left_out.truth else left_out


def _last_taken(patient: Patient, facts: list[Fact], days: int, what: str) -> Answer:
    """By what the notes say of the drug itself.

    The newest note that speaks of it says whether it goes on; a stop or last dose is its date; a drug that is denied in
    the newest note was not taken then.
    """
    usable = [fact for fact in facts if not fact.copied_from or all(item.copied_from for item in facts)]
    usable = [
        fact for fact in usable if status(fact) not in ("planned", "declined") and fact.assertion != "hypothetical"
    ]
    present = [fact for fact in usable if fact.assertion in ("present", "possible")]
    if not present:
        absent = [fact for fact in facts if fact.assertion == "absent"]
        if absent:
            return time.say(Truth.F, f"No {what.lower()}, as stated.", absent)
        return time.silent(what.lower(), missing="medication list")
    index = patient.index_date
    answers = []
    stops = [fact for fact in present if not is_current(fact) and _last_interval(fact)]
    newest = written_last(usable)
    running = [fact for fact in present if is_current(fact)]
    last_running = max((told(fact) for fact in running), default=None)
    faded = [
        fact
        for fact in present
        if last_running is not None and told(fact) > last_running and not is_current(fact) and not time.is_dated(fact)
    ]
    if faded and not stops:
        return time.say(
            Truth.U,
            f"{what} was taken; the last dose is not written.",
            faded,
            review=("R4",),
            missing=f"last dose of the {what.lower()}",
        )
    newest_denial = max((told(fact) for fact in usable if fact.assertion == "absent"), default=None)
    if newest_denial is not None:  # "not on any steroids now": a course without an end had ended by then
        over = [fact for fact in stops if _is_open_ended(fact) and told(fact) <= newest_denial]
        stops = [fact for fact in stops if fact not in over]
        if over and not stops and not running:
            begun = max((time.begun(fact) or held(fact))[0] for fact in over)
            if (newest_denial - begun).days < RECENT_DAYS:
                return _by_date(index, (begun, max(begun, newest_denial)), days, what, over)
            return time.say(Truth.F, f"No {what.lower()} any more on {time.day(newest_denial)}.", over)
    stopped_after = [fact for fact in stops if last_running is None or told(fact) >= last_running]
    denied_after = [
        fact
        for fact in usable
        if fact.assertion == "absent" and last_running is not None and told(fact) >= last_running
    ]
    if running and not stopped_after and not denied_after:
        fact = written_last(running)[-1]
        event = time.past_event(fact)
        daily = status(fact) == "ongoing" or (fact.section or "") == "medications"
        age = (index - told(fact)).days if told(fact) != datetime.date.min else 0
        if event and not daily and (event[1] - event[0]).days < 32 and age > 0 and (index - event[1]).days >= days:
            return time.say(
                Truth.U,
                f"{what} began {time.span(event)}; the last dose is not written.",
                [fact],
                review=("R4",),
                missing=f"last dose of the {what.lower()}",
            )
        if age > 90 and not daily:
            return time.say(
                Truth.U,
                f"{what} was taken on {time.day(told(fact))}; the last dose is not written.",
                [fact],
                review=("R12",),
                missing=f"last dose of the {what.lower()}",
            )
        return time.say(Truth.T, f"{what} is taken ({time.day(told(fact))}), no last dose.", [fact])
    for fact in stopped_after or stops:
        answers.append(_stopped(patient, fact, days, what))
    if answers:
        latest = max(answers, key=lambda item: item.truth)
        return latest
    if denied_after:
        day = max(told(fact) for fact in denied_after)
        if (index - day).days >= days:
            return time.say(Truth.F, f"No {what.lower()} any more on {time.day(day)}.", denied_after)
        return time.say(Truth.F, f"No {what.lower()} on {time.day(day)}.", denied_after)
    past = [fact for fact in present if not is_current(fact)]
    note_days = [told(fact) for fact in past]
    if note_days and (index - min(note_days)).days >= days and not _may_go_on(patient, past):
        return time.say(Truth.F, f"{what} had ended by {time.day(min(note_days))}.", past)
    return time.say(
        Truth.U,
        f"{what} was taken; the last dose is not written.",
        newest,
        review=("R4",),
        missing=f"last dose of the {what.lower()}",
    )


def _may_go_on(patient: Patient, past: list[Fact]) -> bool:
    """A daily dose in the newest note, outside its medication list, that nothing calls over or given once."""
    newest = written_last(past)
    listed = {fact.note_id for fact in patient.facts("doc_med_list")}
    return any(
        (fact.value is not None or fact.attributes.get("route") == "oral")
        and fact.temporality == "current"
        and not time.is_dated(fact)
        and fact.attributes.get("indication") not in SINGLE
        and fact.attributes.get("route") not in ("iv", "im")
        and fact.note_id not in listed
        and (patient.index_date - told(fact)).days <= RECENT_DAYS
        for fact in newest
    )


def _left_out(patient: Patient, present: list[Fact], days: int, what: str) -> Answer | None:
    """A current medication list, younger than every word of the drug, that leaves it out: it was stopped by then."""
    listed = patient.context("meds")
    if listed.truth is not Truth.T or any(fact.attributes.get("end_date") for fact in present):
        return None
    known = set(listed.evidence)
    lists = [fact for fact in patient.facts("doc_med_list") if fact.fact_id in known]
    day = max(told(fact) for fact in lists)
    last = max(told(fact) for fact in present)
    if last >= day:
        return None
    return _by_date(patient.index_date, (last, day), days, what, [*present, *lists])


def _is_open_ended(fact: Fact) -> bool:
    """A course that has a first day and no last one, and is no single dose."""
    return bool(
        fact.attributes.get("start_date")
        and time.ended(fact) is None
        and fact.attributes.get("indication") not in SINGLE
        and fact.attributes.get("route") not in ("im",)
    )


def _stopped(patient: Patient, fact: Fact, days: int, what: str) -> Answer:
    """A course with a last dose, or one that has only a start: it may have gone on, unless a later list leaves it out."""
    index = patient.index_date
    if not _is_open_ended(fact):
        return _by_date(index, _last_interval(fact) or held(fact), days, what, [fact])
    start = time.begun(fact) or held(fact)
    lists = [
        item
        for item in patient.facts(("doc_med_list", "doc_onc_full"))
        if told(item) > told(fact)
        or (  # begun long before the very note whose list leaves it out
            item.concept == "doc_med_list"
            and item.note_id == fact.note_id
            and item.attributes.get("reconciled") != "no"
            and (told(item) - start[1]).days > LONG_BEFORE
            and (fact.section or "") != "medications"
        )
    ]
    if lists:
        return time.say(Truth.F, f"{what} begun {time.span(start)} is on no later medication list.", [fact, lists[-1]])
    return _by_date(index, (start[0], index), days, what, [fact])


def _last_interval(fact: Fact) -> time.Interval | None:
    """When the last dose was: the stated end, else the date of the fact."""
    end = time.ended(fact)
    if end:
        return end
    event = time.past_event(fact)
    return time.end_of(event, fact.date_precision) if event else None


def _by_date(index: datetime.date, event: time.Interval, days: int, what: str, facts: list[Fact]) -> Answer:
    truth = time.within_days(event, index, days - 1)
    if event[0] > index:  # the course goes on at the index date, whatever its planned end
        return time.say(Truth.T, f"{what} goes on until {time.span(event)}, as planned.", facts, correctable=True)
    clear = event[1] + datetime.timedelta(days=days)
    return time.say(
        truth,
        f"{what} last taken {time.span(event)}, {days} days needed, clear on {time.day(clear)}.",
        facts,
        review=("R4",) if truth is Truth.U else (),
        clear_date=clear if truth is Truth.T else None,
        correctable=True if truth is Truth.T else None,
        missing=f"last dose of the {what.lower()}" if truth is Truth.U else "",
    )


def _physiologic(fact: Fact, replacement: bool) -> bool:
    """Replacement doses: up to 25 mg hydrocortisone or 5 mg prednisone a day; 30 mg with documented insufficiency."""
    entry = steroids().get((fact.value_text or "").lower())
    if entry is None or fact.value is None:
        return replacement and (fact.value_text or "").lower() in ("hydrocortisone", "cortisone")
    limit = entry.documented_replacement if replacement else entry.physiologic
    indicated = fact.attributes.get("indication") == "adrenal"
    return fact.value <= limit and (
        replacement or indicated or (fact.value_text or "").lower() in ("hydrocortisone", "cortisone")
    )


def _join_unnamed(by_name: dict[str, list[Fact]]) -> None:
    """"Steroids" in a note that names one is that one."""
    for unnamed in ("steroid", "steroids"):
        for fact in [fact for fact in by_name.get(unnamed, ()) if fact.assertion != "absent"]:
            named = {name for name, facts in by_name.items() if name not in ("steroid", "steroids") and any(f.note_id == fact.note_id for f in facts)}
            if len(named) == 1:
                by_name[named.pop()].append(fact)
                by_name[unnamed].remove(fact)
        if not by_name.get(unnamed, True):
            del by_name[unnamed]


@state("recent_steroid_or_immunosuppressant")
def recent_steroid_or_immunosuppressant(patient: Patient, settings: Settings) -> Answer:
    """E7.6: a systemic steroid or immunosuppressant less than 7 days ago; replacement doses are open (A-16)."""
    replacement = any(fact.assertion == "present" for fact in patient.facts(("adrenal_insufficiency", "hypophysitis")))
    answers = []
    steroid = medication(patient, "systemic_steroid")
    partner = [
        fact
        for fact in patient.facts(("prednisone", "prednisolone", "dexamethasone"), "therapy")
        if status(fact) == "ongoing"
    ]
    by_name: dict[str, list[Fact]] = {}
    for fact in steroid + partner:
        name = (fact.value_text if fact.family == "medication" else fact.concept) or "steroid"
        by_name.setdefault(name.lower(), []).append(fact)
    _join_unnamed(by_name)
    general_denial = [
        fact
        for fact in steroid
        if fact.assertion == "absent" and not fact.value_text and fact.attributes.get("indication") not in SINGLE
    ]
    general_denial += [
        fact
        for fact in by_name.get("steroid", []) + by_name.get("steroids", [])
        if fact.assertion == "absent" and fact.attributes.get("indication") not in SINGLE
    ]
    for name, facts in sorted(by_name.items()):
        answer = last_taken(
            patient,
            facts + [fact for fact in general_denial if fact not in facts],
            STEROID_DAYS,
            f"Systemic steroid ({name})",
        )
        current = [fact for fact in facts if fact.assertion == "present" and is_current(fact)]
        if answer.truth is Truth.T and current and _physiologic(written_last(current)[-1], replacement):
            answer = Answer(
                Truth.U,
                f"{answer.reason} The dose is a replacement dose.",
                answer.evidence,
                ("R6",),
                missing="indication of the steroid",
            )
        elif answer.truth is Truth.T and any(fact.attributes.get("indication") in SINGLE for fact in facts):
            answer = Answer(
                Truth.T, answer.reason, answer.evidence, ("R6",), clear_date=answer.clear_date, correctable=True
            )
        answers.append(answer)
    suppressants: dict[str, list[Fact]] = {}
    for fact in medication(patient, "immunosuppressant"):
        suppressants.setdefault(drug_name(fact), []).append(fact)
    for course in given(patient, "anticancer_immunosuppressant"):
        if course.ongoing:
            answers.append(time.say(Truth.T, f"Immunosuppressant ({course.drug}) is going on.", course.facts))
        elif course.last:
            answers.append(
                _by_date(
                    patient.index_date,
                    course.last,
                    STEROID_DAYS,
                    f"Immunosuppressant ({course.drug})",
                    list(course.facts),
                )
            )
    for name, facts in sorted(suppressants.items()):
        answer = last_taken(patient, facts, STEROID_DAYS, f"Immunosuppressant ({name})")
        if is_in(name, "immunomodulator_review") and answer.truth is Truth.T:
            answer = Answer(Truth.U, f"{answer.reason} For a person to weigh.", answer.evidence, ("R6",))
        answers.append(answer)
    denied = never_given(patient, "steroids")
    if not [answer for answer in answers if answer.asserted] and denied:
        return time.say(Truth.F, "No steroids, as stated.", denied)
    if not steroid and answers and all(answer.truth is Truth.F for answer in answers):
        # an immunosuppressant of the past says nothing of steroids: the absence policy decides
        evidence = tuple(item for answer in answers for item in answer.evidence)
        return Answer(Truth.F, answers[0].reason, evidence, asserted=False, missing="medication list")
    found = time.any_answer(answers, time.silent("systemic steroids or immunosuppressants", missing="medication list"))
    if (found.truth is Truth.T and found.correctable is None) or (found.truth is Truth.T and not found.correctable):
        return Answer(
            found.truth, found.reason, found.evidence, found.review, clear_date=found.clear_date, correctable=True
        )
    return found


def _given_within(patient: Patient, facts: list[Fact], days: int, what: str) -> Answer:
    """Up to ``days`` days before the index date, that day included; the day after is the clear date."""
    given_ = [
        fact
        for fact in facts
        if fact.assertion == "present"
        and status(fact) not in ("planned", "declined", "not_given")
        and fact.temporality != "future"
    ]
    answers = []
    for fact in given_:
        event = time.past_event(fact)
        if event is None:
            age = (patient.index_date - told(fact)).days
            if fact.temporality == "current" and status(fact) == "ongoing" and age <= days:
                answers.append(time.say(Truth.T, f"{what} is going on.", [fact], correctable=True))
            elif age > days or fact.temporality == "historical":
                answers.append(time.say(Truth.F, f"{what} was before the last {days} days.", [fact]))
            else:
                answers.append(
                    time.say(
                        Truth.U, f"{what} has no date.", [fact], review=("R4",), missing=f"date of the {what.lower()}"
                    )
                )
            continue
        event = time.end_of(event, fact.date_precision)
        truth = time.within_days(event, patient.index_date, days)
        clear = event[1] + datetime.timedelta(days=days + 1)
        answers.append(
            time.say(
                truth,
                f"{what} {time.span(event)}, clear on {time.day(clear)}.",
                [fact],
                clear_date=clear if truth is Truth.T else None,
                correctable=True,
                review=("R4",) if truth is Truth.U else (),
            )
        )
    if not answers and facts:
        return time.say(Truth.F, f"No {what.lower()}.", facts)
    return time.any_answer(answers, Answer(Truth.F, f"No {what.lower()} is written.", asserted=False))


@state("recent_platelet_transfusion")
def recent_platelet_transfusion(patient: Patient, settings: Settings) -> Answer:
    """I11.a: platelets transfused in the last 14 days; silence means none."""
    facts = [
        fact for fact in patient.facts("transfusion", "medication") if fact.value_text in ("platelets", "platelet")
    ]
    return _given_within(patient, facts, settings.window("transfusion_gcsf"), "Platelet transfusion")


@state("recent_gcsf")
def recent_gcsf(patient: Patient, settings: Settings) -> Answer:
    """I11.c: G-CSF in the last 14 days; silence means none; erythropoietin does not count."""
    facts = [
        fact
        for fact in patient.facts("growth_factor", "medication")
        if (fact.value_text or "") not in ("epoetin", "darbepoetin", "erythropoietin", "romiplostim", "eltrombopag")
    ]
    facts += patient.facts(("filgrastim", "pegfilgrastim", "lenograstim"), "therapy")
    return _given_within(patient, facts, settings.window("transfusion_gcsf"), "G-CSF")
