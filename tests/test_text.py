"""Sentences and sections of notes."""

import pytest

from extractor.pipeline.text import MAX_SENTENCE, NoteText, split


def pieces(text):
    return [text[a:b] for a, b in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Denies fever. Cough for 2 days.", ["Denies fever.", "Cough for 2 days."]),
        ("Hgb 9.1 today. Plt 140.", ["Hgb 9.1 today.", "Plt 140."]),
        ("Seen by Dr. Smith. Stable.", ["Seen by Dr. Smith.", "Stable."]),
        ("- WBC 4.1\n- Hgb 9.2", ["- WBC 4.1", "- Hgb 9.2"]),
        ("1. Lobectomy. 2. Biopsy.", ["1. Lobectomy.", "2. Biopsy."]),
        ("NO NEURO SX. NO FEVER.", ["NO NEURO SX.", "NO FEVER."]),
        ("No. 3 lesion grew.", ["No. 3 lesion grew."]),
        (
            "The patient has small cell lung cancer that was found on a routine\nchest radiograph in March.",
            ["The patient has small cell lung cancer that was found on a routine\nchest radiograph in March."],
        ),
        ("Laboratory results showed potassium 3.9 mEq/L and calcium\n(8.2 mg/dL).", ["Laboratory results showed potassium 3.9 mEq/L and calcium\n(8.2 mg/dL)."]),
        ("Hb      88 g/L\nWBC     6.7", ["Hb      88 g/L", "WBC     6.7"]),
        ("Tumor cells are positive.The margin is free.", ["Tumor cells are positive.", "The margin is free."]),
        ("LDH 400 U/L.A marrow was normal.", ["LDH 400 U/L.", "A marrow was normal."]),
        ("PMH: HTN\nMeds: none", ["PMH: HTN", "Meds: none"]),
        ("The first node is free.,The second is not.,2.  Skin tag.", ["The first node is free.", "The second is not.", "2.  Skin tag."]),
        ("", []),
        ("  \n ", []),
    ],
)
def test_sentences(text, expected):
    assert pieces(text) == expected


def test_a_run_without_an_end_is_cut():
    lengths = [len(p) for p in pieces("word " * 2000)]
    assert max(lengths) <= MAX_SENTENCE
    assert sum(lengths) + len(lengths) >= 9900


def names(text):
    return [(s.name, s.heading) for s in NoteText(text).sections]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PMH: HTN\nMEDS: none", [("past_medical_history", "PMH"), ("medications", "MEDS")]),
        ("Past Medical History\nHTN", [("past_medical_history", "Past Medical History")]),
        ("FINAL DIAGNOSIS:\nLung: adenocarcinoma", [("pathologic_diagnosis", "FINAL DIAGNOSIS")]),
        ("Oncologic History (complete):\n- EP x4", [("oncologic_history", "Oncologic History")]),
        ("CHIEF COMPLAINT: cough, PAST MEDICAL HISTORY: asthma", [("chief_complaint", "CHIEF COMPLAINT"), ("past_medical_history", "PAST MEDICAL HISTORY")]),
        ("He told his history: none of it written.", []),
        ("She takes medications: aspirin", []),
        ("Plan was changed twice.", []),
    ],
)  # fmt: skip
def test_sections(text, expected):
    assert names(text) == expected


def test_a_heading_inside_a_line_reaches_to_the_next():
    note = NoteText("Family History: Mother had gout. Two brothers are well. Review of Systems: No cough. She feels well.")
    found = [note.section_at(note.text.index(word)) for word in ("Mother", "brothers", "cough", "feels")]
    assert found == ["family_history", "family_history", "review_of_systems", None]


def test_a_heading_that_no_list_has_ends_a_family_history():
    note = NoteText("FAMILY HISTORY: Father had gout. CHART REVIEW: Previous resection of a tumor.")
    assert [note.section_at(note.text.index(word)) for word in ("gout", "resection")] == ["family_history", None]


def test_a_line_about_the_patient_ends_a_family_history_and_a_list_of_allergies():
    text = "Family history: father had gout.\nMother: asthma.\nShe takes apixaban.\nAllergies: sulfa\ncodeine\nOn warfarin 5 mg."
    note = NoteText(text)
    names = [note.section_at(text.index(word)) for word in ("gout", "asthma", "apixaban", "codeine", "warfarin")]
    assert names == ["family_history", "family_history", None, "allergies", None]


@pytest.mark.parametrize(
    ("text", "word", "section"),
    [
        ("FH: neg\nSCLC dx 3/2025.", "SCLC", None),
        ("Family history: mother breast cancer, father colon cancer and a paternal\nuncle with melanoma.", "melanoma", "family_history"),
        ("FAMILY HISTORY:\n\nLupus.\n\nMother with vasculitis.\n\nHypertension", "Lupus", "family_history"),
        ("FAMILY HISTORY:\n\nLupus.\n\nMother with vasculitis.\n\nHypertension", "vasculitis", "family_history"),
        ("FAMILY HISTORY:\nLupus\n\nILD since 2020.", "ILD", None),
        ("Immunizations: flu 10/2024.\nHas chronic hepatitis B.", "hepatitis", None),
        ("Inclusion: age yes, ECOG yes\nPatient currently on durvalumab.", "durvalumab", None),
        ("Patient education: CRS.\nPatient to call with fever.", "fever", "instructions"),
        ("Allergies: NKDA\n62M with SCLC.", "SCLC", None),
        ("Allergies: sulfa\ncodeine (nausea)\nOn apixaban.", "codeine", "allergies"),
        ("Social history: quit 2010.\nRetired teacher.\nCarboplatin x4.", "teacher", "social_history"),
        ("Social history: quit 2010.\nRetired teacher.\nCarboplatin x4.", "Carboplatin", None),
        ("Return precautions: fever.\nILD on CT.", "ILD", None),
    ],
)
def test_where_sections_of_others_end(text, word, section):
    assert NoteText(text).section_at(text.index(word)) == section


def test_section_at_a_position():
    text = "HPI: cough\nPMH: HTN"
    note = NoteText(text)
    assert note.section_at(text.index("cough")) == "history_present_illness"
    assert note.section_at(text.index("HTN")) == "past_medical_history"
