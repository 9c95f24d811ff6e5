"""Where states and derived values are kept by name, so that a trial file can ask for them."""

from __future__ import annotations

from collections.abc import Callable

from extractor.timeline.measure import Measure
from extractor.timeline.patient import Patient
from extractor.truth import Answer

State = Callable[..., Answer]
Derived = Callable[..., "Measure | None"]

#: name → ``(patient, settings) -> Answer``: a sentence about the patient that is true, false or unknown
STATES: dict[str, State] = {}
#: name → ``(patient, settings) -> Measure | None``: a number with its interval; None where nothing is known
DERIVED: dict[str, Derived] = {}


def state(name: str) -> Callable[[State], State]:
    """Register a state; two states of one name are a programming error."""

    def keep(function: State) -> State:
        if name in STATES:
            raise ValueError(f"state {name!r} is defined twice")
        STATES[name] = function
        return function

    return keep


def derived(name: str) -> Callable[[Derived], Derived]:
    """Register a derived value."""

    def keep(function: Derived) -> Derived:
        if name in DERIVED:
            raise ValueError(f"derived value {name!r} is defined twice")
        DERIVED[name] = function
        return function

    return keep


__all__ = ["DERIVED", "STATES", "Patient", "derived", "state"]
