"""Histology: what the tumour is, with its primary site, grade and differentiation.

A neuroendocrine name alone says little: "well differentiated" makes a NET of a "neuroendocrine carcinoma" (WHO 2000),
"large cell type" an LCNEC, and the primary site tells small cell lung cancer from a small cell carcinoma elsewhere
(lung: cohort 1; another organ: sc_nec; prostate: nepc). Clinical rules: criteria 2.1 and E3 of NCT07016230.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import primary_site as sites_of
from . import sites, tumour_grades
from .boilerplate import is_general
from .disease_course import course_of_disease
from .synoptic import menu_lines

FAMILY = "histology"
KEYS = frozenset({"group", "site", "value_text", "kind", "subtype", "context"})

_SMALL_GROUPS = ("small_cell", "small_cell_ne", "ne_carcinoma", "ne_tumor", "large_cell")
_CODES = {
    "sclc": "NCIt C4917",
    "sc_nec": "NCIt C3915",
    "nepc": "NCIt C158650",
    "lcnec": "NCIt C5672",
    "nec_nos": "NCIt C3773",
    "net": "NCIt C3809",
}
_MERGE = re.compile(
    r"[\s,(-]*(?:type|variant|of|the|with|and|poorly|high|differentiated|grade|undifferentiated|undiff\.?|diff\.?|p\.?d\.?|pure)?(?:[\s,(-]*(?:type|poorly|differentiated|high|grade))*[\s,(-]*"
)
_BEFORE = re.compile(r"[;.:]\s|\bvs\.?\b|\bversus\b|\bbut\b|\bnot\b|\bno\b|\bor\b|\brather than\b|\n\s*\n")
_AFTER = re.compile(r"[;.]\s|\bvs\.?\b|\bversus\b|\bbut\b|\brather than\b|\bor\b|\n\s*\n")
_WELL = re.compile(
    r"\bwell[\s-]*(?:to moderately[\s-]*)?diff|\bbien differenci|\bwd\b|\blow[\s-]*grade|\bintermediate[\s-]*grade|\bmoderately[\s-]*diff"
)
_POOR = re.compile(
    r"\bpoorly[\s-]*(?:to undifferentiated[\s-]*)?diff|\bhigh[\s-]*grade|\bundifferentiated|\bpeu differenci|\bde haut grade|\bpoorly diff|\bp\.?d\.? nec"
)
_FAVOURED = re.compile(r"\s*(?:type|variant|morphology)?,?\s*(?:is\s+)?favou?red\b")
_BOTH_SIZES = re.compile(r"\bsmall(?:[\s-]+cell)?\s*(?:and|/|&|or|to)\s*large\b")
_FAVOUR = re.compile(r"\bfavou?r(?:ing|ed|s)?\s+(?:an?\s+)?$")
_LARGE = re.compile(r"\blarge[\s-]*cell|\ba grandes cellules")
_SMALL = re.compile(r"(?<!non[\s-])\bsmall[\s-]*cell|\ba petites cellules")
_GRADE = re.compile(r"\b(?:who\s+)?(?:grade|grad)\s*:?\s*(?P<a>[1-4]|iii|ii|iv|i)\b|\bg\s?(?P<b>[1-3])\b")
#: what stands right behind another name is that one's grade: "NET G2 to NEC"
_GRADE_OF_OTHER = re.compile(r"^\s?[,(]?\s?(?:who\s)?(?:g\s?[1-3]|grade\s?(?:[1-3]|i{1,3}))\)?(?=\s)")
_LOW, _INTERMEDIATE = re.compile(r"\blow[\s-]*grade"), re.compile(r"\bintermediate[\s-]*grade")
_GLEASON = re.compile(r"\bgleason\s*(?:score|grade)?\s*(?:of|:|was|is)?\s*(\d\s*\+\s*\d|\d{1,2})")
_GLEASON_FIRST = re.compile(r"(\d\s*\+\s*\d)\s*(?:=\s*\d{1,2}\s*)?gleason")
_NUMBER = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_EMERGENT = re.compile(r"treatment[\s-]*(?:emergent|related|induced|associated)|\bt-?nepc\b|\bt-?scnc\b|transform")
_DE_NOVO = re.compile(r"\bde[\s-]*novo\b")
_DIFFERENTIATED = (
    (
        re.compile(r"\bmoderately[\s-]*to[\s-]*(?:poorly|well)[\s-]*diff|\bwell to moderately|\bmoderate to poor"),
        None,
    ),
    (re.compile(r"\bmoderately[\s-]*(?:well[\s-]*)?diff"), "G2"),
    (re.compile(r"\bwell[\s-]*diff"), "G1"),
    (re.compile(r"\bpoorly[\s-]*diff"), "G3"),
)
_GENERIC_OF = re.compile(r"\s+(?:of|in|de|du|d')\s*(?:the |his |her |la |left |right |l'|urinary |a )*$")
_CA_ORGAN = re.compile(r"\s(?:left |right |rt |lt )?")  # "Ca lung on chemotherapy", never "Ca lung fields"
_CA_END = re.compile(
    r"\s*(?:$|[\n,.;:()/+–-]|(?:on|s/p|post|with|w/|dx|since|stage|mets?|metasta\w*|diagnosed|treated|in|and|for|status|under|who|was|is|\d)\b)"
)
_GENERIC_STOP = re.compile(
    r"[\s-]*(?:free|screening|clinic|centre|center|mdt|service|unit|team|nurse|risk|survivor|program|gene|antigen|\d{2,3}(?:[-.]\d)?\b(?! ?(?:years?|yrs?|months?|weeks?|days?|y)\b)|embryonic)"
)
#: a sentence that speaks of the disease in the world, not in the patient
LITERATURE = re.compile(
    r"\(\d+ cases?\)|\bin the (?:\w+ )?literature\b|\bcases? (?:have|has) been (?:reported|described)|\bis (?:an? )?(?:infrequent|rare|uncommon)\b|\breview of (?:the )?literature"
)
_OF_OTHERS = re.compile(
    r"\b(?:patients|people|those|men|women|cases|trials?|stud(?:y|ies)|arm|cohort|drug|slot) (?:with|for|of|in|takes?(?: only)?|lists?)\s+(?:\w+[\s-]+){0,2}$|\bonly\s+(?:high-grade\s+)?$"
)
_DENIED_BEFORE = re.compile(
    r"\bmisdiagnosed\s+(?:\w+ly\s+)?as\s+(?:an?\s+)?$|\b(?:rul(?:es|ed|ing)|argu(?:es|ing)|speak(?:s|ing))\s+(?:against|out)\s+(?:\w+\s+){0,2}$|\b(?:favou?red|preferred)\s+(?:over|to)\s+(?:an?\s+)?$|\bfavou?r\w*\s+(?:\S+\s+){1,12}over\s+(?:an?\s+)?(?:(?:poorly|well|moderately|differentiated|high|low|grade|metastatic|primary)[\s-]+){0,4}$"
    r"|\bargu(?:es|ing)\s+for\s+[^.;]{3,60},\s+(?:and\s+)?against\s+(?:an?\s+)?$"
)
_DENIED_AFTER = re.compile(
    r"\s*(?:component\s+)?(?:is|was|are|were|has been)\s+(?:not\s+(?:favou?red|supported|seen|identified|present|demonstrated)|excluded|ruled out|unlikely|withdrawn|abandoned)|['’\"”]?\s+(?:was|is) withdrawn"
)
_STATED_BEFORE = re.compile(
    r"\bsupport(?:s|ed|ing)?\s+(?:the\s+)?(?:\S+\s+){0,2}(?:impression|diagnosis)\s+of\s+$|\b(?:manifestation of|syndrome (?:from|of|due to|secondary to)(?: the| his| her)?|from (?:the|his|her)|due to (?:the|his|her))\s+$"
    r"|\b(?:recurrence|relapse|progression|regrowth)s?\s+of\s+(?:(?:the|his|her|this|known|primary)\s+)*$|\bsecretion\s+(?:from|by)\s+(?:(?:the|his|her)\s+)?$"
    r"|\bno\s+(?:\w+\s+){0,3}(?:metastas[ei]s|spread)\s+(?:of|from)\s+(?:(?:the|his|her)\s+)?$"
)
_SKIN_PLACE = re.compile(
    r"\b(?:on|of|over|from)\s+(?:the\s+|his\s+|her\s+|left\s+|right\s+|dorsal\s+|upper\s+|lower\s+)*(?:hand|forearm|arm|leg|cheek|ear|pinna|forehead|nose|temple|scalp|face|lip|shin|neck skin|back|finger|thigh|calf|eyelid|shoulder)\b|\bskin\b|\bcutaneous\b|\bmohs\b"
)
_IMTCGS = re.compile(
    r"\bimtcgs\b(?:(?!\bnot?\b)[^.\n]){0,24}?\b(high|low)\b|\b(high|low)[\s-]*grade[^.\n]{0,16}\bimtcgs\b"
)
_MIXED = re.compile(r"\b(?:mixed|combined|composite|collision|admixed|component|components|mixte|associe)\b")
_THYROID = re.compile(r"thyroid|calcitonin|imtcgs|\bmtc\b|\bret\b|\bmen\s?2")


@dataclass(slots=True)
class Mention:
    """A histology as read, before the note as a whole has been looked at."""

    concept: str
    start: int
    end: int
    hit: Hit
    site: str | None = None
    explicit: bool = False
    value_text: str | None = None
    assertion: str | None = None
    generic: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def read(note: NoteText) -> Iterator[Draft]:
    menus = menu_lines(note, FAMILY)
    mentions: list[Mention] = []
    for sentence, hits in note.sentences_with(FAMILY):
        if any(a <= sentence.start < b for a, b in menus) or LITERATURE.search(sentence.folded) or is_general(sentence.folded):
            continue
        for first, last in _merged(note, hits):
            mentions.extend(_mentions(note, sentence, first, last))
    specific = {m.site for m in mentions if m.site and not m.generic}
    dominant = sites_of.Dominant(note)
    for mention in mentions:
        if mention.generic and mention.site in specific:
            continue
        _settle(note, mention, mentions, dominant)
        attributes = dict(mention.attributes)
        if mention.site:
            attributes["primary_site"] = mention.site
        yield Draft(
            FAMILY,
            mention.concept,
            mention.start,
            mention.end,
            mention.hit.concept.rule_id,
            anchor=(mention.start, mention.end),
            code=_CODES.get(mention.concept, mention.hit.concept.code),
            value_text=mention.value_text,
            assertion=mention.assertion,
            attributes=attributes,
        )


def _merged(note: NoteText, hits: list[Hit]) -> Iterator[tuple[Hit, Hit | None]]:
    """Hits that are one name in two parts: "small-cell-type NEC", "neuroendocrine carcinoma, small cell type"."""
    index = 0
    while index < len(hits):
        hit = hits[index]
        following = hits[index + 1] if index + 1 < len(hits) else None
        if following is not None:
            pair = {hit.get("group"), following.get("group")}
            gap = note.folded[hit.end : following.start]
            bare = (hit.get("group") == "small_cell" and hit.name == "small cell") or (
                following.get("group") == "small_cell" and following.name == "small cell"
            )
            if (
                bare
                and "small_cell" in pair
                and pair & {"ne_carcinoma", "ne_tumor"}
                and len(gap) < 45
                and _MERGE.fullmatch(gap)
                and " and " not in gap
            ):
                yield hit, following
                index += 2
                continue
        yield hit, None
        index += 1


def _window(note: NoteText, sentence: Sentence, start: int, end: int, previous: int) -> tuple[str, str]:
    """The words before a name, to the last clause break, and behind it, to the next."""
    folded = note.folded
    before = folded[max(sentence.start, previous, start - 80) : start]
    cuts = list(_BEFORE.finditer(before))
    if cuts:
        before = before[cuts[-1].end() :]
    after = folded[end : min(sentence.end, end + 60)]
    cut = _AFTER.search(after)
    return before, after[: cut.start()] if cut else after


def _mentions(note: NoteText, sentence: Sentence, hit: Hit, second: Hit | None) -> Iterator[Mention]:
    start, end = hit.start, (second or hit).end
    group = hit.get("group")
    if group == "site":
        yield from _generic(note, sentence, hit)
        return
    if hit.get("context") == "thyroid" and not _THYROID.search(note.folded.replace("medullary", "")):
        return
    earlier = [h.end for h in sentence.hits(FAMILY) if h.end <= start]
    lead = note.folded[max(sentence.start, start - 60) : start]
    if _OF_OTHERS.search(lead):
        return
    if hit.name == "SCC" and tumour_grades.SCC_SMALL.search(note.folded):
        return  # the small cell carcinoma is named beside it
    behind = 2 if earlier and note.folded[earlier[-1] : start].strip() == "(" else 1  # "well-differentiated neuroendocrine carcinoma (NEC)"
    before, after = _window(note, sentence, start, end, earlier[-behind] if len(earlier) >= behind else 0)
    if earlier:
        before = _GRADE_OF_OTHER.sub("", before)
    later = [h.start for h in sentence.hits(FAMILY) if h.start >= end]
    if later:
        after = after[: max(0, later[0] - end)]
    site, explicit = sites_of.near(note, sentence, start, end)
    mention = Mention(hit.key, start, end, hit, site=site, explicit=explicit, value_text=hit.get("value_text"))
    if mention.value_text is None and hit.key == "other_malignancy":
        mention.value_text = hit.name.lower()
    if _DENIED_BEFORE.search(note.folded, max(sentence.start, start - 140), start) or _DENIED_AFTER.match(note.folded, end):
        mention.assertion = "absent"
    elif _STATED_BEFORE.search(lead):
        mention.assertion = "present"
    if hit.get("site") and (not explicit or hit.key in ("sclc", "combined_sclc", "nepc", "mtc")):
        mention.site, mention.explicit = hit.get("site"), True
    elif hit.get("site") and hit.get("kind") != "generic" and hit.key == "other_malignancy":
        mention.site = hit.get("site")
    for key in ("subtype", "kind"):
        if hit.get(key) and hit.get(key) != "generic":
            mention.attributes[key] = hit.get(key)
    mention.generic = hit.get("kind") == "generic"
    if second is not None:
        mention.concept = "sc_nec"
        mention.attributes["settle"] = "small_cell_ne"
    elif group in ("small_cell", "small_cell_ne") and not hit.get("site"):
        mention.attributes["settle"] = "small_cell_ne" if tumour_grades.NE_TYPE.search(lead) else group
    elif group in ("ne_carcinoma", "ne_tumor", "ne_neoplasm"):
        yield from _neuroendocrine(mention, group, before, after)
        return
    if (
        mention.concept == "squamous_cell_carcinoma"
        and mention.site in (None, "skin", "tongue", "head and neck")
        and _SKIN_PLACE.search(after)
    ):
        mention.site, mention.explicit = "skin", True
        mention.attributes["kind"] = "nmsc"
    if mention.concept in ("other_malignancy", "adenocarcinoma", "squamous_cell_carcinoma"):
        mention.attributes |= course_of_disease(before, after)
    if mention.concept in ("adenocarcinoma", "other_malignancy", "squamous_cell_carcinoma") and (
        grade := _other_grade(mention.concept, before, after)
    ):
        mention.attributes["grade"] = grade
    if mention.concept == "net" and (grade := _net_grade(before, after)):
        mention.attributes["grade"] = grade
    if mention.concept == "mtc":
        around = before + " | " + after
        stated = re.search(r"\b(high|low|haut|bas)[\s-]*grade", around) or _IMTCGS.search(note.folded)
        if stated and not re.search(r"\b(?:no|none|without|lacks?)\b[^.;:]{0,24}$", stated.string[: stated.start(stated.lastindex or 0)]):
            word = next(word for word in stated.groups() if word)
            mention.attributes["grade"] = {"haut": "high", "bas": "low"}.get(word, word)
    if mention.concept == "nepc":
        mention.attributes.update(_origin(note, sentence))
    yield mention


def _origin(note: NoteText, sentence: Sentence) -> dict[str, str]:
    piece = sentence.folded
    if _EMERGENT.search(piece):
        return {"origin": "treatment_emergent"}
    if _DE_NOVO.search(piece):
        return {"origin": "de_novo"}
    return {}


def _neuroendocrine(mention: Mention, group: str, before: str, after: str) -> Iterator[Mention]:
    """Carcinoma, tumour or neoplasm: differentiation, cell type and grade decide which."""
    around = f"{before} | {after}"
    well, poor = _WELL.search(around) is not None, _POOR.search(around) is not None
    if re.search(r"\bnot\s+(?:a\s+)?well", around):
        well = False
    large = None if _BOTH_SIZES.search(around) else _LARGE.search(around)
    if large and (_FAVOUR.search(around, 0, large.start()) or (poor and _FAVOURED.match(around, large.end()))):  # a type that is only favoured leaves it open
        large = None
    if large and not _SMALL.search(around) and not well:
        mention.concept = "lcnec"
        yield mention
        return
    if _SMALL.search(after) and group == "ne_carcinoma" and not well:
        mention.concept = "sc_nec"
        mention.attributes["settle"] = "small_cell_ne"
        yield mention
        return
    grade = _net_grade(before, after)
    if group == "ne_carcinoma":
        if well or (grade in ("G1", "G2") and not poor):
            mention.concept = "net"
            mention.attributes["differentiation"] = "well"
            if grade:
                mention.attributes["grade"] = grade
        else:
            mention.concept = "nec_nos"
            mention.attributes["settle"] = "nec"
            if poor or grade == "G3":
                mention.attributes["differentiation"] = "poor"
        yield mention
        return
    if poor and not well and not re.search(r"\bpoorly", around):
        # "high-grade NET / NEN": NET G3 or NEC, only the pathologist knows (criteria 2.1)
        grade = "G3"
        if group == "ne_neoplasm" or not _GRADE.search(around):
            yield from _either(mention)
            return
    if poor and not well:
        mention.concept = "nec_nos" if re.search(r"\bpoorly", around) else "net"
        mention.attributes["differentiation"] = "poor" if mention.concept == "nec_nos" else "well"
    elif group == "ne_neoplasm" and not well and grade not in ("G1", "G2"):
        yield from _either(mention)
        return
    elif well:
        mention.attributes["differentiation"] = "well"
    if grade and mention.concept == "net":
        mention.attributes["grade"] = grade
    yield mention


def _either(mention: Mention) -> Iterator[Mention]:
    for concept in ("net", "nec_nos"):
        yield Mention(
            concept, mention.start, mention.end, mention.hit, mention.site, mention.explicit, assertion="possible"
        )


def _net_grade(before: str, after: str) -> str | None:
    for text in (re.split(r"[,;]\s+(?!who|grade|g\d|low|interm|high|well)", after[:44])[0], before):
        found = list(_GRADE.finditer(text))
        if found:
            match = found[0] if text is not before else found[-1]
            number = match["a"] or match["b"]
            number = _NUMBER.get(number, number)
            return f"G{number}" if number in "123" else None
    around = f"{before} | {after}"
    if _LOW.search(around):
        return "G1"
    return "G2" if _INTERMEDIATE.search(around) else None


def _other_grade(concept: str, before: str, after: str) -> str | None:
    gleason = _GLEASON.search(after) or _GLEASON_FIRST.search(before) or _GLEASON.search(before)
    if gleason:
        return "Gleason " + gleason[1].replace(" ", "")
    around = f"{before} | {after[:48]}"
    match = _GRADE.search(around)
    if match:
        number = match["a"] or match["b"]
        if match["b"]:
            return f"G{number}"
        return number if number.isdigit() else number.upper()
    if concept == "adenocarcinoma":
        for pattern, grade in _DIFFERENTIATED:
            if pattern.search(around):
                return grade
        if re.search(r"\bhigh[\s-]*grade", before):
            return "high"
        if re.search(r"\blow[\s-]*grade", before):
            return "low"
    return None


def _generic(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Mention]:
    """ "breast cancer", "ca of the bladder": a cancer that is named by its site."""
    folded = note.folded
    if _GENERIC_STOP.match(folded, hit.end):
        return
    found = sites.hits(note, sentence.start, sentence.end)
    earlier = [h for h in found if h.end <= hit.start or h.start < hit.start < h.end or h.end == hit.end]
    site = None
    start, end = hit.start, hit.end
    if earlier:
        gap = folded[earlier[-1].end : hit.start]
        if earlier[-1].end >= hit.end or re.fullmatch(r"[\s-]*(?:cell|gland|duct|base|small bowel)?[\s-]*", gap):
            site, start = earlier[-1], earlier[-1].start
    if site is None:
        for later in found:
            gap = folded[hit.end : later.start]
            short = hit.name.lower() == "ca" and later.get("kind") == "organ" and _CA_ORGAN.fullmatch(gap) and _CA_END.match(folded, later.end)
            if later.start >= hit.end and (short or _GENERIC_OF.fullmatch(gap)):
                site, end = later, later.end
            if later.start >= hit.end:
                break
    if site is None or site.key in _NO_PRIMARY:
        return
    if (
        re.search(r"\b(?:metastatic|secondary)\s+(?:\w+\s+)?$", folded[max(sentence.start, start - 24) : start])
        and site.get("kind") == "secondary"
    ):
        return
    before, after = _window(note, sentence, start, end, 0)
    mention = Mention("other_malignancy", start, end, hit, site.key, True, f"{site.key} cancer", generic=True)
    if grade := _other_grade("other_malignancy", before, after):
        mention.attributes["grade"] = grade
    mention.attributes |= course_of_disease(before, after)
    yield mention
    others: list[Hit] = []  # "colon and thyroid cancers"
    for other in reversed([h for h in found if h.end < start]):
        if other.key in _NO_PRIMARY or not _AND_ORGAN.fullmatch(folded, other.end, start):
            break
        start = other.start
        others.append(other)
    if others and (folded[hit.end - 1] == "s" or _OF_ORGANS.search(folded, max(sentence.start, start - 16), start)):
        for other in others:
            yield replace(mention, start=other.start, end=other.end, site=other.key, value_text=f"{other.key} cancer", attributes={})


_NO_PRIMARY = frozenset({"lymph_node", "peritoneum", "soft tissue", "unknown", "pleura", "chest wall", "leptomeninges"})
_AND_ORGAN = re.compile(r"\s*(?:,|/|&|,?\s*and/or|,?\s*(?:and|or))\s*")
#: before the first of several organs with one word of cancer
_OF_ORGANS = re.compile(r"(?:\b(?:of|for|with|had|has|both|including|from)|[:,])\s+$")


def _settle(note: NoteText, mention: Mention, mentions: list[Mention], dominant: sites_of.Dominant) -> None:
    """The primary site from the note as a whole, and what hangs on it."""
    settle = mention.attributes.pop("settle", None)
    if "grade" not in mention.attributes and mention.concept in ("net", "adenocarcinoma", "other_malignancy"):
        _note_grade(note, mention, mentions)
    if mention.site is None:
        sentence = note.sentence_at(mention.start)
        beside = {m.site for m in mentions if m.generic and sentence.start <= m.start < sentence.end}
        if len(beside) == 1 and mention.attributes.get("kind") != "haematological":
            mention.site = beside.pop()
    if mention.site is None and mention.attributes.get("kind") != "haematological":
        mention.site = sites_of.heading_above(note, note.sentence_at(mention.start), mention.start)
        mention.explicit = mention.site is not None and mention.hit.get("group") in _SMALL_GROUPS
    if mention.site is None and mention.attributes.get("kind") != "haematological":
        siblings = {m.site for m in mentions if m.concept == mention.concept and m.value_text == mention.value_text and m.site and m.explicit}
        if len(siblings) == 1:
            mention.site = siblings.pop()
        elif (
            mention.concept not in ("pheochromocytoma", "paraganglioma")
            and mention.attributes.get("kind") != "haematological"
        ):
            mention.site = dominant.site(mention.start)
    if settle is None:
        return
    site = mention.site
    if settle == "nec":
        if site == "prostate":
            mention.concept = "nepc"
            mention.attributes.update(_origin(note, note.sentence_at(mention.start)))
        return
    lung_named = any(m.hit.get("site") == "lung" and m.concept in ("sclc", "combined_sclc") for m in mentions)
    if site is None and _beside_other_organ(note, mention, mentions):
        mention.concept = "sc_nec"
        return
    own = {m.site for m in mentions if m.explicit and m.hit.get("group") in _SMALL_GROUPS}
    others = {
        m.site
        for m in mentions
        if m is not mention and m.explicit and m.hit.get("group") not in _SMALL_GROUPS and m.concept != "nepc"
    } - own
    if _MIXED.search(note.sentence_at(mention.start).folded):  # "mixed urothelial carcinoma and small cell carcinoma"
        others = set()
    if not mention.explicit and lung_named:
        mention.concept, mention.site = "sclc", "lung"
    elif not mention.explicit and any(m.concept == "nepc" and m.hit.get("site") == "prostate" for m in mentions):
        mention.concept, mention.site = "nepc", "prostate"
    elif not mention.explicit and site in others:  # the organ of another cancer is no word on this one
        mention.concept, mention.site = ("sclc", "lung") if settle == "small_cell" else ("sc_nec", None)
    elif site == "prostate":
        mention.concept = "nepc"
        mention.attributes["subtype"] = "small_cell"
        mention.attributes.update(_origin(note, note.sentence_at(mention.start)))
    elif site == "lung":
        mention.concept = "sclc"
    elif site in (None, "mediastinum") or (not mention.explicit and site in sites_of.SECONDARY):
        mention.concept = "sclc" if settle == "small_cell" else "sc_nec"
        mention.site = "lung" if settle == "small_cell" else None
    else:
        mention.concept = "sc_nec"


#: carcinomas that grow in the lung as well: a small cell part beside them is no word on the organ
_OF_LUNG_TOO = frozenset({"non-small cell lung cancer", "large cell carcinoma", "sarcomatoid carcinoma", "adenosquamous carcinoma", "undifferentiated carcinoma", "mucoepidermoid carcinoma", "adenoid cystic carcinoma"})


def _beside_other_organ(note: NoteText, mention: Mention, mentions: list[Mention]) -> bool:
    """ "urothelial carcinoma with small cell component": part of a tumour that is not the lung's."""
    sentence = note.sentence_at(mention.start)
    if not _MIXED.search(sentence.folded):
        return False
    beside = [m for m in mentions if m is not mention and sentence.start <= m.start < sentence.end]
    return any(
        m.concept == "other_malignancy" and m.site != "lung" and m.value_text not in _OF_LUNG_TOO and not m.generic
        for m in beside
    )


def _note_grade(note: NoteText, mention: Mention, mentions: list[Mention]) -> None:
    """The grade of a report with one tumour, from its own line ("Tumor grade: 2")."""
    if len({m.concept for m in mentions if m.assertion != "absent"}) != 1 or mention.attributes.get("kind"):
        return
    if grade := tumour_grades.of_note(note.folded, mention.concept):
        mention.attributes["grade"] = grade
