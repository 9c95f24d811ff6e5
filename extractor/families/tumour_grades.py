"""The grade of a report with one tumour, from a line of its own ("Tumor grade: 2", "Fuhrman nuclear grade: III/IV")."""

from __future__ import annotations

import re

#: "NEC component 70% (small cell type"
NE_TYPE = re.compile(r"\b(?:nec|neuroendocrine|minen|manec)\b[^.;()]{0,24}\($")
#: "small-cell carcinoma (SCC)"
SCC_SMALL = re.compile(r"(?<!non-)(?<!non )\bsmall[\s-]cell (?:\w+ ){0,2}(?:carcinomas?|cancers?) ?\(sccs?\b|\bscc ?\(small[\s-]cell")
_NOTE_GRADE = re.compile(
    r"\b(?:histologic(?:al)?|histopathologic(?:al)?|tumou?r|who|nottingham|sbr|overall|nuclear|fuhrman(?:'?s)?(?: nuclear)?|isup)\s+grade"
    r"\s*[:;=,-]*\s*(?:is\s+)?(?:nuclear grade\s+)?(?:g\s?|grade\s)?(?P<g>[1-4]|iv|i{1,3})\b"
)
#: "Tumor differentiation: well differentiated (G1)", "Histologic grade: moderately differentiated"
_DIFFERENTIATION = re.compile(
    r"\b(?:grade|differentiation)\s*[:;=-]\s*(?:g\s?[1-3]\W{1,4})?(?P<d>well|moderately|poorly)(?:[\s-]+well)?[\s-]+diff"
)
_DEGREE = {"well": "G1", "moderately": "G2", "poorly": "G3"}
_LOW_NEUROENDOCRINE = re.compile(r"\b(low|intermediate)[\s-]*grade\s+neuro")
_NUMBER = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}


def of_note(folded: str, concept: str) -> str | None:
    """The one grade that the note's lines give.

    >>> of_note("fuhrman nuclear grade: iii/iv", "other_malignancy"), of_note("differentiation: well differentiated", "adenocarcinoma")
    ('3', 'G1')
    """
    found = {m["g"] for m in _NOTE_GRADE.finditer(folded)} if "grade" in folded else set()
    if len(found) == 1:
        number = found.pop()
        number = _NUMBER.get(number, number)
        return number if concept == "other_malignancy" else f"G{number}"
    if concept == "net" and (low := _LOW_NEUROENDOCRINE.search(folded)):
        return "G1" if low[1] == "low" else "G2"
    degrees = {m["d"] for m in _DIFFERENTIATION.finditer(folded)} if concept == "adenocarcinoma" else ()
    return _DEGREE[degrees.pop()] if isinstance(degrees, set) and len(degrees) == 1 else None
