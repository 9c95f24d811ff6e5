"""Stage and extent: stage group, TNM, limited / extensive, metastatic with its sites, measurable disease."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterator

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import metastases, node_statements, nodes, specimens, spread

FAMILY = "stage"
KEYS = frozenset({"kind", "value_text"})
ALWAYS = True  # a TNM string has no name of its own

_DOUBT = re.compile(
    r"\b(?:no|not|possibl[ey]|probabl[ey]|suspected|likely|if|versus|vs|or|could|may|unlikely|rule|presumed|presumptive|at least)\b"
)
_ROMAN = {"0": "0", "1": "I", "2": "II", "3": "III", "4": "IV", "i": "I", "ii": "II", "iii": "III", "iv": "IV", "ⅰ": "I", "ⅱ": "II", "ⅲ": "III", "ⅳ": "IV"}
_GROUP = re.compile(
    r"(?:\s*(?:group(?:ing)?|disease|as|is|was|of|at (?:initial )?(?:diagnosis|presentation|dx|baseline)|at|20\d\d|:|=|-))*\s*"
    r"(?:(?:ajcc|uicc|figo|clinical|pathologic(?:al)?|anatomic|prognostic|overall|approximately|\d(?:th)? edition|to be)\s*:?\s*)*"
    r"\(?(?P<stage>iv|iii|ii|i|[0-4ⅰⅱⅲⅳ])\s?-?(?P<letter>[a-e](?![a-z'’])(?:\s?[1-3](?![\d/]|\.\d))?)?(?![a-z\d])"
)
#: other things that have stages: organs that fail, ulcers, childbirth, and the pronoun of "at this stage I ..."
_OTHER = re.compile(
    r"\b(?:ckd|irct?|renale|bpco|escarre\w*|kidney|renal|nephropathy|pressure|decubit\w*|ulcers?|sacral|coccyx|heel|wound|rai|binet|gold|copd|hypertension|htn|fibrosis|"
    r"cirrhosis|heart|chf|hf|acc|aha|tanner|lymphed\w*|lymphoed\w*|retinopathy|parkinson\w*|sleep|endometriosis|labou?r|osteonecrosis|"
    r"avascular|sarcoid\w*|dementia|glaucoma|prolapse|arthritis|hoehn|alzheimer\w*|bedsore|diastolic|injury)\b"
)
#: "stage I and II neuromodulator": steps of an operation
_STEPS = re.compile(r"\s(?:and|&)\s(?:stage\s)?(?:i{1,3}|iv|[2-4])\b|\s(?:\w+\s)?(?:neuromodulat\w*|procedure|operation|repair|revision|reconstruction|urethroplasty|interstim)\b")
_PRONOUN = re.compile(
    r"\s+(?:have|had|am|think|would|will|recommend\w*|was|did|suspect\w*|feel|felt|believe\w*|do|can|could|may|might|explained|discussed|told|saw|"
    r"see|suggest\w*|also|shall|should|wonder|understand|hope|'|’)"
)
_SYSTEM = re.compile(
    r"\b(durie[\s–-]*salmon|iss|r-iss|international staging system|ann arbor|figo|masaoka|inss|barcelona|bclc)\b"
)
_TNM = re.compile(
    r"(?<![a-z0-9-])(?P<prefix>[ym]?[cpra]{0,2})\s?t(?:\s?|(?<=[cp]t)\s?[:=-]\s?)"
    r"(?P<t>is|x|a(?![a-z])|[0-4](?:mi|[a-d][1-3]?)?(?![a-z\d])|[0-4](?:mi|[a-d][1-3]?)?(?=[cpyn])|[iv]{1,4}[abc]?(?=[\s,])|(?<=t)[li][abc]?(?![a-z\d]))"
    r"(?P<rest>(?:\s?\([^()\n]{1,9}\))*)"
    r"(?:[\s,;.:/-]{0,6}(?:p?n\s?:\s{0,3})?[yrcpa]{0,2}\s?n(?:\s?|\s?[:=]\s?)(?P<n>[0-3xo+](?:[a-d]|mi)?|(?<=n)[li][abc]?)(?:(?![a-z\d])|(?=[ycpra]{0,2}m\s?[01xo]))(?:\s?\([^()\n]{1,9}\))*)?"
    r"(?:[\s,;.:/-]{0,6}(?:p?m\s?:\s{0,3})?[yrcpa]{0,2}\s?m(?:\s?|\s?[:=]\s?)(?P<m>[01xo](?:[a-d][12]?)?)(?![a-z\d]))?"
)
#: what every TNM string holds, searched from "t" to "t": a T category behind no more than a prefix
_TNM_HINT = re.compile(
    r"t(?:(?<![a-z0-9]t)|(?<=[ymcpra]t)(?<![a-z0-9].t)|(?<=[ymcpra][cpra]t))\s?(?:[:=-]\s?)?(?:[0-4x]|is|a(?![a-z])|[li][abc]?\b|[iv]{1,4}[abc]?[\s,])",
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
    told = list(_told(note))
    yield from told
    yield from specimens.drafts(note, told)


def _told(note: NoteText) -> Iterator[Draft]:
    of_nodes = node_statements.statements(note)
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
        yield from _without_nodes(list(metastases.drafts(note, sentence, hits)), of_nodes)
    yield from spread.drafts(note)
    yield from spread.of_tissue(note)
    counted = list(nodes.node_counts(note))
    yield from counted
    yield from nodes.stated(note, of_nodes, [(d.start, d.end) for d in counted])
    yield from _tnm(note)


def _without_nodes(drafts: list[Draft], of_nodes: list[node_statements.Statement]) -> list[Draft]:
    """Nodes that are free of metastasis are no site, and do not deny metastatic disease."""
    free = [s for s in of_nodes if s.free]
    kept = []
    for draft in drafts:
        of_free = any(s.start <= draft.start < s.end for s in free)
        if of_free and draft.value_text == "lymph_node":
            draft = dataclasses.replace(draft, assertion="absent")
        kept.append((draft, of_free))
    if any(d.concept == "metastatic_site" and d.value_text != "lymph_node" for d in drafts):
        return [d for d, _ in kept]
    return [d for d, of_free in kept if d.concept != "metastatic" or not of_free]


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
    if _STEPS.match(folded, match.end()):
        return
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


def _categories(folded: str) -> Iterator[re.Match[str]]:
    """Every match of the TNM expression, which is tried only where a T category stands behind its prefix."""
    done = 0
    for hint in _TNM_HINT.finditer(folded):
        for start in range(max(done, hint.start() - 5), hint.start() + 1):
            match = _TNM.match(folded, start)
            if match is not None:
                yield match
                done = match.end()
                break


def _tnm(note: NoteText) -> Iterator[Draft]:
    folded, text = note.folded, note.text
    for match in _categories(folded):
        start, end = match.span()
        if folded[start].isspace():
            start += 1
        if not _is_tnm(text, folded, match, start):
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
        group = _GROUP_BEHIND.match(text, end)
        if group and match["n"] is not None:
            value = group["stage"].upper()
            yield Draft(FAMILY, "stage_group", start, group.end(), "stage/extent:tnm", value_text=value, assertion="present")
            if value.startswith("III"):
                yield Draft(FAMILY, "locally_advanced", start, group.end(), "stage/extent:tnm", attributes={"from": "stage"})


#: the group in brackets behind a TNM string: "pT1cN1M0 (IIB)"
_GROUP_BEHIND = re.compile(r"\s?\((?P<stage>I{1,3}[ABC]?[1-3]?|IV[ABC]?)\)")


def _is_tnm(text: str, folded: str, match: re.Match[str], start: int) -> bool:
    """Is this a TNM string, and no vertebra, sequence of an MRI or "TIA, no deficit"?"""
    t, n, prefix, end = match["t"], match["n"], match["prefix"], match.end()
    at = folded.rindex("t", match.start(), match.start("t"))
    labelled = _TNM_LABEL.search(folded[max(0, start - 40) : start]) is not None
    marked = labelled or prefix[-1:] in ("p", "c")
    if n is None:
        return _lone(text, folded, match, start, marked and labelled)
    misread = t[0] in "li" and t != "is" and not folded[at + 1].isspace()  # "pTl NO", "Tlc NO"
    if t[0] in "v" and not folded[at + 1].isspace():
        return False
    at_n = match.start("n")
    if misread and not (marked and text[at] == "T" and text[at_n - 1] == "N"):
        return False
    if n[0] in "li" and not (text[at_n - 1] == "N" and (marked or t[0].isdigit())):
        return False
    if n[0] == "o" and match["m"] is None:  # the word "no"
        return text[at_n - 1] == "N" and (marked or text[at_n] == "O") and _GOES_ON.match(folded, end) is None
    return True


#: a word behind "NO" that makes it a word too
_GOES_ON = re.compile(r"[ \t]+(?!(?:grade|stage|ajcc|uicc|figo|dukes|according|per|m\s?[01xo]|g\s?[1-4])\b)[a-z]{2,}")
_SIGNAL = re.compile(r"[ \t]?-?(?:w\b|weighted|flair|signal|rib|spine|vert|-?\d)")
#: a heading above a category that has a line to itself
_STAGE_LINE = re.compile(r"(?:\bstag(?:e|ing)\b|\btnm\b|primary tumou?r)[^\n]{0,60}\n\s*$")


#: "T2b disease", "T1c prostate cancer"; without a letter a "T2 lesion" may be one of a vertebra or a signal
_OF_TUMOUR = re.compile(r"\s(?:[a-z]{4,12}\s)?(?:(?P<sure>disease|cancer|(?:adeno)?carcinoma)|tumou?r|lesion)\b")


def _lone(text: str, folded: str, match: re.Match[str], start: int, labelled: bool) -> bool:
    """A T category without an N: "pT3", "stage: T2a", "(T3b)", or in a line of its own below "Staging"."""
    t, prefix, end = match["t"], match["prefix"], match.end("t")
    at = folded.rindex("t", match.start(), match.start("t"))
    if t[0] in "liv" and t != "is":
        return False
    if text[at].islower() or _SIGNAL.match(folded, match.end(), match.end() + 10):
        return False
    tight = match.start("t") == at + 1
    if labelled and tight:
        return True
    if prefix[-1:] in ("p", "c") and t != "a" and (text[start:at].islower() or t[0].isdigit()):
        if text[start:at].islower():
            return tight or not folded[at + 1].isspace()
        below = _STAGE_LINE.search(folded, max(0, start - 120), start) is not None
        return tight and (len(t) > 1 or below) and not folded[end : end + 1].strip()
    of_tumour = _OF_TUMOUR.match(folded, end)
    if tight and not prefix and t[0].isdigit() and of_tumour and (len(t) > 1 or of_tumour["sure"]):
        return True
    bracket = folded[start - 1 : start] == "(" and folded[end : end + 1] == ")"
    return bracket and not prefix and tight and len(t) > 1 and t[0].isdigit()


def _not_of_nodes(note: NoteText, start: int, end: int) -> tuple[datetime.date, datetime.date, str] | None:
    """The note's date where the only "date" of the sentence is a count of nodes: "pN1a (3/12)"."""
    if "/" not in note.folded[start:end] or note.note_date is None:
        return None
    dates = note.sentence_at(start).dates
    inside = dates and all(start <= d.start and d.end <= end for d in dates)
    return (note.note_date, note.note_date, "note") if inside else None


def _zero(part: str) -> str:
    part = part.replace("o", "0")
    if part[0] in "li" and len(part) < 3 and part != "is" and part[1:2] not in ("i", "v"):
        part = "1" + part[1:]
    return part.upper() if part[0] in "ivx" and part != "is" else part
