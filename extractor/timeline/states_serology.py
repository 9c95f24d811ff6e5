"""Hepatitis B and C, HIV (E18, E21; logic of criteria 3.13)."""

from __future__ import annotations

import datetime

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.labs import latest_lab
from extractor.timeline.measure import from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import happened, held, is_current
from extractor.timeline.treatment import status
from extractor.truth import Answer, Truth

HBV_DNA_LIMIT = 2000.0  # IU/mL, the trial
HBV_ANTIVIRAL_DAYS = HCV_ANTIVIRAL_DAYS = 84  # 12 weeks, the trial


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


def _negative(
    patient: Patient, settings: Settings, name: str, test: Fact, facts: list[Fact], review: tuple[str, ...] = ()
) -> Answer:
    """A negative test: no infection inside its window, open beyond it."""
    if _stale(patient, settings, test):
        return time.say(
            Truth.U,
            f"{name} negative {time.day(time.last_day(test))}, out of its window.",
            facts,
            review=("R12",),
            provisional=Truth.F,
            missing=f"{name} of the last 28 days",
        )
    return time.say(Truth.F, f"{name} negative.", facts, review=review)


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
        review = ("R6",) if load == "value" and core is not None and core.value_text == "positive" else ()
        return _negative(patient, settings, "HBsAg", surface, facts, review)
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
        return _negative(patient, settings, "HCV antibody", antibody, facts)
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
