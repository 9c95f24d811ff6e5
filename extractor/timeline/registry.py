"""Where states and derived values are kept by name, so that a trial file can ask for them."""

from __future__ import annotations

import functools
from collections.abc import Callable

from extractor.timeline.measure import Measure
from extractor.timeline.patient import Patient
from extractor.timeline.settings import Settings
from extractor.truth import Answer

State = Callable[..., Answer]
Derived = Callable[..., "Measure | None"]

#: name → ``(patient, settings) -> Answer``: a sentence about the patient that is true, false or unknown
STATES: dict[str, State] = {}
#: name → ``(patient, settings) -> Measure | None``: a number with its interval; None where nothing is known
DERIVED: dict[str, Derived] = {}


def state(name: str) -> Callable[[State], State]:
    """Register a state; two states of one name are a programming error.

    It is answered once for each patient and settings: rules, the cohort and other states ask for the same ones.
    """

    def keep(function: State) -> State:
        if name in STATES:
            raise ValueError(f"state {name!r} is defined twice")

        @functools.wraps(function)
        def once(patient: Patient, settings: Settings) -> Answer:
            answers = _answers(patient, settings)
            found = answers.get(name)
            if found is None:
                found = answers[name] = function(patient, settings)
            return found

        STATES[name] = once
        return once

    return keep


def _answers(patient: Patient, settings: Settings) -> dict[str, Answer]:
    """States of a patient that were answered under these settings (held beside them, so that no other takes their place)."""
    key = ("states", id(settings))
    held = patient.cache.get(key)
    if held is None:
        held = patient.cache[key] = settings, {}
    return held[1]


def derived(name: str) -> Callable[[Derived], Derived]:
    """Register a derived value."""

    def keep(function: Derived) -> Derived:
        if name in DERIVED:
            raise ValueError(f"derived value {name!r} is defined twice")
        DERIVED[name] = function
        return function

    return keep


__all__ = ["DERIVED", "STATES", "Patient", "derived", "state"]
