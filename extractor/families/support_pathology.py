"""What supports a decision on the tumour: tissue, expert review, grade of a medullary carcinoma, origin of a NEPC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import SUPPORT, Draft
from . import lesion_tables, lesions, proliferation, sites
from .primary_site import SECONDARY

FAMILY = "pathology"
KEYS = frozenset({"specimen", "value_text", "context"})
ALWAYS = True  # a measured lesion has no name of its own

_HISTOLOGY = "histology"
_KINDS = ("cell_block", "biopsy", "resection", "cytology")  # best proof first
_RESULT = re.compile(
    r"\bpositive for (?:malignan|tumou?r|carcinoma)|\bmalignant cells|\bconfirm|\bproven\b|\bdiagnos|\bshow|\breveal|\bconsistent|=|:|\bc/w\b|\bdemonstrat|\bcarcinoma|\bpath(?:ology)?\b"
)
_NOT_DIAGNOSTIC = re.compile(
    r"\bnon[\s-]?diagnostic|\binsufficient|\binadequate|\bunsatisfactory|\bcrush artefact only|\bno malignan|\bnegative for malignan|\bbenign\b|\bno tumou?r|\bquantity not|\bnecrosis only|\bno viable"
)
_PLANNED = re.compile(
    r"\b(?:plan(?:ned|s)?|schedul\w+|will|to be|recommend\w*|consider\w*|discuss\w*|declin\w+|refus\w+|feasib\w+|amenable|accessible|agree\w*|if\b|pending|awaiting|requested|request|propos\w+|possible|would|could|should|need\w*|arrange\w*|await\w*)\b"
)
_PATHOLOGY = re.compile(
    r"\bpatholog|\bslides?\b|\bhistolog|\bbiops|\bbx\b|\bdiagnos|\bnec\b|\bcarcinoma|\bsmall cell|\btumou?r|\bki-?67|\banatom\w*|\banapath|\bcarcinome|\blames\b|\bneuroendocrin"
)
_CONTRADICTS = re.compile(
    r"\bdisagree|\bdiscordan|\brevis(?:ed|ion)|\bchanged\b|\breclassif|\boverturn|\bcontradict|\b(?:do(?:es)?|did|can|could)(?: not|not) (?:confirm|agree|support|concur)|\bnot confirmed|\bnot in agreement|\binstead\b|\brather than\b|\bdiffers\b|\bamended|\binfirm|\bdesaccord|\bpas d'accord|\bnon confirme"
)
_CONFIRMS = re.compile(r"\bagree|\bconfirm|\bconcur|\bconcord|\bsame\b|\bconsistent|\bsupport|\bin keeping|\bd'accord")
_PENDING = re.compile(
    r"\bpending|\brequested|\bsent\b|\bawait|\bto follow|\bto be\b|\bwill be|\bin progress|\bnot yet|\bplanned"
)
#: "none of the high-grade features" is low grade
_FEATURES = re.compile(r"\s*(?:histologic\w*\s)?(?:features?|criteri\w+)")
_NO_FEATURE = re.compile(r"\b(?:none|no|without|lacks?|absence)\b(?:\s(?:of|any|the|all|three|its))*\s?$")
_NOT_GRADE = re.compile(r"\b(?:not?|never|cannot|whether|if|possib\w+|quer\w+|awaiting|pending)\b|\?")
_ASIDE = re.compile(r"[(,;–-]")
_FOR = re.compile(r"\b(?:for|to|no|without|before|needs?)\b")
_NE_WORDS = re.compile(r"\bneuroendocrine|\bnepc|\bsmall cell|\bscnc|\bsmall-cell|\bne carcinoma")
_PROSTATE = re.compile(r"prostat|\bnepc|\bscnc|gleason|\bpsa\b")


def read(note: NoteText) -> Iterator[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        done: set[str] = set()
        for hit in sorted(hits, key=lambda h: (_KINDS.index(h.get("specimen")) if h.get("specimen") else 0, h.start)):
            reader = _READERS[hit.key]
            for draft in reader(note, sentence, hit):
                if draft.concept == "tissue_proof":
                    if "tissue_proof" in done:
                        continue
                    done.add("tissue_proof")
                yield draft
    for sentence, hits in note.sentences_with("biomarker"):
        if any(h.get("kind") == "mitoses" for h in hits):
            area = proliferation.field_area(note.folded, sentence.start, sentence.end)
            if area is not None:
                yield Draft(
                    SUPPORT,
                    "field_area",
                    area[1],
                    area[2],
                    "pathology/tissue:field_area",
                    value=area[0],
                    unit="mm2",
                    assertion="present",
                )
    yield from lesions.drafts(note)
    yield from lesion_tables.drafts(note)


def _draft(hit: Hit, start: int | None = None, end: int | None = None, **fields: Any) -> Draft:
    start, end = hit.start if start is None else start, hit.end if end is None else end
    return Draft(SUPPORT, hit.key, start, end, hit.concept.rule_id, anchor=(hit.start, hit.end), **fields)


def _tissue(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    """A specimen with a result beside it; the best kind of specimen of the sentence."""
    folded = note.folded
    following = sentence.next()
    reach = sentence.end
    if following is not None and (following.start - sentence.end < 4 or sentence.text.endswith((":", "-"))):
        reach = following.end
    piece = folded[sentence.start : reach]
    tumours = note.hits_between(_HISTOLOGY, sentence.start, reach)
    back = sentence.previous()
    if not tumours and back is not None and _is_source(note, sentence, back):
        tumours = note.hits_between(_HISTOLOGY, back.start, back.end)
    not_diagnostic = _NOT_DIAGNOSTIC.search(piece) is not None
    proven = re.search(r"prov[ée]n|confirmed", folded[hit.start : hit.end]) is not None
    if (
        not proven
        and not not_diagnostic
        and not (
            tumours
            and (_RESULT.search(piece) or _told_beside(note, sentence, hit, tumours) or tumours[-1].end < sentence.start)
        )
        and not re.search(r"positive for malignan|malignant cells", piece)
    ):
        return
    if (
        not tumours
        and not proven
        and not not_diagnostic
        and not re.search(r"positive for malignan|malignant cells", piece)
    ):
        return
    around = folded[max(sentence.start, hit.start - 40) : min(sentence.end, hit.end + 40)]
    if not proven and _PLANNED.search(around) and not re.search(r"\bshow|\breveal|\bconfirm", around):
        return
    specimens = {
        h.get("specimen") for h in note.hits_between(FAMILY, sentence.start, sentence.end) if h.key == "tissue_proof"
    }
    specimen = next(s for s in _KINDS if s in specimens)
    attributes = {"specimen": specimen}
    found = [h for h in sites.hits(note, sentence.start, sentence.end) if abs(h.start - hit.start) < 70]
    secondary = [h for h in found if h.key in SECONDARY]
    if found:
        nearest = min(secondary or found, key=lambda h: abs(h.start - hit.start))
        attributes["site"] = nearest.key
    if secondary or re.search(r"\bmetasta|\bmets?\b", piece):
        attributes["metastatic"] = "yes"
    if not_diagnostic:
        attributes["diagnostic"] = "no"
    yield _draft(hit, attributes=attributes)


def _told_beside(note: NoteText, sentence: Sentence, hit: Hit, tumours: list[Hit]) -> bool:
    """ "SCLC (bronchoscopic biopsy, March 2024)": a dated specimen in brackets or behind a comma is the diagnosis' own."""
    before = [tumour for tumour in tumours if tumour.end <= hit.start]
    if not before or not sentence.dates:
        return False
    gap = note.folded[before[-1].end : hit.start]
    return len(gap) < 50 and _ASIDE.search(gap) is not None and _FOR.search(gap) is None


def _is_source(note: NoteText, sentence: Sentence, back: Sentence) -> bool:
    """ "SCLC, right hilum. Bronchoscopic biopsy Oct 2025.": a dated specimen alone behind the diagnosis on its line."""
    if not sentence.dates or "\n" in note.text[back.start : sentence.start].rstrip() or len(sentence.text) > 60:
        return False
    return _PLANNED.search(sentence.folded) is None and _FOR.search(sentence.folded) is None


def _no_tissue(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    if hit.get("context") == "tumour" and not sentence.hits(_HISTOLOGY):
        return
    if re.match(
        r"\s*(?:of|in|from)\s+(?:dll3|the breast)|\s*(?:left|remaining|available|block)",
        note.folded[hit.end : hit.end + 14],
    ):
        return
    yield _draft(hit, assertion="present")


def _expert(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    following, back = sentence.next(), sentence.previous()
    piece = sentence.folded
    around = piece + " " + (back.folded if back else "") + " " + (following.folded if following else "")
    if not _PATHOLOGY.search(around if "opinion" not in hit.name else piece):
        return
    if re.search(r"\b(?:surg\w+|radiolog\w+|treatment|imaging)\b", note.folded[hit.end : hit.end + 26]):
        return
    if _PENDING.search(piece):
        value = "pending"
    elif _CONTRADICTS.search(piece) or (
        following is not None and not _CONFIRMS.search(piece) and _CONTRADICTS.search(following.folded[:60])
    ):
        value = "contradicts"
    elif _CONFIRMS.search(piece) or (following is not None and _CONFIRMS.search(following.folded)):
        value = "confirms"
    elif "diagnosis" in hit.name and _referring_differs(note, sentence):
        value = "contradicts"
    else:
        value = None
    yield _draft(hit, value_text=value, assertion="present")


def _referring_differs(note: NoteText, sentence: Sentence) -> bool:
    """ "Referring diagnosis: NET G3" above "Review diagnosis: NEC": another kind of tumour."""
    label = re.search(r"\b(?:referring|original|outside|submitted|initial)\s+diagnosis\b", note.folded)
    if label is None:
        return False
    referring = {h.key for h in note.hits_between(_HISTOLOGY, label.start(), note.line(label.start())[1])}
    review = {h.key for h in note.hits_between(_HISTOLOGY, sentence.start, sentence.start + 220)}
    return bool(referring and review and not referring & review)


def _grade(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    folded = note.folded
    before = folded[max(sentence.start, hit.start - 60) : hit.start]
    after = folded[hit.end : min(sentence.end, hit.end + 40)]
    match = re.search(r"\b(high|low)[\s-]*grade", after) or re.match(r"\s*[:=(-]*\s*(high|low)\b", after)
    start, end = hit.start, hit.end + match.end() if match else hit.end
    if match is None:
        found = list(re.finditer(r"\b(high|low)[\s-]*grade", before))
        if not found:
            return
        match, start = found[-1], hit.start - len(before) + found[-1].start()
    date = _line_date(note, sentence, hit)
    features = _FEATURES.match(folded, max(end, start + match.end() - match.start()), sentence.end)
    denied = _NO_FEATURE.search(before if start == hit.start else before[: match.start()])
    if match[1] == "high" and denied and (features or _FEATURES.match(before, match.end())):
        begin = hit.start - len(before) + denied.start()
        end = max(end, features.end() if features else hit.end)
        yield _draft(hit, start=begin, end=end, value_text="low", assertion="present", date=date)
        return
    said = None if _NOT_GRADE.search(before) else "present"
    yield _draft(hit, start=start, end=end, value_text=match[1], assertion=said, date=date)


def _line_date(note: NoteText, sentence: Sentence, hit: Hit) -> tuple | None:
    """The date of the specimen that heads the line, where the sentence itself has none."""
    if sentence.dates:
        return None
    spans = note.dates_between(note.line(hit.start)[0], sentence.start)
    return (spans[0].earliest, spans[0].latest, spans[0].precision) if spans else None


def _plain(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    yield _draft(hit)


def _mixed(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    if hit.get("context") == "other_carcinoma":
        names = {h.key for h in sentence.hits(_HISTOLOGY)}
        if not names & {"adenocarcinoma", "squamous_cell_carcinoma", "other_malignancy"} or names & {
            "nec_nos",
            "lcnec",
            "sc_nec",
            "sclc",
            "minen",
        }:
            return
        if re.match(r"\s*(?:carcinoma|tumou?r|cancer|neoplasm)", note.folded[hit.end : hit.end + 12]):
            return
    yield _draft(hit, value_text=hit.get("value_text"))


def _nepc(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    if _NE_WORDS.search(sentence.folded) and (_PROSTATE.search(sentence.folded) or _PROSTATE.search(note.folded)):
        yield _draft(hit, value_text=hit.get("value_text"))


_READERS = {
    "tissue_proof": _tissue,
    "no_tissue": _no_tissue,
    "expert_review": _expert,
    "mtc_grade": _grade,
    "transformed": _plain,
    "hypercalcaemic_type": _plain,
    "mixed_histology": _mixed,
    "nepc_origin": _nepc,
}
