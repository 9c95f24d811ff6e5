"""What makes an evaluation fast, counted and not timed: nothing is worked out twice, and no NLP is loaded."""

from __future__ import annotations

import datetime
import gc
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from extractor.timeline import STATES, Settings, make_patient
from extractor.timeline.patient import Patient
from extractor.trials import evaluate_patients, load
from extractor.trials.check import mini_fact
from extractor.trials.evaluation import Evaluator, Result
from extractor.truth import Answer, Truth

INDEX = datetime.date(2025, 11, 20)
TOLD = (
    {"concept": "sclc", "days_ago": 200, "attributes": {"primary_site": "lung"}},
    {"concept": "carboplatin", "days_ago": 150, "attributes": {"status": "received", "end_date": "2025-07-01"}},
    {"concept": "progression", "days_ago": 60},
    {"concept": "ecog", "value": 1, "unit": "{score}", "days_ago": 5},
    {"concept": "platelets", "value": 210, "unit": "10*9/L", "days_ago": 3},
    {"concept": "sex", "value_text": "female", "note_days_ago": 1},
    {"concept": "age", "value": 64, "note_days_ago": 1},
    {"concept": "doc_onc_full", "note_days_ago": 1},
)


def patient(name: str = "p") -> Patient:
    return make_patient(name, [mini_fact(item, number, "test") for number, item in enumerate(TOLD)], INDEX)


def calls(work, codes: dict) -> Counter:
    """How often each of the functions was entered while ``work`` ran."""
    found: Counter = Counter()

    def watch(frame, event, _):
        if event == "call" and frame.f_code in codes:
            found[codes[frame.f_code]] += 1

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def test_every_state_is_worked_out_once_for_a_patient():
    codes: dict = {}
    shared: Counter = Counter()
    for state in STATES.values():
        name = state.__wrapped__.__qualname__
        codes[state.__wrapped__.__code__] = name
        shared[name] += 1
    evaluator = Evaluator(load("NCT07016230"))
    evaluate_patients([patient("first")], [evaluator])  # what silence means is worked out with the first patient
    found = calls(lambda: evaluate_patients([patient()], [evaluator]), codes)
    assert len(found) > 10
    assert {name: count for name, count in found.items() if count > shared[name]} == {}


def test_states_on_which_a_patient_is_silent_are_not_worked_out():
    codes = {state.__wrapped__.__code__: name for name, state in STATES.items()}
    evaluator = Evaluator(load("NCT07016230"))
    evaluate_patients([patient("first")], [evaluator])
    found = calls(lambda: evaluate_patients([patient()], [evaluator]), codes)
    assert "platinum_for_this_tumour" in found
    assert not {"active_hepatitis_b", "autoimmune_disease", "significant_pleural_effusion"} & set(found)


@pytest.mark.parametrize("name", sorted(STATES))
def test_the_shared_answer_on_silence_is_the_states_own(name):
    nobody, settings = make_patient("p", [], INDEX), Settings()
    assert STATES[name](nobody, settings) == STATES[name].__wrapped__(make_patient("q", [], INDEX), settings)


def test_facts_are_selected_once_for_each_question():
    asked: list[tuple] = []

    class Watched(Patient):
        def _select(self, *question):
            asked.append(question)
            return super()._select(*question)

    plain = patient()
    evaluate_patients([Watched(plain.patient_id, plain.index_date, plain.all_facts)], [Evaluator(load("NCT07016230"))])
    assert asked
    assert [question for question, count in Counter(asked).items() if count > 1] == []


def test_the_list_that_a_state_gets_is_its_own():
    someone = patient()
    someone.facts("platelets").clear()
    assert [fact.value for fact in someone.facts("platelets")] == [210]
    someone.facts(("platelets", "ecog")).clear()
    assert [fact.concept for fact in someone.facts(("platelets", "ecog"))] == ["ecog", "platelets"]


@pytest.mark.parametrize(
    ("concept", "family", "experiencer", "expected"),
    [
        ("ecog", None, "patient", ["ecog"]),
        ("ecog", "lab", "patient", []),
        (["ecog", "platelets", "ecog"], None, "patient", ["ecog", "platelets"]),
        (("platelets", "ecog"), "lab", "patient", ["platelets"]),
        (None, "lab", "patient", ["platelets"]),
        ("sclc", None, "family", []),
        ("melanoma", None, "patient", []),
    ],
)
def test_what_is_selected(concept, family, experiencer, expected):
    found = patient().facts(concept, family, experiencer=experiencer)
    assert [fact.concept for fact in found] == expected


def test_an_answer_is_asked_anew_under_other_settings():
    someone = patient()
    wide, narrow = Settings(), Settings(windows={"ecog": 2})
    first = STATES["ecog_at_most_2"](someone, wide)
    assert first.truth is Truth.T
    assert STATES["ecog_at_most_2"](someone, narrow).truth is Truth.U
    assert STATES["ecog_at_most_2"](someone, wide) is first


def test_patients_are_not_kept():
    """The collector of circles rests while patients are decided: there must be none to collect."""
    evaluator = Evaluator(load("NCT07016230"))
    evaluate_patients([patient()], [evaluator])
    gc.collect()
    gc.disable()
    try:
        evaluate_patients([patient(str(number)) for number in range(5)], [evaluator])
        left = [item for item in gc.get_objects() if isinstance(item, Patient)]
    finally:
        gc.enable()
    assert left == []


def test_answers_stay_frozen():
    answer = Answer(Truth.T, "why")
    assert answer == Answer(truth=Truth.T, reason="why", notes={})
    assert answer.notes is not Answer(Truth.T).notes
    with pytest.raises(AttributeError):
        answer.truth = Truth.F
    with pytest.raises(AttributeError):
        Result(None, answer, "pass").outcome = "fail"


def test_no_nlp_is_loaded():
    code = (
        "import sys, pandas as pd\n"
        "from extractor import trials\n"
        "facts = pd.DataFrame({'patient_id': ['p'], 'concept': ['sclc'], 'assertion': ['present'],"
        " 'family': ['histology'], 'experiencer': ['patient'], 'note_id': ['n'], 'note_date': ['2026-01-01'],"
        " 'start': [0], 'end': [4], 'fact_id': ['f'], 'temporality': ['current'], 'date_precision': ['note']})\n"
        "assert len(trials.evaluate(facts, trial='NCT07016230').patients) == 1\n"
        "import extractor.evaluation\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'spacy', 'medspacy', 'scispacy'}))\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
