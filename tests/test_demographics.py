"""Age and sex of the patient, never of a relative or of an earlier time."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return [f for f in facts if f.family == "demographic"]


CASES = {
    "small numbers in words": ("A nine-year-old girl.", (9.0, None), "female"),
    "years and months": ("An 8 year 3 month old boy.", (8.25, None), "male"),
    "of years": ("A man of 34 years.", (34.0, None), "male"),
    "hyphen of another width": ("A 34\u2010year\u2010old man.", (34.0, None), "male"),
    "gestational age": ("Born at a gestational age of 34 + 6 weeks.", None, None),
    "en dash": ("An 84–year–old woman.", (84.0, None), "female"),
    "smoking woman": ("A 66-year-old ex-smoking woman with SCLC.", (66.0, None), "female"),
    "letters": ("68 y.o. F with ES-SCLC", (68.0, None), "female"),
    "glued": ("68yoM with COPD.", (68.0, None), "male"),
    "gentleman": ("This is a pleasant 71-year-old gentleman.", (71.0, None), "male"),
    "adjectives": ("A 62-year-old previously healthy, non-smoking Asian woman.", (62.0, None), "female"),
    "words": ("A sixty-five-year-old man.", (65.0, None), "male"),
    "decade": ("She is in her late 70s.", (76.0, 79.0), "female"),
    "French": ("Patiente de 68 ans. Madame X.", (68.0, None), "female"),
    "German": ("65-jähriger Patient, Herr K.", (65.0, None), "male"),
    "Dutch": ("Een 58 jarige vrouw.", (58.0, None), "female"),
    "Spanish": ("Paciente varón de 61 años.", (61.0, None), "male"),
    "title and age": ("Mme Durand (58 ans)", (58.0, None), "female"),
    "stroke": ("F/71, dyspnoea", (71.0, None), "female"),
    "fever and strength": ("T 98/F, strength 5/5", None, None),
    "birth year": ("This lady was born in 1957.", (67.0, 68.0), "female"),
    "decade in words": ("She is in her sixties.", (60.0, 69.0), "female"),
    "daughter's birth": ("Her daughter was born in 1990.", None, None),
    "median": ("Median age 61, 55 % female.", None, None),
    "infant": ("A 10-month-old male.", (0.8333, None), "male"),
    "birth date": ("DOB: 03/14/1957", (68.0, None), None),
    "label": ("Age/Sex: 68 y/M", (68.0, None), "male"),
    "relative": ("Her 45-year-old brother has lupus.", None, None),
    "diagnosis": ("Diagnosed at age 61.", None, None),
    "pack-years": ("17 pack-years, a 20-year-old scar.", None, None),
    "before an abbreviation": ("62M SCLC, dyspnoea.", (62.0, None), "male"),
    "beside the birth date": ("ID: DOB 03/14/1957, male, 80 kg", (68.0, None), "male"),
    "units": ("Interferon 20M IU.", None, None),
    "magnetic resonance": ("MR BRAIN 10/02/2025.", None, None),
    "contradiction": ("Sex: M. Sex: F.", None, None),
    "head of a letter": ("Mr Keith T, 14.02.1957\n\nSmall cell lung cancer.", (68.0, None), "male"),
    "head without birth date": ("Mr Keith T, 14.02.2025\n\nSmall cell lung cancer.", None, "male"),
    "letter and age in brackets": ("Visit with pt (M, 36) and partner, her IUD.", (36.0, None), "male"),
    "letter, age and y": ("Patient M, 79 y", (79.0, None), "male"),
    "scanned": ("51 yo rnale with SCLC", (51.0, None), "male"),
    "thermometer": ("Temp 98 F, 14 F catheter.", None, None),
}


@pytest.mark.parametrize(("text", "age", "sex"), CASES.values(), ids=list(CASES))
def test_age_and_sex(engine, text, age, sex):
    facts = read(engine, text)
    ages = [(f.value, f.value_high) for f in facts if f.concept == "age"]
    assert ages == ([age] if age else [])
    assert [f.value_text for f in facts if f.concept == "sex"] == ([sex] if sex else [])


def test_the_wife_is_not_the_patient(engine):
    facts = read(engine, "72 yo gentleman here with his 70-year-old wife, who is 45 years old at heart. He is well.")
    assert [f.value for f in facts if f.concept == "age"] == [72.0]
    assert [f.value_text for f in facts if f.concept == "sex"] == ["male"]


def test_a_birth_date_in_the_head_of_a_letter_dates_nothing_else(engine):
    facts = engine.facts(Note("p", "n", DAY, "note", "Re: Mrs Ada L, 03/05/1961\nSmall cell lung cancer"))
    assert all(f.date_start.year == 2025 for f in facts)
