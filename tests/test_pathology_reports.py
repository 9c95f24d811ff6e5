"""Reports of pathology laboratories: stage and lymph nodes, histology, stains and genes as such reports put them."""

from __future__ import annotations

import pytest

from extractor.pipeline.engine import Engine
from extractor.records import Note


def read(engine: Engine, text: str, *families: str) -> set[tuple]:
    found = [f for f in engine.facts(Note("p", "n", None, "pathology", text)) if f.family in families]
    return {(f.concept, f.assertion, f.value_text) for f in found}


STAGE = [
    # a scanner's letters in a TNM string, and words that only look like one
    ("PATHOLOGIC STAGING : Tlb NO MX.", {("tnm", "present", "T1b N0 MX")}),
    ("Staging code pTic pNO(sn) G2.", {("tnm", "present", "pT1c N0")}),
    ("pT3 pNl", {("tnm", "present", "pT3 N1")}),
    ("pT1miNO (8th edition)", {("tnm", "present", "pT1mi N0")}),
    ("pT: 3a, pN: 1, pM: X", {("tnm", "present", "pT3a N1 MX")}),
    ("Tumor stage for kidney tumors:\n   PT3a\n2. Adrenal", {("tnm", "present", "pT3a")}),
    ("Extension into the seminal vesicle (T3b).", {("tnm", "present", "T3b")}),
    ("TIA, no residual deficit.", set()),
    ("Wedge fracture of T2. No other lesion.", set()),
    # what a report says of lymph nodes
    ("13. Lymph nodes: all without metastatic tumor", {("metastatic_site", "absent", "lymph_node")}),
    ("Lymph nodes, left neck, levels II-V, dissection: 0/18.", {("metastatic_site", "absent", "lymph_node")}),
    ("Lymph nodes, left neck, levels II-V, dissection:\n- 2/18.", {("metastatic_site", "present", "lymph_node")}),
    ("LYMPH NODE, LEVEL 9, EXCISION:\n- ONE LYMPH NODE, NO TUMOR SEEN.", {("metastatic_site", "absent", "lymph_node")}),
    ("LYMPH NODE, STATION 4L, FNA:\n- SMALL CELL CARCINOMA.", {("metastatic_site", "present", "lymph_node")}),
    ("Regional lymph nodes: No metastasis identified", {("metastatic_site", "absent", "lymph_node")}),
    ("Lymph nodes: metastatic carcinoma in 2 of 9.", {("metastatic", "present", None), ("metastatic_site", "present", "lymph_node")}),
    ("Carcinoma is present in four lymph nodes.", {("metastatic_site", "present", "lymph_node")}),
    ("Number of lymph nodes with metastasis: 0", {("metastatic_site", "absent", "lymph_node")}),
    ("Lymph nodes (total): 0118", {("metastatic_site", "absent", "lymph_node")}),
    ("The section shows a lymph node. There is no evidence of metastatic tumor.", {("metastatic_site", "absent", "lymph_node")}),
    ("Ganglion 10R : deux ganglions sans métastase (0/2)", {("metastatic_site", "absent", "lymph_node")}),
    ("B2 (through the wall, LN negative). C1 (limited to the wall, LN positive).", set()),
    ("Nodes involved: N/A. If regional lymph nodes involved, number positive: ~", set()),
    ("Mild disease in the proximal LAD.", set()),
    ("No evidence of metastatic carcinoma, left pelvic lymph node.", {("metastatic_site", "absent", "lymph_node")}),
    ("Distant metastasis cannot be assessed (MX).", set()),
    ("10) perigastric lymph node metastasis: no metastasis in 11 regional lymph nodes", {("metastatic_site", "absent", "lymph_node")}),
    (
        "Lymph nodes:\n   Hilar (10R): 0/4\n   Subcarinal (7): 1/3, extranodal\n   Paratracheal: negative",
        {("metastatic_site", "present", "lymph_node"), ("metastatic_site", "absent", "lymph_node")},
    ),
    ("pTNM: pT1b1 N1 Mx", {("tnm", "present", "pT1b1 N1 MX")}),
    ("LYMPH NODE, LEFT LEVEL V, CORE BIOPSY\n- HIGH GRADE NEUROENDOCRINE CARCINOMA", {("metastatic_site", "present", "lymph_node")}),
    ("T: T2     N: N1      M: MX", {("tnm", "present", "T2 N1 MX")}),
    ("METASTATlC CARClNOMA IN ONE OF FIVE Iymph nodes", {("metastatic_site", "present", "lymph_node")}),
    ("LYMPH NODES ............ 6 of 19 positive", {("metastatic_site", "present", "lymph_node")}),
    ("LIVER, WEDGE, SEGMENT 3: Metastatic neuroendocrine tumor.", {("metastatic_site", "present", "liver"), ("metastatic", "present", None)}),
    ("Regional lymph nodes:  [ ] Negative  [x] Positive", {("metastatic_site", "present", "lymph_node")}),
    ("Bone tissue partially infiltrated by a moderately differentiated adenocarcinoma.", {("metastatic_site", "present", "bone")}),
    (
        "Excision of tumor, intracerebral, left parafalcine region: consistent with a metastasis of adenocarcinoma.",
        {("metastatic_site", "present", "brain"), ("metastatic", "present", None)},
    ),
    (
        "SOURCE: PLEURAL FLUID, LEFT\nDIAGNOSIS: POSITIVE FOR MALIGNANT CELLS.\nMETASTATIC SMALL CELL CARCINOMA.",
        {("metastatic_site", "present", "pleura"), ("metastatic", "present", None)},
    ),
    (
        "Specimen: adrenal, left, core biopsy\nConclusion: metastatic neuroendocrine carcinoma.",
        {("metastatic_site", "present", "adrenal"), ("metastatic", "present", None)},
    ),
    ("Specimen: liver core biopsy\nDiagnosis: benign hepatocytes, no metastatic carcinoma.", {("metastatic", "absent", None)}),
    (
        "LIVER, CORE BIOPSY:\n- METASTATIC NEUROENDOCRINE CARCINOMA, SIMILAR TO THE RECTAL TUMOR.",
        {("metastatic_site", "present", "liver"), ("metastatic", "present", None)},
    ),
    ("Neither lymph node swelling nor metastasis was seen.", {("metastatic", "absent", None)}),
]


@pytest.mark.parametrize(("text", "wanted"), STAGE, ids=[str(i) for i in range(len(STAGE))])
def test_stage(engine, text, wanted):
    assert read(engine, text, "stage") == wanted


BIOMARKERS = [
    ("Asked for EGFR mutation analysis; the block is exhausted.", set()),
    ("EGFR mutation analysis: exon 19 deletion.", {("egfr_gene", "present", "mutated")}),
    ("Variants of uncertain significance: NOTCH3 p.A20V; RET p.G33S", set()),
    ("VARIANTS OF UNKNOWN SIGNIFICANCE\nKMT2D p.A12V\nRET p.R77H\nPERTINENT NEGATIVES\nEGFR no mutation", {("egfr_gene", "present", "wild_type")}),
    ("Mutations in RET are associated with familial disease.", set()),
    ("The assay was validated for EGFR mutations at 5 %.", set()),
    ("Trials: a bispecific in DLL3-positive tumors.", set()),
    ("RB1 loss is seen in up to 80% of small cell lung cancers.", set()),
    ("The Ki-67 index is 75% (rectum) and 80% (liver).", {("ki67", "present", None)}),
    ("Angiolymphatic invasion: present. Necrosis 20%.", {("tumor_necrosis", "present", "positive")}),
    ("Rb is diffusely positive; PTEN strong, diffuse.", {("rb1", "present", "retained"), ("pten", "present", "retained")}),
    ("p53 + (diffuse, strong)", {("tp53", "present", "aberrant")}),
    ("MlB-1 index 70%", {("ki67", "present", None)}),
    ("Stains for TTF-1 and synaptophysin are pending.", set()),
    ("IHC (+): TTF-1, syn; (-): chromo", {("ttf1", "present", "positive"), ("synaptophysin", "present", "positive"), ("chromogranin", "present", "negative")}),
    ("Chromogranin | - |", {("chromogranin", "present", "negative")}),
    ("Tumor necrosis: __ Present  _x_ Not identified", {("tumor_necrosis", "present", "negative")}),
    ("DLL3 high is defined as >=50% of tumor cells.", set()),
    ("Control tissue: internal control for Rb retained in stroma.", set()),
    ("Rb is lost with a retained internal control.", {("rb1", "present", "lost")}),
    ("PD-L1 (22C3): the stain shows a membranous, diffuse positivity that is seen in approximately 80% of tumor cells.", {("pdl1_tps", "present", None)}),
]


@pytest.mark.parametrize(("text", "wanted"), BIOMARKERS, ids=[str(i) for i in range(len(BIOMARKERS))])
def test_biomarkers(engine, text, wanted):
    assert read(engine, text, "biomarker") == wanted


def test_a_short_form_means_what_the_note_says():
    engine = Engine()
    found = read(engine, "High grade urothelial carcinoma (UC). UC invades muscle.", "condition", "histology")
    assert found == {("other_malignancy", "present", "urothelial carcinoma")}


@pytest.mark.parametrize(
    ("text", "site", "grade"),
    [
        ("Father with colon cancer.\nBLADDER, CYSTECTOMY:\n1. Small cell carcinoma (70%).\n2. Fat is invaded.", "bladder", None),
        ("Lung tissue labelled A, 8 x 3 cm.\nType: adenocarcinoma\nTumor differentiation: well differentiated (G1)", "lung", "G1"),
        ("Kidney, nephrectomy:\nRENAL CELL CARCINOMA\nFUHRMAN NUCLEAR GRADE:\nNUCLEAR GRADE III/IV", "kidney", "3"),
    ],
)
def test_site_and_grade_of_a_report(engine, text, site, grade):
    note = Note("p", "n", None, "pathology", text)
    [found] = [f for f in engine.facts(note) if f.family == "histology" and f.experiencer == "patient"]
    assert (found.attributes.get("primary_site"), found.attributes.get("grade")) == (site, grade)


@pytest.mark.parametrize("text", ["Manubrium sterni biopsied.", "Staged by the CAP guideline.", "Material for biobank: no.", "Dr. X saw the slides. His opinion agrees."])
def test_words_of_a_report_that_are_no_facts(engine, text):
    assert read(engine, text, "condition", "administrative", "demographic") == set()


HISTOLOGY = [
    ("Thyroid, lobectomy: PAPILLARY CARCINOMA, follicular variant.", {("other_malignancy", "present", "papillary carcinoma")}),
    ("Verrucous carcinoma of the larynx.", {("other_malignancy", "present", "verrucous carcinoma")}),
    ("Ovary: mucinous cystadenocarcinoma.", {("adenocarcinoma", "present", None)}),
    ("Rectum: neuroendocrine carcinoma, favor large cell type.", {("nec_nos", "present", None)}),
    (
        "Findings favor a well differentiated neuroendocrine tumor, grade 3, over a poorly differentiated neuroendocrine carcinoma.",
        {("net", "possible", None), ("nec_nos", "absent", None)},
    ),
    ("Histologic type:\n[ ] Adenocarcinoma\n[X] Squamous cell carcinoma\n[ ] Small cell carcinoma", {("squamous_cell_carcinoma", "present", None)}),
    ("Histologic type\n___ Adenocarcinoma\n_X_ Carcinoid tumor, typical\n___ Lymphoma", {("typical_carcinoid", "present", None)}),
    ("Urothelial carcinoma with a large cell neuroendocrine component.", {("other_malignancy", "present", "urothelial carcinoma"), ("lcnec", "present", None)}),
    ("Lung: adenocarci-\n  noma.", {("adenocarcinoma", "present", None)}),
    ("Well differentiated endocrine tumor of the pancreas.", {("net", "present", None)}),
    ("Lung: carcinoid tumorlets.", set()),
    ("High-grade neuroendocrine carcinoma with mixed small and large cell features.", {("nec_nos", "present", None)}),
    ("Small cell carcinoma, combined with adenocarcinoma (30%).", {("combined_sclc", "present", None), ("adenocarcinoma", "present", None)}),
    ("EGFR-mutant adenocarcinoma may transform to small cell carcinoma.", set()),
]


@pytest.mark.parametrize(("text", "wanted"), HISTOLOGY, ids=[str(i) for i in range(len(HISTOLOGY))])
def test_histology(engine, text, wanted):
    assert read(engine, text, "histology") == wanted


def test_numbers_of_a_scan(engine):
    note = Note("p", "n", None, "pathology", "Mitotic figures: l2/1O HPF. Mild disc disease at l4/5.")
    assert [(f.concept, f.value) for f in engine.facts(note) if f.value is not None] == [("mitotic_rate", 12.0)]


def test_the_ampulla_of_vater_is_nobodys_father(engine):
    text = "AMPULLA OF VATER, PANCREATODUODENECTOMY: neuroendocrine carcinoma."
    assert {f.experiencer for f in engine.facts(Note("p", "n", None, "pathology", text))} == {"patient"}
