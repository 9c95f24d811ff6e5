"""Status and symptoms of brain metastases as a sentence states them (criteria E9)."""

from __future__ import annotations

import re

_TREATED = re.compile(
    r"\b(?:srs|sbrt|wbrt|radiosurg\w*|gamma ?knife|cyberknife|resect\w*|removed|craniotomy|irradiat\w*|radiated|treated|whole[- ]brain|s/p|gy)\b"
)
_ACTIVE = re.compile(r"\b(?:new|progress\w*|grow\w*|enlarg\w*|untreated|increas\w*|active|worsen\w*)\b")
_STABLE = re.compile(r"\b(?:stable|unchanged|no change)\b")
_ASYMPTOMATIC = re.compile(
    r"\basymptomatic|\bno (?:neuro\w*|cns|headache)|\bwithout (?:neuro\w*|symptoms)|\bno symptoms|\bneurologically (?:intact|stable)"
)
_SYMPTOMATIC = re.compile(r"\bsymptomatic|\bheadaches?\b|\bseizures?\b|\bhemiparesis|\bweakness\b|\bataxia|\baphasia")

_DENIED = re.compile(r"\b(?:no|not|never|without|denies|denied)\b[^.;]{0,30}$")


def brain_attributes(context: str) -> dict[str, str]:
    """Status and symptoms of brain metastases as the sentence states them.

    >>> brain_attributes("brain mets, s/p srs, asymptomatic")
    {'status': 'treated', 'symptomatic': 'no'}
    """
    found: dict[str, str] = {}
    if re.search(r"\buntreated\b", context):
        found["status"] = "active"
    elif _TREATED.search(context):
        found["status"] = "treated"
    elif _ACTIVE.search(context):
        found["status"] = "active"
    elif _STABLE.search(context):
        found["status"] = "stable"
    if _ASYMPTOMATIC.search(context):
        found["symptomatic"] = "no"
    elif any(not _DENIED.search(context, 0, match.start()) for match in _SYMPTOMATIC.finditer(context)):
        found["symptomatic"] = "yes"
    return found
