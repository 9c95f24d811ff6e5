"""Names of the pattern files in the raw text."""

import pytest

from extractor.patterns import Concept, Patterns
from extractor.pipeline.lexicon import Lexicon, Words, fold


def lexicon(*concepts):
    return Lexicon(Patterns(tuple(concepts), (), {}, {}, ""))


SCLC = Concept("histology", "sclc", "t", names=("small cell lung cancer",), cased=("SCLC",))
NSCLC = Concept("histology", "nsclc", "t", names=("non-small cell lung cancer", "nsclc"))
KI67 = Concept("biomarker", "ki67", "t", names=("ki-67",), guards=("ki-67 pending",))
PE = Concept("condition", "vte", "t", cased=("PE",))
BILI = Concept("lab", "bilirubin", "t", names=("t. bili", "h/o bili"))
METS = Concept("stage", "mets", "t", names=("brain metastasis",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Small-cell\nlung cancer", [("sclc", "Small-cell\nlung cancer")]),
        ("non-small cell lung cancer", [("nsclc", "non-small cell lung cancer")]),
        ("NSCLC, SCLC", [("nsclc", "NSCLC"), ("sclc", "SCLC")]),
        ("sclc", []),
        ("Ki67 80%, KI 67", [("ki67", "Ki67"), ("ki67", "KI 67")]),
        ("Ki-67 pending", []),
        ("no pe, PE today, open", [("vte", "PE")]),
        ("T bili, T. bili, tbili", [("bilirubin", "T bili"), ("bilirubin", "T. bili")]),
        ("h o bili", []),
        ("brain metastases and brain metastasis", [("mets", "brain metastases"), ("mets", "brain metastasis")]),
        ("small. Cell lung cancer", []),
        ("small cell\n\nlung cancer", []),
    ],
)
def test_names(text, expected):
    found = lexicon(SCLC, NSCLC, KI67, PE, BILI, METS).scan(text, Words(fold(text)))
    hits = sorted((h for hits in found.values() for h in hits), key=lambda h: h.start)
    assert [(h.key, text[h.start : h.end]) for h in hits] == expected


@pytest.mark.parametrize("text", ["Créatinine", "İstanbul ﬁeld", "µmol 10⁹", "e\u0301te", "שלום abc", "😀 Ki67"])
def test_folding_keeps_every_offset(text):
    assert len(fold(text)) == len(text)
