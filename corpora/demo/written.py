"""Charts of the demo export that were written by hand: what a generator would not think of."""

from __future__ import annotations

WRITTEN = {
    "DEMO-101": {
        "case": "written: SCLC after chemo-immunotherapy, telegraphic",
        "index_date": "2026-03-02",
        "expect": {"cohort": "sclc", "E8": "pass", "I7": "pass"},
        "notes": [
            ("2024-11-08", "Cytology report", "EBUS station 7, FNA with cell block: SMALL CELL CARCINOMA. Syn+, CgA+, CD56+, TTF-1+. Ki67 >95%."),
            ("2025-02-20", "Infusion note", "C4D1 carbo AUC5 / etop 100 mg/m2 / atezo 1200 mg today. no rxn. d/c ambulatory."),
            ("2026-01-14", "Radiology report", "CT CHEST ABD PELVIS 01/14/2026\nLUL mass 4.4 x 3.8 cm (was 3.0). New L adrenal nodule 2.4 cm. No ILD. No effusion.\nIMP: progression."),
            ("2026-02-19", "Oncology clinic", "61 yo F ES-SCLC dx 11/2024.\nOnc hx: carbo/etop/atezo x4 12/2024-2/20/25, maint atezo thru 8/28/25, PD 9/2025. Topotecan x4, last 12/22/25. PD 1/14/26. That is all the treatment she has had; no trial, no tarlatamab.\nPMH: HTN, OA.\nMeds (reconciled today): lisinopril 10, vit D. No steroids.\nAll: NKDA\nROS neg HA, fever.\nPE: ECOG 1, SpO2 96% RA, neuro intact.\nio well tolerated, no irAE. Toxicities all back to gr 0-1.\nA/P: MRI brain 2/12/26: no mets, no LMD. Wants UNLOCK."),
        ],
    },
    "DEMO-102": {
        "case": "written: look-alikes that must not become facts",
        "index_date": "2026-03-02",
        "expect": {"I2.a": "fail"},
        "notes": [
            ("2025-12-03", "Pathology report", "Lung, RUL, core biopsy: SQUAMOUS CELL CARCINOMA (SCC), moderately differentiated. p40 positive, TTF-1 negative, synaptophysin negative. No small cell component."),
            ("2025-12-10", "Emergency note", "CT PE protocol: negative for PE. No CVA tenderness. PS 5/8 on FiO2 40% overnight, weaned. ASA 2."),
            ("2026-01-11", "Oncology note", "72 yo M, stage IIIB NSCLC (squamous). Father had small cell lung cancer. Discussed carbo/paclitaxel; plan to start next week."),
            ("2026-02-20", "Oncology note", "C1 carboplatin/paclitaxel given 1/20/26. ECOG 1. Sat 95% on RA."),
        ],
    },
    "DEMO-103": {
        "case": "written: French letter, large cell neuroendocrine carcinoma of the lung",
        "index_date": "2026-03-02",
        "expect": {"cohort": "nec", "I11.a": "pass", "I3.3": "pass"},
        "notes": [
            ("2025-03-18", "Compte rendu anatomopathologique", "Biopsie hépatique : métastase d'un carcinome neuroendocrine à grandes cellules d'origine pulmonaire. Ki-67 : 75 %. Synaptophysine +, chromogranine +. DLL3 : 40 % des cellules tumorales."),
            ("2025-09-02", "Consultation", "Cisplatine-étoposide 4 cures, dernière cure le 12/08/2025. Réponse partielle."),
            ("2026-02-24", "Bilan biologique", "Prélèvement du 24/02/2026\nHb 11,2 g/dL\nPNN 3,4 G/L\nPlaquettes 214 G/L\nCréatinine 71 µmol/L\nASAT 28 UI/L  ALAT 22 UI/L\nPAL 96 UI/L\nBilirubine totale 8 µmol/L\nAlbumine 38 g/L"),
            ("2026-02-25", "Consultation d'oncologie", "Patient de 66 ans, carcinome neuroendocrine à grandes cellules du poumon, stade IV. Progression hépatique au scanner du 20/01/2026. OMS 1. SpO2 97 % en air ambiant. Assuré social, ALD 100 %. Pas de métastase cérébrale à l'IRM du 18/02/2026."),
        ],
    },
}
