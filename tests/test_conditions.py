"""Habits, allergies and denials as dictated notes tell them."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DATE = datetime.date(2025, 11, 20)


def said(engine, text: str, concept: str) -> list[str]:
    facts = engine.facts(Note("p", "n", DATE, "note", text))
    return [f"{f.value_text or ''} {f.assertion}".strip() for f in facts if f.concept == concept]


SMOKING = [
    ("He agreed to quit smoking before his next visit.", ["current present"]),
    ("She has still not stopped smoking despite advice.", ["current present"]),
    ("She was strongly advised to stop smoking.", ["current present"]),
    ("Smokes none.", ["never present"]),
    ("He is not a smoker.", ["never present"]),
    ("Social alcohol and he does smoke.", ["current present"]),
    ("SHX: 0.5-1.0 pack cigarettes per day for 60 years.", ["current present"]),
    ("He admits to one half pack of cigarettes per day.", ["current present"]),
    ("FHX/SHX: 1-2 ppd cigarettes. Father died of renal cancer.", ["current present"]),
    ("Of note, she does not drink or smoke.", ["never present"]),
    ("He stopped smoking in 2001 after he had been urged to quit.", ["former present"]),
]


@pytest.mark.parametrize(("text", "wanted"), SMOKING, ids=[row[0] for row in SMOKING])
def test_who_is_to_quit_smokes(engine, text, wanted):
    assert said(engine, text, "smoking") == wanted


ALCOHOL = [
    ("He has three alcoholic drinks a month.", []),
    ("She does not drink on weekdays but will binge drink on Saturday.", ["alcohol present"]),
    ("He does not drink alcohol.", ["alcohol absent"]),
    ("He does not smoke, occasionally drinks alcohol.", []),
    ("He drinks six beers a day.", ["alcohol present"]),
    ("She denies tobacco and drinks two alcoholic beverages a day.", []),
    ("SOCIAL HISTORY: No drugs. No alcohol.", ["drugs absent", "alcohol absent"]),
    ("Avoid alcoholic beverages and excessively spiced food.", []),
]


@pytest.mark.parametrize(("text", "wanted"), ALCOHOL, ids=[row[0] for row in ALCOHOL])
def test_drinking(engine, text, wanted):
    assert said(engine, text, "substance_use") == wanted


ALLERGIES = [
    ("ALLERGIES: Amoxicillin, doxycycline, adhesive tape, all cause hives.", ["amoxicillin present", "doxycycline present", "adhesive tape present"]),
    ("ALLERGIES TO MEDICATIONS: Cephalexin which gave him a rash.", ["cephalexin present"]),
    ("ALLERGIES: His allergies include codeine and sulfa.", ["codeine present", "sulfa present"]),
    ("ALLERGIES: To codeine.", ["codeine present"]),
    ("ALLERGIES: She has no known medicine allergies.", ["absent"]),
    ("ALLERGIES: Patient admits allergies to adhesive tape resulting in severe rash.", ["adhesive tape present"]),
    ("ALLERGIES: The patient denies any known drug allergies.", ["absent"]),
    ("ALLERGIES: She has no allergies to any drugs.", ["absent"]),
    ("Allergies: Codeine Review of systems: Denies fever, chills.", ["codeine present"]),
    ("She denies latex allergy.", ["latex absent"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), ALLERGIES, ids=[row[0] for row in ALLERGIES])
def test_allergies(engine, text, wanted):
    assert said(engine, text, "hypersensitivity") == wanted


NO_ILLNESS = [
    ("Hemostasis with bipolar. A 43-mm bipolar head was placed.", "psychiatric_disorder", []),
    ("PAST MEDICAL HISTORY: Asthma, bipolar, gout.", "psychiatric_disorder", ["bipolar present"]),
    ("He is in second grade and doing PE without limitation.", "venous_thromboembolism", []),
    ("BIRTH HISTORY: Pregnancy and delivery without complications.", "pregnancy", []),
    ("BP110/70, HR72. MS: A&O to person, place and time.", "other_autoimmune", []),
    ("IMMUNIZATIONS: Up to date. ACTIVITY: NKDA.", "hypersensitivity", ["absent"]),
    ("Potential complications include, but are not limited to: 1. Infection. 2. Bleeding. 3. Deep vein thrombosis. PROCEDURE: He was prepped.", "venous_thromboembolism", ["hypothetical"]),
    ("No &quot;true&quot; seizure.", "seizure", ["absent"]),
    ("Inspection of the knee shows an effusion. Effusion is 0.", "pleural_effusion", []),
    ("Chest film: small effusion. Knee pain.", "pleural_effusion", ["present"]),
    ("A giant tumor of the uterus compatible with a five-month pregnancy.", "pregnancy", []),
    ("The risks include but are not limited to bleeding; infection; heart attack; stroke; hernia.", "stroke", ["hypothetical"]),
    ("The risks include bleeding; she had a stroke.", "stroke", ["present"]),
    ("Fluid around the pericardium. The effusion resolved on echocardiogram.", "pleural_effusion", []),
    ("He has recurrent UTIs.", "active_infection", ["uti present"]),
    ("He works at the county correctional facility.", "guardianship", []),
]


@pytest.mark.parametrize(("text", "concept", "wanted"), NO_ILLNESS, ids=[row[0] for row in NO_ILLNESS])
def test_words_of_two_worlds(engine, text, concept, wanted):
    assert said(engine, text, concept) == wanted
