"""Laboratory values: one-liners, lists, tables, French, and what is no result."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return [f for f in facts if f.family == "lab"]


CASES = {
    "one-liner": ("WBC 4.1 / Hgb 9.2 / Plt 143", {"wbc": [4.1], "hemoglobin": [9.2], "platelets": [143.0]}),
    "slash pair": (
        "AST/ALT 45/52, BUN/creatinine 71/4.5",
        {"ast": [45.0], "alt": [52.0], "bun": [71.0], "creatinine": [4.5]},
    ),
    "respectively": (
        "Serum sodium, potassium, and chloride were 141, 3.9 and 103 mmol/L, respectively.",
        {"sodium": [141.0], "potassium": [3.9]},
    ),
    "panel": ("Na/K/Cl/CO2 138/4.2/101/24", {"sodium": [138.0], "potassium": [4.2]}),
    "letters that are units": ("Plt 142K, K 4.2", {"platelets": [142.0], "potassium": [4.2]}),
    "haemoglobin and haematocrit": ("H&H 37.4/12.1", {"hemoglobin": [12.1]}),
    "one number for PT/INR": ("PT/INR 1.1", {"inr": [1.1]}),
    "both numbers": ("PT/INR 14.2/1.2", {"pt": [14.2], "inr": [1.2]}),
    "French": (
        "Hb 9,1 g/dL, plaquettes 142 000/mm3, PNN 2,1 G/L, albumine 36 g/L, TP 85 %",
        {"hemoglobin": [9.1], "platelets": [142.0], "anc": [2.1], "albumin": [3.6]},
    ),
    "transfused for a measured value": ("Transfused 2 units for Hgb 6.8. Repeat Hgb 8.4.", {"hemoglobin": [6.8, 8.4]}),
    "vertical": ("Hemoglobin\n9.2\ng/dL\n12.0-16.0\nPlatelets\n143\nK/uL", {"hemoglobin": [9.2], "platelets": [143.0]}),
    "trend": ("PSA 4.2 -> 8.9 -> 21.3", {"psa": [4.2, 8.9, 21.3]}),
    "disorder with a value": ("hyponatremia of 128 mEq/L", {"sodium": [128.0]}),
    "thousands with a point": ("Platelets 98.000/µl", {"platelets": [98.0]}),
    "timed values": ("Baseline creatinine 0.8; on admission 2.3; at discharge 1.0.", {"creatinine": [0.8, 2.3, 1.0]}),
    "Italian and Spanish": (
        "emoglobina 12,4 g/dl, piastrine 199 x10^3/uL; plaquetas 234.000/mm3",
        {"hemoglobin": [12.4], "platelets": [199.0, 234.0]},
    ),
    "misread by a scanner": ("Hernoglobin 10.2, BiIirubin 0.8, Creatlnine 0.9", {"hemoglobin": [10.2], "bilirubin_total": [0.8], "creatinine": [0.9]}),
    "count behind a share": ("Neutrophils 62 % (3.8 x10^9/L), lymphocytes 24 % soit 1,47 G/L", {"anc": [3.8], "alc": [1.47]}),
    "marked count": ("NEUT# 4.2, NEUT 12, lymphs 18", {"anc": [4.2]}),
    "multiples of normal": ("ALAT 3N, bili 0.8N", {"alt": [3.0], "bilirubin_total": [0.8]}),
    "the analyte, not its disorder": ("Anaemia (Hb 88), leukocytosis (WBC 18)", {"hemoglobin": [8.8], "wbc": [18.0]}),
    "counts of India": ("Plt 1,02,000/cumm, TC 8,400/cumm", {"platelets": [102.0], "wbc": [8.4]}),
    "set apart by a scanner": ("Hb 9 .8 g/dl; plaquettes 1 45 000/mm3", {"hemoglobin": [9.8]}),
    "glued": ("Plt210, Hb11.2, K4.1, p.Glu1928", {"platelets": [210.0], "hemoglobin": [11.2], "potassium": [4.1]}),
    "short name in a row": ("ASAT 25, AF 98, GGT 41. AF 2019", {"ast": [25.0], "alp": [98.0], "ggt": [41.0]}),
    "thin spaces": ("CRP was 89\u2005mg/L (reference <5\u2005mg/L), albumin 26\u2009g/L.", {"crp": [89.0], "albumin": [2.6]}),
    "a stop without a blank": ("On day 2 creatinine was 0.86 mg/dL.During her stay LDH was 400 U/L.A biopsy followed.", {"creatinine": [0.86], "ldh": [400.0]}),
    "a trend before its name": ("An increase in serum creatinine from 0.9 to 4.2 mg/dL; sodium ranged from 128 to 133.", {"creatinine": [0.9, 4.2], "sodium": [128.0]}),
    "a fall by and to": ("Hemoglobin dropped 3 g/dL to 8.2.", {"hemoglobin": [8.2]}),
    "corrected for glucose": ("Corrected sodium 138 mEq/L, measured sodium 128 mEq/L", {"sodium": [128.0]}),
    "a symbol in brackets": ("plasma sodium concentration [Na+] was 118 mmol/L", {"sodium": [118.0]}),
    "a mean of a group": ("creatinine 1.69 ± 1.9 mg/dL in septic patients", {}),
    "a charge apart": ("Na + 144 mmol/l, K + 6.3 mmol/l", {"sodium": [144.0], "potassium": [6.3]}),
    "a result behind for": ("All was normal except for a low TSH (<0.005).", {"tsh": [0.005]}),
    "a threshold behind for": ("Call for a sodium < 125.", {}),
    "grams per litre that are per decilitre": ("haemoglobin 10.2 g/L; Hb 18 g/L; Hb 53 g/L; hemoglobin fell to 1.8 g/dL", {"hemoglobin": [10.2, 5.3, 1.8]}),
    "chemicals": ("Rises of glucose 6-phosphate, bilirubin, 1-methylnicotinamide, alkaline phosphatase, 25-hydroxy vitamin D and PC(18:3).", {}),
    "items of a list": ("(5) renal failure (a rise in creatinine from the baseline); (6) fever", {}),
    "a short form in two brackets": ("C-reactive protein [(CRP), 30.0 mg/L]; creatinine 109 mmol/L", {"crp": [30.0], "creatinine": [1.233]}),
    "thousands forgotten": ("white blood cells of 7.45 /uL, platelets of 299/uL, WBC 450/uL", {"wbc": [7.45, 0.45], "platelets": [299.0]}),
    "references behind a disorder": ("Causes of hyponatremia and anemia,9,13 are many.", {}),
    "normal, and its value": ("Clotting disorders were excluded (normal platelet count: 200,560/µL).", {"platelets": [200.56]}),
    "chemistry of the urine": ("A 24-hour urine biochemistry revealed sodium at 178 mmol/L and calcium at 1.85 mmol/L.", {}),
    "a thoracocentesis": ("A thoracocentesis produced an exudate with LDH of 113 U/L, glucose of 110 mg/dL.", {}),
    "millilitre for microlitre": ("WBC 8000/mL, platelets 27,000/mL, leukocytes 10200 cells/dl", {"wbc": [8.0, 10.2], "platelets": [27.0]}),
    "ranges before results": (
        "Glucose        90-120 mg/dl     95 mg/dl\nCreatinine     0.7-1.4 mg/dl    0.8 mg/dl\nSodium | 135-145 | 128",
        {"glucose": [95.0], "creatinine": [0.8], "sodium": [128.0]},
    ),
    "a number that is one unit only": ("high CRP (145)", {"crp": [145.0]}),
    "with an analyte of no concept": ("Fasting glucose and triglyceride levels were 85 and 158 mg/dL; serum lactate dehydrogenase 736 IU/L.", {"glucose": [85.0], "ldh": [736.0]}),
    "litre for microlitre": ("Platelets 95 x 103/L, WBC 9,400 cells/L", {"platelets": [95.0], "wbc": [9.4]}),
    "spelt-out units": ("CRP - 2 milligram/liter, sodium 128 milliequivalents per liter", {"crp": [2.0], "sodium": [128.0]}),
    "total and direct": (
        "Total and direct bilirubin were 3.2 and 1.1 mg/dL. Later bilirubin 2.3 mg/dL (direct 1.5 mg/dL).",
        {"bilirubin_total": [3.2, 2.3], "bilirubin_direct": [1.1, 1.5]},
    ),
    "repeated because haemolysed": ("K 6.2 (hemolyzed), repeat 4.1", {"potassium": [6.2, 4.1]}),
    "a table of doses": ("Zoledronate 3.5 mg for GFR 50-60 mL/min, 3.3 mg for GFR: 40-49 mL/min.", {}),
    "white blood cells of the cerebrospinal fluid": ("Cerebrospinal fluid (CSF) analysis showed a white blood cell count of 5 cells/µL and glucose of 80 mg/dL.", {}),
    "named behind": ("We found 136 mEq/L for sodium, 4.1 mEq/L for potassium and 3.2 g/dL for albumin.", {"sodium": [136.0], "potassium": [4.1], "albumin": [3.2]}),
    "circumstances before the verb": (
        "Her sodium on the third day was 121 mmol/L. The platelet count two weeks later was 88,000/µL. Creatinine progressively rose to 3.1 mg/dL.",
        {"sodium": [121.0], "platelets": [88.0], "creatinine": [3.1]},
    ),
    "disorders of counts": ("neutrophilia (24.7x10^9/L) and lymphopenia (0.3 × 10^9/L)", {"anc": [24.7], "alc": [0.3]}),
    "numbers of references": (
        "Many keep a low potassium [6,7]. Some had high levels (1). Others none (2, 3). We saw low glucose (3). LVEF and calcium [12] fell.", {}),
    "hours of life": ("Glucose falls transiently in the first 2-3 h of life.", {}),
    "a puncture in the sentence": ("A lumbar puncture revealed clear fluid, WBC 2/µL, glucose 52 mg/dL.", {}),
    "urinary ascites": ("The fluid was urinary ascites (creatinine, 15.5 mg/dL; BUN, 99 mg/dL), serum creatinine 1.1 mg/dL.", {"creatinine": [1.1]}),
    "after a puncture the blood": ("After paracentesis the blood tests showed albumin 2.2 g/dL.", {"albumin": [2.2]}),
    "normal values in brackets": ("CRP was 23 mg/L (normal ESR <20 mm/h, CRP <10 mg/L)", {"crp": [23.0]}),
    "a definition": ("Refractory disease is defined as a platelet count above 30,000/µL.", {}),
    "criteria": ("Eligibility: platelets 100-400, bilirubin 0.2-1.2 mg/dL. Patients must have creatinine < 1.5.", {}),
    "goal": ("Goal INR 2-3. Keep K > 4.", {}),
    "threshold": ("Hold carboplatin if ANC < 1.0 or platelets < 75.", {}),
    "urine": ("Urine creatinine 110 mg/dL", {}),
    "cells of the urine": ("The urine was cloudy. Moderate leukocytes, 20-40 white blood cells, but no bacteria were seen.", {}),
    "urinalysis block": ("Urinalysis\nGlucose 250\nWBC 10", {}),
    "cerebrospinal fluid, then serum": ("CSF: WBC 4, glucose 60. Serum glucose 112.", {"glucose": [112.0]}),
    "differential": ("Neutrophils 62 %, lymphocytes 25 %", {}),
    "stain": ("Immunohistochemistry: chromogranin A 90, NSE 30 %", {}),
    "decade": ("Platelets in the 80s", {}),
    "date, not value": ("Hgb 10/03/2025", {}),
    "therapist": ("PT 3x/week, vitamin K 10 mg, Ca 125 45 U/mL", {}),
    "potassium given": ("Potassium chloride 20 mEq daily", {}),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=list(CASES))
def test_values(engine, text, wanted):
    found = {}
    for fact in read(engine, text):
        found.setdefault(fact.concept, []).append(fact.value)
    assert found == {concept: pytest.approx(numbers, rel=1e-3) for concept, numbers in wanted.items()}


def test_columns_of_dates(engine):
    text = "        10/03/2025   09/12/2025\nHgb     9.2          9.9\nPlt     143          98"
    found = [(f.concept, f.value, f.date_start.isoformat()) for f in read(engine, text)]
    assert sorted(found) == [
        ("hemoglobin", 9.2, "2025-10-03"),
        ("hemoglobin", 9.9, "2025-09-12"),
        ("platelets", 98.0, "2025-09-12"),
        ("platelets", 143.0, "2025-10-03"),
    ]


def test_an_empty_cell_shifts_nothing(engine):
    text = "| Test | 10/03/2025 | 09/12/2025 |\n|---|---|---|\n| ALT | | 45 |\n| AST | 30 | 31 |"
    found = [(f.concept, f.value, f.date_start.isoformat()) for f in read(engine, text)]
    assert found == [("alt", 45.0, "2025-09-12"), ("ast", 30.0, "2025-10-03"), ("ast", 31.0, "2025-09-12")]


def test_rows_of_dates(engine):
    text = "Date       WBC   Hgb   Plt\n10/03/2025 4.1   9.2   143\n09/12/2025 3.2   9.9   98"
    found = [(f.concept, f.value, f.date_start.isoformat()) for f in read(engine, text) if f.concept == "platelets"]
    assert found == [("platelets", 143.0, "2025-10-03"), ("platelets", 98.0, "2025-09-12")]


def test_hl7_segment(engine):
    [fact] = read(engine, "OBX|1|NM|777-3^Platelets^LN||98|10*3/uL|150-400|L|||F|||20251003")
    assert (fact.value, fact.ref_low, fact.ref_high) == (98.0, 150.0, 400.0)
    assert fact.date_start == datetime.date(2025, 10, 3)


def test_the_date_of_an_older_value_stays_with_it(engine):
    now, before = read(engine, "Hgb 9.1 (was 10.2 in August 2025).")
    assert (now.value, now.date_precision) == (9.1, "note")
    assert (before.value, before.date_start) == (10.2, datetime.date(2025, 8, 1))


def test_undetectable(engine):
    [fact] = read(engine, "HIV viral load undetectable")
    assert (fact.concept, fact.value, fact.value_text) == ("hiv_rna", None, "undetectable")


def test_an_unknown_unit_keeps_the_value_as_written(engine):
    [fact] = read(engine, "Potassium 6.8 mg/dL")
    assert fact.value_as_written == "6.8"
    assert fact.unit_as_written == "mg/dL"


EXPORTS = {
    "semicolons": ("AST;41;H;U/L;10-36", "ast", 41.0, 10.0, 36.0),
    "decimal comma": ("Kreatinin;1,4;;mg/dl;0,6-1,2", "creatinine", 1.4, 0.6, 1.2),
    "commas": ("Hgb,9.2,L,g/dL,11.7-15.7", "hemoglobin", 9.2, 11.7, 15.7),
    "quoted": ('"Platelets","99","L","10*3/uL","150-400"', "platelets", 99.0, 150.0, 400.0),
}


@pytest.mark.parametrize(("row", "concept", "value", "low", "high"), EXPORTS.values(), ids=list(EXPORTS))
def test_a_row_of_an_export_has_its_unit_flag_and_range(engine, row, concept, value, low, high):
    (fact,) = read(engine, f"TEST;RESULT;FLAG;UNITS;REF\n{row}")
    assert (fact.concept, fact.value, fact.ref_low, fact.ref_high) == (concept, value, low, high)
