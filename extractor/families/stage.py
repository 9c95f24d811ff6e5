"""Stage and extent: stage group, TNM, limited / extensive, metastatic with its sites, measurable disease."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import metastases, nodes, spread

FAMILY = "stage"
KEYS = frozenset({"kind", "value_text"})
ALWAYS = True  # a TNM string has no name of its own

_DOUBT = re.compile(
    r"\b(?:no|not|possibl[ey]|probabl[ey]|suspected|likely|if|versus|vs|or|could|may|unlikely|rule|presumed|presumptive|at least)\b"
)
_ROMAN = {"0": "0", "1": "I", "2": "II", "3": "III", "4": "IV", "i": "I", "ii": "II", "iii": "III", "iv": "IV"}
_GROUP = re.compile(
    r"(?:\s*(?:group(?:ing)?|disease|as|is|was|of|at (?:initial )?(?:diagnosis|presentation|dx|baseline)|at|20\d\d|:|=|-))*\s*"
    r"(?:(?:ajcc|uicc|figo|clinical|pathologic(?:al)?|anatomic|prognostic|overall|approximately|\d(?:th)? edition|to be)\s*:?\s*)*"
    r"\(?(?P<stage>iv|iii|ii|i|[0-4])\s?-?(?P<letter>[a-e](?![a-z'’])(?:\s?[1-3](?![\d/]|\.\d))?)?(?![a-z\d])"
)
#: other things that have stages: organs that fail, ulcers, childbirth, and the pronoun of "at this stage I ..."
_OTHER = re.compile(
    r"\b(?:ckd|irct?|renale|bpco|escarre\w*|kidney|renal|nephropathy|pressure|decubit\w*|ulcers?|sacral|coccyx|heel|wound|rai|binet|gold|copd|hypertension|htn|fibrosis|"
    r"cirrhosis|heart|chf|hf|acc|aha|tanner|lymphed\w*|lymphoed\w*|retinopathy|parkinson\w*|sleep|endometriosis|labou?r|osteonecrosis|"
    r"avascular|sarcoid\w*|dementia|glaucoma|prolapse|arthritis|hoehn|alzheimer\w*|bedsore|diastolic|injury)\b"
)
_PRONOUN = re.compile(
    r"\s+(?:have|had|am|think|would|will|recommend\w*|was|did|suspect\w*|feel|felt|believe\w*|do|can|could|may|might|explained|discussed|told|saw|"
    r"see|suggest\w*|also|shall|should|wonder|understand|hope|'|’)"
)
_SYSTEM = re.compile(
    r"\b(durie[\s–-]*salmon|iss|r-iss|international staging system|ann arbor|figo|masaoka|inss|barcelona|bclc)\b"
)
_TNM = re.compile(
    r"(?<![a-z0-9-])(?P<prefix>y?[cpra]{0,2})\s?t\s?(?P<t>is|x|a(?![a-z])|[0-4][a-d]?(?![a-z\d])|[0-4][a-d]?(?=[cpyn])|[iv]{1,4}[abc]?(?=[\s,]))"
    r"(?P<rest>(?:\s?\([^()\n]{1,9}\))*)"
    r"(?:[\s,;.:/-]{0,3}[yrcpa]{0,2}\s?n\s?(?P<n>[0-3xo+](?:[a-d]|mi)?)(?:(?![a-z\d])|(?=[ycpra]{0,2}m\s?[01xo]))(?:\s?\([^()\n]{1,9}\))*)?"
    r"(?:[\s,;.:/-]{0,3}[yrcpa]{0,2}\s?m\s?(?P<m>[01xo](?:[a-d][12]?)?)(?![a-z\d]))?"
)
#: what every TNM string holds, searched from "t" to "t": a T category behind no more than a prefix
_TNM_HINT = re.compile(
    r"t(?:(?<![a-z0-9]t)|(?<=[ycpra]t)(?<![a-z0-9].t)|(?<=[ycpra][cpra]t))\s?(?:[0-4x]|is|a(?![a-z])|[iv]{1,4}[abc]?[\s,])",
    re.DOTALL,
)
_TNM_LABEL = re.compile(r"(?:\bp?c?tnm\b|\bstage|\bstaging|\bstaged)[^.;\n]{0,24}$")
_NON_MEASURABLE = re.compile(
    r"\bnon[-\s]?measurable|evaluable disease only|\bnot\b[^.;]{0,20}$|\bno\b[^.;]{0,30}$|\bwithout\b[^.;]{0,20}$|\baucune?\b|\bpas de\b|\black of\b"
)
_MEASURABLE_NO = re.compile(
    r"\s*(?:per recist(?: 1\.1)?|by recist(?: 1\.1)?|recist(?: 1\.1)?)?\s*[:=]?\s*(?:is |was |are )?(?:no\b|none\b|absent\b|not (?:present|identified|seen|demonstrated))"
)


def read(note: NoteText) -> Iterator[Draft]:
    """Stage facts of a note, with the ``condition`` facts that go with liver and brain metastases."""
    for sentence, hits in note.sentences_with(FAMILY):
        for hit in hits:
            kind = hit.get("kind")
            if kind is None:
                yield _simple(hit, sentence)
                if hit.key == "extensive_stage":
                    yield from metastases.bracketed(note, sentence, hit)
            elif kind == "stage":
                yield from _group(note, sentence, hit)
            elif kind == "measurable":
                yield _measurable(note, sentence, hit)
            elif kind == "listed":
                yield from spread.listed(note, sentence, hit)
        yield from metastases.drafts(note, sentence, hits)
    yield from spread.drafts(note)
    yield from spread.of_tissue(note)
    yield from nodes.node_counts(note)
    yield from _tnm(note)


def _simple(hit: Hit, sentence: Sentence) -> Draft:
    return Draft(FAMILY, hit.key, hit.start, hit.end, hit.concept.rule_id)


def _group(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    folded = note.folded
    match = _GROUP.match(folded, hit.end, min(len(folded), hit.end + 60))
    if not match:
        return
    around = folded[max(sentence.start, hit.start - 28) : hit.start] + " | " + folded[match.end() : match.end() + 24]
    if _OTHER.search(around) or folded[max(0, hit.start - 4) : hit.start].endswith(("end-", "end ", "ion ")):
        return
    stage = match.group("stage")
    if stage == "i" and (
        not note.text[match.start("stage")].isupper()
        or _PRONOUN.match(folded, match.end())
        or re.search(r"\b(?:this|that|the|what|which|later|some|any)\s$", folded[: hit.start][-12:])
    ):
        return
    if folded[match.end() : match.end() + 1] in ("/", "%") or re.match(
        r"\s?(?:mg|cm|mm|months?|weeks?|years?|days?)\b", folded[match.end() : match.end() + 8]
    ):
        return
    letter = (match.group("letter") or "").upper().replace(" ", "")
    if (
        letter
        and match.group("stage") + (match.group("letter") or "")
        and folded[match.end() - 1] == "a"
        and _article(folded, match)
    ):
        letter = ""
    value = _ROMAN[stage] + letter
    attributes: dict[str, str] = {}
    wider = folded[sentence.start : sentence.end]
    system = _SYSTEM.search(wider)
    if system:
        attributes["system"] = system.group(1)
    near = folded[max(sentence.start, hit.start - 16) : match.end()]
    if re.search(r"\bclinical|\bcstage|\bc-stage", near):
        attributes["kind"] = "clinical"
    elif re.search(r"\bpatholog|\bpstage|\bp-stage|\bfinal\b", near):
        attributes["kind"] = "pathologic"
    end = match.end() if letter or not match.group("letter") else match.end("stage")
    rule = hit.concept.rule_id
    anchor = (hit.start, hit.end)
    doubt = _DOUBT.search(folded[max(sentence.start, hit.start - 40) : hit.start])
    yield Draft(
        FAMILY,
        "stage_group",
        hit.start,
        end,
        rule,
        anchor=anchor,
        value_text=value,
        attributes=attributes,
        assertion=None if doubt else "present",
    )
    haematological = system and system.group(1) not in ("figo",)
    if value.startswith("IV"):
        yield Draft(FAMILY, "metastatic", hit.start, end, rule, anchor=anchor, attributes={"from": "stage"})
        yield from spread.bracketed(note, hit.start, end) if "(" in folded[end : end + 2] else metastases.bracketed(
            note, sentence, hit, end=end
        )
    elif value.startswith("III") and not haematological:
        yield Draft(FAMILY, "locally_advanced", hit.start, end, rule, anchor=anchor, attributes={"from": "stage"})


def _article(folded: str, match: re.Match[str]) -> bool:
    """ "stage IV a year ago": the letter is a word of its own."""
    return (
        folded[match.start("letter") - 1] == " "
        and re.match(r"\s+[a-z]", folded[match.end() : match.end() + 3]) is not None
    )


def _measurable(note: NoteText, sentence: Sentence, hit: Hit) -> Draft:
    before = note.folded[max(sentence.start, hit.start - 45) : hit.end]
    after = note.folded[hit.end : hit.end + 40]
    meets_not = (
        re.search(r"\b(?:no|not|none|nothing|never)\b", note.folded[max(sentence.start, hit.start - 70) : hit.start])
        is not None
    )
    negative = _NON_MEASURABLE.search(before) is not None or _MEASURABLE_NO.match(after) is not None or meets_not
    return Draft(
        FAMILY,
        "measurable_disease",
        hit.start,
        hit.end,
        hit.concept.rule_id,
        value_text="negative" if negative else "positive",
        assertion="present" if negative else None,
    )


def _tnm(note: NoteText) -> Iterator[Draft]:
    folded, text = note.folded, note.text
    if not _TNM_HINT.search(folded):
        return
    for match in _TNM.finditer(folded):
        start, end = match.span()
        if folded[start].isspace():
            start += 1
        if match["n"] is None:
            at = match.start("t") - 1
            prefix = match["prefix"]
            labelled = _TNM_LABEL.search(folded[max(0, start - 40) : start]) is not None
            tight = (
                prefix != ""
                and prefix[-1] in "pc"
                and text[start:at].islower()
                and text[at] == "T"
                and match.start("t") == at + 1
            )
            if not (labelled and " " not in folded[start : match.end("t")]) and not (
                tight and match["t"] not in ("a",)
            ):
                continue
            if match["t"][0] in "iv" and match["t"] != "is":
                continue
            if (
                re.match(r"\s?-?(?:w\b|weighted|flair|signal|rib|spine|vert|-?\d)", folded[end : end + 10])
                or text[at].islower()
            ):
                continue
        elif match["t"][0] in "iv" and match["t"] != "is" and " " not in folded[start:end]:
            continue
        while end > start and folded[end - 1] in " ,;.:/-\n":
            end -= 1
        parts = [match["prefix"] + "T" + _zero(match["t"])]
        if match["n"]:
            parts.append("N" + _zero(match["n"]))
        if match["m"]:
            parts.append("M" + _zero(match["m"]))
        attributes = {}
        if "p" in match["prefix"]:
            attributes["kind"] = "pathologic"
        elif "c" in match["prefix"]:
            attributes["kind"] = "clinical"
        yield Draft(
            FAMILY,
            "tnm",
            start,
            end,
            "stage/extent:tnm",
            value_text=" ".join(parts),
            attributes=attributes,
            assertion="present",
            date=_not_of_nodes(note, start, end),
        )
        if match["m"] and match["m"][0] == "1":
            yield Draft(FAMILY, "metastatic", start, end, "stage/extent:tnm", attributes={"from": "tnm"})
            yield from spread.bracketed(note, start, end)


def _not_of_nodes(note: NoteText, start: int, end: int) -> tuple[datetime.date, datetime.date, str] | None:
    """The note's date where the only "date" of the sentence is a count of nodes: "pN1a (3/12)"."""
    if "/" not in note.folded[start:end] or note.note_date is None:
        return None
    dates = note.sentence_at(start).dates
    inside = dates and all(start <= d.start and d.end <= end for d in dates)
    return (note.note_date, note.note_date, "note") if inside else None


def _zero(part: str) -> str:
    part = part.replace("o", "0")
    return part.upper() if part[0] in "ivx" and part != "is" else part
