"""Trials: the rule language, the trial file, evaluation in three values, decision and next question.

    run = evaluate(facts, trial="NCT07016230", notes=notes)
    run.criteria, run.patients, run.attrition, run.policies_used
    check()                                                # schema and test cases of every shipped trial

No NLP is imported here.
"""

from extractor.trials.check import check, check_trial
from extractor.trials.run import Run, evaluate, evaluate_patient, evaluate_patients
from extractor.trials.trialfile import Trial, load_trial, shipped

load = load_trial

__all__ = [
    "Run",
    "Trial",
    "check",
    "check_trial",
    "evaluate",
    "evaluate_patient",
    "evaluate_patients",
    "load",
    "load_trial",
    "shipped",
]
