"""Where states and derived values are kept by name, so that a trial file can ask for them."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass

from extractor.timeline.chronology import constant
from extractor.timeline.measure import Measure
from extractor.timeline.patient import Nobody, Patient
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
                silence = _silence(name, function, settings) if patient.__class__ is not Nobody else None
                if silence is not None and patient.is_silent_on(silence.concepts, silence.families):
                    found = silence.answer
                else:
                    found = function(patient, settings)
                answers[name] = found
            return found

        STATES[name] = once
        return once

    return keep


@dataclass(frozen=True)
class Silence:
    """What a state says of everyone whose notes hold none of these concepts and families."""

    answer: Answer
    concepts: frozenset[str]
    families: frozenset[str]


def _silence(name: str, function: State, settings: Settings) -> Silence | None:
    """The state's answer for nobody and the facts that it asked for; None where it asks for facts of all kinds."""
    known = settings.silences
    if name not in known:
        nobody = Nobody("", datetime.date(2000, 1, 1))
        answer = function(nobody, settings)
        concepts: set[str] = set()
        families: set[str] = set()
        general = False
        for concept, family, experiencer in nobody.asked:
            general = general or experiencer != "patient" or (concept is None and family is None)
            if isinstance(concept, str):
                concepts.add(concept)
            elif concept is not None:
                concepts.update(concept)
            elif family is not None:
                families.add(family)
        known[name] = None if general else Silence(constant(answer), frozenset(concepts), frozenset(families))
    return known[name]


def _answers(patient: Patient, settings: Settings) -> dict[str, Answer]:
    """States of a patient that were answered under these settings (held beside them, so that no other takes their place)."""
    held = patient.cache.get("states")
    if held is None or held[0] is not settings:
        known = patient.cache.setdefault("states of", {})
        held = known.setdefault(id(settings), (settings, {}))
        patient.cache["states"] = held
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
