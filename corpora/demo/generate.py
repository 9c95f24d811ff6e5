"""Writes the demo export: notes.csv and expected.json. Same seed, same bytes.

    python corpora/demo/generate.py

48 synthetic patients, no real person behind any of them. Each is a clean chart of one cohort with one or two things
changed (platelets 82, dexamethasone for brain oedema, a carcinoid instead of a carcinoma ...); the change says what the
screen must answer. Notes are rendered in the voices of a chart: consult, pathology with a synoptic block, radiology,
infusion note, laboratory tables in four layouts, telephone note, follow-up with text carried forward. `written.py`
beside this file holds charts written by hand.
"""

from __future__ import annotations

import csv
import datetime
import json
import pathlib
import random

HERE = pathlib.Path(__file__).parent
INDEX = datetime.date(2026, 3, 2)
FIRST = ["Mr. Abel", "Ms. Brandt", "Mr. Costa", "Mrs. Diallo", "Mr. Evers", "Mrs. Fontaine", "Mr. Grau", "Ms. Holm"]


def day(before: int) -> datetime.date:
    return INDEX - datetime.timedelta(days=before)


def us(date: datetime.date) -> str:
    return f"{date.month}/{date.day}/{date.year}"


def iso(date: datetime.date) -> str:
    return date.isoformat()


def base(rng: random.Random, cohort: str) -> dict:
    """A chart that passes everything that a chart can pass."""
    sex = rng.choice("MF")
    chart = {
        "cohort": cohort, "sex": sex, "age": rng.randint(52, 78), "ecog": rng.choice([0, 1, 1, 2]),
        "dx": day(rng.randint(420, 560)), "drugs": "carboplatin/etoposide", "cycles": 4, "io": None,
        "chemo_end": day(rng.randint(230, 300)), "io_end": None, "pd": day(rng.randint(40, 70)),
        "second": "", "second_end": None, "plt": rng.randint(150, 320), "hgb": round(rng.uniform(10.2, 13.4), 1),
        "anc": round(rng.uniform(2.2, 5.8), 1), "wbc": round(rng.uniform(4.6, 8.8), 1), "cr": round(rng.uniform(0.7, 1.0), 1),
        "ast": rng.randint(18, 34), "alt": rng.randint(16, 36), "alp": rng.randint(60, 110), "bili": round(rng.uniform(0.3, 0.9), 1),
        "alb": round(rng.uniform(3.4, 4.2), 1), "inr": 1.0, "aptt": 30, "spo2": rng.choice([94, 95, 96, 97]), "o2": "on room air",
        "weight": rng.randint(58, 88), "brain": "No intracranial metastasis. No leptomeningeal enhancement.",
        "lung": "No interstitial lung disease.", "pleura": "No pleural effusion.", "liver": "Segment 6 lesion 2.6 x 2.1 cm, new.",
        "pmh": "hypertension, osteoarthritis, sigmoid diverticulosis", "meds": "amlodipine 5 mg daily, acetaminophen prn",
        "allergy": "NKDA", "ros": "No headache, no fever, no dyspnea at rest.", "tox": "Treatment-related toxicities resolved to grade 1 or less.",
        "io_tox": "", "dll3": "", "extra": "", "plan": "Refer for the tarlatamab study. Agrees to serial biopsies.",
        "never": "She has" if sex == "F" else "He has", "history_end": "No other systemic therapy, no prior DLL3-directed agent, no other study.",
    }  # fmt: skip
    if cohort == "sclc":
        chart |= {"path": "Small cell carcinoma", "site": "lung", "specimen": "Lymph node, station 4R, EBUS-FNA with cell block", "met": "Liver, segment 6, core biopsy",
                  "ki67": "> 90 %", "ihc": "Synaptophysin positive. Chromogranin A focally positive. CD56 positive. TTF-1 positive. CK7 negative.", "stage": "extensive-stage", "name": "small cell lung cancer"}
    elif cohort == "nec":
        chart |= {"path": "Large cell neuroendocrine carcinoma", "site": "pancreas", "specimen": "Pancreas, tail, EUS-guided core biopsy", "met": "Liver, segment 6, core biopsy",
                  "ki67": "70 %", "ihc": "Synaptophysin positive. Chromogranin A positive. TTF-1 negative.", "stage": "stage IV", "name": "large cell neuroendocrine carcinoma of the pancreas", "dll3": "DLL3 (SP347): positive in 60 % of tumor cells."}
    else:
        chart |= {"path": "Medullary thyroid carcinoma, high grade (IMTCGS)", "site": "thyroid", "specimen": "Thyroid, total thyroidectomy", "met": "Liver, segment 6, core biopsy",
                  "ki67": "12 %", "ihc": "Calcitonin positive. Chromogranin A positive. Tumor necrosis present. Mitoses 6 per 2 mm2.", "stage": "stage IV", "name": "medullary thyroid carcinoma", "dll3": "DLL3 IHC: H-score 120.",
                  "drugs": "selpercatinib", "cycles": 0, "extra": "RET M918T somatic mutation."}
    return chart


def consult(c: dict, rng: random.Random, date: datetime.date) -> str:
    who = {"F": "woman", "M": "man"}[c["sex"]]
    if c["cycles"]:
        first = f"{c['drugs']} x{c['cycles']} cycles, last dose {us(c['chemo_end'])}"
    else:
        first = f"{c['drugs']} 160 mg BID from {us(c['dx'] + datetime.timedelta(days=40))}, stopped {us(c['chemo_end'])}"
    if c["io"]:
        first += f", then maintenance {c['io']}, last dose {us(c['io_end'])}"
    lines = [f"1L: {first}."]
    if c["second"]:
        lines.append(f"2L: {c['second']}, last dose {us(c['second_end'])}.")
    if c["pd"]:
        lines.append(f"Progressive disease on CT {us(c['pd'])}.")
    return f"""MEDICAL ONCOLOGY CONSULTATION - {us(date)}

History of Present Illness: {c['age']}-year-old {who} with {c['stage']} {c['name']}, biopsy-proven {us(c['dx'])}. {c['never']} noticed weight loss of 3 kg.

Oncologic History (complete):
{chr(10).join('- ' + line for line in lines)}
- {c['history_end']}
{c['extra']}

Past Medical History: {c['pmh']}.
Medications (reconciled {us(date)}): {c['meds']}.
Allergies: {c['allergy']}
Family History: mother with colon cancer. Father had a stroke at 80.
Social History: {rng.choice(['former smoker, 40 pack-years, quit 2019', 'former smoker, 25 pack-years'])}. No alcohol.

Review of Systems: {c['ros']}
Vital Signs: T 36.{rng.randint(4, 8)}, BP {rng.randint(112, 138)}/{rng.randint(64, 84)}, HR {rng.randint(64, 92)}, SpO2 {c['spo2']}% {c['o2']}, weight {c['weight']} kg.
Physical Examination: ECOG {c['ecog']}. Lungs clear. Neurologically intact.

Assessment and Plan: {c['io_tox']} {c['tox']} {c['plan']}
"""


def pathology(c: dict, date: datetime.date, *, met: bool) -> str:
    where = c["met"] if met else c["specimen"]
    dll3 = c["dll3"] if met or c["cohort"] != "sclc" else ""
    return f"""SURGICAL PATHOLOGY REPORT
Specimen: {where}
Collected: {us(date)}

FINAL DIAGNOSIS:
{where}:
- {"METASTATIC " if met else ""}{c['path'].upper()}{", CONSISTENT WITH ORIGIN IN THE " + c['site'].upper() if met else ""}.

SYNOPTIC REPORT
Histologic type:      {c['path']}
Ki-67 (MIB-1):        {c['ki67']}
{c['ihc']}
{dll3}
"""


def chest(c: dict, date: datetime.date) -> str:
    return f"""CT CHEST/ABDOMEN/PELVIS WITH CONTRAST - {us(date)}
Comparison: {us(date - datetime.timedelta(days=62))}
Lungs: right hilar mass 3.4 x 2.9 cm, previously {"2.6 x 2.2" if c["pd"] else "3.4 x 3.0"}. {c['lung']}
Pleura: {c['pleura']} No pericardial effusion.
Liver: {c['liver'] if c["pd"] else "Segment 6 lesion 2.6 x 2.1 cm, unchanged."}
Impression: {"progression of disease" if c["pd"] else "stable disease"}.
"""


def brain(c: dict, date: datetime.date) -> str:
    return f"MRI BRAIN WITH AND WITHOUT CONTRAST - {us(date)}\nFindings: {c['brain']}\n"


LABS = (
    ("plt", "Platelets", "K/uL", "150-400"), ("hgb", "Hemoglobin", "g/dL", "12.0-16.0"), ("wbc", "WBC", "K/uL", "4.0-10.5"),
    ("anc", "ANC", "K/uL", "1.8-7.7"), ("cr", "Creatinine", "mg/dL", "0.6-1.2"), ("ast", "AST", "U/L", "10-40"),
    ("alt", "ALT", "U/L", "7-45"), ("alp", "Alkaline phosphatase", "U/L", "40-130"), ("bili", "Total bilirubin", "mg/dL", "0.2-1.2"),
    ("alb", "Albumin", "g/dL", "3.5-5.0"), ("inr", "INR", "", "0.9-1.1"), ("aptt", "aPTT", "s", "25-36"),
)  # fmt: skip


def labs(c: dict, rng: random.Random, date: datetime.date, layout: int) -> str:
    if layout == 0:
        rows = "\n".join(f"{name:<22}{c[key]!s:<8}{unit:<8}{ref}" for key, name, unit, ref in LABS)
        return f"LABORATORY RESULTS  collected {us(date)}\n{rows}\n"
    if layout == 1:
        return (
            f"Labs {us(date)}: WBC {c['wbc']} / Hgb {c['hgb']} / Plt {c['plt']}, ANC {c['anc']}. Cr {c['cr']} (0.6-1.2), AST/ALT {c['ast']}/{c['alt']}, "
            f"ALP {c['alp']} (40-130), T bili {c['bili']} (0.2-1.2), alb {c['alb']}. INR {c['inr']}, PTT {c['aptt']}.\n"
        )
    if layout == 2:
        old = date - datetime.timedelta(days=30)
        rows = "\n".join(
            f"{name:<22}{round(c[key] * rng.uniform(0.95, 1.05), 1)!s:<13}{c[key]!s:<13}{unit:<8}{ref}" for key, name, unit, ref in LABS
        )
        return f"CUMULATIVE RESULTS\n{'Test':<22}{us(old):<13}{us(date):<13}{'Units':<8}Reference\n{rows}\n"
    rows = "\n".join(f"{name}: {c[key]}{' ' + unit if unit else ''} [{ref}]" for key, name, unit, ref in LABS)
    return f"Laboratory data\nDate of collection: {us(date)}\n{rows}\n"


def infusion(c: dict, date: datetime.date, cycle: int) -> str:
    drug = c["drugs"] if c["cycles"] else "oncology clinic visit"
    return f"INFUSION NOTE {us(date)}\nHere for C{cycle}D1 {drug}. Tolerated well. No reaction. Plt 188, ANC 3.1, Hgb 11.4.\n"


def telephone(date: datetime.date, text: str) -> str:
    return f"Telephone encounter {us(date)}: {text}\n"


def follow_up(c: dict, first: str, date: datetime.date) -> str:
    copied = next(line for line in first.splitlines() if line.startswith("History of Present Illness"))
    return f"ONCOLOGY FOLLOW-UP {us(date)}\n{copied}\nInterval History: feels about the same, appetite fair, walks dialy.\nECOG {c['ecog']}.\n"


def chart_notes(patient: str, c: dict, rng: random.Random) -> list[tuple[str, str, str, str, str]]:
    visit, lab, scan = day(4), day(5), day(12)
    notes = [("Pathology report", c["dx"], pathology(c, c["dx"], met=False))]
    for cycle in range(1, rng.randint(1, 3)):
        when = c["chemo_end"] - datetime.timedelta(days=21 * (4 - cycle))
        notes.append(("Infusion note", when, infusion(c, when, cycle)))
    notes.append(("Pathology report", c["pd"] or day(60), pathology(c, c["pd"] or day(60), met=True)))
    first = consult(c, rng, visit)
    notes += [
        ("Radiology report", scan, chest(c, scan)), ("Radiology report", day(10), brain(c, day(10))),
        ("Laboratory results", lab, labs(c, rng, lab, rng.randrange(4))), ("Oncology consultation", visit, first),
    ]  # fmt: skip
    if rng.random() < 0.5:
        notes.append(("Oncology follow-up", day(2), follow_up(c, first, day(2))))
    if rng.random() < 0.5:
        notes.append(("Telephone note", day(1), telephone(day(1), "appointment confirmed, no new complaints, parking explained.")))
    return [(patient, f"{patient}-{n:02}", iso(when), kind, text) for n, (kind, when, text) in enumerate(sorted(notes, key=lambda x: x[1]), 1)]


#: name, cohort, what is changed, what the screen must answer
CASES: list[tuple[str, str, dict, dict]] = [
    ("clean", "sclc", {}, {"decision": "candidate", "cohort": "sclc"}),
    ("clean", "nec", {}, {"cohort": "nec", "I2.e": "pass", "I3.3": "pass"}),
    ("clean", "mtc", {}, {"cohort": "mtc", "I4": "pass", "I2.e": "pass"}),
    ("second_line", "sclc", {"second": "lurbinectedin x3", "second_end": day(75)}, {"decision": "candidate", "E7.3": "pass"}),
    ("platelets_low", "sclc", {"plt": 82}, {"I11.a": "fail", "decision": "ineligible-for-now"}),
    ("hemoglobin_low", "sclc", {"hgb": 8.4}, {"I11.b": "fail"}),
    ("neutrophils_low", "nec", {"anc": 1.1}, {"I11.c": "fail"}),
    ("liver_tests", "sclc", {"ast": 260, "alt": 240}, {"I11.e": "fail"}),
    ("bilirubin", "sclc", {"bili": 3.9}, {"I11.g": "fail"}),
    ("albumin", "nec", {"alb": 2.2}, {"I11.h": "fail"}),
    ("ecog_3", "sclc", {"ecog": 3}, {"I7": "fail", "decision": "ineligible-for-now"}),
    ("oxygen", "sclc", {"spo2": 88}, {"I12": "fail"}),
    ("durvalumab_recent", "sclc", {"io": "durvalumab", "io_end": day(40), "io_tox": "Durvalumab was tolerated well without immune-related adverse events."}, {"E7.3": "fail", "decision": "ineligible-for-now"}),
    ("durvalumab_old", "sclc", {"io": "durvalumab", "io_end": day(140), "io_tox": "Durvalumab was tolerated well without immune-related adverse events."}, {"E7.3": "pass"}),
    ("atezolizumab_recent", "sclc", {"io": "atezolizumab", "io_end": day(90), "io_tox": "Atezolizumab was tolerated well without immune-related adverse events."}, {"E7.3": "fail"}),
    ("chemo_recent", "sclc", {"second": "topotecan x2", "second_end": day(9)}, {"E7.3": "fail"}),
    ("tarlatamab_before", "sclc", {"second": "tarlatamab x5 doses", "second_end": day(120), "history_end": "No other systemic therapy."}, {"E8": "fail", "decision": "ineligible"}),
    ("brain_active", "sclc", {"brain": "Three new enhancing brain metastases, largest 18 mm, with vasogenic edema.", "ros": "Headache and unsteady gait for one week.", "meds": "dexamethasone 4 mg BID for cerebral edema, amlodipine 5 mg"}, {"E9": "fail", "E7.6": "fail"}),
    ("leptomeningeal", "sclc", {"brain": "Leptomeningeal enhancement of the cerebellar folia consistent with leptomeningeal disease."}, {"E10": "fail", "decision": "ineligible"}),
    ("ild", "sclc", {"lung": "Subpleural reticulation with honeycombing, consistent with UIP."}, {"E4": "fail", "decision": "ineligible"}),
    ("effusion", "sclc", {"pleura": "Large left pleural effusion with mediastinal shift."}, {"E15": "fail"}),
    ("effusion_small", "sclc", {"pleura": "Trace right pleural effusion."}, {"E15": "pass"}),
    ("lems", "sclc", {"pmh": "Lambert-Eaton myasthenic syndrome on amifampridine, hypertension"}, {"E20": "fail"}),
    ("crohn", "nec", {"pmh": "Crohn's disease on mesalamine, hypertension"}, {"E20": "fail"}),
    ("stroke_recent", "sclc", {"pmh": f"ischemic stroke {us(day(150))}, hypertension"}, {"E17": "fail"}),
    ("stroke_old", "sclc", {"pmh": "ischemic stroke in 2019, hypertension"}, {"E17": "pass"}),
    ("infarct_recent", "sclc", {"pmh": f"NSTEMI {us(day(100))} with stent, hypertension"}, {"E16.3": "fail"}),
    ("steroids", "nec", {"meds": "prednisone 20 mg daily for COPD, tiotropium"}, {"E7.6": "fail"}),
    ("dll3_negative", "nec", {"dll3": "DLL3 (SP347): 0 % of tumor cells, negative."}, {"I2.e": "fail", "decision": "ineligible"}),
    ("dll3_pending", "nec", {"dll3": "DLL3 IHC pending."}, {"I2.e": "open", "decision": "potential-candidate"}),
    ("ki67_low", "nec", {"ki67": "15 %", "ihc": "Synaptophysin positive. Mitoses 8 per 10 HPF."}, {"I3.3": "fail"}),
    ("net_g3", "nec", {"path": "Well-differentiated neuroendocrine tumor, grade 3", "name": "well-differentiated neuroendocrine tumor G3 of the pancreas", "ki67": "35 %"}, {"E3": "fail", "decision": "ineligible"}),
    ("low_grade_mtc", "mtc", {"path": "Medullary thyroid carcinoma, low grade (IMTCGS)", "ki67": "2 %", "ihc": "Calcitonin positive. Tumor necrosis not identified. Mitoses 1 per 2 mm2."}, {"I4": "fail", "E3": "fail", "decision": "ineligible"}),
    ("ret_inhibitor_missing", "mtc", {"drugs": "vandetanib"}, {"I5.ret": "fail"}),
    ("no_progression", "sclc", {"pd": None, "plan": "Continue surveillance.", "extra": "No progression since completion of chemotherapy."}, {"I5.progression": "fail"}),
    ("adenocarcinoma", "sclc", {"path": "Adenocarcinoma", "name": "lung adenocarcinoma", "ihc": "TTF-1 positive. Synaptophysin negative.", "stage": "stage IV", "ki67": "30 %"}, {"I2.a": "fail", "decision": "ineligible"}),
    ("neuropathy", "sclc", {"tox": "Peripheral neuropathy grade 2 from chemotherapy, trouble buttoning."}, {"E11": "fail"}),
    ("prostate_surveillance", "sclc", {"sex": "M", "pmh": "prostate adenocarcinoma on active surveillance since 2025, hypertension"}, {"E12": "fail"}),
    ("breast_cured", "sclc", {"sex": "F", "pmh": "breast cancer 2010 s/p lumpectomy and radiation, no evidence of disease"}, {"E12": "pass"}),
    ("covid_old", "nec", {"pmh": "COVID-19 in 2022, recovered; hypertension"}, {"E19": "pass"}),
    ("refuses_biopsy", "sclc", {"plan": "Interested in the study but declines re-biopsy."}, {"I10": "fail"}),
    ("guardianship", "sclc", {"extra": "Brother is the legal guardian (tutelle)."}, {"E24": "fail"}),
]  # fmt: skip


def main() -> None:
    rng = random.Random(20260302)
    rows: list[tuple[str, str, str, str, str]] = []
    expected: dict[str, dict] = {}
    for number, (name, cohort, change, answers) in enumerate(CASES, 1):
        patient = f"DEMO-{number:03}"
        chart = base(rng, cohort) | change
        rows += chart_notes(patient, chart, rng)
        expected[patient] = {"case": f"{cohort}: {name}", "index_date": iso(INDEX), "expect": answers}
    from written import WRITTEN

    for patient, case in WRITTEN.items():
        rows += [(patient, f"{patient}-{n:02}", when, kind, text) for n, (when, kind, text) in enumerate(case["notes"], 1)]
        expected[patient] = {"case": case["case"], "index_date": case["index_date"], "expect": case["expect"]}
    with open(HERE / "notes.csv", "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["patient_id", "note_id", "note_date", "note_type", "text"])
        writer.writerows(rows)
    with open(HERE / "index_dates.csv", "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["patient_id", "index_date"])
        writer.writerows((patient, case["index_date"]) for patient, case in expected.items())
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(expected)} patients, {len(rows)} notes")


if __name__ == "__main__":
    main()
