"""Any text and any bytes: nothing raises, offsets are exact, words are those of the contract (fuzz/targets.py)."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
targets = pytest.importorskip("fuzz.targets", reason="the fuzz targets are in a checkout only")

from extractor.records import Note  # noqa: E402

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

FRAGMENTS = (
    "ECOG 1", "KPS 80 %", "Platelets 142 K/uL (150-400)", "Hb 9,1 g/dL", "ANC <0.5", "Ki-67 70-80 %", "DLL3 positive",
    "no brain metastases", "mother had breast cancer", "s/p 4 cycles of carboplatin/etoposide", "03/04/2025", "2026-02-31",
    "since March", "T4N2M0", "stage IVB", "\n\nASSESSMENT:\n", "- ", "|", "\t", " was 3 and is now 5", "QTcF 480 ms",
    "LVEF 55%", "BP 120/80", "HBsAg negative", "grade 3 neuropathy", "prednisone 10 mg daily", "65-year-old man",
    "small cell carcinoma", "?", "denies", "if", "planned", "0.6.2", "1,2,3", "1.234.567", "²", "٣", "10^9/L", ">", "(",
    ")", "x 10", "ULN", "2 x", "~", "\u200f", "e\u0301", "\U0001f9ec", "ﬁ", "İ", "ß", "\x00", "\r\n",
)  # fmt: skip
pieces = st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8), st.integers(0, 10**6).map(str))
notes = st.lists(pieces, max_size=24).flatmap(
    lambda parts: st.sampled_from([" ", "", ". ", "\n", ", "]).map(lambda joint: joint.join(parts))
)


@given(notes)
@QUICK
@example("Platelets 142 K/uL (0.6.2-1.2)")
@example("ECOG ²")
@example("1/6/26  2/5/26 0\nT  5bilirubin  0")
def test_facts_of_any_note(text):
    facts = targets.engine().facts(Note("p", "n", targets.DAY, "Clinic", text))
    targets.check(text, facts)


@given(notes, st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)) | st.none())
@QUICK
def test_any_date_of_the_note(text, day):
    targets.check(text, targets.engine().facts(Note("p", "n", day, "Clinic", text)))


@given(notes)
@QUICK
def test_the_same_note_gives_the_same_facts(text):
    note = Note("p", "n", targets.DAY, "Clinic", text)
    assert targets.engine().facts(note) == targets.engine().facts(note)


@given(st.sampled_from(["Seen today.", "Thank you for the referral.", "He lives with his wife."]))
@QUICK
def test_neutral_sentences_around_a_note_change_no_fact(neutral):
    base = "Small cell lung cancer.\n\nPlatelets 142 K/uL. ECOG 1. No brain metastases."
    padded = f"{neutral}\n\n{base}\n\n{neutral}"

    def told(text):
        facts = targets.engine().facts(Note("p", "n", targets.DAY, "Clinic", text))
        return [
            (f.concept, f.value, f.unit, f.assertion, f.experiencer, f.text) for f in facts if f.family != "support"
        ]

    assert told(padded) == told(base)


@given(st.binary(max_size=600))
@QUICK
@example(b"\x00patient_id,note_id,text\na,b,\xff\xfe\n")
@example(b'\x02{"patient_id": 1e999, "note_id": "n", "text": "x"}\n')
@example(b"\x06{\\rtf1\\ansicpg99999\\u99999999?\\'zz")
def test_any_bytes_as_a_file(data):
    targets.readers(data)


ROWS = st.lists(st.lists(st.text(max_size=6) | st.sampled_from(['"', ",", "\n", "2026-01-01"]), min_size=1, max_size=6))


@given(ROWS)
@QUICK
def test_any_rows_under_a_header(rows):
    body = "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")
    targets.readers(b"\x00patient_id,note_id,note_date,note_type,text\n" + body)


@given(st.binary(max_size=400))
@QUICK
def test_any_bytes_as_markup(data):
    targets.markup(data)
