"""Toxicities of treatment with their CTCAE grade (``value``), cause, status.

A grade in words ("mild", "trouble buttoning") is no value: it stands in ``attributes.grade`` with
``grade_inferred: yes`` (criteria 3.12, review code R9). "Gr 2→1" is 1 now. Tumour grades are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..patterns import Patterns
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft

FAMILY = "toxicity"
#: organ: of an immune-related event; graded: a fact only where a grade stands beside the name
KEYS = frozenset({"organ", "graded", "apart"})
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_TABLES: dict[str, dict[str, re.Pattern[str]]] = {}
_ORGANS: dict[str, str] = {}
#: diarrhoea is graded by stools a day over baseline (CTCAE v5.0: below 4, 4 to 6, 7 or more)
_STOOLS = re.compile(
    r"[\s,:(]*(?:(?:is|was|remains|persists|daily|still),? |of |up to |about |approximately |~|now )*(?:\d{1,2}\s?(?:-|–|to)\s?(?P<high>\d{1,2})|(?P<low>\d{1,2}))\s?"
    r"(?:x|times|stools?|bms?|episodes|loose stools|watery stools)?\s?(?:/|per |a |each )\s?(?:day|d\b|24)"
)
#: the grade that a toxicity came down to: "grade 2, improved to grade 1"
_NOW = re.compile(
    r"[^.;\n]{0,50}?\b(?:improv\w+|down|decreas\w+|resol\w+|recover\w+|settl\w+|now|currently|today)\s+(?:to |at |is |only )*"
    r"(?:ctcae )?(?:grade|gr\.?|g)\s?(?P<g>[0-5]|i{1,3}v?|iv)\b"
)
#: a lasting deficit: at baseline, or stable for months or years
_BASELINE = re.compile(
    r"(?<!over )(?<!above )(?<!to )\b(?:at |his |her |the )?baseline\b(?! (?:mri|ct|scan|grade 0))|"
    r"\b(?:stable|unchanged|permanent|fixed)\b[^.;]{0,15}\b(?:for (?:many |several |\w+ )?(?:years|months)|since (?:19|20)\d\d)"
)
_RECURRED = re.compile(r"\b(?:recur(?:red|rent|ring)|relapsed|(?:second|2nd|another) episode|flared again)\b")
#: episodes told one after the other
_NEXT_EPISODE = re.compile(r"\b(?:episode #?(?:2|two|ii)|(?:second|2nd) (?:episode|bout|event))\b[^.;\n]{0,60}?\b(?:grade|gr\.?|g) ?[2-4]\b")
_NOT_RECURRED = re.compile(r"\b(?:no|not|never|without|did not|didn.t)\b[^.;]{0,20}\brecur")
#: a list of grades says so at its head
_RATED = re.compile(r"\b(?:ctcae|toxicit(?:y|ies) (?:assessment|grades?|scor\w+))")
IMMUNE_CLASSES = frozenset(
    {"anti_pd1", "anti_pdl1", "anti_ctla4", "anti_lag3", "anti_pd1_ctla4", "anti_pd1_vegf", "anti_pdl1_vegf"}
)


def setup(patterns: Patterns) -> None:
    _TABLES.clear()
    _ORGANS.clear()
    _ORGANS.update(patterns.tables.get(FAMILY, {})["organ"])
    for name in ("grade", "prose", "status", "cause"):
        table = patterns.tables.get(FAMILY, {})[name]
        _TABLES[name] = {key: re.compile(expression) for key, expression in table.items()}


def _is_taught(sentence: Sentence) -> bool:
    """Does the sentence stand under a heading of what may come? "Side effects:" heads what came, too."""
    section = sentence.note.section_of(sentence.start) if sentence.section == "instructions" else None
    return section is not None and "side effects" not in section.heading.lower()


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        if sentence.section in ("family_history", "allergies"):
            continue
        for index, hit in enumerate(hits):
            left = hits[index - 1].end if index else sentence.start
            right = hits[index + 1].start if index + 1 < len(hits) else sentence.end
            draft = _draft(note, sentence, hit, left, right)
            if draft is not None:
                yield replace(draft, assertion="hypothetical") if draft.value is None and _is_taught(sentence) else draft


#: told dose by dose ("CRS: none with dose 1; G1 with dose 2"): the grade is that of the later one
_LATER_DOSE = re.compile(
    r"\W{0,3}(?:none|no|nil|0|(?:grade|gr|g) ?0) (?:with|after|at|in|on)?\s?[^.;,\n]{1,20}[;,]\s?(?:then |but )?(?:grade|gr\.?|g) ?(?P<g>[1-4])\b"
)


def _draft(note: NoteText, sentence: Sentence, hit: Hit, left: int, right: int) -> Draft | None:
    folded = note.folded
    before, after = folded[left : hit.start], folded[hit.end : right]
    clause = re.split(r"[;]|\.\s", before)[-1] + folded[hit.start : hit.end] + re.split(r"[;]|\.\s", after)[0]
    start, end, value, high = _grade(hit, before, after, sentence.folded)
    later = _LATER_DOSE.match(after) if hit.key in ("crs", "icans", "infusion_reaction") else None
    if later is not None:
        value, high, end = _number(later["g"]), None, later.end()
    lately = _NOW.match(after, end) if value is not None else None
    if lately is not None:
        value, high, end = _number(lately["g"]), None, lately.end()
    stools = _STOOLS.match(after) if value is None and hit.name.startswith(("diarrh", "loose ", "frequent ")) else None
    given = [h for h in sentence.hits("therapy") if h.name not in h.get("weak", ())]
    induced = hit.name in _ORGANS and any(_induced(folded, hit, h) for h in given)
    if hit.get("graded") and value is None and stools is None and not induced:
        return None
    concept, organ = hit.key, hit.get("organ")
    immune = re.search(r"\b(?:immun(?:e\w*|o-?(?:indui\w*|medi\w*)|ologique|otherap\w*)|ici|checkpoint|io)\b", clause) or any(
        h.get("class") in IMMUNE_CLASSES or h.key == "immunotherapy" for h in given
    )
    if induced or (hit.name in _ORGANS and "radiation" not in clause and immune):
        concept, organ = "immune_related_ae", _ORGANS[hit.name]
    attributes: dict[str, Any] = {}
    if stools is not None:
        number = int(stools["high"] or stools["low"])
        attributes |= {"grade": 1 if number < 4 else 2 if number < 7 else 3, "grade_inferred": "yes"}
    elif value is None:
        for grade, words in _TABLES["prose"].items():
            if words.search(clause):
                attributes |= {"grade": int(grade), "grade_inferred": "yes"}
                break
    else:
        attributes["grade"] = int(value)
    for name in ("resolved", "improving", "worsening", "ongoing"):
        if _TABLES["status"][name].search(clause):
            attributes["status"] = name
            break
    if _BASELINE.search(folded, hit.start, right):
        attributes["baseline"] = "yes"
    again = _RECURRED.search(clause) and not _NOT_RECURRED.search(clause)
    if concept == "immune_related_ae" and (again or (organ == "lung" and _NEXT_EPISODE.search(folded, hit.end, hit.end + 250))):
        attributes["recurrent"] = "yes"
    if concept == "immune_related_ae":
        attributes["attribution"] = "treatment"
    else:
        for name in ("disease", "treatment"):
            if _TABLES["cause"][name].search(clause):
                attributes["attribution"] = name
                break
    drugs = [h.key for h in given if h.get("kind") in (None, "regimen", "unnamed")]
    if drugs:
        attributes["cause"] = "/".join(dict.fromkeys(drugs))
        if hit.get("graded"):
            attributes.setdefault("attribution", "treatment")
    text = organ if concept == "immune_related_ae" else folded[hit.start : hit.end] if hit.get("graded") else None
    return Draft(
        family=FAMILY,
        concept=concept,
        start=hit.start - start,
        end=hit.end + end,
        anchor=(hit.start, hit.end),
        rule_id=hit.concept.rule_id,
        value=value,
        value_high=high,
        unit="{grade}" if value is not None else None,
        value_as_written=None if value is None else note.text[hit.start - start : hit.end + end],
        value_text=text,
        assertion="present" if later is not None else None,
        attributes=attributes,
    )


_BY_DRUG = re.compile(r"[\s-]*(?:\(\w+\)[\s-])?(?:induced|associated|related|mediated|triggered)[\s-]+(?:[\w-]+\s){0,3}")
_OF_DRUG = re.compile(
    r"(?:\s\([^()]{0,30}\))?,?\s(?:(?:was|is|were)\s)?"
    r"(?:induced by|associated with|caused by|due to|related to|secondary to|triggered by|attributed to)\s(?:[\w-]+ ){0,4}"
)


#: "after two courses of sintilimab the patient developed myocarditis"; what has other causes often is not taken
_ON_DRUG = re.compile(r"\b(?:after|following|during|while (?:on|receiving))\b[^.;]{0,60}$")
_THEN_ILL = re.compile(r"[^.;]{0,120}\b(?:developed|presented with)\s(?:(?:an?|acute|severe|fulminant|and|combined|with|myocarditis|myositis|hepatitis|[a-z]+itis)\s){0,5}")
_COMMON = frozenset({"pneumonitis", "colitis", "nephritis", "arthritis", "rash"})


def _induced(folded: str, hit: Hit, drug: Hit) -> bool:
    """Is an inflammation put down to a checkpoint inhibitor ("nivolumab-induced encephalitis", "colitis due to durvalumab")?"""
    if drug.get("class") not in IMMUNE_CLASSES and drug.key != "immunotherapy":
        return False
    if "encephalitis" in hit.name:
        return True
    if drug.end <= hit.start:
        return _BY_DRUG.fullmatch(folded, drug.end, hit.start) is not None or (
            hit.name not in _COMMON
            and _ON_DRUG.search(folded, max(0, drug.start - 70), drug.start) is not None
            and _THEN_ILL.fullmatch(folded, drug.end, hit.start) is not None
        )
    return _OF_DRUG.fullmatch(folded, hit.end, drug.start) is not None


def _grade(hit: Hit, before: str, after: str, sentence: str) -> tuple[int, int, float | None, float | None]:
    """Characters of evidence before and behind the name, grade, upper grade of a range."""
    table = _TABLES["grade"]
    if table["none"].search(before[-12:]):
        return 0, 0, None, None
    found = table["before"].search(before[-60:]) or table["after"].search(after)
    if found is None and (hit.key == "immune_related_ae" or hit.name in _ORGANS or hit.get("apart")):
        found = table["apart"].match(after)  # "colitis in August, CTCAE grade 3"
        if found is not None:
            return 0, found.end(), _number(found.group("g")), None
    if found is None:
        rated = hit.get("graded") or hit.key in ("neuropathy", "crs", "icans") or _RATED.search(sentence)
        bare = table["bare"].search(after) if rated else None
        if bare is None:
            return 0, 0, None, None
        return 0, bare.end("g"), float(bare.group("g")), None
    value, high = _number(found.group("g")), _number(found.group("h"))
    arrow = re.findall(r"[0-5]", found.group("arrow") or "")
    if arrow:
        value, high = float(arrow[-1]), None
    if found.re is table["after"]:
        return 0, found.end(), value, high
    return len(before[-60:]) - found.start(), 0, value, high


def _number(text: str | None) -> float | None:
    if not text:
        return None
    return float(text) if text.isdigit() else float(_ROMAN[text]) if text in _ROMAN else None
