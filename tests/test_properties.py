"""Notes put together from statements of every family: what may not change an answer, and what has to change it."""

from __future__ import annotations

import datetime
import textwrap
from functools import cache, lru_cache

import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.records import SUPPORT, Fact, Note

#: family -> statements that say the same wherever they stand
STATEMENTS = {
    "histology": (
        "The biopsy showed small cell carcinoma.",
        "Cytology was positive for large cell neuroendocrine carcinoma.",
    ),
    "stage": ("There is extensive stage disease.", "Staged as cT4 cN2 cM1b."),
    "biomarker": ("Ki-67 was 80 %.", "DLL3 was positive in the tumor cells by immunohistochemistry."),
    "lab": ("Platelets were 142 K/uL.", "Hemoglobin was 9.1 g/dL.", "Total bilirubin was 0.8 mg/dL."),
    "vital": ("Blood pressure was 128/76 mmHg.", "Weight was 71.5 kg.", "Oxygen saturation was 96 % on room air."),
    "performance": ("ECOG performance status is 1.", "Karnofsky performance status is 80 %."),
    "cardiac": ("LVEF was 55 % on echocardiogram.", "QTcF was 431 ms."),
    "serology": ("Hepatitis B surface antigen was negative.", "HIV antibody was nonreactive."),
    "condition": ("Interstitial lung disease is known.", "There is no evidence of brain metastases."),
    "toxicity": ("There was grade 2 peripheral neuropathy.", "There was grade 3 diarrhea."),
    "medication": ("Prednisone 10 mg daily is taken.", "Current treatment includes apixaban 5 mg twice daily."),
    "response": ("The scan showed a partial response.", "CT demonstrated disease progression."),
    "therapy": (
        "Treatment was four cycles of carboplatin and etoposide.",
        "The patient was treated with lurbinectedin.",
    ),
    "demographic": ("The patient is a 67-year-old man.",),
    "administrative": (),
    "site": (),
    "pathology": (),
}
NEUTRAL = (
    "The visit went well.",
    "We talked about the weather.",
    "The journey was by train.",
    "Thank you for the referral.",
)
DAY = datetime.date(2026, 3, 16)
ALL = [sentence for sentences in STATEMENTS.values() for sentence in sentences]
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@lru_cache(maxsize=1)
def engine():
    from extractor.pipeline.engine import Engine

    return Engine()


def facts(text: str) -> list[Fact]:
    return [f for f in engine().facts(Note("p", "n", DAY, "Clinic", text)) if f.family != SUPPORT]


def told(text: str) -> list[tuple[str, ...]]:
    """Facts without their places, in an order of their own; a wrapped line is a blank."""
    return sorted(
        (f.family, f.concept, str(f.value), str(f.value_high), str(f.unit), str(f.value_text), f.assertion, f.experiencer,
         " ".join(f.text.split()))
        for f in facts(text)
    )  # fmt: skip


@cache
def alone(sentence: str) -> tuple[tuple[str, ...], ...]:
    return tuple(told(sentence))


def together(sentences: list[str]) -> list[tuple[str, ...]]:
    return sorted(fact for sentence in sentences for fact in alone(sentence))


some = st.lists(st.sampled_from(ALL), min_size=2, max_size=8, unique=True)


def test_every_family_has_statements_that_are_read():
    from extractor.pipeline.engine import family_modules

    assert set(STATEMENTS) == {module.FAMILY for module in family_modules()} - {SUPPORT}
    silent = [
        (family, s)
        for family, sentences in STATEMENTS.items()
        for s in sentences
        if family not in {f[0] for f in alone(s)}
    ]
    assert silent == []


@given(some)
@QUICK
def test_paragraphs_are_read_as_if_each_stood_alone_in_any_order(sentences):
    assert told("\n\n".join(sentences)) == together(sentences)


@given(some, st.lists(st.sampled_from(NEUTRAL), min_size=1, max_size=4), st.randoms(use_true_random=False))
@QUICK
def test_neutral_sentences_between_statements_change_nothing(sentences, neutral, draw):
    mixed = [*sentences, *neutral]
    draw.shuffle(mixed)
    assert told("\n\n".join(mixed)) == together(sentences)


@given(st.sampled_from(ALL), st.integers(62, 100))
@QUICK
def test_a_line_may_be_wrapped_anywhere(sentence, width):
    """The statement stands in the middle of a paragraph, so that its line breaks where the width wants it."""
    before = "We talked about the weather and the journey by train, which took rather long this time."
    paragraph = f"{before} {sentence} The visit went well and there was time for all questions."
    wrapped = textwrap.fill(paragraph, width=width, break_on_hyphens=False, break_long_words=False)
    assert "\n" in wrapped
    assert told(wrapped) == list(alone(sentence))


# --- what has to change it

FLIPS = {
    "histology": ("The biopsy showed small cell carcinoma.", "The biopsy showed no small cell carcinoma.", "sclc"),
    "stage": ("He has liver metastases.", "He has no liver metastases.", "liver_metastases"),
    "biomarker": ("DLL3 was positive.", "DLL3 was negative.", "dll3_status"),
    "serology": ("HBsAg was positive.", "HBsAg was negative.", None),
    "condition": ("He has interstitial lung disease.", "He has no interstitial lung disease.", "ild"),
    "toxicity": ("He developed grade 2 diarrhea.", "He developed no diarrhea.", None),
    "medication": ("He takes prednisone 10 mg daily.", "He does not take prednisone.", "systemic_steroid"),
    "response": ("CT showed disease progression.", "CT showed no disease progression.", None),
    "therapy": ("He received carboplatin.", "He never received carboplatin.", "carboplatin"),
}


def positive(family: str, text: str) -> set[tuple[str, ...]]:
    """What a text says of the patient now, of one family: present facts with their value."""
    return {
        (f.concept, str(f.value), str(f.value_text))
        for f in facts(text)
        if (f.family == family or (family == "stage" and f.family != "demographic"))
        and (f.assertion, f.experiencer) == ("present", "patient")
    }


@pytest.mark.parametrize("family", FLIPS)
def test_a_denial_takes_the_answer_away(family):
    said, denied, concept = FLIPS[family]
    before, after = positive(family, said), positive(family, denied)
    assert before and (concept is None or concept in {fact[0] for fact in before})
    assert before & after == set()


@pytest.mark.parametrize("family", ["histology", "condition"])
@pytest.mark.parametrize(
    "frame",
    ["His mother had {}.", "If he should develop {}, we will stop.", "{} was ruled out.", "Family history: {}."],
)
def test_another_person_a_condition_and_an_exclusion_take_it_away(family, frame):
    phrase, concept = {
        "histology": ("small cell lung cancer", "sclc"),
        "condition": ("interstitial lung disease", "ild"),
    }[family]
    assert concept in {fact[0] for fact in positive(family, f"He has {phrase}.")}
    assert concept not in {fact[0] for fact in positive(family, frame.format(phrase))}


@pytest.mark.parametrize(
    ("one", "other", "concept", "factor"),
    [("Hemoglobin 9.1 g/dL", "Hemoglobin 9.1 mmol/L", "hemoglobin", 1.611), ("Creatinine 1.2 mg/dL", "Creatinine 1.2 µmol/L", "creatinine", 1 / 88.4),
     ("Calcium 9.2 mg/dL", "Calcium 9.2 mmol/L", "calcium", 4.008), ("Weight 150 kg", "Weight 150 lb", "weight", 0.4536),
     ("Total bilirubin 1.5 mg/dL", "Total bilirubin 1.5 µmol/L", "bilirubin_total", 1 / 17.1)],
)  # fmt: skip
def test_another_unit_is_another_value(one, other, concept, factor):
    """A value in another unit is converted, or refused where no person could have it; it is never taken as it stands.

    The one exception is a count whose thousands were forgotten, and the fact says so.
    """
    values = [[f.value for f in facts(f"{text}.") if f.concept == concept] for text in (one, other)]
    assert len(values[0]) == 1
    assert values[1] in ([], [pytest.approx(values[0][0] * factor, rel=0.01)])


def test_a_count_whose_thousands_were_forgotten_says_what_was_corrected():
    [fact] = [f for f in facts("Platelets 142 /uL.") if f.concept == "platelets"]
    assert (fact.value, fact.unit_as_written, fact.attributes["unit_corrected"]) == (142.0, "/uL", "10*3/uL")
