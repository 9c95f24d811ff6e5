"""The record of the golden notes: what the engine scores there, family by family. It may only rise.

    python -m extractor.scoring_record              # the scores of now, beside the record
    python -m extractor.scoring_record --write      # write them down, where no family fell
    python -m extractor.scoring_record --errors 40  # the first 40 differences, as places

The golden notes (``corpora/golden``) are synthetic; each was marked by reading before the engine saw it. Where the
engine is wrong the gold stays right and the error is counted, so the record says honestly what is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .errors import ExtractorError, InputError
from .records import SUPPORT, Fact, Note
from .scoring import GoldDocument, Report, Tally, read_gold, score

GOLDEN = Path(__file__).resolve().parents[1] / "corpora" / "golden"
RECORD = "scores.json"
#: the date of every golden note: none of them gives one to the engine
NOTE_DATE = datetime.date(2025, 10, 15)
#: treatments whose drug is not named are no gold
UNNAMED = frozenset({"chemotherapy", "immunotherapy", "hormone_therapy"})
#: concepts whose ``value_text`` is a name in free words: that they are found counts, not how they are called
FREE_NAMES = frozenset(
    [
        "surgery",
        "other_malignancy",
        "active_infection",
        "hypersensitivity",
        "other_autoimmune",
        "psychiatric_disorder",
        "other_toxicity",
        "immune_related_ae",
        "paraneoplastic_syndrome",
        "substance_use",
        "tnm",
        "antibiotic",
        "contraception",
        "treatment_refusal",
        "live_vaccine",
        "antiretroviral",
    ]
)
#: F1 is kept to this many digits; a fall smaller than the last one is none
DIGITS = 4


def golden(folder: Path = GOLDEN) -> list[GoldDocument]:
    """The golden notes of all ``*.jsonl`` of the folder, in the order of their files."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise InputError(f"{folder.name}: no golden notes (*.jsonl) in the folder")
    return [document for path in files for document in read_gold(path)]


def read(documents: Iterable[GoldDocument], engine: Any) -> dict[str, list[Fact]]:
    """What the engine finds in each document: its vocabulary facts, by document."""
    found = {}
    for document in documents:
        facts = engine.facts(Note("golden", document.id, NOTE_DATE, "note", document.text))
        found[document.id] = [fact for fact in facts if fact.family != SUPPORT]
    return found


def compare(documents: Sequence[GoldDocument], found: dict[str, list[Fact]]) -> Report:
    """Score facts against the gold; names in free words are not compared, unnamed treatments are left out."""
    from .api import frame_of

    gold = [
        dataclasses.replace(d, facts=tuple(_without_name(f) for f in d.facts if f["concept"] not in UNNAMED))
        for d in documents
    ]
    frame = frame_of(fact for facts in found.values() for fact in facts if fact.concept not in UNNAMED)
    frame.loc[frame["concept"].isin(FREE_NAMES), "value_text"] = None
    return score(gold, frame)


def _without_name(fact: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in fact.items() if k != "value_text"} if fact["concept"] in FREE_NAMES else fact


def summary(report: Report) -> dict[str, Any]:
    """The record as it is written: documents, and n, precision, recall and F1 of each family and of all."""
    families = {name: _row(tally) for name, tally in sorted(report.families.items())}
    return {"documents": report.documents, "families": families, "all": _row(report.micro)}


def _row(tally: Tally) -> dict[str, float | int | None]:
    row: dict[str, float | int | None] = {"n": tally.tp + tally.fn}
    for name in ("precision", "recall", "f1"):
        value = getattr(tally, name)
        row[name] = None if math.isnan(value) else round(value, DIGITS)
    return row


def falls(record: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The families whose F1 is below the record, each as one line.

    >>> falls({"families": {"lab": {"f1": 0.9}}}, {"families": {"lab": {"f1": 0.8}}})
    ['lab: F1 0.8, record 0.9']
    """
    lines = []
    for family, kept in record["families"].items():
        f1 = now["families"].get(family, {}).get("f1")
        if kept["f1"] is not None and (f1 is None or f1 < kept["f1"]):
            lines.append(f"{family}: F1 {f1}, record {kept['f1']}")
    return lines


def table(now: dict[str, Any], record: dict[str, Any] | None) -> str:
    """Scores of now beside the record's F1."""
    lines = [f"{'':16}{'n':>6}{'P':>8}{'R':>8}{'F1':>8}{'record':>8}"]
    rows = [*now["families"].items(), ("all", now["all"])]
    for name, row in rows:
        kept = record or {"families": {}, "all": {}}
        old = (kept["all"] if name == "all" else kept["families"].get(name, {})).get("f1")
        cells = "".join(
            f"{'-' if v is None else f'{v:.3f}':>8}" for v in (row["precision"], row["recall"], row["f1"], old)
        )
        lines.append(f"{name:16}{row['n']:>6}{cells}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m extractor.scoring_record", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=GOLDEN)
    parser.add_argument("--write", action="store_true", help="write the record; refused where a family fell")
    parser.add_argument("--gold-changed", action="store_true", help="with --write: the notes changed, falls are taken")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="the first N differences, without words")
    chosen = parser.parse_args(arguments)
    from .pipeline.engine import Engine

    documents = golden(chosen.folder)
    report = compare(documents, read(documents, Engine()))
    now, path = summary(report), chosen.folder / RECORD
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    print(table(now, record))
    for kind, document, fact in report.errors[: chosen.errors]:
        print(f"{kind:9}{document}: {fact['concept']} at [{int(fact['start'])}, {int(fact['end'])})")
    fallen = falls(record, now) if record else []
    for line in fallen:
        print(f"fell: {line}")
    if fallen and not (chosen.write and chosen.gold_changed):
        return 1
    if chosen.write:
        path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except ExtractorError as problem:
        print(f"extractor: {problem}", file=sys.stderr)
        raise SystemExit(problem.exit_code) from None
