"""What a report says of lymph nodes as an item: "Lymph nodes, level 7, excision: three nodes, no tumor seen".

The nodes are named in a heading, a label or the sentence; the verdict stands behind them (or before: "no tumor in five
lymph nodes"). A verdict may be a count, a tumour that is there or not, or a bare word ("negative") where it is clear that
somebody looked. The tumour of such a statement is no metastatic disease of its own (``metastases``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from . import sites

_TUMOUR = r"(?:metasta\w+|micrometasta\w+|tumou?rs?|(?:adeno)?carcinoma|carcinome|malignan\w+|neoplas\w+|cancer|melanoma|disease)"
_KIND = r"(?:(?:metastatic|residual|viable|malignant|invasive|ductal|lobular|squamous|small|large|cell|neuroendocrine|medullary|urothelial|papillary|high|low|grade|poorly|moderately|well|differentiated|definite|definitive|histologic|diagnostic|further|nodal|microscopic|evidence|signs?|any|of|the|for|a|by|evidence de|signe de|de)[\s-]+){0,6}"
_FREE_OF = rf"\b(?:no|without|free of|free from|negative for|neg for|absence of|devoid of|sans|pas de|not involved by|uninvolved by)\s+{_KIND}{_TUMOUR}(?:\s+(?:cells|carcinoma|tumou?r|disease|malignancy|neoplasm|involvement))?"
_NOT_SEEN = rf"\b(?<!measurable ){_TUMOUR}(?:\s+(?:carcinoma|tumou?r|disease))?\W{{0,3}}(?:is\s+|are\s+|was\s+|were\s+)?(?:not\s+(?:identified|seen|present|found|detected)|absent|none|negative|no\b(?!\s+[a-z])|0\b(?!\s?/|\s?of|\.\d))"
_BARE_FREE = r"\b(?:negative|negatif\w*|uninvolved|not involved|benign|reactive|free)\b(?!\s+(?:for|margin|of|control))"
_INVOLVED_BY = rf"\b(?:involved|replaced|infiltrated|effaced|positive)\s+(?:by|with|for)\s+(?:the\s+)?{_KIND}{_TUMOUR}(?:\s+(?:carcinoma|tumou?r|disease))?"
_METASTATIC = rf"\b(?:micro|macro)?metasta\w+(?:\s+{_KIND}{_TUMOUR})?"
_BARE_INVOLVED = r"\b(?:positive|positif\w*|involved|replaced|contains? (?:metasta\w+|tumou?r|carcinoma))\b(?!\s+(?:for|margin|control))"
_VERDICT = re.compile(
    rf"(?P<free>{_FREE_OF}|{_NOT_SEEN})|(?P<unknown>\b{_TUMOUR}\W{{0,3}}(?:cannot be|n/?a\b|not (?:applicable|assessed|submitted|reported)|unknown))"
    rf"|(?P<involved>{_INVOLVED_BY}|{_METASTATIC})|(?P<bare_free>{_BARE_FREE})|(?P<bare_involved>{_BARE_INVOLVED})"
)
#: a verdict that stands before the nodes
_BEFORE_NODES = re.compile(
    rf"(?P<free>{_FREE_OF}|{_TUMOUR}\s+(?:is\s+|are\s+)?not\s+(?:identified|seen|present|found))"
    r"(?:\s+(?:is|are|was|were|seen|identified|present|found|noted))*(?:\s+(?:in|within|involving|of)\s+(?:[a-z\d()/-]+\s+){0,6}|,\s+(?:[a-z]+\s+){0,4})$"
    rf"|(?P<involved>\b{_TUMOUR}(?:\s+cells)?(?:\s+(?:is|are|was|were|seen|identified|present|found|noted|metastatic))*\s+(?:in|within|involving|to)\s+(?:[a-z\d()/-]+\s+){{0,6}})$"
)
_NUMBER = r"(?:\d{1,3}|none|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]{3,6}teen|twenty(?:[\s-][a-z]+)?|thirty(?:[\s-][a-z]+)?)"
#: "0/21", "none of 14", "2 of 11"; never "1/2 inch" or a date
_COUNT = re.compile(
    rf"(?<![\d/.a-z])(?P<a>\d{{1,2}}|none|zero|one|two|three|four|five|six|seven|eight|nine|ten)\s*(?:\(\d{{1,2}}\)\s*)?(?:/|\b(?:out\s)?of\b|\bsur\b)\s*(?:the\s+)?(?P<b>{_NUMBER})(?![\d/.]\d|[a-z])"
    r"(?!\s?(?:inch|cm|mm|in\b|hpf|blocks?|cassettes?|slides?|cores?|pieces|fragments|levels?))"
)
#: a slash that a scanner read as a one: "lymph nodes (total): 0132"
_SLASH_LOST = re.compile(r"(?:\s?\([a-z ]{3,12}\))?\W{1,4}0[1il|]\d{2}\b")
#: who says so has looked at the nodes
_LOOKED_AT = re.compile(
    r"biops|excis|dissect|resect|\bfna\b|aspirat|tbna|\bstatus\b|\blevels?\b|\bstations?\b|sentinel|regional|\d\s?/\s?\d|\bof\b|specimen|sampl|cytolog|cell block|examined|"
    r"\d\s(?:[a-z]+\s)?(?:lymph\s)?nodes|number"
)
_REPORT = frozenset("specimen specimens microscopic pathologic pathological formalin cassette cassettes synoptic margin margins histologic frozen block cytologic".split())
_HEADS = re.compile(
    r"biops|\bbx\b|reveals?\b|shows?\b|excis|dissect|resect|\bfna\b|aspirat|tbna|cytolog|sampl|\blevels?\b|\bstations?\b|sentinel|lymph\s?nodes?\W*$|nodes?\W*$|ganglions?\W*$|\bpart\b|specimen"
)
#: what ends the reach of a node's name: another sentence part, another thing that is looked at
_LEADERS = re.compile(r"\.{2,}")
_ENDS = re.compile(r";|(?<!\.)\.\s|\bmargins?\b|\binvasion\b|\bextension\b|\bcapsul\w+|\bmarges?\b|\bperineural\b|\bthrombus\b|\bbut\b")
_DOUBTFUL = re.compile(r"\b(?:suspicious|suspect|atypical|favou?r|cannot|possible|versus|vs|rule out|r/o|concerning|if|whether|for evaluation|history of|h/o|known|clinical\w*)\b")
_FOLLOWS = re.compile(r"\W*(?:\d[.)]\s*)?(?:there (?:is|are|was|were)\s+|it is |they are |(?:one|two|three|all|the|this|these)\s+)?(?:no|negative|positive|benign|metasta|free|lymph|node|\d|one|two|three)")
_NODE = re.compile(r"nod|ganglion|\blns?\b|lymphknoten|klier")
#: what may stand between the nodes (or their heading's colon) and a tumour that is said to be in them
_LINK = re.compile(
    r"(?:\W|\d|\b(?:is|are|was|were|has|have|with|contain\w*|show\w*|reveal\w*|demonstrat\w*|consistent|as|a|an|the|of|all|both|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"lymph|nodes?|nodal|tissue|fragments?|present|positive|extensive\w*|focal\w*|partly|partially|largely|totally|completely|involved|replaced|infiltrated|by|for|tumou?r|cells?|histology|"
    r"suspicious|suspect|atypical|favou?r|possible|metastatic|carcinoma|adenocarcinoma|melanoma|cell|poorly|moderately|well|differentiated|invasive|ductal|lobular|squamous|small|large|neuroendocrine|medullary|urothelial|papillary|high|low|grade|i|ii|iii|iv|v|vi|l|r)\b)*"
)
_OF_ANOTHER = re.compile(r"\s+(?:to|in|within|involving|at)\s+(?!(?:either|any|all|the\s+(?:lymph|nodes?|\d)|lymph|nodes?|\d|one|two|three|these|this|those|of|its|section)\b)")
_NOT_ANSWERED = re.compile(r"\s?[:=]\s*(?:n/?a\b|not\b|unknown|cannot|[#~_?])")
#: the number or word behind "nodes involved:"
_ANSWER = re.compile(r"\s?[:=]\s*(?:(?P<no>0\b(?!\d|\.\d)|no\b|none\b|absent\b)|[1-9]\d?\b(?!\s?/))")
_OPENS = re.compile(r"\W*(?:there\b|no\b|negative|benign|metasta|positive)")
_MARK = re.compile(r"[a-z]{0,3}[\s,(]*(?:#?\d{1,2}[a-z]?|[ivx]+)?[\s)]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """Nodes that are free or involved; [start, end) is the evidence."""

    start: int
    end: int
    free: bool
    doubtful: bool = False


def statements(note: NoteText) -> list[Statement]:
    """Every statement of the note on lymph nodes, in the order of the text."""
    found: list[Statement] = []
    report = None
    done = -1
    for hit in note.hits.get(sites.FAMILY, ()):
        if hit.key != "lymph_node" or hit.start < done or not _NODE.search(note.folded, hit.start, hit.end):
            continue
        sentence = note.sentence_at(hit.start)
        if sentence.section in ("physical_exam", "imaging", "family_history"):
            continue
        if report is None:
            report = len(_REPORT & note.vocabulary) > 1
        listed = list(_listed(note, hit))
        statement = None if listed else _of(note, sentence, hit, report)
        found += [statement] if statement is not None else listed
        done = found[-1].end if found else done
    return found


def _of(note: NoteText, sentence: Sentence, hit: Hit, report: bool) -> Statement | None:
    folded = note.folded
    lead = folded[max(sentence.start, hit.start - 110) : hit.start]
    if re.search(r"\bif\b[^.;:]*$", lead):
        return None
    before = _BEFORE_NODES.search(lead)
    if before is not None:
        start = hit.start - len(lead) + before.start()
        doubt = _DOUBTFUL.search(lead, 0, before.start()) is not None
        if before["free"]:
            return Statement(start, hit.end, True)
        if not re.search(r"\b(?:no|not|without|negative|free)\b", lead[: before.end()]):
            return Statement(start, hit.end, False, doubt)
        return None
    item = _item(note, sentence, hit)
    window = folded[hit.end : item]
    heading = max(0, sentence.end + 1 - hit.end) if item > sentence.end else 0
    stop = _ENDS.search(window, heading)
    window = _LEADERS.sub(lambda m: ":" + " " * (len(m.group()) - 1), window[: stop.start()] if stop else window)
    return _counted(hit, window) or _verdict(note, sentence, hit, window, report) or _tissue(note, hit, heading, item)


#: one line of a list below "Lymph nodes:": "Subcarinal (7): 1/2"
_ITEM = re.compile(r"\n[ \t]*(?:[-*•][ \t]*)?(?P<name>[a-z][\w ().,#-]{1,40}?)\s?[:=-]\s?(?P<verdict>[^\n]{1,80})")
_ITS_COUNT = re.compile(r"\(?(?P<a>\d{1,2})\s?/\s?(?P<b>\d{1,3})(?![\d/])")


def _listed(note: NoteText, hit: Hit) -> Iterator[Statement]:
    """The stations that are listed under a heading, each with its count or verdict."""
    folded = note.folded
    if not re.match(r"\s?(?:\([^()\n]{1,30}\)\s?)?:?[ \t]*(?=\n)", folded[hit.end : hit.end + 40]):
        return
    at = folded.index("\n", hit.end)
    for _ in range(15):
        item = _ITEM.match(folded, at)
        if item is None:
            return
        count = _ITS_COUNT.match(item["verdict"])
        verdict = None if count else _VERDICT.match(item["verdict"])
        if count and int(count["a"]) <= int(count["b"]):
            yield Statement(item.start("name"), item.start("verdict") + count.end(), count["a"] == "0")
        elif verdict is not None and not verdict["unknown"]:
            free = verdict["free"] is not None or verdict["bare_free"] is not None
            yield Statement(item.start("name"), item.start("verdict") + verdict.end(), free)
        else:
            return
        at = item.end()


def _tissue(note: NoteText, hit: Hit, heading: int, item: int) -> Statement | None:
    """A heading that names a sampled node, and the tumour in the line below it."""
    if not heading or not re.search(r"biops|excis|dissect|\bfna\b|aspirat|tbna|cytolog", note.folded[hit.start : hit.end + heading]):
        return None
    for tumour in note.hits_between("histology", hit.end + heading, item)[:1]:
        lead = note.folded[hit.end + heading : tumour.start]
        if len(lead) < 60 and not re.search(r"\b(?:no|not|negative|without|benign|from|for)\b", lead):
            return Statement(hit.start, tumour.end, False, _DOUBTFUL.search(lead) is not None)
    return None


def _item(note: NoteText, sentence: Sentence, hit: Hit) -> int:
    """Where the item of a node's name ends: its sentence, and behind a heading the next one."""
    folded = note.folded
    reach = min(sentence.end, hit.end + 140)
    rest = folded[hit.end : sentence.end]
    following = sentence.next()
    if following is None or len(rest) > 110 or "\n\n" in note.text[sentence.end : following.start]:
        return reach
    begins = _FOLLOWS.match(following.folded) is not None
    if _HEADS.search(sentence.folded) and not _VERDICT.search(rest):
        others = any(h.key != "lymph_node" for h in sites.hits(note, following.start, following.end))
        if not others and (begins or note.text[following.start] in "-*•" or rest.rstrip(" -_\n").endswith(":") or rest.rstrip().endswith("-")):
            return min(following.end, sentence.end + 140)
    if begins and _MARK.fullmatch(rest.rstrip(".: ")) and _OPENS.match(following.folded):
        return min(following.end, sentence.end + 140)
    return reach


def _counted(hit: Hit, window: str) -> Statement | None:
    if lost := _SLASH_LOST.match(window):
        return Statement(hit.start, hit.end + lost.end(), True)
    for count in _COUNT.finditer(window):
        a, b = count["a"], count["b"]
        if a.isdigit() and b.isdigit() and int(a) > int(b):
            continue
        gap = window[: count.start()]
        none = a in ("0", "zero", "none")
        told = window[: count.end() + 40]
        negative = re.search(r"\b(?:negative|benign|free|uninvolved|no|without|sans)\b", told) is not None
        involved = re.search(r"positi|involve|metasta|carcinoma|tumou?r|malignan", told) is not None
        direct = re.search(r"[:)-]\s*$|\(\s*$", gap) is not None or not gap.strip(" s,")
        if none and (direct or involved or negative):
            return Statement(hit.start, hit.end + count.end(), True)
        if not none and negative and not re.search(r"positi|involve[sd]|metasta\w+\s+(?:\w+\s+){0,3}in\b", gap):
            return Statement(hit.start, hit.end + count.end(), True) if a == b else None
        if not none and (involved or (direct and ":" in gap and "/" in count.group())):
            return Statement(hit.start, hit.end + count.end(), False, _DOUBTFUL.search(gap) is not None)
    return None


def _verdict(note: NoteText, sentence: Sentence, hit: Hit, window: str, report: bool) -> Statement | None:
    folded = note.folded
    match = _VERDICT.search(window)
    if match is None or match["unknown"] is not None:
        return None
    gap = window[: match.start()]
    end = hit.end + match.end()
    if any(h.key != "lymph_node" and h.get("kind") == "secondary" for h in sites.hits(note, hit.end, hit.end + match.start())):
        return None  # "lymph nodes and multiple liver metastases"
    involved = match["involved"] or match["bare_involved"]
    if re.search(r"\bn?or\b", gap) or _NOT_ANSWERED.match(folded, end):
        return None
    if involved and not _LINK.fullmatch(re.split(r"[:\n]| - ", gap)[-1]):
        return None
    if match["free"] and _OF_ANOTHER.match(folded, end):
        return None
    if match["bare_free"] is not None or match["bare_involved"] is not None:
        item = folded[max(sentence.start, hit.start - 40) : hit.end] + window
        lead = folded[sentence.start : hit.start]
        opened = lead.count("(") > lead.count(")") or (folded[end : end + 1] == ")" and "(" not in gap)
        if opened:  # what a stage means: "C2 (invades fat, LN positive)"
            return None
        if not (report or _LOOKED_AT.search(item)):
            return None
    free = match["free"] is not None or match["bare_free"] is not None
    if (answer := _ANSWER.match(folded, end)) is not None:  # "nodes involved: 0"
        free, end = answer["no"] is not None, answer.end()
    if not free and re.search(r"\b(?:no|not|without|neither|sans)\b", gap):
        return None
    return Statement(hit.start, end, free, not free and _DOUBTFUL.search(gap) is not None)

