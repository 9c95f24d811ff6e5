"""Anticoagulants and the coagulation that they allow (I11.i)."""

from __future__ import annotations

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import is_in
from extractor.timeline.labs import latest_lab
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import DISCONTINUED, is_current, medication, told, written_last
from extractor.timeline.treatment import status
from extractor.truth import Answer, Truth


def _current(patient: Patient, class_name: str, what: str) -> Answer:
    facts = [fact for fact in medication(patient, "anticoagulant")]
    mine = [fact for fact in facts if is_in(fact, class_name)]
    if not mine:
        denied = [fact for fact in facts if fact.assertion == "absent"]
        if denied:
            return time.say(Truth.F, f"No {what}, as stated.", denied)
        if facts:
            return time.say(Truth.F, f"No {what} among the anticoagulants.", facts)
        return time.silent(what, missing="medication list")
    newest = written_last([fact for fact in mine if not fact.copied_from] or mine)
    stopped = [fact for fact in newest if _is_stopped(fact)]
    if stopped:
        return time.say(Truth.F, f"The {what} was stopped or held.", stopped)
    on = [fact for fact in newest if is_current(fact) or _is_named_now(fact)]
    if not on:
        return time.say(Truth.F, f"The {what} is of the past.", newest)
    ended = [fact for fact in mine if fact.assertion == "absent" or fact.attributes.get("end_date")]
    if ended and not any(status(fact) == "ongoing" for fact in newest):
        return time.say(Truth.F, f"The {what} was stopped.", ended)
    later_stop = [
        fact for fact in mine if _is_stopped(fact) and time.is_dated(fact) and time.last_day(fact) >= told(newest[-1])
    ]
    if later_stop:
        return time.say(Truth.F, f"The {what} was stopped.", later_stop)
    return time.say(Truth.T, f"On a {what}.", on)


def _is_stopped(fact: Fact) -> bool:
    return (
        fact.assertion == "absent"
        or status(fact) in ("held", "not_given", "declined", *DISCONTINUED)
        or bool(fact.attributes.get("end_date"))
    )


def _is_named_now(fact: Fact) -> bool:
    """A lasting drug that the note names without an end and without a past of its own."""
    return (
        fact.assertion == "present"
        and fact.temporality == "current"
        and status(fact) == "received"
        and not time.is_dated(fact)
    )


@state("vka_current")
def vka_current(patient: Patient, settings: Settings) -> Answer:
    return _current(patient, "vitamin_k_antagonist", "vitamin K antagonist")


@state("other_anticoagulant_current")
def other_anticoagulant_current(patient: Patient, settings: Settings) -> Answer:
    return _current(patient, "other_anticoagulant", "other anticoagulant")


@state("inr_in_therapeutic_range")
def inr_in_therapeutic_range(patient: Patient, settings: Settings) -> Answer:
    """On a coumarin: INR 2 to 3 or the stated target; above fails; below but within 1.5 x ULN is open (R6, R11)."""
    inr = latest_lab(patient, "inr", settings)
    if inr is None:
        return time.silent("the INR", missing="INR")
    targets = [
        (fact.value, fact.value_high or fact.value) for fact in patient.facts("inr_target") if fact.value is not None
    ]
    low, high = targets[-1] if targets else (2.0, 3.0)
    told_ = f"INR {inr.text()} against the target {low:g} to {high:g}."
    below, above = inr.compare("<", low), inr.compare(">", high)
    if above is Truth.T:
        truth: Truth = Truth.F
    elif below is Truth.T:
        truth = Truth.F if inr.compare_uln("<=", 1.5) is Truth.F else Truth.U
    else:
        truth = Truth.T if below is Truth.F and above is Truth.F else Truth.U
    review = ("R11",) if truth is not Truth.U else ("R6", "R11")
    if inr.stale:
        return Answer(Truth.U, f"{told_} Out of the window.", inr.evidence, ("R12",), provisional=truth, missing="INR")
    return Answer(truth, told_, inr.evidence, review, correctable=True if truth is Truth.F else None)


@state("coagulation_adequate")
def coagulation_adequate(patient: Patient, settings: Settings) -> Answer:
    """I11.i: (PT or INR) and aPTT at most 1.5 x ULN; on a coumarin the INR alone, in its range (A-9)."""
    inr, pt, aptt = (latest_lab(patient, name, settings) for name in ("inr", "pt", "aptt"))
    if inr is None and pt is None and aptt is None:
        normal = [
            fact
            for fact in patient.facts("labs_normal")
            if fact.value_text == "coagulation"
            and time.is_fresh(fact, patient.index_date, days=settings.window("labs_i11"))
        ]
        if normal:
            return time.say(Truth.T, "Coagulation is called normal.", normal, review=("R9",))
        return time.silent("coagulation", missing="INR (or PT) and aPTT")
    vka, other = vka_current(patient, settings), other_anticoagulant_current(patient, settings)
    if vka.truth is Truth.T and inr is not None:
        return inr_in_therapeutic_range(patient, settings)
    pair = [
        (label, item, item.compare_uln("<=", 1.5)) for label, item in (("INR", inr), ("PT", pt)) if item is not None
    ]
    first = max((truth for _, _, truth in pair), default=Truth.U)
    second = aptt.compare_uln("<=", 1.5) if aptt is not None else Truth.U
    truth = min(first, second)
    review: set[str] = set()
    if len({item for _, _, item in pair}) > 1 and truth is Truth.T:
        review.add("R2")
    parts = [f"{label} {item.text()}" for label, item, _ in pair] + ([f"aPTT {aptt.text()}"] if aptt else [])
    reason = f"{', '.join(parts)} against 1.5 x ULN."
    evidence = tuple(e for _, item, _ in pair for e in item.evidence) + (aptt.evidence if aptt else ())
    used = [item for _, item, _ in pair] + ([aptt] if aptt else [])
    if truth is Truth.U and any(item.uln_default for item in used):
        review.add("R3")
    if truth is Truth.F and other.truth is Truth.T:
        truth, review = Truth.U, review | {"R6"}
        reason += " On an anticoagulant that has no therapeutic INR range."
    lacking = ([] if pair else ["INR or PT"]) + ([] if aptt else ["aPTT"])
    stale = any(item.stale for item in used)
    if stale and truth is not Truth.U:
        return Answer(
            Truth.U,
            f"{reason} Out of the window.",
            evidence,
            ("R12",),
            provisional=truth,
            missing="INR (or PT) and aPTT",
        )
    return Answer(
        truth,
        reason,
        evidence,
        tuple(sorted(review)),
        correctable=True if truth is Truth.F else None,
        missing=", ".join(lacking) or "INR and aPTT" if truth is Truth.U else "",
    )
