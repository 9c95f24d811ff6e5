"""Windows and policies of a trial, with the defaults of NCT07016230 so that the timeline can be used alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

#: Days before the index date inside which a finding counts; months where the key ends in ``_months``.
#: Source: clinical specification, "windows"; T = printed in the trial, J = judgement of the clinical owner.
DEFAULT_WINDOWS: Mapping[str, int] = {
    "labs_i11": 21,  # T
    "transfusion_gcsf": 14,  # T
    "ecog": 28,  # J
    "spo2": 28,  # J
    "imaging_lesions": 42,  # J
    "brain_imaging": 42,  # J
    "chest_ct": 42,  # J
    "ecg": 28,  # J
    "lvef_months": 6,  # J
    "toxicity": 28,  # J
    "pregnancy_test": 28,  # J
    "serology": 28,  # T
    "hiv_viral_load_months": 6,  # J
    "infection": 7,  # T
    "covid": 14,  # T
    "weight_for_cg": 30,  # J
    "weight_for_cg_review": 90,  # J: usable with R12
    "onc_full": 90,  # J
    "pmh_months": 12,  # J
    "ros_exam": 28,  # J
    "ros_exam_infection": 7,  # J
    "medication_list": 14,  # J
}

#: Switches for what the protocol leaves open; the value is the safe default.
DEFAULT_POLICIES: Mapping[str, str] = {
    "A-0": "1.5",
    "A-1": "literal",
    "A-2": "five_half_lives",
    "A-3": "pass_with_review",
    "A-4": "latest_metastatic_else_any_with_review",
    "A-5": "unknown",
    "A-6": "counts",
    "A-7": "accept_with_review",
    "A-8": "unknown",
    "A-9": "unknown",
    "A-10": "attestation_show_longer",
    "A-11": "unknown_with_review",
    "A-12": "literal",
    "A-13": "whole_list",
    "A-14": "3",
    "A-15": "unknown_when_field_unknown",
    "A-16": "unknown_with_review",
    "A-17": "i11_and_e20_prevail",
    "A-18": "unknown_with_review",
    "A-19": "second_sentence_defines",
    "A-20": "borderline_histology",
    "A-21": "parent",
    "A-24": "as_printed",
    "A-25": "pass_with_review",
}


@dataclass(frozen=True)
class Settings:
    """What a trial file sets; missing keys fall back on the defaults above.

    >>> Settings().window("ecog"), Settings(windows={"ecog": 14}).window("ecog")
    (28, 14)
    >>> Settings().policy("A-1_washout_policy")
    'literal'
    """

    policies: Mapping[str, Any] = field(default_factory=dict)
    windows: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _known(self) -> dict[tuple[str, str], Any]:
        """What was already asked for: every patient asks for the same."""
        return {}

    @cached_property
    def silences(self) -> dict[str, Any]:
        """What each state says of a patient whose notes say nothing of it (kept by ``registry``)."""
        return {}

    def policy(self, name: str) -> str:
        """Value of a policy switch; ``A-1_washout_policy`` and ``A-1`` are the same switch."""
        key = ("policy", name)
        if key not in self._known:
            self._known[key] = self._policy(name)
        return self._known[key]

    def _policy(self, name: str) -> str:
        for given, value in self.policies.items():
            if given.split("_")[0] == name.split("_")[0]:
                return str(value["value"] if isinstance(value, Mapping) and "value" in value else value)
        return str(DEFAULT_POLICIES[name.split("_")[0]])

    def window(self, name: str) -> int:
        """Length of a window: days, or calendar months where the name ends in ``_months``."""
        key = ("window", name)
        if key not in self._known:
            self._known[key] = self._window(name)
        return self._known[key]

    def _window(self, name: str) -> int:
        value = self.windows.get(name, DEFAULT_WINDOWS.get(name))
        if value is None:
            raise KeyError(f"window: expected one of {', '.join(sorted(DEFAULT_WINDOWS))}, found {name!r}")
        return int(value["days"] if isinstance(value, Mapping) else value)
