"""Histology, biomarkers, stage and the pathology's supporting facts, sentence by sentence."""

from __future__ import annotations

import datetime

import pytest

from extractor.families import brain, lesions, panel, proliferation
from extractor.pipeline.engine import Engine
from extractor.records import Note


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def facts(engine: Engine, text: str, family: str) -> list:
    note = Note("p", "n", datetime.date(2025, 10, 15), "Progress note", text)
    return [f for f in engine.facts(note) if f.family == family]


HISTOLOGY = [
    ("Dx: small cell lung cancer.", [("sclc", "present", "lung")]),
    ("Stage IV NSCLC.", [("other_malignancy", "present", "lung")]),
    ("SCC of the lung.", [("squamous_cell_carcinoma", "present", "lung")]),
    ("Small cell carcinoma of the bladder.", [("sc_nec", "present", "bladder")]),
    ("Small cell carcinoma of the prostate.", [("nepc", "present", "prostate")]),
    ("Large cell neuroendocrine carcinoma of the gallbladder.", [("lcnec", "present", "gallbladder")]),
    ("Poorly differentiated neuroendocrine carcinoma of the colon, large cell type.", [("lcnec", "present", "colon")]),
    ("Well differentiated neuroendocrine carcinoma of the pancreas.", [("net", "present", "pancreas")]),
    ("Ileal NET, grade 2.", [("net", "present", "ileum")]),
    (
        "High-grade neuroendocrine neoplasm of the rectum.",
        [("nec_nos", "possible", "rectum"), ("net", "possible", "rectum")],
    ),
    ("Medullary thyroid carcinoma, high grade.", [("mtc", "present", "thyroid")]),
    ("No recurrence of the SCLC was seen.", [("sclc", "present", "lung")]),
    ("Recurrence of his small cell lung cancer was suspected.", [("sclc", "present", "lung")]),
    ("Small cell lung cancer was suspected.", [("sclc", "possible", "lung")]),
    ("Atypical thymic carcinoid.", [("atypical_carcinoid", "present", "thymus")]),
    ("Small-cell carcinoma (SCC) of the ureter. SCC was resected.", [("sc_nec", "present", "ureter")]),
    ("Metastatic Merckel cell cancer.", [("merkel_cell", "present", "skin")]),
    ("Stains for p53 and retinoblastoma were lost.", []),
    (
        "MiNEN of the colon: NEC component 70% (small cell type).",
        [("minen", "present", "colon"), ("nec_nos", "present", "colon"), ("sc_nec", "present", None)],
    ),
    ("SCLC misdiagnosed initially as squamous cell carcinoma.", [("sclc", "present", "lung"), ("squamous_cell_carcinoma", "absent", None)]),
    ("A mass of the pancreatic head. A bronchoscopic biopsy revealed small cell carcinoma.", [("sclc", "present", "lung")]),
    ("A well-differentiated neuroendocrine carcinoma (NEC) of the thymus.", [("net", "present", "thymus")]),
    ("SmCC of the larynx.", [("sc_nec", "present", "larynx")]),
    ("SCLC combined adenocarcinoma.", [("combined_sclc", "present", "lung")]),
    ("Small cell neuroendocrine carcinoma in the TUR-P.", [("nepc", "present", "prostate")]),
    ("No small cell component.", [("sclc", "absent", "lung")]),
    ("Her father had small cell lung cancer.", [("sclc", "present", "lung")]),
    ("Small lymphocytic lymphoma in remission.", [("other_malignancy", "present", None)]),
    ("Carcinoid syndrome controlled.", []),
    ("I/O: NET negative 600 mL.", []),
    ("Seen in the breast cancer clinic.", []),
    ("Two cases have been reported in the literature of small cell carcinoma of the ureter.", []),
    ("D. Type: 1\n1. Adenocarcinoma\n2. Carcinoid Tumor\n3. Squamous Cell Carcinoma\n4. Sarcoma\n", []),
]


@pytest.mark.parametrize(("text", "wanted"), HISTOLOGY, ids=[str(i) for i in range(len(HISTOLOGY))])
def test_histology(engine, text, wanted):
    found = {(f.concept, f.assertion, f.attributes.get("primary_site")) for f in facts(engine, text, "histology")}
    assert found == set(wanted)


def test_several_organs_with_one_word_of_cancer(engine):
    found = facts(engine, "Family history of colon, breast and ovarian cancer.", "histology")
    assert [f.attributes["primary_site"] for f in found] == ["colon", "breast", "ovary"]
    assert facts(engine, "Mass of the liver and lung cancer.", "histology")[0].attributes["primary_site"] == "lung"
    assert [f.concept for f in facts(engine, "Breast cancer 12 years ago.", "histology")] == ["other_malignancy"]


def test_a_relatives_tumour_is_the_familys(engine):
    assert [f.experiencer for f in facts(engine, "Her father had small cell lung cancer.", "histology")] == ["family"]


BIOMARKERS = [
    ("Ki-67 >90%.", [("ki67", ">", 90.0, None, None)]),
    ("MIB-1 labelling index 20-30 %.", [("ki67", "=", 20.0, 30.0, None)]),
    (
        "Ki-67 3% in the primary (2018); 60% in liver met (2025).",
        [("ki67", "=", 3.0, None, None), ("ki67", "=", 60.0, None, None)],
    ),
    ("NET with 0 MF/10 HPF.", [("mitotic_rate", "=", 0.0, None, None)]),
    ("Mitoses 24/10 HPF.", [("mitotic_rate", "=", 24.0, None, None)]),
    ("12 mitoses per mm2.", [("mitotic_rate", "=", 24.0, None, None)]),
    ("Urine: 5 WBC per HPF.", []),
    (
        "DLL3: 20% 1+, 40% 2+, 10% 3+.",
        [("dll3_h_score", "=", 130.0, None, None), ("dll3_percent", "=", 70.0, None, None)],
    ),
    (
        "DLL3 IHC: 70% of tumor cells, 2+.",
        [("dll3_h_score", "=", 140.0, None, None), ("dll3_percent", "=", 70.0, None, None)],
    ),
    ("DLL3 IHC, H score 180/300.", [("dll3_h_score", "=", 180.0, None, None)]),
    ("DLL3 IHC pending.", []),
    ("DLL3 QNS.", []),
    ("PD-L1 TPS 5%, DLL3 not done.", [("pdl1_tps", "=", 5.0, None, None)]),
    (
        "Positive for CK7, synaptophysin and CD56; negative for TTF-1 and CDX2.",
        [
            ("synaptophysin", None, None, None, "positive"),
            ("cd56", None, None, None, "positive"),
            ("ttf1", None, None, None, "negative"),
        ],
    ),
    (
        "TTF-1+, CD56 -, syn (+).",
        [
            ("ttf1", None, None, None, "positive"),
            ("cd56", None, None, None, "negative"),
            ("synaptophysin", None, None, None, "positive"),
        ],
    ),
    (
        "CD56 and synaptophysin were negative.",
        [("cd56", None, None, None, "negative"), ("synaptophysin", None, None, None, "negative")],
    ),
    ("Serum chromogranin A 450 ng/mL, NSE 60 ng/mL.", []),
    ("Tumour without necrosis.", [("tumor_necrosis", None, None, None, "negative")]),
    ("Avascular necrosis of the hip.", []),
    ("NGS: RB1 loss, TP53 R175H.", [("rb1", None, None, None, "lost"), ("tp53", None, None, None, "mutated")]),
    ("TP53 VUS.", []),
    ("RET M918T somatic.", [("ret", None, None, None, "mutated")]),
    ("RET VUS p.Y791F.", []),
    ("eGFR 62 mL/min.", []),
    ("VUS: RET V804M.", []),
    ("RET mutation status unknown.", []),
    ("Negative for EGFR mutations.", [("egfr_gene", None, None, None, "wild_type")]),
    ("RET fusion-negative.", [("ret", None, None, None, "wild_type")]),
    ("Rb positive, PTEN (-).", [("rb1", None, None, None, "retained"), ("pten", None, None, None, "lost")]),
    (
        "Positive for synaptophysin but not chromogranin or TTF-1.",
        [
            ("synaptophysin", None, None, None, "positive"),
            ("chromogranin", None, None, None, "negative"),
            ("ttf1", None, None, None, "negative"),
        ],
    ),
    (
        "SYN 3+, TTF1 0, INSM1 3+.",
        [
            ("synaptophysin", None, None, None, "positive"),
            ("ttf1", None, None, None, "negative"),
            ("insm1", None, None, None, "positive"),
        ],
    ),
    (
        "Synaptophysin positiv, TTF-1 negativ.",
        [("synaptophysin", None, None, None, "positive"), ("ttf1", None, None, None, "negative")],
    ),
    (
        "DLL3: 60% (1+ 20%, 2+ 30%, 3+ 10%).",
        [("dll3_h_score", "=", 110.0, None, None), ("dll3_percent", "=", 60.0, None, None)],
    ),
    ("DLL3 staining in 80 % of cells, 2+/3+.", [("dll3_percent", "=", 80.0, None, None)]),
    (
        "DLL3 stain was done at the reference laboratory. Result: negative.",
        [("dll3_status", None, None, None, "negative")],
    ),
    ("The tumour does not express DLL3.", [("dll3_status", None, None, None, "negative")]),
    (
        "PD-L1 (22C3) CPS 10, TPS 5 %.",
        [("pdl1_tps", "=", 10.0, None, None), ("pdl1_tps", "=", 5.0, None, None)],
    ),
    ("Mitoses in excess of 40 per 10 HPF.", [("mitotic_rate", ">", 40.0, None, None)]),
    ("Ki67 ~ 85.", [("ki67", "~", 85.0, None, None)]),
    ("The MIB-1 index was 18.3 ± 5.6.", [("ki67", "=", 18.3, None, None)]),
    ("Ki-67 9O %.", [("ki67", "=", 90.0, None, None)]),
    ("Complete absence of Rb and PTEN.", [("rb1", None, None, None, "lost"), ("pten", None, None, None, "lost")]),
    ("No evidence of a germline mutation of the RET gene.", [("ret", None, None, None, "wild_type")]),
    ("In the absence of EGFR mutations chemotherapy was chosen.", [("egfr_gene", None, None, None, "wild_type")]),
    ("The tumour did not harbour a RET mutation.", [("ret", None, None, None, "wild_type")]),
]


@pytest.mark.parametrize(("text", "wanted"), BIOMARKERS, ids=[str(i) for i in range(len(BIOMARKERS))])
def test_biomarkers(engine, text, wanted):
    found = {(f.concept, f.comparator, f.value, f.value_high, f.value_text) for f in facts(engine, text, "biomarker")}
    assert found == set(wanted)


STAGE = [
    (
        "ES-SCLC (liver, bone).",
        {
            ("extensive_stage", "present", None),
            ("metastatic_site", "present", "liver"),
            ("metastatic_site", "present", "bone"),
        },
    ),
    (
        "Metastases to liver, bone and brain.",
        {("metastatic", "present", None), *((("metastatic_site", "present", s)) for s in ("liver", "bone", "brain"))},
    ),
    (
        "Hepatic and osseous metastases.",
        {
            ("metastatic", "present", None),
            ("metastatic_site", "present", "liver"),
            ("metastatic_site", "present", "bone"),
        },
    ),
    ("No brain metastases.", {("metastatic_site", "absent", "brain")}),
    ("No distant metastases.", {("metastatic", "absent", None)}),
    ("Stage IIIB disease.", {("stage_group", "present", "IIIB"), ("locally_advanced", "present", None)}),
    ("pT2 N1 M0.", {("tnm", "present", "pT2 N1 M0")}),
    ("CKD stage 3.", set()),
    ("T1 and T2 weighted images.", set()),
    ("At this stage I would wait.", set()),
    ("We met with the family.", set()),
    ("0/12 lymph nodes, all benign.", {("metastatic_site", "absent", "lymph_node")}),
    ("No measurable disease.", {("measurable_disease", "present", "negative")}),
    ("SCLC. Relapsed in the liver.", {("metastatic", "present", None), ("metastatic_site", "present", "liver")}),
    ("Glioma. Recurrence in the left frontal lobe.", set()),
    ("HCC. Recurrence in the liver.", set()),
    ("No evidence of recurrence in the liver.", set()),
    (
        "cT4N3M1c (liver, bone).",
        {
            ("tnm", "present", "cT4 N3 M1c"),
            ("metastatic", "present", None),
            ("metastatic_site", "present", "liver"),
            ("metastatic_site", "present", "bone"),
        },
    ),
    (
        "Mets at dx: bone-yes; brain-no.",
        {("metastatic_site", "present", "bone"), ("metastatic_site", "absent", "brain")},
    ),
    (
        "Liver, adrenals and bones: no metastases.",
        {*(("metastatic_site", "absent", s) for s in ("liver", "adrenal", "bone"))},
    ),
    ("Liver core biopsy: small cell carcinoma.", {("metastatic_site", "present", "liver")}),
    ("Liver biopsy planned; history of small cell carcinoma.", set()),
    ("Metastasis in one (1) of fourteen (14) nodes.", {("metastatic", "present", None), ("metastatic_site", "present", "lymph_node")}),
    ("Lymph nodes examined: 14; involved: 0.", {("metastatic_site", "absent", "lymph_node")}),
    ("The liver was free of metastases.", {("metastatic_site", "absent", "liver")}),
    ("Distant metastasis: not applicable.", set()),
    ("T7 metastasis.", {("metastatic", "present", None), ("metastatic_site", "present", "bone")}),
    ("T4 normal, M1 branch patent.", set()),
    ("Keine Hirnmetastasen.", {("metastatic_site", "absent", "brain")}),
    ("SCLC with metastasis to a diaphragmatic lymph node.", {("metastatic_site", "present", "lymph_node")}),
    (
        "It metastasized to the left external iliac node and the vaginal stump.",
        {("metastatic", "present", None), ("metastatic_site", "present", "lymph_node"), ("metastatic_site", "present", "other")},
    ),
    ("MCC metastatic to a parotid lymph node.", {("metastatic_site", "present", "lymph_node")}),
    ("No lymph node or distant metastases.", {("metastatic", "absent", None), ("metastatic_site", "absent", "lymph_node")}),
    (
        "SCLC recurred in the same side of the lung, in the hilar nodes and in the liver.",
        {("metastatic", "present", None), ("metastatic_site", "present", "lymph_node"), ("metastatic_site", "present", "liver")},
    ),
    ("Brain CT revealed multiple metastases.", {("metastatic", "present", None), ("metastatic_site", "present", "brain")}),
    ("Brain MRI: no metastases.", {("metastatic_site", "absent", "brain")}),
    ("All removed lymph nodes were tumour-free.", {("metastatic_site", "absent", "lymph_node")}),
    ("Metastases to the parietal bones.", {("metastatic", "present", None), ("metastatic_site", "present", "bone")}),
    ("Pathological stage pT1cN1M0 (IIB).", {("tnm", "present", "pT1c N1 M0"), ("stage_group", "present", "IIB")}),
    ("Stage ⅢB.", {("stage_group", "present", "IIIB"), ("locally_advanced", "present", None)}),
    ("Core biopsy of the mediastinal lymph nodes revealed SCLC.", {("metastatic_site", "present", "lymph_node")}),
    ("Intramedullary spinal cord metastasis.", {("metastatic", "present", None), ("metastatic_site", "present", "other")}),
    (
        "Liver and lytic bone metastases.",
        {("metastatic", "present", None), ("metastatic_site", "present", "liver"), ("metastatic_site", "present", "bone")},
    ),
    (
        "Maladie étendue d'emblée (hépatique, surrénalienne gauche).",
        {("extensive_stage", "present", None), ("metastatic_site", "present", "liver"), ("metastatic_site", "present", "adrenal")},
    ),
    ("Scanner cérébral sans injection : pas de métastase décelable.", {("metastatic_site", "absent", "brain")}),
    ("The biopsy showed T2b disease.", {("tnm", "present", "T2b")}),
    ("There is a T2 lesion.", set()),
    ("She underwent stage I and II neuromodulator placement.", set()),
    ("Staged by TNM (8th edition, 2016) as pT3.", {("tnm", "present", "pT3")}),
]


@pytest.mark.parametrize(("text", "wanted"), STAGE, ids=[str(i) for i in range(len(STAGE))])
def test_stage(engine, text, wanted):
    assert {(f.concept, f.assertion, f.value_text) for f in facts(engine, text, "stage")} == wanted


def test_metastases_of_liver_and_brain_are_conditions_too(engine):
    found = {
        (f.concept, f.attributes.get("status"))
        for f in facts(engine, "Liver mets; brain mets treated with SRS.", "condition")
    }
    assert found == {("liver_metastases", None), ("brain_metastases", "treated")}


SUPPORT = [
    ("Liver biopsy showed small cell carcinoma.", ("tissue_proof", "present", None)),
    ("SCLC on imaging, no histology.", ("no_tissue", "present", None)),
    ("Expert pathology review of the slides confirms NEC.", ("expert_review", "present", "confirms")),
    ("Expert pathology review of the slides pending.", ("expert_review", "present", "pending")),
    ("MTC; IMTCGS: low grade.", ("mtc_grade", "present", "low")),
    ("Lung adenocarcinoma transformed to small cell.", ("transformed", "present", None)),
]


@pytest.mark.parametrize(("text", "wanted"), SUPPORT, ids=[w[0] + str(i) for i, (_, w) in enumerate(SUPPORT)])
def test_supporting_facts(engine, text, wanted):
    assert wanted in {(f.concept, f.assertion, f.value_text) for f in facts(engine, text, "support")}


def test_a_planned_biopsy_proves_nothing(engine):
    assert [
        f
        for f in facts(engine, "Biopsy of the liver planned to rule out small cell carcinoma.", "support")
        if f.concept == "tissue_proof"
    ] == []


def test_lesions(engine):
    found = facts(
        engine,
        "CT: RUL mass 3.2 x 2.8 cm (was 2.0 cm). Subcarinal node 19 mm short axis. Left effusion 3 cm.",
        "support",
    )
    sizes = [(f.value, f.attributes["node"], f.attributes.get("short_axis_mm")) for f in found if f.concept == "lesion"]
    assert sizes == [(32.0, "no", None), (19.0, "yes", 19.0)]
    assert lesions.SUPPORT == "support"


def test_field_area_from_its_diameter():
    assert proliferation.field_area("field diameter 0.5 mm", 0, 21)[0] == pytest.approx(0.1963, abs=1e-4)


def test_brain_attributes_of_a_sentence():
    assert brain.brain_attributes("new brain mets with headache") == {"status": "active", "symptomatic": "yes"}
    assert brain.brain_attributes("brain mets") == {}


def test_extent_of_a_stain():
    assert panel.extent("focal, weak") == {"extent": "focal", "intensity": "weak"}
    assert panel.extent("") == {}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Colon cancer pT3N0 resected 6/2024, surveillance colonoscopy clean.", "curatively_treated"),
        ("Also metastatic breast cancer on letrozole since 2024.", "active"),
        ("Metastatic breast cancer since 2023.", "metastatic"),
        ("Prostate cancer, Gleason 6, on active surveillance.", "surveillance"),
        ("Breast cancer 2015.", None),
    ],
)
def test_what_became_of_another_tumour(text, status):
    from extractor.pipeline.engine import Engine
    from extractor.records import Note

    found = [f for f in Engine().facts(Note("p", "n", None, "", text)) if f.concept == "other_malignancy"]
    assert [fact.attributes.get("status") for fact in found] == [status]


RECIST_FORM = """RECIST 1.1, CT chest and abdomen
Target lesions               Base   Nadir   Now
 T1 LUL nodule (mm LD)         22       8    18
 T2 left hilar node (mm SA)    24      11    16
 Sum                           46      19    34
Non-target: pleural effusion"""


def test_a_recist_form_gives_the_present_size_of_each_target(engine):
    targets = [f for f in facts(engine, RECIST_FORM, "support") if f.concept == "lesion"]
    assert [f.value for f in targets] == [18.0, 16.0]
    assert [f.attributes.get("short_axis_mm") for f in targets] == [None, 16.0]


def test_dates_above_the_columns_of_a_recist_form(engine):
    text = "Target lesions | 01/02/2025 | 03/04/2025\nLiver seg 7 | 22 | 31\nLN 4R | 16 | 14"
    targets = [f for f in facts(engine, text, "support") if f.concept == "lesion"]
    assert [(f.value, str(f.date_start)) for f in targets] == [(31.0, "2025-03-04"), (14.0, "2025-03-04")]


def test_target_lesions_with_their_axis_in_front_of_the_number(engine):
    text = "RECIST 1.1\nTL1  liver S8   long 19 mm\nTL2  LN 10L     short 15 mm"
    targets = [f for f in facts(engine, text, "support") if f.concept == "lesion"]
    assert [(f.value, f.attributes.get("short_axis_mm")) for f in targets] == [(19.0, None), (15.0, 15.0)]


def test_the_patient_who_is_free_of_disease_is_no_node(engine):
    text = "She underwent mastectomy with sentinel lymph node biopsy. Our patient remains free of disease to date."
    assert not [f for f in facts(engine, text, "stage") if f.concept == "metastatic_site"]


def test_what_a_checkpoint_inhibitor_was_followed_by(engine):
    text = "After two courses of sintilimab with chemotherapy the patient developed myocarditis combined with hepatitis."
    assert [(f.concept, f.value_text) for f in facts(engine, text, "toxicity")] == [("immune_related_ae", "heart"), ("immune_related_ae", "liver")]
    assert not facts(engine, "Before sintilimab the patient had hepatitis.", "toxicity")


def test_pleural_dissemination(engine):
    assert [(f.concept, f.value_text) for f in facts(engine, "He developed pleural dissemination.", "stage")] == [("metastatic_site", "pleura")]
    assert [f.assertion for f in facts(engine, "No pleural dissemination was seen.", "stage")] == ["absent"]
