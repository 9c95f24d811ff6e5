"""Two ways of reading agree, neutral text changes nothing, a changed sentence changes its answer, work grows linearly."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.pipeline.engine import Engine
from extractor.pipeline.lexicon import Lexicon
from extractor.records import SUPPORT, Note
from extractor.scoring_record import golden

DEMO = Path(__file__).parents[1] / "corpora" / "demo" / "notes.csv"
DATE = datetime.date(2025, 10, 15)
ENGINE = Engine()
#: says nothing about a patient
NEUTRAL = (
    "The letter was printed twice and left at the front desk.",
    "Parking at the east entrance is closed while the roof is repaired.",
    "Our clinic opens at the usual hours.",
    "A copy goes to the referring office.",
    "The elevator is out of order, please use the stairs.",
)


def note(text: str, name: str = "n") -> Note:
    return Note("p", name, DATE, "note", text)


GOLDEN = [note(d.text, d.id) for d in golden()]


def demo_notes() -> list[Note]:
    with DEMO.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Note(r["patient_id"], r["note_id"], datetime.date.fromisoformat(r["note_date"]), r["note_type"], r["text"])
        for r in rows
    ]


def differing(notes, one, other) -> list[str]:
    """Ids of the notes that two readers read differently."""
    return [n.note_id for n in notes if list(one(n)) != list(other(n))]


# --- the medspaCy pipeline and the engine


@pytest.fixture(scope="module")
def medspacy_reader():
    import extractor
    from extractor.pipeline.medspacy_pipeline import read

    nlp = extractor.load()
    return lambda one: read(nlp, one)._.facts


@pytest.mark.parametrize("genre", sorted({n.note_id.rsplit("-", 1)[0] for n in GOLDEN}))
def test_medspacy_pipeline_reads_the_golden_notes_as_the_engine_does(genre, medspacy_reader):
    notes = [n for n in GOLDEN if n.note_id.rsplit("-", 1)[0] == genre]
    assert differing(notes, ENGINE.facts, medspacy_reader) == []


def test_medspacy_pipeline_reads_the_demo_as_the_engine_does(medspacy_reader):
    assert differing(demo_notes(), ENGINE.facts, medspacy_reader) == []


def without(concept: str, *names: str) -> Engine:
    """An engine whose lexicon lacks some names of one concept."""
    mutant = Engine()
    kept = tuple(
        dataclasses.replace(c, names=tuple(n for n in c.names if n not in names)) if c.concept == concept else c
        for c in mutant.patterns.concepts
    )
    assert kept != mutant.patterns.concepts
    mutant.lexicon = Lexicon(dataclasses.replace(mutant.patterns, concepts=kept))
    return mutant


@pytest.mark.parametrize(
    ("concept", "name"),
    [("hemoglobin", "haemoglobin"), ("sarcoidosis", "sarcoidosis"), ("lurbinectedin", "lurbinectedin")],
)
def test_a_name_that_is_dropped_from_the_lexicon_is_noticed(concept, name, medspacy_reader):
    notes = [n for n in GOLDEN if name in n.text.lower()]
    assert notes
    assert differing(notes, ENGINE.facts, medspacy_reader) == []
    assert differing(notes, without(concept, name).facts, medspacy_reader) != []


# --- what changes nothing


def said(text: str) -> list[tuple]:
    """Vocabulary facts of a text without their places and without their note-wide section."""
    return sorted(
        (f.concept, str(f.value), str(f.value_high), str(f.value_text), f.assertion, f.experiencer, f.text)
        for f in ENGINE.facts(note(text))
        if f.family != SUPPORT
    )


NEUTRAL_TEXT = st.lists(st.sampled_from(NEUTRAL), min_size=1, max_size=3).map(" ".join)
#: notes of prose whose facts do not hang on their first or last line
PROSE = [n for n in GOLDEN if n.note_id.startswith(("case_reports", "oncology", "radiology", "letters_uk"))]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PROSE), NEUTRAL_TEXT, st.booleans())
def test_neutral_text_around_a_note_changes_no_fact(one, neutral, before):
    text = f"{neutral}\n\n{one.text}" if before else f"{one.text}\n\n{neutral}"
    assert (one.note_id, said(text)) == (one.note_id, said(one.text))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(GOLDEN), st.sampled_from(["\n", "   ", "\n\n\n", " \t\n", "\r\n"]))
def test_trailing_space_changes_nothing(one, tail):
    assert ENGINE.facts(dataclasses.replace(one, text=one.text.rstrip() + tail)) == ENGINE.facts(
        dataclasses.replace(one, text=one.text.rstrip())
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(PROSE), NEUTRAL_TEXT, st.integers(min_value=20, max_value=60))
def test_lines_of_a_neutral_paragraph_may_break_anywhere(one, neutral, width):
    lines, line = [], ""
    for word in neutral.split():
        if len(line) + len(word) > width:
            lines, line = [*lines, line], ""
        line = f"{line} {word}".strip()
    wrapped = "\n".join([*lines, line])
    assert said(f"{one.text}\n\n{wrapped}") == said(f"{one.text}\n\n{neutral}") == said(one.text)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_notes_changes_nothing(rng: random.Random):
    notes = rng.sample(GOLDEN, 25)
    first = {n.note_id: ENGINE.facts(n) for n in notes}
    rng.shuffle(notes)
    assert {n.note_id: ENGINE.facts(n) for n in notes} == first


def test_a_fresh_engine_reads_as_a_used_one_does():
    assert differing(GOLDEN[::10], ENGINE.facts, Engine().facts) == []


# --- what must change the answer

CONDITIONS = (
    ("interstitial lung disease", "ild"),
    ("brain metastases", "brain_metastases"),
    ("leptomeningeal disease", "leptomeningeal_disease"),
    ("pneumonitis", "pneumonitis"),
    ("pulmonary embolism", "venous_thromboembolism"),
    ("liver metastases", "liver_metastases"),
    ("sarcoidosis", "sarcoidosis"),
    ("heart failure", "heart_failure"),
    ("Crohn's disease", "ibd"),
    ("myasthenia gravis", "myasthenia_gravis"),
    ("lupus", "lupus"),
    ("stroke", "stroke"),
    ("cirrhosis", "cirrhosis"),
    ("pericardial effusion", "pericardial_effusion"),
    ("hepatitis B", "hepatitis_b"),
    ("small cell lung cancer", "sclc"),
)
FRAMES = (
    ("There is {}.", "present", "patient"),
    ("No evidence of {}.", "absent", "patient"),
    ("No {} was seen.", "absent", "patient"),
    ("Denies {}.", "absent", "patient"),
    ("{} was ruled out.", "absent", "patient"),
    ("Possible {}.", "possible", "patient"),
    ("Cannot exclude {}.", "possible", "patient"),
    ("Mother had {}.", "present", "family"),
    ("Family history of {}.", "present", "family"),
    ("If {} develops, call us.", "hypothetical", "patient"),
)


@pytest.mark.parametrize(("phrase", "concept"), CONDITIONS, ids=[c for _, c in CONDITIONS])
@pytest.mark.parametrize(("frame", "assertion", "experiencer"), FRAMES, ids=[f[0] for f in FRAMES])
def test_the_frame_of_a_sentence_decides_its_assertion(phrase, concept, frame, assertion, experiencer):
    filled = frame.format(phrase)
    text = filled[0].upper() + filled[1:]
    found = [(f.assertion, f.experiencer) for f in ENGINE.facts(note(text)) if f.concept == concept]
    assert found == [(assertion, experiencer)]


@pytest.mark.parametrize("drug", ["carboplatin", "etoposide", "atezolizumab", "lurbinectedin", "selpercatinib"])
@pytest.mark.parametrize(
    ("frame", "assertion", "status"),
    [
        ("Received {} in 2024.", "present", "received"),
        ("Plan to start {} next week.", "hypothetical", "planned"),
        ("He declined {}.", "absent", "declined"),
        ("Never received {}.", "absent", "not_given"),
    ],
)
def test_the_frame_of_a_treatment_decides_its_status(drug, frame, assertion, status):
    [fact] = [f for f in ENGINE.facts(note(frame.format(drug))) if f.concept == drug]
    assert (fact.assertion, fact.attributes["status"]) == (assertion, status)


COUNTS = (("Platelets", "platelets", 98), ("ANC", "anc", 1.4), ("WBC", "wbc", 5.2))


@pytest.mark.parametrize(("name", "concept", "value"), COUNTS, ids=[c for _, c, _ in COUNTS])
def test_the_unit_changes_and_the_count_stays(name, concept, value):
    written = (
        f"{value} G/L",
        f"{value} x10^9/L",
        f"{value} K/uL",
        f"{value * 1000:.0f}/mm3",
        f"{value * 1000:,.0f} /uL",
    )
    found = [[f.value for f in ENGINE.facts(note(f"{name} {w}.")) if f.concept == concept] for w in written]
    assert found == [[pytest.approx(value)]] * len(written)


@pytest.mark.parametrize(("name", "concept", "value"), COUNTS, ids=[c for _, c, _ in COUNTS])
def test_a_thousandfold_number_in_the_small_unit_is_refused_or_another_count(name, concept, value):
    found = [f.value for f in ENGINE.facts(note(f"{name} {value * 1000:.0f} G/L.")) if f.concept == concept]
    assert value not in found


# --- growth


def calls(text: str) -> int:
    """How many Python functions reading a text calls: work, whatever the machine does beside it."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    one = note(text)
    sys.setprofile(profile)
    try:
        ENGINE.facts(one)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("prefix", ["case_reports", "labs", "oncology", "pathology"])
def test_work_grows_with_the_length_of_the_note(prefix):
    text = "\n\n".join(n.text for n in GOLDEN if n.note_id.startswith(prefix))
    once, four = calls(text), calls("\n\n".join([text] * 4))
    assert once > 1000
    assert four <= 4.6 * once


# --- classes of error that golden notes brought up


def facts_of(text: str, concept: str) -> list[tuple]:
    return [
        (f.value, f.value_text, f.assertion, f.experiencer) for f in ENGINE.facts(note(text)) if f.concept == concept
    ]


@pytest.mark.parametrize(
    ("text", "concept", "found"),
    [
        ("His brother, who also had small cell lung cancer, was seen.", "sclc", [(None, None, "present", "family")]),
        ("Her sister was treated with tarlatamab.", "tarlatamab", [(None, None, "present", "family")]),
        (
            "Daughter called, the patient has pneumonia.",
            "active_infection",
            [(None, "pneumonia", "present", "patient")],
        ),
        ("He has COPD and possible lung fibrosis.", "copd", [(None, None, "present", "patient")]),
        ("COPD possible.", "copd", [(None, None, "possible", "patient")]),
        ("Tarlatamab C2D1 given in clinic.", "tarlatamab", [(None, None, "present", "patient")]),
        ("Tarlatamab was discussed.", "tarlatamab", [(None, None, "hypothetical", "patient")]),
        ("If he progresses we would offer topotecan.", "topotecan", [(None, None, "hypothetical", "patient")]),
        ("If DLL3 positive, she can be screened.", "dll3_status", [(None, "positive", "hypothetical", "patient")]),
        ("DLL3 positive.", "dll3_status", [(None, "positive", "present", "patient")]),
        ("Sodium,131,mmol/L,135,145", "sodium", [(131.0, None, "present", "patient")]),
        (
            "Platelets: 8/1 210 -> 8/22 160 -> 9/12 88.",
            "platelets",
            [
                (210.0, None, "present", "patient"),
                (160.0, None, "present", "patient"),
                (88.0, None, "present", "patient"),
            ],
        ),
        ("Normal ranges: platelets 150-400, Hgb 12-16.", "platelets", []),
        ("CKD-EPI formula used.", "ckd", []),
        ("HIV 1/2 Ag/Ab: Non-reactive", "hiv", []),
        ("Non smoker.", "smoking", [(None, "never", "present", "patient")]),
        ("Calcium 9.9, corrected for albumin 10.6.", "albumin", []),
        ("She remains free of recurrence.", "progression", [(None, None, "absent", "patient")]),
    ],
)
def test_an_error_that_golden_notes_showed_stays_mended(text, concept, found):
    assert facts_of(text, concept) == found
