"""Age and sex of the patient, childbearing potential and pregnancy."""

from __future__ import annotations

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.patient import Patient
from extractor.timeline.registry import derived, state
from extractor.timeline.settings import Settings
from extractor.truth import Answer, Truth

#: a woman of this age without a statement is presumed not to bear children (judgement of the specification, I13)
ADULT_YEARS = 18
PRESUMED_POSTMENOPAUSAL = 60


def age(patient: Patient) -> Measure | None:
    """Age in years at the index date: birthday first, else the newest stated age plus the years since its note."""
    births = [fact for fact in patient.facts("age", "demographic") if fact.attributes.get("birth_date")]
    index = patient.index_date
    if births:
        import datetime

        born = datetime.date.fromisoformat(str(births[-1].attributes["birth_date"])[:10])
        years = index.year - born.year - ((index.month, index.day) < (born.month, born.day))
        adult = time.months_before(born, -12 * ADULT_YEARS)
        return Measure(years, years, unit="a", evidence=(births[-1].fact_id,), name="age", notes={"clear_date": adult})
    stated = [
        fact
        for fact in patient.facts("age", "demographic")
        if fact.value is not None
        and fact.attributes.get("at") not in ("diagnosis", "event")
        and fact.assertion == "present"
    ]
    if not stated:
        return _from_diagnosis(patient)
    newest = max(stated, key=lambda fact: (fact.note_date or index, fact.fact_id))
    low = from_value(newest.value, newest.value_high, newest.comparator, "a")
    years = max(0, index.year - newest.note_date.year) if newest.note_date else 0
    passed = (index - newest.note_date).days / 365.25 if newest.note_date else 0.0
    more = int(passed)
    high = low.high + (more if passed == more else min(more + 1, years))
    if passed < 0.5:
        high = low.high
    return Measure(
        low.low + more,
        max(high, low.low + more),
        low.low_open,
        low.high_open,
        "a",
        evidence=(newest.fact_id,),
        name="age",
    )


def _from_diagnosis(patient: Patient) -> Measure | None:
    """Age now from an age at the diagnosis whose date is written: a year more or less."""
    dated = [fact for fact in patient.facts("age_then") if time.is_dated(fact)]
    if not dated or dated[-1].value is None:
        return None
    then, (first, last) = int(dated[-1].value), time.known(dated[-1])
    low, high = (then + patient.index_date.year - year for year in (last.year, first.year))
    return Measure(low - 1, high + 1, unit="a", evidence=(dated[-1].fact_id,), name="age", review=("R4",))


def sex(patient: Patient) -> str | None:
    """The sex that most notes give; None where two are given equally often or none is."""
    votes: dict[str, set[str]] = {"male": set(), "female": set()}
    for fact in patient.facts("sex", "demographic"):
        if fact.value_text in votes and fact.assertion == "present":
            votes[fact.value_text].add(fact.note_id)
    if not any(votes.values()):
        return _sex_of_organs(patient)
    male, female = len(votes["male"]), len(votes["female"])
    if male == female:
        return None
    return "male" if male > female else "female"


FEMALE_ORGANS = ("cervix", "endometrium", "uterus", "ovary", "vagina", "vulva")


def _sex_of_organs(patient: Patient) -> str | None:
    """Where no note says it: an organ that only one sex has."""
    male = [fact for fact in patient.facts(("vasectomy", "orchiectomy", "nepc")) if fact.assertion == "present"]
    male += [
        fact
        for fact in patient.facts(family="histology")
        if str(fact.attributes.get("primary_site")) == "prostate" and fact.assertion == "present"
    ]
    female = [
        fact
        for fact in patient.facts("childbearing")
        if fact.assertion == "present"
        and fact.value_text in ("hysterectomy", "oophorectomy", "tubal", "postmenopausal", "yes")
    ]
    female += [
        fact
        for fact in patient.facts(family="histology")
        if str(fact.attributes.get("primary_site")) in FEMALE_ORGANS and fact.assertion == "present"
    ]
    female += [fact for fact in patient.facts("pregnancy", "condition") if fact.assertion == "present"]
    if bool(male) == bool(female):
        return None
    return "male" if male else "female"


derived("age")(lambda patient, settings: patient.age)


def _sex(patient: Patient, wanted: str) -> Answer:
    found = patient.sex
    if found is None:
        return time.silent("the sex", missing="sex")
    return time.say(Truth.T if found == wanted else Truth.F, f"Sex: {found}.", patient.facts("sex", "demographic")[-1:])


@state("is_female")
def is_female(patient: Patient, settings: Settings) -> Answer:
    return _sex(patient, "female")


@state("is_male")
def is_male(patient: Patient, settings: Settings) -> Answer:
    return _sex(patient, "male")


@state("childbearing_potential")
def childbearing_potential(patient: Patient, settings: Settings) -> Answer:
    """I13 applies: no where postmenopausal or sterile; a woman of 60 or more is presumed so (R7); a man: no."""
    if patient.sex == "male":
        return time.say(Truth.F, "The patient is a man.", patient.facts("sex", "demographic")[-1:])
    facts = patient.facts("childbearing")
    sterile = [
        fact
        for fact in facts
        if fact.assertion == "present"
        and fact.value_text in ("postmenopausal", "hysterectomy", "oophorectomy", "tubal")
    ]
    able = [fact for fact in facts if fact.assertion == "present" and fact.value_text == "yes"]
    able += [fact for fact in _tests(patient) if fact.value_text == "positive"]  # who is with child can be
    denied = [fact for fact in facts if fact.assertion == "absent" and fact.value_text == "yes"]
    if sterile or denied:
        told = ", ".join(sorted({fact.value_text or "" for fact in sterile})) or "stated"
        return time.say(Truth.F, f"Not of childbearing potential: {told}.", sterile + denied)
    if able:
        return time.say(Truth.T, "Of childbearing potential, as stated.", able)
    years = patient.age
    if years is not None and years.low >= PRESUMED_POSTMENOPAUSAL:
        return Answer(
            Truth.F,
            f"{years.text()} years: presumed not of childbearing potential.",
            years.evidence,
            ("R7",),
            presumed=True,
        )
    return time.silent("childbearing potential", missing="childbearing potential")


def _tests(patient: Patient) -> list[Fact]:
    return [
        fact
        for fact in patient.facts("pregnancy_test", "serology")
        if fact.value_text in ("positive", "negative") and fact.assertion == "present"
    ]


@state("serum_pregnancy_test_negative")
def serum_pregnancy_test_negative(patient: Patient, settings: Settings) -> Answer:
    """I13.1: a negative serum test in the screening window; urine alone is open."""
    days = settings.window("pregnancy_test")
    tests = _tests(patient)
    if not tests:
        return time.silent("a pregnancy test", missing="serum pregnancy test")
    fresh = [fact for fact in tests if time.is_fresh(fact, patient.index_date, days=days)]
    positive = [fact for fact in fresh if fact.value_text == "positive"]
    serum = [
        fact
        for fact in fresh
        if fact.value_text == "negative" and fact.attributes.get("specimen") in ("serum", "blood")
    ]
    if positive:
        return time.say(Truth.F, "The pregnancy test is positive.", positive, correctable=True)
    if serum:
        return time.say(Truth.T, f"Serum pregnancy test negative {time.day(time.last_day(serum[-1]))}.", serum)
    if fresh:
        return time.say(
            Truth.U, "The negative test is not stated to be of serum.", fresh, missing="serum pregnancy test"
        )
    provisional = Truth.T if tests[-1].value_text == "negative" else Truth.F
    return time.say(
        Truth.U,
        f"The pregnancy test is older than {days} days.",
        tests[-1:],
        review=("R12",),
        provisional=provisional,
        missing="serum pregnancy test",
    )


@state("pregnant_or_breastfeeding")
def pregnant_or_breastfeeding(patient: Patient, settings: Settings) -> Answer:
    """E22: pregnant, breastfeeding or intending pregnancy; a negative urine or serum test settles it."""
    yes = [
        fact
        for fact in patient.facts(("pregnancy", "breastfeeding"), "condition")
        if fact.assertion == "present" and fact.temporality != "historical"
    ]
    yes += [fact for fact in patient.facts("intends_pregnancy") if fact.assertion == "present"]
    tests = _tests(patient)
    fresh = [fact for fact in tests if time.is_fresh(fact, patient.index_date, days=settings.window("pregnancy_test"))]
    positive = [fact for fact in fresh if fact.value_text == "positive"]
    if yes or positive:
        return time.say(Truth.T, "Pregnant, breastfeeding or planning pregnancy.", yes + positive, correctable=False)
    potential = childbearing_potential(patient, settings)
    if potential.truth is Truth.F:
        return potential
    negative = [fact for fact in fresh if fact.value_text == "negative"]
    if negative:
        return time.say(Truth.F, "The pregnancy test is negative.", negative)
    denied = [fact for fact in patient.facts(("pregnancy", "breastfeeding"), "condition") if fact.assertion == "absent"]
    if tests:
        return time.say(
            Truth.U,
            "The pregnancy test is out of its window.",
            tests[-1:],
            review=("R12",),
            provisional=Truth.F if tests[-1].value_text == "negative" else Truth.T,
            missing="pregnancy test",
        )
    if any(fact.concept == "pregnancy" for fact in denied):
        return time.say(Truth.F, "Not pregnant, as stated.", denied)
    return time.silent("pregnancy", missing="pregnancy test")
