"""What the patient agreed to, stated or refused, and what only a person can attest.

Attestations (I8, I10, I13-I18, E1, E23, E24) are true on an explicit statement, false on an explicit refusal, else open.
"""

from __future__ import annotations

from collections.abc import Iterable

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.measure import from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth


def _attest(patient: Patient, concepts: Iterable[str], what: str, *, against: Iterable[Fact] = ()) -> Answer:
    """The newest statement wins; a refusal of the same day wins over an agreement."""
    facts = [fact for fact in patient.facts(tuple(concepts)) if fact.assertion in ("present", "absent")]
    refusals = [fact for fact in facts if fact.assertion == "absent"] + list(against)
    agreed = [fact for fact in facts if fact.assertion == "present"]
    if not facts and not refusals:
        return time.silent(what, missing=what)
    newest_no = max((fact.note_date or time.last_day(fact) for fact in refusals), default=None)
    newest_yes = max((fact.note_date or time.last_day(fact) for fact in agreed), default=None)
    if newest_no and newest_no == newest_yes and _taken_back(refusals, agreed):
        return time.say(
            Truth.U, f"Refused and then stated in one note: {what}.", refusals + agreed, review=("R1",), missing=what
        )
    if newest_no and (newest_yes is None or newest_no >= newest_yes):
        return time.say(Truth.F, f"Refused or denied: {what}.", refusals, correctable=True)
    return time.say(Truth.T, f"Stated: {what}.", agreed)


def _taken_back(refusals: list[Fact], agreed: list[Fact]) -> bool:
    """Does an agreement stand behind the last refusal of the newest note?"""
    newest = max(agreed, key=lambda fact: (fact.note_date or time.last_day(fact), fact.start))
    return all(
        fact.note_id == newest.note_id and fact.start < newest.start
        for fact in refusals
        if fact.note_date == newest.note_date
    )


def _refusals(patient: Patient, *kinds: str) -> list[Fact]:
    return [
        fact
        for fact in patient.facts("treatment_refusal", "administrative")
        if fact.assertion == "present" and (fact.value_text or "") in kinds
    ]


@state("life_expectancy_3_months")
def life_expectancy_3_months(patient: Patient, settings: Settings) -> Answer:
    """I8: stated life expectancy; hospice or comfort care alone fails it (R11)."""
    hospice = [
        fact for fact in patient.facts("hospice") if fact.assertion == "present" and fact.temporality != "future"
    ]
    stated = [fact for fact in patient.facts("life_expectancy", "administrative") if fact.value is not None]
    newest = time.newest(stated)
    if hospice and (not newest or time.last_day(hospice[-1]) >= time.last_day(newest[-1])):
        return time.say(Truth.F, "Hospice or comfort care only.", hospice, review=("R11",), correctable=True)
    if not newest:
        return time.silent("life expectancy", missing="life expectancy")
    fact = newest[-1]
    measure = from_value(fact.value, fact.value_high, fact.comparator, "mo")
    truth = measure.compare(">=", 3)
    return time.say(
        truth,
        f"Life expectancy {measure.text()} against 3 months.",
        newest,
        review=("R11",),
        correctable=True if truth is Truth.F else None,
    )


@state("biopsy_site_accessible")
def biopsy_site_accessible(patient: Patient, settings: Settings) -> Answer:
    """I10.site: a site for biopsies; only bone, or a bleeding question without an answer, is open."""
    facts = [fact for fact in patient.facts("biopsy_site") if fact.assertion != "hypothetical"]
    if not facts:
        return time.silent("a site for biopsy", missing="site accessible to biopsy")
    newest = time.newest(facts)
    unsure = [fact for fact in newest if fact.assertion == "possible" or fact.attributes.get("bone") == "yes"]
    no = [fact for fact in newest if fact.assertion == "absent"]
    yes = [fact for fact in newest if fact.assertion == "present" and fact not in unsure]
    if yes:
        return time.say(Truth.T, "A site is accessible to biopsy.", yes, review=("R5",))
    if no:
        return time.say(Truth.F, "No site is safely accessible to biopsy.", no, correctable=True)
    return time.say(Truth.U, "A site for biopsy is not settled.", unsure, missing="site accessible to biopsy")


@state("agrees_to_biopsies")
def agrees_to_biopsies(patient: Patient, settings: Settings) -> Answer:
    """I10.consent: agrees to serial biopsies and blood; refusing either fails."""
    return _attest(
        patient, ("biopsy_agreement",), "agreement to serial biopsies", against=_refusals(patient, "biopsy", "blood")
    )


@state("refuses_sampling")
def refuses_sampling(patient: Patient, settings: Settings) -> Answer:
    """E1: explicit refusal of tissue or blood sampling."""
    answer = agrees_to_biopsies(patient, settings)
    if not answer.asserted:
        return time.silent("refusal of biopsies or blood sampling", missing="agreement to serial biopsies")
    flipped = Truth(2 - answer.truth)
    return Answer(
        flipped, answer.reason, answer.evidence, answer.review, correctable=True if flipped is Truth.T else None
    )


@state("female_contraception")
def female_contraception(patient: Patient, settings: Settings) -> Answer:
    """I13.2: agreement to highly effective contraception; condoms alone are open."""
    return _contraception(patient)


@state("male_contraception")
def male_contraception(patient: Patient, settings: Settings) -> Answer:
    """I15: surgically sterile, abstinent, or agrees to highly effective contraception."""
    sterile = [fact for fact in patient.facts("vasectomy") if fact.assertion == "present"]
    sterile += [
        fact
        for fact in patient.facts("orchiectomy", "therapy")
        if fact.assertion == "present" and fact.attributes.get("side", "both") in ("both", "bilateral")
    ]
    if sterile:
        return time.say(Truth.T, "Surgically sterile.", sterile)
    return _contraception(patient)


#: methods of less than 1 % failures a year (the list of I13): hormones, coil, closure of the tubes, sterile partner,
#: true abstinence; condoms, caps and periodic abstinence are not
HIGHLY_EFFECTIVE = ("abstin", "iud", "intrauterine", "intra-uterin", "sterilet", "ius", "coil", "mirena", "vasectom",
                    "tubal", "implant", "nexplanon", "pill", "pilule", "oral contracep", "ocp", "hormon", "depo",
                    "injection", "patch", "ring", "hysterectomy")  # fmt: skip


def _contraception(patient: Patient) -> Answer:
    answer = _attest(patient, ("contraception_statement",), "highly effective contraception")
    if answer.asserted:
        return answer
    named = patient.facts("contraception", "administrative")
    refused = [fact for fact in named if fact.assertion == "absent"]
    good = [
        fact
        for fact in named
        if fact.assertion == "present" and any(word in (fact.value_text or "").lower() for word in HIGHLY_EFFECTIVE)
    ]
    if good:
        return time.say(Truth.T, "Highly effective contraception or abstinence is stated.", good)
    if refused:
        return time.say(Truth.F, "Contraception is refused.", refused, correctable=True)
    if named:
        return time.say(
            Truth.U,
            "The contraception that is named is not highly effective.",
            named,
            missing="highly effective contraception",
        )
    return answer


#: a wish or refusal of an older note was told before the screening and says nothing of it
SCREENING_DAYS = 120


def _renounced(patient: Patient, concept: str, what: str) -> Answer:
    """Renounced: T; wished for in a note of the screening: F; a wish before it (sperm banked before an earlier
    chemotherapy) says nothing."""
    facts = patient.facts(concept)
    if any(fact.assertion == "present" or not _before_screening(patient, fact) for fact in facts):
        return _attest(patient, (concept,), what)
    return time.silent(what, missing=what)


def _before_screening(patient: Patient, fact: Fact) -> bool:
    return (patient.index_date - (fact.note_date or time.last_day(fact))).days > SCREENING_DAYS


@state("no_ova_donation")
def no_ova_donation(patient: Patient, settings: Settings) -> Answer:
    return _renounced(patient, "ova_statement", "no donation of ova")


@state("no_sperm_donation")
def no_sperm_donation(patient: Patient, settings: Settings) -> Answer:
    return _renounced(patient, "sperm_statement", "no freezing or donation of sperm")


@state("informed_consent")
def informed_consent(patient: Patient, settings: Settings) -> Answer:
    """I17: a signed consent for this study; refusing the trial fails; consent to another study says nothing."""
    facts = [fact for fact in patient.facts("informed_consent", "administrative") if fact.assertion == "present"]
    own = [
        fact
        for fact in facts
        if any(
            word in str(fact.attributes.get("study", "")).lower() for word in ("nct07016230", "unlock", "tarlatamab")
        )
    ]
    signed = [fact for fact in own if fact.value_text == "positive"]
    refused = [
        fact for fact in facts if fact.value_text == "negative" and (fact in own or not fact.attributes.get("study"))
    ]
    refused += _refusals(patient, "trial")
    refused = [fact for fact in refused if fact in own or not _before_screening(patient, fact)]
    refused += [fact for fact in _refusals(patient, "biopsy", "blood") if fact.attributes.get("study")]
    if refused and not (signed and time.last_day(signed[-1]) > time.last_day(refused[-1])):
        return time.say(Truth.F, "The patient declined to take part.", refused, correctable=True)
    if signed:
        return time.say(Truth.T, "Consent to this study is signed.", signed)
    if facts:
        return time.say(Truth.U, "A consent is mentioned, not of this study.", facts, missing="informed consent")
    return time.silent("consent to this study", missing="informed consent")


@state("social_security")
def social_security(patient: Patient, settings: Settings) -> Answer:
    """I18: affiliated to a social security system; "uninsured" is a hint alone and stays open."""
    answer = _attest(patient, ("social_security",), "social security")
    if answer.asserted and answer.truth is Truth.F:
        return Answer(Truth.U, "No insurance is stated.", answer.evidence, ("R11",), missing="social security")
    return answer


@state("compliance_barrier")
def compliance_barrier(patient: Patient, settings: Settings) -> Answer:
    """E23: hints of a barrier are open for a person to judge."""
    facts = [fact for fact in patient.facts("compliance_barrier") if fact.assertion in ("present", "absent")]
    present = [fact for fact in facts if fact.assertion == "present"]
    if present:
        return time.say(Truth.U, "A barrier to compliance may exist.", present, review=("R11",), missing="compliance")
    if facts:
        return time.say(Truth.F, "No barrier to compliance, as stated.", facts)
    return time.silent("barriers to compliance")


@state("guardianship_or_incapacity")
def guardianship_or_incapacity(patient: Patient, settings: Settings) -> Answer:
    """E24: guardianship, deprived of liberty, or unable to consent (R11)."""
    facts = patient.facts("guardianship", "administrative") + patient.facts("incapacity")
    stated = [fact for fact in facts if fact.assertion == "present" and fact.temporality != "historical"]
    present = [fact for fact in stated if fact.attributes.get("status") != "ended"]
    if present:
        return time.say(Truth.T, "Guardianship, custody or incapacity.", present, review=("R11",))
    if stated:
        return time.say(Truth.F, "A custody that has ended.", stated, review=("R11",))
    absent = [fact for fact in facts if fact.assertion == "absent"]
    if absent:
        return time.say(Truth.F, "Capacity is intact, as stated.", absent)
    maybe = [fact for fact in facts if fact.assertion == "possible"]
    if maybe:
        return time.say(Truth.U, "Capacity to consent is in doubt.", maybe, review=("R5", "R11"))
    return time.silent("guardianship or incapacity")


@state("uncontrolled_disease")
def uncontrolled_disease(patient: Patient, settings: Settings) -> Answer:
    """E13: hints are open for the investigator (R11); a stated opinion decides; stable psychiatric illness passes."""
    opinion = [fact for fact in patient.facts("investigator_unsuitable") if fact.assertion in ("present", "absent")]
    unsuitable = [fact for fact in opinion if fact.assertion == "present"]
    if unsuitable:
        return time.say(
            Truth.T, "The investigator calls the patient unsuitable.", unsuitable, review=("R11",), correctable=True
        )
    hints = [
        fact
        for fact in patient.facts("uncontrolled_disease")
        if fact.assertion == "present" and fact.temporality != "historical"
    ]
    hints += [
        fact
        for fact in patient.facts(("bleeding_diathesis",), "condition")
        if fact.assertion == "present" and fact.attributes.get("status") != "resolved"
    ]
    hints += [
        fact
        for fact in patient.facts("substance_use", "condition")
        if fact.assertion == "present"
        and fact.attributes.get("status") not in ("resolved", "remission")
        and fact.temporality == "current"
    ]
    if hints:
        return time.say(
            Truth.U,
            "A hint of uncontrolled disease or substance use.",
            hints,
            review=("R11",),
            missing="investigator's opinion",
        )
    stable = [fact for fact in patient.facts(("psychiatric_disorder",), "condition") if fact.assertion == "present"]
    if stable:
        return time.say(Truth.F, "Psychiatric illness without a sign that it is uncontrolled.", stable, review=("R11",))
    return time.silent("uncontrolled systemic disease")
