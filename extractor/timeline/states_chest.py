"""Lung and pleura (E4, E15)."""

from __future__ import annotations

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.states_medication import told
from extractor.truth import Answer, Truth


def _negative_is_fresh(patient: Patient, settings: Settings, facts: list[Fact]) -> bool:
    """Does a denial rest on a chest CT inside the window (or on a study of its own inside it)?"""
    if patient.context("chest_ct", settings).truth is Truth.T:
        return True
    days = settings.window("chest_ct")
    return any(
        ("radiol" in fact.note_type.lower() or fact.date_precision == "day")
        and time.is_fresh(fact, patient.index_date, days=days)
        for fact in facts
    )


@state("interstitial_lung_disease")
def interstitial_lung_disease(patient: Patient, settings: Settings) -> Answer:
    """E4: ILD, fibrosis or active pneumonitis, suspected on screening imaging included (R5); resolved pneumonitis is open."""
    ild, pneumonitis = (  # what was copied forward says nothing new
        [fact for fact in patient.facts(name, "condition") if not fact.copied_from] for name in ("ild", "pneumonitis")
    )
    present = [
        fact
        for fact in ild
        if fact.assertion == "present"
        and fact.attributes.get("status") != "resolved"
        and fact.attributes.get("certainty") != "indeterminate"
    ]
    absent = [fact for fact in ild + pneumonitis if fact.assertion == "absent"]
    newest_absent = max((time.last_day(fact) for fact in absent if fact.concept == "ild"), default=None)
    fresh_ct = patient.context("chest_ct", settings).truth is Truth.T
    resolved = [
        time.last_day(fact)
        for fact in pneumonitis
        if fact.assertion == "present" and fact.attributes.get("status") == "resolved"
    ]
    present = [  # an organising pneumonia is a pneumonitis: a later word of its resolution ends it
        fact
        for fact in present
        if not ("organi" in fact.text.lower() and resolved and max(resolved) > time.last_day(fact))
    ]
    if present:
        newest = max(time.last_day(fact) for fact in present)
        if newest_absent and newest_absent > newest:
            return time.say(
                Truth.U,
                "Interstitial disease is stated and later denied.",
                present + absent,
                review=("R1",),
                missing="chest CT",
            )
        return time.say(Truth.T, "Interstitial lung disease or pulmonary fibrosis.", present, correctable=False)
    active = [
        fact
        for fact in pneumonitis
        if fact.assertion == "present"
        and fact.temporality != "historical"
        and fact.attributes.get("status") not in ("resolved",)
    ]
    over = [fact for fact in pneumonitis if fact.assertion == "present" and fact not in active]
    if active and over and max(time.last_day(fact) for fact in over) > max(time.last_day(fact) for fact in active):
        active, over = [], over + active
    gone = [fact for fact in absent if fact.concept == "pneumonitis"]
    gone += [fact for fact in patient.facts("lung_cleared") if fact.assertion == "present"]
    if active and any(time.last_day(fact) > max(time.last_day(item) for item in active) for fact in gone):
        active, over = [], over + active
    cleared = [
        fact
        for fact in absent + [item for item in patient.facts("lung_cleared") if item.assertion == "present"]
        if over and time.last_day(fact) > max(time.last_day(item) for item in over)
    ]
    if active:
        old = [fact for fact in active if time.is_dated(fact) and (patient.index_date - time.last_day(fact)).days > 183]
        if len(old) == len(active):
            return time.say(
                Truth.U,
                "A pneumonitis of the past; its resolution is not settled.",
                active,
                review=("R6",),
                missing="chest CT",
            )
        return time.say(Truth.T, "Active pneumonitis.", active, correctable=True)
    suspected = [fact for fact in ild + pneumonitis if fact.assertion == "possible"]
    if suspected and not (absent and max(told(f) for f in absent) > max(told(f) for f in suspected)):
        fresh = [
            fact for fact in suspected if time.is_fresh(fact, patient.index_date, days=settings.window("chest_ct"))
        ]
        strong = [fact for fact in fresh if fact.concept == "ild" and fact.attributes.get("certainty") == "suspected"]
        if strong:
            return time.say(
                Truth.T,
                "Interstitial lung disease is suspected on screening imaging.",
                strong,
                review=("R5",),
                correctable=True,
            )
        return time.say(
            Truth.U, "Interstitial change is possible.", suspected, review=("R5",), missing="chest CT opinion"
        )
    if over:
        if fresh_ct and cleared:
            return time.say(Truth.F, "The pneumonitis has cleared on the chest CT.", cleared + over, review=("R6",))
        return time.say(
            Truth.U, "A pneumonitis that resolved.", over, review=("R6",), missing="chest CT that shows it cleared"
        )
    unclear = [
        fact
        for fact in patient.facts("lung_change_unclear")
        if fact.assertion in ("present", "possible")
        and time.is_fresh(fact, patient.index_date, days=settings.window("chest_ct"))
        and not any(no.concept == "ild" and time.last_day(no) > time.last_day(fact) for no in absent)
    ]
    if unclear:
        return time.say(
            Truth.U,
            "Change of the lung whose nature is not settled.",
            unclear,
            review=("R6",),
            missing="chest CT opinion",
        )
    if absent:
        if _negative_is_fresh(patient, settings, absent):
            return time.say(Truth.F, "No interstitial lung disease or pneumonitis.", absent[-3:])
        return time.say(
            Truth.U,
            "No interstitial lung disease on older imaging only.",
            absent[-3:],
            review=("R12",),
            provisional=Truth.F,
            missing="chest CT",
        )
    return time.silent("interstitial lung disease", missing="chest CT")


SMALL = frozenset({"trace", "small", "minimal"})


@state("significant_pleural_effusion")
def significant_pleural_effusion(patient: Patient, settings: Settings) -> Answer:
    """E15: large, symptomatic or drained again, without an indwelling catheter; moderate or unsized is open (R11)."""
    facts = [
        fact
        for fact in patient.facts("pleural_effusion", "condition")
        if fact.assertion != "hypothetical" and not (is_echo(fact) and "pleur" not in fact.text.lower())
    ]
    catheter = [fact for fact in patient.facts("catheter_pleural") if fact.assertion == "present"]
    catheter += [fact for fact in facts if fact.attributes.get("catheter") == "yes" and fact.assertion == "present"]
    removed = [fact for fact in patient.facts("catheter_pleural") if fact.assertion == "absent"]
    drains = [
        fact
        for fact in patient.facts("effusion_drained")
        if fact.assertion == "present" and (fact.value_text or "pleural") == "pleural"
    ]
    if catheter and not (removed and max(told(f) for f in removed) >= max(told(f) for f in catheter)):
        return time.say(Truth.F, "An indwelling pleural catheter is in place.", catheter)
    days = settings.window("chest_ct")
    current = [fact for fact in facts if fact.temporality != "historical" or time.is_dated(fact)]
    fresh = [fact for fact in current if time.is_fresh(fact, patient.index_date, days=days)]
    if not fresh:
        if not facts and not drains:
            return time.silent("pleural effusion", missing="chest CT")
        if drains and not facts:
            return time.say(
                Truth.U,
                "An effusion was drained; its present size is not written.",
                drains,
                review=("R11",),
                missing="chest CT",
            )
        newest = time.newest(facts)
        return time.say(
            Truth.U,
            "The pleura is described on older imaging only.",
            newest,
            review=("R12",),
            provisional=Truth.F if all(f.assertion == "absent" for f in newest) else None,
            missing="chest CT",
        )
    telling = [fact for fact in fresh if fact.attributes.get("size") or fact.assertion == "absent"]
    newest = time.newest(telling or fresh)
    sizes = {
        str(fact.attributes.get("size"))
        for fact in newest
        if fact.assertion == "present" and fact.attributes.get("size")
    }
    if all(fact.assertion == "absent" for fact in newest):
        return time.say(Truth.F, "No pleural effusion.", newest, review=("R11",) if drains else ())
    present = [fact for fact in newest if fact.assertion in ("present", "possible")]
    symptomatic = any(fact.attributes.get("symptomatic") == "yes" for fact in fresh)
    asymptomatic = any(fact.attributes.get("symptomatic") == "no" for fact in fresh)
    recent_drains = [fact for fact in drains if time.is_fresh(fact, patient.index_date, days=days)]
    events = {time.when(fact) for fact in recent_drains}
    if "significant" in sizes or "large" in sizes:
        return time.say(
            Truth.T,
            "A large or clinically significant pleural effusion without a catheter.",
            present + drains,
            review=("R11",),
            correctable=True,
        )
    if "moderate" in sizes and (symptomatic or recent_drains):
        return time.say(
            Truth.T,
            "A moderate pleural effusion with symptoms or drainage, no catheter.",
            present + drains,
            review=("R11",),
            correctable=True,
        )
    if len(events) > 1 and not sizes <= SMALL:
        return time.say(
            Truth.T,
            "A pleural effusion drained more than once, no catheter.",
            drains,
            review=("R11",),
            correctable=True,
        )
    if sizes and sizes <= SMALL:
        return time.say(
            Truth.F, f"Pleural effusion {', '.join(sorted(sizes))}.", present, review=("R11",) if drains else ()
        )
    if asymptomatic and not sizes:
        return time.say(
            Truth.U,
            "An effusion without a size, no symptoms.",
            present,
            review=("R11",),
            missing="size of the effusion",
        )
    return time.say(
        Truth.U,
        f"Pleural effusion, {', '.join(sorted(sizes)) or 'size not stated'}.",
        present,
        review=("R11",),
        missing="size and symptoms of the effusion",
    )


def is_echo(fact: Fact) -> bool:
    kind = fact.note_type.lower()
    return "echo" in kind or "cardio" in kind or fact.attributes.get("modality") in ("echo", "tte", "tee")
