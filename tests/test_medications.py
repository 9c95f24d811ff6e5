"""Medications, responses and toxicities."""

from __future__ import annotations

import datetime

import pytest

from extractor.families.medications import daily_dose, depot_months
from extractor.pipeline.engine import Engine
from extractor.records import Fact, Note

DATE = datetime.date(2025, 12, 1)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def of(engine: Engine, family: str, text: str) -> list[Fact]:
    return [f for f in engine.facts(Note("p", "n", DATE, "note", text)) if f.family == family]


DOSES = [
    (" 4 mg bid for edema", 8.0),
    (" 40 mg daily", 40.0),
    (" 15/5 for ai", 20.0),
    (" 1 mg/kg iv q12h", None),
    (" 0.5 g iv daily", 500.0),
    (" taper", None),
]


@pytest.mark.parametrize(("text", "dose"), DOSES, ids=[row[0] for row in DOSES])
def test_daily_dose(text: str, dose: float | None) -> None:
    assert daily_dose(text)[0] == dose


@pytest.mark.parametrize(
    ("text", "months"), [("22.5 mg q3 months", 3), ("monthly", 1), ("every 12 weeks", 3), ("45 mg", 6), ("given", None)]
)
def test_depot_interval(text: str, months: float | None) -> None:
    assert depot_months(text) == months


MEDICATIONS = [
    ("Prednisone 40 mg daily.", [("systemic_steroid", 40.0, "prednisone", "present", "ongoing")]),
    (
        "The prednisone was tapered off by June 3, 2025.",
        [("systemic_steroid", None, "prednisone", "present", "received")],
    ),
    ("Metyrapone inhibits steroid synthesis.", []),
    ("She takes no steroids.", [("systemic_steroid", None, None, "absent", "not_given")]),
    ("Dexamethasone mouthwash.", []),
    ("Hydrocortisone cream.", []),
    ("Warfarin discontinued.", [("anticoagulant", None, "warfarin", "present", "received")]),
    ("Lupus anticoagulant negative.", []),
    ("Gabapentin for neuropathy.", []),
    ("Keppra for seizures.", [("anticonvulsant", None, "levetiracetam", "present", "received")]),
    (
        "Methotrexate 15 mg weekly for rheumatoid arthritis.",
        [("immunosuppressant", None, "methotrexate", "present", "ongoing")],
    ),
    ("Started dex 4 mg q6h.", [("systemic_steroid", 16, "dexamethasone", "present", "ongoing")]),
    ("Started on steroids in 2024.", [("systemic_steroid", None, None, "present", "received")]),
    ("Prednisone 40 mg, tapered off by 2/10.", [("systemic_steroid", 40, "prednisone", "present", "received")]),
    ("No transfusions.", [("transfusion", None, None, "absent", "not_given")]),
    ("Flu shot today.", []),
    ("Pseudomonas sensitive to ceftazidime and ciprofloxacin.", []),
    ("Fixed with antibiotic cement.", []),
    ("Dexamethasone 10 mg IV q.6h.", [("systemic_steroid", 40.0, "dexamethasone", "present", "received")]),
    ("Prednisone 2.5 mg b.i.d.", [("systemic_steroid", 5.0, "prednisone", "present", "received")]),
    ("MEDS: Prednisone 60mg qd, Propulsid 20mg tid.", [("systemic_steroid", 60.0, "prednisone", "present", "ongoing")]),
    ("Cortisone injection, left carpal tunnel.", []),
    ("Dexamethasone 4 mg was placed adjacent to the median nerve.", []),
    ("The bladder was instilled with lidocaine, heparin, and bicarbonate.", []),
    ("He accepts the risks to include bleeding requiring transfusion.", [("transfusion", None, None, "hypothetical", "planned")]),
    ("Next, 1 cc of dexamethasone phosphate was instilled in the joint.", []),
    ("A steroid-eluting lead was placed.", []),
    ("A total of 1 cc dexamethasone phosphate was then injected into the surgical site.", []),
    ("He asks to come off the Dilantin.", [("anticonvulsant", None, "phenytoin", "present", "ongoing")]),
    ("Prednisone 1 mg/kg (70 mg/day) started 6/3/2025.", [("systemic_steroid", 70.0, "prednisone", "present", "received")]),
    (
        "Meds: apixaban 5 mg bid, atorvastatin, amiodarone stopped in January.",
        [("anticoagulant", None, "apixaban", "present", "ongoing")],
    ),
    (
        "Allergie : pénicilline (éruption).\nSortie sous prednisone 60 mg/j.",
        [("systemic_steroid", 60.0, "prednisone", "present", "ongoing")],
    ),
    ("Allergies: NKDA\nPatient on apixaban 5 mg BID.", [("anticoagulant", None, "apixaban", "present", "ongoing")]),
    ("Allergies: penicillin, prednisone 20 mg (rash)", []),
    ("He was kept on Fortaz.", [("antibiotic", None, "ceftazidime", "present", "ongoing")]),
]


@pytest.mark.parametrize(("text", "wanted"), MEDICATIONS, ids=[row[0] for row in MEDICATIONS])
def test_medications(engine: Engine, text: str, wanted: list) -> None:
    found = [
        (f.concept, f.value, f.value_text, f.assertion, f.attributes.get("status"))
        for f in of(engine, "medication", text)
    ]
    assert found == wanted


RESPONSES = [
    ("CT 6/2025: disease progression in the liver.", [("progression", "present")]),
    ("Stopped after C3 for toxicity, no PD.", [("progression", "absent")]),
    ("Continue until progression of disease.", [("progression", "hypothetical")]),
    ("Read as pseudoprogression.", []),
    ("Progressive dyspnea.", []),
    ("PR interval 160 ms. ER/PR negative.", []),
    ("Restaging: partial response.", [("partial_response", "present")]),
    ("PET: complete metabolic response.", [("complete_response", "present")]),
    ("Cr 0.9.", []),
    ("She stayed on lanreotide for about a year until tumour progression.", [("progression", "present")]),
    ("A second biopsy was taken at the time of disease progression.", [("progression", "present")]),
    ("Selpercatinib will be given until disease progression.", [("progression", "hypothetical")]),
    ("It was continued until disease progression or unacceptable toxicity.", [("progression", "hypothetical")]),
    ("SCLC. CRS after the first dose; on the second only mild recurrence.", []),
    ("Lymphadenectomy was done for the high incidence of locoregional recurrence of this tumour.", []),
    ("Cervix cancer; no recurrent signs at 3 years.", [("progression", "absent")]),
    ("After four courses the tumour had completely regressed.", [("complete_response", "present")]),
    ("PD-L1 50%.", []),
]


@pytest.mark.parametrize(("text", "wanted"), RESPONSES, ids=[row[0] for row in RESPONSES])
def test_responses(engine: Engine, text: str, wanted: list) -> None:
    assert [(f.concept, f.assertion) for f in of(engine, "response", text)] == wanted


TOXICITIES = [
    ("Neuropathy gr 2 in both feet.", [("neuropathy", 2.0, None)]),
    (
        "Grade IV diarrhea and grade II rash.",
        [("other_toxicity", 4.0, "diarrhea"), ("other_toxicity", 2.0, "rash")],
    ),
    ("Neuropathy gr 2->1.", [("neuropathy", 1.0, None)]),
    ("Nivolumab-induced brain stem encephalitis.", [("immune_related_ae", None, "nervous system")]),
    ("Colitis due to durvalumab.", [("immune_related_ae", None, "colon")]),
    ("Autoimmune encephalitis developed on atezolizumab.", [("immune_related_ae", None, "nervous system")]),
    ("Durvalumab goes on; he has diabetes.", []),
    ("Nausea controlled with ondansetron.", []),
    ("Grade 2 NET of the ileum.", []),
    ("Grade 3 immune-mediated colitis.", [("immune_related_ae", 3.0, "colon")]),
    ("CRS grade 1 after dose 1.", [("crs", 1.0, None)]),
    ("CRS/HIPEC in 2019.", []),
    ("Mild neuropathy.", [("neuropathy", None, None)]),
]


@pytest.mark.parametrize(("text", "wanted"), TOXICITIES, ids=[row[0] for row in TOXICITIES])
def test_toxicities(engine: Engine, text: str, wanted: list) -> None:
    assert [(f.concept, f.value, f.value_text) for f in of(engine, "toxicity", text)] == wanted


def test_grade_in_words_is_marked_as_inferred(engine: Engine) -> None:
    (fact,) = of(engine, "toxicity", "Mild neuropathy.")
    assert (fact.value, fact.attributes["grade"], fact.attributes["grade_inferred"]) == (None, 1, "yes")


SUPPORT = [
    ("Progressed after 2 prior lines.", "lines_stated", 2.0, None),
    ("No tarlatamab.", "no_prior", None, "dll3"),
    ("Docetaxel 2016: anaphylaxis.", "anaphylaxis", None, "docetaxel"),
    ("Durvalumab permanently discontinued for grade 3 colitis.", "io_stopped_toxicity", None, None),
    ("Thoracentesis 1.2 L.", "effusion_drained", None, "pleural"),
]


@pytest.mark.parametrize(("text", "concept", "value", "value_text"), SUPPORT, ids=[row[0] for row in SUPPORT])
def test_support(engine: Engine, text: str, concept: str, value: float | None, value_text: str | None) -> None:
    found = {(f.concept, f.value, f.value_text) for f in of(engine, "support", text)}
    assert (concept, value, value_text) in found


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Filgrastim 300 mcg 11/6, 11/7, 11/8.", (6, 8)),
        ("Filgrastim daily x3 (11/6, 11/7 and 11/8).", (6, 8)),
        ("Dexamethasone 4 mg given 11/6, 11/7", (6, 7)),
    ],
)
def test_days_of_a_drug_told_one_after_the_other(engine: Engine, text: str, days: tuple[int, int]) -> None:
    (fact,) = of(engine, "medication", text)
    assert (fact.date_start.day, fact.date_end.day) == days
