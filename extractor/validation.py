"""Writes ``docs/validation.md``: what the package is for, what it scores, and where it is known to err.

    python -m extractor.validation                 # writes docs/validation.md of this checkout
    python -m extractor.validation --out PAGE.md

Every number on the page is measured when the page is written: the golden notes family by family, the trial file's own
cases and the demo patients criterion by criterion. The same code and data give the same page.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import __version__
from .errors import ExtractorError, InputError
from .scoring_record import GOLDEN, compare, golden, read, summary

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "corpora" / "demo"
TRIAL = "NCT07016230"


@dataclass(frozen=True)
class Agreement:
    """Answers of one criterion that were checked, and how many agree with what was expected."""

    criterion: str
    outcomes: tuple[tuple[str, int], ...]  # expected outcome, count
    right: int

    @property
    def asked(self) -> int:
        return sum(count for _, count in self.outcomes)


INTENDED = """## What it is for

`extractor` is a prescreening aid. It reads the notes of many patients, shows which of them may fit a trial, why, and with
which words of which note, and asks for the fact that would settle the rest. It never decides enrolment: the strongest
word it has is *candidate*, never "eligible". Whoever enrols reads the chart and takes the consent.

| it may be used to | it must not be used to |
| --- | --- |
| put charts in the order in which a study nurse reads them | include or refuse a patient without a reading of the chart |
| show the evidence of each criterion in its sentence | replace the investigator's, the pathologist's or the radiologist's judgement |
| say which fact is missing, and when a waiting time ends | decide treatment, dose or follow-up |
| count how many patients each criterion removes | report laboratory values or adverse events to a sponsor |

An answer that rests on silence is marked `presumed`; a value out of its window leaves its criterion `open`. A patient who
is not shown as a candidate may still be one: *potential-candidate* and *ineligible-for-now* are lists to be read too.
"""

LIMITS = """## Limits that are known

- The golden notes are no held-out test. They were marked by reading first; the engine's differences were then read, facts
  that the reader had overlooked were added to the gold, and rules were mended. Before any rule was mended the F1 of all
  families was 0.937 (1,091 facts). Expect a new site's notes to score nearer to that than to the table above.
- The golden notes are synthetic and were written by the people who wrote the rules. They show that the engine does what
  its authors meant; a site measures its own notes before it relies on the numbers (`extractor score GOLD FACTS`, gold in
  JSON Lines, brat or Label Studio form).
- Text recognition errors inside a name (a digit one for a letter i, a joined or split word) lose the name; inside a stain's
  sign they can turn it round. Scanned pathology is read by a person.
- English is what most rules were made for. French reports are read for laboratory values, stains, drugs and the common
  conditions; sentences of plan, response and family in French are read in part.
- A table that has lost its columns (values without names, comma-separated rows, a trend of dates and values in one line)
  can lose values; they are not guessed.
- A cue of doubt or denial reaches as far as its clause. Long sentences that list one thing as certain and the next as
  possible, lists after a heading of negatives, and relatives who are named a sentence earlier are the usual errors.
- A fact that stands in no note is not known. Absence policies (`presumed`) are set in the trial file, and can be changed.
- Scans, pictures, flowsheets and structured orders are not read; bring their values as text or check them in the chart.
- Numbers are checked against what is possible for their analyte, not against what is probable for the patient.
"""


def cases(trial: str = TRIAL) -> list[Agreement]:
    """The trial file's own cases, by criterion."""
    from .trials.check import run_cases
    from .trials.trialfile import load_trial

    return _agreements((c.criterion, str(c.expected), c.found == c.expected) for c in run_cases(load_trial(trial)))


def demo(folder: Path = DEMO, trial: str = TRIAL) -> tuple[list[Agreement], dict[str, int]]:
    """The demo patients' promised answers by criterion (and decision, and cohort), and patients by decision."""
    import pandas as pd

    from .run import screen

    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    dates = {p: datetime.date.fromisoformat(case["index_date"]) for p, case in expected.items()}
    with tempfile.TemporaryDirectory() as out:
        screen(folder / "notes.csv", trial=trial, out=out, index_date=dates, workers=1)
        patients = pd.read_parquet(Path(out) / "patients.parquet").set_index("patient_id")
        criteria = pd.read_parquet(Path(out) / "criteria.parquet").set_index(["patient_id", "criterion_id"])
    answers = []
    for patient, case in expected.items():
        for name, want in case["expect"].items():
            of_patient = name in patients.columns
            found = patients.loc[patient, name] if of_patient else criteria.loc[(patient, name), "outcome"]
            answers.append((name, want, found == want))
    return _agreements(answers), dict(sorted(Counter(patients["decision"]).items()))


def _agreements(answers: Iterable[tuple[str, str, bool]]) -> list[Agreement]:
    outcomes: dict[str, Counter[str]] = {}
    right: Counter[str] = Counter()
    for criterion, want, agrees in answers:
        outcomes.setdefault(criterion, Counter())[want] += 1
        right[criterion] += agrees
    return [Agreement(name, tuple(sorted(counts.items())), right[name]) for name, counts in outcomes.items()]


def page(
    scores: dict[str, Any], own: Sequence[Agreement], shown: Sequence[Agreement], decisions: dict[str, int]
) -> str:
    """The page of Markdown."""
    parts = [
        f"# Validation of extractor {__version__}\n\nWritten by `python -m extractor.validation`; not edited by hand.\n",
        INTENDED,
        _facts(scores),
        f"## Criteria of {TRIAL}: the trial file's own cases\n\nEach case states facts and states of a patient and the outcome"
        " that the protocol asks for; no text is read.\n\n" + _criteria(own),
        "## Demo patients: from notes to answers\n\n"
        + "Patients by decision: "
        + ", ".join(f"{name} {count}" for name, count in decisions.items())
        + ". Each patient promises the answers that the change in the chart is about.\n\n"
        + _criteria(shown),
        LIMITS,
    ]
    return "\n".join(parts)


def _facts(scores: dict[str, Any]) -> str:
    lines = [
        "## Facts: the golden notes\n",
        f"{scores['documents']} synthetic notes of thirteen kinds (case reports, pathology, radiology, clinic notes, laboratory tables,"
        " infusion and nursing notes, discharge summaries, dictated letters, French reports, telephone notes, numbers in the spellings of ten languages, tumours in five languages, traps), marked by"
        " reading before the engine saw them. A fact counts as found where concept, assertion, experiencer, value, comparator"
        " and category agree. The record is `corpora/golden/scores.json`; a family may not fall below it.\n",
        "| family | facts | precision | recall | F1 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in [*scores["families"].items(), ("**all**", scores["all"])]:
        numbers = " | ".join("-" if row[k] is None else f"{row[k]:.3f}" for k in ("precision", "recall", "f1"))
        lines.append(f"| {name} | {row['n']} | {numbers} |")
    return "\n".join(lines) + "\n"


def _criteria(rows: Sequence[Agreement]) -> str:
    lines = ["| criterion | answers asked for | right | of |", "| --- | --- | ---: | ---: |"]
    for row in rows:
        asked = ", ".join(f"{name} {count}" for name, count in row.outcomes)
        lines.append(f"| {row.criterion} | {asked} | {row.right} | {row.asked} |")
    lines.append(f"| **all** | | {sum(r.right for r in rows)} | {sum(r.asked for r in rows)} |")
    return "\n".join(lines) + "\n"


def write(out: Path) -> None:
    """Measure everything and write the page."""
    from .pipeline.engine import Engine

    if not GOLDEN.is_dir() or not DEMO.is_dir():
        raise InputError(
            "validation: corpora/golden and corpora/demo are not here (expected a checkout of the project)"
        )
    documents = golden()
    scores = summary(compare(documents, read(documents, Engine())))
    shown, decisions = demo()
    out.write_text(page(scores, cases(), shown, decisions), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m extractor.validation", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "validation.md")
    write(parser.parse_args(arguments).out)
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except ExtractorError as problem:
        print(f"extractor: {problem}", file=sys.stderr)
        raise SystemExit(problem.exit_code) from None
