"""Groups the treatment names of a sentence into courses, each with the stretch of text that speaks of it.

A course is what a clinician writes as one thing: ``carbo/etop/atezo``, ``cisplatin 75 mg/m2 and etoposide``. Its
region runs from the end of what belongs to the treatment before it to the start of what belongs to the next one; all
details (cycles, line, status, dates) are read there and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..gated import Gated
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence

_DOSE = (
    r"(?:\(?\s*(?:auc\s*[=:]?\s*\d(?:\.\d)?(?:\s*[-–]\s*\d)?|(?:at |of )?[\d.,]+\s*(?:mg|g|mcg|µg|ug|gbq|mci|mu|iu|units?)\b"
    r"(?:\s*/\s*(?:m\s?2|m²|sqm|kg|day|d|body|m\^2|dose)\b)*)\s*\)?|\b(?!(?:19|20)\d\d\b)\d{2,4}\b(?!\s*[-/.]\s*\d)|\([a-z-]{2,14}\)|\(\s*[\d.,]+\s*(?:mg|g|mcg)\b[^()\n]{0,45}\)|\b(?:on )?d(?:ays?)?\s?\d(?:\s*[-–,]\s*\d+)*)"
)
#: what may stand between two drugs of one regimen: connectors, doses, days
_JOIN = re.compile(
    rf"(?:[\s,/+&<>-]|\b(?:inj|tab|cap)\b\.?|\b(?:and|plus|with|or|et|und|en|avec|mit|w/|in combination with|combined with|nor|hydrochloride|weekly|daily|iv|intravenous|po|"
    rf"then with|together with|chemotherapy|both|concurrent|concurrently with|maintenance|oral|(?:anti-)?pd-?l?1(?: (?:immune )?(?:checkpoint )?inhibitor| antibody)?|(?:immune )?checkpoint inhibitor|injection|the|any|other|further|prior|radiation to|c/w)\b|{_DOSE})*",
    re.IGNORECASE,
)
#: between the name of a class and the drugs that fill it ("chemotherapy consisting of cisplatin and etoposide")
_FILLED = re.compile(
    r"(?:[\s,/+&(:-]|\b(?:par|avec|associant|type|a base de|à base de|mit|bestehend aus|met|consisting|consisted|of|with|including|included|includes|using|comprising|regimens?|first|according to|based|on|"
    r"the|combination|combined|therapy|treatment|protocol|and|plus|a|an|was|were|followed|containing|namely|as|palliative|systemic|"
    r"intensive|agents?|x|up to|[1-9]|cycles?|given|by|started|multi-?agent|standard|weekly|oral|iv|intravenous|administered|initiated)\b"
    r"|\d{1,4} ?mg(?:/ ?m[2²])?)*",
    re.IGNORECASE,
)
#: between a drug and the name of its class or place ("nivolumab was given as third-line systemic therapy")
_AS = re.compile(
    r"(?:\s(?:was|were) (?:given|used|administered|initiated|started|begun|commenced|introduced|performed|chosen|selected|offered) (?=as\b))?"
    r"[\s,(-]*(?:(?:combination|based|doublet|according to|as|an?|the|combined|plus|and|with|(?:first|second|third|fourth|fifth|[1-5](?:st|nd|rd|th))[- ]line|"
    r"salvage|palliative|adjuvant|neoadjuvant|maintenance|induction)\b[\s,-]*)*"
)
_HARD = re.compile(
    r";|→|->|=>|—|(?i:\b(?:and then|then|puis|ensuite|anschliessend|danach|daarna|luego|poi|followed by|(?<!was )(?<!were )subsequently|but|thereafter|however|although|which was followed)\b)|"
    r"\n(?=[ \t]*(?:[-*•]|\d|[A-Z]{2,}\b|[A-Za-z][A-Za-z /]{0,20}:))|(?<!(?i:inj|tab|cap))(?<!\b(?:Mr|Ms|Dr|St))(?<!\bMrs)\.\s(?=[A-Z])|,\s(?=\d{1,2}\)\s)|\|"
)
_SOFT = re.compile(r",\s|\.\s|:\s|\)\s*|\bw/|\band\b|\bwith\b|\bbefore\b|\bafter\b|\bplus\b", re.IGNORECASE)
#: the cell of a table's row that dates the rest of it ("03/28/2024 - 06/20/2024 | carboplatin x 4")
_DATE_CELL = re.compile(r"[\s|]*(?:[A-Za-z]{3,9}\.? )?\d[\d/.,' -]{1,12}(?:\s?(?:-|–|to|until)\s?(?:[A-Za-z]{3,9}\.? )?(?:\d[\d/.,' -]{1,12}|present))?\s*")
#: where nothing stronger stands between two treatments: what follows the first of these is no longer the first one's
_WEAK = re.compile(r"\b(?:because|due to|at|for|in|on|from|during|while|when)\b", re.IGNORECASE)
_BEFORE_NEXT = re.compile(
    r"(?:\b(?:(?:\d{1,2}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve)(?: additional| more| further)? "
    r"(?:cycles?|courses?|doses?|rounds?|infusions?)(?: of)?|(?:first|second|third|fourth|fifth|[1-9](?:st|nd|rd|th)?)[- ]?(?:line|l)\b)"
    r"[^,;]{0,40})$",
    re.IGNORECASE,
)
#: a sentence without a treatment name that goes on about the last one
_CARRY_ON = re.compile(
    r"\s*[-–]?\s*(?:(?:the )?last (?:dose|infusion|cycle|given|course|chemotherapy|injection|treatment)|(?:this|it|these|treatment|therapy) (?:was|were|has|is)\b|"
    r"(?:(?:he|she|the patient|pt|mr \w+|mrs \w+) )?(?:stayed|remained|continued) on (?:both|it|this|them|treatment|the combination|study)\b|"
    r"(?:stopped|discontinued|completed|started|held|tolerated|finished|ended|declined|never started|not started|has not been given|c\d+ ?d\d+)\b|"
    r"date(?:s? of (?:the )?(?:surgery|operation|procedure|service|treatment))?\s?[:=]?\s?(?=\d|[a-z]{3,9}\.? \d)|"
    r"(?:first|best response|c1)\b[^.]{0,12}\d|(?:\w+ ){1,6}\d{1,3}(?:\.\d)? ?(?:c?gy|grays?)\b)",
    re.IGNORECASE,
)


_CYCLE_DAY = re.compile(r"\s*c\d+ ?d\d+\b", re.IGNORECASE)


@dataclass(frozen=True)
class Course:
    """Treatment names that belong together. ``left``/``right`` bound the text that speaks of them."""

    hits: tuple[Hit, ...]
    start: int
    end: int
    left: int
    right: int
    sentence: Sentence

    def before(self, text: str) -> str:
        return text[self.left : self.start]

    def after(self, text: str) -> str:
        return text[self.end : self.right]

#: the next item of a list, a drug of no interest that was stopped: "apixaban 5 mg, atorvastatin, amiodarone stopped in May"
_NEIGHBOUR = Gated(
    r"[,;]\s*(?!(?:it|now|then|since|last|was|were|both|all|treatment|therapy|chemo\w*|drugs?|pt|patient|they|doses?|cycles?|which|later|also|"
    r"self|recently|subsequently|progress\w*|toxicity|planned|ongoing|\w+ly)\b)[a-z][a-z-]{4,}(?:\s\d[\d.,]*\s?m?c?g)?\s(?:was\s)?"
    r"(?:stopped|discontinued|arretee?s?|suspendue?s?|abgesetzt|gestopt)\b"
)


def courses(view: NoteText, sentence: Sentence, hits: Sequence[Hit]) -> list[Course]:
    """The courses of a sentence in the order of the text.

    Two drugs are one course where only connectors, doses and days stand between them and neither is negated alone.
    """
    text = view.text
    groups: list[list[Hit]] = []
    for hit in hits:
        if groups and _joined(text[groups[-1][-1].end : hit.start], groups[-1][-1], hit):
            groups[-1].append(hit)
        else:
            groups.append([hit])
    found = []
    left = sentence.start
    for number, group in enumerate(groups):
        start, end = group[0].start, group[-1].end
        if number:
            left = max(left, _split(text, groups[number - 1][-1].end, start, behind=True))
        left = _last_hard(text, left, start)
        if number + 1 < len(groups):
            right = _split(text, end, groups[number + 1][0].start, behind=False)
        else:
            right = _extended(sentence, group)
        right = _first_hard(text, end, right)
        neighbour = _NEIGHBOUR.search(view.folded[end:right])
        right = end + neighbour.start() if neighbour else right
        found.append(Course(tuple(group), start, end, left, right, sentence))
        left = right
    return found


def _joined(gap: str, before: Hit, after: Hit) -> bool:
    if before.key == after.key and re.fullmatch(r"\s?\(|\s+on\s+|,\s*", gap):
        return True  # "I-DXd (ifinatamab deruxtecan"
    if len(gap) >= 60 or "\n-" in gap:
        return False
    if _JOIN.fullmatch(gap.removeprefix(")")) is not None:
        return True
    classes = ("unnamed", "regimen")
    if before.get("kind") in classes and after.get("kind") in (None, *classes):
        return _FILLED.fullmatch(gap) is not None or (before.get("kind") == "regimen" and _AS.fullmatch(gap) is not None)
    if before.get("kind") is None and after.get("kind") in classes:
        return _AS.fullmatch(gap) is not None
    return False


def _split(text: str, end: int, start: int, *, behind: bool) -> int:
    """Where the text of one course ends and that of the next begins, between ``end`` and ``start``."""
    gap = text[end:start]
    own = _BEFORE_NEXT.search(gap)
    if own:
        return end + own.start()
    hard = list(_HARD.finditer(gap))
    if hard:
        return end + (hard[-1].end() if behind else hard[0].start())
    soft = list(_SOFT.finditer(gap))
    if soft:
        return end + (soft[-1].start() + 1 if soft[-1].group()[0] in ",.:)" else soft[-1].start())
    weak = _WEAK.search(gap)
    return end + len(gap) if not gap.strip() else end + weak.start() if weak else end


def _last_hard(text: str, left: int, start: int) -> int:
    for match in _HARD.finditer(text, left, start):
        if match.group() != "|" or not _DATE_CELL.fullmatch(text, left, match.start()):
            left = match.end()
    return left


_PRONOUN = re.compile(
    r"[;,]?\s*(?:but\s+|however,?\s+|(?:and\s+)?then\s+(?=rechalleng|resum|restart|reiniti|stop|discont|held|declin))?(?:the\s+)?(?:it|was|were|had to be|this|which|these|never|not|has not|was not|veteran|patient|pt|he|she|now|last|stopped|"
    r"d/c|held|declined|refused|completed|rechallenged|resumed|restarted|reinitiated|discontinued|still|continues|insurance|prescription|currently|reduced|dose|(?:start|end|dates?|fractions?)(?=\s?(?:date\s?)?:)|c\d+ ?d\d+|\d+ ?mg)\b",
    re.IGNORECASE,
)


def _first_hard(text: str, end: int, right: int) -> int:
    """The first hard end behind a course, unless what follows it still speaks of the course."""
    for match in _HARD.finditer(text, end, right):
        if match.group() == "|" and _heads_row(text, end):
            continue
        if not _PRONOUN.match(text, match.end(), right) and not _PRONOUN.match(text, match.start(), right):
            return match.start()
    return right


#: ... behind the number of its line or cycle ("| 1L | topotecan | 06/2025")
_FIRST_CELL = re.compile(r"[\s|]*(?:(?:line|l|cycle|c|#)?\s?\d{1,2}(?:l|st|nd|rd|th)?(?: line)?\s*\|)?[^|\n]*", re.IGNORECASE)


def _heads_row(text: str, at: int) -> bool:
    """Is the treatment the first cell of a table's row, of which the other cells speak?"""
    stop = text.find("\n", at)
    begin, stop = text.rfind("\n", 0, at) + 1, len(text) if stop < 0 else stop
    return _FIRST_CELL.fullmatch(text, begin, at) is not None and text.count("|", at, stop) >= 2


#: the lines of a treatment summary behind the one that names the treatment
_SUMMARY = re.compile(r"\s*(?:(?:total |prescribed )?dose|fractions?|technique|energy|start(?: date)?|end(?: date)?|dates?)\s?:", re.IGNORECASE)


def is_dose_line(sentence: Sentence) -> bool:
    """Does the sentence tell the dose of the radiotherapy that the one before it names ("Dose: 30 Gy in 10 fractions")?"""
    before = sentence.previous()
    return (
        before is not None
        and _SUMMARY.match(sentence.text) is not None
        and all(hit.get("component") == "dose" for hit in sentence.hits("therapy"))
        and any(hit.get("kind") == "radiotherapy" for hit in before.hits("therapy"))
    )


def _extended(sentence: Sentence, hits: Sequence[Hit]) -> int:
    """End of the sentence, or of the next one where that goes on about the same treatment without naming it."""
    right = sentence.end
    current = sentence
    for _ in range(3):
        following = current.next()
        if following is None or following.start - current.end > 3:
            break
        named = following.hits("therapy")
        if named and not is_dose_line(following):
            if _CYCLE_DAY.match(following.text):  # "C3 D1 on 1 June, D8 irinotecan on 8 June": up to the next name
                right = named[0].start
            break
        summary = _SUMMARY.match(following.text) is not None and hits[-1].get("kind") == "radiotherapy"
        if following.section != sentence.section or not (summary or _CARRY_ON.match(following.text)):
            break
        right, current = following.end, following
    return right
