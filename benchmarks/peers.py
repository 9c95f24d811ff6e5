"""Notes a CPU second on one core, beside stock medspaCy and EDS-NLP, over the same notes in one run.

    python -m benchmarks.peers [--notes 40] [--edsnlp PYTHON]

PYTHON is the interpreter of an environment in which EDS-NLP is installed (its releases want another spaCy than
medspaCy does); without it EDS-NLP is left out. medspaCy finds mentions, assertion and sections; EDS-NLP also dates and
quantities; the extractor does its whole reading.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import charts, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=40)
    parser.add_argument("--edsnlp", metavar="PYTHON", help="interpreter of an environment with EDS-NLP")
    options = parser.parse_args()
    texts = [notes.note(seed) for seed in range(options.notes)]
    rates = {"stock medspaCy": _rate(_medspacy(), texts)}
    if options.edsnlp:
        version, rate = _edsnlp(options.edsnlp, texts)
        rates[f"EDS-NLP {version}"] = rate
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


def _edsnlp(python: str, texts: list[str]) -> tuple[str, float]:
    """Version of EDS-NLP and its notes a CPU second, measured by that interpreter."""
    script = Path(__file__).with_name("edsnlp_peer.py")
    given = json.dumps({"texts": texts, "names": _names()})
    done = subprocess.run([python, str(script)], input=given, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return answer["version"], answer["notes_per_cpu_second"]


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
