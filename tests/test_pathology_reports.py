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
    ("Tumor stage for kidney tumors:\n   PT3a", {("tnm", "present", "pT3a")}),
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
    ("Neither lymph node swelling nor metastasis was seen.", {("metastatic", "absent", None)}),
]


@pytest.mark.parametrize(("text", "wanted"), STAGE, ids=[str(i) for i in range(len(STAGE))])
def test_stage(engine, text, wanted):
    assert read(engine, text, "stage") == wanted
