"""Anticancer treatment: drugs, regimens, radiotherapy, operations, and what became of them."""

from __future__ import annotations

import datetime

import pytest

from extractor.pipeline.engine import Engine
from extractor.records import Note

DATE = datetime.date(2025, 12, 1)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def therapy(engine: Engine, text: str) -> dict[str, list]:
    found: dict[str, list] = {}
    for fact in engine.facts(Note("p", "n", DATE, "note", text)):
        if fact.family == "therapy":
            found.setdefault(fact.concept, []).append(fact)
    return found


STATUS = [
    ("11/4/2025 - present: lurbinectedin", "lurbinectedin", "ongoing", "present"),
    ("| 2 | topotecan | 06/2025 | present |", "topotecan", "ongoing", "present"),
    ("Atezolizumab     1200 mg   maint   11/03/2025     HELD - progression, not given", "atezolizumab", "not_given", "absent"),
    ("| Drug | Given |\n| Atezolizumab | 11/03/2025 | not given |", "atezolizumab", "not_given", "absent"),
    ("Received cisplatin.", "cisplatin", "received", "present"),
    ("On everolimus since 3/2025.", "everolimus", "ongoing", "present"),
    ("Will start topotecan next week.", "topotecan", "planned", "hypothetical"),
    ("Patient declined lurbinectedin.", "lurbinectedin", "declined", "absent"),
    ("No tarlatamab to date.", "tarlatamab", "not_given", "absent"),
    ("No platinum and never any tarlatamab or other DLL3 drug.", "dll3-directed agent", "not_given", "absent"),
    ("Tarlatamab authorised last week, start postponed.", "tarlatamab", "not_given", "absent"),
    ("Hold tarlatamab screening.", "tarlatamab", "planned", "hypothetical"),
    ("Not treated with tarlatamab.", "tarlatamab", "not_given", "absent"),
    ("Lurbinectedin never started (insurance).", "lurbinectedin", "not_given", "absent"),
    ("Topotecan was proposed; it was never given.", "topotecan", "not_given", "absent"),
    ("Atezolizumab discontinued for PD.", "atezolizumab", "received", "present"),
    ("Durvalumab on hold since May.", "durvalumab", "held", "present"),
    ("He was able to get topotecan and received it.", "topotecan", "received", "present"),
    ("If no response: FOLFIRI.", "irinotecan", "planned", "hypothetical"),
    ("Was to start topotecan but declined.", "topotecan", "declined", "absent"),
    ("Selpercatinib, dose held 2 weeks for transaminitis then rechallenged.", "selpercatinib", "ongoing", "present"),
    ("Durvalumab held 10/2025 for pneumonitis, resumed 11/2025.", "durvalumab", "ongoing", "present"),
    ("Screen failed for tarlatamab.", "tarlatamab", "not_given", "absent"),
    ("No prior DLL3-targeted therapy including tarlatamab.", "tarlatamab", "not_given", "absent"),
    ("Phase I study of AMG 757 (3 doses 2021, stopped for PD).", "tarlatamab", "received", "present"),
    ("Atezolizumab en entretien à prévoir.", "atezolizumab", "planned", "hypothetical"),
    ("- 6/9/25- : Tarlatamab.", "tarlatamab", "ongoing", "present"),
    ("Proceed with C9 tarlatamab.", "tarlatamab", "ongoing", "present"),
    ("Lobectomy aborted because of N2 disease.", "surgery", "not_given", "absent"),
    ("The tumor was too large and risky for local resection.", "surgery", "not_given", "absent"),
    ("There was no clearance given for any surgical intervention.", "surgery", "not_given", "absent"),
    ("PLAN: Gabapentin. The neuropathy is secondary to her radiation treatments.", "radiotherapy", "received", "present"),
    ("He underwent a fusion of L4-L5.", "surgery", "received", "present"),
    ("Spine surgery is not a consideration at this time.", "surgery", "not_given", "absent"),
    ("TUR of a bladder tumor, followed by bladder instillation of BCG.", "bcg intravesical", "received", "present"),
    ("He is being admitted to undergo a radical prostatectomy.", "surgery", "planned", "hypothetical"),
    ("The patient is to come to the hospital for kyphoplasty.", "surgery", "planned", "hypothetical"),
    ("She was not in a condition to undergo any chemotherapy.", "chemotherapy", "not_given", "absent"),
    ("Next, the renal pelvis was excised.", "surgery", "received", "present"),
    ("Bladder tumor. He has received BCG.", "bcg intravesical", "received", "present"),
    ("The decision was made to not perform bilateral lymphadenectomy.", "surgery", "not_given", "absent"),
    ("She underwent radioactive iodine implantation.", "radiotherapy", "received", "present"),
    ("Without interruption of durvalumab.", "durvalumab", "received", "present"),
    ("Radiotherapy was planned using an arc technique, 55 Gy in all.", "radiotherapy", "received", "present"),
    ("Denied family history of cancer or personal history of neck radiation.", "radiotherapy", "not_given", "absent"),
    ("Docetaxel and a colostomy offered palliation.", "surgery", "received", "present"),
    ("He can still benefit from further treatment with durvalumab.", "durvalumab", "received", "present"),
    ("Radiotherapy was planned.", "radiotherapy", "planned", "hypothetical"),
    ("Irradiation prophylactique cérébrale non réalisée.", "pci", "not_given", "absent"),
    ("Radiothérapie thoracique refusée par le patient.", "radiotherapy", "declined", "absent"),
    ("Il n'a pas bénéficié de radiothérapie.", "radiotherapy", "not_given", "absent"),
    ("Pas de chimiothérapie par topotécan à ce jour.", "topotecan", "not_given", "absent"),
    ("Durvalumab en cours depuis janvier 2025.", "durvalumab", "ongoing", "present"),
    ("Durvalumab suspendu pour pneumopathie.", "durvalumab", "held", "present"),
    ("Poursuite de l'atézolizumab.", "atezolizumab", "ongoing", "present"),
    ("Décision de RCP : lurbinectédine.", "lurbinectedin", "planned", "hypothetical"),
    ("Une chimiothérapie par topotécan sera débutée la semaine prochaine.", "topotecan", "planned", "hypothetical"),
    ("C3 de topotécan réalisé ce jour.", "topotecan", "ongoing", "present"),
    ("Récusé pour une lobectomie.", "surgery", "not_given", "absent"),
    ("A bénéficié de 4 cures de cisplatine-étoposide.", "cisplatin", "received", "present"),
    ("Topotecan wurde nicht gegeben.", "topotecan", "not_given", "absent"),
    ("Patient lehnt Topotecan ab.", "topotecan", "declined", "absent"),
    ("Durvalumab pausiert.", "durvalumab", "held", "present"),
    ("Atezolizumab wordt voortgezet.", "atezolizumab", "ongoing", "present"),
    ("Topotecan niet gestart.", "topotecan", "not_given", "absent"),
]


@pytest.mark.parametrize(("text", "concept", "status", "assertion"), STATUS, ids=[row[0] for row in STATUS])
def test_status(engine: Engine, text: str, concept: str, status: str, assertion: str) -> None:
    facts = therapy(engine, text)[concept]
    assert [(f.attributes["status"], f.assertion) for f in facts] == [(status, assertion)]


DATED = [
    ("Procedure: femoral nailing for an impending fracture. Date 12 Aug 2025. No complications.", "surgery", "2025-08-12"),
    ("Procedure: craniotomy. Date of surgery: 12 Aug 2025.", "surgery", "2025-08-12"),
    ("On December 5, 2008, Mr. Smith underwent a total knee replacement.", "surgery", "2008-12-05"),
    ("PMH: 1) MI 11/9/78, 2) Cholecystectomy, 3) gout.", "surgery", None),
    ("hemodialysis (1983-1988), kidney transplant (1988)", "transplant", "1988"),
    ("History of kidney transplant, who presented to clinic in May 2001 with pain.", "transplant", None),
]


@pytest.mark.parametrize(("text", "concept", "start"), DATED, ids=[row[0] for row in DATED])
def test_date_of_an_operation(engine: Engine, text: str, concept: str, start: str | None) -> None:
    assert [f.attributes.get("start_date") for f in therapy(engine, text)[concept]] == [start]


def test_who_operates_is_no_operation(engine: Engine) -> None:
    assert therapy(engine, "She was referred to the bariatric surgery service.") == {}
    assert therapy(engine, "OPERATIONS: As above.") == {}
    assert therapy(engine, "Nonweightbearing; continue CPM machine while in bed.") == {}
    assert therapy(engine, "OPERATION PERFORMED: Cystoscopy.") == {}
    assert therapy(engine, "The bladder was freed by a bladder neck dissection method.") == {}
    assert therapy(engine, "He received BCG at birth. Bladder normal.") == {}
    assert therapy(engine, "Prostate: size 60 g, RT>LT and firm.") == {}


def test_regimen_splits_into_its_drugs(engine: Engine) -> None:
    found = therapy(engine, "Carbo/etop/atezo x4 9/2024-12/2024; atezo maint thru 5/8/25 PD; topotecan x6.")
    assert sorted(found) == ["atezolizumab", "carboplatin", "etoposide", "topotecan"]
    carboplatin = found["carboplatin"][0]
    assert carboplatin.attributes["cycles"] == 4
    assert (carboplatin.date_start, carboplatin.date_end) == (datetime.date(2024, 9, 1), datetime.date(2024, 12, 31))
    maintenance = [f for f in found["atezolizumab"] if f.attributes.get("intent") == "maintenance"]
    assert [(f.attributes["end_date"], f.attributes["reason_stopped"]) for f in maintenance] == [
        ("2025-05-08", "progression")
    ]
    assert {f.attributes["line"] for f in found["atezolizumab"]} == {1}
    assert (found["topotecan"][0].attributes["line"], found["topotecan"][0].attributes["cycles"]) == (2, 6)


COLLISIONS = [
    ("CT negative for PE.", []),
    ("PE: lungs clear.", []),
    ("EP consulted for ablation.", []),
    ("IP consult; IC signed.", []),
    ("CAV lesion in the left apex.", []),
    ("PE x4 for SCLC.", ["cisplatin", "etoposide"]),
    ("CAV x3, then PD.", ["cyclophosphamide", "doxorubicin", "vincristine"]),
    ("NSTEMI with PCI to LAD.", []),
    ("PCI 25 Gy/10 fx after chemotherapy.", ["pci"]),
    ("Back pain with radiation to the left leg.", []),
    ("CT after cycle 3.", []),
    ("Allergies: etoposide.", []),
    ("Inclusion criteria: progression after platinum; no prior tarlatamab.", []),
    ("NCCN guidelines list topotecan and lurbinectedin as options.", []),
    ("Lurbinectedin was approved in 2020 by the FDA.", []),
    ("In DeLLphi-301, tarlatamab produced a response rate of 40 percent.", []),
    ("[ ] SBRT [ ] chemotherapy: carboplatin / etoposide", []),
    ("RA on MTX 15 mg weekly.", []),
    ("Offer 2nd line CAV.", ["cyclophosphamide", "doxorubicin", "vincristine"]),
]


@pytest.mark.parametrize(("text", "concepts"), COLLISIONS, ids=[row[0] for row in COLLISIONS])
def test_collisions(engine: Engine, text: str, concepts: list[str]) -> None:
    found = therapy(engine, text)
    assert sorted(c for c in found if c != "chemotherapy") == concepts


LINES = [
    ("3L: topotecan started 5/1/2025.", "topotecan", 3),
    ("Nivolumab as the fifth-line therapy.", "nivolumab", 5),
    ("Cisplatin/etoposide x4, PD. Then irinotecan.", "irinotecan", 2),
    ("Adjuvant cisplatin/vinorelbine 2019. Topotecan 2025.", "topotecan", 1),
    ("Capecitabine (2000 mg/m2 orally, days 1-14), cisplatin (80 mg/m2 on day 1) and T-mab.", "cisplatin", 1),
    ("Paclitaxel and the PD-L1 inhibitor atezolizumab were given.", "atezolizumab", 1),
    ("Carboplatin (CBDCA) and etoposide (VP-16); then docetaxel.", "docetaxel", 2),
    ("Nivolumab was given as third-line systemic therapy.", "nivolumab", 3),
]


@pytest.mark.parametrize(("text", "concept", "line"), LINES, ids=[row[0] for row in LINES])
def test_lines(engine: Engine, text: str, concept: str, line: int) -> None:
    assert [f.attributes["line"] for f in therapy(engine, text)[concept]] == [line]


DATES = [
    ("Switched to topotecan, five cycles in total, finishing on April 10, 2025.", "topotecan", None, "2025-04-10"),
    ("Regimen | Start | End | Response\nTopotecan | 06/2025 | 08/2025 | PD", "topotecan", "2025-06", "2025-08"),
    ("Regimen   Start     End       Response\nTopotecan   6/2/2025   8/4/2025   PD", "topotecan", "2025-06-02", "2025-08-04"),
    ("| 2 | lurbinectedin | 09/02/2025 - 11/20/2025 | PD |", "lurbinectedin", "2025-09-02", "2025-11-20"),
    ("Carboplatin | AUC 5 | C1D1 | 06/16/2025", "carboplatin", "2025-06-16", None),
    ("Last durvalumab 8/19/2025.", "durvalumab", None, "2025-08-19"),
    ("Topotecan d3 of C4 on 8/6/2025.", "topotecan", None, "2025-08-06"),
    ("Carboplatin/etoposide, C1 3/4/2024, C4 5/13/2024.", "carboplatin", "2024-03-04", "2024-05-13"),
    ("- 02/03/2025 - 04/14/2025: carboplatin x 4.", "carboplatin", "2025-02-03", "2025-04-14"),
    ("Lurbinectedin x4, PD 11/2025.", "lurbinectedin", None, None),
    ("WBRT 20 Gy/5 completed 7/11/2025.", "wbrt", None, "2025-07-11"),
    ("Simple mastectomy and sentinel lymph node biopsy in 2013.", "surgery", "2013", None),
    ("She received six courses of irinotecan with cisplatin for 7 months.", "irinotecan", None, None),
    ("03/28/2024 - 06/20/2024 | Carboplatin/etoposide x 4", "carboplatin", "2024-03-28", "2024-06-20"),
    ("Carboplatine-étoposide 4 cures (01/2025 au 04/2025).", "carboplatin", "2025-01", "2025-04"),
    ("CBDCA+VP-16 4 courses (2024/5/10-2024/7/25).", "carboplatin", "2024-05-10", "2024-07-25"),
    ("Cisplatine-étoposide x6 (C6 le 15/05/2025), puis progression.", "cisplatin", None, "2025-05-15"),
    ("Carboplatin/Etoposid 4 Zyklen (Zyklus 4 am 15.05.2025).", "carboplatin", None, "2025-05-15"),
]


@pytest.mark.parametrize(("text", "concept", "start", "end"), DATES, ids=[row[0] for row in DATES])
def test_dates(engine: Engine, text: str, concept: str, start: str | None, end: str | None) -> None:
    (fact,) = therapy(engine, text)[concept]
    assert (fact.attributes.get("start_date"), fact.attributes.get("end_date")) == (start, end)


RADIOTHERAPY = [
    ("8 Gy x1 to R femur 8/2025.", "radiotherapy", 8, 1, "bone"),
    ("Thoracic RT 45 Gy in 30 fractions.", "radiotherapy", 45, 30, "chest"),
    ("SRS to R frontal lesion, 20 Gy x1.", "srs", 20, 1, "brain"),
    ("Craniospinal irradiation 36 Gy.", "radiotherapy", 36, None, "wide"),
    ("Palliative radiotherapy to thoracic spine 20Gy in 5# July 2025.", "radiotherapy", 20, 5, "bone"),
    ("PCI, 2500 cGy in 10 fractions, for SCLC.", "pci", 25, 10, "brain"),
    ("PCI for SCLC, 10 x 2.5 Gy.", "pci", 25, 10, "brain"),
    ("Technique: HA-WBRT. Dose: 30 Gy in 10 fractions.", "wbrt", 30, 10, "brain"),
]


@pytest.mark.parametrize(
    ("text", "concept", "dose", "fractions", "field"), RADIOTHERAPY, ids=[r[0] for r in RADIOTHERAPY]
)
def test_radiotherapy(engine: Engine, text: str, concept: str, dose: float, fractions: int | None, field: str) -> None:
    (fact,) = therapy(engine, text)[concept]
    assert (fact.attributes["dose_gy"], fact.attributes.get("fractions"), fact.attributes["field"]) == (
        dose,
        fractions,
        field,
    )


SURGERY = [
    ("Left craniotomy for tumour resection 5/2/2025.", True),
    ("Port placement 6/7/2025.", False),
    ("CT-guided core biopsy.", False),
    ("Seen by surgery.", False),
    ("Underwent right upper lobectomy in 2019.", True),
    ("Resection margins clear.", False),
    ("Neoadjuvant chemoradiation followed by surgery.", True),
    ("Kept well by chemotherapy, radiotherapy and surgery.", True),
    ("Surgical excision and biopsy of the flap.", True),
    ("Left hemicolectomy and biopsy of the liver.", True),
]


@pytest.mark.parametrize(("text", "major"), SURGERY, ids=[row[0] for row in SURGERY])
def test_surgery(engine: Engine, text: str, major: bool) -> None:
    found = therapy(engine, text).get("surgery", [])
    assert bool(found) is major


def test_intents_that_hold_each_other(engine: Engine) -> None:
    """ "neo-adjuvant" has "adjuvant" in it; what a tumour spread to was not irradiated."""
    assert therapy(engine, "Three courses of neo-adjuvant etoposide.")["etoposide"][0].attributes["intent"] == "neoadjuvant"
    (radiotherapy,) = therapy(engine, "Despite radiotherapy the tumour metastasized to the spleen.")["radiotherapy"]
    assert "site" not in radiotherapy.attributes


def test_orchiectomy_of_one_side_is_no_castration(engine: Engine) -> None:
    assert "orchiectomy" in therapy(engine, "Bilateral orchiectomy 2016.")
    assert "orchiectomy" not in therapy(engine, "Left orchiectomy 1999, seminoma.")


def test_abbreviation_defined_in_the_note(engine: Engine) -> None:
    found = therapy(engine, "Began bortezomib-lenalidomide (BL) therapy. After two months of BL therapy he fell.")
    assert [f.attributes.get("regimen") for f in found["bortezomib"]][-1] == "BL"


REASONS = [
    ("Last leuprolide 22.5 mg 06/2025, he has refused further injections.", "leuprolide", "choice"),
    ("Owing to grade 3 pneumonitis, nivolumab was discontinued.", "nivolumab", "toxicity"),
    ("After progression, atezolizumab was stopped.", "atezolizumab", "progression"),
    ("Tislelizumab, a PD-1 inhibitor, was stopped.", "tislelizumab", None),
    ("CPT-11 2 courses → D/C due to diarrhea G3.", "irinotecan", "toxicity"),
    ("FOLFIRI débutée le 01/10/2025, arrêtée pour toxicité.", "irinotecan", "toxicity"),
]


@pytest.mark.parametrize(("text", "concept", "reason"), REASONS, ids=[row[0] for row in REASONS])
def test_reason_of_the_stop(engine: Engine, text: str, concept: str, reason: str) -> None:
    assert [f.attributes.get("reason_stopped") for f in therapy(engine, text)[concept]] == [reason]


CYCLES = [
    ("Cure n°3 de carboplatine-étoposide.", "carboplatin", 3),
    ("Received 6 cycles Inj. Carboplatin 450 mg + Inj. Etoposide 100 mg.", "etoposide", 6),
    ("Carboplatine/etoposide 4 kuren.", "etoposide", 4),
    ("3 cyc of carbo/VP16.", "carboplatin", 3),
]


@pytest.mark.parametrize(("text", "concept", "cycles"), CYCLES, ids=[row[0] for row in CYCLES])
def test_cycles(engine: Engine, text: str, concept: str, cycles: int) -> None:
    assert [f.attributes.get("cycles") for f in therapy(engine, text)[concept]] == [cycles]


def test_what_stands_before_a_relapse_is_no_reason_to_stop(engine: Engine) -> None:
    for text in (
        "She was treated with anlotinib after disease progression in December 2018.",
        "Octreotide due to liver tumor recurrence.",
        "After switching to durvalumab, a progression-free survival of 11 months.",
    ):
        found = [f for drafts in therapy(engine, text).values() for f in drafts]
        assert found
        assert all("reason_stopped" not in f.attributes for f in found), text


def test_doses_before_the_drugs_of_a_regimen(engine: Engine) -> None:
    text = (
        "Adjuvant chemotherapy was administered with 80 mg/m2 intravenous cisplatin on day 1 and 100 mg/m2 etoposide on days 1-3 for 2 cycles."
    )
    found = therapy(engine, text)
    for drug in ("cisplatin", "etoposide"):
        assert [(f.attributes.get("intent"), f.attributes.get("cycles")) for f in found[drug]] == [("adjuvant", 2)]


def test_a_regimen_by_its_short_name_again(engine: Engine) -> None:
    found = therapy(engine, "Carboplatin plus etoposide (CE) x 4. CE was administered again but resulted in PD.")
    assert len(found["carboplatin"]) == 2


def test_intent_of_a_regimen_told_behind_it(engine: Engine) -> None:
    found = therapy(engine, "CapeOX was begun as adjuvant chemotherapy in August 2018.")
    assert [f.attributes.get("intent") for f in found["capecitabine"]] == ["adjuvant"]


def test_operations_are_not_adjuvant_themselves(engine: Engine) -> None:
    found = therapy(engine, "He declined adjuvant therapy and died 2 months after surgery.")
    assert all("intent" not in f.attributes for f in found.get("surgery", []))


def test_chemotherapy_that_the_patient_cannot_name_is_not_known(engine: Engine) -> None:
    assert therapy(engine, "He is unsure what chemo he had.") == {}


def test_no_risk_factor_is_no_radiation(engine: Engine) -> None:
    found = therapy(engine, "No risk factors including smoking, previous radiation therapy or hereditary factors.")
    assert [f.assertion for f in found["radiotherapy"]] == ["absent"]


def test_short_names_of_chemotherapy_and_chemoradiotherapy(engine: Engine) -> None:
    assert set(therapy(engine, "She underwent CCRT.")) == {"chemotherapy", "radiotherapy"}
    assert [f.assertion for f in therapy(engine, "The patient refused further CHT.")["chemotherapy"]] == ["absent"]


def test_day_of_radiation_behind_the_metastases(engine: Engine) -> None:
    found = therapy(engine, "He underwent radiotherapy for multiple bone metastases in February 2017.")
    assert [f.attributes.get("start_date") for f in found["radiotherapy"]] == ["2017-02"]


def test_what_could_be_achieved_was_given(engine: Engine) -> None:
    found = therapy(engine, "Local control could be achieved by gemcitabine once a week.")
    assert [f.attributes.get("status") for f in found["gemcitabine"]] == ["received"]
