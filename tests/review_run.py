"""A small screened run for the tests of the review: three patients, one whose notes try to be markup and formulas."""

from __future__ import annotations

import csv
from pathlib import Path

TRIAL = "NCT07016230"
HOSTILE = "<script>alert('x')</script>"
CONSULT = """MEDICAL ONCOLOGY CONSULTATION
History: 61-year-old man with extensive-stage small cell lung cancer.
{extra}
Oncologic History: carboplatin and etoposide x4 cycles, last dose 10/20/2025. Progression on CT 12/30/2025.
Examination: ECOG {ecog}. No brain metastases.
Labs: platelets {platelets} K/uL, hemoglobin 11.2 g/dL.
"""
NOTES = [
    ("R-1", "R-1-a", "2026-02-20", CONSULT.format(extra="Feels well.", ecog=1, platelets=180)),
    ("R-1", "R-1-b", "2026-02-24", "Brief visit. ECOG 2 today. Cannot exclude brain metastases.\n"),
    ("=R+2", "R-2-a", "2026-02-20", CONSULT.format(extra=f"{HOSTILE} & \"quoted\" </pre><img src=x onerror=y>", ecog=1, platelets=90)),
    ("R-3", "R-3-a", "2026-02-20", "Carcinoid tumor of the appendix, well differentiated. ECOG 0.\n"),
]  # fmt: skip


def write_notes(path: Path, notes: list[tuple[str, str, str, str]] = NOTES) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("patient_id", "note_id", "note_date", "note_type", "text"))
        writer.writerows((patient, note, day, "Consultation", text) for patient, note, day, text in notes)
    return path


def screened(folder: Path, notes: list[tuple[str, str, str, str]] = NOTES) -> Path:
    """Screens the notes into ``folder/run``; the run's path."""
    from extractor.run import screen

    folder.mkdir(parents=True, exist_ok=True)
    path = write_notes(folder / "notes.csv", notes)
    screen(path, trial=TRIAL, out=folder / "run", index_date="2026-03-02", workers=1)
    return folder / "run"
