"""Evaluation: silence, applicability, parents, decision, next question, frames, and what must never change an answer."""

from __future__ import annotations

import datetime
import random
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.errors import InputError, TrialError
from extractor.records import FACT_COLUMNS, Fact
from extractor.timeline.patient import make_patient
from extractor.trials import evaluate, evaluate_patient, load_trial
from extractor.trials.check import CONTEXTS, case_patient, case_states, mini_fact
from extractor.trials.decision import scores
from extractor.trials.evaluation import Evaluator
from extractor.trials.trialfile import read_trial
from extractor.truth import Answer, Truth

INDEX = datetime.date(2025, 11, 20)
UNLOCK = load_trial("NCT07016230")


def trial(*criteria: dict, **more) -> object:
    whole = [
        {"kind": "exclusion", "class": "partly", "tier": "gating", "resolvable": "fixed", "text": "words", **criterion}
        for criterion in criteria
    ]
    return read_trial({"trial": {"id": "T1"}, "criterion": whole, **more}, "mine.toml")


def outcomes(made, *facts: dict, strict: bool = False, **given_states) -> dict[str, str]:
    patient = make_patient("p", [mini_fact(item, i, "test") for i, item in enumerate(facts)], INDEX)
    results = Evaluator(made, strict=strict).results(patient, **given_states)
    return {name: result.outcome for name, result in results.items()}


def contexts(*names: str) -> dict[str, Truth]:
    return {name: Truth.T if name in names else Truth.F for name in CONTEXTS}


# --------------------------------------------------------------------------------------------- silence

ILD = {"id": "E4", "rule": "present(ild)", "absence": "absent if chest_ct"}


def test_silence_with_the_document_is_presumed_absence():
    result = Evaluator(trial(ILD)).results(make_patient("p", [], INDEX), contexts=contexts("chest_ct"))["E4"]
    assert (result.outcome, result.answer.presumed, result.answer.review) == ("pass", True, ("R7",))


def test_silence_without_the_document_is_open():
    assert outcomes(trial(ILD), contexts=contexts()) == {"E4": "open"}


def test_strict_turns_absence_policies_off():
    assert outcomes(trial(ILD), strict=True, contexts=contexts("chest_ct")) == {"E4": "open"}


def test_evidence_is_never_presumed():
    result = Evaluator(trial(ILD)).results(
        make_patient("p", [mini_fact({"concept": "ild", "assertion": "absent", "days_ago": 3}, 0, "t")], INDEX),
        contexts=contexts("chest_ct"),
    )["E4"]
    assert (result.outcome, result.answer.presumed) == ("pass", False)


def test_a_possible_finding_is_open_whatever_the_documents():
    fact = {"concept": "ild", "assertion": "possible", "days_ago": 3}
    assert outcomes(trial(ILD), fact, contexts=contexts("chest_ct")) == {"E4": "open"}


def test_a_silent_part_falls_back_on_its_own_policy():
    """Brain metastases are written, symptoms are not: an MRI says nothing of symptoms."""
    rule = {
        "id": "E9",
        "rule": "state(metastases) and state(symptoms)",
        "absence": "absent if brain_img",
        "absence_of": {"symptoms": "unknown"},
    }
    shown = contexts("brain_img")
    assert outcomes(trial(rule), states={"metastases": True, "symptoms": None}, contexts=shown)["E9"] == "open"
    assert outcomes(trial(rule), states={"metastases": None, "symptoms": None}, contexts=shown)["E9"] == "pass"
    assert outcomes(trial(rule), states={"metastases": True, "symptoms": True}, contexts=shown)["E9"] == "fail"


def test_an_attestation_is_never_presumed():
    rule = {"id": "I17", "kind": "inclusion", "rule": "attest(informed_consent)", "absence": "attest"}
    assert outcomes(trial(rule), states={"informed_consent": None}) == {"I17": "open"}
    assert outcomes(trial(rule), states={"informed_consent": False}) == {"I17": "fail"}


def test_presumed_false_only_where_nothing_is_said():
    rule = {"id": "E2", "rule": "state(curative)", "presume_false_if": "state(metastatic)"}
    assert outcomes(trial(rule), states={"curative": None, "metastatic": True}) == {"E2": "pass"}
    assert outcomes(trial(rule), states={"curative": "unknown", "metastatic": True}) == {"E2": "open"}
    assert outcomes(trial(rule), states={"curative": None, "metastatic": False}) == {"E2": "open"}


# --------------------------------------------------------------------------------------------- applicability

APPLIES = {"id": "I3", "kind": "inclusion", "rule": "state(x)", "applies": "state(a)"}


@pytest.mark.parametrize(
    "applies, sentence, expected",
    [
        (True, True, "pass"),
        (True, False, "fail"),
        (False, False, "not_applicable"),
        (False, None, "not_applicable"),
        ("unknown", True, "pass"),
        ("unknown", False, "open"),
        (None, False, "open"),
    ],
)
def test_applies(applies, sentence, expected):
    assert outcomes(trial(APPLIES), states={"a": applies, "x": sentence}) == {"I3": expected}


def test_a_leaf_does_not_apply_where_its_parent_does_not():
    made = trial(
        {**APPLIES, "rule": "", "leaf": [{"id": "I3.1", "rule": "state(x)"}, {"id": "I3.2", "rule": "state(y)"}]}
    )
    found = outcomes(made, states={"a": False, "x": False, "y": True})
    assert found == {"I3": "not_applicable", "I3.1": "not_applicable", "I3.2": "not_applicable"}


def test_a_leaf_that_does_not_apply_counts_as_passed():
    leaves = [{"id": "I5.a", "rule": "state(x)"}, {"id": "I5.b", "rule": "state(y)", "applies": "state(a)"}]
    made = trial({"id": "I5", "kind": "inclusion", "leaf": leaves})
    assert outcomes(made, states={"a": False, "x": True, "y": False})["I5"] == "pass"
    assert outcomes(made, states={"a": True, "x": True, "y": False})["I5"] == "fail"
    assert outcomes(made, states={"a": "unknown", "x": True, "y": False})["I5"] == "open"


def test_a_leaf_that_does_not_gate_never_enters_its_parent():
    leaves = [{"id": "I2.a", "rule": "state(x)"}, {"id": "I2.d", "rule": "state(y)", "gating": False}]
    made = trial({"id": "I2", "kind": "inclusion", "leaf": leaves})
    assert outcomes(made, states={"x": True, "y": False}) == {"I2": "pass", "I2.a": "pass", "I2.d": "fail"}


@pytest.mark.parametrize("kind, expected", [("inclusion", "fail"), ("exclusion", "fail")])
def test_false_dominates(kind, expected):
    leaves = [{"id": "X1.a", "rule": "state(x)"}, {"id": "X1.b", "rule": "state(y)"}]
    made = trial({"id": "X1", "kind": kind, "leaf": leaves})
    assert outcomes(made, states={"x": kind == "exclusion", "y": None})["X1"] == expected


# --------------------------------------------------------------------------------------------- decision


def decided(made, states: dict, **more):
    return evaluate_patient(make_patient("p", [], INDEX), Evaluator(made), states=states, **more)[1]


FIXED = {"id": "E8", "rule": "state(dll3)"}
TIMED = {"id": "E7", "rule": "state(washout)", "resolvable": "time"}
LAB = {"id": "I11", "kind": "inclusion", "tier": "screening", "resolvable": "correctable", "rule": "state(lab)"}
CONSENT = {
    "id": "I17",
    "kind": "inclusion",
    "tier": "attestation",
    "rule": "attest(consent)",
    "resolvable": "correctable",
}
WHOLE = (FIXED, TIMED, LAB, CONSENT)
GOOD = {"dll3": False, "washout": False, "lab": True, "consent": True}


@pytest.mark.parametrize(
    "change, decision",
    [
        ({}, "candidate"),
        ({"consent": None, "lab": None}, "candidate"),
        ({"dll3": None}, "potential-candidate"),
        ({"washout": True}, "ineligible-for-now"),
        ({"lab": False}, "ineligible-for-now"),
        ({"consent": False}, "ineligible-for-now"),
        ({"dll3": True}, "ineligible"),
        ({"dll3": True, "washout": True}, "ineligible"),
        ({"dll3": None, "lab": False}, "ineligible-for-now"),
        ({"dll3": Answer(Truth.T, correctable=True)}, "ineligible-for-now"),
        ({"dll3": Answer(Truth.T, clear_date=INDEX)}, "ineligible-for-now"),
        ({"washout": Answer(Truth.T, correctable=False)}, "ineligible"),
    ],
)
def test_decision(change, decision):
    assert decided(trial(*WHOLE), {**GOOD, **change}).decision == decision


def test_earliest_date_is_the_latest_known_clear_date():
    first, last = INDEX + datetime.timedelta(days=4), INDEX + datetime.timedelta(days=40)
    made = trial({"id": "E7", "resolvable": "time", "leaf": [
        {"id": "E7.1", "rule": "state(a)"}, {"id": "E7.2", "rule": "state(b)"}, {"id": "E7.3", "rule": "state(c)"},
    ]})  # fmt: skip
    states = {"a": Answer(Truth.T, clear_date=first), "b": Answer(Truth.T, clear_date=last), "c": False}
    decision = decided(made, states)
    assert (decision.earliest_date, decision.waiting) == (last, ())
    decision = decided(made, {**states, "c": True})
    assert (decision.earliest_date, decision.waiting) == (last, ("E7.3",))


def test_strict_status_is_true_only_when_everything_passed():
    assert decided(trial(*WHOLE), GOOD).strict_status == "true"
    assert decided(trial(*WHOLE), {**GOOD, "consent": None}).strict_status == "unknown"
    assert decided(trial(*WHOLE), {**GOOD, "lab": False}).strict_status == "false"


QUESTIONS = [{"id": "history", "text": "What was given?", "cost": 1}, {"id": "scan", "text": "A scan?", "cost": 5}]


def test_next_question_counts_shared_facts_once_for_each_leaf():
    made = trial(
        {"id": "E1", "rule": "state(a)", "asks": ["history"], "p_fail": 0.1},
        {"id": "E2", "rule": "state(b)", "asks": ["history"], "p_fail": 0.1, "tier": "screening"},
        {"id": "E3", "rule": "state(c)", "asks": ["scan"], "p_fail": 0.5},
        question=QUESTIONS,
    )
    results = Evaluator(made).results(make_patient("p", [], INDEX), states={"a": None, "b": None, "c": None})
    ranked = scores(results.values(), made)
    assert {name: (round(score, 6), leaves) for name, (score, leaves) in ranked.items()} == {
        "history": (0.4, ("E1", "E2")),
        "scan": (0.3, ("E3",)),
    }
    assert decided(made, {"a": None, "b": None, "c": None}).next_question.startswith(
        "What was given? (decides E1, E2)."
    )


def test_a_settled_patient_is_asked_nothing():
    made = trial({"id": "E1", "rule": "state(a)", "asks": ["history"]}, question=QUESTIONS)
    assert decided(made, {"a": True}).next_question is None
    assert decided(made, {"a": False}).next_question is None


# --------------------------------------------------------------------------------------------- trial files

REFUSED = [
    ({"rul": "true"}, "unknown key 'rul'"),
    ({"rule": "state("}, "criterion E1: rule: cannot read"),
    ({"kind": "exclude"}, "kind: expected one of inclusion, exclusion"),
    ({"tier": "must"}, "tier: expected one of gating"),
    ({"absence": "absent if chest"}, "absence: expected a context of"),
    ({"absence": "never"}, "absence: expected unknown, attest, absent"),
    ({"rule": "ref(E2)"}, "ref(E2): no such criterion"),
    ({"rule": "ref(E1)"}, "criterion E1: refers to itself"),
    ({"rule": "cohort is nec"}, "cohort: expected one of none, found 'nec'"),
    ({"asks": ["weather"]}, "asks: expected some of"),
    ({"policies": ["A-1"]}, "unknown key 'policies'"),
    ({"rule": ""}, "rule: missing"),
    ({"cases": [{"expekt": "pass"}]}, "unknown key 'expekt'"),
]


@pytest.mark.parametrize("change, said", REFUSED, ids=[said for _, said in REFUSED])
def test_a_wrong_file_is_named(change, said):
    with pytest.raises(TrialError) as error:
        trial({"id": "E1", "rule": "true", **change})
    assert str(error.value).startswith("mine.toml: ")
    assert said in str(error.value)


def test_two_criteria_of_one_id():
    with pytest.raises(TrialError, match=r"criterion E1: the id is used twice"):
        trial({"id": "E1", "rule": "true"}, {"id": "E1", "rule": "true"})


def test_an_unknown_trial_and_a_file_that_is_none(tmp_path):
    with pytest.raises(TrialError, match="expected a file or one of"):
        load_trial("NCT00000000")
    (tmp_path / "broken.toml").write_text("[trial\n", encoding="utf-8")
    with pytest.raises(TrialError, match=r"broken.toml"):
        load_trial(tmp_path / "broken.toml")


def test_the_trial_is_whole():
    ids = [criterion.id for criterion in UNLOCK.criteria]
    assert ids == [f"I{n}" for n in range(1, 19)] + [f"E{n}" for n in range(1, 27)]
    assert len(list(UNLOCK.units())) == 79
    tally = {name: sum(c.klass == name for c in UNLOCK.criteria) for name in ("computable", "partly", "human")}
    assert tally == {"computable": 13, "partly": 19, "human": 12}


def test_policies_are_chosen_by_the_caller():
    patient = case_patient(
        {"facts": [{"concept": "atezolizumab", "attributes": {"status": "received"}, "days_ago": 80}]}, "t"
    )
    assert Evaluator(UNLOCK).results(patient)["E7.3"].outcome == "fail"
    assert Evaluator(UNLOCK, policies={"A-1": "cap30_biologics"}).results(patient)["E7.3"].outcome == "pass"
    for wrong in ({"A-99": "x"}, {"A-1": "cap20"}):
        with pytest.raises(TrialError, match="expected one of"):
            Evaluator(UNLOCK, policies=wrong)


# --------------------------------------------------------------------------------------------- frames


def frame(*facts: Fact) -> pd.DataFrame:
    return pd.DataFrame([fact.row() for fact in facts], columns=list(FACT_COLUMNS))


def of(patient: str, *items: dict) -> list[Fact]:
    facts = [mini_fact(item, i, "test") for i, item in enumerate(items)]
    return [replace(fact, patient_id=patient, fact_id=f"{patient}-{fact.fact_id}") for fact in facts]


ANN = of("ann", {"concept": "age", "value": 68, "days_ago": 3}, {"concept": "platelets", "value": 84, "days_ago": 3})
NOTES = pd.DataFrame(
    {"patient_id": ["ann", "bob"], "note_id": ["n1", "n2"], "note_date": ["2025-11-17", "2025-11-01"], "note_type": "x"}
)


def test_columns_of_the_contract():
    run = evaluate(frame(*ANN), trial="NCT07016230", index_date="2025-11-20")
    assert list(run.criteria.columns[:16]) == [
        "patient_id", "trial_id", "criterion_id", "parent_id", "kind", "tier", "truth", "outcome", "presumed",
        "provisional", "clear_date", "needs_review", "review_codes", "reason", "missing", "evidence",
    ]  # fmt: skip
    assert list(run.patients.columns[:12]) == [
        "patient_id", "trial_id", "decision", "cohort", "failed", "open", "earliest_date", "next_question",
        "index_date", "index_date_assumed", "n_notes", "last_note_date",
    ]  # fmt: skip
    assert len(run.criteria) == 90
    assert set(run.criteria["outcome"]) <= {"pass", "fail", "open", "not_applicable"}
    assert set(run.criteria["truth"]) <= {"true", "false", "unknown"}
    row = run.criteria.set_index("criterion_id").loc["I11.a"]
    assert (row["parent_id"], row["truth"], row["outcome"], list(row["evidence"])) == (
        "I11",
        "false",
        "fail",
        ["ann-f1"],
    )
    assert list(run.patients["failed"]) == [["I11.a"]]
    assert len(run.attrition) == 44


def test_a_patient_without_facts_has_rows():
    run = evaluate(frame(*ANN), trial="NCT07016230", notes=NOTES, index_date=INDEX)
    assert list(run.patients["patient_id"]) == ["ann", "bob"]
    assert list(run.patients["n_notes"]) == [1, 1]
    assert list(run.patients["decision"]) == ["ineligible-for-now", "potential-candidate"]
    assert len(run.criteria) == 180


def test_no_facts_at_all():
    run = evaluate(frame(), trial="NCT07016230", notes=NOTES)
    assert list(run.patients["decision"]) == ["potential-candidate", "potential-candidate"]


def test_index_date_is_assumed_the_day_after_the_last_note():
    run = evaluate(frame(*ANN), trial="NCT07016230", notes=NOTES)
    assert list(run.patients["index_date"]) == [datetime.date(2025, 11, 18), datetime.date(2025, 11, 2)]
    assert list(run.patients["index_date_assumed"]) == [True, True]


@pytest.mark.parametrize(
    "given_date",
    [
        INDEX,
        "2025-11-20",
        {"ann": "2025-11-20"},
        pd.DataFrame({"patient_id": ["ann"], "index_date": ["2025-11-20"]}),
    ],
    ids=["date", "text", "mapping", "frame"],
)
def test_index_date_as_given(given_date):
    run = evaluate(frame(*ANN), trial="NCT07016230", index_date=given_date)
    assert (list(run.patients["index_date"]), list(run.patients["index_date_assumed"])) == ([INDEX], [False])


@pytest.mark.parametrize("wrong", ["tomorrow", 7, pd.DataFrame({"patient": ["ann"]})], ids=["word", "number", "frame"])
def test_a_wrong_index_date(wrong):
    with pytest.raises(InputError):
        evaluate(frame(*ANN), trial="NCT07016230", index_date=wrong)


def test_facts_without_their_columns():
    with pytest.raises(InputError, match=r"no column 'concept'"):
        evaluate(pd.DataFrame({"patient_id": ["ann"]}), trial="NCT07016230")


def test_several_trials_in_one_evaluation():
    run = evaluate(frame(*ANN), trial=["NCT07016230", "NCT03976375"], index_date=INDEX)
    assert list(run.patients["trial_id"]) == ["NCT07016230", "NCT03976375"]
    assert set(run.trials) == {"NCT07016230", "NCT03976375"}


def test_support_facts_travel_in_attrs():
    support = frame(*of("ann", {"concept": "doc_chest_ct", "family": "support", "days_ago": 9}))
    facts = frame(*ANN)
    facts.attrs["support"] = support
    row = evaluate(facts, trial="NCT07016230", index_date=INDEX).criteria.set_index("criterion_id").loc["E4"]
    assert (row["outcome"], bool(row["presumed"])) == ("pass", True)
    row = evaluate(frame(*ANN), trial="NCT07016230", index_date=INDEX).criteria.set_index("criterion_id").loc["E4"]
    assert (row["outcome"], bool(row["presumed"])) == ("open", False)


def test_attrition_alone_and_in_order():
    young = of(
        "kim", {"concept": "age", "value": 15, "days_ago": 3}, {"concept": "platelets", "value": 84, "days_ago": 3}
    )
    run = evaluate(frame(*ANN, *young), trial="NCT07016230", index_date=INDEX)
    table = run.attrition.set_index("criterion_id")
    assert table.loc["I1", ["n_pass", "n_fail", "n_before", "n_removed", "n_after"]].tolist() == [1, 1, 2, 1, 1]
    assert table.loc["I11", ["n_fail", "n_before", "n_removed", "n_after"]].tolist() == [2, 1, 1, 0]


def test_policies_that_decided_are_said_once():
    drug = of("ann", {"concept": "atezolizumab", "attributes": {"status": "received"}, "days_ago": 80})
    run = evaluate(frame(*drug), trial="NCT07016230", index_date=INDEX, policies={"A-1": "cap30_biologics"})
    assert run.policies_used["NCT07016230 A-1 washout_policy"] == "cap30_biologics"
    assert sum("washout_policy" in line for line in run.notices["NCT07016230"]) == 1


def test_no_nlp_is_imported():
    code = (
        "import sys, extractor.trials as t\n"
        "t.load('NCT07016230')\n"
        "print([name for name in ('spacy', 'medspacy', 'scispacy', 'thinc') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------------------------------------- what never changes it

CHART = [
    {"concept": "age", "value": 68, "days_ago": 3},
    {"concept": "sex", "value_text": "female", "days_ago": 3},
    {"concept": "sclc", "days_ago": 200},
    {"concept": "extensive_stage", "days_ago": 200},
    {"concept": "carboplatin", "attributes": {"status": "received"}, "days_ago": 120},
    {"concept": "atezolizumab", "attributes": {"status": "received"}, "days_ago": 60},
    {"concept": "progression", "days_ago": 20},
    {"concept": "ecog", "value": 1, "days_ago": 5},
    {"concept": "platelets", "value": 142, "days_ago": 12},
    {"concept": "platelets", "value": 96, "days_ago": 2},
    {"concept": "brain_metastases", "assertion": "absent", "days_ago": 12},
    {"concept": "doc_brain_mri", "days_ago": 12},
    {"concept": "doc_chest_ct", "days_ago": 12},
    {"concept": "hbsag", "value_text": "negative", "days_ago": 10},
    {"concept": "systemic_steroid", "value_text": "dexamethasone", "attributes": {"status": "ongoing"}, "days_ago": 3},
    {"concept": "myocardial_infarction", "days_ago": 300},
]
UNRELATED = ["calcium", "sodium", "glucose", "calcitonin", "hypertension", "copd", "diabetes", "smoking", "progrp"]


def answers(items: list[Fact]) -> list[tuple]:
    results, decision = evaluate_patient(make_patient("ann", items, INDEX), EVALUATOR)
    rows = [(r.criterion.id, r.outcome, r.answer.truth, r.answer.reason, r.clear_date) for r in results.values()]
    return [*rows, decision]


EVALUATOR = Evaluator(UNLOCK)
FACTS = of("ann", *CHART)
BASELINE = answers(FACTS)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_the_order_of_notes_and_facts_never_matters(shuffle: random.Random):
    mixed = list(FACTS)
    shuffle.shuffle(mixed)
    assert answers(mixed) == BASELINE


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(UNRELATED), st.integers(0, 400), st.integers(1, 200)), max_size=5))
def test_an_unrelated_fact_changes_no_answer(extra):
    more = [
        mini_fact({"concept": concept, "value": value, "days_ago": days}, 100 + i, "test")
        for i, (concept, days, value) in enumerate(extra)
    ]
    more = [replace(fact, patient_id="ann", fact_id=f"extra-{fact.fact_id}") for fact in more]
    assert answers(FACTS + more) == BASELINE


@pytest.mark.parametrize("experiencer", ["family", "other"])
def test_facts_of_others_change_no_answer(experiencer):
    others = of(
        "ann",
        {"concept": "leptomeningeal_disease", "days_ago": 5},
        {"concept": "tarlatamab", "attributes": {"status": "received"}, "days_ago": 5},
        {"concept": "stroke", "days_ago": 5},
    )
    others = [replace(f, experiencer=experiencer, fact_id=f"other-{f.fact_id}") for f in others]
    assert answers(FACTS + others) == BASELINE


def test_the_same_input_gives_the_same_frames():
    first = evaluate(frame(*FACTS), trial="NCT07016230", index_date=INDEX)
    second = evaluate(frame(*FACTS[::-1]), trial="NCT07016230", index_date=INDEX)
    pd.testing.assert_frame_equal(first.criteria, second.criteria)
    pd.testing.assert_frame_equal(first.patients, second.patients)


def test_the_cohort_of_a_case():
    states = case_states({"cohort": "nec"}, UNLOCK)
    assert states == {"is_sclc": False, "is_nec": True, "is_mtc": False}
