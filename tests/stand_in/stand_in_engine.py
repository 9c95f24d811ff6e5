"""An engine for tests of the batch: it finds ``ECOG n``, and fails in the ways that its text names."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import time

from extractor.records import Fact, Note, fact_id


class Engine:
    def __init__(self, *, date_order: str = "auto", overlay: str | None = None) -> None:
        self.date_order = date_order

    def facts(self, note: Note) -> list[Fact]:
        if log := os.environ.get("STAND_IN_LOG"):
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{note.note_id}\n")
        if "KILL-THE-WORKER" in note.text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "RAISE-WITH-TEXT" in note.text:
            raise ValueError(note.text)
        if "EXHAUST-MEMORY" in note.text:
            raise MemoryError(note.text)
        if "NEVER-END" in note.text:
            time.sleep(600)
        if "RUNAWAY" in note.text:  # an expression that gives no signal handler a turn: the watch has to end it
            re.match(r"(?:a|aa)+b", "a" * 60)
        if "SLOWLY" in note.text:
            time.sleep(0.02)
        return [_fact(note, match) for match in re.finditer(r"ECOG (\d)", note.text)]


def _fact(note: Note, match: re.Match[str]) -> Fact:
    support = note.note_type == "support"
    return Fact(
        fact_id=fact_id(note.note_id, match.start(), match.end(), "ecog"),
        patient_id=note.patient_id,
        note_id=note.note_id,
        note_date=note.note_date,
        note_type=note.note_type,
        family="support" if support else "performance",
        concept="ecog",
        code="",
        value=float(match[1]),
        value_high=None,
        comparator="=",
        unit=None,
        value_as_written=match[1],
        unit_as_written=None,
        value_text=None,
        ref_low=None,
        ref_high=None,
        assertion="present",
        experiencer="patient",
        temporality="current",
        date_start=note.note_date,
        date_end=note.note_date,
        date_precision="note",
        attributes={},
        section=None,
        copied_from=None,
        start=match.start(),
        end=match.end(),
        text=match[0],
        rule_id="stand_in",
        sentence_sha=hashlib.sha256(match[0].encode()).hexdigest(),
    )


class Broken:
    """An engine that cannot be built, with note-like words in its message."""

    def __init__(self, *, date_order: str = "auto", overlay: str | None = None) -> None:
        raise RuntimeError("SECRETWORD in a message")
