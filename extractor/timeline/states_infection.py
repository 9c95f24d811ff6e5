"""Infection and COVID-19 (E14, E19)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import held, is_current, told
from extractor.timeline.treatment import status
from extractor.truth import Answer, Truth

FEVER = 38.0


@state("recent_infection")
def recent_infection(patient: Patient, settings: Settings) -> Answer:
    """E14: infection in the last 7 days; still treated fails, "improving" is open, "resolved" passes."""
    days = settings.window("infection")
    index = patient.index_date
    answers: list[Answer] = []
    facts = [fact for fact in patient.facts("active_infection", "condition") if fact.assertion != "hypothetical"]
    resolved_after: dict[str, datetime.date] = {}
    for fact in facts:
        if fact.attributes.get("status") == "resolved" or fact.assertion == "absent":
            key = fact.value_text or ""
            resolved_after[key] = max(resolved_after.get(key, datetime.date.min), told(fact))
    for fact in facts:
        if fact.assertion == "absent" or fact.attributes.get("status") in ("colonised", "colonized"):
            answers.append(time.say(Truth.F, "No infection, as stated.", [fact]))
            continue
        if fact.attributes.get("status") == "resolved" or fact.temporality == "historical":
            answers.append(time.say(Truth.F, "The infection has resolved.", [fact]))
            continue
        if fact.copied_from:
            continue
        event = held(fact)
        later = resolved_after.get(fact.value_text or "")
        inside = time.within_days(event, index, days)
        clear = event[1] + datetime.timedelta(days=days + 1)
        if later is not None and later >= told(fact):
            continue
        ongoing = (
            fact.temporality == "current"
            and (index - told(fact)).days <= 21
            and fact.attributes.get("treated") in (True, "yes")
        )
        if inside is Truth.T or ongoing:
            improving = fact.attributes.get("status") == "improving"
            truth = Truth.U if fact.assertion == "possible" or improving else Truth.T
            answers.append(
                time.say(
                    truth,
                    f"Infection ({fact.value_text or 'unnamed'}) {time.span(event)}"
                    f"{', improving' if improving else ''}, 7 days needed.",
                    [fact],
                    review=("R5",) if fact.assertion == "possible" else (),
                    clear_date=clear if truth is Truth.T else None,
                    missing="is the infection resolved",
                )
            )
        elif inside is Truth.U:
            answers.append(
                time.say(
                    Truth.U, f"Infection {time.span(event)}.", [fact], review=("R4",), missing="date of the infection"
                )
            )
        elif (over := _treated_until(patient, fact)) is not None and (index - over[1]).days > days:
            answers.append(time.say(Truth.F, f"Infection treated until {time.span(over)}.", [fact]))
        elif well := _well_without_antibiotics(patient, fact, days):
            answers.append(time.say(Truth.F, f"Infection {time.span(event)}; no fever and no antibiotics now.", [fact, *well]))
        elif (index - told(fact)).days <= 28 and fact.assertion == "present":
            answers.append(
                time.say(
                    Truth.U,
                    f"Infection {time.span(event)}; its end is not written.",
                    [fact],
                    missing="is the infection resolved",
                )
            )
        else:
            answers.append(time.say(Truth.F, f"Infection {time.span(event)}, more than 7 days ago.", [fact]))
    for fact in patient.facts("infection_signs"):
        if fact.copied_from or not time.is_fresh(fact, index, days=days):
            continue
        if fact.assertion == "absent":
            answers.append(time.say(Truth.F, "No fever or signs of infection.", [fact]))
        elif fact.assertion == "present":
            answers.append(
                time.say(Truth.U, "Signs of infection without a diagnosis.", [fact], missing="cause of the fever")
            )
    for fact in patient.facts("temperature", "vital"):
        if fact.value is not None and time.is_fresh(fact, index, days=days):
            if fact.value >= FEVER:
                clear = time.last_day(fact) + datetime.timedelta(days=days + 1)
                answers.append(time.say(Truth.T, f"Temperature {fact.value:g} Cel.", [fact], clear_date=clear))
            else:
                answers.append(time.say(Truth.F, f"Temperature {fact.value:g} Cel.", [fact]))
    for fact in patient.facts("antibiotic", "medication"):
        if (
            fact.attributes.get("prophylaxis") == "yes"
            or fact.attributes.get("indication") == "prophylaxis"
            or fact.assertion != "present"
            or fact.copied_from
        ):
            continue
        event = held(fact)
        stopped = _antibiotics_over(patient, fact)
        if stopped is not None and (index - stopped).days > days:
            answers.append(time.say(Truth.F, f"Antibiotics until {time.day(stopped)}.", [fact]))
            continue
        if (
            is_current(fact)
            and status(fact) not in ("completed",)
            and time.within_days((told(fact), told(fact)), index, 14) is not Truth.F
            and not resolved_after
        ):
            inside = (
                Truth.T
                if not time.is_dated(fact) or status(fact) == "ongoing"
                else time.within_days(event, index, days)
            )
            if inside is not Truth.F:
                intravenous = fact.attributes.get("route") in ("iv",)
                answers.append(
                    time.say(
                        Truth.T if intravenous else Truth.U,
                        f"On an antibiotic ({fact.value_text or 'unnamed'}).",
                        [fact],
                        missing="why the antibiotic is given",
                    )
                )
    return time.any_answer(answers, time.silent("infection", missing="examination in the week before treatment"))


def _well_without_antibiotics(patient: Patient, infection: Fact, days: int) -> list[Fact]:
    """Inside the window: no signs of infection, and antibiotics denied in the same note, both told after the infection."""
    after = time.last_day(infection)
    well = [
        fact
        for fact in patient.facts("infection_signs")
        if fact.assertion == "absent"
        and not fact.copied_from
        and time.last_day(fact) > after
        and time.is_fresh(fact, patient.index_date, days=days)
    ]
    drugs = [fact for fact in patient.facts("antibiotic", "medication") if fact.attributes.get("prophylaxis") != "yes"]
    off = [
        fact
        for fact in drugs
        if fact.value_text is None and fact.assertion == "absent" and any(fact.note_id == item.note_id for item in well)
    ]
    if well and not off:  # every course has an end, outside the window
        given = [fact for fact in drugs if fact.assertion == "present"]
        ends = [time.ended(fact) for fact in given if (time.ended(fact) or is_current(fact))]
        if ends and all(end is not None and (patient.index_date - end[1]).days > days for end in ends):
            off = given
    return [*well, *off] if off else []


def _antibiotics_over(patient: Patient, drug: Fact) -> datetime.date | None:
    """The day on which "antibiotics were stopped", told without a name, in the note of a named one or later."""
    days = [
        over[1] if (over := time.ended(fact)) else told(fact)
        for fact in patient.facts("antibiotic", "medication")
        if fact.value_text is None
        and told(fact) >= told(drug)
        and (fact.assertion == "absent" or (time.ended(fact) is not None and not is_current(fact)))
    ]
    return min(days, default=None)


def _treated_until(patient: Patient, infection: Fact) -> time.Interval | None:
    """End of the antibiotic course that the same note tells of, None where one goes on or none has an end."""
    courses = [
        fact
        for fact in patient.facts("antibiotic", "medication")
        if fact.note_id == infection.note_id
        and fact.assertion == "present"
        and fact.attributes.get("prophylaxis") != "yes"
        and abs(fact.start - infection.start) <= 150
    ]
    ends = [time.ended(fact) for fact in courses]
    known = [end for end in ends if end is not None]
    return max(known, key=lambda end: end[1]) if known and len(known) == len(ends) else None


@state("recent_covid")
def recent_covid(patient: Patient, settings: Settings) -> Answer:
    """E19: acute symptoms in the last 14 days, or a positive test in that time without symptoms (A-19)."""
    days = settings.window("covid")
    index = patient.index_date
    answers = []
    symptoms = [
        fact for fact in patient.facts("covid_symptoms") if fact.assertion == "present" and fact.temporality != "future"
    ]
    tests = [
        fact for fact in patient.facts("sars_cov_2_test", "serology") if fact.value_text in ("positive", "negative")
    ]
    illness = [fact for fact in patient.facts("covid19", "condition") if fact.assertion in ("present", "possible")]
    positive = [fact for fact in tests if fact.value_text == "positive"]

    def by_date(fact: Fact, what: str, base: datetime.timedelta = datetime.timedelta(days=days + 1)) -> Answer:
        event = time.past_event(fact)
        if event is None and fact.family == "serology" and fact.note_date and "lab" in fact.note_type.lower():
            event = fact.note_date, fact.note_date  # a sheet of results is as old as its day
        if event is None:
            old = (index - told(fact)).days > days
            if old or (fact.temporality == "historical" and fact.attributes.get("status") == "resolved"):
                return time.say(Truth.F, f"{what} more than 14 days ago.", [fact], review=("R5",))
            return time.say(
                Truth.U, f"{what} has no date.", [fact], review=("R4",), missing="date of the COVID symptoms or test"
            )
        inside = time.within_days(event, index, days)
        return time.say(
            inside,
            f"{what} {time.span(event)}, 14 days.",
            [fact],
            review=("R4",) if inside is Truth.U else (),
            clear_date=event[1] + base if inside is Truth.T else None,
        )

    answers += [by_date(fact, "COVID symptoms") for fact in symptoms]
    if not symptoms:
        answers += [by_date(fact, "Positive SARS-CoV-2 test") for fact in positive]
    if not answers:
        answers += [
            by_date(fact, "COVID-19")
            for fact in illness
            if not (fact.attributes.get("status") == "resolved" and not time.is_dated(fact))
        ]
    if not answers and (tests or illness):
        return time.say(Truth.F, "No acute COVID-19.", tests + illness)
    return time.any_answer(answers, time.silent("COVID-19"))
