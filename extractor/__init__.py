"""Finds patients for clinical trials in the text that clinicians write.

    nlp   = extractor.load()                                        # the medspaCy pipeline; nlp(text)._.facts
    facts = extractor.extract(notes)                                # DataFrame of notes -> DataFrame of facts
    run   = extractor.evaluate(facts, trial="NCT07016230", notes=notes)
    extractor.qualify(text, [(3, 9)])                               # assertion of any spans

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import dates as dates
    from . import units as units
    from .api import extract as extract
    from .pipeline.assertion import qualify as qualify
    from .pipeline.medspacy_pipeline import load as load
    from .run import screen as screen
    from .trials import evaluate as evaluate

_LAZY = {
    "load": "pipeline.medspacy_pipeline",
    "extract": "api",
    "evaluate": "trials",
    "screen": "run",
    "qualify": "pipeline.assertion",
}
_MODULES = ("units", "dates")
__all__ = ["dates", "evaluate", "extract", "load", "qualify", "screen", "units"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
