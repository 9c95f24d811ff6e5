"""Infection, hepatitis, HIV, COVID-19 (E14, E18, E19, E21; logic of criteria 3.13)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.labs import latest_lab
from extractor.timeline.measure import from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import happened, held, is_current, told
from extractor.timeline.treatment import status
from extractor.truth import Answer, Truth

HBV_DNA_LIMIT = 2000.0  # IU/mL, the trial
HBV_ANTIVIRAL_DAYS = HCV_ANTIVIRAL_DAYS = 84  # 12 weeks, the trial
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


def _serology(patient: Patient, concept: str) -> list[Fact]:
    return [
        fact
        for fact in patient.facts(concept, "serology")
        if fact.assertion in ("present", "possible") and (fact.value_text or "") not in ("pending", "")
    ]


def _newest_test(patient: Patient, concept: str) -> Fact | None:
    facts = _serology(patient, concept)
    return time.newest(facts)[-1] if facts else None


def _stale(patient: Patient, settings: Settings, fact: Fact) -> bool:
    return time.within_days(held(fact), patient.index_date, settings.window("serology")) is Truth.F


def _is_label(fact: Fact) -> bool:
    """The name of a disease on a laboratory sheet is the label of a test, no diagnosis."""
    return (fact.section or "") in ("labs", "laboratory") or (
        "lab" in fact.note_type.lower() and not fact.attributes.get("status")
    )


def _load(patient: Patient, concept: str) -> tuple[Fact | None, str]:
    """Newest viral load and what it says: undetectable, value or empty."""
    facts = [
        fact
        for fact in patient.facts(concept, "lab")
        if fact.assertion in ("present", "absent") and (fact.value is not None or fact.value_text)
    ]
    if not facts:
        return None, ""
    fact = time.newest(facts)[-1]
    if fact.value_text in ("undetectable", "not detected", "negative", "tnd") or fact.assertion == "absent":
        return fact, "undetectable"
    if fact.value is not None:
        return fact, "value"
    return fact, "detectable" if fact.value_text in ("detectable", "positive", "detected") else ""


@state("active_hepatitis_b")
def active_hepatitis_b(patient: Patient, settings: Settings) -> Answer:
    """E18.HBV: by HBsAg, viral DNA, antivirals and transaminases; a negative test goes stale, a positive never does."""
    surface = _newest_test(patient, "hbsag")
    core = _newest_test(patient, "anti_hbc")
    immune = _newest_test(patient, "anti_hbs")
    dna, load = _load(patient, "hbv_dna")
    conditions = [
        fact
        for fact in patient.facts("hepatitis_b", "condition")
        if fact.assertion != "hypothetical" and not _is_label(fact)
    ]
    positives = [fact for fact in _serology(patient, "hbsag") if fact.value_text == "positive"]
    denied_near = [
        fact
        for fact in _serology(patient, "hbsag")
        if fact.value_text == "negative"
        and positives
        and abs((time.last_day(fact) - time.last_day(positives[-1])).days) <= 60
    ]
    if denied_near and dna is None:
        return time.say(
            Truth.U,
            "HBsAg is written as negative and as positive.",
            denied_near + positives,
            review=("R1",),
            missing="HBsAg",
        )
    if positives and (surface is None or surface.value_text == "positive"):
        return _carrier(patient, settings, positives[-1], dna, load)
    if surface is not None and surface.value_text == "negative":
        facts = [surface] + ([core] if core else [])
        if _stale(patient, settings, surface):
            return time.say(
                Truth.U,
                f"HBsAg negative {time.day(time.last_day(surface))}, out of its window.",
                facts,
                review=("R12",),
                provisional=Truth.F,
                missing="HBsAg of the last 28 days",
            )
        return time.say(
            Truth.F,
            "HBsAg negative.",
            facts,
            review=("R6",) if load == "value" and core is not None and core.value_text == "positive" else (),
        )
    pending = patient.facts(("hbsag", "anti_hbc"), "serology")
    denied = [fact for fact in conditions if fact.assertion == "absent"]
    present = [fact for fact in conditions if fact.assertion == "present"]
    if (core is not None and core.value_text == "positive") or present or dna is not None:
        if (
            load in ("value",)
            and dna is not None
            and from_value(dna.value, dna.value_high, dna.comparator).compare(">", HBV_DNA_LIMIT) is Truth.T
        ):
            return time.say(Truth.T, f"HBV DNA {dna.value:g} IU/mL.", [dna])
        if present and present[-1].attributes.get("status") == "active":
            return time.say(Truth.T, "Active hepatitis B.", present)
        return time.say(
            Truth.U,
            "Signs of hepatitis B without HBsAg.",
            ([core] if core else []) + present + ([dna] if dna else []),
            missing="HBsAg and HBV DNA",
        )
    if immune is not None and immune.value_text == "positive" and (core is None or core.value_text == "negative"):
        return time.say(Truth.F, "Immune by vaccination.", [immune])
    if denied or (core is not None and core.value_text == "negative"):
        facts = denied + ([core] if core else [])
        return time.say(
            Truth.U, "No hepatitis B by history; HBsAg is not written.", facts, missing="HBsAg", provisional=Truth.F
        )
    if pending:
        return time.say(Truth.U, "HBsAg has no result yet.", pending, missing="HBsAg")
    return time.silent("hepatitis B", missing="HBsAg")


def _carrier(patient: Patient, settings: Settings, surface: Fact, dna: Fact | None, load: str) -> Answer:
    """HBsAg positive: DNA at most 2000 IU/mL, no antiviral in 12 weeks and transaminases below 3 x ULN pass (A-12)."""
    antivirals = [
        fact
        for fact in patient.facts("antiviral_hbv", "medication")
        if fact.assertion == "present" and status(fact) not in ("planned", "declined", "not_given")
    ]
    on_drug = [
        fact
        for fact in antivirals
        if is_current(fact)
        or (
            time.is_dated(fact)
            and time.within_days(
                time.end_of(happened(fact), fact.date_precision), patient.index_date, HBV_ANTIVIRAL_DAYS
            )
            is not Truth.F
        )
    ]
    facts = [surface] + ([dna] if dna else [])
    if load == "value" and dna is not None:
        above = from_value(dna.value, dna.value_high, dna.comparator).compare(">", HBV_DNA_LIMIT)
        if above is Truth.T:
            return time.say(Truth.T, f"HBsAg positive, HBV DNA {dna.value:g} IU/mL above 2000.", facts)
    if on_drug:
        return time.say(Truth.T, "HBsAg positive on an antiviral.", facts + on_drug, review=("R6",), correctable=False)
    if dna is None or load in ("", "detectable"):
        return time.say(Truth.U, "HBsAg positive, HBV DNA not known.", facts, missing="HBV DNA")
    enzymes = [latest_lab(patient, name, settings) for name in ("ast", "alt")]
    truths = [item.compare_uln("<", 3) if item is not None else Truth.U for item in enzymes]
    evidence = tuple(e for item in enzymes if item is not None for e in item.evidence)
    told_ = (
        f"HBsAg positive, HBV DNA {'undetectable' if load == 'undetectable' else f'{dna.value:g} IU/mL'}, no antiviral"
    )
    if min(truths) is Truth.F:
        return Answer(Truth.T, f"{told_}, transaminases of 3 x ULN or more.", time.ids(facts) + evidence)
    if min(truths) is Truth.T:
        return Answer(Truth.F, f"{told_}, transaminases below 3 x ULN.", time.ids(facts) + evidence)
    return Answer(Truth.U, f"{told_}; AST or ALT is missing.", time.ids(facts) + evidence, missing="AST and ALT")


def _below_detection(rna: Fact | None) -> bool:
    """Written as below a limit of detection of at most 25 IU/mL."""
    return rna is not None and rna.comparator in ("<", "<=") and rna.value is not None and rna.value <= 25


@state("active_hepatitis_c")
def active_hepatitis_c(patient: Patient, settings: Settings) -> Answer:
    """E18.HCV: RNA below detection 12 weeks or more after antivirals passes; on them or sooner fails for now."""
    antibody = _newest_test(patient, "hcv_ab")
    rna, load = _load(patient, "hcv_rna")
    history = [
        fact
        for fact in patient.facts("hepatitis_c", "condition")
        if fact.assertion == "present" and not _is_label(fact)
    ]
    denied = [fact for fact in patient.facts("hepatitis_c", "condition") if fact.assertion == "absent"]
    positive = antibody is not None and antibody.value_text == "positive"
    drugs = [
        fact
        for fact in patient.facts("hcv_antiviral")
        if fact.assertion == "present" and status(fact) not in ("planned", "declined", "not_given")
    ]
    facts = ([antibody] if antibody else []) + ([rna] if rna else []) + history
    if load == "detectable" or (load == "value" and not _below_detection(rna)):
        return time.say(Truth.T, "HCV RNA is detectable.", [rna] if rna else [])
    below = load in ("undetectable", "value") or any(fact.attributes.get("rna") == "undetectable" for fact in history)
    cured = [fact for fact in history if fact.attributes.get("status") in ("resolved", "cured", "svr")]
    active = [fact for fact in history if fact.attributes.get("status") == "active"]
    if active and not below and not cured:
        return time.say(Truth.T, "Active hepatitis C.", active)
    if positive or history or below or drugs:
        if drugs:
            running = [fact for fact in drugs if is_current(fact) and not time.is_dated(fact)]
            dated = [time.end_of(happened(fact), fact.date_precision) for fact in drugs if time.is_dated(fact)]
            if dated:
                event = max(dated, key=lambda item: item[1])
                inside = time.within_days(event, patient.index_date, HCV_ANTIVIRAL_DAYS - 1)
                if inside is Truth.T:
                    clear = event[1] + datetime.timedelta(days=HCV_ANTIVIRAL_DAYS)
                    return time.say(
                        Truth.T,
                        f"HCV antivirals until {time.span(event)}, clear on {time.day(clear)}.",
                        facts + drugs,
                        clear_date=clear,
                    )
                if inside is Truth.U:
                    return time.say(
                        Truth.U,
                        "The end of the HCV antivirals decides.",
                        facts + drugs,
                        review=("R4",),
                        missing="last day of HCV antivirals",
                    )
            elif running and not cured:
                return time.say(Truth.T, "On HCV antivirals.", facts + drugs)
            elif not cured and below:
                return time.say(
                    Truth.U,
                    "The end of the HCV antivirals is not written.",
                    facts + drugs,
                    missing="last day of HCV antivirals",
                )
        if below or cured:
            return time.say(Truth.F, "HCV RNA below detection, off therapy.", facts)
        if antibody is not None and antibody.value_text == "negative":
            return time.say(Truth.F, "HCV antibody negative.", facts)
        return time.say(Truth.U, "Hepatitis C without RNA.", facts, missing="HCV RNA")
    if antibody is not None and antibody.value_text == "negative":
        if _stale(patient, settings, antibody):
            return time.say(
                Truth.U,
                f"HCV antibody negative {time.day(time.last_day(antibody))}, out of its window.",
                facts,
                review=("R12",),
                provisional=Truth.F,
                missing="HCV antibody of the last 28 days",
            )
        return time.say(Truth.F, "HCV antibody negative.", facts)
    if denied:
        return time.say(
            Truth.U,
            "No hepatitis C by history; the antibody is not written.",
            denied,
            missing="HCV antibody",
            provisional=Truth.F,
        )
    pending = patient.facts(("hcv_ab",), "serology")
    if pending:
        return time.say(Truth.U, "The HCV antibody has no result yet.", pending, missing="HCV antibody")
    return time.silent("hepatitis C", missing="HCV antibody")


@state("uncontrolled_hiv")
def uncontrolled_hiv(patient: Patient, settings: Settings) -> Answer:
    """E21: HIV, unless on treatment with an undetectable load of the last 6 months; a negative test of any date passes."""
    test = _newest_test(patient, "hiv_test")
    stated = [fact for fact in patient.facts("hiv", "condition") if fact.assertion in ("present", "absent")]
    present = [fact for fact in stated if fact.assertion == "present"]
    positive = present or (test is not None and test.value_text == "positive")
    if not positive:
        if test is not None and test.value_text == "negative":
            return time.say(Truth.F, "HIV test negative.", [test])
        absent = [fact for fact in stated if fact.assertion == "absent"]
        if absent:
            return time.say(Truth.F, "HIV is denied.", absent, review=("R5",))
        pending = patient.facts("hiv_test", "serology")
        if pending:
            return time.say(Truth.U, "The HIV test has no result yet.", pending, missing="HIV test")
        return time.silent("HIV", missing="HIV test")
    load, says = _load(patient, "hiv_rna")
    therapy = patient.facts("antiretroviral", "medication")
    on = [fact for fact in therapy if is_current(fact)]
    off = [
        fact for fact in therapy if fact.assertion == "absent" or status(fact) in ("declined", "not_given", "stopped")
    ]
    facts = present + ([test] if test else []) + ([load] if load else []) + on
    if says == "detectable" or (
        says == "value" and load is not None and not (load.comparator in ("<", "<=") or (load.value or 0) < 50)
    ):
        return time.say(Truth.T, "HIV viral load is detectable.", facts, correctable=True)
    if off and not on:
        return time.say(Truth.T, "HIV without treatment.", facts + off, review=("R6",), correctable=True)
    if says in ("undetectable", "value") and on and load is not None:
        months = settings.window("hiv_viral_load_months")
        if time.within_months(held(load), patient.index_date, months) is Truth.F:
            return time.say(
                Truth.U,
                f"The viral load is older than {months} months.",
                facts,
                review=("R12",),
                provisional=Truth.F,
                missing="HIV viral load",
            )
        return time.say(Truth.F, "HIV on treatment, viral load undetectable.", facts, review=("R6",))
    return time.say(
        Truth.U, "HIV; treatment or viral load is not known.", facts, missing="HIV viral load and treatment"
    )


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
