"""Notes a CPU second on one core, beside stock medspaCy (and EDS-NLP where it is installed), over the same notes in one run.

    python -m benchmarks.peers [--notes 40]

The peers find mentions and their assertion; they read no value, unit or date. The extractor does its whole reading.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Callable

from benchmarks import charts, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=40)
    options = parser.parse_args()
    texts = [notes.note(seed) for seed in range(options.notes)]
    rates = {"stock medspaCy": _rate(_medspacy(), texts)}
    try:
        rates["EDS-NLP"] = _rate(_edsnlp(), texts)
    except ModuleNotFoundError:
        print("EDS-NLP is not installed: left out (pip install edsnlp)")
    rates["extractor"] = _rate(_extractor(), texts * 5)
    ratio = round(rates["extractor"] / rates["stock medspaCy"], 1)
    notes.keep("peers", {"notes_per_cpu_second": rates, "ratio_to_medspacy": ratio})
    charts.bars(notes.RESULTS / "peers.svg", "Notes a second on one core (3,400 characters)", rates, "notes/s")


def _rate(read: Callable[[str], object], texts: list[str]) -> float:
    for text in texts[:3]:
        read(text)
    began = time.process_time()
    for text in texts:
        read(text)
    return round(len(texts) / (time.process_time() - began), 1)


def _medspacy() -> Callable[[str], object]:
    from loguru import logger

    logger.disable("PyRuSH")
    import medspacy
    from medspacy.ner import TargetRule

    nlp = medspacy.load()
    nlp.add_pipe("medspacy_sectionizer")
    nlp.get_pipe("medspacy_target_matcher").add([TargetRule(name, "NAME") for name in _names()])
    return nlp


def _edsnlp() -> Callable[[str], object]:
    import edsnlp
    import edsnlp.pipes as eds

    nlp = edsnlp.blank("eds")
    nlp.add_pipe(eds.sentences())
    nlp.add_pipe(eds.matcher(terms={"name": _names()}, attr="LOWER"))
    nlp.add_pipe(eds.negation())
    nlp.add_pipe(eds.dates())
    return nlp


def _names() -> list[str]:
    """600 names of the package's own patterns."""
    from extractor import patterns

    names = sorted({name for concept in patterns.load().concepts for name in concept.names})
    return names[:: max(1, len(names) // 600)][:600]


def _extractor() -> Callable[[str], object]:
    from extractor.pipeline.engine import Engine
    from extractor.records import Note

    engine = Engine()
    return lambda text: engine.facts(Note("p", "n", datetime.date(2025, 12, 1), "Progress note", text))


if __name__ == "__main__":
    main()
