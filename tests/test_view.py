"""Marks that nobody sees and accents of their own: the same facts, and offsets that fit the note as it was written."""

from __future__ import annotations

import datetime
import textwrap
import unicodedata
from functools import lru_cache
from itertools import pairwise

import pytest

from extractor.pipeline.view import calm, composed, unwrapped
from extractor.records import Fact, Note

DAY = datetime.date(2026, 3, 16)


@lru_cache(maxsize=1)
def engine():
    from extractor.pipeline.engine import Engine

    return Engine()


def facts(text: str) -> list[Fact]:
    found = engine().facts(Note("p", "n", DAY, "Clinic", text))
    for fact in found:
        assert text[fact.start : fact.end] == fact.text
    return found


def told(text: str) -> list[tuple[object, ...]]:
    return [(f.concept, f.value, f.unit, f.value_text, f.assertion) for f in facts(text)]


@pytest.mark.parametrize("mark", ["\u200f", "\u200e", "\u202c", "\u2069", "\u200b", "\u2060", "\ufeff", "\x00", "\x07"])
@pytest.mark.parametrize(
    "text", ["Platelets: 142 K/uL, ECOG 1", "Hb 9.1 g/dL; Ki-67 70 %", "No brain metastases, QTcF 480 ms"]
)
def test_an_unseen_mark_behind_or_before_a_word_costs_no_fact(text, mark):
    plain = told(text)
    assert len(plain) >= 2
    words = text.split(" ")
    for place in range(len(words)):
        behind = [*words[:place], words[place] + mark, *words[place + 1 :]]
        before = [*words[:place], mark + words[place], *words[place + 1 :]]
        assert told(" ".join(behind)) == told(" ".join(before)) == plain
    assert told(mark.join(["", *words, ""])) == plain


@pytest.mark.parametrize(
    "text",
    ["Pas de métastases cérébrales. Créatinine 88 µmol/L.", "Hémoglobine 9,1 g/dL, plaquettes 142 G/L.",
     "Mère : cancer du sein. Sténose. ECOG 1."],
)  # fmt: skip
def test_accents_of_their_own_are_read_like_those_of_a_letter(text):
    apart = unicodedata.normalize("NFD", text)
    assert len(apart) > len(text)
    assert told(apart) == told(text) != []
    assert [unicodedata.normalize("NFC", f.text) for f in facts(apart)] == [f.text for f in facts(text)]


def test_a_soft_hyphen_inside_a_word_divides_nothing():
    text = "Plate\u00adlets 142 K/uL, carbo\u00adplatin."
    assert told(text) == told("Platelets 142 K/uL, carboplatin.")
    assert [f.text for f in facts(text)] == ["Plate\u00adlets 142 K/uL", "carbo\u00adplatin"]


@pytest.mark.parametrize(
    "text",
    ["", "plain", "e\u0301", "ae\u0301\u0323b", "x\u0301y", "\u0301a", "so\u00adft\u00ad", "e" + "\u0301" * 20 + "f"],
)
def test_places_lead_back_to_the_note(text):
    view, places = composed(text)
    places = list(range(len(text) + 1)) if places is None else places
    assert len(places) == len(view) + 1
    assert places[-1] == len(text) and places[:1] == [0]
    assert all(a < b for a, b in pairwise(places))
    kept = [c for c in view if c.isascii()]
    assert kept == [text[p] for p, c in zip(places, view, strict=False) if c.isascii()]


def test_the_view_is_as_long_as_its_text():
    text = "a\u200f \x00" + " " * 400 + "\ufeffz"
    assert len(calm(text)) == len(text)
    assert calm(text)[0] == "a" and calm(text)[-1] == "z"


def test_the_medspacy_pipeline_stands_on_the_words_of_the_note():
    import extractor
    from extractor.pipeline import medspacy_pipeline

    text = unicodedata.normalize(
        "NFD", "ANTÉCÉDENTS :\nPas de métastases cérébrales. Créatinine 88 µmol/L.\u200f ECOG 1."
    )
    note = Note("p", "n", DAY, "Clinic", text)
    doc = medspacy_pipeline.read(extractor.load(), note)
    assert list(doc._.facts) == engine().facts(note)
    assert {"ECOG", "Créatinine"} <= {unicodedata.normalize("NFC", s.text) for s in doc.spans["medspacy_spans"]}
    cues = [doc[first : last + 1].text for first, last in (m.modifier_span for m in doc._.context_graph.modifiers)]
    assert [cue.split()[0] for cue in cues] == ["Pas"]


LAID_OUT = """Seen in clinic 16 March 2026, ECOG 1, no brain metastases.

Labs 3/14/2026:
Hgb      9.1 g/dL
Plt      142 K/uL
Takes prednisone 20 mg daily for his pneumonitis since February 2026."""


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n".join("    " + line for line in text.split("\n")),
        lambda text: text.replace("\n\n", "\n \t\n"),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace("prednisone 20 mg", "prednisone  20  mg").replace("brain metastases", "brain  metastases"),
    ],
    ids=["lines ended by two characters", "a margin", "blanks on an empty line", "hard blanks", "wide blanks in a sentence"],
)
def test_the_layout_of_an_export_changes_no_fact(change):
    dated = [(*told, f.date_start) for told, f in zip(told(LAID_OUT), facts(LAID_OUT), strict=True)]
    changed = change(LAID_OUT)
    assert [(*told, f.date_start) for told, f in zip(told(changed), facts(changed), strict=True)] == dated
    assert len(dated) >= 6


def test_columns_two_blanks_apart_stay_columns():
    text = "Drug  Dose  Start\nprednisone  20 mg  3/1"
    assert composed(text) == (text, None)


def test_a_note_wrapped_at_a_width_is_read_as_it_was_written():
    line = (
        "Small cell lung cancer was diagnosed in 10/2025 and he was treated with carboplatin, etoposide and atezolizumab from "
        "November 3, 2025, with the last cycle on January 20, 2026; the scan of February 12, 2026 showed progression in the "
        "liver. He denies any history of autoimmune disease, interstitial lung disease, stroke or myocardial infarction."
    )
    plain = [(*told, f.date_start) for told, f in zip(told(line), facts(line), strict=True)]
    wrapped = textwrap.fill(line, 72)
    assert wrapped.count("\n") > 3
    assert [(*told, f.date_start) for told, f in zip(told(wrapped), facts(wrapped), strict=True)] == plain
    assert len(plain) >= 9


def test_a_note_without_capitals_is_read_like_one_with_them():
    text = "62M with small cell lung cancer. PD in liver 1/2026, then RT to the chest.\nNo TIA. T 37.1, K 4.2, ALP 96. ECOG 1."
    assert told(text.lower()) == told(text)
    assert len(told(text)) >= 9


@pytest.mark.parametrize(
    "text",
    [
        "Labs\n" + "\n".join(f"- item number {n} of a list whose lines are all of about this very length" for n in range(6)),
        "\n".join(["One line that is longer than any terminal would ever have let it be, " * 3] * 5),
        "Short\nlines\nonly\nhere",
        "Prednisone 20 mg tablet, one by mouth every morning with food for his lungs\nApixaban 5 mg tablet, one by mouth twice a day\n"
        "Levothyroxine 75 mcg tablet, one by mouth in the morning on an empty stomach\nOmeprazole 20 mg capsule, one before breakfast\n"
        "Trimethoprim-sulfamethoxazole double strength, one tablet three times a week\nAcetaminophen 500 mg, one or two as needed for pain\n"
        "Ondansetron 8 mg tablet that dissolves, one every eight hours when nauseated\nSenna 8.6 mg, two tablets at bedtime when needed",
    ],
)
def test_lines_that_were_not_wrapped_stay(text):
    assert unwrapped(text) == text
