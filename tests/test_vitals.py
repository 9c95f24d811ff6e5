"""Vital signs: pairs, units, oxygen, and what is none."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return [f for f in facts if f.family == "vital"]


CASES = {
    "line": (
        "VS: T 98.6 P 72 R 16 BP 120/80",
        {"temperature": [37.0], "heart_rate": [72.0], "systolic_bp": [120.0], "diastolic_bp": [80.0]},
    ),
    "dropped": ("Blood pressure dropped to 52/26 mmHg", {"systolic_bp": [52.0], "diastolic_bp": [26.0]}),
    "two pairs": ("BP 140/90 -> 120/80", {"systolic_bp": [140.0, 120.0], "diastolic_bp": [90.0, 80.0]}),
    "French": (
        "TA 13/8, pouls 78/min, poids 64 kg, taille 1m68",
        {"systolic_bp": [130.0], "diastolic_bp": [80.0], "heart_rate": [78.0], "weight": [64.0], "height": [168.0]},
    ),
    "flag": ("BP (!) 152/88", {"systolic_bp": [152.0], "diastolic_bp": [88.0]}),
    "feet and inches": ("Ht: 5 feet 8 inches", {"height": [172.72]}),
    "pounds and ounces": ("Weight 160 lb 4 oz", {"weight": [72.688]}),
    "without names": ("A 68-year-old man (170 cm, 70 kg) came.", {"height": [170.0], "weight": [70.0]}),
    "beside the age": ("SCr 2.1, 74M 62 kg", {"weight": [62.0]}),
    "row without names": (
        "Vitals: 98.4 F, 124/78, 78, 18, 97% RA",
        {"temperature": [36.8889], "systolic_bp": [124.0], "diastolic_bp": [78.0], "heart_rate": [78.0], "spo2": [97.0]},
    ),
    "row without a label": (
        "97.9F, 126/74, 72, 16, 98%RA, 81.2kg",
        {"temperature": [36.6111], "systolic_bp": [126.0], "diastolic_bp": [74.0], "heart_rate": [72.0], "spo2": [98.0], "weight": [81.2]},
    ),
    "named behind": (
        "Vital signs were 140 beats/min for heart rate, 40 breaths/min for respiratory rate and 37.2 °C for body temperature.",
        {"heart_rate": [140.0], "temperature": [37.2]},
    ),
    "not of a body": ("Cultures were incubated at a temperature of 35-37°C.", {}),
    "normothermia": ("normothermia (36.6 °C)", {"temperature": [36.6]}),
    "breaths": ("heart rate 40 breaths/min", {}),
    "lying and standing": ("Blood pressure is 95/62 lying down and drops to 75/40 standing.", {"systolic_bp": [95.0, 75.0], "diastolic_bp": [62.0, 40.0]}),
    "an infant beside its age": ("A 3-month-old 6.1 kg girl was brought in.", {"weight": [6.1]}),
    "the patient behind": ("The 70 kg patient received 5 mg per 60 kg adult.", {"weight": [70.0]}),
    "lost from": ("He had lost 10 kg (from 80 to 70 kg).", {"weight": [70.0]}),
    "hyphened": ("the 45-year-old, 165-cm, 70-kg woman", {"height": [165.0], "weight": [70.0]}),
    "beats without a name": ("She had 40 breaths/min, 140 bpm and a temperature of 37.4 °C.", {"heart_rate": [140.0], "temperature": [37.4]}),
    "breaths called beats": ("Respiratory rate 22 bpm, blood pressure 120/80", {"systolic_bp": [120.0], "diastolic_bp": [80.0]}),
    "on repeat": ("Blood pressure: 107/59 mm Hg and on repeat 77/49", {"systolic_bp": [107.0, 77.0], "diastolic_bp": [59.0, 49.0]}),
    "rhythm and rate": ("tachycardia (heart rate = 130), atrial fibrillation at 118 beats per minute", {"heart_rate": [130.0, 118.0]}),
    "of a relative": ("The father's height was 168 cm, the mother's weight 60 kg; she is 120 cm tall.", {"height": [120.0]}),
    "a length of something": ("The resected bowel was 50 cm in length; body length 52 cm; a man measuring 66 inches in length", {"height": [52.0, 167.64]}),
    "maintaining": ("She was maintaining a saturation of 97% in room air; pulse 80", {"spo2": [97.0], "heart_rate": [80.0]}),
    "two visits": (
        "Blood pressure readings at the six- and 12-month visits were 112/64 and 117/60 mmHg.",
        {"systolic_bp": [112.0, 117.0], "diastolic_bp": [64.0, 60.0]},
    ),
    "the unit behind both ends": ("Temperature fluctuated between 36.5 °C - 38.6 °C", {"temperature": [36.5]}),
    "no pressure, a mean": ("mean blood pressure 65 mmHg", {}),
    "row without a pressure": ("Vitals: 72, 16, 98%", {}),
    "observed for weeks": ("Obs 2 weeks, 3 visits", {}),
    "Riva-Rocci, not breaths": ("RR 135/85, RR 18", {"systolic_bp": [135.0], "diastolic_bp": [85.0]}),
    "stones": ("Wt 10 st 7 lb", {"weight": [66.678]}),
    "feet in front of the name": ("5'6\" in height", {"height": [167.64]}),
    "feet and inches without a name": ("He is 42 years old. He is 5'9\" and weighs 344 pounds.", {"height": [175.26], "weight": [156.0357753]}),
    "feet and so many inches": ("height of 5 feet and 10 inches", {"height": [177.8]}),
    "pounds, then feet": ("He is 177 pounds, 5 feet, 8 inches.", {"height": [172.72], "weight": [80.286]}),
    "pounds beside the age": ("He is 42 years old, 344 pounds.", {"weight": [156.036]}),
    "names glued to values": ("EXAM: BP110/70, HR72, RR16, 35.6C", {"systolic_bp": [110.0], "diastolic_bp": [70.0], "heart_rate": [72.0], "temperature": [35.6]}),
    "too many pounds": ("He is 84 pounds overweight", {}),
    "gained": ("She gained 5 kg of weight", {}),
    "a list of calls": ("Call if T >100.4 F, HR >120, SBP <90 or SpO2 <90%", {}),
    "side effect": ("A temperature above 38 °C must be reported", {}),
    "weight without a unit": ("Weight 189.5", {}),
    "weight lost": ("Weight is down 5 pounds. He lost 12 lb. Weight loss of 10 kg.", {}),
    "goal": ("Goal BP < 130/80. Keep sats > 92%.", {}),
    "call for fever": ("Call for fever greater than 101.5", {}),
    "hazard ratio": ("HR 0.72 (95 % CI 0.5-0.9)", {}),
    "tumour stage": ("T38 N1", {}),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=list(CASES))
def test_values(engine, text, wanted):
    found = {}
    for fact in read(engine, text):
        found.setdefault(fact.concept, []).append(fact.value)
    assert found == wanted


OXYGEN = {
    "room air": ("O2 saturation 94% on room air", [(94.0, {"oxygen": "room_air"})]),
    "supplemental": ("Sats 94% on 2L NC", [(94.0, {"oxygen": "supplemental"})]),
    "nothing said": ("Pulse ox 97 %", [(97.0, {})]),
    "two": (
        "SpO2 91% on 2L NC, 88% on room air",
        [(91.0, {"oxygen": "supplemental"}), (88.0, {"oxygen": "room_air"})],
    ),
    "rest and exertion": (
        "O2 sat 92% RA at rest, 86% with ambulation",
        [(92.0, {"oxygen": "room_air", "activity": "rest"}), (86.0, {"activity": "exertion"})],
    ),
}


@pytest.mark.parametrize(("text", "wanted"), OXYGEN.values(), ids=list(OXYGEN))
def test_oxygen(engine, text, wanted):
    assert [(f.value, f.attributes) for f in read(engine, text)] == wanted


def test_earlier_encounters(engine):
    text = "Wt Readings from Last 3 Encounters:\n10/03/25 61.2 kg (135 lb)\n09/12/25 62.6 kg (138 lb)"
    found = [(f.value, f.date_start.isoformat()) for f in read(engine, text)]
    assert found == [(61.2, "2025-10-03"), (62.6, "2025-09-12")]


FLOWSHEET = """Time  T(F)  HR   BP      SpO2  O2 source
0850  97.9  102  104/62  90    Room air
0915  -     99   108/64  94    2 L NC"""


def test_a_flowsheet_is_read_column_by_column(engine):
    saturations = [(f.value, f.attributes["oxygen"]) for f in read(engine, FLOWSHEET) if f.concept == "spo2"]
    assert saturations == [(90.0, "room_air"), (94.0, "supplemental")]
    assert [f.value for f in read(engine, FLOWSHEET) if f.concept == "systolic_bp"] == [104.0, 108.0]
    assert [f.value for f in read(engine, FLOWSHEET) if f.concept == "temperature"] == [36.6111]


def test_a_flowsheet_with_dates(engine):
    facts = read(engine, "Date | Temp | HR | BP | Weight (kg)\n10/01/2025 | 36.8 | 88 | 110/70 | 61.5")
    assert {f.concept: f.value for f in facts}["weight"] == 61.5
    assert {f.date_start for f in facts} == {datetime.date(2025, 10, 1)}


def test_a_row_that_does_not_fit_its_header_is_not_read(engine):
    assert read(engine, "HR | BP | SpO2 | Temp\n88 | 110/70") == []
