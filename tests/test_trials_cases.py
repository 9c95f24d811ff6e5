"""The cases that trial files carry, one test for each, and whole patients with known answers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from extractor.trials import check, check_trial, evaluate_patient, load_trial, shipped
from extractor.trials.check import CONTEXTS, case_patient, case_states, run_cases
from extractor.trials.evaluation import WORDS, Evaluator
from extractor.trials.trialfile import read_trial
from extractor.truth import Truth

TRIALS = {name: load_trial(name) for name in shipped()}
CASES = [result for trial in TRIALS.values() for result in run_cases(trial)]
SCENARIOS = tomllib.loads((Path(__file__).parent / "data" / "trial_scenarios.toml").read_text(encoding="utf-8"))[
    "scenario"
]
UNLOCK = TRIALS["NCT07016230"]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_case(case):
    assert case.found == case.expected, case.reason


@pytest.mark.parametrize("name", TRIALS)
def test_nobody_is_asked_what_nobody_answers(name):
    assert [problem for problem in check_trial(TRIALS[name]) if "no state" in problem or "no concept" in problem] == []


def test_check_finds_no_problem():
    assert check() == []


@pytest.mark.parametrize("row", [r for r in UNLOCK.units() if r.gating], ids=[r.id for r in UNLOCK.units() if r.gating])
def test_each_rule_passes_fails_and_stays_open_in_its_cases(row):
    expected = {case["expect"] for case in row.cases}
    assert {"pass", "open"} <= expected
    assert "fail" in expected


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario["name"] for scenario in SCENARIOS])
def test_scenario(scenario):
    base = UNLOCK.base
    states = {name: value for name, value in base["states"].items() if name not in scenario.get("drop", ())}
    states |= scenario.get("states", {})
    case = {
        "sex": scenario.get("sex", base["sex"]),
        "age": base["age"],
        "cohort": scenario.get("cohort", base["cohort"]),
        "states": states,
        "facts": scenario.get("facts", []),
    }
    shown = scenario.get("contexts", base["contexts"])
    contexts = {name: Truth.T if name in shown else Truth.F for name in CONTEXTS}
    if scenario.get("cohort") == "mtc" and "ret_requirement_met" not in states:
        states.pop("prior_systemic_line")
    results, decision = evaluate_patient(
        case_patient(case, scenario["name"]),
        Evaluator(UNLOCK),
        states=case_states(case, UNLOCK),
        contexts=contexts,
    )
    found = {}
    for name in scenario["truths"]:
        outcome, kind = results[name].outcome, results[name].criterion.kind
        passed = "true" if kind == "inclusion" else "false"
        failed = "false" if kind == "inclusion" else "true"
        found[name] = {"pass": passed, "fail": failed, "not_applicable": passed, "open": WORDS[Truth.U]}[outcome]
    assert found == scenario["truths"], {name: results[name].answer.reason for name in scenario["truths"]}
    if "decision" in scenario:
        assert decision.decision == scenario["decision"], (decision.failed, decision.open)


def test_the_worked_example_of_the_manual_runs():
    page = (Path(__file__).parents[1] / "docs" / "trials.md").read_text(encoding="utf-8")
    block = page.split("```toml\n[trial]")[1].split("```")[0]
    made = read_trial(tomllib.loads("[trial]" + block), "docs/trials.md")
    assert check_trial(made) == []
    assert [case.criterion for case in run_cases(made)] == ["I1"] * 3 + ["E1"] * 4
